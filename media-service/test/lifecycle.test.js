import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { pair, Peer } from './lib/peer.js';
import { assertRefused } from './lib/refused.js';
import { opus } from './lib/rtp.js';
import { lives, Service } from './lib/service.js';
import { until } from './lib/wait.js';

const LONG = { SHUTDOWN_GRACE_MS: '600000' };
const draining = (service) => until(
  async () => (await service.request('GET', '/readyz')).body.status === 'draining', 'the service drains',
);

test('a service that is up says so', async (t) => {
  const service = await Service.start({ MEDIA_WORKERS: '2' });
  t.after(() => service.stop());
  const ready = await service.request('GET', '/readyz');
  assert.deepEqual([ready.status, ready.body], [200, { status: 'ready', workers: { alive: 2, configured: 2 }, rooms: 0 }]);
  const live = await service.request('GET', '/livez');
  assert.deepEqual([live.status, live.body], [200, { status: 'ok' }]);
});

describe('SIGTERM and SIGINT', () => {
  for (const signal of ['SIGTERM', 'SIGINT']) {
    test(`${signal} ends a service without rooms at once, with 0, and its workers with it`, async () => {
      const service = await Service.start({ ...LONG, MEDIA_WORKERS: '2' });
      const { workers } = service;
      assert.equal(workers.length, 2);
      assert.deepEqual(await service.stop(signal), { code: 0, signal: null });
      await until(() => !workers.some(lives), 'the workers end');
      assert.equal(service.logged('worker died').length, 0);
    });
  }

  test('a service with rooms turns unready, refuses what is new, and keeps calls until the last peer leaves', async () => {
    const service = await Service.start(LONG);
    const { sender, receiver } = await pair(service, opus());
    const [worker] = service.workers;
    service.child.kill('SIGTERM');
    await draining(service);
    assert.equal((await service.request('GET', '/readyz')).status, 503);
    assert.equal((await service.request('GET', '/livez')).status, 200);
    await assertRefused(service, ['POST', `${sender.roomPath}/broadcasters`, { id: 'late' }], 503, 'DRAINING');
    await assertRefused(service, ['GET', sender.roomPath], 503, 'DRAINING');
    assert.ok(lives(worker));
    await sender.leave();
    await receiver.leave();
    assert.deepEqual(await service.end(), { code: 0, signal: null });
  });

  test('the time of grace ends, whoever is still there', async () => {
    const service = await Service.start({ SHUTDOWN_GRACE_MS: '100' });
    await Peer.join(service);
    assert.deepEqual(await service.stop(), { code: 0, signal: null });
  });

  test('a second signal ends it at once', async () => {
    const service = await Service.start(LONG);
    await Peer.join(service);
    const { workers } = service;
    service.child.kill('SIGTERM');
    await draining(service);
    assert.deepEqual(await service.stop('SIGINT'), { code: 130, signal: null });
    await until(() => !workers.some(lives), 'the workers end');
  });

  test('workers that the terminal ends as well are not started again', async () => {
    const service = await Service.start(LONG);
    await Peer.join(service);
    service.child.kill('SIGTERM');
    await draining(service);
    process.kill(service.workers[0], 'SIGTERM');
    assert.deepEqual(await service.end(), { code: 0, signal: null });
    assert.equal(service.workers.length, 1);
  });
});
