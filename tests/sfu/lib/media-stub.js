import { randomUUID } from 'node:crypto';
import { StandIn } from './stand-in.js';
import { DTLS_PARAMETERS, ICE_CANDIDATES, ICE_PARAMETERS, ROUTER_CAPABILITIES, SCTP_PARAMETERS } from './parameters.js';

const BROADCASTER = '/rooms/:roomId/broadcasters/:peerId';

/** The HTTP API of a Media Service. @type {[string, string, string][]} */
const ROUTES = [
  ['livez', 'GET', '/livez'],
  ['readyz', 'GET', '/readyz'],
  ['capabilities', 'GET', '/rooms/:roomId'],
  ['createBroadcaster', 'POST', '/rooms/:roomId/broadcasters'],
  ['deleteBroadcaster', 'DELETE', BROADCASTER],
  ['createTransport', 'POST', `${BROADCASTER}/transports`],
  ['connectTransport', 'POST', `${BROADCASTER}/transports/:transportId/connect`],
  ['restartIce', 'POST', `${BROADCASTER}/transports/:transportId/restart-ice`],
  ['produce', 'POST', `${BROADCASTER}/transports/:transportId/producers`],
  ['consume', 'POST', `${BROADCASTER}/transports/:transportId/consume`],
  ['resumeConsumer', 'POST', `${BROADCASTER}/consumers/:consumerId/resume`],
  ['pauseProducer', 'POST', `${BROADCASTER}/producers/:producerId/pause`],
  ['resumeProducer', 'POST', `${BROADCASTER}/producers/:producerId/resume`],
  ['closeProducer', 'DELETE', `${BROADCASTER}/producers/:producerId`],
];

/** An error as the service answers it. */
class Refused extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

/**
 * A real HTTP server in the place of a Media Service: it keeps rooms, broadcasters, transports,
 * producers and consumers, and no media.
 */
export class MediaStub extends StandIn {
  /** Room id → peer id → what the broadcaster has. @type {Map<string, Map<string, any>>} */
  rooms = new Map();
  /** Makes the ids it gives away. @type {(what: string) => string} */
  makeId = (what) => `${what}-${randomUUID()}`;
  /** In place of the usual answer to a route: the text of a JSON object. @type {Map<string, (id: string) => string>} */
  texts = new Map();

  constructor(host) {
    super(ROUTES, host);
  }

  /** Ends with the test. @param {{after: (work: () => unknown) => void}} t @param {string} [host] */
  static async start(t, host) {
    const stub = new MediaStub(host);
    await stub.open();
    t.after(() => stub.close());
    return stub;
  }

  /** Loses all it knew, as a process that is restarted. */
  forget() {
    this.rooms = new Map();
  }

  /** Whether it has something of that peer, in any room. @param {string} peerId */
  knows(peerId) {
    return [...this.rooms.values()].some((room) => room.has(peerId));
  }

  answer(seen) {
    try {
      const body = seen.body ? parsed(seen.body) : {};
      const { id = '', text } = this[`_${seen.route}`](seen.params, body, seen);
      return { text: this.texts.get(seen.route)?.(id) ?? text };
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      return { status: error.status, text: JSON.stringify({ code: 'refused', message: error.message }) };
    }
  }

