import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { kindName } from '../../clients/lib/client.js';
import { startGateway } from '../../clients/lib/gateway.js';
import { assertRefused, party, sawSince, settle } from '../../clients/lib/rooms.js';
import { badEvents, FITTING } from '../lib/junk.js';
import { CLIENT_DTLS, ROUTER_CAPABILITIES, rtpParameters } from '../lib/parameters.js';
import { openTransport, ok, produce, publish, subscribe, unavailable } from '../lib/session.js';
import { forTheSuite, Stage } from '../lib/stage.js';
import { RawPeer } from '../lib/raw-peer.js';

const suite = forTheSuite();
const stage = await Stage.set(suite);
const { stub } = stage;

/** Does something of which nothing may reach the media service, for any of the clients. */
async function withoutACall(clients, work, own = stage) {
  const before = own.stub.work.length;
  await work();
  const about = ({ url, body }) => clients.some(({ peerId }) => url.includes(peerId) || body.includes(peerId));
  assert.deepEqual(own.stub.work.slice(before).filter(about).map(({ method, url }) => `${method} ${url}`), []);
}

describe('each bad payload gets exactly one clear error, and the media service is not asked', () => {
  const kinds = [{ version: 4, transport: 'websocket' }, { version: 2, transport: 'polling' }, { version: 4, transport: 'websocket', parser: 'msgpack' }];
  for (const kind of kinds) {
    test(kindName(kind), async (t) => {
      const own = await Stage.set(t, { env: { SOCKET_PARSER: kind.parser } });
      const [anna, bert] = await own.party(t, ['anna', 'bert'], { kind });
      await publish(anna);
      await settle(anna, anna, bert);
      const marks = [anna, bert].map((client) => client.mark());
      await withoutACall([anna, bert], async () => {
        for (const { event, name, args, message } of badEvents()) {
          const answer = await anna.ask(event, ...args);
          assert.equal(answer?.code, 'INVALID_PAYLOAD', `${event}, ${name}: ${JSON.stringify(answer)}`);
          assertRefused(answer, 'INVALID_PAYLOAD', message);
          assert.ok(answer.message.length < 500, answer.message);
        }
        await settle(anna, anna, bert);
      }, own);
      [anna, bert].forEach((client, index) => assert.deepEqual(sawSince(client, marks[index]), []));
    });
  }

  test('without an acknowledgement: one event each', async (t) => {
    const [anna] = await stage.party(t, ['anna']);
    const table = badEvents();
    for (const { event, args } of table) anna.send(event, ...args);
    await settle(anna, anna);
    const errors = anna.recorder.all('error');
    assert.deepEqual(errors.map(({ event, code }) => [event, code]), table.map(({ event }) => [event, 'INVALID_PAYLOAD']));
    errors.forEach(({ message }, index) => assert.match(message, table[index].message));
  });

  test('binary where none belongs', async (t) => {
    const [anna] = await stage.party(t, ['anna']);
    const transportId = await openTransport(anna, 'send');
    const junk = Buffer.from([0, 1, 2, 255]);
    await withoutACall([anna], async () => {
      assertRefused(await anna.ask('sfu_produce', { transportId, kind: 'audio', rtpParameters: { junk } }), 'INVALID_PAYLOAD');
      assertRefused(await anna.ask('sfu_connect_transport', { transportId, dtlsParameters: junk }), 'INVALID_PAYLOAD');
      assertRefused(await anna.ask('sfu_restart_ice', junk), 'INVALID_PAYLOAD');
    });
  });
});

describe('what is checked first', { concurrency: 4 }, () => {
  test('outside a room everything that fits is NOT_IN_ROOM, and everything else INVALID_PAYLOAD', async (t) => {
    const [anna] = await stage.party(t, ['anna']);
    await ok(anna, 'leave:room');
    for (const [event, payload] of FITTING) assertRefused(await anna.ask(event, payload), 'NOT_IN_ROOM');
    assertRefused(await anna.ask('sfu_restart_ice', {}), 'INVALID_PAYLOAD', /transportId/);
  });

  test('in a p2p room everything that fits is FORBIDDEN', async (t) => {
    const [anna] = await stage.party(t, ['anna'], { code: stage.p2pCode() });
    await withoutACall([anna], async () => {
      for (const [event, payload] of FITTING) assertRefused(await anna.ask(event, payload), 'FORBIDDEN');
      assertRefused(await anna.ask('sfu_restart_ice', {}), 'INVALID_PAYLOAD', /transportId/);
    });
  });

  test('without a MEDIA_SERVICE_URL everything is MEDIA_UNAVAILABLE, in a room and outside', async (t) => {
    const own = await Stage.set(t, { media: 0, env: { MEDIA_SERVICE_URL: undefined } });
    const [anna, bert] = await own.party(t, ['anna', 'bert'], { code: own.p2pCode() });
    const [carl] = await own.party(t, ['carl']);
    await ok(bert, 'leave:room');
    for (const client of [anna, bert, carl]) {
      for (const [event, payload] of FITTING) await unavailable(client, event, payload);
      await unavailable(client, 'sfu_restart_ice', {});
    }
  });

  test('of a gateway with no services at all', async (t) => {
    const gateway = await startGateway();
    t.after(() => gateway.kill());
    const [anna] = await party(t, gateway, ['anna']);
    for (const [event, payload] of FITTING) await unavailable(anna, event, payload);
  });
});

