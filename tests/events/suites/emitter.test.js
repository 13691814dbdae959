// Backends that emit through Redis, as they do with Socket.IO servers in Node.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { describe, test } from 'node:test';
import { connect } from '../../clients/lib/client.js';
import { expectAnyEvents } from '../../clients/lib/contract.js';
import { freshCode, join, party } from '../../clients/lib/rooms.js';
import { until, within } from '../../clients/lib/wait.js';
import { connectRaw } from '../../clients/lib/websocket.js';
import { ownCluster, sharedCluster } from '../../cluster/lib/fixture.js';
import { roomIdOf } from '../../cluster/lib/peers.js';
import { argsOf, former, kinds, listened, settled, withIoredis } from '../lib/emitters.js';

// A backend calls its events as it likes.
expectAnyEvents();

const NODES = 3;

const { redis, cluster } = await sharedCluster({ size: NODES, env: { RECONNECT_WINDOW_MS: '60000' } });
await listened(redis, NODES);

/** Who saw an event, by name, once for each time. */
const hearers = (clients, event) => clients.flatMap((client) => argsOf(client, event).map(() => client.username)).sort();

for (const [kind, make] of Object.entries(kinds)) {
  describe(`${kind}: each client on whatever node hears once`, { concurrency: 4 }, () => {
    test('what is for its room, its user, its channel, its peer, its socket, or for all', async (t) => {
      const emitter = await make(t, redis.url);
      const code = freshCode('Room');
      const clients = await party(t, cluster, ['anna', 'bert', 'carl'], { code, nodes: cluster.nodes });
      const [anna, bert, carl] = clients;
      const second = await connect(t, cluster.nodes[2], { sub: anna.userId, username: 'anna again' });
      const stranger = await connect(t, cluster.nodes[1], { username: 'dora' });
      await carl.ask('subscribe', { channel: 'leaderboard:updates' });
      await stranger.ask('subscribe', { channel: 'match:77' });
      const all = [...clients, second, stranger];
      emitter.to(code).emit('by code');
      emitter.to(roomIdOf(code)).emit('by id');
      emitter.to(`user:${anna.userId}`).emit('by user');
      emitter.to('leaderboard:updates').emit('by channel');
      emitter.to('match:77').emit('by topic');
      emitter.to(bert.peerId).emit('by peer');
      emitter.to(carl.socket.id).emit('by socket');
      emitter.to([code, roomIdOf(code)]).to(`user:${bert.userId}`).emit('by several');
      emitter.to('nobody').emit('by nothing');
      await settled(emitter, all);
      const heard = (event) => hearers(all, event);
      assert.deepEqual(heard('by code'), ['anna', 'bert', 'carl']);
      assert.deepEqual(heard('by id'), ['anna', 'bert', 'carl']);
      assert.deepEqual(heard('by user'), ['anna', 'anna again']);
      assert.deepEqual(heard('by channel'), ['carl']);
      assert.deepEqual(heard('by topic'), ['dora']);
      assert.deepEqual(heard('by peer'), ['bert']);
      assert.deepEqual(heard('by socket'), ['carl']);
      assert.deepEqual(heard('by several'), ['anna', 'bert', 'carl']);
      assert.deepEqual(heard('by nothing'), []);
    });

    test('unless it is an exception', async (t) => {
      const emitter = await make(t, redis.url);
      const code = freshCode();
      const clients = await party(t, cluster, ['anna', 'bert', 'carl'], { code, nodes: cluster.nodes });
      const [anna, bert, carl] = clients;
      emitter.to(code).except(`user:${anna.userId}`).emit('not anna');
      emitter.to(code).except([bert.peerId, carl.socket.id]).emit('anna alone');
      emitter.except(code).emit('others');
      emitter.to(code).except(code).emit('nobody');
      await settled(emitter, clients);
      assert.deepEqual(hearers(clients, 'not anna'), ['bert', 'carl']);
      assert.deepEqual(hearers(clients, 'anna alone'), ['anna']);
      assert.deepEqual(hearers(clients, 'others'), []);
      assert.deepEqual(hearers(clients, 'nobody'), []);
    });

    test('in groups that the backend makes and ends, in the order in which it says so', async (t) => {
      const emitter = await make(t, redis.url);
      const group = freshCode('vip');
      const users = ['anna', 'bert', 'carl'];
      const clients = await Promise.all(users.map((username, n) => connect(t, cluster.nodes[n], { username })));
      const [anna, bert, carl] = clients;
      emitter.in([`user:${anna.userId}`, `user:${bert.userId}`]).socketsJoin([group, `${group} too`]);
      emitter.to(group).emit('both');
      emitter.in(group).socketsLeave(group);
      emitter.to(group).emit('none');
      emitter.in(`${group} too`).except(carl.socket.id).socketsJoin(group);
      emitter.in(`user:${bert.userId}`).socketsLeave(group);
      emitter.to(group).emit('anna');
      await settled(emitter, clients);
      assert.deepEqual(hearers(clients, 'both'), ['anna', 'bert']);
      assert.deepEqual(hearers(clients, 'none'), []);
      assert.deepEqual(hearers(clients, 'anna'), ['anna']);
    });

    test('and can be sent away for good', async (t) => {
      const emitter = await make(t, redis.url);
      const code = freshCode();
      const clients = await party(t, cluster, ['anna', 'bert', 'carl'], { code, nodes: cluster.nodes });
      const [anna, bert, carl] = clients;
      const reasons = [anna, bert].map(({ socket }) => once(socket, 'disconnect').then(([reason]) => reason));
      emitter.in(`user:${anna.userId}`).disconnectSockets();
      emitter.in(bert.peerId).disconnectSockets(true);
      assert.deepEqual(await within(Promise.all(reasons), 'both are disconnected'), Array(2).fill('io server disconnect'));
      // They left: nobody waits for them.
      for (const { peerId } of [anna, bert]) {
        const { reason } = await carl.event('peer:left', (left) => left.peerId === peerId);
        assert.equal(reason, 'left');
      }
      emitter.to(code).emit('on');
      await settled(emitter, [carl]);
      assert.deepEqual(hearers(clients, 'on'), ['carl']);
    });
  });
}

