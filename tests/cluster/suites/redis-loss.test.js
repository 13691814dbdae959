import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { connect } from '../../clients/lib/client.js';
import { freshCode, join } from '../../clients/lib/rooms.js';
import { until } from '../../clients/lib/wait.js';
import { ownCluster, timed } from '../lib/fixture.js';
import { assertSameRoom, settleAll, spread, untilAgreed } from '../lib/peers.js';
import { Redis } from '../lib/redis.js';
import { allReady, allUnready, apart, joinsAt, livesOn, threePeers, together } from '../lib/separation.js';

/** How Redis is lost and comes back. */
const RETURNS = [
  ['empty', [], (redis) => redis.restartEmpty()],
  ['with its log', [], (redis) => redis.restartWithData()],
  ['with a snapshot', ['--appendonly', 'no'], (redis) => redis.restartWithData()],
];

describe('Redis that is killed and comes back', { concurrency: 2 }, () => {
  for (const [how, options, comeBack] of RETURNS) {
    test(`${how}: rooms go on within each node meanwhile, and are one again in time`, async (t) => {
      const { redis, cluster } = await ownCluster(t, { redis: await Redis.start({ options }) });
      const { code, peers } = await threePeers(t, cluster);
      await redis.command('SAVE');
      await redis.kill();
      const staying = await apart(t, cluster, code, peers);
      await allUnready(cluster);
      await comeBack(redis);
      await together(t, `restart ${how}`, code, staying, { gone: [peers[2]], came: staying.slice(2) });
      await allReady(cluster);
      const [late] = await spread(t, cluster, ['late'], { code, at: [2] });
      await untilAgreed([...staying, late]);
    });
  }

  test('nodes that prefer to serve alone say that they are degraded, with a status of 200', async (t) => {
    const { redis, cluster } = await ownCluster(t, { size: 1, env: { READY_WITHOUT_REDIS: 'true' } });
    await redis.kill();
    assert.equal((await cluster.degraded(0)).status, 200);
    const [anna, bert] = await spread(t, cluster, ['anna', 'bert'], { at: [0, 0] });
    await livesOn(anna, bert);
    await redis.restartEmpty();
    await until(async () => !/degraded/i.test((await cluster.nodes[0].http('/readyz')).text), 'it is whole again');
  });
});

describe('Redis that comes and goes', { concurrency: 2 }, () => {
  test('several times in a row is survived each time', async (t) => {
    const { redis, cluster } = await ownCluster(t, { size: 2 });
    const { code, peers } = await threePeers(t, cluster);
    for (const round of [1, 2, 3]) {
      await redis.restartEmpty();
      await allReady(cluster);
      await together(t, `restart ${round}`, code, peers);
    }
    await settleAll(peers);
    for (const peer of peers) assert.deepEqual(peer.recorder.all('peer:left'), []);
  });

  test('was never there at the start: nodes serve, say so, and find each other when it comes', async (t) => {
    const redis = await Redis.absent();
    const { cluster } = await ownCluster(t, { redis, size: 2, awaitReady: false });
    await allUnready(cluster);
    const code = freshCode();
    const [anna, bert] = await spread(t, cluster, ['anna', 'bert'], { code, at: [0, 0] });
    const carl = await joinsAt(t, cluster.nodes[1], code, [], 'carl');
    await livesOn(anna, bert);
    await redis.run();
    await together(t, 'first start', code, [anna, bert, carl]);
    await allReady(cluster);
  });
});

describe('Redis that loses everything', { concurrency: 2 }, () => {
  const PRESENCE_TTL_MS = 15_000;

  test('FLUSHALL heals within one presence interval, nobody is told', async (t) => {
    const { redis, cluster } = await ownCluster(t, { env: { PRESENCE_TTL_MS: `${PRESENCE_TTL_MS}` } });
    const { code, peers } = await threePeers(t, cluster);
    const before = await redis.keys();
    const records = before.find((key) => /^room:.*:peers$/.test(key));
    await redis.command('FLUSHALL');
    const { ms } = await timed(() => until(async () => {
      const now = await redis.keys();
      const there = Object.keys(await redis.hash(records));
      return before.every((key) => now.includes(key)) && peers.every(({ peerId }) => there.includes(peerId));
    }, 'all keys are there again, and all peers'));
    t.diagnostic(`healed in ${ms} ms`);
    assert.ok(ms <= PRESENCE_TTL_MS, `${ms} ms`);
    const [late] = await spread(t, cluster, ['late'], { code, at: [2] });
    assert.deepEqual(late.recorder.all('room:joined')[0].peers.map(({ id }) => id), peers.map(({ peerId }) => peerId));
    await untilAgreed([...peers, late]);
    await settleAll([...peers, late]);
    for (const peer of peers) assert.deepEqual(peer.recorder.all('peer:left'), []);
  });

  test('who joins right after FLUSHALL comes to see all, and all see it', async (t) => {
    const { redis, cluster } = await ownCluster(t, { env: { PRESENCE_TTL_MS: `${PRESENCE_TTL_MS}` } });
    const { code, peers } = await threePeers(t, cluster);
    await redis.command('FLUSHALL');
    const late = await connect(t, cluster.nodes[2], { username: 'late' });
    await join(late, code);
    await untilAgreed([...peers, late]);
    await assertSameRoom([...peers, late], code);
  });
});
