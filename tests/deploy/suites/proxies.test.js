/** The proxies of deploy/proxy, as they are delivered, in front of three nodes. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { io } from 'socket.io-client';
import { until, within } from '../../clients/lib/wait.js';
import { Cluster } from '../../cluster/lib/cluster.js';
import { Redis } from '../../cluster/lib/redis.js';
import { Caddy, get, Nginx } from '../lib/proxies.js';

/** Enough that each node has several. */
const CLIENTS = 9;
/** Enough that they would not all come to one node by chance: three times in 3^40. */
const REQUESTS = 40;

/**
 * A client as frontends make them; closed when the test ends.
 * @param {{after: (work: () => void) => void}} t @param {string} url @param {string} sub @param {object} options
 */
async function connect(t, { identity }, url, sub, options) {
  const token = await identity.token({ sub });
  const socket = io(url, {
    forceNew: true,
    reconnectionDelay: 50,
    reconnectionDelayMax: 500,
    extraHeaders: { authorization: `Bearer ${token}` },
    ...options,
  });
  t.after(() => socket.close());
  await within(new Promise((resolve) => socket.once('connect', resolve)), `${sub} to connect`);
  return socket;
}

/** @param {import('node:test').TestContext} t */
function manyClients(t, cluster, url, options) {
  const subs = Array.from({ length: CLIENTS }, (_, index) => `user-${index}`);
  return Promise.all(subs.map((sub) => connect(t, cluster, url, sub, options)));
}

/** Says something and waits until it is back: several requests of one session, for one that polls. */
async function talks(socket, roomCode) {
  const joined = await socket.timeout(20_000).emitWithAck('join:room', { roomCode });
  assert.equal(joined.status, 'ok');
  for (let turn = 0; turn < 5; turn += 1) {
    const heard = new Promise((resolve) => socket.once('chat_message', resolve));
    const answer = await socket.timeout(20_000).emitWithAck('chat_message', { content: `${turn}` });
    assert.equal(answer.status, 'ok');
    assert.equal((await within(heard, 'the message')).content, `${turn}`);
  }
}

/** How many connections each node that lives has. */
function counts(cluster) {
  const living = cluster.nodes.filter(({ running }) => running);
  return Promise.all(living.map(async (node) => (await node.http('/healthz')).json().connections));
}

const sum = (numbers) => numbers.reduce((total, number) => total + number, 0);

for (const Kind of [Nginx, Caddy]) {
  describe(Kind.name, () => {
    let redis;
    let cluster;
    let proxy;

    before(async () => {
      redis = await Redis.start();
      cluster = await Cluster.start(redis, { env: { SHUTDOWN_GRACE_MS: '500', RECONNECT_WINDOW_MS: '60000' } });
      proxy = await Kind.start(cluster.nodes);
    });
    after(async () => {
      await proxy?.stop();
      await cluster?.stop();
      await redis?.stop();
    });

    test('WebSocket connections spread over all nodes, and rooms span them', async (t) => {
      const sockets = await manyClients(t, cluster, proxy.websocketUrl, { transports: ['websocket'] });
      const spread = await until(async () => {
        const now = await counts(cluster);
        return sum(now) === CLIENTS && now;
      }, 'all connections are counted');
      assert.ok(spread.every((count) => count > 0), `${spread}`);
      await Promise.all(sockets.map((socket, index) => talks(socket, `room-${index}`)));
      const others = sockets.slice(1);
      for (const socket of sockets) socket.emit('join:room', { roomCode: 'all' });
      const heard = others.map((socket) => new Promise((resolve) => {
        socket.on('chat_message', ({ content }) => content === 'to all' && resolve());
      }));
      const all = async () => (await sockets[0].timeout(20_000).emitWithAck('join:room', { roomCode: 'all' })).peers.length === CLIENTS - 1;
      await until(all, 'everybody is in the room');
      await sockets[0].timeout(20_000).emitWithAck('chat_message', { content: 'to all' });
      await within(Promise.all(heard), 'everybody to hear it');
    });

    test('polling is refused where nothing sticks, rather than fail now and then', async () => {
      const { status, text } = await get(proxy.websocketPort, '/socket.io/?EIO=4&transport=polling');
      assert.equal(status, 400);
      assert.deepEqual(JSON.parse(text), { code: 0, message: 'Transport unknown' });
    });

    test('clients that poll stick to their node', async (t) => {
      const options = { transports: ['polling'], withCredentials: true };
      const sockets = await manyClients(t, cluster, proxy.stickyUrl, options);
      const lost = [];
      for (const socket of sockets) socket.on('disconnect', (reason) => lost.push(reason));
      await Promise.all(sockets.map((socket, index) => talks(socket, `poll-${index}`)));
      assert.deepEqual(lost, []);
    });

    test('clients that begin with polling get to WebSocket', async (t) => {
      const socket = await connect(t, cluster, proxy.stickyUrl, 'upgrader', { withCredentials: true });
      await until(() => socket.io.engine.transport.name === 'websocket', 'the transport is upgraded');
      await talks(socket, 'upgraded');
    });

    test('a cookie chooses the node; without one any does', async () => {
      const ask = (path, cookie) => get(proxy.stickyPort, path, cookie ? { cookie } : {});
      const cookies = new Set();
      for (let turn = 0; turn < REQUESTS; turn += 1) {
        const [cookie] = (await ask('/healthz')).headers['set-cookie'];
        cookies.add(cookie.split(';')[0]);
      }
      assert.ok(new Set(await proxy.answeredBy('/healthz', cookies)).size > 1);
      const [chosen] = cookies;
      for (let turn = 0; turn < REQUESTS; turn += 1) {
        assert.equal((await ask('/readyz', chosen)).headers['set-cookie'], undefined);
      }
      assert.equal(new Set(await proxy.answeredBy('/readyz', [chosen])).size, 1);
    });

    test('a node that is stopped hands its clients to the others, as the same peers', async (t) => {
      const sockets = await manyClients(t, cluster, proxy.websocketUrl, { transports: ['websocket'] });
      const resumed = [];
      const left = [];
      for (const socket of sockets) {
        assert.equal((await socket.timeout(20_000).emitWithAck('join:room', { roomCode: 'stays' })).status, 'ok');
        socket.on('room:resumed', ({ peerId }) => resumed.push(peerId));
        socket.on('peer:left', ({ peerId }) => left.push(peerId));
      }
      const [stopped] = cluster.nodes;
      const moving = (await counts(cluster))[0];
      stopped.signal('SIGTERM');
      await stopped.exited();
      await until(async () => sum(await counts(cluster)) === CLIENTS && resumed.length >= moving, 'all are back');
      assert.deepEqual(left, []);
    });

    test('when a node dies, who polled at it comes to another', async (t) => {
      const options = { transports: ['polling'], withCredentials: true };
      const sockets = await manyClients(t, cluster, proxy.stickyUrl, options);
      await cluster.nodes[1].kill();
      await until(async () => sum(await counts(cluster)) === CLIENTS, 'all are at the last node');
      await until(() => sockets.every((socket) => socket.connected), 'all know it');
      await Promise.all(sockets.map((socket, index) => talks(socket, `moved-${index}`)));
    });
  });
}
