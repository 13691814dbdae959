import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { freshRoom, pair, Peer } from './lib/peer.js';
import { assertRefused } from './lib/refused.js';
import { h264, opus, vp8Simulcast, vp9Svc } from './lib/rtp.js';
import { Service } from './lib/service.js';

const service = await Service.start();
after(() => service.stop());

describe('what is produced can be consumed', () => {
  const table = {
    opus: [opus, 'simple', 'audio/opus'],
    'VP8 in three layers': [vp8Simulcast, 'simulcast', 'video/VP8'],
    'VP9 with scalable layers': [vp9Svc, 'svc', 'video/VP9'],
    'H.264': [h264, 'simple', 'video/H264'],
  };
  for (const [name, [make, type, mimeType]] of Object.entries(table)) {
    test(name, async () => {
      const { receiver, producer } = await pair(service, make());
      const consumer = await receiver.consume(receiver.receiving, producer);
      assert.deepEqual(Object.keys(consumer).sort(), ['id', 'kind', 'producerId', 'rtpParameters', 'type']);
      assert.deepEqual(
        [consumer.producerId, consumer.kind, consumer.type, consumer.rtpParameters.codecs[0].mimeType],
        [producer.id, make().kind, type, mimeType],
      );
      // One stream arrives, whatever the number of layers.
      assert.equal(consumer.rtpParameters.encodings.length, 1);
      assert.deepEqual(await service.call('POST', `${receiver.path}/consumers/${consumer.id}/resume`, {}), {});
    });
  }
});

test('a peer produces sound and pictures by one transport', async () => {
  const alice = await Peer.join(service);
  const transport = await alice.transport('send');
  const ids = [];
  for (const what of [opus('0'), vp8Simulcast('1'), vp9Svc('2'), h264('3')]) {
    ids.push((await alice.produce(transport, what)).id);
  }
  assert.equal(new Set(ids).size, 4);
});

test('capabilities that came with the peer serve where consume brings none', async () => {
  const { sender, producer } = await pair(service, opus());
  const rtpCapabilities = await sender.capabilities();
  const bob = await Peer.join(service, sender.room, 'bob', { rtpCapabilities });
  const transport = await bob.transport('recv');
  const path = `${bob.path}/transports/${transport.id}/consume?producerId=${producer.id}`;
  assert.ok((await service.call('POST', path, {})).id);
});

test('without any capabilities nothing can be consumed', async () => {
  const { receiver, producer } = await pair(service, opus());
  const path = `${receiver.path}/transports/${receiver.receiving.id}/consume?producerId=${producer.id}`;
  await assertRefused(service, ['POST', path, {}], 400, 'INVALID_INPUT', /^rtpCapabilities: is required/);
});

test('a consumer that does not speak the codec is refused', async () => {
  const { receiver, producer } = await pair(service, h264());
  const capabilities = await receiver.capabilities();
  const codecs = capabilities.codecs.filter(({ mimeType }) => /opus|VP8/.test(mimeType));
  const path = `${receiver.path}/transports/${receiver.receiving.id}/consume?producerId=${producer.id}`;
  const request = ['POST', path, { rtpCapabilities: { ...capabilities, codecs } }];
  await assertRefused(service, request, 409, 'CANNOT_CONSUME');
});

test('a producer of another room cannot be consumed', async () => {
  const here = await pair(service, opus());
  const there = await pair(service, opus());
  for (const id of [there.producer.id, 'none']) {
    const path = `${here.receiver.path}/transports/${here.receiver.receiving.id}/consume?producerId=${id}`;
    const rtpCapabilities = await here.receiver.capabilities();
    await assertRefused(service, ['POST', path, { rtpCapabilities }], 404, 'PRODUCER_NOT_FOUND');
  }
});

test('transports have a direction', async () => {
  const { sender, receiver, producer } = await pair(service, opus());
  const rtpCapabilities = await sender.capabilities();
  await assertRefused(
    service, ['POST', `${receiver.path}/transports/${receiver.receiving.id}/producers`, opus()],
    400, 'INVALID_INPUT', /^transportId: .* to receive with$/,
  );
  await assertRefused(
    service,
    ['POST', `${sender.path}/transports/${sender.sending.id}/consume?producerId=${producer.id}`, { rtpCapabilities }],
    400, 'INVALID_INPUT', /^transportId: .* to send with$/,
  );
});

