import { connect } from 'node:net';
import { mapLimited } from '../../clients/lib/wait.js';

/** How many connect at once: the kernel keeps so many ready for the gateway. */
const AT_ONCE = 200;

/** How often those that send in drops send one. */
const DROP_MS = 100;

/** What each kind sends: at once, and then in drops. */
const KINDS = {
  silent: { first: '', drops: '' },
  'half a head': { first: 'GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: x\r\nUpgrade: webso', drops: '' },
  'a head in drops': { first: 'GET / HTTP/1.1\r\nHost: x\r\n', drops: 'X-A: b\r\n' },
  'a long head': { first: `GET / HTTP/1.1\r\nHost: x\r\nX-Long: ${'y'.repeat(16_000)}`, drops: 'y' },
};

/** Connections that begin a request and never end it. */
export class HalfOpen {
  closed = 0;
  /** Answers, by status line. @type {Record<string, number>} */
  answers = {};
  sent = 0;

  /** @param {import('../../clients/lib/gateway.js').Gateway} gateway @param {number} count how many, of all kinds in turn */
  static async open(t, gateway, count) {
    const all = new HalfOpen();
    const kinds = Object.values(KINDS);
    all.sockets = await mapLimited(Array.from({ length: count }), AT_ONCE, (_, index) => all.#open(gateway, kinds[index % kinds.length]));
    t.after(() => all.sockets.forEach((socket) => socket.destroy()));
    return all;
  }

  #open(gateway, { first, drops }) {
    return new Promise((resolve) => {
      const socket = connect({ port: gateway.port, host: '127.0.0.1' });
      let drop;
      socket.on('connect', () => {
        this.sent += first.length;
        socket.write(first);
        drop = drops && setInterval(() => { this.sent += drops.length; socket.write(drops); }, DROP_MS);
        resolve(socket);
      });
      socket.on('data', (data) => {
        const [line] = data.toString('latin1').split('\r\n');
        this.answers[line] = (this.answers[line] ?? 0) + 1;
      });
      socket.on('error', () => {});
      socket.on('close', () => {
        clearInterval(drop);
        this.closed += 1;
        resolve(socket);
      });
    });
  }
}
