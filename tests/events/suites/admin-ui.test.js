// The namespace of the Socket.IO Admin UI, spoken to as its page does.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { connect } from '../../clients/lib/client.js';
import { expectAnyEvents } from '../../clients/lib/contract.js';
import { ALLOWED_ORIGIN, startNode } from '../../clients/lib/gateway.js';
import { Identity } from '../../clients/lib/identity.js';
import { freshCode, join, party } from '../../clients/lib/rooms.js';
import { until, within } from '../../clients/lib/wait.js';
import { connectRaw } from '../../clients/lib/websocket.js';
import { ownCluster } from '../../cluster/lib/fixture.js';
import { look } from '../lib/operator.js';

// A backend calls its events as it likes.
expectAnyEvents();

const auth = { username: 'admin', password: 'correct horse battery' };
const READING = { ADMIN_UI_USER: auth.username, ADMIN_UI_PASSWORD: auth.password };
const WRITING = { ...READING, ADMIN_UI_READONLY: 'false' };

/** One gateway without Redis. */
async function alone(t, env = READING) {
  const gateway = await startNode(env, new Identity());
  t.after(() => gateway.kill());
  return gateway;
}

const refused = (t, node, options) => look(t, node, options).then(() => assert.fail('let in'), (error) => error.message);

describe('an operator', { concurrency: 4 }, () => {
  test('is let in by user and password, and again by the session', async (t) => {
    const { cluster } = await ownCluster(t, { size: 2, env: READING });
    const operator = await look(t, cluster.nodes[0], { auth });
    const sessionId = await operator.event('session');
    await look(t, cluster.nodes[1], { auth: { sessionId } });
    assert.doesNotMatch(cluster.log, /correct horse/);
  });

  test('is refused otherwise', async (t) => {
    const gateway = await alone(t);
    for (const wrong of [undefined, {}, { ...auth, password: 'wrong' }, { ...auth, username: 'root' }, { sessionId: 'x' },
      { username: ['admin'], password: {} }]) {
      assert.equal(await refused(t, gateway, { auth: wrong }), 'invalid credentials', JSON.stringify(wrong));
    }
    // A token of a user is none of an operator.
    const token = await gateway.identity.token({ sub: 'anna' });
    assert.equal(await refused(t, gateway, { auth: { token }, headers: { cookie: `access_token=${token}` } }), 'invalid credentials');
    await look(t, gateway, { auth });
  });

  test('that tries many passwords is slowed down, whichever of them is right', async (t) => {
    const gateway = await alone(t);
    const guesses = Array.from({ length: 12 }, (_, n) => refused(t, gateway, { auth: { ...auth, password: `guess ${n}` } }));
    await Promise.all(guesses);
    await until(() => look(t, gateway, { auth }).catch(() => false), 'the right one is heard again');
  });

  test('has no namespace where none is configured', async (t) => {
    const gateway = await alone(t, {});
    assert.equal(await refused(t, gateway, { auth }), 'Invalid namespace');
  });

  test('comes from an allowed origin or is refused', async (t) => {
    const gateway = await alone(t, { ...READING, CLIENT_URL: `${ALLOWED_ORIGIN},https://admin.socket.io` });
    await look(t, gateway, { auth, headers: { origin: 'https://admin.socket.io' } });
    await look(t, gateway, { auth, headers: { origin: 'https://admin.socket.io' }, transports: ['websocket'] });
    for (const transports of [['polling'], ['websocket']]) {
      await assert.rejects(look(t, gateway, { auth, transports, headers: { origin: 'https://evil.example' } }));
    }
  });

  test('does not make a client: its namespace says nothing of rooms', async (t) => {
    const gateway = await alone(t);
    const operator = await look(t, gateway, { auth });
    operator.send('join:room', { roomCode: 'a' });
    const anna = await connect(t, gateway);
    const { peers } = await join(anna, 'a');
    assert.deepEqual(peers, []);
  });
});

