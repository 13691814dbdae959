import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { connect } from '../../clients/lib/client.js';
import { assertResumed, comeBackAs } from '../../clients/lib/resume.js';
import { assertRefused, freshCode, join } from '../../clients/lib/rooms.js';
import { until } from '../../clients/lib/wait.js';
import { ownCluster, sharedCluster } from '../lib/fixture.js';
import { assertSameRoom, departures, roomIdOf, settleAll, spread, untilAgreed } from '../lib/peers.js';

const hostKey = (code) => `room:{${roomIdOf(code)}}:host`;

/** Makes another the host, and waits until all of them are told. */
async function appoint(host, target, clients) {
  assert.deepEqual(await host.ask('host:change', { targetPeerId: target.peerId }), { status: 'ok' });
  for (const client of clients) await client.event('host:changed', ({ hostId }) => hostId === target.peerId);
}

/** Which hosts a client was told of. */
const hostsToldTo = (client) => client.recorder.all('host:changed').map(({ hostId }) => hostId);

/** A client that joins just now, and which host it is told. */
async function newcomerAt(t, node, code) {
  const late = await connect(t, node, { username: 'late' });
  return { late, hostId: (await join(late, code)).hostId };
}

describe('a host that is made on one node', { concurrency: 3 }, async () => {
  const { redis, cluster } = await sharedCluster();

  test('is the host on all, those that serve the room later included', async (t) => {
    const code = freshCode();
    const [anna, bert, carl] = await spread(t, cluster, ['anna', 'bert', 'carl'], { code, at: [0, 1, 1] });
    await appoint(anna, carl, [anna, bert, carl]);
    const { late, hostId } = await newcomerAt(t, cluster.nodes[2], code);
    assert.equal(hostId, carl.peerId);
    await untilAgreed([anna, bert, carl, late]);
    assert.equal(await assertSameRoom([anna, bert, carl, late], code), carl.peerId);
    assertRefused(await anna.ask('peer:kick', { targetPeerId: bert.peerId }), 'FORBIDDEN');
    await appoint(carl, late, [anna, bert, carl, late]);
    await appoint(late, anna, [anna, bert, carl, late]);
    await settleAll([anna, bert, carl, late]);
    const all = [carl, late, anna].map(({ peerId }) => peerId);
    for (const client of [anna, bert, carl]) assert.deepEqual(hostsToldTo(client), all, client.username);
    assert.deepEqual(hostsToldTo(late), all.slice(1));
  });

  test('gives way to the longest present when it leaves, on all', async (t) => {
    const code = freshCode();
    const [anna, bert, carl] = await spread(t, cluster, ['anna', 'bert', 'carl'], { code });
    await appoint(anna, carl, [anna, bert, carl]);
    assert.equal((await carl.ask('leave:room')).status, 'ok');
    for (const client of [anna, bert]) await client.event('host:changed', ({ hostId }) => hostId === anna.peerId);
    await untilAgreed([anna, bert]);
    assert.equal(await assertSameRoom([anna, bert], code), anna.peerId);
  });

  test('is forgotten with the last peer of the room', async (t) => {
    const code = freshCode();
    const [anna, bert] = await spread(t, cluster, ['anna', 'bert'], { code });
    await appoint(anna, bert, [anna, bert]);
    assert.equal(JSON.parse(await redis.command('GET', hostKey(code))).peer, bert.peerId);
    for (const client of [anna, bert]) await client.ask('leave:room');
    await until(async () => !(await redis.exists(hostKey(code))), 'the key is gone');
  });

  test('stays the host when it comes back on another node, and nobody is told', async (t) => {
    const code = freshCode();
    const [anna, bert, carl] = await spread(t, cluster, ['anna', 'bert', 'carl'], { code });
    await appoint(anna, carl, [anna, bert, carl]);
    const back = await comeBackAs(t, cluster.nodes[0], carl);
    assert.equal((await assertResumed(back, carl)).hostId, carl.peerId);
    await appoint(back, bert, [anna, bert, back]);
    await settleAll([anna, bert, back]);
    for (const client of [anna, bert]) assert.deepEqual(hostsToldTo(client), [carl.peerId, bert.peerId]);
    assert.deepEqual(hostsToldTo(back), [bert.peerId]);
  });
});

