import { createHash, randomBytes } from 'node:crypto';
import { connect } from 'node:net';
import { until } from '../../clients/lib/wait.js';

/** What RFC 6455 section 1.3 adds to a key. */
const GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';

export const OPCODE = { continuation: 0x0, text: 0x1, binary: 0x2, close: 0x8, ping: 0x9, pong: 0xa };

/**
 * @typedef {object} Shape of a frame, where it is not as RFC 6455 section 5.2 wants it for what is sent
 * @property {boolean} [fin]
 * @property {number} [rsv] the three reserved bits
 * @property {boolean} [masked]
 * @property {number | bigint} [length] the length that is announced
 */

/** A frame, byte by byte. @param {number} opcode @param {Buffer | string} [content] @param {Shape} [shape] */
export function frame(opcode, content = '', { fin = true, rsv = 0, masked = true, length } = {}) {
  const payload = Buffer.from(content);
  const said = BigInt(length ?? payload.length);
  const mask = masked ? 0x80 : 0;
  const head = [(fin ? 0x80 : 0) | (rsv << 4) | opcode];
  if (said < 126n) head.push(mask | Number(said));
  else if (said < 65_536n) head.push(mask | 126, Number(said >> 8n), Number(said & 0xffn));
  else {
    const wide = Buffer.alloc(8);
    wide.writeBigUInt64BE(said);
    head.push(mask | 127, ...wide);
  }
  if (!masked) return Buffer.concat([Buffer.from(head), payload]);
  const key = randomBytes(4);
  const hidden = Buffer.from(payload.map((byte, index) => byte ^ key[index % 4]));
  return Buffer.concat([Buffer.from(head), key, hidden]);
}

/** The body of a Close frame. @param {number} code @param {Buffer | string} [reason] */
export function closeBody(code, reason = '') {
  const head = Buffer.alloc(2);
  head.writeUInt16BE(code);
  return Buffer.concat([head, Buffer.from(reason)]);
}

/** A WebSocket client down to the bytes, for what no library would send. */
export class TcpSocket {
  /** Whole frames of the server. @type {{fin: boolean, rsv: number, opcode: number, masked: boolean, payload: Buffer}[]} */
  frames = [];
  /** Status line and headers of the answer to the handshake. */
  answer = '';
  ended = false;
  #unread = Buffer.alloc(0);

  /** @param {{port: number}} gateway */
  constructor(gateway) {
    this.socket = connect({ port: gateway.port, host: '127.0.0.1' });
    this.socket.on('data', (data) => this.#read(data));
    this.socket.on('error', () => {});
    for (const event of ['end', 'close']) this.socket.on(event, () => (this.ended = true));
  }

  /**
   * Sends the request of a handshake with exactly these headers beside `Host`; resolves when it is answered.
   * @param {{after: (work: () => void) => void}} t
   * @param {string} path @param {Record<string, string | undefined>} headers @param {string} [method]
   * @param {Buffer} [more] what follows in the same breath
   */
  static async request(t, gateway, path, headers, method = 'GET', more = Buffer.alloc(0)) {
    const tcp = new TcpSocket(gateway.next());
    t.after(() => tcp.socket.destroy());
    const lines = Object.entries(headers).filter(([, value]) => value !== undefined).map(([name, value]) => `${name}: ${value}`);
    const head = [`${method} ${path} HTTP/1.1`, `Host: 127.0.0.1:${gateway.port}`, ...lines, '', ''].join('\r\n');
    tcp.write(Buffer.concat([Buffer.from(head), more]));
    await until(() => tcp.answer || tcp.ended, 'the handshake is answered');
    return tcp;
  }

  /**
   * Shakes hands.
   * @param {{after: (work: () => void) => void}} t
   * @param {string} path @param {string} token @param {Record<string, string | undefined>} [headers]
   */
  static async open(t, gateway, path, token, headers = {}) {
    const tcp = await TcpSocket.request(t, gateway, path, { ...handshake(token), ...headers });
    if (tcp.status !== 101) throw new Error(`${path} was answered ${tcp.answer}`);
    return tcp;
  }

  get status() {
    return Number(/^HTTP\/1\.1 (\d+)/.exec(this.answer)?.[1]);
  }

  /** @param {string} name */
  header(name) {
    return new RegExp(`^${name}: *(.*)$`, 'im').exec(this.answer)?.[1].trim();
  }

  #read(data) {
    this.#unread = Buffer.concat([this.#unread, data]);
    if (!this.answer) {
      const end = this.#unread.indexOf('\r\n\r\n');
      if (end < 0) return;
      this.answer = this.#unread.subarray(0, end).toString();
      this.#unread = this.#unread.subarray(end + 4);
    }
    while (this.status === 101 && this.#takeFrame());
  }

  #takeFrame() {
    const bytes = this.#unread;
    if (bytes.length < 2) return false;
    const short = bytes[1] & 0x7f;
    const at = short === 127 ? 10 : short === 126 ? 4 : 2;
    if (bytes.length < at) return false;
    const length = short === 127 ? Number(bytes.readBigUInt64BE(2)) : short === 126 ? bytes.readUInt16BE(2) : short;
    if (bytes.length < at + length) return false;
    this.frames.push({
      fin: (bytes[0] & 0x80) !== 0, rsv: (bytes[0] >> 4) & 7, opcode: bytes[0] & 0xf,
      masked: (bytes[1] & 0x80) !== 0, payload: Buffer.from(bytes.subarray(at, at + length)),
    });
    this.#unread = bytes.subarray(at + length);
    return true;
  }

