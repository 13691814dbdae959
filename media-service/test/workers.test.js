import assert from 'node:assert/strict';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { findWorker, installedMediasoup } from '../src/media/worker-bin.js';
import { freshRoom, pair, Peer } from './lib/peer.js';
import { assertRefused } from './lib/refused.js';
import { opus } from './lib/rtp.js';
import { lives, PROJECT, Service } from './lib/service.js';
import { until } from './lib/wait.js';

async function started(t, settings) {
  const service = await Service.start(settings);
  t.after(() => service.stop());
  return service;
}

/** The process that serves a room. */
async function workerOf(service, room) {
  const opened = () => service.logged('room opened').findLast(({ roomId }) => roomId === room);
  const { worker } = await until(opened, 'the room is logged');
  return service.logged('worker started').findLast((entry) => entry.worker === worker).pid;
}

test('rooms go to the worker that has the least to do', async (t) => {
  const service = await started(t, { MEDIA_WORKERS: '3' });
  const { sender } = await pair(service, opus());
  const rooms = [sender.room];
  for (let more = 0; more < 2; more += 1) rooms.push((await Peer.join(service)).room);
  const pids = await Promise.all(rooms.map((room) => workerOf(service, room)));
  assert.equal(new Set(pids).size, 3);
  // Both of the others have less to do than the one with the call.
  const next = await Peer.join(service);
  assert.notEqual(await workerOf(service, next.room), pids[0]);
});

test('rooms that are made at the same moment are spread as well', async (t) => {
  const service = await started(t, { MEDIA_WORKERS: '2' });
  const rooms = Array.from({ length: 6 }, () => freshRoom());
  await Promise.all(rooms.map((room) => Peer.join(service, room)));
  const pids = await Promise.all(rooms.map((room) => workerOf(service, room)));
  assert.equal(pids.filter((pid) => pid === service.workers[0]).length, 3);
});

test('a worker that is killed takes its rooms along, and no others; new rooms work', async (t) => {
  const service = await started(t, { MEDIA_WORKERS: '2' });
  const { sender: lost } = await pair(service, opus());
  const { sender: kept, producer } = await pair(service, opus());
  const pid = await workerOf(service, lost.room);
  assert.notEqual(await workerOf(service, kept.room), pid);

  process.kill(pid, 'SIGKILL');
  await until(async () => (await service.request('GET', lost.roomPath)).status === 404, 'the room is gone');
  const restart = ['POST', `${lost.path}/transports/${lost.sending.id}/restart-ice`, {}];
  await assertRefused(service, restart, 404, 'ROOM_NOT_FOUND');
  assert.deepEqual(await service.call('POST', `${kept.path}/producers/${producer.id}/pause`, {}), {});

  const again = await Peer.join(service, lost.room, lost.id);
  assert.deepEqual(again.others, []);
  assert.ok(await again.produce(await again.transport('send'), opus()));
  const ready = async () => (await service.call('GET', '/readyz')).workers.alive === 2;
  await until(ready, 'there are two workers again');
});

test('a worker that dies again and again is started again and again', async (t) => {
  const service = await started(t);
  for (let deaths = 1; deaths <= 3; deaths += 1) {
    process.kill(service.workers.at(-1), 'SIGKILL');
    await until(() => service.workers.length === deaths + 1, 'a new worker runs');
    const peer = await Peer.join(service);
    assert.ok(await peer.transport('send'));
  }
});

test('requests that are with a worker when it dies get an answer', async (t) => {
  const service = await started(t, { MAX_TRANSPORTS: '1', MAX_ROOMS: '2' });
  const alice = await Peer.join(service);
  const [pid] = service.workers;
  process.kill(pid, 'SIGSTOP');
  const transport = () => service.request('POST', `${alice.path}/transports`, { type: 'webrtc', direction: 'send' });
  const room = () => service.request('POST', `/rooms/${freshRoom()}/broadcasters`, { id: 'bob' });
  // There is place for one of each two, so when one is refused, the other is with the worker.
  const requests = [transport, room].map((send) => [send(), send()]);
  for (const two of requests) assert.equal((await Promise.race(two)).body.code, 'LIMIT_REACHED');
  process.kill(pid, 'SIGKILL');
  for (const two of requests) {
    const codes = (await Promise.all(two)).map(({ status, body }) => `${status} ${body.code}`);
    assert.deepEqual(codes.sort(), ['409 LIMIT_REACHED', '503 WORKER_LOST']);
  }
});

test('a worker that hangs is killed and replaced, and others are let be', async (t) => {
  const service = await started(t, { MEDIA_WORKERS: '2', WORKER_TIMEOUT_MS: '2000' });
  const [lost, kept] = [await Peer.join(service), await Peer.join(service)];
  const pid = await workerOf(service, lost.room);
  process.kill(pid, 'SIGSTOP');
  await until(() => !lives(pid), 'the worker is killed');
  await until(async () => (await service.request('GET', lost.roomPath)).status === 404, 'the room is gone');
  await until(() => service.workers.length === 3, 'another worker runs');
  assert.ok(await kept.transport('send'));
  assert.deepEqual(service.logged('worker hangs, killing it').map((entry) => entry.pid), [pid]);
});

test('without any worker the service is alive, unready, and refuses new rooms', async (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'media-worker-'));
  t.after(() => rmSync(directory, { recursive: true }));
  const real = findWorker(process.env, installedMediasoup())
    ?? join(PROJECT, 'node_modules', 'mediasoup', 'worker', 'out', 'Release', 'mediasoup-worker');
  const worker = join(directory, 'worker');
  const working = `#!/bin/sh\nexec '${real}' "$@"\n`;
  writeFileSync(worker, working);
  chmodSync(worker, 0o755);
  const service = await started(t, { MEDIASOUP_WORKER_BIN: worker });

  writeFileSync(worker, '#!/bin/sh\nexit 1\n');
  process.kill(service.workers[0], 'SIGKILL');
  await until(() => service.logged('worker did not start')[0], 'a start fails');
  const unready = await service.request('GET', '/readyz');
  assert.deepEqual([unready.status, unready.body.status, unready.body.workers.alive], [503, 'no-worker', 0]);
  assert.equal((await service.request('GET', '/livez')).status, 200);
  await assertRefused(service, ['POST', `/rooms/${freshRoom()}/broadcasters`, { id: 'x' }], 503, 'NO_WORKER');

  writeFileSync(worker, working);
  await until(async () => (await service.request('GET', '/readyz')).status === 200, 'it is ready again');
  await Peer.join(service);
});

test('workers end with a service that is killed', async () => {
  const service = await Service.start({ MEDIA_WORKERS: '2' });
  const { workers } = service;
  await service.stop('SIGKILL');
  await until(() => !workers.some(lives), 'the workers end');
});
