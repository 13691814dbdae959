import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { connect as dial } from 'node:net';
import { describe, test } from 'node:test';
import { connect } from '../../clients/lib/client.js';
import { RawPolling, RawSocket } from '../../clients/lib/raw.js';
import { freshCode, join, party } from '../../clients/lib/rooms.js';
import { until, within } from '../../clients/lib/wait.js';
import { connectRaw } from '../../clients/lib/websocket.js';
import { HalfOpen } from '../lib/half-open.js';
import { count, get, limited } from '../lib/house.js';
import { HealthyPair } from '../lib/pair.js';

/** How many connections a slowloris holds. */
const HALF_OPEN = 2_000;

/** What they may take of memory, in MiB: 64 KiB of a head each, and what serves it. */
const MAX_GROWTH_MIB = 300;

const patient = (promise, what) => within(promise, what, 60_000);

/** What a process has of memory, in MiB. @param {import('../../clients/lib/gateway.js').Gateway} gateway */
function resident({ child }) {
  const [, kib] = readFileSync(`/proc/${child.pid}/status`, 'utf8').match(/^VmRSS:\s+(\d+)/m);
  return Math.round(Number(kib) / 1024);
}

/** A connection that sends `text`, and what it is told. */
async function say(t, gateway, text) {
  const socket = dial({ port: gateway.port, host: '127.0.0.1' });
  t.after(() => socket.destroy());
  const told = [];
  socket.on('data', (data) => told.push(data));
  socket.on('error', () => {});
  const closed = new Promise((resolve) => socket.on('close', resolve));
  await once(socket, 'connect');
  socket.write(text);
  return { socket, closed, told: () => Buffer.concat(told).toString() };
}

test(`${HALF_OPEN} half-open connections beside a healthy pair are all given up, health answers, memory is bounded`, async (t) => {
  const gateway = await limited(t, { HEADER_TIMEOUT_MS: '4000' });
  const pair = await HealthyPair.meet(t, gateway);
  const before = resident(gateway);
  const opened = Date.now();
  const crowd = await HalfOpen.open(t, gateway, HALF_OPEN);
  const [open, during] = [HALF_OPEN - crowd.closed, resident(gateway)];
  for (const path of ['/livez', '/readyz']) assert.equal((await get(gateway, path)).status, 200, path);
  await connect(t, gateway);
  await until(() => crowd.closed === HALF_OPEN, 'all are given up', 120_000);
  const took = Date.now() - opened;
  const relays = await pair.part();
  const reaped = await count(gateway, 'switchboard_timeouts_total', 'awaited="head"');
  assert.ok(reaped > 0);
  assert.deepEqual(crowd.answers, {});
  console.table({
    'half-open': HALF_OPEN, 'open at once': open, 'bytes sent': crowd.sent, 'given up by the timeout': reaped,
    'all gone after ms': took, 'MiB before': before, 'MiB during': during, 'MiB after': resident(gateway), 'relays, all in order': relays,
  });
  assert.ok(during - before < MAX_GROWTH_MIB, `${before} MiB before, ${during} MiB during`);
});

describe('those that take their time', { concurrency: 6 }, () => {
  test('with the body of a polling request lose the session', async (t) => {
    const gateway = await limited(t, { BODY_TIMEOUT_MS: '500' });
    const raw = await RawPolling.connected(gateway, await gateway.identity.token());
    const head = `POST /socket.io/?EIO=4&transport=polling&sid=${raw.sid} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: text/plain\r\nContent-Length: 1000\r\n\r\n`;
    const slow = await say(t, gateway, `${head}42["he`);
    const drops = setInterval(() => slow.socket.write('x'), 50);
    t.after(() => clearInterval(drops));
    await patient(slow.closed, 'the connection to be given up');
    assert.match(slow.told(), /^(HTTP\/1\.1 4\d\d |$)/);
    await until(async () => await count(gateway, 'switchboard_timeouts_total', 'awaited="body"') > 0, 'it is counted');
    await until(async () => (await raw.poll()) === 400, 'the session is over');
  });

  for (const Kind of [RawPolling, RawSocket]) {
    test(`to connect to the namespace lose the session: ${Kind.name}`, async (t) => {
      const gateway = await limited(t, { CONNECT_TIMEOUT_MS: '500' });
      const token = await gateway.identity.token();
      if (Kind === RawSocket) {
        const raw = new RawSocket(gateway, { token });
        await raw.frame((text) => text.startsWith('0{'));
        return patient(raw.ended(), 'the end');
      }
      const raw = await RawPolling.opened(gateway, token);
      await until(async () => (await raw.poll()) === 400, 'the session is over');
    });
  }

  test('between two requests lose the connection, and not before', async (t) => {
    const gateway = await limited(t, { KEEP_ALIVE_TIMEOUT_MS: '1000', HEADER_TIMEOUT_MS: '200' });
    const request = 'GET /livez HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n';
    const idle = await say(t, gateway, request);
    await until(() => idle.told().includes('"ok"'), 'an answer');
    await patient(idle.closed, 'the connection to be given up');
    assert.equal(idle.told().split('HTTP/1.1 200').length, 2);
  });

  test('on /ws without a room are left alone', async (t) => {
    const gateway = await limited(t, { CONNECT_TIMEOUT_MS: '100', HEADER_TIMEOUT_MS: '100', KEEP_ALIVE_TIMEOUT_MS: '100', PING_INTERVAL_MS: '100' });
    const raw = await connectRaw(t, gateway, '/ws');
    let pings = 0;
    await patient(new Promise((resolve) => raw.socket.on('ping', () => (pings += 1) === 10 && resolve())), 'ten pings');
    raw.send({ type: 'join', room: freshCode(), sender: 'late' });
    await raw.frame('joined');
  });
});

