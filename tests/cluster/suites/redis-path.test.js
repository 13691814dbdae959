import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { connect } from '../../clients/lib/client.js';
import { assertResumed, comeBackAs } from '../../clients/lib/resume.js';
import { description, freshCode, join } from '../../clients/lib/rooms.js';
import { FaultyPath, lasting } from '../lib/faults.js';
import { ownCluster } from '../lib/fixture.js';
import {
  agreed, arrivals, departures, othersSeenBy, settleAll, signalBothWays, spread, untilAgreed,
} from '../lib/peers.js';
import { Redis } from '../lib/redis.js';
import { allReady, apart, joinsAt, livesOn, threePeers, together } from '../lib/separation.js';

const FREEZES_MS = [5_000, 30_000];
const PARTITION_MS = 10_000;

/** A cluster in which the last node reaches Redis by a path of its own. */
async function withFaultyPath(t, size = 3, env = {}) {
  const redis = await Redis.start();
  const path = await FaultyPath.to(t, redis);
  const urls = Array.from({ length: size }, (_, index) => (index === size - 1 ? path.url : redis.url));
  return { path, ...await ownCluster(t, { redis, size, urls, env }) };
}

describe('Redis that freezes', { concurrency: 3 }, () => {
  for (const freeze of FREEZES_MS) {
    test(`for ${freeze / 1000} s does not hold back what stays within a node; nobody is told that others left`, async (t) => {
      const { redis, cluster } = await ownCluster(t);
      const { code, peers } = await threePeers(t, cluster);
      redis.freeze();
      const frost = lasting(freeze);
      const staying = await apart(t, cluster, code, peers);
      await frost;
      for (const client of staying) assert.ok(client.socket.connected, `${client.username} is connected`);
      redis.thaw();
      await together(t, `thaw after ${freeze} ms`, code, staying, { gone: [peers[2]], came: staying.slice(2) });
      for (const client of staying.slice(0, 2)) {
        assert.deepEqual(client.recorder.all('peer:left').map(({ peerId }) => peerId), [peers[2].peerId]);
      }
      await allReady(cluster);
    });
  }

  test('does not separate local order from remote order: all comes, once and in order', async (t) => {
    const { redis, cluster } = await ownCluster(t, { size: 2 });
    const { peers: [anna, bert, carl] } = await threePeers(t, cluster);
    redis.freeze();
    const contents = Array.from({ length: 50 }, (_, n) => `during the frost ${n}`);
    for (const content of contents) anna.send('chat_message', { content });
    await carl.event('chat_message', ({ content }) => content === contents.at(-1));
    redis.thaw();
    await signalBothWays(anna, bert);
    await settleAll([anna, bert, carl]);
    for (const client of [anna, bert, carl]) {
      const heard = client.recorder.all('chat_message').map(({ content }) => content).filter((text) => text.startsWith('during'));
      assert.deepEqual(heard, contents, client.username);
    }
  });
});

describe('a node that is cut off from Redis', { concurrency: 2 }, () => {
  for (const [how, fault] of [['cut', (path) => path.cut()], ['without packets', (path) => path.drop()]]) {
    test(`${how}: lives on alone, as the others do without it, and they are one again in time`, async (t) => {
      const { path, cluster } = await withFaultyPath(t);
      const code = freshCode();
      const [anna, bert, carl, dora] = await spread(t, cluster, ['anna', 'bert', 'carl', 'dora'], { code, at: [0, 1, 2, 2] });
      fault(path);
      const partition = lasting(PARTITION_MS);
      await livesOn(carl, dora);
      await livesOn(anna, bert);
      const emil = await joinsAt(t, cluster.nodes[2], code, [carl, dora], 'emil');
      const fred = await joinsAt(t, cluster.nodes[0], code, [anna, bert], 'fred');
      assert.match((await cluster.unready(2)).text, /redis/i);
      await partition;
      const all = [anna, bert, carl, dora, emil, fred];
      for (const client of all) assert.ok(client.socket.connected, `${client.username} is connected`);
      path.restore();
      await together(t, `partition, ${how}`, code, all);
      await allReady(cluster);
    });
  }

  test('has not said again what it did not get to the peers of another that is lost: they heard it', async (t) => {
    const { path, cluster } = await withFaultyPath(t, 3, { RECONNECT_WINDOW_MS: '60000' });
    const [anna, bert] = await spread(t, cluster, ['anna', 'bert', 'carl']);
    path.cut();
    const candidates = Array.from({ length: 20 }, (_, n) => `while it is away ${n}`);
    for (const candidate of candidates) {
      assert.equal((await anna.ask('webrtc:ice', { targetPeerId: bert.peerId, candidate })).status, 'ok');
    }
    await bert.event('webrtc:ice', ({ candidate }) => candidate === candidates.at(-1));
    await cluster.nodes[1].kill();
    const back = await comeBackAs(t, cluster.nodes[0], bert);
    assert.equal((await assertResumed(back, bert)).missed, 0);
    await settleAll([anna, back]);
    assert.deepEqual(back.recorder.all('webrtc:ice'), []);
  });

  test('for a moment only: nobody is told anything', async (t) => {
    const { path, cluster } = await withFaultyPath(t, 2);
    const [anna, bert] = await spread(t, cluster, ['anna', 'bert']);
    path.cut();
    path.restore();
    await signalsGetThrough(anna, bert);
    await signalsGetThrough(bert, anna);
    await settleAll([anna, bert]);
    for (const client of [anna, bert]) assert.deepEqual(client.recorder.all('peer:left'), []);
  });
});

