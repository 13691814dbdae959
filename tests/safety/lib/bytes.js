import { connect } from 'node:net';
import { within } from '../../clients/lib/wait.js';

/** A request that any server answers, to see whether a connection still takes one. */
export const CANARY = 'GET /livez?canary HTTP/1.1\r\nHost: x\r\n\r\n';

/** A connection to which bytes are written by hand. */
export class ByteClient {
  text = '';
  ended = false;

  /** @param {{after: (work: () => void) => void}} t @param {number} port */
  constructor(t, port) {
    this.socket = connect(port, '127.0.0.1');
    t.after(() => this.socket.destroy());
    this.socket.on('data', (data) => (this.text += data.toString('latin1')));
    this.socket.on('error', () => {});
    this.end = new Promise((resolve) => this.socket.on('close', resolve));
    this.end.then(() => (this.ended = true));
  }

  /** @param {string} bytes each character is one */
  write(bytes) {
    this.socket.write(Buffer.from(bytes, 'latin1'));
  }

  /** The statuses of all answers, in order. Bodies here hold no such line. */
  get statuses() {
    return [...this.text.matchAll(/HTTP\/1\.[01] (\d{3}) /g)].map(([, status]) => Number(status));
  }

  /** Resolves when the server ends the connection. */
  closed() {
    return within(this.end, () => `the server to end the connection; it sent ${JSON.stringify(this.text)}`, 60_000);
  }
}
