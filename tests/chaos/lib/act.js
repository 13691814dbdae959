import { lasting } from '../../cluster/lib/faults.js';
import { mapLimited, until } from '../../clients/lib/wait.js';
import { randomFrom } from '../../sfu/lib/player.js';
import { Actor } from './actor.js';
import { checkGone, checkThere, memoryOf } from './census.js';
import { named } from './deadline.js';
import { Trouble } from './faults.js';
import { PollingLine } from './socket-line.js';
import { checkTalk } from './talk.js';
import { LINES, User } from './user.js';
import { BOUND_MS } from './world.js';

/** @typedef {import('./world.js').World} World */

/** How many come at once. */
const COMING = 20;
const PACE_MS = 1_200;
const CHAT_PACE_MS = 4_000;
/** The longest pause between two faults of a kind. */
const PAUSE_MS = 500;

/** Clients come and do what clients do, things fail, things are mended, all is looked at, and the clients go. */
export class Act {
  /**
   * @param {World} world
   * @param {{lanes: import('./faults.js').Fault[][], index: number, seed: number, clients: number, forMs: number}} plot
   *   `lanes`: the faults that come side by side
   */
  constructor(world, plot) {
    Object.assign(this, { world, ...plot });
    this.random = randomFrom(plot.seed * 31 + plot.index);
    this.users = Array.from({ length: plot.clients }, (_, n) => this.#user(n));
    world.users.push(...this.users);
  }

  #user(n) {
    const { codes } = this.world;
    const home = n % codes.length;
    return new User(this.world, {
      sub: `user-${this.index}-${n}`,
      Line: LINES[Math.floor(n / codes.length) % LINES.length],
      codes: [0, 1, 2].map((step) => codes[(home + step) % codes.length]),
      place: n,
      random: randomFrom(this.seed * 1_000_003 + this.index * 10_007 + n),
    });
  }

  /** @returns {Promise<import('./census.js').Memory>} */
  async play() {
    const { world, users } = this;
    world.note(`act ${this.index + 1}: clients come`);
    await this.#inTheirRooms(users, () => mapLimited(users, COMING, (user) => user.come()));
    const actors = users.map((user) => new Actor(user, { paceMs: PACE_MS, chatPaceMs: CHAT_PACE_MS }));
    world.onEnd = () => actors.forEach((actor) => actor.stop());
    const before = await world.deadline.during(() => `all to have spoken: ${named(this.#silent())} have not`, () => this.#settledMemory());
    await world.deadline.during('all faults to be over', () => this.#fail());
    world.note('all is mended');
    world.mend();
    await world.deadline.during('all nodes to be well', () => world.well());
    await world.deadline.during(() => `clients to end what they do: ${named(actors.filter(({ over }) => !over))}`,
      () => Promise.all(actors.map((actor) => actor.stop())));
    const stayed = await this.#someGo();
    await this.#inTheirRooms(stayed, () => Promise.all(stayed.map((user) => user.connected())));
    // Not all on the node that came up last: each node is to say who is there.
    await this.#inTheirRooms(stayed, () => Promise.all(stayed.map((user) => user.vanish(0))));
    await this.#look('looking who is there', () => checkThere(world, stayed));
    await this.#look('last words', () => checkTalk(world, stayed));
    await world.delivered();
    const during = this.#memory();
    await this.#go(stayed, (user, n) => n % 3 === 0);
    await this.#look('looking what is left', () => checkGone(world));
    return { before, during, after: this.#memory() };
  }

  /** @param {string} what @param {() => Promise<unknown>} work */
  #look(what, work) {
    this.world.note(what);
    return this.world.deadline.during(what, work);
  }

  /** @param {User[]} users @param {() => Promise<unknown>} work by which they come into their rooms */
  #inTheirRooms(users, work) {
    return this.world.deadline.during(() => `clients to be in their rooms: ${named(users.filter(({ here }) => !here))}`, work);
  }

  /** One fault after another, of each kind of faults at once. */
  async #fail() {
    const end = performance.now() + this.forMs;
    const over = () => performance.now() >= end;
    const troubles = this.lanes.map((faults) => new Trouble(this.world, this.random, faults, PAUSE_MS));
    await Promise.all(troubles.map((trouble) => trouble.make(over)));
    await lasting(PAUSE_MS);
  }

  /** Some say goodbye, and some are lost for good: none of them may be seen any more. */
  async #someGo() {
    const gone = this.users.filter((_, n) => n % 4 === 0);
    await this.#go(gone, (user, n) => n % 2 === 0);
    return this.users.filter((user) => !gone.includes(user));
  }

  /** @param {User[]} users @param {(user: User, n: number) => boolean} silently */
  #go(users, silently) {
    return this.world.deadline.during(() => `clients to be gone: ${named(users.filter(({ line }) => line))}`,
      () => Promise.all(users.map((user, n) => this.#goes(user, silently(user, n)))));
  }

  /** Who polls has no connection that could break: it would only be missed after a ping, and so it says goodbye. */
  #goes(user, silently) {
    return silently && user.Line !== PollingLine ? user.disappear() : user.leave();
  }

  /** When each has said something. */
  async #settledMemory() {
    // Hundreds come at once, to a machine that may be busy.
    await until(() => this.#silent().length === 0, 'all have spoken', 3 * BOUND_MS).catch((error) => {
      throw new Error(`${error.message}: ${named(this.#silent())} have not; ${[...this.world.books.counts].join(' ')}`);
    });
    return this.#memory();
  }

  #silent() {
    return this.users.filter(({ speaker }) => speaker.acked.size === 0);
  }

  #memory() {
    return this.world.nodes.map(({ child }) => memoryOf(child.pid));
  }
}
