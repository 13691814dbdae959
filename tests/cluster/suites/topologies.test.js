import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { assertResumed, comeBackAs, lose, resumesAtLast } from '../../clients/lib/resume.js';
import { freshCode } from '../../clients/lib/rooms.js';
import { until } from '../../clients/lib/wait.js';
import { Cluster } from '../lib/cluster.js';
import { timed } from '../lib/fixture.js';
import {
  agreed, assertSameRoom, heardAround, roomIdOf, settleAll, signalBothWays, spread, spreadWithProxy, untilAgreed,
} from '../lib/peers.js';
import { allReady } from '../lib/separation.js';
import { RedisCluster, SentinelTrio } from '../lib/topologies.js';

async function gateways(t, redis) {
  const cluster = await Cluster.start(redis, { env: { RECONNECT_WINDOW_MS: '60000' } });
  t.after(() => cluster.stop());
  return cluster;
}

/** Waits until a room is one again, and that nobody was told that anybody left. */
async function wholeAgain(clients, code) {
  await untilAgreed(clients);
  await until(() => heardAround(clients), 'signals go around the room');
  await settleAll(clients);
  await assertSameRoom(clients, code);
  assert.ok(agreed(clients));
  for (const client of clients) assert.deepEqual(client.recorder.all('peer:left'), []);
}

describe('Redis Sentinel', () => {
  test('another master takes over: sockets stay, rooms are one again, newcomers are welcome', async (t) => {
    const trio = await SentinelTrio.start(t);
    const cluster = await gateways(t, trio);
    const code = freshCode();
    const clients = await spread(t, cluster, ['anna', 'bert', 'carl'], { code });
    await trio.failOver();
    const { ms } = await timed(() => allReady(cluster));
    t.diagnostic(`ready ${ms} ms after the failover`);
    await wholeAgain(clients, code);
    const [late] = await spread(t, cluster, ['late'], { code, at: [1] });
    await untilAgreed([...clients, late]);
    await until(() => trio.replica.exists(`room:{${roomIdOf(code)}}:peers`), 'the new master has the room');
  });
});

describe('Redis Cluster', () => {
  const ends = [];
  const suite = { after: (work) => ends.push(work) };
  let redis, cluster;
  before(async () => {
    redis = await RedisCluster.start(suite);
    cluster = await gateways(suite, redis);
  });
  after(async () => { for (const work of ends.reverse()) await work(); });

  test('the channel of a room is sharded: it is subscribed at the master of the room alone', async (t) => {
    const code = freshCode();
    await spread(t, cluster, ['anna', 'bert'], { code });
    const channel = `channel:room:{${roomIdOf(code)}}`;
    const counts = await redis.subscribers(channel);
    assert.deepEqual(counts.filter((count) => count > 0), [2]);
    assert.equal(redis.servers[counts.indexOf(2)], await redis.masterOf(channel));
  });

  test('a peer resumes on another node', async (t) => {
    const { proxy, lossy, others } = await spreadWithProxy(t, cluster, ['anna', 'bert', 'lossy']);
    await lose(proxy);
    await others[0].ask('chat_message', { content: 'missed' });
    const back = await comeBackAs(t, cluster.nodes[2], lossy);
    await assertResumed(back, lossy);
    await back.event('chat_message', ({ content }) => content === 'missed');
    await signalBothWays(back, others[1]);
  });

  test('without a token a peer is found wherever its keys are', async (t) => {
    const { proxy, lossy } = await spreadWithProxy(t, cluster, ['anna', 'lossy']);
    await lose(proxy);
    await resumesAtLast(t, cluster, lossy);
  });

  test('rooms on all slots keep their keys together, and survive the loss of a master', async (t) => {
    const rooms = await Promise.all(Array.from({ length: 9 }, async () => {
      const code = freshCode();
      return { code, clients: await spread(t, cluster, ['anna', 'bert', 'carl'], { code }) };
    }));
    const masters = new Set();
    for (const { code, clients } of rooms) {
      await signalBothWays(clients[0], clients[1]);
      const master = await redis.masterOf(`room:{${roomIdOf(code)}}:peers`);
      for (const name of ['peers', 'nodes']) assert.ok(await master.exists(`room:{${roomIdOf(code)}}:${name}`), name);
      masters.add(master);
    }
    assert.ok(masters.size > 1, 'the rooms are on several masters');
    await redis.failOver(`room:{${roomIdOf(rooms[0].code)}}:peers`);
    const { ms } = await timed(() => allReady(cluster));
    t.diagnostic(`ready ${ms} ms after the failover`);
    for (const { code, clients } of rooms) await wholeAgain(clients, code);
    const [late] = await spread(t, cluster, ['late'], { code: rooms[0].code, at: [1] });
    await untilAgreed([...rooms[0].clients, late]);
    const key = `room:{${roomIdOf(rooms[0].code)}}:peers`;
    assert.ok(await (await redis.masterOf(key)).exists(key), 'the new master has the room');
  });
});
