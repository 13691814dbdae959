import { Cluster } from '../../cluster/lib/cluster.js';
import { Redis } from '../../cluster/lib/redis.js';
import { ChatService } from '../../chat/lib/service.js';
import { until } from '../../clients/lib/wait.js';
import { MediaStub } from '../../sfu/lib/media-stub.js';
import { RoomService } from '../../sfu/lib/room-service.js';
import { API_KEY } from '../../events/lib/api.js';
import { named } from './deadline.js';
import { FaultPath } from './path.js';

/** @typedef {import('./books.js').Books} Books */

/** Generous: a machine may be busy with a hundred other things. */
export const BOUND_MS = 120_000;

/** What may not have been heard by all is said again for so long, should a node be gone. */
const REMEMBERED_MS = 12_000;

const PING_MS = 5_000;

/** Every so many rooms the Room Service wants one on the Media Service. */
const SFU_EVERY = 5;

const ENV = {
  API_KEY,
  MAX_P2P_PEERS: '12',
  RECONNECT_WINDOW_MS: '2500',
  PRESENCE_TTL_MS: '6000',
  PING_INTERVAL_MS: `${PING_MS}`,
  PING_TIMEOUT_MS: `${PING_MS}`,
  SHUTDOWN_GRACE_MS: '500',
};

const within = (spans, from, to) => spans.some((span) => span.from <= to && span.to >= from);

/** Three nodes with all that they talk to, and what fails between them. */
export class World {
  /** When Redis was not there for all nodes, or not for one that stood still, as spans of time. @type {{from: number, to: number}[]} */
  troubles = [];
  /** When nodes ended and were started again. @type {{from: number, to: number}[]} */
  losses = [];
  /** Every process of a node that ever ran. @type {import('../../clients/lib/gateway.js').Gateway[]} */
  processes = [];
  /** What was done when. @type {string[]} */
  timeline = [];
  /** @type {import('./user.js').User[]} */
  users = [];
  /** What stops what users do. */
  onEnd = () => {};
  /** How long a client waits that hears nothing. */
  silenceMs = 2 * PING_MS + 1_000;

  /** @param {Books} books @param {string} name of its rooms @param {import('./deadline.js').Deadline} deadline */
  constructor(books, name, deadline) {
    Object.assign(this, { books, name, deadline });
  }

  /**
   * @param {{after: (work: () => unknown) => void}} scope @param {Books} books
   * @param {{nodes: number, rooms: number, seed: number, deadline: import('./deadline.js').Deadline, log?: string}} settings
   */
  static async start(scope, books, { nodes, rooms, seed, deadline, log = 'info' }) {
    const world = new World(books, `chaos-${seed}`, deadline);
    world.redis = await Redis.start({ options: ['--appendfsync', 'always'] });
    scope.after(() => world.redis.stop());
    world.chat = await ChatService.start(scope);
    world.rooms = await RoomService.start(scope);
    world.media = await MediaStub.start(scope);
    world.standIns = { chat: world.chat, room: world.rooms, media: world.media };
    const path = (target) => FaultPath.to(scope, target);
    world.services = { chat: await path(world.chat), room: await path(world.rooms), media: await path(world.media) };
    const indexes = Array.from({ length: nodes }, (_, index) => index);
    world.toRedis = await Promise.all(indexes.map(() => path(world.redis)));
    world.codes = Array.from({ length: rooms }, (_, n) => world.#room(n));
    await world.#startNodes(scope, indexes, log);
    return world;
  }

  async #startNodes(scope, indexes, log) {
    const { chat, room, media } = this.services;
    this.cluster = await Cluster.start(this.redis, {
      size: indexes.length,
      urls: this.toRedis.map((path) => path.url('redis')),
      env: { ...ENV, CHAT_SERVICE_URL: chat.url(), ROOM_SERVICE_URL: room.url(), MEDIA_SERVICE_URL: media.url(), RUST_LOG: log },
    });
    scope.after(() => this.cluster.stop());
    this.processes.push(...this.nodes);
    this.contract = this.nodes[0].contract;
    this.doors = await Promise.all(this.nodes.map((node) => FaultPath.to(scope, node)));
    await this.well();
  }