/** Everything that can be asked for something that is not one's own. */
const requestsFor = ({ transportId, producerId, consumerId, ownSend, ownRecv, ofOther }) => [
  ['sfu_connect_transport', { transportId, dtlsParameters: CLIENT_DTLS }],
  ['sfu_restart_ice', { transportId }],
  ['sfu_produce', { transportId, kind: 'audio', rtpParameters: rtpParameters('audio') }],
  ['sfu_consume', { transportId, producerId: ofOther, rtpCapabilities: ROUTER_CAPABILITIES }],
  ['sfu_pause_producer', { producerId }],
  ['sfu_resume_producer', { producerId }],
  ['sfu_close_producer', { producerId }],
  ['sfu_resume_consumer', { consumerId }],
  ...(ownSend ? [['sfu_pause_producer', { producerId: ownSend }], ['sfu_resume_consumer', { consumerId: ownRecv }]] : []),
];

describe('ids', { concurrency: 4 }, () => {
  /** Anna and bert, who each send and receive; and carl in another room. */
  async function three(t) {
    const [anna, bert] = await stage.party(t, ['anna', 'bert']);
    const [carl] = await stage.party(t, ['carl']);
    const of = new Map();
    for (const client of [anna, bert, carl]) of.set(client, await publish(client));
    for (const [client, other] of [[anna, bert], [bert, anna]]) {
      const { transportId: recvId, consumerId } = await subscribe(client, of.get(other).producerId);
      Object.assign(of.get(client), { recvId, consumerId });
    }
    return { anna, bert, carl, of };
  }

  test('of another peer\'s transports, producers and consumers are FORBIDDEN, and change nothing', async (t) => {
    const { anna, bert, carl, of } = await three(t);
    await settle(anna, anna, bert);
    const mark = bert.mark();
    await withoutACall([anna, bert, carl], async () => {
      for (const owner of [bert, carl]) {
        const { transportId, producerId, consumerId = 'none' } = of.get(owner);
        for (const [event, payload] of requestsFor({ transportId, producerId, consumerId, ofOther: of.get(bert).producerId })) {
          assertRefused(await anna.ask(event, payload), 'FORBIDDEN');
        }
      }
      await settle(anna, anna, bert);
    });
    assert.deepEqual(sawSince(bert, mark), []);
  });

  test('of nothing are FORBIDDEN, whatever is in them', async (t) => {
    const { anna, bert, of } = await three(t);
    const { transportId, consumerId, recvId } = of.get(anna);
    const odd = ['nobody', '..', '../..', '/', 'a/b', '%2f', '%2e%2e', '?x=1', '#', `${transportId}/connect`, `${transportId}?`, ` ${transportId}`,
      transportId.toUpperCase(), recvId.slice(0, -1), 'x'.repeat(10_000), 'é👋', '__proto__', 'a\nb', 'a\r\nX-Injected: 1', '\u0000'];
    await withoutACall([anna, bert], async () => {
      for (const id of odd) {
        for (const [event, payload] of requestsFor({ transportId: id, producerId: id, consumerId: id, ofOther: of.get(bert).producerId })) {
          const answer = await anna.ask(event, payload);
          assert.ok(['FORBIDDEN', 'INVALID_PAYLOAD'].includes(answer.code), `${event} ${JSON.stringify(id.slice(0, 50))}: ${JSON.stringify(answer)}`);
          assert.ok(JSON.stringify(answer).length < 1_000);
        }
        const answer = await anna.ask('sfu_consume', { transportId: recvId, producerId: id, rtpCapabilities: ROUTER_CAPABILITIES });
        assert.ok(['MEDIA_REJECTED', 'INVALID_PAYLOAD'].includes(answer.code), `${JSON.stringify(id.slice(0, 50))}: ${JSON.stringify(answer)}`);
      }
    });
    await ok(anna, 'sfu_resume_consumer', { consumerId });
  });

  test('of one kind are nothing in the place of another', async (t) => {
    const { anna, of } = await three(t);
    const { transportId, producerId, consumerId } = of.get(anna);
    await withoutACall([anna], async () => {
      for (const id of [producerId, consumerId]) assertRefused(await anna.ask('sfu_restart_ice', { transportId: id }), 'FORBIDDEN');
      for (const id of [transportId, consumerId]) assertRefused(await anna.ask('sfu_close_producer', { producerId: id }), 'FORBIDDEN');
      for (const id of [transportId, producerId]) assertRefused(await anna.ask('sfu_resume_consumer', { consumerId: id }), 'FORBIDDEN');
    });
  });

  test('of producers in another room, or closed ones, cannot be consumed: MEDIA_REJECTED', async (t) => {
    const { anna, bert, carl, of } = await three(t);
    await ok(bert, 'sfu_close_producer', { producerId: of.get(bert).producerId });
    await anna.event('sfu_producer_closed');
    await withoutACall([anna, bert, carl], async () => {
      for (const { producerId } of [of.get(carl), of.get(bert)]) {
        const answer = await anna.ask('sfu_consume', { transportId: of.get(anna).recvId, producerId, rtpCapabilities: ROUTER_CAPABILITIES });
        assertRefused(answer, 'MEDIA_REJECTED');
      }
    });
  });

  test('of transports of the wrong direction are INVALID_PAYLOAD, and the message says so', async (t) => {
    const { anna, bert, of } = await three(t);
    const { transportId, recvId } = of.get(anna);
    await withoutACall([anna, bert], async () => {
      const producing = await anna.ask('sfu_produce', { transportId: recvId, kind: 'audio', rtpParameters: {} });
      assertRefused(producing, 'INVALID_PAYLOAD', /transportId|direction/);
      const consuming = await anna.ask('sfu_consume', { transportId, producerId: of.get(bert).producerId, rtpCapabilities: {} });
      assertRefused(consuming, 'INVALID_PAYLOAD', /transportId|direction/);
    });
  });

  test('of the media service stay in their place in the path, whatever is in them', async (t) => {
    const own = await Stage.set(t);
    const [anna, bert] = await own.party(t, ['anna', 'bert']);
    for (const [n, odd] of ['a/b', '../../..', '%2f%2e', '?x=1&producerId=y', '#fragment', 'é👋', ' ', 'a\\b', ';a=b', '+', '//evil.example/'].entries()) {
      own.stub.makeId = (what) => `${what} ${n} ${odd}`;
      const sendId = await openTransport(anna, 'send');
      const producerId = await produce(anna, sendId);
      await ok(anna, 'sfu_pause_producer', { producerId });
      await ok(anna, 'sfu_restart_ice', { transportId: sendId });
      await subscribe(bert, producerId);
      await ok(anna, 'sfu_close_producer', { producerId });
    }
    assert.deepEqual(own.stub.calls('unknown').map(({ url }) => url), []);
  });

  for (const dots of ['.', '..', '%2e%2e', '']) {
    test(`of the media service that could lead elsewhere do not: ${JSON.stringify(dots)}`, async (t) => {
      const own = await Stage.set(t);
      const [anna] = await own.party(t, ['anna']);
      own.stub.makeId = () => dots;
      for (const direction of ['send', 'recv']) {
        const { status, id } = await anna.ask('sfu_create_transport', { direction });
        if (status === 'ok') await anna.ask('sfu_connect_transport', { transportId: id, dtlsParameters: CLIENT_DTLS });
      }
      own.stub.makeId = (what) => `a good ${what}`;
      await openTransport(anna, 'send');
      assert.deepEqual(own.stub.calls('unknown').map(({ url }) => url), []);
    });
  }

  test('of the media service that are missing, or no text, are a broken answer', async (t) => {
    const own = await Stage.set(t);
    const [anna, bert] = await own.party(t, ['anna', 'bert']);
    const transportId = await openTransport(anna, 'send');
    const { producerId } = await publish(anna);
    const recvId = await openTransport(bert, 'recv');
    for (const text of ['{}', '{"id":null}', '{"id":7}', '{"id":""}', '{"id":["a"]}', '[]', 'null', '"id"', '{"id":"a"} trailing', '']) {
      for (const route of ['createTransport', 'produce', 'consume']) own.stub.texts.set(route, () => text);
      await unavailable(anna, 'sfu_create_transport', { direction: 'recv' });
      await unavailable(anna, 'sfu_produce', { transportId, kind: 'video', rtpParameters: {} });
      await unavailable(bert, 'sfu_consume', { transportId: recvId, producerId, rtpCapabilities: {} });
    }
    own.stub.texts.clear();
    await settle(anna, bert);
    assert.equal(bert.recorder.all('sfu_new_producer').length, 1, 'what failed is not announced');
    await subscribe(bert, producerId);
  });
});

describe('appData', { concurrency: 4 }, () => {
  test('may have up to 4 kB', async (t) => {
    const anna = await RawPeer.join(t, stage.gateway, stage.sfuCode());
    const { id } = await anna.ok('sfu_create_transport', '{"direction":"send"}');
    const appData = (bytes) => `{"p":"${'p'.repeat(bytes - 8)}"}`;
    const payload = (bytes) => `{"transportId":"${id}","kind":"audio","rtpParameters":{},"appData":${appData(bytes)}}`;
    await anna.ok('sfu_produce', payload(4_000));
    const answer = JSON.parse(await anna.ask('sfu_produce', payload(4_097)));
    assertRefused(answer, 'INVALID_PAYLOAD', /appData/);
    assert.equal(stub.calls('produce', ({ params }) => params.peerId === anna.peerId).length, 1);
  });
});