describe('what is emitted', { concurrency: 4 }, () => {
  const values = [
    [],
    [null],
    ['text', 5, -7, 1.5, true, 2 ** 40],
    [{ z: 1, a: { deep: [1, [2, { three: null }]] }, 'a key': 'ünïcödé ☃ 🎉' }],
    [[], {}, '', 0],
    ['x'.repeat(70_000)],
  ];

  for (const version of [4, 3, 2]) {
    test(`arrives with all its arguments, client ${version}`, async (t) => {
      const emitter = await kinds['redis-emitter over ioredis'](t, redis.url);
      const client = await connect(t, cluster, { kind: { version, transport: version === 3 ? 'polling' : 'websocket' } });
      for (const args of values) emitter.to(`user:${client.userId}`).emit('values', ...args);
      await settled(emitter, [client]);
      assert.deepEqual(argsOf(client, 'values'), values);
      assert.deepEqual(Object.keys(argsOf(client, 'values')[3][0]), ['z', 'a', 'a key']);
    });
  }

  test('arrives in the form that JSON gives to it', async (t) => {
    const emitter = await kinds['redis-emitter over redis'](t, redis.url);
    const client = await connect(t, cluster);
    const when = new Date('2024-12-31T12:34:56.789Z');
    emitter.to(`user:${client.userId}`).emit('values', when, undefined, { when: new Date(0), gone: undefined, nan: NaN });
    await settled(emitter, [client]);
    assert.deepEqual(argsOf(client, 'values'), [[when.toISOString(), null, { when: new Date(0).toISOString(), nan: null }]]);
  });

  test('may carry flags', async (t) => {
    const emitter = await kinds['redis-emitter over redis'](t, redis.url);
    const client = await connect(t, cluster);
    emitter.to(`user:${client.userId}`).volatile.emit('flags', 'volatile');
    emitter.to(`user:${client.userId}`).compress(true).emit('flags', 'compress');
    await settled(emitter, [client]);
    assert.deepEqual(argsOf(client, 'flags'), [['volatile'], ['compress']]);
  });

  test('reaches raw WebSocket clients as frames', async (t) => {
    const emitter = await kinds['redis-emitter over redis'](t, redis.url);
    const code = freshCode();
    const signal = await connectRaw(t, cluster, `/signal/${code}`);
    const ws = await connectRaw(t, cluster, '/ws');
    ws.send({ type: 'join', room: code, sender: 'wendy' });
    await Promise.all([signal.frame('joined'), ws.frame('joined')]);
    emitter.to(code).emit('none');
    emitter.to(code).emit('one', { a: 1 });
    emitter.to(code).emit('two', { a: 1 }, [2]);
    for (const client of [signal, ws]) {
      await client.frame('event', ({ event }) => event === 'two');
      assert.deepEqual(client.recorder.all('event').filter(({ event }) => event !== 'barrier'), [
        { type: 'event', event: 'none', data: null },
        { type: 'event', event: 'one', data: { a: 1 } },
        { type: 'event', event: 'two', data: { a: 1 }, args: [{ a: 1 }, [2]] },
      ]);
    }
    emitter.in(code).disconnectSockets();
    for (const client of [signal, ws]) {
      assert.deepEqual(await within(client.closed, 'the end'), { code: 1008, reason: 'disconnected' });
    }
  });

  test('by the former package socket.io-emitter arrives too', async (t) => {
    const emitter = former(t, redis.url);
    const code = freshCode();
    const clients = await party(t, cluster, ['anna', 'bert'], { code, nodes: cluster.nodes });
    emitter.to(code).emit('former', 1, 'two');
    emitter.to(code).to(`user:${clients[0].userId}`).emit('former', 3);
    await settled({ emit: (...args) => emitter.emit(...args) }, clients);
    for (const client of clients) assert.deepEqual(argsOf(client, 'former'), [[1, 'two'], [3]]);
  });
});