describe('the node of the one that was made the host', { concurrency: 2 }, () => {
  test('is killed: when it does not come back in time, the longest present takes over, once', async (t) => {
    const { cluster } = await ownCluster(t);
    const code = freshCode();
    const [anna, bert, carl] = await spread(t, cluster, ['anna', 'bert', 'carl'], { code });
    await appoint(anna, carl, [anna, bert, carl]);
    await cluster.nodes[2].kill();
    for (const client of [anna, bert]) {
      await client.event('peer:left', ({ peerId }) => peerId === carl.peerId);
      await client.event('host:changed', ({ hostId }) => hostId === anna.peerId);
    }
    await untilAgreed([anna, bert]);
    assert.equal(await assertSameRoom([anna, bert], code), anna.peerId);
    await settleAll([anna, bert]);
    for (const client of [anna, bert]) assert.deepEqual(hostsToldTo(client), [carl.peerId, anna.peerId]);
  });

  test('is killed: when it comes back elsewhere in time, it is the host still', async (t) => {
    const { cluster } = await ownCluster(t, { env: { RECONNECT_WINDOW_MS: '60000' } });
    const code = freshCode();
    const [anna, bert, carl] = await spread(t, cluster, ['anna', 'bert', 'carl'], { code });
    await appoint(anna, carl, [anna, bert, carl]);
    await cluster.nodes[2].kill();
    await carl.disconnected();
    const back = await comeBackAs(t, cluster.nodes[0], carl);
    assert.equal((await assertResumed(back, carl)).hostId, carl.peerId);
    assert.equal(await assertSameRoom([anna, bert, back], code), carl.peerId);
    for (const client of [anna, bert]) {
      assert.deepEqual(hostsToldTo(client), [carl.peerId]);
      assert.deepEqual(departures(client, carl), []);
    }
  });

  test('is killed with all others that served the room: whoever looks after it knows the host', async (t) => {
    const { cluster } = await ownCluster(t, { env: { RECONNECT_WINDOW_MS: '60000' } });
    const code = freshCode();
    const [anna, carl] = await spread(t, cluster, ['anna', 'carl'], { code });
    await appoint(anna, carl, [anna, carl]);
    await cluster.nodes[1].kill();
    await cluster.nodes[0].kill();
    await carl.disconnected();
    const back = await comeBackAs(t, cluster.nodes[2], carl);
    assert.equal((await assertResumed(back, carl)).hostId, carl.peerId);
  });
});

describe('Redis that is lost', { concurrency: 3 }, () => {
  const everywhere = async (t, options) => {
    const { redis, cluster } = await ownCluster(t, options);
    const code = freshCode();
    const clients = await spread(t, cluster, ['anna', 'bert', 'carl'], { code, at: [0, 0, 1] });
    return { redis, cluster, code, clients };
  };
  const known = (redis, code, { peerId }) => until(async () => {
    const kept = await redis.command('GET', hostKey(code)).catch(() => null);
    const there = await redis.hash(`room:{${roomIdOf(code)}}:peers`).catch(() => ({}));
    return kept !== null && JSON.parse(kept).peer === peerId && Boolean(there[peerId]);
  }, 'Redis knows the host, and that it is there');

  for (const [how, lose] of [
    ['FLUSHALL', (redis) => redis.command('FLUSHALL')],
    ['a restart without data', (redis) => redis.restartEmpty()],
  ]) {
    test(`${how}: the host stays, nobody is told, and who comes is told the same`, async (t) => {
      const { redis, cluster, code, clients } = await everywhere(t);
      const [anna, bert, carl] = clients;
      await appoint(anna, carl, clients);
      await lose(redis);
      await known(redis, code, carl);
      const { late, hostId } = await newcomerAt(t, cluster.nodes[2], code);
      assert.equal(hostId, carl.peerId);
      await untilAgreed([...clients, late]);
      assert.equal(await assertSameRoom([...clients, late], code), carl.peerId);
      for (const client of [anna, bert, carl]) assert.deepEqual(hostsToldTo(client), [carl.peerId]);
    });
  }

  test('a host made meanwhile is the host on all when it is back, though it knows an earlier one', async (t) => {
    const { redis, code, clients } = await everywhere(t);
    const [anna, bert, carl] = clients;
    await appoint(anna, carl, clients);
    await appoint(carl, anna, clients);
    await redis.command('SAVE');
    await redis.kill();
    await appoint(anna, bert, [anna, bert]);
    assert.equal(hostsToldTo(carl).at(-1), anna.peerId, 'nobody could tell');
    await redis.restartWithData();
    await carl.event('host:changed', ({ hostId }) => hostId === bert.peerId);
    await known(redis, code, bert);
    await untilAgreed(clients);
    assert.equal(await assertSameRoom(clients, code), bert.peerId);
    for (const client of clients) assert.deepEqual(hostsToldTo(client), [carl, anna, bert].map(({ peerId }) => peerId));
  });
});
