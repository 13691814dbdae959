import { randomUUID } from 'node:crypto';
import WebSocket from 'ws';
import { Recorder } from './recorder.js';
import { within } from './wait.js';

/** A client of one of the raw WebSocket protocols. Frames are recorded under their type. */
export class RawClient {
  /** @param {WebSocket} socket @param {Recorder} recorder */
  constructor(socket, recorder, userId, username, check = () => {}) {
    Object.assign(this, { socket, recorder, userId, username });
    this.closed = new Promise((resolve) => socket.on('close', (code, reason) => resolve({ code, reason: reason.toString() })));
    socket.on('message', (data) => {
      const frame = JSON.parse(data.toString());
      check(frame);
      recorder.add(frame.type, [frame]);
    });
    socket.on('error', () => {});
  }

  /** @param {object} frame */
  send(frame) {
    this.socket.send(typeof frame === 'string' ? frame : JSON.stringify(frame));
  }

  /** @param {string} type @param {(frame: any) => boolean} [matches] @param {number} [mark] */
  frame(type, matches, mark) {
    return this.recorder.wait(type, matches, mark);
  }

  mark() {
    return this.recorder.mark();
  }

  /** Says goodbye. */
  close(code = 1000) {
    this.socket.close(code);
    return within(this.closed, 'the connection to close');
  }

  /** Loses the connection without a word. */
  terminate() {
    this.socket.terminate();
  }
}

/**
 * Connects to a path; it is closed when the test ends.
 * @param {{after: (work: () => void) => void}} t
 * @param {import('./gateway.js').Gateway} gateway
 * @param {string} path
 * @param {{sub?: string, username?: string, token?: string | null, protocols?: string[], headers?: Record<string, string>,
 *   via?: import('./proxy.js').Proxy}} [options]
 */
export async function connectRaw(t, gateway, path, options = {}) {
  const sub = options.sub ?? `user-${randomUUID()}`;
  const username = options.username ?? `name of ${sub}`;
  const token = options.token === undefined ? await gateway.identity.token({ sub, username }) : options.token;
  const headers = { ...options.headers, ...(token === null ? {} : { cookie: `access_token=${token}` }) };
  const node = options.via?.node ?? gateway.next();
  const url = `${(options.via ?? node).url.replace('http', 'ws')}${path}`;
  const socket = new WebSocket(url, options.protocols ?? [], { headers, perMessageDeflate: false, ca: node.ca });
  const client = new RawClient(socket, new Recorder(username), sub, username,
    (frame) => node.contract?.frame(path, frame, username));
  t.after(() => socket.terminate());
  const opened = new Promise((resolve, reject) => {
    socket.once('open', resolve);
    socket.once('unexpected-response', (request, response) => {
      const chunks = [];
      response.on('data', (chunk) => chunks.push(chunk));
      response.on('end', () => reject(Object.assign(new Error(`refused with ${response.statusCode}`), {
        status: response.statusCode, headers: response.headers, body: Buffer.concat(chunks).toString(),
      })));
      request.on('error', () => {});
    });
    socket.once('error', reject);
  });
  await within(opened, `the WebSocket at ${path} to open`);
  return client;
}
