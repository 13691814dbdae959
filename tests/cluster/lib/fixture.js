import { after } from 'node:test';
import { Cluster } from './cluster.js';
import { Redis } from './redis.js';

/** @typedef {import('./cluster.js').Settings & {redis?: Redis}} Settings */

/**
 * A Redis and a cluster for one test, which may break them.
 * @param {{after: (work: () => unknown) => void}} t
 * @param {Settings} [settings]
 */
export async function ownCluster(t, { redis: given, ...settings } = {}) {
  const redis = given ?? await Redis.start();
  t.after(() => redis.stop());
  const cluster = await Cluster.start(redis, settings);
  t.after(() => cluster.stop());
  return { redis, cluster };
}

/** The same for all tests of a suite, which leave them whole. @param {Settings} [settings] */
export async function sharedCluster(settings) {
  const ends = [];
  after(async () => { for (const end of ends.reverse()) await end(); });
  return ownCluster({ after: (end) => ends.push(end) }, settings);
}

/** Runs something and says how long it took. @template T @param {() => Promise<T>} work */
export async function timed(work) {
  const began = performance.now();
  const result = await work();
  return { result, ms: Math.round(performance.now() - began) };
}
