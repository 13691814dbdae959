import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { connect } from '../../clients/lib/client.js';
import { comeBackAs } from '../../clients/lib/resume.js';
import { freshCode } from '../../clients/lib/rooms.js';
import { until } from '../../clients/lib/wait.js';
import { ownCluster } from '../lib/fixture.js';
import { departures, settleAll, spread } from '../lib/peers.js';
import { Roamer } from '../lib/roamer.js';

const PEERS = 200;
const ROOM_SIZE = 10;

/** Replaces one node after another, as a deployment does. */
async function rollingRestart(cluster, roamers) {
  for (const index of cluster.nodes.keys()) {
    cluster.nodes[index].signal('SIGTERM');
    assert.deepEqual(await cluster.nodes[index].exited(), { code: 0, signal: null });
    await cluster.run(index);
    await cluster.ready(index);
    await until(() => roamers.every(({ connected }) => connected), 'all are connected');
  }
}

async function roam(t, cluster) {
  const codes = Array.from({ length: Math.ceil(PEERS / ROOM_SIZE) }, () => freshCode());
  const roamers = Array.from({ length: PEERS }, (_, n) => new Roamer(cluster, codes[Math.floor(n / ROOM_SIZE)], n));
  t.after(() => roamers.forEach((roamer) => roamer.stop()));
  for (const roamer of roamers) await roamer.start();
  return roamers;
}

const roommates = (roamers, { roomCode }) => roamers.filter((other) => other.roomCode === roomCode);

/** Lets every roamer hear what all of its room had acknowledged. What does not come is counted later. */
async function hearEachOtherOut(roamers) {
  await Promise.all(roamers.map((roamer) => roamer.fallSilent()));
  const complete = (roamer) => roommates(roamers, roamer).every((mate) => roamer.heard.has(mate.acked.at(-1)));
  await until(() => roamers.every(complete), 'the last words of all were heard').catch(() => {});
}

/** What went wrong, in numbers and in words. */
function account(roamers, since) {
  const counts = { acked: 0, lost: 0, repeated: 0, disordered: 0, left: 0, fresh: 0, moves: 0 };
  const words = [];
  for (const roamer of roamers) {
    counts.acked += roamer.acked.length;
    counts.left += roamer.left.length;
    counts.fresh += roamer.fresh;
    counts.moves += roamer.moves;
    const repeated = [...roamer.heard].filter(([, ids]) => ids.length > 1);
    counts.repeated += repeated.length;
    words.push(...repeated.map(([id, ids]) => `${roamer.sub} heard "${id}" as ${ids}`));
    for (const mate of roommates(roamers, roamer)) {
      const owed = mate.acked.slice(since.get(mate));
      const lost = owed.filter((id) => !roamer.heard.has(id));
      counts.lost += lost.length;
      words.push(...lost.map((id) => `${roamer.sub} never heard "${id}"`));
      const order = (roamer.orders.get(mate.sub) ?? []).map((id) => Number(id.split(' ')[1]));
      const disordered = order.filter((n, index) => index > 0 && n < order[index - 1]);
      counts.disordered += disordered.length;
      words.push(...disordered.map((n) => `${roamer.sub} heard ${n} of ${mate.sub} late: ${order}`));
    }
  }
  return { ...counts, words };
}

describe('a rolling restart', () => {
  test(`of three nodes under ${PEERS} chatting peers loses nothing, repeats nothing and parts nobody`, async (t) => {
    const { cluster } = await ownCluster(t, { env: { SHUTDOWN_GRACE_MS: '2000' } });
    const roamers = await roam(t, cluster);
    const since = new Map(roamers.map((roamer) => [roamer, roamer.acked.length]));
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
    const { redis, cluster } = await ownCluster(t, { env: { SHUTDOWN_GRACE_MS: '2000' } });
    const [anna, bert] = await spread(t, cluster, ['anna', 'bert']);
    cluster.nodes[0].signal('SIGTERM');
    await anna.event('server:draining');
    await anna.disconnected();
    const back = await comeBackAs(t, cluster.nodes[2], anna);
    assert.equal((await back.event('room:resumed')).peerId, anna.peerId);
    await cluster.nodes[0].exited();
    await until(async () => !(await redis.exists('node:{n1}')), 'the node is signed off');
    for (const key of await redis.keys('room:*:nodes')) assert.ok(!('n1' in await redis.hash(key)), key);
    assert.equal(await redis.command('GET', `user:{${anna.userId}}:node`), 'n3');
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
    const { cluster } = await ownCluster(t, { size: 2, env: { SHUTDOWN_GRACE_MS: '60000' } });
    const crowd = await Promise.all(Array.from({ length: 60 }, () => connect(t, cluster.nodes[0])));
    cluster.nodes[0].signal('SIGTERM');
    await crowd[0].event('server:draining');
    assert.equal((await cluster.nodes[0].http('/readyz')).status, 503);
    await assert.rejects(connect(t, cluster.nodes[0]));
    await connect(t, cluster.nodes[1]);
  });
});