describe('a peer that leaves a node which is cut off from Redis', () => {
  test('stays where it went when the node is back, and nobody is told', async (t) => {
    const { path, cluster } = await withFaultyPath(t);
    const code = freshCode();
    const [anna, bert, carl] = await spread(t, cluster, ['anna', 'bert', 'carl'], { code });
    const known = othersSeenBy(carl);
    path.cut();
    const back = await comeBackAs(t, cluster.nodes[0], carl);
    await assertResumed(back, carl);
    await signalBothWays(back, bert);
    path.restore();
    await allReady(cluster);
    await carl.disconnected();
    const all = [anna, bert, back];
    await untilAgreed(all, new Map([[back, known]]));
    const [late] = await spread(t, cluster, ['late'], { code, at: [2] });
    await untilAgreed([...all, late], new Map([[back, known]]));
    await settleAll([...all, late]);
    assert.ok(back.socket.connected, 'it is not cut off by the node that it left');
    for (const client of [anna, bert]) {
      assert.deepEqual(departures(client, carl), []);
      assert.equal(arrivals(client, carl).length, 1);
    }
  });
});

/** Sends until one arrives: relays are at most once, and one may have been under way in the cut. */
async function signalsGetThrough(sender, target) {
  const heard = target.event('webrtc:ice', ({ from }) => from === sender.peerId);
  let arrived = false;
  heard.then(() => (arrived = true), () => (arrived = true));
  for (let n = 0; !arrived; n += 1) {
    await sender.ask('webrtc:ice', { targetPeerId: target.peerId, candidate: `try ${n}` });
    await lasting(20);
  }
  await heard;
}

describe('Redis that is slow', { concurrency: 2 }, () => {
  test('by 100 ms each way: all stories hold', async (t) => {
    const redis = await Redis.start();
    const path = await FaultyPath.to(t, redis);
    path.delay(100);
    const { cluster } = await ownCluster(t, { redis, urls: [path.url, path.url, path.url] });
    const code = freshCode();
    const clients = await spread(t, cluster, ['anna', 'bert', 'carl', 'dora'], { code });
    const [anna, bert] = clients;
    const order = [];
    bert.socket.on('webrtc:offer', ({ offer }) => order.push(offer.n));
    bert.socket.on('webrtc:ice', ({ candidate }) => order.push(Number(candidate)));
    for (let n = 0; n < 100; n += 2) {
      anna.send('webrtc:offer', { targetPeerId: bert.peerId, offer: { ...description('offer'), n } });
      anna.send('webrtc:ice', { targetPeerId: bert.peerId, candidate: `${n + 1}` });
    }
    await settleAll(clients);
    assert.deepEqual(order, Array.from({ length: 100 }, (_, n) => n));
    await clients[3].ask('leave:room');
    await untilAgreed(clients.slice(0, 3));
    for (const client of clients.slice(0, 3)) assert.equal(departures(client, clients[3]).length, 1);
    await allReady(cluster);
  });

  test('by 100 ms each way: of twelve joins at once ten are admitted, who agree', async (t) => {
    const redis = await Redis.start();
    const path = await FaultyPath.to(t, redis);
    const { cluster } = await ownCluster(t, { redis, urls: [path.url, path.url, path.url] });
    const code = freshCode();
    const clients = await Promise.all(Array.from({ length: 12 }, (_, n) => connect(t, cluster.nodes[n % 3])));
    path.delay(100);
    const answers = await Promise.all(clients.map((client) => client.ask('join:room', { roomCode: code })));
    const admitted = clients.filter((_, index) => answers[index].status === 'ok');
    admitted.forEach((client) => (client.peerId = client.recorder.all('room:joined')[0].peerId));
    assert.equal(admitted.length, 10);
    await untilAgreed(admitted);
    const late = await connect(t, cluster.nodes[0]);
    await admitted[0].ask('leave:room');
    await untilAgreed(admitted.slice(1));
    await join(late, code);
    await untilAgreed([...admitted.slice(1), late]);
    assert.ok(agreed([...admitted.slice(1), late]));
  });
});