describe('a client that does not read', { concurrency: 2 }, () => {
  const ways = {
    'socket.io': async (t, gateway, code) => {
      const client = await connect(t, gateway, { username: 'slow' });
      await join(client, code);
      return { peerId: client.peerId, socket: client.engine.transport.ws._socket };
    },
    '/ws': async (t, gateway, code) => {
      const client = await connectRaw(t, gateway, '/ws');
      client.send({ type: 'join', room: code, sender: 'slow' });
      const { peerId } = await client.frame('joined');
      return { peerId, socket: client.socket._socket };
    },
  };
  for (const [way, arrive] of Object.entries(ways)) {
    test(`is cut off when too much waits for it, counted, and its room told: ${way}`, async (t) => {
      const gateway = await limited(t, { RECONNECT_WINDOW_MS: '0', PING_TIMEOUT_MS: '300000', MAX_QUEUED_BYTES: '2097152' });
      const code = freshCode();
      const [anna] = await party(t, gateway, ['anna'], { code });
      const slow = await arrive(t, gateway, code);
      await anna.event('peer:joined');
      slow.socket.pause();
      const candidate = 'x'.repeat(50_000);
      let left = false;
      const leaving = anna.event('peer:left').then((told) => { left = true; return told; });
      for (let n = 0; n < 1_000 && !left; n += 1) await anna.ask('webrtc:ice', { targetPeerId: slow.peerId, candidate });
      assert.equal((await leaving).peerId, slow.peerId);
      await until(async () => await count(gateway, 'switchboard_slow_consumer_closes_total') === 1, 'it is counted');
      assert.ok(gateway.log.includes('slow reader cut off'));
    });
  }
});

describe('bodies and frames', { concurrency: 4 }, () => {
  const MAX = 10_000;

  test('of a polling request are bounded, with and without a length', async (t) => {
    const gateway = await limited(t, { MAX_PAYLOAD_BYTES: `${MAX}` });
    const token = await gateway.identity.token();
    const body = `42["heartbeat",${'1'.repeat(MAX)}]`;
    const announced = await RawPolling.connected(gateway, token);
    assert.equal((await announced.send(body)).status, 413);
    const chunked = await RawPolling.connected(gateway, token);
    const head = `POST /socket.io/?EIO=4&transport=polling&sid=${chunked.sid} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n`;
    const sent = await say(t, gateway, `${head}${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`);
    await until(() => sent.told().startsWith('HTTP/1.1 413'), 'it is refused');
  });

  for (const path of ['/ws', '/signal/room']) {
    test(`of a raw client are bounded: ${path}`, async (t) => {
      const gateway = await limited(t, { MAX_PAYLOAD_BYTES: `${MAX}` });
      const raw = await connectRaw(t, gateway, path);
      raw.send(JSON.stringify({ type: 'x'.repeat(MAX) }));
      assert.equal((await within(raw.closed, 'the close')).code, 1009);
    });
  }

  test('of a Socket.IO client are bounded', async (t) => {
    const gateway = await limited(t, { MAX_PAYLOAD_BYTES: `${MAX}` });
    const raw = await RawSocket.connected(gateway, { token: await gateway.identity.token() });
    raw.send(`42["heartbeat","${'x'.repeat(MAX)}"]`);
    await raw.ended();
  });
});
