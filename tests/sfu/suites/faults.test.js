import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { party, settle } from '../../clients/lib/rooms.js';
import { until } from '../../clients/lib/wait.js';
import { MediaProcess } from '../lib/media-process.js';
import { CLIENT_DTLS, ROUTER_CAPABILITIES, rtpParameters } from '../lib/parameters.js';
import { RawPeer } from '../lib/raw-peer.js';
import { modesSeenBy, openTransport, publish, subscribe, UNAVAILABLE } from '../lib/session.js';
import { mediaAvailable, mediaHealth, mediaMissed, Stage } from '../lib/stage.js';

/** What a media service does in the place of what it should, and what undoes it. */
const FAULTS = {
  'refuses connections': [(stub) => stub.close(), (stub) => stub.open()],
  'cuts connections': [(stub) => stub.fail('reset', { routes: ['*'] })],
  'accepts and never answers': [(stub) => stub.fail('hang', { routes: ['*'] })],
  'never answers, but is healthy': [(stub) => stub.fail('hang')],
  'answers a byte now and then': [(stub) => stub.fail('drip')],
  'answers too late': [(stub) => stub.fail('slow', { ms: 6_000 })],
  'answers 500': [(stub) => stub.fail('status', { status: 500 })],
  'answers 503 to everything': [(stub) => stub.fail('status', { status: 503, routes: ['*'], body: '' })],
  'answers what is not JSON': [(stub) => stub.fail('garbage')],
  'answers half and cuts the connection': [(stub) => stub.fail('half')],
  'answers without end': [(stub) => stub.fail('oversized')],
  'sends elsewhere': [(stub) => stub.fail('redirect')],
};

/** One of each request that reaches the media service. */
const requestsOf = ({ transportId, producerId, spareId, recvId, consumerId, ofOther }) => [
  ['sfu_get_router_capabilities', {}],
  ['sfu_create_transport', { direction: 'recv' }],
  ['sfu_connect_transport', { transportId, dtlsParameters: CLIENT_DTLS }],
  ['sfu_produce', { transportId, kind: 'video', rtpParameters: rtpParameters('video') }],
  ['sfu_consume', { transportId: recvId, producerId: ofOther, rtpCapabilities: ROUTER_CAPABILITIES }],
  ['sfu_resume_consumer', { consumerId }],
  ['sfu_pause_producer', { producerId }],
  ['sfu_resume_producer', { producerId }],
  ['sfu_close_producer', { producerId: spareId }],
  ['sfu_restart_ice', { transportId }],
];

/** A room of four, which stays on the media service whatever happens: a raw peer, and three with a library. */
async function roomOfFour(t, { gateway, ...own }, code) {
  const raw = await RawPeer.join(t, gateway, code);
  const others = await party(t, gateway, ['bert', 'carl', 'dora'], { code });
  const { producerId: ofOther } = await publish(others[0]);
  const { id: transportId } = await raw.ok('sfu_create_transport', '{"direction":"send"}');
  const { id: recvId } = await raw.ok('sfu_create_transport', '{"direction":"recv"}');
  const track = JSON.stringify({ transportId, kind: 'audio', rtpParameters: rtpParameters('audio') });
  const [{ id: producerId }, { id: spareId }] = [await raw.ok('sfu_produce', track), await raw.ok('sfu_produce', track)];
  const { id: consumerId } = await raw.ok('sfu_consume', JSON.stringify({ transportId: recvId, producerId: ofOther, rtpCapabilities: {} }));
  return { raw, others, gateway, ...own, ids: { transportId, recvId, producerId, spareId, consumerId, ofOther } };
}

/** Chats and signals of one who waits for the media service. */
async function livesMeanwhile(raw, [bert]) {
  await raw.ok('chat_message', '{"content":"still here"}');
  await bert.event('chat_message', ({ content }) => content === 'still here');
  await raw.ok('webrtc:ice', JSON.stringify({ targetPeerId: bert.peerId, candidate: 'still here' }));
  await bert.event('webrtc:ice', ({ candidate }) => candidate === 'still here');
  await bert.ask('webrtc:ice', { targetPeerId: raw.peerId, candidate: 'heard' });
  await raw.event('webrtc:ice', (text) => text.includes('heard'));
}

