import { Cluster } from '../lib/cluster.js';
import { Redis } from '../lib/redis.js';

/** What one measurement starts, and ends again: as a test's context. */
export class Scene {
  #ends = [];

  after(end) {
    this.#ends.push(end);
  }

  async end() {
    for (const end of this.#ends.splice(0).reverse()) await end();
  }
}

/**
 * Runs something with a Redis and a cluster of its own.
 * @param {import('../lib/fixture.js').Settings} settings
 * @param {(scene: {t: Scene, redis: Redis, cluster: Cluster}) => Promise<any>} work
 */
export async function onStage({ redis: given, ...settings }, work) {
  const t = new Scene();
  try {
    const redis = given ?? await Redis.start();
    t.after(() => redis.stop());
    const cluster = await Cluster.start(redis, settings);
    t.after(() => cluster.stop());
    return await work({ t, redis, cluster });
  } finally {
    await t.end();
  }
}

/** Least, middle and most of some milliseconds. @param {number[]} values */
export function spreadOf(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (share) => Math.round(sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))]);
  return `${at(0)} / ${at(0.5)} / ${at(1)} ms (${values.length})`;
}

/** Prints one line of the result. @param {string} what @param {string | number} figure */
export const report = (what, figure) => console.log(`  ${what.padEnd(58)} ${figure}`);
