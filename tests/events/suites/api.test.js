import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { connect } from '../../clients/lib/client.js';
import { expectAnyEvents } from '../../clients/lib/contract.js';
import { startNode } from '../../clients/lib/gateway.js';
import { Identity } from '../../clients/lib/identity.js';
import { freshCode, join, party } from '../../clients/lib/rooms.js';
import { until } from '../../clients/lib/wait.js';
import { connectRaw } from '../../clients/lib/websocket.js';
import { Cluster } from '../../cluster/lib/cluster.js';
import { ownCluster, sharedCluster } from '../../cluster/lib/fixture.js';
import { roomIdOf } from '../../cluster/lib/peers.js';
import { RedisCluster } from '../../cluster/lib/topologies.js';
import { RoomService } from '../../sfu/lib/room-service.js';
import { allRooms, API_KEY, ask, audit, disconnect, KEYS, publish, published, refusal } from '../lib/api.js';
import { listening, oneOnEach, subscribe } from '../lib/house.js';

// A backend calls its events as it likes.
expectAnyEvents();

const { redis, cluster } = await sharedCluster({ env: { API_KEY } });
await listening(redis, 'match:events', 3);
await until(async () => (await redis.subscribers('channel:tell')) === 3, 'all nodes hear what is told');

/** A client on each node, in one room, and a raw one of `/ws`. */
async function mixedRoom(t, code = freshCode()) {
  const clients = await party(t, cluster, ['anna', 'ben', 'cleo'], { code, nodes: cluster.nodes });
  const raw = await connectRaw(t, cluster.nodes[1], '/ws', { username: 'dora' });
  raw.send({ type: 'join', room: code, sender: 'dora' });
  await raw.frame('joined');
  return { code, clients, raw };
}

/** What a Socket.IO client was told under a name. */
const told = (client, event) => client.recorder.all(event);
/** What a raw client was told under a name. */
const toldRaw = (client, event) => client.recorder.all('event').filter((frame) => frame.event === event).map(({ data }) => data);

/** Waits until all that was published to a room before has come, or never will. */
async function flush(room, clients, raw) {
  await published(cluster.nodes[2], { room, event: 'last', data: null });
  await Promise.all([...clients.map((client) => client.event('last')), raw?.frame('event', ({ event }) => event === 'last')]);
}

describe('an event that is published over HTTP', { concurrency: true }, () => {
  test('comes once to each peer of a room, whatever its node and protocol, and to nobody else', async (t) => {
    const { code, clients, raw } = await mixedRoom(t);
    const [stranger] = await party(t, cluster, ['stranger']);
    const data = { score: [1, 2.5, null], text: 'grüße "\\' };
    for (const [index, room] of [code, roomIdOf(code), code.toUpperCase()].entries()) {
      const { body } = await published(cluster.nodes[index], { room, event: 'score', data });
      assert.equal(body.published, true);
      assert.equal(body.delivered, index === 1 ? 2 : 1, 'those of the node that answers');
    }
    await flush(code, clients, raw);
    for (const client of clients) assert.deepEqual(told(client, 'score'), [data, data, data]);
    assert.deepEqual(toldRaw(raw, 'score'), [data, data, data]);
    await stranger.ask('heartbeat');
    assert.deepEqual(told(stranger, 'score'), []);
  });

  test('comes in order, by way of whatever nodes', async (t) => {
    const { code, clients, raw } = await mixedRoom(t);
    for (let n = 0; n < 50; n += 1) await published(cluster.nodes[n % 3], { room: code, event: 'n', data: n });
    await flush(code, clients, raw);
    const all = Array.from({ length: 50 }, (_, n) => n);
    for (const client of clients) assert.deepEqual(told(client, 'n'), all);
    assert.deepEqual(toldRaw(raw, 'n'), all);
  });

  test('for a user comes to all of its connections, on all nodes', async (t) => {
    const sub = `user-${freshCode()}`;
    const clients = await oneOnEach(t, cluster, { sub });
    const raw = await connectRaw(t, cluster.nodes[0], '/ws', { sub });
    const [other] = await oneOnEach(t, cluster);
    await published(cluster.nodes[1], { user: sub, event: 'note', data: 'hello' });
    await Promise.all([...clients.map((client) => client.event('note')), raw.frame('event')]);
    await published(cluster.nodes[1], { user: other.userId, event: 'last', data: 0 });
    await other.event('last');
    for (const client of clients) assert.deepEqual(told(client, 'note'), ['hello']);
    assert.deepEqual(toldRaw(raw, 'note'), ['hello']);
    assert.deepEqual(told(other, 'note'), []);
  });

  test('on a channel comes to those who hear it, and is checked as any other', async (t) => {
    const clients = await oneOnEach(t, cluster);
    const matchId = freshCode('match');
    for (const client of clients) await subscribe(client, `match:${matchId}`);
    const event = (event, data) => ({ channel: 'match:events', event, data });
    await published(cluster.nodes[0], event('match_started', { matchId }));
    for (const client of clients) {
      await client.event('match_started', (data) => data.matchId === matchId);
      const { args: [, about] } = client.recorder.entries.find(({ event }) => event === 'match_started');
      assert.deepEqual([about.channel, about.serverId], ['match:events', cluster.name(0)]);
    }
    assert.deepEqual(refusal(await publish(cluster.nodes[0], event('match_lost', { matchId }))), [422, 'EVENT_REFUSED']);
    assert.deepEqual(refusal(await publish(cluster.nodes[0], event('match_started', {}))), [422, 'EVENT_REFUSED']);
    const nowhere = { channel: 'no:channel', event: 'e', data: 1 };
    assert.deepEqual(refusal(await publish(cluster.nodes[0], nowhere)), [404, 'CHANNEL_NOT_FOUND']);
  });

  test('under the name of one of the gateway or of Socket.IO is refused', async () => {
    for (const event of ['connect', 'disconnect', 'error', 'room:joined', 'chat_message', 'webrtc:offer']) {
      const answer = await publish(cluster.nodes[0], { user: 'u', event, data: 1 });
      assert.deepEqual(refusal(answer), [422, 'EVENT_RESERVED'], event);
    }
  });
});

