import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { kindName, MSGPACK_KINDS, PLAIN_KINDS } from '../../clients/lib/client.js';
import { assertRefused, join, sawSince, settle } from '../../clients/lib/rooms.js';
import {
  CLIENT_DTLS, DTLS_PARAMETERS, ICE_CANDIDATES, ICE_PARAMETERS, ROUTER_CAPABILITIES, rtpParameters, SCTP_CAPABILITIES, SCTP_PARAMETERS,
} from '../lib/parameters.js';
import { openTransport, producersSeenBy, produce, publish, subscribe, ok } from '../lib/session.js';
import { forTheSuite, Stage } from '../lib/stage.js';

const suite = forTheSuite();
const stage = await Stage.set(suite);
const binary = await Stage.set(suite, { env: { SOCKET_PARSER: 'msgpack' } });

const NEW_TRANSPORT = { iceParameters: ICE_PARAMETERS, iceCandidates: ICE_CANDIDATES, dtlsParameters: DTLS_PARAMETERS };

/** What was asked for a peer on a route, bodies parsed. */
const bodies = (stub, route, { peerId }) =>
  stub.calls(route, ({ params }) => params.peerId === peerId).map(({ body }) => JSON.parse(body));

const last = (list) => list.at(-1);

/** A whole session of two, each answer and each call checked to the last field. */
async function wholeSession({ stub }, anna, bert) {
  assert.deepEqual(await anna.ask('sfu_get_router_capabilities'), { status: 'ok', rtpCapabilities: ROUTER_CAPABILITIES });

  const { id: sendId, ...sending } = await anna.ask('sfu_create_transport', { direction: 'send', sctpCapabilities: SCTP_CAPABILITIES });
  assert.deepEqual(sending, { status: 'ok', ...NEW_TRANSPORT, sctpParameters: SCTP_PARAMETERS });
  assert.deepEqual(last(bodies(stub, 'createTransport', anna)), { type: 'webrtc', direction: 'send', sctpCapabilities: SCTP_CAPABILITIES });
  const { id: recvId, ...receiving } = await bert.ask('sfu_create_transport', { direction: 'recv' });
  assert.deepEqual(receiving, { status: 'ok', ...NEW_TRANSPORT });
  assert.deepEqual(last(bodies(stub, 'createTransport', bert)), { type: 'webrtc', direction: 'recv' });

  assert.deepEqual(await anna.ask('sfu_connect_transport', { transportId: sendId, dtlsParameters: CLIENT_DTLS }), { status: 'ok' });
  assert.deepEqual(last(bodies(stub, 'connectTransport', anna)), { dtlsParameters: CLIENT_DTLS });

  const track = { kind: 'video', rtpParameters: rtpParameters('video'), appData: { source: 'camera', label: 'Ännas Kamera 📷' } };
  const { id: producerId, ...produced } = await anna.ask('sfu_produce', { transportId: sendId, ...track });
  assert.deepEqual(produced, { status: 'ok' });
  assert.deepEqual(last(bodies(stub, 'produce', anna)), track);
  assert.deepEqual(await bert.event('sfu_new_producer'), { producerId, peerId: anna.peerId, kind: 'video', appData: track.appData });

  const { id: consumerId, ...consumed } = await bert.ask('sfu_consume', { transportId: recvId, producerId, rtpCapabilities: ROUTER_CAPABILITIES });
  assert.deepEqual(consumed, { status: 'ok', producerId, kind: 'video', rtpParameters: track.rtpParameters, type: 'simple' });
  assert.deepEqual(last(bodies(stub, 'consume', bert)), { rtpCapabilities: ROUTER_CAPABILITIES });
  assert.equal(last(stub.calls('consume', ({ params }) => params.transportId === recvId)).query.get('producerId'), producerId);

  for (const [client, event, ids] of [
    [bert, 'sfu_resume_consumer', { consumerId }], [anna, 'sfu_pause_producer', { producerId }],
    [anna, 'sfu_resume_producer', { producerId }], [anna, 'sfu_close_producer', { producerId }],
  ]) assert.deepEqual(await client.ask(event, ids), { status: 'ok' }, event);
  const { iceParameters, ...restarted } = await anna.ask('sfu_restart_ice', { transportId: sendId });
  assert.deepEqual(restarted, { status: 'ok' });
  assert.equal(iceParameters.password, ICE_PARAMETERS.password);
  assert.deepEqual(await bert.event('sfu_producer_closed'), { producerId, peerId: anna.peerId });
  assert.deepEqual(await bert.ask('sfu_get_producers'), { status: 'ok', producers: [] });
}

