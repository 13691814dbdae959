import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { connect, kindName, PLAIN_KINDS } from '../lib/client.js';
import { startGateway } from '../lib/gateway.js';
import { ESCAPED_EVENTS, nested } from '../lib/junk.js';
import { RawSocket } from '../lib/raw.js';
import { assertRefused, description, freshCode, join, party, sawSince, settle } from '../lib/rooms.js';

const gateway = await startGateway({ MAX_PAYLOAD_BYTES: '4000000' });
const binary = await startGateway({ MAX_PAYLOAD_BYTES: '4000000', SOCKET_PARSER: 'msgpack' });
after(() => Promise.all([gateway.kill(), binary.kill()]));

const MEGABYTE = 'M'.repeat(1_000_000);

describe('huge values', () => {
  const oversized = {
    'join:room': [{ roomCode: MEGABYTE }, 'INVALID_PAYLOAD'],
    chat_message: [{ content: MEGABYTE }, 'INVALID_PAYLOAD'],
    'auth:refresh': [{ token: MEGABYTE }, 'AUTH_REQUIRED'],
    [MEGABYTE]: [{}, 'UNKNOWN_EVENT'],
  };
  for (const [event, [payload, code]] of Object.entries(oversized)) {
    test(`a text of a megabyte in ${event.slice(0, 20)} is refused shortly`, async (t) => {
      const [host, bystander] = await party(t, gateway, ['host', 'bystander']);
      const mark = bystander.mark();
      const answer = await host.ask(event, payload);
      assertRefused(answer, code);
      assert.ok(JSON.stringify(answer).length < 1000);
      host.send(event, payload);
      const error = await host.event('error');
      assert.equal(error.code, code);
      assert.ok(error.message.length < 500);
      await settle(host, bystander);
      assert.deepEqual(sawSince(bystander, mark), []);
    });
  }

  test('a target of a megabyte is nobody', async (t) => {
    const [host] = await party(t, gateway, ['host']);
    const answer = await host.ask('webrtc:ice', { targetPeerId: MEGABYTE, candidate: null });
    assert.ok(['INVALID_PAYLOAD', 'PEER_NOT_FOUND'].includes(answer.code), answer.code);
    assert.ok(JSON.stringify(answer).length < 1000);
  });

  test('a session description of a megabyte passes where the payload limit allows it', async (t) => {
    const [anna, bert] = await party(t, gateway, ['anna', 'bert']);
    const offer = description('offer', { extra: MEGABYTE });
    anna.send('webrtc:offer', { targetPeerId: bert.peerId, offer });
    assert.deepEqual((await bert.event('webrtc:offer')).offer, offer);
  });

});

describe('deep values', () => {
  test('an offer nested a hundred deep passes, and one nested a thousand deep is refused', async (t) => {
    const [anna, bert] = await party(t, gateway, ['anna', 'bert']);
    const offer = { deep: nested(100) };
    const { peerId: targetPeerId } = bert;
    // No schema says how deep a value may be: this one is sent past what checks them.
    const raw = await RawSocket.connected(gateway, { token: await gateway.identity.token() });
    t.after(() => raw.close());
    const refused = await raw.ask(1, JSON.stringify(['webrtc:offer', { targetPeerId, offer: { deep: nested(1_000) } }]));
    assert.deepEqual([refused.code, refused.retryable], ['INVALID_PAYLOAD', false]);
    assert.equal((await anna.ask('webrtc:offer', { targetPeerId, offer })).status, 'ok');
    assert.deepEqual((await bert.event('webrtc:offer')).offer, offer);
  });

  for (const event of ['webrtc:offer', 'join:room', 'chat_message', 'leave:room', 'no:such:event']) {
    test(`junk nested a hundred thousand deep in ${event} is answered, and harms nobody`, async (t) => {
      const [anna, bert] = await party(t, gateway, ['anna', 'bert']);
      const raw = await RawSocket.connected(gateway, { token: await gateway.identity.token() });
      t.after(() => raw.close());
      const abyss = '['.repeat(100_000) + ']'.repeat(100_000);
      const payload = `{"offer":${abyss},"targetPeerId":"${bert.peerId}","roomCode":${abyss},"content":${abyss}}`;
      const { status, code } = await raw.ask(1, `["${event}",${payload}]`);
      assert.ok(status === 'ok' || ['INVALID_PAYLOAD', 'NOT_IN_ROOM', 'UNKNOWN_EVENT'].includes(code), code);
      assert.equal((await raw.ask(2, '["heartbeat"]')).status, 'ok');
      await settle(anna, bert);
    });
  }
});