describe('an idempotency key', { concurrency: true }, () => {
  test('lets an event through once, however often and wherever it is sent', async (t) => {
    const { code, clients, raw } = await mixedRoom(t);
    const event = { room: code, event: 'once', data: 1, idempotencyKey: freshCode('key') };
    const sent = Array.from({ length: 30 }, (_, n) => publish(cluster.nodes[n % 3], event));
    const answers = await Promise.all(sent);
    const first = answers.filter(({ status, headers }) => status === 202 && !headers['idempotency-replayed']);
    assert.equal(first.length, 1);
    for (const answer of answers) {
      if (answer.status === 202) assert.equal(answer.text, first[0].text);
      else assert.deepEqual([...refusal(answer), answer.headers['retry-after']], [409, 'IN_PROGRESS', '1']);
    }
    const again = await published(cluster.nodes[1], event);
    assert.deepEqual([again.headers['idempotency-replayed'], again.text], ['true', first[0].text]);
    await flush(code, clients, raw);
    for (const client of clients) assert.deepEqual(told(client, 'once'), [1]);
    assert.deepEqual(toldRaw(raw, 'once'), [1]);
  });

  test('is good for one event and one backend', async () => {
    const idempotencyKey = freshCode('key');
    const event = { user: 'u', event: 'e', data: 1, idempotencyKey };
    await published(cluster.nodes[0], event);
    assert.deepEqual(refusal(await publish(cluster.nodes[1], { ...event, data: 2 })), [422, 'IDEMPOTENCY_KEY_REUSED']);
    const other = await published(cluster.nodes[1], event, { key: KEYS.game });
    assert.equal(other.headers['idempotency-replayed'], undefined);
    const { idempotencyKey: _, ...keyless } = event;
    const byHeader = await published(cluster.nodes[2], keyless, { headers: { 'idempotency-key': idempotencyKey } });
    assert.equal(byHeader.headers['idempotency-replayed'], 'true');
  });

  test('of an event that was refused can be used again', async () => {
    const event = { user: 'u', event: 'connect', data: 1, idempotencyKey: freshCode('key') };
    assert.equal((await publish(cluster.nodes[0], event)).status, 422);
    const answer = await published(cluster.nodes[1], { ...event, event: 'e' });
    assert.equal(answer.headers['idempotency-replayed'], undefined);
  });
});