test('a stream cannot be produced twice by one transport', async () => {
  const { sender } = await pair(service, opus());
  const again = ['POST', `${sender.path}/transports/${sender.sending.id}/producers`, opus()];
  await assertRefused(service, again, 409, 'MEDIA_CONFLICT', /mid/);
});

test('codecs are of the kind that is produced, and ones that the room speaks', async () => {
  const alice = await Peer.join(service);
  const transport = await alice.transport('send');
  const path = `${alice.path}/transports/${transport.id}/producers`;
  const asVideo = { ...opus(), kind: 'video' };
  const field = /^rtpParameters\.codecs\[0\]\.mimeType: .*video/;
  await assertRefused(service, ['POST', path, asVideo], 400, 'INVALID_INPUT', field);
  const unknown = vp8Simulcast();
  unknown.rtpParameters.codecs = [{ mimeType: 'video/AV1', payloadType: 45, clockRate: 90000 }];
  await assertRefused(service, ['POST', path, unknown], 400, 'INVALID_INPUT', /^rtpParameters: .*AV1/);
});

test('a producer can be paused, resumed and closed, by its owner alone', async () => {
  const { sender, receiver, producer } = await pair(service, vp8Simulcast());
  const at = (peer, action = '') => `${peer.path}/producers/${producer.id}${action}`;
  for (const action of ['/pause', '/pause', '/resume', '/resume']) {
    assert.deepEqual(await service.call('POST', at(sender, action), {}), {});
  }
  const refusedTo = async (peer) => {
    for (const request of [['POST', at(peer, '/pause'), {}], ['POST', at(peer, '/resume'), {}], ['DELETE', at(peer)]]) {
      await assertRefused(service, request, 404, 'PRODUCER_NOT_FOUND');
    }
  };
  await refusedTo(receiver);
  assert.deepEqual(await service.call('DELETE', at(sender)), {});
  await refusedTo(sender);
  // Its streams are free again.
  assert.ok(await sender.produce(sender.sending, vp8Simulcast()));
});

test('a consumer closes with its producer, at once', async () => {
  const { sender, receiver, producer } = await pair(service, opus());
  const consumer = await receiver.consume(receiver.receiving, producer);
  await service.call('DELETE', `${sender.path}/producers/${producer.id}`);
  await assertRefused(service, ['POST', `${receiver.path}/consumers/${consumer.id}/resume`, {}], 404, 'CONSUMER_NOT_FOUND');
});

test('a consumer closes when the peer that produces leaves', async () => {
  const { sender, receiver, producer } = await pair(service, opus());
  const consumer = await receiver.consume(receiver.receiving, producer);
  await sender.leave();
  await assertRefused(service, ['POST', `${receiver.path}/consumers/${consumer.id}/resume`, {}], 404, 'CONSUMER_NOT_FOUND');
});

test('a consumer is resumed by its owner alone', async () => {
  const { sender, receiver, producer } = await pair(service, opus());
  const consumer = await receiver.consume(receiver.receiving, producer);
  await assertRefused(service, ['POST', `${sender.path}/consumers/${consumer.id}/resume`, {}], 404, 'CONSUMER_NOT_FOUND');
});

test('peers that consume while producers close get an answer each, and no leftovers', async () => {
  const alice = await Peer.join(service, freshRoom(), 'alice');
  const bob = await Peer.join(service, alice.room, 'bob');
  const [sending, receiving] = await Promise.all([alice.transport('send'), bob.transport('recv')]);
  const rtpCapabilities = await alice.capabilities();
  for (let round = 0; round < 10; round += 1) {
    const producer = await alice.produce(sending, opus());
    const path = `${bob.path}/transports/${receiving.id}/consume?producerId=${producer.id}`;
    const consuming = Array.from({ length: 5 }, () => service.request('POST', path, { rtpCapabilities }));
    await service.call('DELETE', `${alice.path}/producers/${producer.id}`);
    for (const { status, body } of await Promise.all(consuming)) {
      assert.ok([200, 404].includes(status), JSON.stringify(body));
      if (status === 200) {
        const resume = ['POST', `${bob.path}/consumers/${body.id}/resume`, {}];
        await assertRefused(service, resume, 404, 'CONSUMER_NOT_FOUND');
      }
    }
  }
});