describe('a whole session, whatever the client and its way', { concurrency: 4 }, () => {
  for (const kind of [...PLAIN_KINDS, ...MSGPACK_KINDS]) {
    test(kindName(kind), async (t) => {
      const own = kind.parser ? binary : stage;
      const [anna, bert] = await own.party(t, ['anna', 'bert'], { kind });
      await wholeSession(own, anna, bert);
      await settle(anna, anna, bert);
      assert.deepEqual(anna.recorder.all('sfu_new_producer'), [], 'nobody is told of their own');
      assert.deepEqual(anna.recorder.all('sfu_producer_closed'), []);
      for (const event of ['sfu_new_producer', 'sfu_producer_closed']) assert.equal(bert.recorder.all(event).length, 1, event);
      for (const client of [anna, bert]) assert.deepEqual(client.recorder.all('error'), []);
    });
  }
});

describe('without an acknowledgement', { concurrency: 4 }, () => {
  test('things are done, and nothing is said to who asked', async (t) => {
    const [anna, bert] = await stage.party(t, ['anna', 'bert']);
    const { transportId, producerId } = await publish(anna);
    const mark = anna.mark();
    anna.send('sfu_get_router_capabilities');
    anna.send('sfu_create_transport', { direction: 'recv' });
    anna.send('sfu_produce', { transportId, kind: 'video', rtpParameters: rtpParameters('video') });
    anna.send('sfu_restart_ice', { transportId });
    anna.send('sfu_pause_producer', { producerId });
    await bert.event('sfu_new_producer', ({ kind }) => kind === 'video');
    await ok(anna, 'sfu_resume_producer', { producerId });
    await settle(bert, anna);
    assert.deepEqual(sawSince(anna, mark), []);
    assert.equal(stage.stub.calls('pauseProducer', ({ params }) => params.producerId === producerId).length, 1);
  });

  test('an error comes as one event that names what was sent', async (t) => {
    const [anna] = await stage.party(t, ['anna']);
    anna.send('sfu_connect_transport', { transportId: 'of nobody', dtlsParameters: CLIENT_DTLS });
    const { message, ...error } = await anna.event('error');
    assert.deepEqual(error, { code: 'FORBIDDEN', event: 'sfu_connect_transport', retryable: false });
    assert.equal(typeof message, 'string');
    anna.send('sfu_consume', { transportId: 7 });
    const invalid = await anna.event('error', ({ event }) => event === 'sfu_consume');
    assert.equal(invalid.code, 'INVALID_PAYLOAD');
    await settle(anna, anna);
    assert.equal(anna.recorder.all('error').length, 2);
  });
});

describe('who asks for capabilities and producers', { concurrency: 4 }, () => {
  for (const [name, args] of [['with nothing', []], ['with an empty object', [{}]]]) {
    test(`may do so ${name}`, async (t) => {
      const [anna] = await stage.party(t, ['anna']);
      assert.deepEqual((await ok(anna, 'sfu_get_router_capabilities', ...args)).rtpCapabilities, ROUTER_CAPABILITIES);
      assert.deepEqual((await ok(anna, 'sfu_get_producers', ...args)).producers, []);
    });
  }
});

