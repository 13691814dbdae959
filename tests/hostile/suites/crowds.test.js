import assert from 'node:assert/strict';
import { connect as dial } from 'node:net';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, test } from 'node:test';
import { connect, refusal } from '../../clients/lib/client.js';
import { RawSocket } from '../../clients/lib/raw.js';
import { until } from '../../clients/lib/wait.js';
import { connectRaw } from '../../clients/lib/websocket.js';
import { count, from, get, handshake, limited, times } from '../lib/house.js';

const refused = (gateway, reason) => count(gateway, 'switchboard_connections_refused_total', `reason="${reason}"`);

/** An open connection that says nothing. */
async function silent(t, gateway, address = '127.0.0.1') {
  const socket = dial({ port: gateway.port, host: '127.0.0.1', localAddress: address });
  socket.on('error', () => {});
  t.after(() => socket.destroy());
  await once(socket, 'connect');
  return socket;
}

/** Waits until a request from `address` is answered with `status`, and returns that answer. */
async function answered(gateway, status, options) {
  let last;
  await until(async () => {
    last = await handshake(gateway, options).catch(() => ({}));
    return last.status === status;
  }, `a handshake is answered with ${status}`);
  return last;
}

describe('the node', { concurrency: 4 }, () => {
  test('has so many places: more are told to come again, health answers, and who goes makes place', async (t) => {
    const gateway = await limited(t, { MAX_CONNECTIONS: '20', HEADER_TIMEOUT_MS: '300000' });
    const sockets = await Promise.all(times(20, () => silent(t, gateway)));
    const full = await answered(gateway, 503);
    assert.deepEqual([full.headers['retry-after'], full.headers.connection, JSON.parse(full.text).code], ['5', 'close', 'SERVICE_UNAVAILABLE']);
    await assert.rejects(connectRaw(t, gateway, '/ws'), ({ status, headers }) => status === 503 && headers['retry-after'] === '5');
    for (const path of ['/livez', '/readyz', '/healthz']) assert.equal((await get(gateway, path)).status, 200, path);
    assert.ok(await refused(gateway, 'node_full') >= 2);
    for (const socket of sockets) socket.destroy();
    await answered(gateway, 200);
    await connect(t, gateway);
  });

  test('is not filled by those that are refused', async (t) => {
    const gateway = await limited(t, { MAX_CONNECTIONS: '1', HEADER_TIMEOUT_MS: '300000' });
    const [first] = [await silent(t, gateway)];
    await answered(gateway, 503);
    await Promise.all(times(600, () => silent(t, gateway).catch(() => {})));
    first.destroy();
    // Places that are taken only to be told of the crowd are given up after a while.
    await answered(gateway, 200);
  });

  test('stays within its places with RATE_LIMITS=off too', async (t) => {
    const gateway = await limited(t, { MAX_CONNECTIONS: '3', HEADER_TIMEOUT_MS: '300000', RATE_LIMITS: 'off' });
    await Promise.all(times(3, () => silent(t, gateway)));
    await answered(gateway, 503);
  });
});

