import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { freshRoom, Peer } from './lib/peer.js';
import { assertRefused } from './lib/refused.js';
import { opus } from './lib/rtp.js';
import { Service } from './lib/service.js';
import { until } from './lib/wait.js';

const service = await Service.start();
after(() => service.stop());

test('a room is made by its first peer and ends with its last', async () => {
  const room = freshRoom();
  await assertRefused(service, ['GET', `/rooms/${room}`], 404, 'ROOM_NOT_FOUND');
  const alice = await Peer.join(service, room, 'alice');
  const bob = await Peer.join(service, room, 'bob');
  assert.ok(await alice.capabilities());
  assert.deepEqual(await alice.leave(), {});
  assert.ok(await bob.capabilities());
  await bob.leave();
  await assertRefused(service, ['GET', `/rooms/${room}`], 404, 'ROOM_NOT_FOUND');
});

test('a room that has ended can be made again', async () => {
  const room = freshRoom();
  await (await Peer.join(service, room, 'alice')).leave();
  const again = await Peer.join(service, room, 'alice');
  assert.deepEqual(again.others, []);
});

test('a room speaks Opus, VP8, VP9 in two profiles, and H.264, each video with retransmission', async () => {
  const alice = await Peer.join(service);
  const { codecs, headerExtensions } = await alice.capabilities();
  const spoken = codecs.filter(({ mimeType }) => !/rtx$/.test(mimeType))
    .map(({ mimeType, parameters }) => [mimeType, parameters['profile-id'] ?? parameters['profile-level-id']]);
  assert.deepEqual(spoken, [
    ['audio/opus', undefined], ['video/VP8', undefined], ['video/VP9', 2], ['video/VP9', 0], ['video/H264', '42e01f'],
  ]);
  assert.equal(codecs.filter(({ mimeType }) => mimeType === 'video/rtx').length, 4);
  assert.ok(headerExtensions.length > 0);
});

test('who joins is told who is there and what they produce', async () => {
  const alice = await Peer.join(service, freshRoom(), 'alice', {
    displayName: 'Alice', device: { name: 'chrome', version: '156' },
  });
  assert.deepEqual(alice.others, []);
  const producer = await alice.produce(await alice.transport('send'), opus());
  const bob = await Peer.join(service, alice.room, 'bob');
  assert.deepEqual(bob.others, [
    { id: 'alice', displayName: 'Alice', producers: [{ id: producer.id, kind: 'audio' }] },
  ]);
});

test('a peer id is taken once in a room, and free in every other room', async () => {
  const alice = await Peer.join(service, freshRoom(), 'alice');
  await assertRefused(service, ['POST', `${alice.roomPath}/broadcasters`, { id: 'alice' }], 409, 'PEER_EXISTS');
  await Peer.join(service, freshRoom(), 'alice');
  await alice.leave();
  await Peer.join(service, alice.room, 'alice');
});

test('a refused second join leaves the first one alone', async () => {
  const alice = await Peer.join(service, freshRoom(), 'alice');
  const transport = await alice.transport('send');
  await assertRefused(service, ['POST', `${alice.roomPath}/broadcasters`, { id: 'alice' }], 409, 'PEER_EXISTS');
  assert.ok(await alice.produce(transport, opus()));
});

test('many who make a room at the same moment are in the same one', async () => {
  const room = freshRoom();
  const ids = Array.from({ length: 20 }, (_, index) => `peer-${index}`);
  await Promise.all(ids.map((id) => Peer.join(service, room, id)));
  const last = await Peer.join(service, room, 'last');
  assert.deepEqual(last.others.map(({ id }) => id).sort(), [...ids].sort());
  await last.leave();
  await Promise.all(ids.map((id) => new Peer(service, room, id).leave()));
  const about = (message) => service.logged(message).filter(({ roomId }) => roomId === room);
  await until(() => about('room closed').length > 0, 'the room closes');
  assert.deepEqual([about('room opened').length, about('room closed').length], [1, 1]);
});

test('who leaves takes producers along', async () => {
  const alice = await Peer.join(service, freshRoom(), 'alice');
  const bob = await Peer.join(service, alice.room, 'bob');
  const transport = await alice.transport('send');
  await alice.produce(transport, opus());
  await alice.leave();
  await assertRefused(service, ['DELETE', alice.path], 404, 'PEER_NOT_FOUND');
  await assertRefused(service, ['POST', `${alice.path}/transports/${transport.id}/restart-ice`, {}], 404, 'PEER_NOT_FOUND');
  const carol = await Peer.join(service, alice.room, 'carol');
  assert.deepEqual(carol.others, [{ id: bob.id, producers: [] }]);
});

test('ids are any text, percent-encoded', async () => {
  const room = 'a/b c?d#e%f é 部屋 ..';
  const peer = await Peer.join(service, room, 'x/../y\u{1F600}');
  const other = await Peer.join(service, room, '__proto__');
  assert.deepEqual(other.others.map(({ id }) => id), [peer.id]);
  assert.ok((await peer.transport('send')).id);
  await peer.leave();
  await other.leave();
  await assertRefused(service, ['GET', peer.roomPath], 404, 'ROOM_NOT_FOUND');
});

test('a peer that leaves while its transport is made leaves nothing behind', async () => {
  const alice = await Peer.join(service);
  const making = Array.from({ length: 8 }, () => (
    service.request('POST', `${alice.path}/transports`, { type: 'webrtc', direction: 'send' })
  ));
  const left = service.request('DELETE', alice.path);
  for (const { status } of await Promise.all(making)) assert.ok([200, 404].includes(status), `${status}`);
  assert.equal((await left).status, 200);
  await assertRefused(service, ['GET', alice.roomPath], 404, 'ROOM_NOT_FOUND');
});
