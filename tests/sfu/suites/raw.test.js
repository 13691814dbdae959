import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { kindName } from '../../clients/lib/client.js';
import { nested } from '../../clients/lib/junk.js';
import { until } from '../../clients/lib/wait.js';
import { CLIENT_DTLS, ROUTER_CAPABILITIES } from '../lib/parameters.js';
import { RawPeer } from '../lib/raw-peer.js';
import { ok, openTransport } from '../lib/session.js';
import { forTheSuite, Stage } from '../lib/stage.js';

const suite = forTheSuite();
const stage = await Stage.set(suite);
const { gateway, stub } = stage;

/** JSON that no two encoders would write alike. Each is an object, as all that is passed on. */
const ODD = {
  'keys in an order of their own, and numbers for keys': '{"z":1,"a":2,"10":3,"9":4,"Z":5,"":6}',
  'a key twice': '{"a":1,"a":2}',
  'numbers beyond what floats hold': '{"ssrc":18446744073709551615,"big":123456789012345678901234567890,"fine":0.1234567890123456789}',
  'numbers written in odd ways': '{"a":1.0,"b":1.50,"c":1e3,"d":1E+3,"e":-0,"f":-0.0,"g":1e-7}',
  'blanks where they are allowed': '{ "a" : [ 1 ,\t2 ] , "b" : { } }',
  'letters of many scripts, as they are': '{"ключ":"значение","emoji":"👩‍🚀","rtl":"חדר"}',
  'the same, escaped': '{"\\u043a":"\\u00e9\\ud83d\\ude00","slash":"a\\/b","quote":"\\"\\\\\\b\\f\\n\\r\\t"}',
  'what looks like the end of a packet': '{"a":"]}\\"]","b":"42[\\"chat_message\\"]","c":"\\u001e","__proto__":{"x":1}}',
  'empty things': '{"a":{},"b":[],"c":"","d":null,"e":[[],{}]}',
  'deep things': JSON.stringify({ deep: nested(100) }),
};

/** Checks that exactly one call on the route, for that peer, carries the text. */
async function arrives(route, { peerId }, field, text) {
  const seen = await stub.called(route, ({ params, body }) => params.peerId === peerId && body.includes(`"${field}":`));
  assert.ok(seen.body.includes(`"${field}":${text}`), `${seen.body}\nhas not\n${text}`);
  JSON.parse(seen.body);
}

describe('what a client says to the media service arrives to the byte', { concurrency: 4 }, () => {
  for (const [name, odd] of Object.entries(ODD)) {
    test(name, async (t) => {
      const code = stage.sfuCode();
      const anna = await RawPeer.join(t, gateway, code);
      const witness = await RawPeer.join(t, gateway, code);
      const { id: transportId } = await anna.ok('sfu_create_transport', `{"sctpCapabilities":${odd},"direction":"send"}`);
      await arrives('createTransport', anna, 'sctpCapabilities', odd);
      await anna.ok('sfu_connect_transport', `{"dtlsParameters":${odd},"transportId":"${transportId}"}`);
      await arrives('connectTransport', anna, 'dtlsParameters', odd);
      const { id: producerId } = await anna.ok('sfu_produce',
        `{"appData":${odd},"rtpParameters":${odd},"kind":"video","transportId":"${transportId}"}`);
      await arrives('produce', anna, 'rtpParameters', odd);
      await arrives('produce', anna, 'appData', odd);
      const { id: recvId } = await witness.ok('sfu_create_transport', '{"direction":"recv"}');
      await witness.ok('sfu_consume', `{"rtpCapabilities":${odd},"producerId":"${producerId}","transportId":"${recvId}"}`);
      await arrives('consume', witness, 'rtpCapabilities', odd);
    });

    test(`and to the others: ${name}, in appData`, async (t) => {
      const code = stage.sfuCode();
      const anna = await RawPeer.join(t, gateway, code);
      const witness = await RawPeer.join(t, gateway, code);
      const { id: transportId } = await anna.ok('sfu_create_transport', '{"direction":"send"}');
      await anna.ok('sfu_produce', `{"appData":${odd},"rtpParameters":{},"kind":"video","transportId":"${transportId}"}`);
      const carried = `"appData":${odd}`;
      assert.ok((await witness.event('sfu_new_producer')).includes(carried));
      assert.ok((await witness.ask('sfu_get_producers', '{}')).includes(carried));
      const late = await RawPeer.join(t, gateway, code);
      assert.ok((await late.event('room:joined')).includes(carried));
    });
  }
});

