import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { once } from 'node:events';
import { join } from 'node:path';
import { test } from 'node:test';
import { SETTINGS } from '../src/config.js';
import { Peer } from './lib/peer.js';
import { Process, PROJECT, Service } from './lib/service.js';

/** What a service says that refuses to start. */
async function mistakes(settings) {
  const refused = new Process(settings);
  const { code } = await refused.end();
  assert.equal(code, 64, refused.stderr);
  assert.deepEqual(refused.log, []);
  const [title, ...lines] = refused.stderr.trimEnd().split('\n');
  assert.equal(title, 'invalid configuration:');
  return lines.map((line) => line.trim());
}

test('all mistakes are reported at once', async () => {
  const settings = {
    HOST: 'not a host',
    PORT: '65536',
    LISTEN_IP: '203.0.113.7',
    ANNOUNCED_ADDRESS: 'http://sfu.example/',
    RTC_MIN_PORT: '80',
    RTC_MAX_PORT: 'many',
    MEDIA_WORKERS: '0',
    MEDIASOUP_WORKER_BIN: '/nowhere/mediasoup-worker',
    WORKER_TIMEOUT_MS: '15000',
    MAX_ROOMS: '-1',
    MAX_PEERS_PER_ROOM: '1.5',
    MAX_TRANSPORTS: '1e2',
    MAX_PRODUCERS: '0x10',
    MAX_CONSUMERS: 'Infinity',
    MAX_INCOMING_BITRATE: '5M',
    PEER_IDLE_S: 'never',
    MAX_BODY_BYTES: '1',
    SHUTDOWN_GRACE_MS: ' ',
    LOG_LEVEL: 'loud',
  };
  const lines = await mistakes(settings);
  assert.deepEqual(lines.map((line) => line.split(':')[0]), Object.keys(settings));
  assert.deepEqual(Object.keys(settings).sort(), SETTINGS.map(([name]) => name).sort());
});

test('settings that do not go together are reported', async () => {
  assert.deepEqual(
    await mistakes({ RTC_MIN_PORT: '40001', RTC_MAX_PORT: '40000', LISTEN_IP: '0.0.0.0' }),
    ['RTC_MIN_PORT: must not be above RTC_MAX_PORT', 'ANNOUNCED_ADDRESS: is required where LISTEN_IP is 0.0.0.0'],
  );
});

test('an empty variable counts as unset', async (t) => {
  const service = await Service.start({ RTC_MIN_PORT: '', LOG_LEVEL: '', ANNOUNCED_ADDRESS: '', LISTEN_IP: '' });
  t.after(() => service.stop());
  const { iceCandidates } = await (await Peer.join(service)).transport('send');
  assert.ok(iceCandidates[0].port >= 40_000);
});

test('clients are told ANNOUNCED_ADDRESS', async (t) => {
  const service = await Service.start({ LISTEN_IP: '0.0.0.0', ANNOUNCED_ADDRESS: '203.0.113.7' });
  t.after(() => service.stop());
  const { iceCandidates } = await (await Peer.join(service)).transport('send');
  assert.deepEqual(new Set(iceCandidates.map(({ address }) => address)), new Set(['203.0.113.7']));
});

test('a port that is taken ends the start with a reason', async (t) => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  const refused = new Process({ PORT: `${server.address().port}` });
  assert.equal((await refused.end()).code, 1);
  assert.match(refused.logged('cannot start')[0].reason, /EADDRINUSE/);
});

test('a worker that does not run ends the start with a reason', async () => {
  const refused = new Process({ MEDIASOUP_WORKER_BIN: '/bin/false' });
  assert.equal((await refused.end()).code, 1);
  assert.match(refused.logged('cannot start')[0].reason, /no media worker \(\/bin\/false\)/);
});

test('the README lists every setting with its default', () => {
  const readme = readFileSync(join(PROJECT, 'README.md'), 'utf8');
  const rows = SETTINGS.map(([name, , fallback, , what]) => `| \`${name}\` | ${fallback ? `\`${fallback}\`` : '–'} | ${what} |`);
  const listed = readme.match(/<!-- configuration[^]*?-->\n([^]*?)\n<!-- \/configuration -->/)?.[1].split('\n').slice(2);
  assert.deepEqual(listed, rows);
});