describe('producers of the others', { concurrency: 4 }, () => {
  test('are listed for who comes later, and for who asks; nobody sees their own', async (t) => {
    const code = stage.sfuCode();
    const [anna, bert] = await stage.party(t, ['anna', 'bert'], { code });
    const sending = await openTransport(anna, 'send');
    const appData = { source: 'mic', nested: { z: 1, a: [null, true] } };
    const audio = await produce(anna, sending, 'audio', appData);
    const video = await produce(anna, sending, 'video', { source: 'camera' });
    const { producerId: other } = await publish(bert, 'audio');
    await ok(anna, 'sfu_pause_producer', { producerId: video });
    const ofAnna = [
      { producerId: audio, peerId: anna.peerId, kind: 'audio', appData, paused: false },
      { producerId: video, peerId: anna.peerId, kind: 'video', appData: { source: 'camera' }, paused: true },
    ];
    const ofBert = { producerId: other, peerId: bert.peerId, kind: 'audio', appData: {}, paused: false };
    const [late] = await stage.party(t, ['late'], { code });
    const joined = await late.event('room:joined');
    assert.equal(joined.mode, 'sfu');
    const byId = (list) => [...list].sort((a, b) => (a.producerId < b.producerId ? -1 : 1));
    assert.deepEqual(byId(joined.producers), byId([...ofAnna, ofBert]));
    assert.deepEqual(byId(await producersSeenBy(late)), byId([...ofAnna, ofBert]));
    assert.deepEqual(byId(await producersSeenBy(bert)), byId(ofAnna));
    assert.deepEqual(await producersSeenBy(anna), [ofBert]);
    assert.deepEqual(late.recorder.all('sfu_new_producer'), [], 'what is in the list is not announced again');
  });

  test('are not on the list any more once closed, and not paused once resumed', async (t) => {
    const code = stage.sfuCode();
    const [anna] = await stage.party(t, ['anna'], { code });
    const { producerIds: [first, second] } = await publish(anna, 'audio', 'video');
    await ok(anna, 'sfu_pause_producer', { producerId: second });
    await ok(anna, 'sfu_resume_producer', { producerId: second });
    await ok(anna, 'sfu_close_producer', { producerId: first });
    const [late] = await stage.party(t, ['late'], { code });
    const { producers } = await late.event('room:joined');
    assert.deepEqual(producers.map(({ producerId, paused }) => [producerId, paused]), [[second, false]]);
    assert.equal((await join(late, code)).mode, 'sfu');
    assert.deepEqual((await join(late, code)).producers.map(({ producerId }) => producerId), [second]);
  });

  test('that are closed take their consumers with them', async (t) => {
    const [anna, bert] = await stage.party(t, ['anna', 'bert']);
    const { producerIds: [first, second] } = await publish(anna, 'audio', 'video');
    const { consumerIds: [gone, left] } = await subscribe(bert, first, second);
    await ok(anna, 'sfu_close_producer', { producerId: first });
    await bert.event('sfu_producer_closed');
    assertRefused(await bert.ask('sfu_resume_consumer', { consumerId: gone }), 'FORBIDDEN');
    await ok(bert, 'sfu_resume_consumer', { consumerId: left });
  });

  test('may be consumed by many, each with a consumer of their own', async (t) => {
    const [anna, ...others] = await stage.party(t, ['anna', 'bert', 'carl', 'dora']);
    const { producerIds } = await publish(anna, 'audio', 'video');
    const all = await Promise.all(others.map((other) => subscribe(other, ...producerIds)));
    const ids = all.flatMap(({ consumerIds }) => consumerIds);
    assert.equal(new Set(ids).size, 6);
  });
});

describe('a room without a media service', { concurrency: 4 }, () => {
  test('has no list of producers', async (t) => {
    const [anna] = await stage.party(t, ['anna'], { code: stage.p2pCode() });
    const joined = await anna.event('room:joined');
    assert.equal(joined.mode, 'p2p');
    assert.ok(!('producers' in joined));
  });
});

