import { createRequire } from 'node:module';
import { Emitter } from '@socket.io/redis-emitter';
import { Redis as IoRedis } from 'ioredis';
import { createClient } from 'redis';
import { until, within } from '../../clients/lib/wait.js';

const FormerEmitter = createRequire(import.meta.url)('socket.io-emitter');

/** @typedef {{after: (work: () => unknown) => void}} Test */

/** @param {Test} t @param {string} url */
export function withIoredis(t, url) {
  const client = new IoRedis(url);
  t.after(() => client.quit().catch(() => {}));
  return client;
}

/** @param {Test} t @param {string} url */
export async function withNodeRedis(t, url) {
  const client = createClient({ url });
  client.on('error', () => {});
  await within(client.connect(), 'the Redis client to connect');
  t.after(() => client.close());
  return client;
}

/** Each way in which backends in Node emit. @type {Record<string, (t: Test, url: string, options?: object) => Promise<Emitter>>} */
export const kinds = {
  'redis-emitter over redis': async (t, url, options) => new Emitter(await withNodeRedis(t, url), options),
  'redis-emitter over ioredis': async (t, url, options) => new Emitter(withIoredis(t, url), options),
};

/** The package before it, which knows neither exceptions nor requests. */
export const former = (t, url) => new FormerEmitter(withIoredis(t, url));

/** Waits until so many nodes hear emitters. @param {import('../../cluster/lib/redis.js').Redis} redis @param {number} nodes */
export async function listened(redis, nodes) {
  await until(async () => {
    const clients = (await redis.command('CLIENT', 'LIST')).split('\n');
    return clients.filter((line) => /\bpsub=1\b/.test(line)).length === nodes;
  }, `${nodes} nodes hear emitters`);
}

let barriers = 0;

/**
 * Waits until all that was emitted before, by the same emitter, has arrived.
 * @param {{emit: (event: string, ...args: any[]) => unknown}} emitter
 * @param {import('../../clients/lib/client.js').Client[]} clients
 */
export async function settled(emitter, clients) {
  barriers += 1;
  const barrier = `${process.pid} ${barriers}`;
  emitter.emit('barrier', barrier);
  await Promise.all(clients.map((client) => client.event('barrier', (given) => given === barrier)));
}

/** The arguments of each event of that name that a client saw. */
export const argsOf = ({ recorder }, event) => recorder.entries.filter((entry) => entry.event === event).map(({ args }) => args);
