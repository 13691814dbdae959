import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { assertFresh, assertResumed, comeBack, comeBackAs, lose, theOneHolder } from '../../clients/lib/resume.js';
import { assertRefused, freshCode, join, sawSince } from '../../clients/lib/rooms.js';
import { until } from '../../clients/lib/wait.js';
import { sharedCluster } from '../lib/fixture.js';
import {
  assertSameRoom, departures, othersSeenBy, roomIdOf, settleAll, signalBothWays, spread, spreadWithProxy, untilAgreed,
} from '../lib/peers.js';
import { Stream } from '../lib/stream.js';

const { redis, cluster } = await sharedCluster({ env: { RECONNECT_WINDOW_MS: '60000' } });
const [home, elsewhere, third] = cluster.nodes;

/** Does something, and checks that the others are told nothing of it, on any node. */
async function unnoticedAnywhere(others, action) {
  const marks = others.map((other) => other.mark());
  const result = await action();
  await settleAll(others);
  for (const [index, other] of others.entries()) {
    assert.deepEqual(sawSince(other, marks[index]).filter(({ event }) => event !== 'webrtc:ice'), [], other.username);
  }
  return result;
}

describe('how a peer is found from another node', { concurrency: 4 }, () => {
  test('without a token, the single waiting peer of that user, of whom nobody hears', async (t) => {
    const { proxy, lossy, others } = await spreadWithProxy(t, cluster, ['anna', 'bert', 'lossy']);
    await unnoticedAnywhere(others, async () => {
      await lose(proxy);
      await cluster.knowsAway(lossy);
      const back = await comeBack(t, elsewhere, lossy);
      assert.deepEqual((await assertResumed(back, lossy)).peers, others.map(({ asPeer }) => asPeer));
      for (const other of others) await signalBothWays(back, other);
    });
  });

  test('without a token none of two waiting is picked, with one each is found', async (t) => {
    const code = freshCode();
    const sub = 'user-of-two-lost';
    const first = await spreadWithProxy(t, cluster, ['anna', 'tab'], { code, sub });
    const second = await spreadWithProxy(t, cluster, ['bert', 'tab'], { code, sub });
    await lose(first.proxy);
    await lose(second.proxy);
    await cluster.knowsAway(first.lossy, second.lossy);
    await assertFresh(await comeBack(t, elsewhere, first.lossy));
    await assertResumed(await comeBackAs(t, elsewhere, second.lossy), second.lossy);
    await assertResumed(await comeBackAs(t, third, first.lossy), first.lossy);
  });

  test('may move on from node to node, and back', async (t) => {
    const { proxy, code, lossy, others: [anna] } = await spreadWithProxy(t, cluster, ['anna', 'lossy']);
    await lose(proxy);
    let current = lossy;
    for (const [round, node] of [elsewhere, third, home, third].entries()) {
      await anna.ask('chat_message', { content: `round ${round}` });
      const back = await comeBackAs(t, node, current);
      await assertResumed(back, lossy);
      await signalBothWays(back, anna);
      current = back;
    }
    await assertSameRoom([anna, current], code);
    await settleAll([anna, current]);
    assert.deepEqual(anna.recorder.all('peer:left'), []);
    assert.equal(anna.recorder.all('peer:joined').length, 1);
  });
});

describe('a peer that has come back through another node', { concurrency: 4 }, () => {
  test('may join again and gets its room, and acts as before: host, chat, signals', async (t) => {
    const code = freshCode();
    const { proxy, lossy: host } = await spreadWithProxy(t, cluster, ['host'], { code });
    const guests = await spread(t, cluster, ['bert', 'carl'], { code, at: [1, 2] });
    await lose(proxy);
    const back = await comeBackAs(t, elsewhere, host);
    assert.equal((await assertResumed(back, host)).hostId, host.peerId);
    assert.equal((await join(back, code)).peerId, host.peerId);
    assert.equal((await back.ask('peer:kick', { targetPeerId: guests[1].peerId })).status, 'ok');
    await guests[1].event('room:kicked');
    await signalBothWays(back, guests[0]);
    for (const guest of guests) assert.deepEqual(guest.recorder.all('host:changed'), []);
  });

  test('is named in Redis at its new node only', async (t) => {
    const { proxy, code, lossy } = await spreadWithProxy(t, cluster, ['lossy']);
    await lose(proxy);
    await assertResumed(await comeBackAs(t, third, lossy), lossy);
    const nodesKey = `room:{${roomIdOf(code)}}:nodes`;
    await until(async () => Object.keys(await redis.hash(nodesKey)).join() === 'n3', 'only the new node serves the room');
    await until(async () => (await redis.command('GET', `user:{${lossy.userId}}:node`)) === 'n3', 'the user is at the new node');
    await until(async () => !(await redis.exists(`disconnecting:{${lossy.userId}}`)), 'the user is not away');
  });

  test('is told who left and who came meanwhile, in the list and in the replay', async (t) => {
    const { proxy, code, lossy, others: [anna, bert] } = await spreadWithProxy(t, cluster, ['anna', 'bert', 'lossy']);
    await lose(proxy);
    await bert.ask('leave:room');
    await anna.event('peer:left');
    const [late] = await spread(t, cluster, ['late'], { code, at: [2] });
    await anna.event('peer:joined', ({ peerId }) => peerId === late.peerId);
    const back = await comeBackAs(t, elsewhere, lossy);
    assert.deepEqual((await assertResumed(back, lossy)).peers, [anna.asPeer, late.asPeer]);
    await settleAll([anna, late, back]);
    assert.deepEqual([...othersSeenBy(back, othersSeenBy(lossy))].sort(), [anna.peerId, late.peerId].sort());
  });
});

