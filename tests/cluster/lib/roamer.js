import { io } from 'socket.io-client';
import { until } from '../../clients/lib/wait.js';
import { lasting } from './faults.js';

const CHAT_PAUSE_MS = 400;
const RETRY_PAUSE_MS = 100;
const ACK_BOUND_MS = 5_000;

let count = 0;

/**
 * A user who chats all the time, goes to another node whenever a connection ends, and says again,
 * under the same clientMessageId, what was not acknowledged: what a good client application does.
 */
export class Roamer {
  sub = `roamer${++count}`;
  peerId = '';
  /** Whether it is in its room. */
  connected = false;
  /** How often an established connection ended. */
  moves = 0;
  /** Times it came back as somebody new. */
  fresh = 0;
  /** clientMessageIds of what the gateway promised to deliver. @type {string[]} */
  acked = [];
  refused = [];
  /** The ids under which each clientMessageId was heard. @type {Map<string, string[]>} */
  heard = new Map();
  /** The order in which each peer's messages came first. @type {Map<string, string[]>} */
  orders = new Map();
  left = [];
  drains = 0;
  #resumeToken;
  #chatting = true;
  #stopped = false;

  /**
   * @param {import('./cluster.js').Cluster} cluster @param {string} roomCode @param {number} place which node first
   */
  constructor(cluster, roomCode, place) {
    Object.assign(this, { cluster, roomCode, place });
  }

  async start() {
    this.token = await this.cluster.identity.token({ sub: this.sub, username: this.sub });
    await this.#connect();
    this.talk = this.#talk();
  }

  /** Tries one node after another until one takes it. */
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
      forceNew: true, reconnection: false, transports: ['websocket'],
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

  /** Joins as the demo does after each connect: a peer that is resumed is told its room again. */
  async #enter(socket) {
    const answer = await ask(socket, 'join:room', { roomCode: this.roomCode });
    if (answer?.status !== 'ok') return false;
    if (this.peerId && this.peerId !== answer.peerId) this.fresh += 1;
    this.peerId = answer.peerId;
    this.#resumeToken = answer.resumeToken;
    return true;
  }

  #move() {
    this.connected = false;
    if (this.#stopped) return;
    this.moves += 1;
    this.place += 1;
    this.#connect();
  }

  #listen(socket) {
    socket.on('chat_message', ({ clientMessageId, senderId, id }) => {
      const ids = this.heard.get(clientMessageId) ?? [];
      this.heard.set(clientMessageId, [...ids, id]);
      if (ids.length) return;
      if (!this.orders.has(senderId)) this.orders.set(senderId, []);
      this.orders.get(senderId).push(clientMessageId);
    });
    socket.on('room:resumed', ({ resumeToken }) => (this.#resumeToken = resumeToken));
    socket.on('peer:left', (left) => this.left.push(left));
    socket.on('server:draining', () => (this.drains += 1));
  }

  async #talk() {
    for (let n = 0; this.#chatting; n += 1) {
      await this.#say(`${this.sub} ${n}`);
      await lasting(CHAT_PAUSE_MS);
    }
  }

  /** Until it is acknowledged, on whichever connection. */
  async #say(clientMessageId) {
    while (!this.#stopped) {
      await until(() => this.#stopped || this.connected, 'the roamer is connected');
      const answer = await ask(this.socket, 'chat_message', { content: clientMessageId, clientMessageId });
      if (answer?.status === 'ok') return this.acked.push(clientMessageId);
      if (answer) this.refused.push(answer.code);
      await lasting(RETRY_PAUSE_MS);
    }
    return 0;
  }

  /** Says what is still to be said, and then no more. */
  async fallSilent() {
    this.#chatting = false;
    await this.talk;
  }

  stop() {
    this.#stopped = true;
    this.socket?.close();
  }
}

/** The answer; or null when the connection ended before it, which leaves open what became of it. */
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