  #room({ roomId }) {
    return found(this.rooms.get(roomId), 'room');
  }

  #broadcaster(params) {
    return found(this.#room(params).get(params.peerId), 'broadcaster');
  }

  _unknown() {
    throw new Refused(404, 'no such route');
  }

  _livez() {
    return say({});
  }

  _readyz() {
    return say({});
  }

  _capabilities(params) {
    this.#room(params);
    return say(ROUTER_CAPABILITIES);
  }

  _createBroadcaster({ roomId }, { id }) {
    if (typeof id !== 'string' || !id) throw new Refused(400, 'a broadcaster has an id');
    if (!this.rooms.has(roomId)) this.rooms.set(roomId, new Map());
    const room = this.rooms.get(roomId);
    if (room.has(id)) throw new Refused(409, 'the broadcaster exists already');
    const peers = [...room].map(([peerId, { producers }]) => ({
      id: peerId, displayName: '', producers: [...producers].map(([producerId, { kind }]) => ({ id: producerId, kind })),
    }));
    room.set(id, { transports: new Map(), producers: new Map(), consumers: new Map() });
    return say({ peers });
  }

  _deleteBroadcaster(params) {
    const { producers } = this.#broadcaster(params);
    const room = this.#room(params);
    for (const producerId of producers.keys()) closeConsumers(room, producerId);
    room.delete(params.peerId);
    if (room.size === 0) this.rooms.delete(params.roomId);
    return say({});
  }

  _createTransport(params, { type, direction, sctpCapabilities }) {
    const { transports } = this.#broadcaster(params);
    if (type !== 'webrtc' || !['send', 'recv'].includes(direction)) throw new Refused(400, 'a transport has a type and a direction');
    const id = this.makeId('transport');
    transports.set(id, { direction, connected: false });
    const sctp = sctpCapabilities ? { sctpParameters: SCTP_PARAMETERS } : {};
    return say({ id, iceParameters: ICE_PARAMETERS, iceCandidates: ICE_CANDIDATES, dtlsParameters: DTLS_PARAMETERS, ...sctp });
  }

  _connectTransport(params, { dtlsParameters }) {
    const transport = found(this.#broadcaster(params).transports.get(params.transportId), 'transport');
    if (!dtlsParameters) throw new Refused(400, 'dtlsParameters are missing');
    if (transport.connected) throw new Refused(409, 'the transport is connected already');
    transport.connected = true;
    return say({});
  }

  _restartIce(params) {
    found(this.#broadcaster(params).transports.get(params.transportId), 'transport');
    return say({ iceParameters: { ...ICE_PARAMETERS, usernameFragment: randomUUID() } });
  }

  _produce(params, { kind, rtpParameters }) {
    const { transports, producers } = this.#broadcaster(params);
    found(transports.get(params.transportId), 'transport');
    if (!rtpParameters) throw new Refused(400, 'rtpParameters are missing');
    const id = this.makeId('producer');
    producers.set(id, { kind, rtpParameters, paused: false });
    return say({ id });
  }

  _consume(params, { rtpCapabilities }, { query }) {
    const { transports, consumers } = this.#broadcaster(params);
    found(transports.get(params.transportId), 'transport');
    if (!rtpCapabilities) throw new Refused(400, 'rtpCapabilities are missing');
    const producerId = query.get('producerId');
    const owner = [...this.#room(params).values()].find(({ producers }) => producers.has(producerId));
    const { kind, rtpParameters } = found(owner?.producers.get(producerId), 'producer');
    const id = this.makeId('consumer');
    consumers.set(id, { producerId, paused: true });
    return say({ id, producerId, kind, rtpParameters, type: 'simple' });
  }

  _resumeConsumer(params) {
    found(this.#broadcaster(params).consumers.get(params.consumerId), 'consumer').paused = false;
    return say({});
  }

  _pauseProducer(params) {
    found(this.#broadcaster(params).producers.get(params.producerId), 'producer').paused = true;
    return say({});
  }

  _resumeProducer(params) {
    found(this.#broadcaster(params).producers.get(params.producerId), 'producer').paused = false;
    return say({});
  }

  _closeProducer(params) {
    const { producers } = this.#broadcaster(params);
    found(producers.get(params.producerId), 'producer');
    producers.delete(params.producerId);
    closeConsumers(this.#room(params), params.producerId);
    return say({});
  }
}

function closeConsumers(room, producerId) {
  for (const { consumers } of room.values()) {
    for (const [id, consumer] of consumers) if (consumer.producerId === producerId) consumers.delete(id);
  }
}

function parsed(body) {
  try {
    return JSON.parse(body);
  } catch {
    throw new Refused(400, 'the body is not JSON');
  }
}

function found(thing, what) {
  if (!thing) throw new Refused(404, `no such ${what}`);
  return thing;
}

const say = (object) => ({ id: object.id, text: JSON.stringify(object) });