for (const [how, options] of Object.entries({ polling: { transports: ['polling'] }, websocket: { transports: ['websocket'] } })) {
  test(`sees all that the UI shows, by ${how}`, async (t) => {
    const { cluster } = await ownCluster(t, { size: 3, env: READING });
    const code = freshCode();
    const before = await party(t, cluster, ['anna', 'bert', 'carl'], { code, nodes: cluster.nodes });
    const operator = await look(t, cluster.nodes[0], { auth, ...options });
    const { supportedFeatures } = await operator.event('config');
    assert.deepEqual(supportedFeatures.sort(), ['AGGREGATED_EVENTS', 'ALL_EVENTS']);
    const ids = (clients) => clients.map(({ userId }) => userId).sort();
    await until(() => operator.in(code).length === 3, 'the peers of all nodes are shown');
    assert.deepEqual(operator.in(code), ids(before));
    const [anna] = before;
    const shown = operator.sockets.get(anna.socket.id);
    assert.equal(shown.transport, 'websocket');
    assert.deepEqual(shown.data, { userId: anna.userId, username: 'anna' });
    assert.ok(shown.rooms.includes(anna.socket.id) && shown.rooms.includes(`user:${anna.userId}`));
    assert.ok(Math.abs(new Date(shown.handshake.issued) - Date.now()) < 600_000);
    for (const { id } of cluster.nodes.map((_, n) => ({ id: cluster.name(n) }))) {
      const stats = await operator.event('server_stats', ({ serverId }) => serverId === id);
      assert.ok(stats.uptime >= 0 && stats.pid > 0);
    }
    await operator.event('server_stats', ({ serverId, namespaces }) =>
      serverId === 'n1' && namespaces.find(({ name }) => name === '/').socketsCount === 1);
    // What changes is told.
    const dora = await connect(t, cluster.nodes[1], { kind: { version: 4, transport: 'polling' } });
    await join(dora, code);
    await dora.ask('subscribe', { channel: 'leaderboard:updates' });
    const raw = await connectRaw(t, cluster.nodes[2], `/signal/${code}`);
    before[2].close();
    const expected = ids([anna, before[1], dora, raw]).join();
    await until(() => operator.in(code).join() === expected && operator.in('leaderboard:updates').length === 1, 'what is new is shown');
    assert.equal(operator.sockets.get(dora.socket.id).transport, 'polling');
    dora.send('leave:room');
    dora.send('unsubscribe', { channel: 'leaderboard:updates' });
    await until(() => operator.in(code).length === 3 && operator.in('leaderboard:updates').length === 0, 'what is left is shown');
    await operator.event('server_stats', ({ aggregatedEvents }) => aggregatedEvents.some(({ type }) => type === 'rawConnection'));
    await operator.event('server_stats', ({ aggregatedEvents }) => aggregatedEvents.some(({ type }) => type === 'rawDisconnection'));
    // A node that dies takes its sockets along.
    await cluster.nodes[1].kill();
    await until(() => operator.in(code).length === 2, 'the sockets of the dead node are gone');
  });
}

describe('a UI that may only look', () => {
  test('changes nothing', async (t) => {
    const gateway = await alone(t);
    const anna = await connect(t, gateway);
    const operator = await look(t, gateway, { auth });
    operator.send('emit', '/', '', 'hi');
    operator.send('join', '/', 'group', '');
    operator.send('_disconnect', '/', true, anna.socket.id);
    await until(() => gateway.log.match(/read-only/g)?.length === 3, 'all three are refused in the log');
    await anna.ask('heartbeat');
    assert.deepEqual(anna.recorder.all('hi'), []);
  });
});