describe('what the media service says to a client arrives to the byte', () => {
  for (const [name, odd] of Object.entries(ODD)) {
    test(name, async (t) => {
      const own = await Stage.set(t);
      const code = own.sfuCode();
      const anna = await RawPeer.join(t, own.gateway, code);
      const bert = await RawPeer.join(t, own.gateway, code);
      const carries = async (peer, event, payload, text) => {
        const answer = await peer.ask(event, payload);
        assert.ok(answer.includes(text), `${answer}\nhas not\n${text}`);
        return JSON.parse(answer);
      };
      own.stub.texts.set('capabilities', () => odd);
      await carries(anna, 'sfu_get_router_capabilities', '{}', `"rtpCapabilities":${odd}`);
      own.stub.texts.set('createTransport', (id) =>
        `{"iceParameters":${odd},"id":"${id}","iceCandidates":[${odd}],"sctpParameters":${odd},"dtlsParameters":${odd}}`);
      const { id } = await carries(anna, 'sfu_create_transport', '{"direction":"send"}', `"iceParameters":${odd}`);
      for (const field of [`"iceCandidates":[${odd}]`, `"dtlsParameters":${odd}`, `"sctpParameters":${odd}`]) {
        await carries(anna, 'sfu_create_transport', '{"direction":"recv"}', field);
      }
      own.stub.texts.set('restartIce', () => `{"iceParameters":${odd}}`);
      await carries(anna, 'sfu_restart_ice', `{"transportId":"${id}"}`, `"iceParameters":${odd}`);
      const produced = await anna.ok('sfu_produce', `{"transportId":"${id}","kind":"audio","rtpParameters":{}}`);
      own.stub.texts.set('consume', (consumerId) =>
        `{"type":"simple","rtpParameters":${odd},"kind":"audio","producerId":"${produced.id}","id":"${consumerId}"}`);
      const { id: recvId } = await bert.ok('sfu_create_transport', '{"direction":"recv"}');
      await carries(bert, 'sfu_consume', `{"transportId":"${recvId}","producerId":"${produced.id}","rtpCapabilities":{}}`, `"rtpParameters":${odd}`);
    });
  }
});

describe('values that clients encode by themselves arrive as they were', { concurrency: 4 }, () => {
  const value = {
    zulu: 1, alpha: [1.5, -7, 4_294_967_295, Number.MAX_SAFE_INTEGER, 1.5e-300], text: 'é👋\n"\\', none: null, yes: true, deep: nested(50), empty: {},
  };
  const kinds = [{ version: 4, transport: 'polling' }, { version: 2, transport: 'websocket' }, { version: 4, transport: 'websocket', parser: 'msgpack' }];
  for (const kind of kinds) {
    test(kindName(kind), async (t) => {
      const own = kind.parser ? await Stage.set(t, { env: { SOCKET_PARSER: 'msgpack' } }) : stage;
      const [anna, bert] = await own.party(t, ['anna', 'bert'], { kind });
      const transportId = await openTransport(anna, 'send');
      await ok(anna, 'sfu_produce', { transportId, kind: 'audio', rtpParameters: value, appData: value });
      const sent = JSON.parse(own.stub.calls('produce', ({ params }) => params.peerId === anna.peerId)[0].body);
      assert.deepEqual(sent, { kind: 'audio', rtpParameters: value, appData: value });
      if (!kind.parser) assert.deepEqual(Object.keys(sent.rtpParameters), Object.keys(value));
      assert.deepEqual((await bert.event('sfu_new_producer')).appData, value);
    });
  }
});

