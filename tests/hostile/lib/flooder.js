// A thread that sends bad frames at a rate over many connections, each of another user; who is cut off comes again.
import { connect } from 'node:net';
import { parentPort, workerData } from 'node:worker_threads';
import { frame, OPCODE } from '../../websocket/lib/tcp.js';

/** @type {{port: number, tokens: string[], lanes: number, perSecond: number, total: number}} */
const { port, tokens, lanes, perSecond, total } = workerData;

const TICK_MS = 10;

/** How much may wait in one connection: the gateway may be slower than this. */
const MAX_UNSENT = 256 * 1024;

/** Frames that are bad in different ways, encoded once. */
const text = (frames) => frames.map((content) => frame(OPCODE.text, content));
const WAYS = [
  {
    path: '/ws',
    hello: [],
    bad: text(['', '{', 'not json', '[]', '{"type":1}', '{"type":"nonsense"}', '{"type":"join"}', `{"type":"join","room":"${'r'.repeat(200)}","sender":"x"}`,
      '{"type":"offer","room":"r","sender":"x"}', `{"type":"chat","room":"r","sender":"x","payload":"${'c'.repeat(500)}"}`, `{"a":${'['.repeat(300)}`]),
  },
  {
    path: '/socket.io/?EIO=4&transport=websocket',
    hello: text(['40']),
    bad: text(['42["nonsense"]', '42["join:room",7]', '42["join:room",{"roomCode":"///"}]', '42["webrtc:offer",{"targetPeerId":"x"}]', '42["chat_message",{"content":tru}]',
      '42["heartbeat",{]', '421["webrtc:ice",{"targetPeerId":"x","candidate":7}]', `42["chat_message",{"content":"${'c'.repeat(5_000)}"}]`, `42["x",${'['.repeat(300)}`]),
  },
];

const figures = { sent: 0, bytes: 0, connections: 0, ended: 0, refusals: 0, 'not let in': 0 };
let nextToken = 0;

class Lane {
  /** @param {number} index */
  constructor(index) {
    this.way = WAYS[index % WAYS.length];
    // An address of its own: what is limited for each is not what is looked at here.
    this.from = `127.0.0.${2 + index}`;
    this.at = 0;
    this.open();
  }

  open() {
    this.ready = false;
    figures.connections += 1;
    const token = tokens[nextToken++ % tokens.length];
    const socket = connect({ port, host: '127.0.0.1', localAddress: this.from });
    this.socket = socket;
    socket.write(`GET ${this.way.path} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n`
      + `Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nCookie: access_token=${token}\r\n\r\n`);
    socket.on('data', (data) => this.read(data.toString('latin1')));
    socket.on('error', () => {});
    socket.on('close', () => {
      figures.ended += 1;
      if (!stopped) setTimeout(() => this.open(), TICK_MS);
    });
  }

  read(data) {
    if (!this.ready) {
      if (!data.startsWith('HTTP/1.1 101')) {
        figures['not let in'] += 1;
        return this.socket.destroy();
      }
      for (const hello of this.way.hello) this.socket.write(hello);
      this.ready = true;
    }
    figures.refusals += data.split('"code":"').length - 1;
  }

  /** Sends up to so many, and returns how many. */
  flood(count) {
    const { socket, way: { bad } } = this;
    if (!this.ready || !socket.writable || socket.writableLength > MAX_UNSENT) return 0;
    const frames = Array.from({ length: count }, () => bad[this.at++ % bad.length]);
    const bytes = Buffer.concat(frames);
    socket.write(bytes);
    figures.bytes += bytes.length;
    return count;
  }
}

let stopped = false;
const all = Array.from({ length: lanes }, (_, index) => new Lane(index));
const began = Date.now();

const ticks = setInterval(() => {
  const due = Math.min(total, Math.floor((Date.now() - began) * perSecond / 1_000)) - figures.sent;
  const share = Math.ceil(due / lanes);
  for (const lane of all) figures.sent += lane.flood(Math.min(share, total - figures.sent));
  if (figures.sent < total) return;
  clearInterval(ticks);
  stopped = true;
  for (const lane of all) lane.socket.destroy();
  parentPort.postMessage({ ...figures, seconds: (Date.now() - began) / 1_000 });
}, TICK_MS);