describe('a UI that may do more', { concurrency: 3 }, () => {
  test('emits, joins, leaves and disconnects on all nodes', async (t) => {
    const { cluster } = await ownCluster(t, { size: 2, env: WRITING });
    const code = freshCode();
    const [anna, bert] = await party(t, cluster, ['anna', 'bert'], { code, nodes: cluster.nodes });
    const operator = await look(t, cluster.nodes[0], { auth });
    const { supportedFeatures } = await operator.event('config');
    for (const feature of ['EMIT', 'JOIN', 'LEAVE', 'DISCONNECT', 'MJOIN', 'MLEAVE', 'MDISCONNECT']) assert.ok(supportedFeatures.includes(feature));
    operator.send('emit', '/', code, 'to the room', { a: 1 }, 2);
    operator.send('join', '/', 'group', bert.socket.id);
    operator.send('emit', '/', 'group', 'to the group');
    operator.send('leave', '/', 'group', bert.socket.id);
    operator.send('emit', '/', 'group', 'to the group');
    operator.send('emit', '/', null, 'to all');
    for (const client of [anna, bert]) {
      await client.event('to all');
      assert.deepEqual(client.recorder.entries.find(({ event }) => event === 'to the room').args, [{ a: 1 }, 2]);
    }
    assert.deepEqual([anna, bert].map(({ recorder }) => recorder.all('to the group').length), [0, 1]);
    operator.send('_disconnect', '/', true, bert.socket.id);
    await bert.disconnected();
    const { reason } = await anna.event('peer:left', ({ peerId }) => peerId === bert.peerId);
    assert.equal(reason, 'left');
    assert.match(cluster.log, /an operator's command/);
  });

  test('is not heard if what it asks makes no sense', async (t) => {
    const gateway = await alone(t, WRITING);
    const anna = await connect(t, gateway);
    const operator = await look(t, gateway, { auth });
    const senseless = [['_disconnect', '/', true, 5], ['_disconnect', '/', true, [anna.socket.id]], ['_disconnect', '/other', true],
      ['emit', '/', '', 'disconnect'], ['emit', '/'], ['join'], ['shutdown', '/'], ['emit', '/', '', 'bin', Buffer.from('x')]];
    for (const event of senseless) operator.send(...event);
    await until(() => gateway.log.match(/an operator's command (was refused|cannot be read)/g)?.length === senseless.length, 'all are refused in the log');
    assert.equal(operator.socket.connected, true);
    await anna.ask('heartbeat');
  });

  test('speaks msgpack where clients do', async (t) => {
    const gateway = await alone(t, { ...WRITING, SOCKET_PARSER: 'msgpack' });
    const anna = await connect(t, gateway, { kind: { version: 4, transport: 'websocket', parser: 'msgpack' } });
    const operator = await look(t, gateway, { auth, parser: 'msgpack' });
    await until(() => operator.sockets.has(anna.socket.id), 'it is shown');
    operator.send('emit', '/', anna.socket.id, 'hi', { a: [1] });
    assert.deepEqual(await anna.event('hi'), { a: [1] });
  });
});

test('a node with many clients shows a part of them, and counts all', async (t) => {
  const gateway = await alone(t);
  const clients = await Promise.all(Array.from({ length: 520 }, (_, n) => connect(t, gateway, { sub: `user ${n}` })));
  const operator = await look(t, gateway, { auth });
  await operator.event('server_stats', ({ clientsCount }) => clientsCount === clients.length + 1);
  await until(() => operator.sockets.size === 500, 'a part of them is shown');
  for (const client of clients.slice(0, 100)) client.close();
  await operator.event('server_stats', ({ clientsCount }) => clientsCount === clients.length - 99);
  await until(() => operator.sockets.size === 420, 'those that are left are shown');
});

test('an operator is told that a node stops by the end of the connection', async (t) => {
  const gateway = await alone(t, { ...READING, SHUTDOWN_GRACE_MS: '500' });
  const operator = await look(t, gateway, { auth });
  gateway.signal('SIGTERM');
  await within(operator.ended, 'the end');
  assert.deepEqual(await gateway.exited(), { code: 0, signal: null });
});
