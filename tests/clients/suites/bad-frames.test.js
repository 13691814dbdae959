import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { connect, kindName, PLAIN_KINDS } from '../lib/client.js';
import { startGateway } from '../lib/gateway.js';
import { RawSocket } from '../lib/raw.js';
import { freshCode, join, party, sawSince, settle } from '../lib/rooms.js';

const gateway = await startGateway();
after(() => gateway.kill());

async function rawClient(t, options = {}) {
  const token = await gateway.identity.token({ sub: 'raw', username: 'raw' });
  const raw = await RawSocket.connected(gateway, { token, ...options });
  t.after(() => raw.close());
  return raw;
}

/** Frames no library sends, to a connection that has entered the namespace. @type {(string | Buffer)[]} */
const MALFORMED = [
  '', '4', '48', '4x', '42', '42[', '42{}', '42[]', '42[1]', '42[null]', '42[{}]', '42[[]]', '42["x"', '42["x",]',
  '42"x"', '42null', '4299999999999999999999999["heartbeat"]', '42-1["heartbeat"]', '42["heartbeat"]trailing',
  '43', '430', '430[]', '43999[{}]', '44"error"', '44{"message":"x"}', '45', '451', '451-', '451-[]',
  '451-["chat_message"]', '451-["chat_message",{"_placeholder":true,"num":7}]', '45999999999-["chat_message",{}]',
  '450-["chat_message",{"content":"x"}]', '461-0[{"_placeholder":true,"num":0}]', '42/other,["heartbeat"]',
  '40/other,', '40/other', '40', '40{', '40[]', '40"x"', '40{"token":7}', '42["join:room",{"roomCode":"a","roomCode":"b"}',
  '42["chat_message",{"content":"\\ud800"}]', '42["chat_message",{"content":"\\u00"}]', '42["\\ud800",{}]',
  '0', '0{}', '3', '3probe', '2probe', '5', '6', '7', '9', 'zzz', '{"json":true}', '\u0000', '🙂', '4🙂', 'b4AAEC', 'bnot base64!',
  Buffer.alloc(0), Buffer.from([0]), Buffer.from([4, 2, 255]), Buffer.from('42["heartbeat"]'), Buffer.alloc(5000, 255),
];

describe('malformed packets', () => {
  const shown = (frame) => (typeof frame === 'string' ? JSON.stringify(frame) : `${frame.length} bytes ${frame.toString('hex', 0, 8)}`);

  for (const frame of MALFORMED) {
    test(`${shown(frame)} harms nobody else`, async (t) => {
      const [anna, bert] = await party(t, gateway, ['anna', 'bert']);
      const marks = [anna.mark(), bert.mark()];
      const raw = await rawClient(t);
      raw.send(frame);
      raw.send('420["heartbeat"]');
      await Promise.race([raw.frame((text) => text.startsWith('430[')).catch(() => {}), raw.ended()]);
      await settle(anna, anna, bert);
      assert.deepEqual([sawSince(anna, marks[0]), sawSince(bert, marks[1])], [[], []]);
    });
  }

  test('all of them in a row from many connections leave the gateway well', async (t) => {
    const [anna, bert] = await party(t, gateway, ['anna', 'bert']);
    const connections = await Promise.all(MALFORMED.map(() => rawClient(t)));
    connections.forEach((raw, index) => [...MALFORMED.slice(index), ...MALFORMED.slice(0, index)].forEach((frame) => raw.send(frame)));
    await settle(anna, anna, bert);
    await connect(t, gateway);
    assert.equal((await gateway.http('/livez')).status, 200);
  });

  test('an event before the namespace is entered is not obeyed', async (t) => {
    const code = freshCode();
    const [anna] = await party(t, gateway, ['anna'], { code });
    const raw = new RawSocket(gateway, { token: await gateway.identity.token() });
    t.after(() => raw.close());
    await raw.frame((text) => text.startsWith('0{'));
    raw.send(`420["join:room",{"roomCode":"${code}"}]`);
    raw.send('40');
    await Promise.race([raw.frame((text) => text.startsWith('4')).catch(() => {}), raw.ended()]);
    await settle(anna, anna);
    assert.deepEqual(anna.recorder.all('peer:joined'), []);
  });
});