describe('one address', { concurrency: 4 }, () => {
  test('has so many connections, and others have theirs', async (t) => {
    const gateway = await limited(t, { MAX_CONNECTIONS_PER_IP: '3', HEADER_TIMEOUT_MS: '300000' });
    const sockets = await Promise.all(times(3, () => silent(t, gateway, '127.0.0.2')));
    const full = await answered(gateway, 429, { address: '127.0.0.2' });
    assert.deepEqual([full.headers['retry-after'], JSON.parse(full.text).code], ['5', 'RATE_LIMITED']);
    assert.equal((await handshake(gateway, { address: '127.0.0.3' })).status, 200);
    sockets[0].destroy();
    await answered(gateway, 200, { address: '127.0.0.2' });
    assert.ok(await refused(gateway, 'address_full') > 0);
  });

  test('keeps its connections as WebSockets', async (t) => {
    const gateway = await limited(t, { MAX_CONNECTIONS_PER_IP: '2' });
    const token = await gateway.identity.token();
    const agent = from('127.0.0.2');
    const sockets = await Promise.all(times(2, () => RawSocket.connected(gateway, { token, agent })));
    t.after(() => sockets.forEach((socket) => socket.close()));
    await answered(gateway, 429, { address: '127.0.0.2' });
    sockets[0].close();
    await answered(gateway, 200, { address: '127.0.0.2' });
  });

  test('opens sessions at a rate, and is told when to come again', async (t) => {
    const gateway = await limited(t, { HANDSHAKES_PER_IP_PER_S: '1:5' });
    const address = '127.0.0.2';
    const answers = await Promise.all(times(40, () => handshake(gateway, { address })));
    const late = answers.find(({ status }) => status === 429);
    assert.ok(late && answers.some(({ status }) => status === 200));
    assert.equal((await handshake(gateway, { address: '127.0.0.3' })).status, 200);
    assert.ok(await refused(gateway, 'address_rate') > 0);
    const wait = Number(late.headers['retry-after']);
    assert.ok(Number.isInteger(wait) && wait >= 1, `${wait}`);
    const session = JSON.parse(answers.find(({ status }) => status === 200).text.slice(1));
    assert.equal((await get(gateway, `/socket.io/?EIO=4&transport=polling&sid=${session.sid}`, { address })).status, 200, 'requests of a session are none');
    await sleep(wait * 1_000 + 5);
    assert.equal((await handshake(gateway, { address })).status, 200);
  });

  test('is held to nothing with RATE_LIMITS=off', async (t) => {
    const gateway = await limited(t, { MAX_CONNECTIONS_PER_IP: '1', HANDSHAKES_PER_IP_PER_S: '1:1', RATE_LIMITS: 'off' });
    await Promise.all(times(3, () => silent(t, gateway)));
    const answers = await Promise.all(times(20, () => handshake(gateway)));
    assert.ok(answers.every(({ status }) => status === 200));
  });
});

