import { lasting } from '../../cluster/lib/faults.js';
import { Letters } from './letters.js';
import { Membership } from './membership.js';
import { SignalLine, WsLine } from './raw-line.js';
import { PollingLine, SocketLine } from './socket-line.js';
import { Speaker } from './speaker.js';

/** @typedef {import('./world.js').World} World */

/** What users speak, the first the most. */
export const LINES = [SocketLine, PollingLine, SignalLine, WsLine];

const RETRY_MS = 150;
/** How long it waits for an answer before it takes its connection for lost: those who come again too soon keep a busy machine busy. */
const PATIENCE_MS = 20_000;
/** How often it tries another room than the one it did not get into. */
const ELSEWHERE = 0.05;

/**
 * A user as a good client application makes one: it connects again whenever its connection ends, to another node,
 * as the peer that it was; and it writes down all that it is told.
 */
export class User {
  /** @type {import('./line.js').Line | null} */
  line = null;
  /** Which node it goes to. */
  node = 0;
  /** How many connections it had. */
  lines = 0;
  /** What it is told to be at the end: in its room, or not. */
  wanted = false;
  /** @type {Membership | null} */
  membership = null;
  /** Whether it is in its room, as far as it knows. */
  settled = false;
  /** Its own on the Media Service. @type {string[]} */
  transports = [];
  #connecting = null;

  /**
   * @param {World} world
   * @param {{sub: string, Line: typeof LINES[number], codes: string[], place: number, random: () => number}} who `codes`: the rooms that it goes to
   */
  constructor(world, { sub, Line, codes, place, random }) {
    Object.assign(this, { world, books: world.books, sub, Line, codes, place, random, code: codes[0] });
    this.letters = new Letters(world, sub);
    this.speaker = new Speaker(this);
    this.rejoins = random() < 0.5;
  }

  /** @template T @param {T[]} list @returns {T} */
  pick(list) {
    return list[Math.floor(this.random() * list.length)];
  }

  /** For who looks for a mistake. */
  toString() {
    const { sub, Line: { protocol }, code, lines, line, settled, membership } = this;
    return `${sub} (${protocol}, ${code}, connection ${lines}${line?.over ? ', over' : ''}, ${settled ? 'in' : 'not in'} ${membership?.roomId})`;
  }

  /** Whether it can say something to its room now. */
  get here() {
    return this.settled && this.line !== null && !this.line.over;
  }

  /** Comes into its room, and stays there through whatever happens. */
  async come() {
    this.token ??= await this.world.cluster.identity.token({ sub: this.sub, username: this.sub });
    this.wanted = true;
    await this.connected();
  }

  /** Resolves when it is in its room. */
  async connected() {
    while (this.wanted && !this.here) {
      this.#connecting ??= this.#connect().finally(() => (this.#connecting = null));
      await this.#connecting;
    }
  }

  async #connect() {
    while (this.wanted && !this.here) {
      if (await this.#try()) return;
      this.line.terminate();
      this.place += 1;
      if (this.random() < ELSEWHERE) Object.assign(this, { code: this.pick(this.codes), resumeToken: undefined });
      await lasting(RETRY_MS * (1 + this.random()));
    }
  }

  async #try() {
    const { world } = this;
    this.node = this.place % world.doors.length;
    const line = new this.Line({
      port: world.doors[this.node].port, token: this.token, sub: this.sub, alias: `name of ${this.sub}`, who: this.sub,
      contract: world.contract, patienceMs: PATIENCE_MS, silenceMs: world.silenceMs,
    }, { code: this.code, resumeToken: this.resumeToken, rejoins: this.rejoins });
    this.#take(line);
    this.books.count(this.lines === 1 ? 'connections' : 'connections again');
    this.settled = await line.arrive() && this.line === line && this.membership?.roomId === world.roomIdOf(this.code);
    if (!this.settled) this.books.count('arrivals failed');
    return this.here;
  }

  #take(line) {
    this.line = line;
    this.lines += 1;
    line.onWord = (word, told) => { if (this.line === line) this.#hear(word, told); };
    line.onEnd = () => { if (this.line === line) this.#lost(); };
  }

  #lost() {
    const wasHere = this.settled;
    this.settled = false;
    if (!wasHere || !this.wanted) return;
    this.place += 1;
    this.connected();
  }

  #hear(word, told) {
    const { membership, books } = this;
    if (word === 'joined' || word === 'resumed') this.#enter(word, told);
    else if (membership) {
      membership.tick();
      this.#hearInRoom(word, told, membership);
    } else books.count(`heard outside ${word}`);
  }

  #hearInRoom(word, told, membership) {
    const { books } = this;
    switch (word) {
      case 'peer-joined': return membership.came(told);
      case 'peer-left': return membership.left(told);
      case 'host': return void (membership.host = told.peerId);
      case 'room:mode': case 'room-mode': return void (membership.mode = told.mode);
      case 'offer': case 'answer': case 'ice': return this.letters.read(told, membership.peerId, this.lines);
      case 'chat': return this.speaker.hear(told);
      case 'kicked': return this.#kicked();
      case 'draining': return books.count('drains told');
      case 'error': return books.count(`refused ${told.code}`);
      default: return books.count(`heard ${word}`);
    }
  }

  #enter(word, told) {
    this.resumeToken = told.resumeToken;
    const { membership, books } = this;
    if (word === 'resumed') books.count('resumes');
    if (membership?.peerId === told.peerId) {
      membership.refresh(told, word);
      return;
    }
    if (word === 'joined') books.count('joins');
    this.membership = new Membership(this.world, this.sub, told);
    this.transports = [];
  }

  /** It goes back in: nobody is banned. */
  #kicked() {
    this.books.count('kicked');
    this.settled = false;
    this.membership = null;
    this.resumeToken = undefined;
    this.line.terminate();
    if (this.wanted) this.connected();
  }

  /** Goes to another room, or comes back into the same as somebody new. @param {string} code */
  async goTo(code) {
    const { line } = this;
    this.settled = false;
    this.code = code;
    const arrived = await line.move(code);
    if (this.line !== line) return;
    this.settled = arrived && this.membership?.roomId === this.world.roomIdOf(code) && !line.over;
    if (this.settled) return;
    if (line.over) await this.connected();
    else await this.comeAnew();
  }

  /** Says goodbye, and comes back as somebody new. */
  async comeAnew() {
    this.settled = false;
    this.resumeToken = undefined;
    this.line.close();
    this.books.count('farewells');
    await this.connected();
  }

  /** Is lost without a word, for a while. @param {number} ms */
  async vanish(ms) {
    this.settled = false;
    this.books.count('cut by itself');
    this.place = Math.floor(this.random() * this.world.doors.length);
    this.line.terminate();
    await lasting(ms);
    await this.connected();
  }

  /** Leaves its room, tells so, and goes. */
  async leave() {
    this.wanted = false;
    this.settled = false;
    await this.#connecting;
    if (this.line && !this.line.over) {
      await this.line.leave();
      this.line.close();
    }
    this.#forget();
  }

  /** Goes without a word, for good. */
  async disappear() {
    this.wanted = false;
    this.settled = false;
    await this.#connecting;
    this.line?.terminate();
    this.#forget();
  }

  #forget() {
    this.line = null;
    this.membership = null;
    this.resumeToken = undefined;
    this.transports = [];
  }
}
