import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { connect } from '../../clients/lib/client.js';
import { until } from '../../clients/lib/wait.js';
import { FaultyPath } from '../../cluster/lib/faults.js';
import { ownCluster } from '../../cluster/lib/fixture.js';
import { Redis } from '../../cluster/lib/redis.js';
import { about, envelope, listening, numbers, oneOnEach, publish, subscribe } from '../lib/house.js';

const KEPT = JSON.stringify([
  { name: 'feed', types: ['post'], audience: 'subscribers', replay: 100 },
  { name: 'parts', types: ['part'], audience: { topic: 'part:{id}' }, replay: 100 },
]);

const env = { EVENT_CHANNELS: KEPT };

/** Publishes so many posts, and returns their numbers. */
async function post(redis, count) {
  const posted = [];
  for (let n = 0; n < count; n += 1) {
    const said = envelope('post');
    await publish(redis, 'feed', said);
    posted.push(said.data.number);
  }
  return posted;
}

const has = (client, wanted) => until(() => numbers(client, 'post').length >= wanted.length, `${client.username} has ${wanted.length} posts`);

async function place(t, settings = {}) {
  const { redis, cluster } = await ownCluster(t, { size: 3, env, ...settings });
  await listening(redis, 'feed', cluster.nodes.length);
  return { redis, cluster };
}

