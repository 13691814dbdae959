import { io } from 'socket.io-client';
import { socketWords } from '../../websocket/lib/socketio.js';
import { Line } from './line.js';

/** A connection by Socket.IO. */
export class SocketLine extends Line {
  static protocol = 'Socket.IO, WebSocket';
  static transports = ['websocket'];

  /** @param {import('./line.js').Way} way @param {{code: string, resumeToken?: string, rejoins?: boolean}} aim */
  constructor(way, { code, resumeToken, rejoins = true }) {
    super(way);
    Object.assign(this, { code, rejoins, resumed: false });
    this.socket = io(`http://127.0.0.1:${way.port}`, {
      forceNew: true, reconnection: false, timeout: way.patienceMs, transports: this.constructor.transports,
      extraHeaders: { cookie: `access_token=${way.token}` }, auth: { resumeToken },
    });
    this.socket.onAny((event, told) => {
      way.contract?.heard(event, [told], way.who);
      if (event === 'room:resumed') this.resumed = true;
      this.tell(...socketWords(event, told));
    });
    this.opened = new Promise((resolve) => {
      this.socket.once('connect', () => resolve(true));
      this.ended.then(() => resolve(false));
    });
    for (const event of ['disconnect', 'connect_error']) this.socket.once(event, () => this.end());
    this.socket.io.once('close', () => this.end());
  }

  /** Comes in, or back: who does not join again looks whether it is still there. */
  async arrive() {
    if (!await this.opened) return false;
    if (!this.rejoins) await this.ask('heartbeat');
    return (this.resumed && !this.rejoins && !this.over) || this.move(this.code);
  }

  async move(code) {
    this.code = code;
    return (await this.ask('join:room', { roomCode: code }))?.status === 'ok';
  }

  async leave() {
    return (await this.ask('leave:room'))?.status === 'ok';
  }

  /** The acknowledgement; null if there is none. @param {string} event @param {...any} args */
  ask(event, ...args) {
    return new Promise((resolve) => {
      this.ended.then(() => resolve(null));
      if (this.over) return;
      this.socket.timeout(this.way.patienceMs).emit(event, ...args, (error, answer) => {
        if (!error) this.way.contract?.answered(event, args, [answer], this.way.who);
        resolve(error ? null : answer);
      });
    });
  }

  signal(what, target, body) {
    this.socket.emit(`webrtc:${what}`, { targetPeerId: target, [what === 'ice' ? 'candidate' : what]: body });
  }

  chat(content, clientMessageId) {
    return this.ask('chat_message', { content, clientMessageId });
  }

  appoint(target) {
    this.socket.emit('host:change', { targetPeerId: target });
  }

  kick(target) {
    this.socket.emit('peer:kick', { targetPeerId: target, reason: 'chaos' });
  }

  sfu(event, payload) {
    return this.ask(event, ...(payload ? [payload] : []));
  }

  close() {
    this.socket.disconnect();
  }

  terminate() {
    const engine = this.socket.io.engine;
    engine?.transport?.ws?.terminate?.();
    this.end();
  }
}

/** The same by polling. */
export class PollingLine extends SocketLine {
  static protocol = 'Socket.IO, polling';
  static transports = ['polling'];

  /** Asks and sends nothing any more, not even goodbye. */
  terminate() {
    const { engine } = this.socket.io;
    const transport = engine?.transport;
    if (transport) {
      transport.doPoll = () => {};
      transport.doWrite = () => {};
      transport.pollXhr?.abort();
      engine._onClose('lost');
    }
    this.end();
  }
}