  /** @param {Buffer | string} bytes */
  write(bytes) {
    this.socket.write(bytes);
  }

  /** Sends one frame. @param {number} opcode @param {Buffer | string} [content] @param {Shape} [shape] */
  send(opcode, content, shape) {
    this.write(frame(opcode, content, shape));
  }

  /** Sends an object as one text frame. @param {any} object */
  say(object) {
    this.send(OPCODE.text, JSON.stringify(object));
  }

  /** The objects that came as text. @returns {any[]} */
  get told() {
    return this.frames.filter(({ opcode }) => opcode === OPCODE.text).map(({ payload }) => JSON.parse(payload.toString()));
  }

  /** The first frame, past or to come, with this opcode that fits. @param {number} opcode @param {(payload: Buffer) => boolean} [fits] */
  frame(opcode, fits = () => true) {
    return until(() => {
      const found = this.frames.find((one) => one.opcode === opcode && fits(one.payload));
      if (!found && this.ended) throw new Error(`ended after ${JSON.stringify(this.summary)}`);
      return found;
    }, 'a frame arrives');
  }

  /** The first object of a type, past or to come. @param {string} type @param {(told: any) => boolean} [fits] */
  hears(type, fits = () => true) {
    return until(() => {
      const found = this.told.find((one) => one.type === type && fits(one));
      if (!found && this.ended) throw new Error(`ended before "${type}", after ${JSON.stringify(this.summary)}`);
      return found;
    }, `"${type}" arrives`);
  }

  get summary() {
    return this.frames.slice(-6).map(({ opcode, payload }) => [opcode, payload.toString('latin1').slice(0, 300)]);
  }

  /** Waits for the server to close: the code it says, and that it ends the connection. @returns {Promise<number | null>} */
  async code() {
    await until(() => this.ended, () => `the server ends the connection; it sent ${JSON.stringify(this.summary)}`);
    const close = this.frames.find(({ opcode }) => opcode === OPCODE.close);
    return close && close.payload.length >= 2 ? close.payload.readUInt16BE(0) : null;
  }
}

/** Headers of a good handshake. @param {string} [token] sent as cookie */
export const handshake = (token, key = randomBytes(16).toString('base64')) => ({
  Connection: 'Upgrade',
  Upgrade: 'websocket',
  'Sec-WebSocket-Version': '13',
  'Sec-WebSocket-Key': key,
  Cookie: token ? `access_token=${token}` : undefined,
});

/** What must answer a key. @param {string} key */
export const acceptOf = (key) => createHash('sha1').update(key + GUID).digest('base64');
