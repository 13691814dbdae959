import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { lose } from '../../clients/lib/resume.js';
import { freshCode } from '../../clients/lib/rooms.js';
import { until } from '../../clients/lib/wait.js';
import { Cluster } from '../lib/cluster.js';
import { ownCluster, sharedCluster } from '../lib/fixture.js';
import { roomIdOf, settleAll, signalBothWays, spread, spreadWithProxy } from '../lib/peers.js';

const { redis, cluster } = await sharedCluster();

const keysOf = (code, { userId }) => ({
  peers: `room:{${roomIdOf(code)}}:peers`,
  nodes: `room:{${roomIdOf(code)}}:nodes`,
  node: `user:{${userId}}:node`,
  presence: `presence:{${roomIdOf(code)}}:{${userId}}`,
  chat: `chat:buffer:{${roomIdOf(code)}}`,
  away: `disconnecting:{${userId}}`,
});

const ttlMs = (key) => redis.command('PTTL', key);
const present = (key) => until(() => redis.exists(key), `${key} exists`);
const absent = (key) => until(async () => !(await redis.exists(key)), `${key} is gone`);

describe('the names in Redis', () => {
  test('say who is in a room, on which nodes, and where a user is', async (t) => {
    const code = freshCode();
    const clients = await spread(t, cluster, ['anna', 'bert', 'carl'], { code, at: [0, 1, 1] });
    const { peers, nodes } = keysOf(code, clients[0]);
    const entries = await redis.hash(peers);
    assert.deepEqual(Object.keys(entries).sort(), clients.map(({ peerId }) => peerId).sort());
    for (const client of clients) {
      const entry = JSON.parse(entries[client.peerId]);
      assert.ok(JSON.stringify(entry).includes(client.userId), `${entries[client.peerId]} names the user`);
    }
    await until(async () => JSON.stringify(Object.entries(await redis.hash(nodes)).sort()) === '[["n1","1"],["n2","2"]]',
      'the nodes and their counts are there');
    for (const [index, name] of ['n1', 'n2', 'n2'].entries()) {
      await until(async () => (await redis.command('GET', keysOf(code, clients[index]).node)) === name, `${name} has the user`);
    }
  });

  test('say which nodes live, for a short time only', async () => {
    for (const name of ['n1', 'n2', 'n3']) {
      const ttl = await until(async () => Math.max(0, await ttlMs(`node:{${name}}`)), `${name} shows that it lives`);
      assert.ok(ttl <= 10_000, `${ttl} ms`);
    }
  });

  test('are gone with the last peer of a room', async (t) => {
    const code = freshCode();
    const [anna, bert] = await spread(t, cluster, ['anna', 'bert'], { code });
    await settleAll([anna, bert]);
    for (const client of [anna, bert]) for (const key of Object.values(keysOf(code, client)).slice(0, 4)) await present(key);
    await anna.ask('leave:room');
    bert.close();
    for (const client of [anna, bert]) {
      const { node, ...ofRoom } = keysOf(code, client);
      for (const key of Object.values(ofRoom)) await absent(key);
      if (client === bert) await absent(node);
    }
  });
});

describe('presence', () => {
  test('lasts 30 s, and each heartbeat renews it', async (t) => {
    const code = freshCode();
    const [anna] = await spread(t, cluster, ['anna'], { code });
    const { presence } = keysOf(code, anna);
    await present(presence);
    const ttl = await ttlMs(presence);
    assert.ok(ttl > 20_000 && ttl <= 30_000, `${ttl} ms`);
    await redis.command('PEXPIRE', presence, 9_000);
    assert.equal((await anna.ask('heartbeat')).status, 'ok');
    await until(async () => (await ttlMs(presence)) > 20_000, 'the presence is renewed');
  });

  test('that is missing is registered again by a heartbeat, with all that belongs to it', async (t) => {
    const code = freshCode();
    const [anna, bert] = await spread(t, cluster, ['anna', 'bert'], { code });
    const { presence, peers, node } = keysOf(code, anna);
    await present(presence);
    await redis.command('DEL', presence, peers, node);
    assert.equal((await anna.ask('heartbeat')).status, 'ok');
    for (const key of [presence, node]) await present(key);
    await until(async () => anna.peerId in await redis.hash(peers), 'the peer is registered again');
    await settleAll([anna, bert]);
    assert.deepEqual(bert.recorder.all('peer:left'), []);
    assert.equal(bert.recorder.all('peer:joined').length, 0);
  });

  test('of a user who is away is marked for the window, and no longer', async (t) => {
    const window = 12_000;
    const { redis: own, cluster: patient } = await ownCluster(t, { env: { RECONNECT_WINDOW_MS: `${window}` } });
    const { proxy, lossy, others: [anna], code } = await spreadWithProxy(t, patient, ['anna', 'lossy']);
    await lose(proxy);
    const { away, presence, node } = keysOf(code, lossy);
    const ttl = await until(async () => Math.max(0, await own.command('PTTL', away)), 'the user is marked');
    assert.ok(ttl <= window, `${ttl} ms`);
    await anna.event('peer:left');
    for (const key of [away, presence, node]) await until(async () => !(await own.exists(key)), `${key} is gone`);
  });
});

describe('a key prefix', () => {
  test('goes before everything, and keeps two clusters on one Redis apart', async (t) => {
    const { redis: shared, cluster: first } = await ownCluster(t, { size: 2, env: { REDIS_KEY_PREFIX: 'one:' } });
    const second = await Cluster.start(shared, { size: 2, env: { REDIS_KEY_PREFIX: 'two:' } });
    t.after(() => second.stop());
    const code = freshCode();
    const [anna, bert] = await spread(t, first, ['anna', 'bert'], { code });
    const [carl, dora] = await spread(t, second, ['carl', 'dora'], { code });
    await signalBothWays(anna, bert);
    await signalBothWays(carl, dora);
    assert.deepEqual(carl.recorder.all('room:joined')[0].peers, []);
    assert.equal(anna.recorder.all('peer:joined').length, 1);
    for (const key of await shared.keys()) assert.match(key, /^(one|two):/);
    for (const prefix of ['one:', 'two:']) {
      await until(() => shared.exists(`${prefix}room:{${roomIdOf(code)}}:peers`), 'the room is there');
      assert.equal(await shared.subscribers(`${prefix}channel:room:{${roomIdOf(code)}}`), 2);
    }
  });
});