/** Each request gets one answer, which is the one error; the same client is served otherwise meanwhile. */
async function assertUnavailable({ raw, others, ids }) {
  const sent = requestsOf(ids).map(([event, payload]) => raw.send(event, JSON.stringify(payload)));
  await livesMeanwhile(raw, others);
  for (const [index, id] of sent.entries()) assert.deepEqual(JSON.parse(await raw.answer(id)), UNAVAILABLE, requestsOf(ids)[index][0]);
  await raw.ok('heartbeat', '{}');
  assert.deepEqual(sent.map((id) => raw.answers(id)), sent.map(() => 1), 'each is answered once');
}

/** All is as before, with the ids from before. */
async function assertServes({ raw, others: [bert], ids }) {
  await raw.ok('sfu_restart_ice', JSON.stringify({ transportId: ids.transportId }));
  await raw.ok('sfu_pause_producer', JSON.stringify({ producerId: ids.producerId }));
  await raw.ok('sfu_resume_consumer', JSON.stringify({ consumerId: ids.consumerId }));
  await raw.ok('sfu_consume', JSON.stringify({ transportId: ids.recvId, producerId: ids.ofOther, rtpCapabilities: ROUTER_CAPABILITIES }));
  await subscribe(bert, ids.producerId);
}

/**
 * Waits until the gateway knows that the service is well, and that is its last word: what hangs, or was cut
 * a moment ago, tells it something else when it hears of it.
 */
async function recovered({ gateway, stub }) {
  await stub.idle();
  await stub.probed();
  await mediaAvailable(gateway);
}

describe('a media service that', { concurrency: 8 }, () => {
  for (const [what, [fault, undo = (stub) => stub.heal()]] of Object.entries(FAULTS)) {
    test(`${what}: each request gets one clear error, all else goes on, and it serves again when it is well`, async (t) => {
      const own = await Stage.set(t, { env: { RECONNECT_WINDOW_MS: '60000' } });
      const room = await roomOfFour(t, own, own.sfuCode());
      await fault(own.stub);
      await assertUnavailable(room);
      await assertUnavailable(room);
      await mediaHealth(own.gateway);
      assert.ok(room.others.every(({ socket }) => socket.connected) && !room.raw.socket.closed);
      await undo(own.stub);
      await recovered(own);
      await assertServes(room);
      for (const client of room.others) {
        assert.deepEqual(modesSeenBy(client), [], 'a room of four stays as it is');
        assert.deepEqual(client.recorder.all('error'), []);
      }
      assert.deepEqual(own.stub.calls('unknown'), [], 'nothing is followed anywhere');
    });
  }

  test('is slow, but not too slow, is waited for', async (t) => {
    const own = await Stage.set(t);
    const room = await roomOfFour(t, own, own.sfuCode());
    own.stub.fail('slow', { ms: 700 });
    await assertServes(room);
    assert.equal((await mediaHealth(own.gateway)).available, true);
  });

  test('comes and goes: each request gets one answer, and all else goes on', async (t) => {
    const own = await Stage.set(t);
    const room = await roomOfFour(t, own, own.sfuCode());
    own.stub.fail('flap', { routes: ['*'] });
    for (let round = 0; round < 3; round += 1) {
      const sent = requestsOf(room.ids).map(([event, payload]) => room.raw.send(event, JSON.stringify(payload)));
      await livesMeanwhile(room.raw, room.others);
      for (const id of sent) {
        const answer = JSON.parse(await room.raw.answer(id));
        // What was done although its answer was lost is refused when it is asked for again.
        assert.ok(answer.status === 'ok' || ['MEDIA_UNAVAILABLE', 'MEDIA_REJECTED', 'FORBIDDEN'].includes(answer.code), JSON.stringify(answer));
      }
      await own.stub.probed(2);
      assert.deepEqual(sent.map((id) => room.raw.answers(id)), sent.map(() => 1), 'each is answered once');
    }
    own.stub.heal();
    await recovered(own);
    await assertServes(room);
    await settle(room.others[0], ...room.others);
    for (const client of room.others) assert.deepEqual(modesSeenBy(client), []);
  });

  test('is a process that freezes, and thaws', async (t) => {
    const media = await MediaProcess.start(t);
    const own = await Stage.set(t, { env: { MEDIA_SERVICE_URL: media.url } });
    const room = await roomOfFour(t, own, own.sfuCode());
    media.freeze();
    await assertUnavailable(room);
    await mediaMissed(own.gateway);
    await assertUnavailable(room);
    media.thaw();
    await mediaAvailable(own.gateway);
    await assertServes(room);
    await settle(room.others[0], ...room.others);
    for (const client of room.others) assert.deepEqual(modesSeenBy(client), []);
  });

  test('is a process that is killed', async (t) => {
    const media = await MediaProcess.start(t);
    const own = await Stage.set(t, { env: { MEDIA_SERVICE_URL: media.url } });
    const room = await roomOfFour(t, own, own.sfuCode());
    await media.kill();
    await assertUnavailable(room);
    await mediaMissed(own.gateway);
    await assertUnavailable(room);
  });

  test('ends connections after each answer, as it may', async (t) => {
    const own = await Stage.set(t);
    const [anna] = await own.party(t, ['anna']);
    const { transportId } = await publish(anna);
    own.stub.fail('farewell', { routes: ['*'] });
    for (let n = 0; n < 50; n += 1) {
      const answer = await anna.ask('sfu_restart_ice', { transportId });
      assert.equal(answer.status, 'ok', `${n}: ${JSON.stringify(answer)}`);
    }
    assert.deepEqual(modesSeenBy(anna), []);
  });
});

