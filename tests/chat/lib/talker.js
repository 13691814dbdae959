import { io } from 'socket.io-client';
import { until } from '../../clients/lib/wait.js';
import { lasting } from '../../cluster/lib/faults.js';

const ACK_BOUND_MS = 10_000;
const RETRY_PAUSE_MS = 150;
const PAGE = 100;

/**
 * What a good client application does: it sends one message after another, each again under its
 * clientMessageId until it is acknowledged; it connects again, to another node, when its connection
 * ends, and then asks for what it may have missed.
 */
export class Talker {
  peerId = '';
  connected = false;
  moves = 0;
  resent = 0;
  /** clientMessageId → id, as acknowledged. @type {Map<string, string>} */
  acked = new Map();
  /** id → clientMessageId of everything that was heard or read. @type {Map<string, string>} */
  known = new Map();
  /** Ids that were told more than once. @type {string[]} */
  twice = [];
  #told = new Set();
  #resumeToken;
  #stopped = false;

  /**
   * @param {import('../../cluster/lib/cluster.js').Cluster} cluster
   * @param {{sub: string, roomCode: string, place: number}} who `place`: which node first
   */
  constructor(cluster, who) {
    Object.assign(this, { cluster, ...who });
  }

  async start() {
    this.token = await this.cluster.identity.token({ sub: this.sub, username: this.sub });
    await this.#connect();
  }

  /** Says so many messages, and returns when all are acknowledged. @param {number} count @param {number} pauseMs */
  async talk(count, pauseMs) {
    for (let n = 0; n < count && !this.#stopped; n += 1) {
      await this.#say(`${this.sub} ${n}`);
      await lasting(pauseMs * (0.5 + Math.random()));
    }
  }

  async #say(clientMessageId) {
    for (let tries = 0; !this.#stopped; tries += 1) {
      await until(() => this.#stopped || this.connected, `${this.sub} is connected`, 60_000);
      if (tries) this.resent += 1;
      const answer = await ask(this.socket, 'chat_message', { content: clientMessageId, clientMessageId });
      if (answer?.status === 'ok') {
        this.acked.set(clientMessageId, answer.id);
        return;
      }
      await lasting(RETRY_PAUSE_MS);
    }
  }

  async #connect() {
    while (!this.#stopped) {
      const { nodes } = this.cluster;
      if (await this.#tryNode(nodes[this.place % nodes.length])) return;
      this.place += 1;
      await lasting(RETRY_PAUSE_MS);
    }
  }

  async #tryNode(node) {
    const socket = io(node.url, {
      forceNew: true, reconnection: false, transports: ['websocket'], timeout: 5_000,
      auth: { token: this.token, resumeToken: this.#resumeToken },
    });
    this.socket = socket;
    this.#listen(socket);
    const accepted = await new Promise((resolve) => {
      socket.once('connect', () => resolve(true));
      socket.once('connect_error', () => resolve(false));
      socket.io.once('close', () => resolve(false));
    });
    this.connected = accepted && await this.#enter(socket) && socket.connected;
    if (this.connected) socket.once('disconnect', () => this.#move());
    else socket.close();
    return this.connected;
  }

  async #enter(socket) {
    const returns = this.peerId !== '';
    const answer = await ask(socket, 'join:room', { roomCode: this.roomCode });
    if (answer?.status !== 'ok') return false;
    this.peerId = answer.peerId;
    this.#resumeToken = answer.resumeToken;
    return !returns || this.#readUp(socket);
  }

  /** Reads back to what it knew before. */
  async #readUp(socket) {
    const before = new Set(this.known.keys());
    for (let oldest; ;) {
      const answer = await ask(socket, 'chat_history', { limit: PAGE, ...(oldest ? { before: oldest } : {}) });
      if (answer?.status !== 'ok') return false;
      for (const { id, clientMessageId } of answer.messages) this.known.set(id, clientMessageId);
      if (answer.messages.length < PAGE || answer.messages.some(({ id }) => before.has(id))) return true;
      oldest = answer.messages[0].id;
    }
  }

  #move() {
    this.connected = false;
    if (this.#stopped) return;
    this.moves += 1;
    this.place += 1;
    this.#connect();
  }

  #listen(socket) {
    socket.on('chat_message', ({ id, clientMessageId }) => {
      if (this.#told.has(id)) this.twice.push(id);
      this.#told.add(id);
      this.known.set(id, clientMessageId);
    });
    socket.on('room:resumed', ({ resumeToken }) => (this.#resumeToken = resumeToken));
  }

  /** Breaks the connection without a word. */
  cut() {
    this.socket.io.engine?.transport?.ws?.terminate?.();
  }

  stop() {
    this.#stopped = true;
    this.socket?.close();
  }
}

/** The answer; null when the connection ended before it, which leaves open what became of it. */
function ask(socket, event, payload) {
  return new Promise((resolve) => {
    const lost = () => resolve(null);
    socket.once('disconnect', lost);
    socket.timeout(ACK_BOUND_MS).emit(event, payload, (error, answer) => {
      socket.off('disconnect', lost);
      resolve(error ? null : answer);
    });
  });
}
