import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { assertRefused, settle } from '../../clients/lib/rooms.js';
import { until } from '../../clients/lib/wait.js';
import { MediaService } from '../lib/media-service.js';
import { CLIENT_DTLS, ROUTER_CAPABILITIES, rtpParameters, SCTP_CAPABILITIES } from '../lib/parameters.js';
import { modesSeenBy, ok, openTransport, produce, producersSeenBy, publish, subscribe } from '../lib/session.js';
import { forTheSuite, mediaAvailable, mediaMissed, Stage } from '../lib/stage.js';

/** A gateway before the real Media Service. */
async function real(t, env = {}) {
  const service = await MediaService.start(t, env);
  const stage = await Stage.set(t, { media: 0, env: { MEDIA_SERVICE_URL: service.url } });
  await mediaAvailable(stage.gateway);
  return Object.assign(stage, { service });
}

const suite = forTheSuite();
const stage = await real(suite);
const { service } = stage;

/** The worker processes of a Media Service. */
const workersOf = ({ child: { pid } }) =>
  readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').map(Number);

describe('the real media service', { concurrency: 4 }, () => {
  test('has all that a session needs, in the shapes that mediasoup-client takes', async (t) => {
    const [anna, bert] = await stage.party(t, ['anna', 'bert']);
    const { rtpCapabilities } = await ok(anna, 'sfu_get_router_capabilities');
    assert.ok(rtpCapabilities.codecs.some(({ mimeType }) => mimeType === 'audio/opus'));
    const { status, ...transport } = await anna.ask('sfu_create_transport', { direction: 'send', sctpCapabilities: SCTP_CAPABILITIES });
    assert.equal(status, 'ok');
    assert.deepEqual(Object.keys(transport).sort(), ['dtlsParameters', 'iceCandidates', 'iceParameters', 'id', 'sctpParameters']);
    assert.ok(transport.iceCandidates.length > 0 && transport.dtlsParameters.fingerprints.length > 0);
    await ok(anna, 'sfu_connect_transport', { transportId: transport.id, dtlsParameters: CLIENT_DTLS });
    const { iceParameters } = await ok(anna, 'sfu_restart_ice', { transportId: transport.id });
    assert.notEqual(iceParameters.usernameFragment, transport.iceParameters.usernameFragment);
    const producers = [await produce(anna, transport.id, 'audio'), await produce(anna, transport.id, 'video', { source: 'camera' })];
    const recvId = await openTransport(bert, 'recv');
    for (const producerId of producers) {
      const consumed = await ok(bert, 'sfu_consume', { transportId: recvId, producerId, rtpCapabilities });
      assert.equal(consumed.producerId, producerId);
      assert.ok(['audio', 'video'].includes(consumed.kind) && consumed.rtpParameters.encodings[0].ssrc > 0);
      await ok(bert, 'sfu_resume_consumer', { consumerId: consumed.id });
    }
    for (const event of ['sfu_pause_producer', 'sfu_resume_producer', 'sfu_close_producer']) await ok(anna, event, { producerId: producers[0] });
    assert.deepEqual((await producersSeenBy(bert)).map(({ producerId }) => producerId), [producers[1]]);
  });

  test('refuses in words that reach the client', async (t) => {
    const [anna, bert] = await stage.party(t, ['anna', 'bert']);
    const transportId = await openTransport(anna, 'send');
    assertRefused(await anna.ask('sfu_connect_transport', { transportId, dtlsParameters: CLIENT_DTLS }), 'MEDIA_REJECTED', /connected/i);
    assertRefused(await anna.ask('sfu_produce', { transportId, kind: 'video', rtpParameters: { codecs: 'none' } }), 'MEDIA_REJECTED', /codecs/);
    const h266 = rtpParameters('video');
    h266.codecs[0].mimeType = 'video/H266';
    assertRefused(await anna.ask('sfu_produce', { transportId, kind: 'video', rtpParameters: h266 }), 'MEDIA_REJECTED');
    const producerId = await produce(anna, transportId, 'video');
    const recvId = await openTransport(bert, 'recv');
    const audioOnly = { ...ROUTER_CAPABILITIES, codecs: ROUTER_CAPABILITIES.codecs.filter(({ kind }) => kind === 'audio') };
    assertRefused(await bert.ask('sfu_consume', { transportId: recvId, producerId, rtpCapabilities: audioOnly }), 'MEDIA_REJECTED');
    await subscribe(bert, producerId);
  });

  test('has no room any more when all have left, in whichever way', async (t) => {
    const code = stage.sfuCode({ id: `a-room-of-its-own-${process.pid}` });
    const [anna, bert, carl] = await stage.party(t, ['anna', 'bert', 'carl'], { code });
    for (const client of [anna, bert, carl]) await publish(client, 'audio', 'video');
    const path = `/rooms/${encodeURIComponent(`a-room-of-its-own-${process.pid}`)}`;
    assert.equal((await service.get(path)).status, 200);
    await ok(anna, 'peer:kick', { targetPeerId: bert.peerId });
    await ok(anna, 'leave:room');
    carl.close();
    await until(async () => (await service.get(path)).status === 404, 'the room is gone');
  });
});

describe('a real media service that', { concurrency: 2 }, () => {
  test('loses its worker: a room of four can begin anew', async (t) => {
    const own = await real(t);
    const clients = await own.party(t, ['anna', 'bert', 'carl', 'dora']);
    const { transportId } = await publish(clients[0], 'audio', 'video');
    const [worker] = workersOf(own.service);
    process.kill(worker, 'SIGKILL');
    await until(() => !workersOf(own.service).includes(worker), 'the worker is gone');
    const answer = await clients[0].ask('sfu_restart_ice', { transportId });
    assert.equal(answer.status, 'error');
    await until(async () => (await clients[0].ask('sfu_create_transport', { direction: 'send' })).status === 'ok', 'transports can be made');
    const { producerId } = await publish(clients[1]);
    await subscribe(clients[2], producerId);
    await settle(clients[0], ...clients);
    assert.ok(clients.every(({ socket }) => socket.connected));
  });

  test('is stopped: a room of three goes back to p2p before it has ended', async (t) => {
    const own = await real(t, { SHUTDOWN_GRACE_MS: '10000' });
    const clients = await own.party(t, ['anna', 'bert', 'carl']);
    await publish(clients[0]);
    own.service.signal('SIGTERM');
    for (const client of clients) await client.event('room:mode', ({ reason }) => reason === 'media-unavailable');
    await mediaMissed(own.gateway);
    await settle(clients[0], ...clients);
    for (const client of clients) assert.deepEqual(modesSeenBy(client), [{ mode: 'p2p', reason: 'media-unavailable' }]);
  });
});
