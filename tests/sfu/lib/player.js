import { connect } from '../../clients/lib/client.js';
import { comeBackAs } from '../../clients/lib/resume.js';
import { lasting } from '../../cluster/lib/faults.js';
import { rtpParameters } from './parameters.js';

/** A generator of numbers from 0 to 1 that gives the same ones for the same seed (mulberry32). @param {number} seed */
export function randomFrom(seed) {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

const STEP_MS = 60;
/** Longer than the window of the gateways that are played with, at times. */
const LONGEST_ABSENCE_MS = 2_500;

/** How much each thing is done, among those that are possible. */
const WEIGHTS = { join: 8, leave: 4, cut: 5, send: 27, produce: 35, receive: 20 };

/** A user who does one thing after another in the rooms of the codes it knows, and is lost at times. */
export class Player {
  /** Where it is, as far as it knows. @type {string | null} */
  code = null;
  /** Of its present session. @type {string[]} */
  transports = [];
  #running = true;

  /**
   * @param {{after: (work: () => void) => void}} t
   * @param {{nodes: import('../../clients/lib/gateway.js').Gateway[], codes: string[], random: () => number}} world
   * @param {string} username
   */
  constructor(t, world, username) {
    Object.assign(this, { t, world, username });
  }

  pick(list) {
    return list[Math.floor(this.world.random() * list.length)];
  }

  get node() {
    return this.pick(this.world.nodes);
  }

  async start() {
    this.client = await connect(this.t, this.node, { username: this.username });
    this.finished = this.#play();
  }

  stop() {
    this.#running = false;
    return this.finished;
  }

  async #play() {
    while (this.#running) {
      await this.#step();
      await lasting(this.world.random() * STEP_MS);
    }
  }

  async #step() {
    if (!this.client.socket.connected) return this.comeBack();
    const possible = this.code ? Object.keys(WEIGHTS) : ['join'];
    let share = this.world.random() * possible.reduce((sum, name) => sum + WEIGHTS[name], 0);
    const name = possible.find((each) => (share -= WEIGHTS[each]) < 0) ?? 'receive';
    return this[`_${name}`]();
  }

  /** The answer; nothing when the connection ended before it. */
  async ask(event, payload) {
    return this.client.ask(event, payload).catch(() => ({ status: 'lost' }));
  }

  /** Connects again, as the same peer if it is in time, to whatever node. */
  async comeBack() {
    const back = await comeBackAs(this.t, { next: () => this.node }, this.client).catch(() => null);
    if (!back) return;
    this.client = back;
    await this.ask('heartbeat');
    const [resumed] = back.recorder.all('room:resumed');
    if (resumed) Object.assign(back, { peerId: resumed.peerId, resumeToken: resumed.resumeToken });
    else this.#forget();
  }

  #forget() {
    this.code = null;
    this.transports = [];
  }

  /** Joins, and returns what it is told of the room. @param {string} code */
  async enter(code) {
    const answer = await this.ask('join:room', { roomCode: code });
    if (answer.status !== 'ok') return null;
    if (answer.peerId !== this.client.peerId) this.transports = [];
    Object.assign(this.client, { peerId: answer.peerId, resumeToken: answer.resumeToken });
    this.code = code;
    return answer;
  }

  _join() {
    return this.enter(this.pick(this.world.codes));
  }

  async _leave() {
    if ((await this.ask('leave:room')).status === 'ok') this.#forget();
  }

  async _cut() {
    this.client.terminate();
    await lasting(this.world.random() * LONGEST_ABSENCE_MS);
  }

  async _send() {
    const { status, id } = await this.ask('sfu_create_transport', { direction: 'send' });
    if (status === 'ok') this.transports.push(id);
  }

  async _produce() {
    const transportId = this.transports.at(-1);
    if (transportId) await this.ask('sfu_produce', { transportId, kind: 'audio', rtpParameters: rtpParameters('audio') });
  }

  async _receive() {
    const { producers = [] } = await this.ask('sfu_get_producers');
    if (!producers.length) return;
    const { status, id } = await this.ask('sfu_create_transport', { direction: 'recv' });
    if (status === 'ok') await this.ask('sfu_consume', { transportId: id, producerId: this.pick(producers).producerId, rtpCapabilities: {} });
  }
}