describe('what cannot be handed on', () => {
  test('is skipped and logged without its content, and the rest arrives', async (t) => {
    const { redis: own, cluster: alone } = await ownCluster(t, { size: 1 });
    await listened(own, 1);
    const client = withIoredis(t, own.url);
    const emitter = await kinds['redis-emitter over ioredis'](t, own.url);
    const anna = await connect(t, alone);
    emitter.emit('bin', Buffer.from('secret-bytes'));
    emitter.emit('bin', { deep: [new Uint8Array([1])] });
    emitter.of('/other').emit('other');
    emitter.emit('long', 'x'.repeat(1024 * 1024));
    for (const junk of ['', 'secret-text', Buffer.from([0xc1]), Buffer.from([0x93, 1, 2, 3]), '{}', '[]']) {
      await client.publish('socket.io#/#', junk);
      await client.publish('socket.io-request#/#', junk);
      await client.publish('socket.io-response#/#', junk);
      await client.publish('socket.iox#/#', junk);
    }
    for (const type of [0, 1, 5, 6, 7]) await client.publish('socket.io-request#/#', JSON.stringify({ type, requestId: 'r', uid: 'u' }));
    await client.publish('socket.io-request#/#', JSON.stringify({ type: 4, close: true }));
    emitter.serverSideEmit('hello', 'world');
    emitter.emit('good');
    await settled(emitter, [anna]);
    assert.equal(anna.socket.connected, true);
    assert.deepEqual(['bin', 'other', 'long', 'good'].map((event) => argsOf(anna, event).length), [0, 0, 0, 1]);
    assert.match(alone.log, /what an emitter published was skipped/);
    assert.match(alone.log, /"reason":"binary"/);
    assert.doesNotMatch(alone.log, /secret/);
  });
});