  #room(n) {
    return this.rooms.define(`${this.name}-${n}`, n % SFU_EVERY === 0 ? { mode: 'sfu' } : {});
  }

  get nodes() {
    return this.cluster.nodes;
  }

  roomIdOf(code) {
    return this.rooms.entries.get(code).id;
  }

  /** Starts a node again, whose process has ended. @param {number} index */
  async run(index) {
    await this.cluster.run(index);
    this.processes.push(this.nodes[index]);
    this.doors[index].target = this.nodes[index];
  }

  /** Waits until every node takes clients. */
  ready() {
    return this.#all((status) => status === 200, 'all nodes are ready');
  }

  /** As {@link ready}, and has found the Media Service. */
  well() {
    return this.#all((status, health) => status === 200 && health().media.available, 'all nodes and the Media Service are there');
  }

  /** Waits until every node has its links to Redis: they are ready a little while longer, and again before. */
  linked() {
    return this.#all((status, health) => status === 200 && health().redis.up, 'all nodes have their links to Redis', '/healthz');
  }

  async #all(fits, what, path = '/readyz') {
    let told = [];
    const asked = (node) => node.http(path).catch((error) => ({ status: 0, text: error.message }));
    const all = async () => {
      told = await Promise.all(this.nodes.map(asked));
      return told.every(({ status, json }) => fits(status, json));
    };
    await until(all, what, BOUND_MS).catch(async (error) => {
      const redis = await this.redis.command('PING').catch((failure) => failure.message);
      throw new Error(`${error.message}; Redis: ${redis}; nodes: ${told.map(({ text }) => text).join(' ')}`);
    });
  }

  /** Waits until all that was acknowledged by now is delivered. @param {import('./user.js').User[]} [users] */
  async delivered(users = this.users) {
    const owed = users.flatMap(({ speaker }) => [...speaker.acked.values()]);
    const stored = ({ roomId, id }) => this.chat.rooms.get(roomId)?.has(id);
    const missing = () => `what was said to be delivered: ${named(owed.filter((each) => !stored(each)).map(({ id }) => id))}`;
    await this.deadline.during(missing, () => until(() => owed.every(stored), 'what was said is delivered', BOUND_MS));
  }

  /** Whether some node was without Redis at some time from then on until then. */
  troubled(from, to) {
    return within(this.troubles, from, to);
  }

  /** The same for now, and as long before as nodes remember of what is on its way. */
  wasTroubled() {
    return this.troubled(Date.now() - REMEMBERED_MS, Date.now());
  }

  /** Whether a node was lost in that time. */
  hasLost() {
    return within(this.losses, Date.now() - REMEMBERED_MS, Date.now());
  }

  /** Does something that takes Redis away from nodes, and waits until they are ready again. @param {() => unknown} work */
  trouble(work) {
    return this.#during(this.troubles, work);
  }

  /** The same for what ends nodes. @param {() => unknown} work */
  loss(work) {
    return this.#during(this.losses, work);
  }

  async #during(spans, work) {
    const span = { from: Date.now(), to: Infinity };
    spans.push(span);
    await work();
    await this.ready();
    await this.linked();
    span.to = Date.now();
  }

  /** When what happened. @param {string} what */
  note(what) {
    this.timeline.push(`${new Date().toISOString().slice(11, 23)} ${what}`);
    if (process.env.VERBOSE) console.error(this.timeline.at(-1));
  }

  /** Nothing fails any more. */
  mend() {
    for (const path of [...Object.values(this.services), ...this.toRedis, ...this.doors]) path.restore();
    for (const service of Object.values(this.standIns)) service.heal();
  }
}