describe('sizes', { concurrency: 4 }, () => {
  /** A payload of sfu_produce whose frame has so many bytes. */
  function frameOf(bytes, transportId) {
    const payload = (padding) => `{"transportId":"${transportId}","kind":"audio","rtpParameters":{"padding":"${padding}"}}`;
    return payload('p'.repeat(bytes - `421["sfu_produce",${payload('')}]`.length));
  }

  test('parameters up to MAX_PAYLOAD_BYTES pass, to the byte', async (t) => {
    const anna = await RawPeer.join(t, gateway, stage.sfuCode());
    const { id } = await anna.ok('sfu_create_transport', '{"direction":"send"}');
    const payload = frameOf(99_990, id);
    await anna.ok('sfu_produce', payload);
    const { body } = await stub.called('produce', ({ params }) => params.peerId === anna.peerId);
    assert.ok(body.includes(payload.slice(payload.indexOf('{"padding"'), -1)));
  });

  test('beyond it the connection ends, as with all payloads; nobody else is disturbed, the media service is not asked', async (t) => {
    const code = stage.sfuCode();
    const anna = await RawPeer.join(t, gateway, code);
    const bert = await RawPeer.join(t, gateway, code);
    const { id } = await anna.ok('sfu_create_transport', '{"direction":"send"}');
    anna.send('sfu_produce', frameOf(1_000_000, id));
    await anna.socket.ended();
    await bert.ok('heartbeat', '{}');
    assert.deepEqual(stub.calls('produce', ({ params }) => params.peerId === anna.peerId), []);
  });

  test('large answers pass: capabilities of 200 kB', async (t) => {
    const own = await Stage.set(t);
    const anna = await RawPeer.join(t, own.gateway, own.sfuCode());
    const large = JSON.stringify({ ...ROUTER_CAPABILITIES, padding: 'p'.repeat(200_000) });
    own.stub.texts.set('capabilities', () => large);
    assert.ok((await anna.ask('sfu_get_router_capabilities', '{}')).includes(large));
  });
});

describe('the order of requests', { concurrency: 4 }, () => {
  test('that change state is the client\'s, one at a time', async (t) => {
    const own = await Stage.set(t);
    const [anna] = await own.party(t, ['anna']);
    const transportId = await openTransport(anna, 'send');
    own.stub.fail('slow', { ms: 25 });
    const numbers = Array.from({ length: 20 }, (_, n) => n);
    for (const n of numbers) anna.send('sfu_produce', { transportId, kind: 'audio', rtpParameters: { n } });
    await until(() => own.stub.calls('produce').length === numbers.length, 'all have arrived');
    assert.deepEqual(own.stub.calls('produce').map(({ body }) => JSON.parse(body).rtpParameters.n), numbers);
    assert.equal(own.stub.mostAtOnce.get('produce'), 1);
  });

  test('a transport may be used by what is sent right after its creation was answered, and closed things stay closed', async (t) => {
    const own = await Stage.set(t);
    const [anna] = await own.party(t, ['anna']);
    const { id: transportId } = await ok(anna, 'sfu_create_transport', { direction: 'send' });
    own.stub.fail('slow', { ms: 50 });
    const answers = await Promise.all([
      anna.ask('sfu_connect_transport', { transportId, dtlsParameters: CLIENT_DTLS }),
      anna.ask('sfu_produce', { transportId, kind: 'audio', rtpParameters: {} }),
      anna.ask('sfu_produce', { transportId, kind: 'video', rtpParameters: {} }),
    ]);
    assert.deepEqual(answers.map(({ status }) => status), ['ok', 'ok', 'ok']);
    assert.deepEqual(own.stub.work.slice(-3).map(({ route }) => route), ['connectTransport', 'produce', 'produce']);
    const producerId = answers[1].id;
    const closing = anna.ask('sfu_close_producer', { producerId });
    const pausing = anna.ask('sfu_pause_producer', { producerId });
    assert.equal((await closing).status, 'ok');
    assert.equal((await pausing).code, 'FORBIDDEN');
  });

  test('that only read run up to 16 at once', async (t) => {
    const own = await Stage.set(t);
    const [anna, bert] = await own.party(t, ['anna', 'bert']);
    const sending = await openTransport(anna, 'send');
    const { id: producerId } = await ok(anna, 'sfu_produce', { transportId: sending, kind: 'audio', rtpParameters: {} });
    const transportId = await openTransport(bert, 'recv');
    own.stub.fail('slow', { ms: 100 });
    const answers = await Promise.all(Array.from({ length: 80 }, () =>
      bert.ask('sfu_consume', { transportId, producerId, rtpCapabilities: {} })));
    assert.ok(answers.every(({ status }) => status === 'ok'));
    assert.equal(own.stub.mostAtOnce.get('consume'), 16);
  });
});