describe('behind proxies', { concurrency: 4 }, () => {
  const strict = { HANDSHAKES_PER_IP_PER_S: '1:3' };
  const by = (header) => ({ address: '127.0.0.9', headers: header });

  /** How many of many handshakes came through. */
  async function through(gateway, options) {
    const answers = await Promise.all(times(30, (n) => handshake(gateway, options(n))));
    return answers.filter(({ status }) => status === 200).length;
  }

  test('nobody is believed unless configured', async (t) => {
    const gateway = await limited(t, strict);
    const passed = await through(gateway, (n) => ({ address: '127.0.0.2', headers: { 'x-forwarded-for': `198.51.100.${n}`, forwarded: `for=198.51.100.${n}` } }));
    assert.ok(passed < 30, `${passed} of 30`);
    const told = () => gateway.lines.filter((line) => line.includes('TRUSTED_PROXIES does not name')).length;
    await until(() => told() > 0, 'operators are told');
    await through(gateway, () => ({ address: '127.0.0.3', headers: { 'x-forwarded-for': '198.51.100.1' } }));
    assert.equal(told(), 1, 'once');
  });

  test('a trusted one is believed, about whom it saw', async (t) => {
    const gateway = await limited(t, { ...strict, TRUSTED_PROXIES: '127.0.0.9' });
    assert.equal(await through(gateway, (n) => by({ 'x-forwarded-for': `198.51.100.${n}` })), 30, 'each is another client');
    const spoofed = await through(gateway, (n) => by({ 'x-forwarded-for': `203.0.113.${n}, 198.51.100.200` }));
    assert.ok(spoofed < 30, `what a client writes before it does not count: ${spoofed} of 30`);
    const other = await through(gateway, (n) => by({ forwarded: `for=203.0.113.${n}`, 'x-forwarded-for': '198.51.100.201' }));
    assert.ok(other < 30, `nor does the other header: ${other} of 30`);
    const stranger = await through(gateway, (n) => ({ address: '127.0.0.2', headers: { 'x-forwarded-for': `203.0.113.${n}` } }));
    assert.ok(stranger < 30, `nor what a stranger says: ${stranger} of 30`);
    const neighbours = await through(gateway, (n) => by({ 'x-forwarded-for': `2001:db8::${n + 1}` }));
    assert.ok(neighbours < 30, `a /64 is one client: ${neighbours} of 30`);
  });

  test('Forwarded is read where that is configured', async (t) => {
    const gateway = await limited(t, { ...strict, TRUSTED_PROXIES: '127.0.0.8/31', TRUSTED_PROXY_HEADER: 'forwarded' });
    assert.equal(await through(gateway, (n) => by({ forwarded: `for="[2001:db8:0:${n}::1]:4711";proto=https, for=127.0.0.8` })), 30);
    const spoofed = await through(gateway, (n) => by({ forwarded: `for=203.0.113.${n}, for=198.51.100.1` }));
    assert.ok(spoofed < 30, `${spoofed} of 30`);
  });

  test('WebSockets count for the client and not for the proxy, as long as they are open', async (t) => {
    const gateway = await limited(t, { MAX_CONNECTIONS_PER_IP: '2', TRUSTED_PROXIES: '127.0.0.9' });
    const [token, agent] = [await gateway.identity.token(), from('127.0.0.9')];
    const open = async (client) => {
      const socket = await RawSocket.connected(gateway, { token, agent, headers: { 'x-forwarded-for': client } });
      t.after(() => socket.close());
      return socket;
    };
    const sockets = await Promise.all(['198.51.100.1', '198.51.100.1', '198.51.100.2', '198.51.100.2'].map(open));
    const full = await handshake(gateway, by({ 'x-forwarded-for': '198.51.100.1' }));
    assert.equal(full.status, 429);
    assert.equal((await handshake(gateway, by({ 'x-forwarded-for': '198.51.100.3' }))).status, 200);
    sockets[0].close();
    await answered(gateway, 200, by({ 'x-forwarded-for': '198.51.100.1' }));
    assert.equal((await handshake(gateway, by({ 'x-forwarded-for': '198.51.100.2' }))).status, 429);
  });
});

describe('one user', { concurrency: 4 }, () => {
  test('has so many connections of all kinds, and is told so', async (t) => {
    const gateway = await limited(t, { MAX_CONNECTIONS_PER_USER: '2' });
    const first = await connect(t, gateway, { sub: 'anna' });
    await connectRaw(t, gateway, '/ws', { sub: 'anna' });
    assert.equal(await refusal(t, gateway, { sub: 'anna' }), 'Too many connections');
    for (const path of ['/ws', '/signal/room']) {
      await assert.rejects(connectRaw(t, gateway, path, { sub: 'anna' }), ({ status, headers, body }) =>
        status === 429 && headers['retry-after'] === '5' && JSON.parse(body).code === 'RATE_LIMITED');
    }
    await connect(t, gateway, { sub: 'bert' });
    first.close();
    await first.disconnected();
    await until(() => connect(t, gateway, { sub: 'anna' }).catch(() => null), 'who goes makes place');
    assert.ok(await refused(gateway, 'user_full') >= 3);
  });

  test('that connects and disconnects gets its place back each time, by each transport', async (t) => {
    const gateway = await limited(t, { MAX_CONNECTIONS_PER_USER: '1', RATE_LIMITS: 'on' });
    for (const transport of ['websocket', 'polling', 'upgrade', 'websocket']) {
      const client = await until(() => connect(t, gateway, { sub: 'anna', kind: { version: 4, transport } }).catch(() => null), `a place: ${transport}`);
      client.close();
    }
    await until(() => connectRaw(t, gateway, '/ws', { sub: 'anna' }).catch(() => null), 'a place: raw');
  });
});
