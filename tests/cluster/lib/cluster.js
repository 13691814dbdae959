import { startNode } from '../../clients/lib/gateway.js';
import { Identity } from '../../clients/lib/identity.js';
import { until } from '../../clients/lib/wait.js';
import { Redis } from './redis.js';

/** @typedef {import('../../clients/lib/gateway.js').Gateway} Gateway */

/**
 * @typedef {object} Settings
 * @property {number} [size]
 * @property {Record<string, string | undefined>} [env] of every node
 * @property {string[]} [urls] where each node finds Redis, if not all in the same place
 * @property {Identity} [identity]
 * @property {boolean} [awaitReady] false: Redis is not there, or not for all
 */

/**
 * Several gateways on one Redis, with one key for tokens. Can stand where the client suites
 * expect a gateway: their clients go to one node after another.
 */
export class Cluster {
  /** @type {Gateway[]} */
  nodes = [];
  #turn = 0;

  /** @param {{url: string}} redis @param {Settings} settings */
  constructor(redis, { env = {}, urls = [], identity = new Identity() }) {
    Object.assign(this, { redis, env, urls, identity });
  }

  /** @param {{url: string}} redis @param {Settings} [settings] */
  static async start(redis, settings = {}) {
    const cluster = new Cluster(redis, settings);
    const indexes = Array.from({ length: settings.size ?? 3 }, (_, index) => index);
    const starts = await Promise.allSettled(indexes.map((index) => cluster.run(index)));
    const failure = starts.find(({ status }) => status === 'rejected');
    if (failure) {
      await cluster.stop();
      throw failure.reason;
    }
    if (settings.awaitReady !== false) await Promise.all(indexes.map((index) => cluster.ready(index)));
    return cluster;
  }

  /** @param {number} index */
  name(index) {
    return `n${index + 1}`;
  }

  /** Starts the node of that place, for the first time or again, on a new port. @param {number} index */
  async run(index) {
    this.nodes[index] = await startNode({
      REDIS_URL: this.urls[index] ?? this.redis.url,
      NODE_ID: this.name(index),
      ...this.env,
    }, this.identity);
  }

  /** Where the next client goes: to another node than the one before, and never to the one given. @param {Gateway} [former] */
  next(former) {
    const node = this.nodes[this.#turn % this.nodes.length];
    this.#turn += 1;
    return node === former && this.nodes.length > 1 ? this.next(former) : node;
  }

  /** Resolves when lost clients can be found by their user, wherever that connects. @param {...import('../../clients/lib/client.js').Client} clients */
  async knowsAway(...clients) {
    for (const { userId, peerId } of clients) {
      const away = () => this.redis.hash(`disconnecting:{${userId}}`);
      await until(async () => peerId in await away(), `Redis knows ${peerId} as away`);
    }
  }

  /** Waits until the node says that it takes clients. @param {number} index */
  async ready(index) {
    await until(async () => (await this.nodes[index].http('/readyz')).status === 200, `${this.name(index)} is ready`);
  }

  /** Waits until the node says that it does not. @returns {Promise<{status: number, text: string}>} */
  unready(index) {
    return until(async () => {
      const answer = await this.nodes[index].http('/readyz');
      return answer.status === 200 ? null : answer;
    }, `${this.name(index)} is not ready`);
  }

  /** As {@link unready}, for a node that prefers to serve alone. */
  degraded(index) {
    return until(async () => {
      const answer = await this.nodes[index].http('/readyz');
      return /degraded/i.test(answer.text) ? answer : null;
    }, `${this.name(index)} is degraded`);
  }

  get lines() {
    return this.nodes.flatMap(({ lines }) => lines);
  }

  get log() {
    return this.lines.join('\n');
  }

  /** Asks any node. @param {...any} request as of {@link Gateway.http} */
  http(...request) {
    return this.next().http(...request);
  }

  /** @param {NodeJS.Signals} name */
  signal(name) {
    for (const node of this.nodes) node.signal(name);
  }

  /** Resolves when all have. */
  async exited() {
    const [first] = await Promise.all(this.nodes.map((node) => node.exited()));
    return first;
  }

  /** Ends all nodes without a word. */
  async stop() {
    await Promise.all(this.nodes.filter(Boolean).map((node) => node.kill()));
  }
}

/** A cluster with a Redis of its own, which ends with it, in place of one gateway. @param {Settings} settings */
export async function standIn(settings) {
  const redis = await Redis.start();
  try {
    const cluster = await Cluster.start(redis, settings);
    cluster.kill = () => cluster.stop().then(() => redis.stop());
    return cluster;
  } catch (error) {
    await redis.stop();
    throw error;
  }
}