describe('under traffic from the old, the new and a third node', { concurrency: 4 }, () => {
  /** Streams from a sender on each node to a peer behind a proxy on the first. */
  async function underTraffic(t) {
    const party = await spreadWithProxy(t, cluster, ['near', 'next', 'third', 'lossy'], { at: [0, 1, 2] });
    const streams = party.others.map((sender) => new Stream(sender, party.lossy.peerId));
    t.after(() => Promise.all(streams.map((stream) => stream.stop())));
    await Promise.all(streams.map((stream) => stream.more(30)));
    return { ...party, streams };
  }

  async function assertComplete(streams, others, lossy, back) {
    await Promise.all(streams.map((stream) => stream.more(30)));
    await Promise.all(streams.map((stream) => stream.stop()));
    await settleAll([...others, back]);
    for (const stream of streams) assert.deepEqual(stream.seenBy(lossy, back), stream.all, stream.label);
  }

  for (const token of [true, false]) {
    test(`a lost peer that comes back ${token ? 'with' : 'without'} a token misses nothing, hears nothing twice`, async (t) => {
      const { proxy, lossy, others, streams } = await underTraffic(t);
      await Promise.all(streams.map((stream) => stream.hold(lossy)));
      await lose(proxy);
      for (const stream of streams) stream.goOn();
      await Promise.all(streams.map((stream) => stream.more(30)));
      if (!token) await cluster.knowsAway(lossy);
      const back = await (token ? comeBackAs : comeBack)(t, elsewhere, lossy);
      await assertResumed(back, lossy);
      await assertComplete(streams, others, lossy, back);
    });
  }

  test('one whose connection is dead without its node knowing is taken over, and misses nothing sent since', async (t) => {
    const { proxy, lossy, others, streams } = await underTraffic(t);
    await Promise.all(streams.map((stream) => stream.hold(lossy)));
    proxy.blackHole();
    const back = await comeBackAs(t, elsewhere, lossy);
    await assertResumed(back, lossy);
    await proxy.releasedByGateway();
    for (const stream of streams) stream.goOn();
    await assertComplete(streams, others, lossy, back);
    for (const other of others) assert.deepEqual(departures(other, lossy), []);
  });

  test('one that is taken over alive misses nothing, hears nothing twice', async (t) => {
    const { lossy, others, streams } = await underTraffic(t);
    const back = await comeBackAs(t, elsewhere, lossy);
    await assertResumed(back, lossy);
    await lossy.disconnected();
    await assertComplete(streams, others, lossy, back);
  });

  test('a long backlog comes whole', async (t) => {
    const { proxy, lossy, others: [anna] } = await spreadWithProxy(t, cluster, ['anna', 'lossy']);
    const stream = new Stream(anna, lossy.peerId);
    await stream.stop();
    await stream.hold(lossy);
    await lose(proxy);
    for (let n = 0; n < 800; n += 1) stream.next();
    const back = await comeBackAs(t, third, lossy);
    await assertResumed(back, lossy);
    await settleAll([anna, back]);
    assert.deepEqual(stream.seenBy(lossy, back), stream.all);
  });
});

describe('two nodes racing for one peer', { concurrency: 4 }, () => {
  for (let round = 0; round < 10; round += 1) {
    const how = round % 2 ? 'alive as far as its node knows' : 'lost';
    test(`that is ${how}: exactly one holds it in the end, and nobody else is told (${round})`, async (t) => {
      const { proxy, code, lossy, others } = await spreadWithProxy(t, cluster, ['anna', 'bert', 'lossy']);
      if (round % 2) proxy.blackHole();
      else await lose(proxy);
      const holder = await unnoticedAnywhere(others, async () => {
        const attempts = await Promise.allSettled(cluster.nodes.map((node) => comeBackAs(t, node, lossy)));
        return theOneHolder(attempts.flatMap(({ value }) => (value ? [value] : [])), lossy);
      });
      await untilAgreed([...others, holder], new Map([[holder, othersSeenBy(lossy)]]));
      await assertSameRoom([...others, holder], code);
    });
  }
});

describe('who was kicked while away', () => {
  test('is outside when it comes back elsewhere', async (t) => {
    const { proxy, lossy, others: [host, other] } = await spreadWithProxy(t, cluster, ['host', 'other', 'lossy']);
    await lose(proxy);
    assert.equal((await host.ask('peer:kick', { targetPeerId: lossy.peerId })).status, 'ok');
    assert.deepEqual(await other.event('peer:left'), { peerId: lossy.peerId, reason: 'kicked' });
    const back = await comeBackAs(t, elsewhere, lossy);
    assertRefused(await back.ask('chat_message', { content: 'hm?' }), 'NOT_IN_ROOM');
  });
});
