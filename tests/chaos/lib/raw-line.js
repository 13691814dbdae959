import { WebSocket } from 'ws';
import { signalPath, signalWords } from '../../websocket/lib/signal.js';
import { wsPath, wsWords } from '../../websocket/lib/ws.js';
import { Line } from './line.js';

/** What tells that an arrival is decided. */
const ARRIVALS = ['joined', 'resumed', 'error'];

/** A connection of a protocol without Socket.IO. Subclasses have its frames. */
class RawLine extends Line {
  #silence = null;

  /** @param {import('./line.js').Way} way @param {string} path @param {(frame: any) => [string, any] | null} words */
  constructor(way, path, words) {
    super(way);
    const headers = { cookie: `access_token=${way.token}` };
    this.ws = new WebSocket(`ws://127.0.0.1:${way.port}${path}`, { headers, perMessageDeflate: false, handshakeTimeout: way.patienceMs });
    this.opened = new Promise((resolve) => {
      this.ws.on('open', () => resolve(true));
      this.ws.on('close', () => resolve(false));
    });
    this.ws.on('open', () => this.#heardOf());
    this.ws.on('ping', () => this.#heardOf());
    this.ws.on('error', () => {});
    this.ws.on('close', () => this.end());
    this.ws.on('message', (data) => {
      const frame = JSON.parse(data.toString());
      way.contract?.frame(path, frame, way.who);
      this.#heardOf();
      this.answer(frame);
      const told = words(frame);
      if (told) this.tell(...told);
    });
  }

  /** What a client does that cannot see whether its server is still there. */
  #heardOf() {
    clearTimeout(this.#silence);
    if (!this.over) this.#silence = setTimeout(() => this.terminate(), this.way.silenceMs);
  }

  send(frame) {
    if (this.ws.readyState === WebSocket.OPEN) this.ws.send(JSON.stringify(frame));
  }

  /** Waits for the acknowledgement of a chat, or the refusal that stands for it. @param {any} frame */
  answer(frame) {
    if (frame.type === 'chat-ack') this.answered(frame.clientMessageId, { status: 'ok', id: frame.id });
    // Only one is under way at a time.
    if (frame.type === 'error' && frame.frame === 'chat') this.answered(null, { status: 'error', code: frame.code });
  }

  chat(content, clientMessageId) {
    const answer = this.await(clientMessageId);
    this.say(content, clientMessageId);
    return answer;
  }

  async sfu() {
    return null;
  }

  close() {
    this.ws.close(1000);
  }

  terminate() {
    this.ws.terminate();
  }

  end() {
    clearTimeout(this.#silence);
    super.end();
  }
}

/** `/signal/{roomId}`: a connection is a peer. */
export class SignalLine extends RawLine {
  static protocol = '/signal';

  /** @param {import('./line.js').Way} way @param {{code: string, resumeToken?: string}} aim */
  constructor(way, { code, resumeToken }) {
    super(way, signalPath(code, resumeToken && { by: 'query', token: resumeToken }), signalWords);
  }

  /** Comes in, or back. @returns {Promise<boolean>} whether it is in the room */
  async arrive() {
    const first = this.first(ARRIVALS);
    return await this.opened && ['joined', 'resumed'].includes(await first);
  }

  /** To be elsewhere means another connection. */
  async move() {
    return false;
  }

  /** @returns {Promise<boolean>} */
  async leave() {
    this.send({ type: 'leave' });
    await this.first([]);
    return true;
  }

  signal(what, target, body) {
    const content = what === 'ice' ? { type: 'ice', candidate: body } : { type: 'sdp', sdp: body };
    this.send({ senderId: this.way.sub, targetId: target, ...content });
  }

  say(content, clientMessageId) {
    this.send({ type: 'chat', senderId: this.way.sub, content, clientMessageId });
  }

  appoint(target) {
    this.send({ type: 'host-change', senderId: this.way.sub, hostId: target });
  }

  kick(target) {
    this.send({ type: 'kick', senderId: this.way.sub, targetId: target, reason: 'chaos' });
  }
}

/** `/ws`: rooms are joined and left by frames. */
export class WsLine extends RawLine {
  static protocol = '/ws';

  /** @param {import('./line.js').Way} way @param {{code: string, resumeToken?: string}} aim */
  constructor(way, { code, resumeToken }) {
    super(way, wsPath(resumeToken && { by: 'query', token: resumeToken }), wsWords);
    this.code = code;
  }

  async arrive() {
    return await this.opened && this.move(this.code);
  }

  /** Enters a room, which leaves the former. @param {string} code */
  async move(code) {
    this.code = code;
    const decided = this.first(['joined', 'error']);
    this.#send({ type: 'join' });
    return await decided === 'joined';
  }

  async leave() {
    this.#send({ type: 'leave' });
    return true;
  }

  #send(frame) {
    this.send({ room: this.code, sender: this.way.alias, ...frame });
  }

  signal(what, target, body) {
    this.#send({ type: what === 'ice' ? 'ice-candidate' : what, recipient: target, payload: body });
  }

  say(content, clientMessageId) {
    this.#send({ type: 'chat', payload: { content, clientMessageId } });
  }

  appoint(target) {
    this.#send({ type: 'host-change', recipient: target });
  }

  kick(target) {
    this.#send({ type: 'kick', recipient: target, payload: { reason: 'chaos' } });
  }
}