describe('an answer that is lost', { concurrency: 4 }, () => {
  for (const kind of ['half', 'oversized', 'drip']) {
    test(`to the making of a broadcaster (${kind}) does not bar the peer, and leaves nothing behind`, async (t) => {
      const own = await Stage.set(t);
      const [anna, bert] = await own.party(t, ['anna', 'bert', 'carl', 'dora']);
      own.stub.fail(kind, { routes: ['createBroadcaster'] });
      assert.deepEqual(await anna.ask('sfu_create_transport', { direction: 'send' }), UNAVAILABLE);
      own.stub.heal();
      await mediaAvailable(own.gateway);
      await openTransport(anna, 'send');
      anna.close();
      await bert.event('peer:left');
      await until(() => !own.stub.knows(anna.peerId), 'its broadcaster is deleted');
    });
  }

  test('to the making of a broadcaster is no reason to leave it behind, even if nothing else is asked', async (t) => {
    const own = await Stage.set(t);
    const [anna, bert] = await own.party(t, ['anna', 'bert']);
    own.stub.fail('half', { routes: ['createBroadcaster'] });
    await anna.ask('sfu_create_transport', { direction: 'send' });
    own.stub.heal();
    await mediaAvailable(own.gateway);
    assert.ok(own.stub.knows(anna.peerId), 'it was made');
    anna.close();
    await bert.event('peer:left');
    await until(() => !own.stub.knows(anna.peerId), 'its broadcaster is deleted');
  });

  test('to the closing of a producer: it may be closed again', async (t) => {
    const own = await Stage.set(t);
    const [anna, bert] = await own.party(t, ['anna', 'bert']);
    const { producerId } = await publish(anna);
    own.stub.fail('half', { routes: ['closeProducer'] });
    assert.deepEqual(await anna.ask('sfu_close_producer', { producerId }), UNAVAILABLE);
    own.stub.heal();
    await mediaAvailable(own.gateway);
    assert.equal((await anna.ask('sfu_close_producer', { producerId })).status, 'ok');
    await bert.event('sfu_producer_closed');
    await settle(bert, bert);
    assert.equal(bert.recorder.all('sfu_producer_closed').length, 1);
  });
});
