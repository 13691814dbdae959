// Emitters in a Redis Cluster, whose servers pass publications on to each other.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { connect } from '../../clients/lib/client.js';
import { expectAnyEvents } from '../../clients/lib/contract.js';
import { until } from '../../clients/lib/wait.js';
import { Cluster } from '../../cluster/lib/cluster.js';
import { RedisCluster } from '../../cluster/lib/topologies.js';
import { kinds, settled } from '../lib/emitters.js';

// A backend calls its events as it likes.
expectAnyEvents();

const ROUNDS = 200;

test('in a Redis Cluster requests and events keep their order, whichever server they are given to', async (t) => {
  const redis = await RedisCluster.start(t);
  const gateways = await Cluster.start(redis, { size: 3 });
  t.after(() => gateways.stop());
  await until(async () => {
    const lists = await Promise.all(redis.servers.map((server) => server.command('CLIENT', 'LIST')));
    return lists.join('\n').match(/\bpsub=1\b/g)?.length === 3;
  }, 'three nodes hear emitters');
  const clients = await Promise.all(gateways.nodes.map((node) => connect(t, node)));
  for (const [place, server] of redis.servers.entries()) {
    const emitter = await kinds['redis-emitter over ioredis'](t, server.url);
    const name = `n ${place}`;
    for (let n = 0; n < ROUNDS; n += 1) {
      emitter.socketsJoin('group');
      emitter.to('group').emit(name, n);
      emitter.socketsLeave('group');
      emitter.to('group').emit(name, 'too late');
    }
    await settled(emitter, clients);
    for (const client of clients) assert.deepEqual(client.recorder.all(name), Array.from({ length: ROUNDS }, (_, n) => n));
  }
});
