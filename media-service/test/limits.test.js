import assert from 'node:assert/strict';
import { test } from 'node:test';
import { freshRoom, pair, Peer } from './lib/peer.js';
import { freePair } from './lib/ports.js';
import { assertRefused } from './lib/refused.js';
import { opus, vp8Simulcast } from './lib/rtp.js';
import { Service } from './lib/service.js';
import { until } from './lib/wait.js';

/** A service with one low limit, for the time of one test. */
async function limited(t, settings) {
  const service = await Service.start(settings);
  t.after(() => service.stop());
  return service;
}

test('MAX_ROOMS bounds rooms; one that ends makes place', async (t) => {
  const service = await limited(t, { MAX_ROOMS: '2' });
  const first = await Peer.join(service);
  await Peer.join(service);
  const third = `/rooms/${freshRoom()}`;
  await assertRefused(service, ['POST', `${third}/broadcasters`, { id: 'x' }], 409, 'LIMIT_REACHED', /2 rooms/);
  await assertRefused(service, ['GET', third], 404, 'ROOM_NOT_FOUND');
  await Peer.join(service, first.room, 'another');
  await first.leave();
  await new Peer(service, first.room, 'another').leave();
  await service.call('POST', `${third}/broadcasters`, { id: 'x' });
});

test('MAX_ROOMS holds for rooms that are made at the same moment', async (t) => {
  const service = await limited(t, { MAX_ROOMS: '3' });
  const joins = Array.from({ length: 10 }, () => service.request('POST', `/rooms/${freshRoom()}/broadcasters`, { id: 'x' }));
  const statuses = (await Promise.all(joins)).map(({ status }) => status);
  assert.equal(statuses.filter((status) => status === 200).length, 3);
  assert.equal(statuses.filter((status) => status === 409).length, 7);
});

test('MAX_PEERS_PER_ROOM bounds a room', async (t) => {
  const service = await limited(t, { MAX_PEERS_PER_ROOM: '2' });
  const alice = await Peer.join(service);
  const bob = await Peer.join(service, alice.room);
  const third = ['POST', `${alice.roomPath}/broadcasters`, { id: 'third' }];
  await assertRefused(service, third, 409, 'LIMIT_REACHED', /2 peers/);
  await bob.leave();
  assert.equal((await service.request(...third)).status, 200);
});

test('MAX_TRANSPORTS bounds a peer, also for requests at the same moment', async (t) => {
  const service = await limited(t, { MAX_TRANSPORTS: '2' });
  const alice = await Peer.join(service);
  const request = ['POST', `${alice.path}/transports`, { type: 'webrtc', direction: 'send' }];
  const answers = await Promise.all(Array.from({ length: 5 }, () => service.request(...request)));
  assert.deepEqual(answers.map(({ status }) => status).sort(), [200, 200, 409, 409, 409]);
  await assertRefused(service, request, 409, 'LIMIT_REACHED', /2 transports/);
  const bob = await Peer.join(service, alice.room);
  assert.ok(await bob.transport('send'));
});

test('MAX_PRODUCERS bounds a peer; one that closes makes place, one that fails takes none', async (t) => {
  const service = await limited(t, { MAX_PRODUCERS: '1' });
  const { sender, producer } = await pair(service, opus());
  const second = ['POST', `${sender.path}/transports/${sender.sending.id}/producers`, vp8Simulcast()];
  await assertRefused(service, second, 409, 'LIMIT_REACHED', /1 producers/);
  await service.call('DELETE', `${sender.path}/producers/${producer.id}`);
  const wrong = { ...vp8Simulcast(), kind: 'audio' };
  assert.equal((await service.request('POST', second[1], wrong)).status, 400);
  assert.equal((await service.request(...second)).status, 200);
});

test('MAX_CONSUMERS bounds a peer; one whose producer closes makes place', async (t) => {
  const service = await limited(t, { MAX_CONSUMERS: '1' });
  const { sender, receiver, producer } = await pair(service, opus());
  await receiver.consume(receiver.receiving, producer);
  const video = await sender.produce(sender.sending, vp8Simulcast());
  const rtpCapabilities = await receiver.capabilities();
  const path = `${receiver.path}/transports/${receiver.receiving.id}/consume?producerId=${video.id}`;
  await assertRefused(service, ['POST', path, { rtpCapabilities }], 409, 'LIMIT_REACHED', /1 consumers/);
  await service.call('DELETE', `${sender.path}/producers/${producer.id}`);
  assert.equal((await service.request('POST', path, { rtpCapabilities })).status, 200);
});

test('media ports that are all taken refuse transports until some are free again', async (t) => {
  const first = await freePair();
  const service = await limited(t, { RTC_MIN_PORT: `${first}`, RTC_MAX_PORT: `${first + 1}` });
  const alice = await Peer.join(service);
  const bob = await Peer.join(service, alice.room);
  const transports = [await alice.transport('send'), await alice.transport('recv')];
  for (const { iceCandidates } of transports) {
    for (const { port } of iceCandidates) assert.ok([first, first + 1].includes(port), `${port}`);
  }
  const request = ['POST', `${bob.path}/transports`, { type: 'webrtc', direction: 'recv' }];
  await assertRefused(service, request, 503, 'TRANSPORT_REFUSED');
  await alice.leave();
  assert.equal((await service.request(...request)).status, 200);
});

test('PEER_IDLE_S takes away a peer that makes no requests and sends nothing, and no other', async (t) => {
  const service = await limited(t, { PEER_IDLE_S: '1' });
  const orphan = await Peer.join(service);
  await orphan.transport('recv');
  const busy = await Peer.join(service);
  const transport = await busy.transport('send');
  const restart = () => service.call('POST', `${busy.path}/transports/${transport.id}/restart-ice`, {});
  const gone = async () => await restart() && (await service.request('GET', orphan.roomPath)).status === 404;
  await until(gone, 'the idle peer is gone');
  assert.ok(await restart());
  const removed = () => service.logged('peer removed: neither requests nor media');
  await until(() => removed().length > 0, 'it is logged');
  assert.deepEqual(removed().map(({ peerId }) => peerId), [orphan.id]);
});
