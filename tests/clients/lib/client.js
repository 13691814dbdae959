import { randomUUID } from 'node:crypto';
import io2 from 'socket.io-client-2';
import { io as io3 } from 'socket.io-client-3';
import { io as io4 } from 'socket.io-client-4';
import msgpackParser from 'socket.io-msgpack-parser';
import { Recorder } from './recorder.js';
import { until, within } from './wait.js';

/**
 * @typedef {object} Kind which client, and how it reaches the gateway
 * @property {2 | 3 | 4} version
 * @property {'websocket' | 'polling' | 'upgrade'} transport
 * @property {'msgpack'} [parser]
 */

/**
 * @typedef {object} Options
 * @property {Kind} [kind]
 * @property {import('./proxy.js').Proxy} [via] what stands between it and its gateway
 * @property {string} [sub]
 * @property {string} [username]
 * @property {string | null} [token] sent as cookie; null sends none
 * @property {Record<string, unknown>} [auth]
 * @property {Record<string, string>} [headers]
 * @property {(socket: any, recorder: Recorder) => void} [prepare] called before anything can arrive
 */

const FACTORIES = { 2: io2, 3: io3, 4: io4 };
const TRANSPORTS = { websocket: ['websocket'], polling: ['polling'], upgrade: ['polling', 'websocket'] };

/** @type {Kind} */
export const DEFAULT_KIND = { version: 4, transport: 'websocket' };

/** Every client version by every transport. @type {Kind[]} */
export const PLAIN_KINDS = [4, 3, 2].flatMap((version) =>
  ['websocket', 'polling', 'upgrade'].map((transport) => ({ version, transport })));

/** The binary parser, which newer gateways' clients may use. @type {Kind[]} */
export const MSGPACK_KINDS = ['websocket', 'polling', 'upgrade'].map((transport) =>
  ({ version: 4, transport, parser: 'msgpack' }));

/** @param {Kind} kind */
export function kindName({ version, transport, parser }) {
  const path = transport === 'upgrade' ? 'polling, then upgrade' : `${transport} only`;
  return `client ${version}, ${path}${parser ? `, ${parser}` : ''}`;
}

export class Client {
  /** Set by the first successful join. */
  peerId = '';
  resumeToken = '';

  /** @param {any} socket @param {Kind} kind @param {Recorder} recorder */
  constructor(socket, kind, recorder, userId, username) {
    Object.assign(this, { socket, kind, recorder, userId, username });
  }

  get engine() {
    return this.socket.io.engine;
  }

  /** What others see of this client. */
  get asPeer() {
    return { id: this.peerId, userId: this.userId, userInfo: { username: this.username } };
  }

  /** Emits with an acknowledgement, waits for it, and records it. */
  async ask(event, ...args) {
    if (!this.socket.connected) throw new Error(`${this.username} is not connected`);
    let lost;
    const answer = new Promise((resolve, reject) => {
      lost = (reason) => reject(new Error(`${this.username} lost its connection (${reason}) before the ack of "${event.slice(0, 40)}"`));
      this.socket.on('disconnect', lost);
      this.socket.emit(event, ...args, (...acks) => {
        this.recorder.add(`ack ${event}`, acks);
        this.node?.contract?.answered(event, args, acks, this.username);
        resolve(acks[0]);
      });
    });
    try {
      return await within(answer, () => `the ack of "${event.slice(0, 40)}" at ${this.username}; saw ${this.recorder.summary()}`);
    } finally {
      this.socket.off('disconnect', lost);
    }
  }

  /** Emits without an acknowledgement. */
  send(event, ...args) {
    this.socket.emit(event, ...args);
  }

  /** @param {string} event @param {(payload: any) => boolean} [matches] @param {number} [mark] */
  event(event, matches, mark) {
    return this.recorder.wait(event, matches, mark);
  }

  mark() {
    return this.recorder.mark();
  }

  async disconnected() {
    await within(this.ended, `the end of ${this.username}'s connection`);
  }

  /** Leaves properly. */
  close() {
    this.socket.disconnect();
  }

  /** Breaks the WebSocket without a word to the other side. */
  terminate() {
    this.engine.transport.ws.terminate();
  }
}

function recordEverything(socket, version, recorder, contract) {
  const record = (event, ...args) => {
    contract?.heard(event, args, recorder.owner);
    recorder.add(event, args);
  };
  if (version === 2) {
    const original = socket.onevent;
    socket.onevent = function onevent(packet) {
      record(...packet.data);
      original.call(this, packet);
    };
    return;
  }
  socket.onAny(record);
}

/** @param {string} url @param {Options} options */
function openSocket(url, options) {
  const { version, transport, parser } = options.kind ?? DEFAULT_KIND;
  const headers = { ...options.headers };
  if (options.token !== null) headers.cookie = `access_token=${options.token}`;
  const socket = FACTORIES[version](url, {
    forceNew: true,
    reconnection: false,
    autoConnect: false,
    transports: TRANSPORTS[transport],
    extraHeaders: headers,
    ...(options.ca ? { ca: options.ca } : {}),
    ...(options.auth ? { auth: options.auth } : {}),
    ...(parser ? { parser: msgpackParser } : {}),
  });
  return socket;
}

/** Resolves when connected; rejects with what the client was told. */
function opened(socket, version) {
  return new Promise((resolve, reject) => {
    const refuse = (error) => {
      const message = typeof error === 'string' ? error : error?.message;
      reject(Object.assign(new Error(message), { refused: true }));
    };
    socket.once('connect', resolve);
    socket.once('connect_error', refuse);
    if (version === 2) socket.once('error', refuse);
    // A refusal closes the connection too, before it is told: let it be told first.
    const closed = (reason) => reject(new Error(`the connection was closed before it was accepted: ${reason}`));
    socket.io.once('close', (reason) => setImmediate(closed, reason));
  });
}

async function upgraded(client) {
  await until(() => client.engine.transport.name === 'websocket', 'the transport is upgraded');
}

/**
 * Connects one client; it is closed when the test ends.
 * @param {{after: (work: () => void) => void}} t
 * @param {import('./gateway.js').Gateway} gateway
 * @param {Options} [options]
 */
export async function connect(t, gateway, options = {}) {
  const node = options.via?.node ?? gateway.next();
  const kind = options.kind ?? DEFAULT_KIND;
  const sub = options.sub ?? `user-${randomUUID()}`;
  const username = options.username ?? `name of ${sub}`;
  const token = options.token === undefined ? await gateway.identity.token({ sub, username }) : options.token;
  const socket = openSocket((options.via ?? node).url, { ...options, kind, token, ca: node.ca });
  const recorder = new Recorder(username);
  const client = new Client(socket, kind, recorder, sub, username);
  client.node = node;
  recordEverything(socket, kind.version, recorder, node.contract);
  client.ended = new Promise((resolve) => socket.on('disconnect', resolve));
  options.prepare?.(socket, recorder);
  t.after(() => client.close());
  const open = opened(socket, kind.version);
  socket.open();
  await within(open, `${kindName(kind)} to connect`);
  if (kind.transport === 'upgrade') await upgraded(client);
  return client;
}

/**
 * Expects the gateway to refuse, and returns the message the client was given.
 * @param {{after: (work: () => void) => void}} t
 * @param {import('./gateway.js').Gateway} gateway
 * @param {Options} options
 * @returns {Promise<string>}
 */
export async function refusal(t, gateway, options) {
  try {
    await connect(t, gateway, options);
  } catch (error) {
    if (error.refused) return error.message;
    throw error;
  }
  throw new Error('the gateway accepted a client it must refuse');
}
