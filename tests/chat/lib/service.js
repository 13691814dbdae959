import { once } from 'node:events';
import { createServer } from 'node:http';
import { freePort } from '../../clients/lib/processes.js';

/** @typedef {{id: string, roomId: string, content: string, timestamp: number}} Message */
/** @typedef {{key: string, ids: string[], roomId: string, outcome: string}} Delivery */

/**
 * A Chat Service that records everything and fails as told. It stores a message once, whatever comes
 * again, and an answer for each Idempotency-Key.
 */
export class ChatService {
  /** All that arrived, whatever became of it. @type {Delivery[]} */
  deliveries = [];
  /** What is stored, by room, in the order of its arrival. @type {Map<string, Map<string, Message>>} */
  rooms = new Map();
  /** How often each message arrived in a delivery that was stored. @type {Map<string, number>} */
  arrivals = new Map();
  /** Rooms of which two deliveries were under way at once. @type {string[]} */
  races = [];
  pages = 0;
  /** Pages of history that were refused. */
  refusedPages = 0;
  #mode = { kind: 'ok' };
  #underWay = new Map();
  #hanging = new Set();
  #server = null;
  #sockets = new Set();

  /** @param {number} port */
  constructor(port) {
    this.port = port;
  }

  /** @param {{after: (work: () => unknown) => void}} t */
  static async start(t) {
    const service = new ChatService(await freePort());
    await service.run();
    t.after(() => service.stop());
    return service;
  }

  get url() {
    return `http://127.0.0.1:${this.port}`;
  }

  /** Listens, for the first time or again. What was stored is still there. */
  async run() {
    this.#server = createServer((request, response) => this.#serve(request, response));
    this.#server.on('connection', (socket) => {
      this.#sockets.add(socket);
      socket.on('close', () => this.#sockets.delete(socket));
    });
    this.#server.listen(this.port, '127.0.0.1');
    await once(this.#server, 'listening');
  }

  /** Dies without a word. */
  async stop() {
    const server = this.#server;
    if (!server) return;
    this.#server = null;
    const closed = once(server, 'close');
    server.close();
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }

  /** Answers as it should. */
  heal() {
    this.#mode = { kind: 'ok' };
    for (const release of this.#hanging) release();
    this.#hanging.clear();
  }

  /** Answers everything with a status. @param {number} status @param {Record<string, string>} [headers] */
  answer(status, headers = {}) {
    this.#mode = { kind: 'status', status, headers };
  }

  /** Takes requests and does not answer. */
  hang() {
    this.#mode = { kind: 'hang' };
  }

  /** Stores, and breaks the connection before it has answered. */
  forgetToAnswer() {
    this.#mode = { kind: 'mute' };
  }

  /** Refuses deliveries with such a message. @param {(message: Message) => boolean} isPoison */
  refuse(isPoison) {
    this.#mode = { kind: 'refuse', isPoison };
  }

  /** Takes its time. @param {number} ms */
  slow(ms) {
    this.#mode = { kind: 'slow', ms };
  }

  /** @param {string} roomId @returns {Message[]} in the order in which they were stored */
  stored(roomId) {
    return [...(this.rooms.get(roomId)?.values() ?? [])];
  }

  get count() {
    let count = 0;
    for (const room of this.rooms.values()) count += room.size;
    return count;
  }

  /** Messages that were stored more than once, had the service not known them. */
  get repeated() {
    return [...this.arrivals.values()].filter((count) => count > 1).length;
  }

  async #serve(request, response) {
    const chunks = [];
    try {
      for await (const chunk of request) chunks.push(chunk);
    } catch {
      return;
    }
    const url = new URL(request.url, this.url);
    const send = (status, body, headers = {}) => {
      if (response.destroyed) return;
      response.writeHead(status, { 'content-type': 'application/json', ...headers });
      response.end(JSON.stringify(body));
    };
    const { kind, status, headers, ms } = this.#mode;
    const page = /^\/internal\/rooms\/([^/]+)\/messages$/.exec(url.pathname);
    if (kind === 'hang') await new Promise((release) => {
      this.#hanging.add(release);
      request.socket.once('close', release);
    });
    if (kind === 'slow') await new Promise((resolve) => setTimeout(resolve, ms));
    if (kind === 'status') {
      if (page) this.refusedPages += 1;
      else this.#note(request, Buffer.concat(chunks), `${status}`);
      return send(status, { error: 'told to' }, headers);
    }
    if (page && request.method === 'GET') return this.#page(decodeURIComponent(page[1]), url.searchParams, send);
    if (request.method !== 'POST' || url.pathname !== '/internal/messages') return send(404, { error: 'no such thing' });
    if (kind === 'hang' && request.socket.destroyed) return undefined;
    return this.#take(request, response, Buffer.concat(chunks), send);
  }

  #note(request, body, outcome) {
    const { messages } = JSON.parse(body.toString());
    const delivery = {
      key: request.headers['idempotency-key'], ids: messages.map(({ id }) => id), roomId: messages[0].roomId, outcome,
    };
    this.deliveries.push(delivery);
    return { delivery, messages };
  }

  async #take(request, response, body, send) {
    const { delivery, messages } = this.#note(request, body, 'stored');
    const { kind, isPoison, ms } = this.#mode;
    const { roomId } = delivery;
    if (this.#underWay.get(roomId)) this.races.push(roomId);
    this.#underWay.set(roomId, true);
    // Long enough for another delivery of the same room to arrive, were there one.
    await new Promise((resolve) => setTimeout(resolve, kind === 'slow' ? ms : 1));
    this.#underWay.delete(roomId);
    if (kind === 'refuse' && messages.some(isPoison)) {
      delivery.outcome = 'refused';
      return send(400, { error: 'not this one' });
    }
    for (const message of messages) this.#store(message);
    if (kind === 'mute') return response.destroy();
    return send(201, { stored: messages.length });
  }

  #store(message) {
    const room = this.rooms.get(message.roomId) ?? new Map();
    this.rooms.set(message.roomId, room);
    this.arrivals.set(message.id, (this.arrivals.get(message.id) ?? 0) + 1);
    if (!room.has(message.id)) room.set(message.id, message);
  }

  #page(roomId, query, send) {
    this.pages += 1;
    const before = query.get('before');
    const all = this.stored(roomId).sort((a, b) => (a.id < b.id ? -1 : 1));
    const older = before ? all.filter(({ id }) => id < before) : all;
    send(200, { messages: older.slice(-Number(query.get('limit'))) });
  }
}