describe('disconnecting a user', { concurrency: true }, () => {
  test('ends its connections of all nodes and protocols as if it had left', async (t) => {
    const { code, clients: [anna, ben, cleo] } = await mixedRoom(t);
    const sub = `user-${freshCode()}`;
    const peers = await Promise.all([1, 2].map((index) => connect(t, cluster.nodes[index], { sub })));
    for (const peer of peers) await join(peer, code);
    const ws = await connectRaw(t, cluster.nodes[0], '/ws', { sub });
    ws.send({ type: 'join', room: code, sender: 'eve' });
    const { peerId } = await ws.frame('joined');
    const signal = await connectRaw(t, cluster.nodes[2], `/signal/${roomIdOf(code)}`, { sub });
    const ends = peers.map(({ ended }) => ended);
    const answer = await disconnect(cluster.nodes[0], sub);
    assert.deepEqual([answer.status, answer.body], [202, { published: true, disconnected: 1 }]);
    assert.deepEqual(await Promise.all(ends), ['io server disconnect', 'io server disconnect']);
    for (const raw of [ws, signal]) assert.deepEqual(await raw.closed, { code: 1008, reason: 'disconnected' });
    for (const id of [...peers.map((peer) => peer.peerId), peerId]) {
      const { reason } = await anna.event('peer:left', (left) => left.peerId === id);
      assert.equal(reason, 'left', 'there is no window');
    }
    for (const other of [anna, ben, cleo]) assert.ok((await other.ask('heartbeat')).status === 'ok');
  });

  test('who is not there does no harm', async () => {
    const answer = await disconnect(cluster.nodes[0], 'nobody');
    assert.deepEqual([answer.status, answer.body.disconnected], [202, 0]);
  });
});

describe('what there is', { concurrency: true }, () => {
  test('rooms of all nodes are listed once, page by page, from any node', async (t) => {
    const prefix = freshCode('list');
    const codes = Array.from({ length: 25 }, (_, n) => `${prefix}-${n}`);
    for (const [n, code] of codes.entries()) await join(await connect(t, cluster.nodes[n % 3]), code);
    const shared = await connect(t, cluster.nodes[1]);
    await join(shared, codes[0]);
    const ours = (rooms) => rooms.filter(({ code }) => code.startsWith(prefix));
    const rooms = await until(async () => {
      const listed = ours(await allRooms(cluster.nodes[2], 7));
      return listed.length >= codes.length && listed.find(({ code }) => code === codes[0]).peers === 2 && listed;
    }, 'all rooms are listed');
    assert.deepEqual(rooms.map(({ id }) => id), codes.map(roomIdOf).sort(), 'once, in order');
    const { mode, nodes, peers } = rooms.find(({ code }) => code === codes[0]);
    assert.deepEqual({ mode, nodes, peers }, { mode: 'p2p', nodes: { n1: 1, n2: 1 }, peers: 2 });
    assert.deepEqual(ours(await allRooms(cluster.nodes[0], 1000)), rooms);
    shared.close();
    await until(async () => ours(await allRooms(cluster.nodes[0], 1000)).find(({ code }) => code === codes[0]).peers === 1, 'it has left');
  });

  test('a room says who is in it, and no secrets', async (t) => {
    const { code, clients, raw } = await mixedRoom(t);
    const dora = { userId: raw.userId, username: 'dora', node: 'n2' };
    const expected = [...clients.map(({ userId, username, peerId }, index) =>
      ({ id: peerId, userId, username, node: cluster.name(index) })), { id: (await raw.frame('joined')).peerId, ...dora }];
    for (const name of [code, roomIdOf(code)]) {
      const answer = await until(async () => {
        const answer = await ask(cluster.nodes[0], `/api/v1/rooms/${name}`);
        return answer.body.peers?.length === 4 && answer;
      }, 'all are there');
      const { id, code: told, mode, hostId, peers } = answer.body;
      assert.deepEqual([id, told, mode, hostId], [roomIdOf(code), code, 'p2p', clients[0].peerId]);
      assert.deepEqual(peers.map(({ joinedAt, ...peer }) => peer), expected);
      for (const { joinedAt } of peers) assert.ok(Math.abs(Date.now() - joinedAt) < 60_000);
      assert.doesNotMatch(answer.text, /secret|token/i);
      assert.deepEqual(Object.keys(peers[0]).sort(), ['id', 'joinedAt', 'node', 'userId', 'username']);
    }
    assert.deepEqual(refusal(await ask(cluster.nodes[0], '/api/v1/rooms/nobody-is-here')), [404, 'ROOM_NOT_FOUND']);
  });

  test('each node knows all nodes', async () => {
    const { version } = (await ask(cluster.nodes[0], '/openapi.json')).body.info;
    for (const [index, node] of cluster.nodes.entries()) {
      const nodes = await until(async () => {
        const { body: { nodes } } = await ask(node, '/api/v1/nodes');
        return nodes.length === 3 && nodes.every((each) => each.version === version) && nodes;
      }, 'all nodes are known');
      assert.deepEqual(nodes.map(({ id, alive, own }) => ({ id, alive, own })),
        [0, 1, 2].map((n) => ({ id: cluster.name(n), alive: true, own: n === index })));
    }
  });

  test('the way to Redis has figures, which begin anew when they are reset', async (t) => {
    const own = await ownCluster(t, { size: 1, env: { API_KEY } });
    const [node] = own.cluster.nodes;
    const look = async () => (await ask(node, '/api/v1/pubsub')).body;
    await until(async () => (await look()).health.delivers, 'a message went by way of Redis and came back');
    await published(node, { user: 'u', event: 'e', data: 1 });
    const { health, publisher, subscriber } = await look();
    assert.deepEqual([health.configured, health.up, health.delivers], [true, true, true]);
    assert.equal(publisher.channels['channel:tell'].published, 1);
    assert.ok(publisher.total.bytes > 0 && subscriber.total.received > 0);
    const reset = await ask(node, '/api/v1/pubsub/reset-stats', { method: 'POST' });
    assert.equal(reset.status, 204);
    assert.equal((await look()).publisher.channels['channel:tell'], undefined);
  });
});