describe('a channel that keeps its events', { concurrency: 3 }, () => {
  test('tells them on all nodes in one order, with their places, each once', async (t) => {
    const { redis, cluster } = await place(t);
    const clients = await oneOnEach(t, cluster);
    for (const client of clients) await subscribe(client, 'feed');
    const posted = await post(redis, 200);
    for (const client of clients) await has(client, posted);
    const offsets = (client) => client.recorder.entries.filter(({ event }) => event === 'post').map(({ args }) => args[1].offset);
    for (const client of clients) {
      assert.deepEqual(numbers(client, 'post'), posted);
      assert.deepEqual(offsets(client), offsets(clients[0]), 'an event has one place');
    }
    assert.equal(new Set(offsets(clients[0])).size, 200);
  });

  test('gives a client that comes back, to any node, what it missed', async (t) => {
    const { redis, cluster } = await place(t);
    const anna = await connect(t, cluster.nodes[0]);
    const answer = await subscribe(anna, 'feed');
    assert.match(answer.offset, /^\d+-\d+$/);
    const first = await post(redis, 3);
    await has(anna, first);
    const { offset } = about(anna, 'post');
    anna.close();
    const witness = await connect(t, cluster.nodes[1]);
    await subscribe(witness, 'feed');
    const missed = await post(redis, 20);
    await has(witness, missed);
    const back = await connect(t, cluster.nodes[1]);
    assert.equal((await subscribe(back, 'feed', { since: offset })).recovered, true);
    const later = await post(redis, 5);
    await has(back, [...missed, ...later]);
    assert.deepEqual(numbers(back, 'post'), [...missed, ...later]);
  });

  test('says when more was missed than is kept', async (t) => {
    const { redis, cluster } = await place(t, { size: 1 });
    const anna = await connect(t, cluster.nodes[0]);
    await subscribe(anna, 'feed');
    const [first] = await post(redis, 1);
    await has(anna, [first]);
    const { offset } = about(anna, 'post');
    await has(anna, [first, ...await post(redis, 120)]);
    const back = await connect(t, cluster.nodes[0]);
    assert.equal((await subscribe(back, 'feed', { since: offset })).recovered, false);
    await back.ask('heartbeat');
    assert.deepEqual(numbers(back, 'post'), []);
    const last = await connect(t, cluster.nodes[0]);
    assert.equal((await subscribe(last, 'feed', { last: 10 })).recovered, true);
    assert.deepEqual(numbers(last, 'post'), numbers(anna, 'post').slice(-10), 'they come before the answer');
  });

  test('keeps each topic apart', async (t) => {
    const { redis, cluster } = await ownCluster(t, { size: 1, env });
    await listening(redis, 'parts', 1);
    const anna = await connect(t, cluster.nodes[0]);
    await subscribe(anna, 'parts');
    for (const id of ['a', 'b', 'a']) await publish(redis, 'parts', envelope('part', { id }));
    await until(() => anna.recorder.all('part').length === 3, 'all came');
    const bert = await connect(t, cluster.nodes[0]);
    await subscribe(bert, 'part:a', { last: 10 });
    assert.deepEqual(bert.recorder.all('part').map(({ id }) => id), ['a', 'a']);
  });

  test('is known to a node that comes later, and after a restart of Redis with its data', async (t) => {
    const redis = await Redis.start({ options: ['--appendfsync', 'always'] });
    const { cluster } = await ownCluster(t, { redis, size: 2, env });
    await listening(redis, 'feed', 2);
    const anna = await connect(t, cluster.nodes[0]);
    await subscribe(anna, 'feed');
    const posted = await post(redis, 10);
    await has(anna, posted);
    await redis.restartWithData();
    await listening(redis, 'feed', 2);
    await cluster.nodes[1].kill();
    await cluster.run(1);
    await listening(redis, 'feed', 2);
    const bert = await connect(t, cluster.nodes[1]);
    await until(async () => {
      await subscribe(bert, 'feed', { last: 10 });
      return numbers(bert, 'post').length >= 10;
    }, 'the node knows what is kept');
    assert.deepEqual(numbers(bert, 'post').slice(-10), posted);
  });

  test('tells a node that was cut off what was published meanwhile, once and in order', async (t) => {
    const redis = await Redis.start();
    const path = await FaultyPath.to(t, redis);
    const { cluster } = await ownCluster(t, { redis, size: 2, env, urls: [redis.url, path.url] });
    await listening(redis, 'feed', 2);
    const clients = await oneOnEach(t, cluster);
    for (const client of clients) await subscribe(client, 'feed');
    const before = await post(redis, 5);
    for (const client of clients) await has(client, before);
    path.cut();
    await listening(redis, 'feed', 1);
    const during = await post(redis, 30);
    await has(clients[0], [...before, ...during]);
    path.restore();
    await has(clients[1], [...before, ...during]);
    await listening(redis, 'feed', 2);
    const all = [...before, ...during, ...await post(redis, 5)];
    for (const client of clients) {
      await has(client, all);
      assert.deepEqual(numbers(client, 'post'), all);
    }
  });

  test('takes what a backend writes into the stream itself while nobody hears it', async (t) => {
    const { redis, cluster } = await place(t, { size: 1 });
    const anna = await connect(t, cluster.nodes[0]);
    await subscribe(anna, 'feed');
    const quiet = envelope('post');
    await redis.command('XADD', 'events:{feed}', '*', 'e', JSON.stringify(quiet));
    const [loud] = await post(redis, 1);
    await has(anna, [1, 2]);
    assert.deepEqual(numbers(anna, 'post'), [quiet.data.number, loud]);
    const both = envelope('post');
    await redis.command('XADD', 'events:{feed}', '*', 'e', JSON.stringify(both));
    await publish(redis, 'feed', both);
    await redis.command('XADD', 'events:{feed}', '*', 'typo', 'x');
    const [last] = await post(redis, 1);
    await has(anna, [1, 2, 3, 4]);
    assert.deepEqual(numbers(anna, 'post').slice(2), [both.data.number, last], 'each once, and what is none is passed over');
  });

  test('works on one node without Redis too, for its own events', async (t) => {
    const { startNode } = await import('../../clients/lib/gateway.js');
    const { Identity } = await import('../../clients/lib/identity.js');
    const channels = [{ name: 'system:events', types: ['server_started'], audience: 'subscribers', replay: 10 }];
    const gateway = await startNode({ EVENT_CHANNELS: JSON.stringify(channels) }, new Identity());
    t.after(() => gateway.kill());
    const anna = await connect(t, gateway);
    await until(async () => {
      await subscribe(anna, 'system:events', { last: 1 });
      return anna.recorder.all('server_started').length > 0;
    }, 'the node has told of itself');
    assert.match(about(anna, 'server_started').offset, /^\d+-\d+$/);
  });
});
