import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { connect } from '../../clients/lib/client.js';
import { comeBackAs } from '../../clients/lib/resume.js';
import { until } from '../../clients/lib/wait.js';
import { ownCluster } from '../lib/fixture.js';
import { departures, settleAll, spread } from '../lib/peers.js';
import { account, acknowledged, hearEachOtherOut, roam, rollingRestart } from '../lib/rolling.js';

const PEERS = 200;

describe('a rolling restart', () => {
  test(`of three nodes under ${PEERS} chatting peers loses nothing, repeats nothing and parts nobody`, async (t) => {
    // What a node has kept for those who are away goes with it: it has to wait until all have come back elsewhere.
    const { cluster } = await ownCluster(t, { env: { SHUTDOWN_GRACE_MS: '45000', RECONNECT_WINDOW_MS: '120000' } });
    const roamers = await roam(t, cluster, PEERS);
    const since = acknowledged(roamers);
    await rollingRestart(cluster, roamers);
    await hearEachOtherOut(roamers);
    const { acked, moves, words, ...wrong } = account(roamers, since);
    t.diagnostic(`${acked} acknowledged, ${moves} moves, ${JSON.stringify(wrong)}`);
    for (const line of words.slice(0, 10)) t.diagnostic(line);
    assert.ok(moves >= PEERS, `${moves} moves`);
    assert.deepEqual(wrong, { lost: 0, repeated: 0, disordered: 0, left: 0, fresh: 0 });
    assert.ok(roamers.every(({ moves: own, drains }) => drains >= Math.min(own, 1)), 'all who moved were told to');
  });
});

describe('a node that drains', () => {
  test('leaves nothing of itself in Redis once its peers have moved', async (t) => {
    const { redis, cluster } = await ownCluster(t, { env: { SHUTDOWN_GRACE_MS: '2000', RECONNECT_WINDOW_MS: '60000' } });
    const [anna, bert] = await spread(t, cluster, ['anna', 'bert']);
    cluster.nodes[0].signal('SIGTERM');
    await anna.event('server:draining');
    await anna.disconnected();
    const back = await comeBackAs(t, cluster.nodes[2], anna);
    assert.equal((await back.event('room:resumed')).peerId, anna.peerId);
    await cluster.nodes[0].exited();
    await until(async () => !(await redis.exists('node:{n1}')), 'the node is signed off');
    for (const key of await redis.keys('room:*:nodes')) assert.ok(!('n1' in await redis.hash(key)), key);
    await until(async () => (await redis.command('GET', `user:{${anna.userId}}:node`)) === 'n3', 'the user is at the new node');
    await settleAll([bert, back]);
    assert.deepEqual(departures(bert, anna), []);
  });

  test('has peers who do not come back: they are announced left once, when their window is over', async (t) => {
    const { redis, cluster } = await ownCluster(t, { env: { SHUTDOWN_GRACE_MS: '500', RECONNECT_WINDOW_MS: '2000' } });
    const [anna, bert, carl] = await spread(t, cluster, ['anna', 'bert', 'carl']);
    cluster.nodes[0].signal('SIGTERM');
    assert.deepEqual(await cluster.nodes[0].exited(), { code: 0, signal: null });
    for (const client of [bert, carl]) await client.event('peer:left', ({ peerId }) => peerId === anna.peerId);
    await settleAll([bert, carl]);
    for (const client of [bert, carl]) {
      assert.equal(departures(client, anna).length, 1);
      assert.equal(client.recorder.all('host:changed').length, 1);
    }
    await until(async () => (await redis.keys(`*${anna.userId}*`)).length === 0, 'nothing of it stays in Redis');
  });

  test('takes nobody new, while the others do', async (t) => {
    const { cluster } = await ownCluster(t, { size: 2, env: { SHUTDOWN_GRACE_MS: '120000', RECONNECT_WINDOW_MS: '120000' } });
    // A node that waits for a peer is still there to be asked.
    const [awaited] = await spread(t, cluster, ['awaited'], { at: [0] });
    cluster.nodes[0].signal('SIGTERM');
    await awaited.event('server:draining');
    assert.equal((await cluster.nodes[0].http('/readyz')).status, 503);
    await assert.rejects(connect(t, cluster.nodes[0]));
    await connect(t, cluster.nodes[1]);
  });
});