describe('who may use the API', { concurrency: true }, () => {
  test('is whoever has one of the keys', async () => {
    for (const key of Object.values(KEYS)) assert.equal((await ask(cluster.nodes[0], '/api/v1/nodes', { key })).status, 200);
    for (const key of [null, '', `${KEYS.shop}x`, KEYS.shop.slice(1)]) {
      const answer = await ask(cluster.nodes[0], '/api/v1/nodes', { key });
      assert.deepEqual([...refusal(answer), answer.headers['www-authenticate']], [401, 'AUTH_REQUIRED', 'Bearer']);
    }
    assert.equal((await ask(cluster.nodes[0], '/openapi.json', { key: null })).status, 200);
  });

  test('is nobody without keys, and nobody by the public listener', async (t) => {
    const gateway = await startNode({}, new Identity());
    t.after(() => gateway.kill());
    assert.deepEqual(refusal(await ask(gateway, '/api/v1/nodes')), [404, 'NOT_FOUND']);
    const headers = { authorization: `Bearer ${KEYS.shop}` };
    for (const path of ['/api/v1/nodes', '/openapi.json']) {
      assert.equal((await cluster.nodes[0].http(path, { headers })).status, 404);
    }
  });

  test('stands in the log with what was done, and what was sent does not', async () => {
    const [user, event, idempotencyKey] = ['user', 'event', 'secret-key'].map(freshCode);
    const body = { user, event, data: 'confidential', idempotencyKey };
    await published(cluster.nodes[0], body, { key: KEYS.game });
    await published(cluster.nodes[0], body, { key: KEYS.game });
    await disconnect(cluster.nodes[0], user);
    await publish(cluster.nodes[0], { ...body, data: 'other' }, { key: KEYS.game });
    const lines = () => audit(cluster.nodes).filter((line) => line.whom === user);
    await until(() => lines().length >= 4, 'all is written');
    const deeds = lines().map(({ by, action, kind, event, outcome, replayed }) => ({ by, action, kind, event, outcome, replayed }));
    const one = { by: 'game', action: 'publish', kind: 'user', event, outcome: 'OK', replayed: false };
    assert.deepEqual(deeds, [
      one,
      { ...one, replayed: true },
      { ...one, by: 'shop', action: 'disconnect', event: '' },
      { ...one, outcome: 'IDEMPOTENCY_KEY_REUSED' },
    ]);
    assert.ok(!cluster.log.includes('confidential') && !cluster.log.includes(idempotencyKey));
    for (const key of Object.values(KEYS)) assert.ok(!cluster.log.includes(key));
  });

  test('is not kept out by those who guess', async (t) => {
    const gateway = await startNode({ API_KEY, RATE_LIMITS: 'on' }, new Identity());
    t.after(() => gateway.kill());
    const guesses = await Promise.all(Array.from({ length: 200 }, () => ask(gateway, '/api/v1/pubsub', { key: 'guess' })));
    const limited = guesses.find(({ status }) => status === 429);
    assert.deepEqual([...refusal(limited), limited.headers['retry-after']], [429, 'RATE_LIMITED', '1']);
    assert.equal((await ask(gateway, '/api/v1/pubsub')).status, 200);
  });
});

