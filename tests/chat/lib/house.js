import assert from 'node:assert/strict';
import { startNode } from '../../clients/lib/gateway.js';
import { Identity } from '../../clients/lib/identity.js';
import { until } from '../../clients/lib/wait.js';
import { ownCluster } from '../../cluster/lib/fixture.js';
import { roomIdOf } from '../../cluster/lib/peers.js';
import { ChatService } from './service.js';

export { roomIdOf };

/**
 * A Chat Service, and one gateway without Redis that delivers to it.
 * @param {{after: (work: () => unknown) => void}} t @param {Record<string, string | undefined>} [env]
 */
export async function alone(t, env = {}) {
  const service = await ChatService.start(t);
  const gateway = await startNode({ CHAT_SERVICE_URL: service.url, ...env }, new Identity());
  t.after(() => gateway.kill());
  return { service, gateway };
}

/**
 * A Chat Service, a Redis and nodes.
 * @param {{after: (work: () => unknown) => void}} t @param {import('../../cluster/lib/fixture.js').Settings} [settings]
 */
export async function together(t, { env, ...settings } = {}) {
  const service = await ChatService.start(t);
  const { redis, cluster } = await ownCluster(t, { size: 2, env: { CHAT_SERVICE_URL: service.url, ...env }, ...settings });
  return { service, redis, cluster };
}

/** The same test with Redis and without. */
export const homes = {
  'without Redis': async (t, env) => {
    const { service, gateway } = await alone(t, env);
    return { service, gateway };
  },
  'with Redis': async (t, env) => {
    const { service, cluster, redis } = await together(t, { env });
    return { service, gateway: cluster, redis };
  },
};

/** Says something and returns the acknowledgement, which must be good. @param {import('../../clients/lib/client.js').Client} client */
export async function say(client, content, clientMessageId) {
  const answer = await client.ask('chat_message', { content, ...(clientMessageId ? { clientMessageId } : {}) });
  assert.equal(answer.status, 'ok', JSON.stringify(answer));
  return answer;
}

/** Says one after another and returns the ids. */
export async function sayAll(client, contents) {
  const ids = [];
  for (const content of contents) ids.push((await say(client, content)).id);
  return ids;
}

export const numbered = (count, word = 'n') => Array.from({ length: count }, (_, n) => `${word} ${n}`);

/** Waits until the service has these, in this order, and nothing else of the room. @param {ChatService} service */
export async function untilStored(service, roomId, ids, bound) {
  await until(() => service.stored(roomId).length >= ids.length, () => `${ids.length} messages are stored`, bound);
  assert.deepEqual(service.stored(roomId).map(({ id }) => id), ids);
}

/** How many messages wait in Redis. */
export const waiting = (redis, roomId) => redis.command('LLEN', `chat:buffer:{${roomId}}`);