describe('a gateway', { concurrency: 3 }, () => {
  test('hears emitters with its own key, and no others', async (t) => {
    const { redis: own, cluster: staging } = await ownCluster(t, {
      size: 1, redis: undefined, env: { REDIS_KEY_PREFIX: 'stag*ng:', EMITTER_KEY: 'my[app]' },
    });
    await listened(own, 1);
    const anna = await connect(t, staging);
    for (const key of ['socket.io', 'my[app]', 'stag*ng:socket.io', 'stagXng:my[app]', 'stag*ng:mya']) {
      (await kinds['redis-emitter over ioredis'](t, own.url, { key })).emit('foreign');
    }
    const emitter = await kinds['redis-emitter over ioredis'](t, own.url, { key: 'stag*ng:my[app]' });
    emitter.emit('own');
    await settled(emitter, [anna]);
    assert.deepEqual(argsOf(anna, 'own'), [[]]);
    assert.deepEqual(argsOf(anna, 'foreign'), []);
  });

  test('with the msgpack parser hands on the same', async (t) => {
    const { redis: own, cluster: packed } = await ownCluster(t, { size: 1, env: { SOCKET_PARSER: 'msgpack' } });
    await listened(own, 1);
    const emitter = await kinds['redis-emitter over redis'](t, own.url);
    const anna = await connect(t, packed, { kind: { version: 4, transport: 'websocket', parser: 'msgpack' } });
    const args = [{ z: [1, null, 'é'] }, 2, 'three'];
    emitter.emit('values', ...args);
    emitter.emit('values');
    await settled(emitter, [anna]);
    assert.deepEqual(argsOf(anna, 'values'), [args, []]);
  });

  test('hears emitters again after Redis was away', async (t) => {
    const { redis: own, cluster: two } = await ownCluster(t, { size: 2 });
    await listened(own, 2);
    const clients = await Promise.all(two.nodes.map((node) => connect(t, node)));
    await own.kill();
    await Promise.all([two.unready(0), two.unready(1)]);
    await own.run();
    await listened(own, 2);
    const emitter = await kinds['redis-emitter over ioredis'](t, own.url);
    emitter.emit('back');
    await settled(emitter, clients);
    for (const client of clients) assert.deepEqual(argsOf(client, 'back'), [[]]);
  });

  test('knows an emitted-to peer by its id on the node to which it came back', async (t) => {
    const emitter = await kinds['redis-emitter over ioredis'](t, redis.url);
    const anna = await connect(t, cluster.nodes[0]);
    const bert = await connect(t, cluster.nodes[1]);
    const code = freshCode();
    await join(anna, code);
    await join(bert, code);
    anna.terminate();
    await anna.disconnected();
    const again = await connect(t, cluster.nodes[2], { sub: anna.userId, auth: { resumeToken: anna.resumeToken } });
    const { peerId } = await again.event('room:resumed');
    assert.equal(peerId, anna.peerId);
    emitter.to(peerId).emit('found');
    emitter.to(code).emit('room');
    await settled(emitter, [again, bert]);
    assert.deepEqual([again, bert].map((client) => argsOf(client, 'found').length), [1, 0]);
    assert.deepEqual([again, bert].map((client) => argsOf(client, 'room').length), [1, 1]);
  });
});

describe('many events', () => {
  test('arrive all, in order, on every node', async (t) => {
    const emitter = await kinds['redis-emitter over ioredis'](t, redis.url);
    const code = freshCode();
    const clients = await party(t, cluster, ['anna', 'bert', 'carl'], { code, nodes: cluster.nodes });
    const numbers = Array.from({ length: 2_000 }, (_, n) => n);
    for (const n of numbers) emitter.to(code).emit('n', n);
    await Promise.all(clients.map((client) => client.event('n', (n) => n === numbers.at(-1))));
    for (const client of clients) assert.deepEqual(client.recorder.all('n'), numbers);
    await until(() => clients.every(({ socket }) => socket.connected), 'nobody was cut off');
  });
});