/** Every event that has a place for it, with binary in that place. */
function binaryEvents(targetPeerId) {
  const junk = Buffer.from([0, 1, 2, 255]);
  return [
    ['chat_message', { content: junk }],
    ['chat_message', junk],
    ['join:room', { roomCode: junk }],
    ['webrtc:offer', { targetPeerId, offer: junk }],
    ['webrtc:ice', { targetPeerId, candidate: junk }],
  ];
}

describe('binary attachments are refused where no binary belongs', () => {
  const kinds = [{ version: 4, transport: 'websocket' }, { version: 4, transport: 'polling' },
    { version: 2, transport: 'websocket' }, { version: 4, transport: 'websocket', parser: 'msgpack' }];
  for (const kind of kinds) {
    test(kindName(kind), async (t) => {
      const [host, bystander] = await party(t, kind.parser ? binary : gateway, ['host', 'bystander'], { kind });
      const mark = bystander.mark();
      for (const [event, payload] of binaryEvents(bystander.peerId)) {
        const before = host.mark();
        assertRefused(await host.ask(event, payload), 'INVALID_PAYLOAD');
        host.send(event, payload);
        await host.ask('heartbeat');
        const seen = sawSince(host, before).map((entry) => [entry.event, entry.args[0].code, entry.args[0].event]);
        assert.deepEqual(seen, [['error', 'INVALID_PAYLOAD', event]]);
      }
      await settle(host, bystander);
      assert.deepEqual(sawSince(bystander, mark), []);
    });
  }
});

// The protocol library gives up on a packet whose event name has escapes in it.
describe('an event name that cannot stand in JSON as it is ends its own connection and nothing else', () => {
  for (const kind of PLAIN_KINDS.filter(({ transport }) => transport !== 'upgrade')) {
    test(kindName(kind), async (t) => {
      const code = freshCode();
      const bystander = await connect(t, gateway, { kind });
      await join(bystander, code);
      for (const event of ESCAPED_EVENTS) {
        const client = await connect(t, gateway, { kind });
        client.send(event, {});
        await client.disconnected();
        assert.equal((await bystander.ask('heartbeat')).status, 'ok');
      }
      assert.deepEqual(bystander.recorder.all('peer:left'), []);
    });
  }
});

describe('odd text where text is free', () => {
  test('names of any script reach the others', async (t) => {
    const code = freshCode();
    for (const username of ['חנה', 'e\u0301', '👩‍👩‍👧‍👦', '<script>alert(1)</script>', "Robert'); --", 'Ａ𝒳ﬁ']) {
      const client = await connect(t, gateway, { username });
      await join(client, code);
      await client.ask('chat_message', { content: 'hi' });
      assert.equal((await client.event('chat_message')).username, username);
      await client.ask('leave:room');
    }
  });

  test('names cannot break the line, turn the text around, or fill the screen', async (t) => {
    const code = freshCode();
    for (const username of ['\u202Eeman', 'a\nb', 'a\u0000b', 'x'.repeat(5_000)]) {
      const client = await connect(t, gateway, { username });
      await join(client, code);
      await client.ask('chat_message', { content: 'hi' });
      const shown = (await client.event('chat_message')).username;
      assert.match(shown, /^[a-z ]{1,256}$/);
      await client.ask('leave:room');
    }
  });

  test('a kick reason of any script reaches the kicked', async (t) => {
    const [host, guest] = await party(t, gateway, ['host', 'guest']);
    await host.ask('peer:kick', { targetPeerId: guest.peerId, reason: 'נו 👋 e\u0301' });
    assert.equal((await guest.event('room:kicked')).reason, 'נו 👋 e\u0301');
  });
});
