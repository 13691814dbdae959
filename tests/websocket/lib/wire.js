import { WebSocket } from 'ws';
import { Recorder } from '../../clients/lib/recorder.js';
import { until, within } from '../../clients/lib/wait.js';

/**
 * @typedef {object} WireOptions
 * @property {string} [token] sent as cookie
 * @property {Record<string, string>} [headers]
 * @property {string[]} [protocols] subprotocols
 * @property {string} [owner] named in failures
 * @property {boolean} [autoPong] false: pings stay unanswered
 * @property {any[]} [first] frames that are sent as soon as the connection is open
 */

/** A WebSocket of JSON frames, and everything that came over it, each frame under its `type`. */
export class Wire {
  /** @type {{code: number, reason: string} | null} */
  closed = null;
  /** Payloads of the server's pings and pongs. @type {string[]} */
  pings = [];
  pongs = [];
  /** Frames as they were written. @type {string[]} */
  texts = [];

  /** @param {{port: number}} way a gateway, or a proxy before one @param {string} path @param {WireOptions} options */
  constructor(way, path, { token, headers = {}, protocols = [], owner = path, autoPong = true, first = [] } = {}) {
    this.frames = new Recorder(owner);
    this.path = path;
    this.contract = (way.node ?? way).contract;
    const all = token ? { cookie: `access_token=${token}`, ...headers } : headers;
    this.ws = new WebSocket(`ws://127.0.0.1:${way.port}${path}`, protocols, { headers: all, perMessageDeflate: false, autoPong });
    this.ws.on('open', () => first.forEach((frame) => this.send(frame)));
    this.ws.on('message', (data, isBinary) => this.#receive(data, isBinary));
    this.ws.on('ping', (data) => this.pings.push(data.toString()));
    this.ws.on('pong', (data) => this.pongs.push(data.toString()));
    this.ws.on('error', (error) => (this.error = error));
    this.ended = new Promise((resolve) => this.ws.on('close', (code, reason) => {
      this.closed = { code, reason: reason.toString() };
      resolve(this.closed);
    }));
    this.opened = this.#opened();
  }

  /** Opens one that ends with the test. @param {{after: (work: () => void) => void}} t */
  static async open(t, gateway, path, options) {
    const wire = new Wire(gateway.next(), path, options);
    t.after(() => wire.ws.terminate());
    await within(wire.opened, `${path} to open`);
    return wire;
  }

  /** Resolves when it is open; rejects with the `answer` of a server that refuses. */
  #opened() {
    const opened = new Promise((resolve, reject) => {
      this.ws.once('open', resolve);
      this.ws.once('error', reject);
      this.ws.once('unexpected-response', (_, response) => {
        const chunks = [];
        response.on('data', (chunk) => chunks.push(chunk));
        response.on('end', () => {
          const { statusCode: status, headers } = response;
          const answer = { status, headers, text: Buffer.concat(chunks).toString() };
          reject(Object.assign(new Error(`${this.path} was answered ${status} ${answer.text}`), { answer }));
        });
      });
    });
    opened.catch(() => {});
    return opened;
  }

  #receive(data, isBinary) {
    if (isBinary) {
      this.frames.add('binary', [data]);
      return;
    }
    this.texts.push(data.toString());
    const frame = JSON.parse(data.toString());
    this.contract?.frame(this.path, frame, this.frames.owner);
    this.frames.add(frame.type, [frame]);
  }

  /** @param {any} frame an object, or text as it is */
  send(frame) {
    this.ws.send(typeof frame === 'string' ? frame : JSON.stringify(frame));
  }

  /** The first frame of a type, past or to come. */
  frame(type, fits, mark) {
    const lost = this.ended.then(({ code, reason }) => {
      throw new Error(`${this.path} closed with ${code} "${reason}" before "${type}"; saw ${this.frames.summary(mark)}`);
    });
    lost.catch(() => {});
    return Promise.race([this.frames.wait(type, fits, mark), lost]);
  }

  /** The first frame of one of these types, past or to come. @param {string[]} types @param {number} [mark] */
  either(types, mark = 0) {
    return until(() => this.frames.since(mark).find(({ event }) => types.includes(event))?.args[0], `${types.join(' or ')} at ${this.path}`);
  }

  /** Sends, and returns the next error. @param {any} frame */
  async refusal(frame) {
    const mark = this.frames.mark();
    this.send(frame);
    return this.frame('error', undefined, mark);
  }

  /** The close code. */
  async code() {
    return (await within(this.ended, () => `${this.path} to be closed; it saw ${this.frames.summary()}`)).code;
  }
}

/**
 * Expects the handshake to be refused, and returns the answer.
 * @param {{after: (work: () => void) => void}} t
 * @returns {Promise<{status: number, headers: Record<string, string>, text: string}>}
 */
export async function refusedAnswer(t, gateway, path, options) {
  try {
    await Wire.open(t, gateway, path, options);
  } catch (error) {
    if (error.answer) return error.answer;
    throw error;
  }
  throw new Error(`${path} was opened, and must not be`);
}
