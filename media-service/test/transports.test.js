import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { Peer } from './lib/peer.js';
import { assertRefused } from './lib/refused.js';
import { DTLS, opus, SCTP } from './lib/rtp.js';
import { Service } from './lib/service.js';

const service = await Service.start();
after(() => service.stop());

test('a transport has ICE candidates for UDP and TCP, and certificates', async () => {
  const alice = await Peer.join(service);
  for (const direction of ['send', 'recv']) {
    const transport = await alice.transport(direction);
    assert.deepEqual(Object.keys(transport).sort(), ['dtlsParameters', 'iceCandidates', 'iceParameters', 'id']);
    assert.ok(transport.iceParameters.usernameFragment && transport.iceParameters.password);
    assert.deepEqual(transport.iceCandidates.map(({ protocol }) => protocol), ['udp', 'tcp']);
    for (const candidate of transport.iceCandidates) {
      // Clients of all ages find the address.
      assert.deepEqual([candidate.ip, candidate.address], ['127.0.0.1', '127.0.0.1']);
      assert.ok(candidate.port >= 40_000 && candidate.port <= 49_999, `${candidate.port}`);
    }
    assert.equal(transport.dtlsParameters.role, 'auto');
    assert.ok(transport.dtlsParameters.fingerprints.some(({ algorithm }) => algorithm === 'sha-256'));
  }
});

test('SCTP is there when it is asked for', async () => {
  const alice = await Peer.join(service);
  const { sctpParameters } = await alice.transport('send', { sctpCapabilities: SCTP });
  const { port, OS, MIS, maxMessageSize } = sctpParameters;
  assert.deepEqual({ port, OS, MIS }, { port: 5000, OS: 1024, MIS: 1024 });
  assert.ok(maxMessageSize > 0);
  assert.ok((await alice.transport('recv', { sctpCapabilities: {} })).sctpParameters);
});

test('a transport connects once', async () => {
  const alice = await Peer.join(service);
  const transport = await alice.transport('send');
  assert.deepEqual(await alice.connect(transport), {});
  const again = ['POST', `${alice.path}/transports/${transport.id}/connect`, { dtlsParameters: DTLS }];
  await assertRefused(service, again, 409, 'TRANSPORT_CONNECTED');
});

test('of two that connect a transport at the same moment one is refused', async () => {
  const alice = await Peer.join(service);
  const transport = await alice.transport('send');
  const path = `${alice.path}/transports/${transport.id}/connect`;
  const answers = await Promise.all([1, 2].map(() => service.request('POST', path, { dtlsParameters: DTLS })));
  assert.deepEqual(answers.map(({ status }) => status).sort(), [200, 409]);
});

test('a connect that is refused can be tried again', async () => {
  const alice = await Peer.join(service);
  const transport = await alice.transport('send');
  const path = `${alice.path}/transports/${transport.id}/connect`;
  await assertRefused(service, ['POST', path, { dtlsParameters: { ...DTLS, fingerprints: [] } }], 400, 'INVALID_INPUT');
  assert.deepEqual(await alice.connect(transport), {});
});

test('restarting ICE gives new parameters each time, before and after connecting', async () => {
  const alice = await Peer.join(service);
  const transport = await alice.transport('send');
  const seen = [transport.iceParameters];
  const restart = () => service.call('POST', `${alice.path}/transports/${transport.id}/restart-ice`, {});
  seen.push((await restart()).iceParameters);
  await alice.connect(transport);
  seen.push((await restart()).iceParameters);
  for (const field of ['usernameFragment', 'password']) {
    assert.equal(new Set(seen.map((parameters) => parameters[field])).size, 3, field);
  }
});

describe('a transport that is not there', () => {
  const routes = {
    connect: { dtlsParameters: DTLS },
    'restart-ice': {},
    producers: opus(),
    'consume?producerId=p': {},
  };
  for (const [route, body] of Object.entries(routes)) {
    test(`cannot ${route.replace(/\?.*/, '')}`, async () => {
      const alice = await Peer.join(service);
      const bob = await Peer.join(service, alice.room);
      const hers = await alice.transport('send');
      const at = (room, peer) => ['POST', `${room}/broadcasters/${peer}/transports/${hers.id}/${route}`, body];
      await assertRefused(service, at('/rooms/none', alice.id), 404, 'ROOM_NOT_FOUND');
      await assertRefused(service, at(alice.roomPath, 'none'), 404, 'PEER_NOT_FOUND');
      for (const id of ['none', hers.id]) {
        await assertRefused(service, ['POST', `${bob.path}/transports/${id}/${route}`, body], 404, 'TRANSPORT_NOT_FOUND');
      }
    });
  }
});
