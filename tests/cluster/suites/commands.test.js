import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { freshCode } from '../../clients/lib/rooms.js';
import { until } from '../../clients/lib/wait.js';
import { FaultyPath } from '../lib/faults.js';
import { ownCluster, sharedCluster, timed } from '../lib/fixture.js';
import { roomIdOf, settleAll, spread } from '../lib/peers.js';
import { Redis } from '../lib/redis.js';

const RELAYS = 400;
/** What a cluster at rest does at most in a second: liveness, canaries, presence. */
const AT_REST = 60;

const { redis, cluster } = await sharedCluster();

/** Relays so many; resolves when the target has them all. */
async function relayMany(sender, target) {
  const answers = await Promise.all(Array.from({ length: RELAYS }, (_, n) =>
    sender.ask('webrtc:ice', { targetPeerId: target.peerId, candidate: `relay ${n}` })));
  for (const answer of answers) assert.equal(answer.status, 'ok');
  await target.event('webrtc:ice', ({ candidate }) => candidate === `relay ${RELAYS - 1}`);
}

/**
 * What Redis got while something happened: how many of each command, and which commands carried relays.
 * `few` are far fewer than one a relay, beside what it gets in that time anyway.
 * @returns {Promise<{counts: Map<string, number>, carriers: string[], few: number}>}
 */
async function commandsDuring(t, action) {
  const lines = await redis.monitor(t);
  const before = await redis.commandCounts();
  const { result: after, ms } = await timed(async () => {
    await action();
    return redis.commandCounts();
  });
  const delta = [...after].map(([name, calls]) => [name, calls - (before.get(name) ?? 0)]);
  const counts = new Map(delta.filter(([name, calls]) => calls > 0 && name !== 'info'));
  await until(() => lines.filter((line) => line.includes('"INFO"')).length >= 2, 'MONITOR has told of all of it');
  const carriers = lines.filter((line) => line.includes('relay ')).map((line) => line.split('"')[1].toUpperCase());
  return { counts, carriers, few: RELAYS / 2 + (AT_REST * ms) / 1000 };
}

const publishes = (counts) => (counts.get('publish') ?? 0) + (counts.get('spublish') ?? 0);
const total = (counts) => [...counts.values()].reduce((sum, calls) => sum + calls, 0);

describe(`what ${RELAYS} relays cost Redis`, () => {
  test('to a target on the same node: nothing', async (t) => {
    const code = freshCode();
    const [anna, bert] = await spread(t, cluster, ['anna', 'bert', 'carl'], { code, at: [0, 0, 1] });
    const { counts, carriers, few } = await commandsDuring(t, () => relayMany(anna, bert));
    t.diagnostic(`local: ${JSON.stringify(Object.fromEntries(counts))}`);
    assert.ok(total(counts) < few, `${total(counts)} commands`);
    assert.deepEqual(carriers, []);
  });

  test('to a target on another node: one PUBLISH each, and nothing else', async (t) => {
    const code = freshCode();
    const [anna, bert] = await spread(t, cluster, ['anna', 'bert'], { code });
    const { counts, carriers, few } = await commandsDuring(t, () => relayMany(anna, bert));
    t.diagnostic(`remote: ${JSON.stringify(Object.fromEntries(counts))}`);
    assert.deepEqual(carriers, Array(RELAYS).fill('PUBLISH'));
    assert.ok(publishes(counts) < RELAYS + few, `${publishes(counts)}`);
    assert.ok(total(counts) - publishes(counts) < few, `${total(counts) - publishes(counts)} others`);
  });
});

describe('a node that does not serve a room', () => {
  test('is told nothing at all of what is said in it', async (t) => {
    const redis = await Redis.start();
    const path = await FaultyPath.to(t, redis);
    const { cluster } = await ownCluster(t, { redis, urls: [redis.url, redis.url, path.url] });
    const code = freshCode();
    const [anna, bert] = await spread(t, cluster, ['anna', 'bert'], { code });
    const told = await path.overheard(async () => {
      await relayMany(anna, bert);
      await settleAll([anna, bert]);
      await bert.ask('leave:room');
      await anna.event('peer:left');
    });
    for (const mark of [roomIdOf(code), anna.peerId, bert.peerId, anna.userId, 'barrier']) {
      assert.ok(!told.includes(mark), `it was told of ${mark}`);
    }
    t.diagnostic(`the node that does not serve the room got ${told.length} bytes while ${RELAYS} relays went by`);
  });
});

describe('the channel of a room', () => {
  const channelOf = (code) => `channel:room:{${roomIdOf(code)}}`;
  const untilSubscribed = (code, count) =>
    until(async () => (await redis.subscribers(channelOf(code))) === count, `${count} nodes are subscribed`);

  test('is subscribed by the nodes that serve the room, and by no other', async (t) => {
    const code = freshCode();
    const [anna, bert, carl] = await spread(t, cluster, ['anna', 'bert', 'carl'], { code, at: [0, 1, 1] });
    await untilSubscribed(code, 2);
    await carl.ask('leave:room');
    await settleAll([anna, bert]);
    assert.equal(await redis.subscribers(channelOf(code)), 2);
    await bert.ask('leave:room');
    await untilSubscribed(code, 1);
    await anna.ask('leave:room');
    await untilSubscribed(code, 0);
  });

  test('is given up when the last one disconnects, too', async (t) => {
    const code = freshCode();
    const [anna, bert] = await spread(t, cluster, ['anna', 'bert'], { code });
    anna.close();
    bert.close();
    await untilSubscribed(code, 0);
  });
});
