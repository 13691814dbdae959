import { once } from 'node:events';
import { WebSocket } from 'ws';
import { until, within } from './wait.js';

/** A WebSocket that speaks Engine.IO by hand, for what no client library would send. */
export class RawSocket {
  /** Text frames and, as Buffers, binary ones; without pings. @type {(string | Buffer)[]} */
  frames = [];
  closed = false;

  /**
   * @param {import('./gateway.js').Gateway | import('./proxy.js').Proxy} gateway or a proxy before it
   * @param {{token?: string, headers?: Record<string, string>, query?: string, agent?: import('node:http').Agent}} [options]
   */
  constructor(gateway, { token, headers = {}, query = 'EIO=4&transport=websocket', agent } = {}) {
    const all = token ? { cookie: `access_token=${token}`, ...headers } : headers;
    const way = gateway.next();
    this.node = way.node ?? way;
    this.ws = new WebSocket(`ws://127.0.0.1:${way.port}/socket.io/?${query}`, { headers: all, agent });
    this.ws.on('message', (data, isBinary) => this.#receive(data, isBinary));
    this.ws.on('close', (code) => Object.assign(this, { closed: true, code }));
    this.ws.on('error', () => {});
  }

  /** Opens and enters the namespace. */
  static async connected(gateway, options) {
    const raw = new RawSocket(gateway, options);
    await raw.frame((text) => text.startsWith('0{'));
    raw.ws.send('40');
    await raw.frame((text) => text.startsWith('40{'));
    return raw;
  }

  #receive(data, isBinary) {
    if (isBinary) return this.frames.push(data);
    const text = data.toString();
    if (text === '2') return this.ws.send('3');
    return this.frames.push(text);
  }

  /** @param {string | Buffer} frame */
  send(frame) {
    this.ws.send(frame);
  }

  /** The first text frame, past or to come, that fits. @param {(text: string) => boolean} fits */
  frame(fits) {
    return until(() => {
      const found = this.frames.find((frame) => typeof frame === 'string' && fits(frame));
      if (found === undefined && this.closed) throw new Error(`closed with ${this.code} after ${this.frames}`);
      return found;
    }, 'a frame arrives');
  }

  /** Emits with an ack id and returns the parsed arguments of the ack. */
  async ask(id, text) {
    this.send(`42${id}${text}`);
    const frame = await this.frame((candidate) => candidate.startsWith(`43${id}[`));
    return JSON.parse(frame.slice(`43${id}`.length))[0];
  }

  async ended() {
    if (!this.closed) await within(once(this.ws, 'close'), 'the raw connection to end');
    return this.code;
  }

  close() {
    this.ws.terminate();
  }
}

/** Engine.IO by polling, each request by hand. */
export class RawPolling {
  /** @type {string[]} */
  frames = [];

  /** @param {import('./gateway.js').Gateway} gateway @param {string} [token] */
  constructor(gateway, token) {
    this.node = gateway.next();
    this.headers = token ? { cookie: `access_token=${token}` } : {};
  }

  /** Opens the Engine.IO session, and no more. */
  static async opened(gateway, token) {
    const raw = new RawPolling(gateway, token);
    await raw.poll();
    raw.sid = JSON.parse(raw.frames.shift().slice(1)).sid;
    return raw;
  }

  /** Opens and enters the namespace. */
  static async connected(gateway, token) {
    const raw = await RawPolling.opened(gateway, token);
    await raw.send('40');
    await raw.frame((text) => text.startsWith('40{'));
    return raw;
  }

  #request(method, body) {
    const session = this.sid ? `&sid=${this.sid}` : '';
    const headers = body ? { ...this.headers, 'content-type': 'text/plain', 'content-length': Buffer.byteLength(body) } : this.headers;
    return this.node.http(`/socket.io/?EIO=4&transport=polling${session}`, { method, headers, body });
  }

  /** Polls once, and returns the status. */
  async poll() {
    const { status, text } = await this.#request('GET');
    if (status === 200) this.frames.push(...text.split('\x1e'));
    return status;
  }

  /** @param {string} frame */
  send(frame) {
    return this.#request('POST', frame);
  }

  /** The first frame, past or to come, that fits. @param {(text: string) => boolean} fits */
  async frame(fits) {
    for (;;) {
      const found = this.frames.find(fits);
      if (found !== undefined) return found;
      const status = await this.poll();
      if (status !== 200) throw new Error(`a poll was answered ${status} after ${this.frames}`);
    }
  }

  /** Emits with an ack id and returns the parsed arguments of the ack. */
  async ask(id, text) {
    await this.send(`42${id}${text}`);
    const frame = await this.frame((candidate) => candidate.startsWith(`43${id}[`));
    return JSON.parse(frame.slice(`43${id}`.length))[0];
  }

  /** Moves the session to a WebSocket, without another poll. @param {import('./proxy.js').Proxy} [way] if not straight */
  async upgraded(way = this.node) {
    const raw = new RawSocket(way, { headers: this.headers, query: `EIO=4&transport=websocket&sid=${this.sid}` });
    await within(once(raw.ws, 'open'), 'the WebSocket to open');
    raw.send('2probe');
    await raw.frame((text) => text === '3probe');
    raw.send('5');
    return raw;
  }
}

/**
 * The HTTP status that answers a WebSocket handshake; 101 when it succeeds.
 * @param {import('./gateway.js').Gateway} gateway
 * @param {Record<string, string>} headers
 * @param {string} [path]
 * @returns {Promise<number>}
 */
export function handshakeStatus(gateway, headers, path = '/socket.io/?EIO=4&transport=websocket') {
  const ws = new WebSocket(`ws://127.0.0.1:${gateway.port}${path}`, { headers });
  const status = new Promise((resolve, reject) => {
    ws.on('unexpected-response', (_, res) => resolve(res.statusCode));
    ws.on('open', () => resolve(101));
    ws.on('error', reject);
  });
  return within(status, 'an answer to the handshake').finally(() => ws.terminate());
}