describe('payloads are handed on byte for byte', () => {
  test('with their key order, number spelling, escapes and unknown keys', async (t) => {
    const code = freshCode();
    const [sender, receiver] = [await rawClient(t), await rawClient(t)];
    await sender.ask(1, `["join:room",{"roomCode":"${code}"}]`);
    const { peerId } = await receiver.ask(1, `["join:room",{"roomCode":"${code}"}]`);
    await sender.frame((text) => text.startsWith('42["peer:joined"') && text.includes(peerId));
    const bodies = [
      ['webrtc:offer', 'offer', '{"zebra":1.0,"type":"offer","10":1e3,"2":-0,"sdp":"v=0\\r\\n\\u00e9\\/","big":12345678901234567890,"n":{"x":[1.50,null]}}'],
      ['webrtc:answer', 'answer', '{"sdp":"","type":"answer","0":0.10,"":{}}'],
      ['webrtc:ice', 'candidate', '{"usernameFragment":null,"candidate":"c","sdpMLineIndex":0.0}'],
      ['webrtc:ice', 'candidate', '"\\u0063andidate:\\/1"'],
    ];
    for (const [index, [event, field, body]] of bodies.entries()) {
      await sender.ask(10 + index, `["${event}",{"${field}":${body},"targetPeerId":"${peerId}"}]`);
      const frame = await receiver.frame((text) => text.startsWith(`42["${event}"`) && text.includes(`"${field}":${body}`));
      assert.equal(JSON.parse(frame.slice(2))[1].targetPeerId, peerId);
    }
  });
});

describe('frames beyond the limit', () => {
  for (const kind of PLAIN_KINDS) {
    test(`end the connection that sent them, and no other: ${kindName(kind)}`, async (t) => {
      const code = freshCode();
      const [anna, bert] = await party(t, gateway, ['anna', 'bert'], { kind, code });
      const offender = await connect(t, gateway, { kind });
      await join(offender, code);
      await bert.event('peer:joined', ({ peerId }) => peerId === offender.peerId);
      offender.send('chat_message', { content: 'x'.repeat(1_000_000) });
      await offender.disconnected();
      await settle(anna, anna, bert);
      assert.ok(!bert.recorder.all('chat_message').some(({ content }) => content.startsWith('xxx')));
      assert.equal((await bert.ask('heartbeat')).status, 'ok');
    });
  }

  test('the limit is announced in the handshake, and a payload within it is fine', async (t) => {
    const [anna, bert] = await party(t, gateway, ['anna', 'bert']);
    const { text } = await gateway.http('/socket.io/?EIO=4&transport=polling');
    const { maxPayload, pingInterval, pingTimeout } = JSON.parse(text.slice(1));
    assert.deepEqual([maxPayload, pingInterval, pingTimeout], [100_000, 25_000, 20_000]);
    const offer = { type: 'offer', sdp: 's'.repeat(90_000) };
    anna.send('webrtc:offer', { targetPeerId: bert.peerId, offer });
    assert.deepEqual((await bert.event('webrtc:offer')).offer, offer);
  });
});

describe('malformed HTTP', () => {
  const POLL = '/socket.io/?EIO=4&transport=polling';
  const wrong = {
    'an unknown protocol version': '/socket.io/?EIO=9&transport=polling',
    'an unknown transport': '/socket.io/?EIO=4&transport=carrier-pigeon',
    'an unknown session': `${POLL}&sid=nobody`,
    'no query': '/socket.io/',
    'a broken query': '/socket.io/?%ff%00&&==',
  };
  for (const [name, path] of Object.entries(wrong)) {
    test(`${name} is a bad request`, async () => assert.equal((await gateway.http(path)).status, 400));
  }

  test('a post to no session, and a post of junk to a session, are bad requests or end the session', async () => {
    assert.equal((await gateway.http(`${POLL}&sid=nobody`, { method: 'POST', body: '40' })).status, 400);
    const { sid } = JSON.parse((await gateway.http(POLL)).text.slice(1));
    const answer = await gateway.http(`${POLL}&sid=${sid}`, { method: 'POST', body: Buffer.from([255, 254, 0, 30, 30]) });
    assert.ok(answer.status < 500, `status ${answer.status}`);
    assert.equal((await gateway.http('/livez')).status, 200);
  });

  test('an unknown path is not found', async () => assert.equal((await gateway.http('/nothing/here')).status, 404));
});