describe('when something is amiss', { concurrency: true }, () => {
  test('without Redis nothing is told to some and not to others, and all goes on after', async (t) => {
    const own = await ownCluster(t, { size: 2, env: { API_KEY } });
    const [here, there] = await party(t, own.cluster, ['anna', 'ben'], { nodes: own.cluster.nodes });
    const [node] = own.cluster.nodes;
    await own.redis.kill();
    await own.cluster.unready(0);
    const { body: { health } } = await ask(node, '/api/v1/pubsub');
    assert.deepEqual([health.configured, health.up], [true, false]);
    const event = { user: here.userId, event: 'note', data: 1, idempotencyKey: freshCode('key') };
    const refused = [publish(node, event), publish(node, { ...event, idempotencyKey: undefined }), disconnect(node, here.userId),
      ask(node, '/api/v1/rooms'), ask(node, '/api/v1/nodes'),
      publish(node, { channel: 'leaderboard:updates', event: 'leaderboard_update', data: 1 })];
    for (const answer of await Promise.all(refused)) {
      assert.deepEqual([...refusal(answer), answer.headers['retry-after']], [503, 'SERVICE_UNAVAILABLE', '1']);
    }
    await own.redis.run();
    await own.cluster.ready(0);
    await until(async () => (await own.redis.subscribers('channel:tell')) === 2, 'all hear again');
    const { headers } = await published(node, event);
    assert.equal(headers['idempotency-replayed'], undefined);
    await published(node, { user: there.userId, event: 'note', data: 2 });
    await Promise.all([here.event('note'), there.event('note')]);
    assert.deepEqual([told(here, 'note'), told(there, 'note')], [[1], [2]]);
  });

  test('a Redis Cluster does what one Redis does', async (t) => {
    const own = await Cluster.start(await RedisCluster.start(t), { size: 2, env: { API_KEY } });
    t.after(() => own.stop());
    const code = freshCode();
    const clients = await party(t, own, ['anna', 'ben'], { code, nodes: own.nodes });
    const [here, there] = own.nodes;
    const event = { room: code, event: 'note', data: 1, idempotencyKey: freshCode('key') };
    await until(async () => (await publish(here, event)).status === 202, 'it is published');
    assert.equal((await published(there, event)).headers['idempotency-replayed'], 'true');
    await Promise.all(clients.map((client) => client.event('note')));
    const rooms = await until(async () => {
      const rooms = await allRooms(here, 10);
      return rooms[0]?.peers === 2 && rooms;
    }, 'the room is listed');
    assert.deepEqual(rooms.map((room) => room.code), [code]);
    assert.equal((await ask(there, `/api/v1/rooms/${code}`)).body.peers.length, 2);
    assert.equal((await ask(there, '/api/v1/nodes')).body.nodes.length, 2);
    for (const client of clients) assert.deepEqual(told(client, 'note'), [1]);
  });

  test('a node that is gone is not among the living', async (t) => {
    const own = await ownCluster(t, { size: 2, env: { API_KEY } });
    const [first, second] = own.cluster.nodes;
    const nodes = async () => (await ask(first, '/api/v1/nodes')).body.nodes.filter(({ alive }) => alive).map(({ id }) => id);
    await until(async () => (await nodes()).length === 2, 'both live');
    await second.kill();
    await until(async () => (await nodes()).join() === 'n1', 'one lives');
  });

  test('rooms that a Room Service names are found by code and by id, on all nodes', async (t) => {
    const rooms = await RoomService.start(t);
    const own = await ownCluster(t, { size: 2, env: { API_KEY, ROOM_SERVICE_URL: rooms.url } });
    const code = rooms.define(freshCode('Blue'), { id: '8f14e45f' });
    const [client] = await party(t, own.cluster, ['anna'], { code, nodes: own.cluster.nodes });
    const other = own.cluster.nodes[1];
    for (const room of [code, '8f14e45f', roomIdOf(code)]) await published(other, { room, event: room, data: 1 });
    await published(other, { user: client.userId, event: 'last', data: 1 });
    await client.event('last');
    const names = client.recorder.entries.map(({ event }) => event).filter((event) => [code, '8f14e45f', roomIdOf(code)].includes(event));
    assert.deepEqual(names, [code, '8f14e45f']);
    for (const name of [code, '8f14e45f']) {
      const { status, body } = await ask(other, `/api/v1/rooms/${name}`);
      assert.deepEqual([status, body.id, body.code], [200, '8f14e45f', code]);
    }
  });
});