describe('each request to the media service', { concurrency: 4 }, () => {
  test('says what it is: JSON, an id of its own, a trace; and nothing of who is behind it', async (t) => {
    const own = await Stage.set(t);
    const [anna, bert] = await own.party(t, ['anna', 'bert']);
    const { producerId } = await publish(anna);
    await subscribe(bert, producerId);
    await ok(anna, 'leave:room');
    await own.stub.called('deleteBroadcaster');
    const { work } = own.stub;
    assert.ok(work.length >= 8, `${work.length}`);
    for (const { route, headers, body } of work) {
      if (body) assert.match(headers['content-type'], /^application\/json/, route);
      assert.match(headers['x-request-id'] ?? '', /^[\w-]{8,}$/, route);
      assert.match(headers.traceparent ?? '', /^00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$/, route);
      assert.equal(headers.cookie ?? headers.authorization, undefined, route);
    }
    for (const header of ['x-request-id', 'traceparent']) {
      assert.equal(new Set(work.map(({ headers }) => headers[header])).size, work.length, `each has a ${header} of its own`);
    }
  });

  test('names the room by the id that the Room Service gave, and the peer', async (t) => {
    const code = stage.sfuCode({ id: 'Room7(ümlaut)?#%2f' });
    const [anna] = await stage.party(t, ['anna'], { code });
    assert.equal((await anna.event('room:joined')).roomId, 'Room7(ümlaut)?#%2f');
    await ok(anna, 'sfu_get_router_capabilities');
    await openTransport(anna, 'send');
    const [{ params, url }] = stage.stub.calls('createTransport', ({ params: { peerId } }) => peerId === anna.peerId);
    assert.equal(params.roomId, 'Room7(ümlaut)?#%2f');
    assert.match(url, /^[!-~]+$/, 'the path is escaped');
    assert.equal(stage.stub.calls('capabilities', ({ params: { roomId } }) => roomId === 'Room7(ümlaut)?#%2f').length, 1);
  });

  test('makes a broadcaster no more than once for each peer', async (t) => {
    const [anna] = await stage.party(t, ['anna']);
    await Promise.all([
      ...Array.from({ length: 5 }, () => ok(anna, 'sfu_create_transport', { direction: 'send' })),
      ...Array.from({ length: 5 }, () => ok(anna, 'sfu_get_router_capabilities')),
    ]);
    const made = stage.stub.calls('createBroadcaster', ({ body }) => JSON.parse(body).id === anna.peerId);
    assert.equal(made.length, 1);
  });
});

describe('what the media service refuses', { concurrency: 4 }, () => {
  const refusal = (status, body) => async (t) => {
    const own = await Stage.set(t);
    const [anna] = await own.party(t, ['anna']);
    const { transportId } = await publish(anna);
    own.stub.fail('status', { status, body });
    return anna.ask('sfu_produce', { transportId, kind: 'video', rtpParameters: rtpParameters('video') });
  };
  const long = 'wörter 📷 '.repeat(100);

  for (const status of [400, 404, 409, 413, 422]) {
    test(`with ${status} is MEDIA_REJECTED, in its own words`, async (t) => {
      const answer = await refusal(status, '{"code":"no","message":"unsupported codec \\"video/H266\\""}')(t);
      assert.deepEqual(answer, { status: 'error', code: 'MEDIA_REJECTED', message: 'unsupported codec "video/H266"', retryable: false });
    });
  }

  test('in too many words is cut to 200 characters', async (t) => {
    const answer = await refusal(400, JSON.stringify({ code: 'no', message: long }))(t);
    assertRefused(answer, 'MEDIA_REJECTED');
    assert.ok([...answer.message].length <= 200, answer.message);
    assert.ok(answer.message.startsWith([...long].slice(0, 190).join('')), answer.message);
  });

  for (const [name, body] of [['nothing', ''], ['HTML', '<html>nginx</html>'], ['a message that is no text', '{"message":{"a":1}}'], ['an array', '[]']]) {
    test(`with ${name} for a reason is MEDIA_REJECTED all the same`, async (t) => {
      const answer = await refusal(400, body)(t);
      assertRefused(answer, 'MEDIA_REJECTED');
      assert.ok(!/[<{]/.test(answer.message), answer.message);
    });
  }

  test('is as if it had not been asked: nothing is announced, the same may be tried again', async (t) => {
    const own = await Stage.set(t);
    const [anna, bert] = await own.party(t, ['anna', 'bert']);
    const transportId = await openTransport(anna, 'send');
    own.stub.fail('status', { status: 400, body: '{}', routes: ['produce', 'createTransport'] });
    const mark = bert.mark();
    const track = { transportId, kind: 'video', rtpParameters: rtpParameters('video') };
    assertRefused(await anna.ask('sfu_produce', track), 'MEDIA_REJECTED');
    assertRefused(await anna.ask('sfu_create_transport', { direction: 'recv' }), 'MEDIA_REJECTED');
    await settle(anna, bert);
    assert.deepEqual(sawSince(bert, mark), []);
    own.stub.heal();
    await ok(anna, 'sfu_produce', track);
    await bert.event('sfu_new_producer');
  });
});
