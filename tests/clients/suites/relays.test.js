import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { connect, kindName, MSGPACK_KINDS, PLAIN_KINDS } from '../lib/client.js';
import { startGateway } from '../lib/gateway.js';
import { announced, assertRefused, description, join, freshCode, party, sawSince, settle } from '../lib/rooms.js';

const plain = await startGateway();
const binary = await startGateway({ SOCKET_PARSER: 'msgpack' });
after(() => Promise.all([plain.kill(), binary.kill()]));

const CANDIDATE = { candidate: 'candidate:1 1 udp 2122260223 192.0.2.7 54321 typ host', sdpMid: '0', sdpMLineIndex: 0, usernameFragment: null };

/** Relay events, in both spellings: event sent, event received, field, body. */
const RELAYS = [
  ['webrtc:offer', 'webrtc:offer', 'offer', description('offer', { extension: { deep: [1, { a: null }] } })],
  ['webrtc:answer', 'webrtc:answer', 'answer', description('answer')],
  ['webrtc:ice', 'webrtc:ice', 'candidate', CANDIDATE],
  ['webrtc:ice', 'webrtc:ice', 'candidate', CANDIDATE.candidate],
  ['webrtc:ice', 'webrtc:ice', 'candidate', ''],
  ['webrtc:ice', 'webrtc:ice', 'candidate', null],
  ['webrtc:offer', 'webrtc:offer', 'offer', 'v=0 as text'],
  ['webrtc_offer', 'webrtc:offer', 'offer', description('offer')],
  ['webrtc_answer', 'webrtc:answer', 'answer', description('answer')],
  ['webrtc_ice', 'webrtc:ice', 'candidate', CANDIDATE],
];

const scenarios = {
  async 'offers, answers and candidates reach their target, stamped with the sender'(t, gateway, kind) {
    const [anna, bert, carl] = await party(t, gateway, ['anna', 'bert', 'carl'], { kind });
    const marks = [anna.mark(), carl.mark()];
    for (const [sent, received, field, body] of RELAYS) {
      const mark = bert.mark();
      const answer = await anna.ask(sent, { targetPeerId: bert.peerId, [field]: body });
      assert.equal(answer.status, 'ok', sent);
      const relay = await bert.event(received, undefined, mark);
      assert.deepEqual(relay, { from: anna.peerId, targetPeerId: bert.peerId, [field]: body });
    }
    await settle(bert, anna, carl);
    assert.deepEqual(sawSince(anna, marks[0]), [], 'the sender hears nothing of its relays');
    assert.deepEqual(sawSince(carl, marks[1]), [], 'nor does a third peer');
  },

  async 'relays work without an ack and in both directions'(t, gateway, kind) {
    const [anna, bert] = await party(t, gateway, ['anna', 'bert'], { kind });
    anna.send('webrtc:offer', { targetPeerId: bert.peerId, offer: description('offer') });
    const { from } = await bert.event('webrtc:offer');
    bert.send('webrtc:answer', { targetPeerId: from, answer: description('answer') });
    const answer = await anna.event('webrtc:answer');
    assert.equal(answer.from, bert.peerId);
    await settle(anna, bert);
    assert.deepEqual(anna.recorder.all('error'), []);
  },

  async 'a forged sender is overwritten'(t, gateway, kind) {
    const [anna, bert, carl] = await party(t, gateway, ['anna', 'bert', 'carl'], { kind });
    anna.send('webrtc:offer', { from: carl.peerId, targetPeerId: bert.peerId, offer: description('offer') });
    assert.equal((await bert.event('webrtc:offer')).from, anna.peerId);
  },

  async 'a peer of another room and an unknown one get the same answer'(t, gateway, kind) {
    const [anna, bert] = await party(t, gateway, ['anna', 'bert'], { kind });
    const [stranger, companion] = await party(t, gateway, ['stranger', 'companion'], { kind });
    const mark = stranger.mark();
    const answers = [];
    for (const targetPeerId of [stranger.peerId, 'no-such-peer']) {
      const answer = await anna.ask('webrtc:offer', { targetPeerId, offer: description('offer') });
      assertRefused(answer, 'PEER_NOT_FOUND');
      answers.push(JSON.stringify(answer).replaceAll(targetPeerId, '<target>'));
    }
    assert.equal(answers[0], answers[1]);
    await settle(companion, stranger);
    assert.deepEqual(sawSince(stranger, mark), []);
    await settle(anna, bert);
  },

  async 'a peer that has left is unknown'(t, gateway, kind) {
    const [anna, bert] = await party(t, gateway, ['anna', 'bert'], { kind });
    await bert.ask('leave:room');
    await anna.event('peer:left');
    assertRefused(await anna.ask('webrtc:ice', { targetPeerId: bert.peerId, candidate: null }), 'PEER_NOT_FOUND');
  },

  async 'outside a room nothing is relayed'(t, gateway, kind) {
    const [anna] = await party(t, gateway, ['anna'], { kind });
    const outsider = await connect(t, gateway, { kind });
    const mark = anna.mark();
    for (const [sent, , field, body] of RELAYS) {
      assertRefused(await outsider.ask(sent, { targetPeerId: anna.peerId, [field]: body }), 'NOT_IN_ROOM');
    }
    await settle(anna);
    assert.deepEqual(sawSince(anna, mark), []);
  },

  async 'without an ack a refusal is one error event'(t, gateway, kind) {
    const [anna] = await party(t, gateway, ['anna'], { kind });
    const mark = anna.mark();
    anna.send('webrtc:answer', { targetPeerId: 'no-such-peer', answer: description('answer') });
    await settle(anna, anna);
    const [only, ...more] = sawSince(anna, mark);
    assert.deepEqual(more, []);
    assert.equal(only.event, 'error');
    const { code, event, message, retryable } = only.args[0];
    assert.deepEqual([code, event, typeof message, typeof retryable],
      ['PEER_NOT_FOUND', 'webrtc:answer', 'string', 'boolean']);
  },

  async 'with an ack a refusal is no error event'(t, gateway, kind) {
    const anna = await connect(t, gateway, { kind });
    await join(anna, freshCode());
    assertRefused(await anna.ask('webrtc:answer', { targetPeerId: 'nobody', answer: {} }), 'PEER_NOT_FOUND');
    await settle(anna, anna);
    assert.deepEqual(anna.recorder.all('error'), []);
  },

  async 'arguments after the payload are ignored'(t, gateway, kind) {
    const [anna, bert] = await party(t, gateway, ['anna', 'bert'], { kind });
    const payload = { targetPeerId: bert.peerId, candidate: null };
    assert.equal((await anna.ask('webrtc:ice', payload, 'more', [1, 2])).status, 'ok');
    await bert.event('webrtc:ice');
    const [{ args }] = bert.recorder.entries.filter(({ event }) => event === 'webrtc:ice');
    assert.deepEqual(args, [{ from: anna.peerId, ...payload }]);
  },
};

for (const kind of [...PLAIN_KINDS, ...MSGPACK_KINDS]) {
  const gateway = kind.parser ? binary : plain;
  describe(`relays: ${kindName(kind)}`, { concurrency: 4 }, () => {
    for (const [name, scenario] of Object.entries(scenarios)) test(name, (t) => scenario(t, gateway, kind));
  });
}

describe('clients of all kinds share a room', () => {
  test('each signals to each other one', async (t) => {
    const code = freshCode();
    const clients = [];
    for (const kind of PLAIN_KINDS) {
      const client = await connect(t, plain, { kind, username: kindName(kind) });
      await join(client, code);
      await announced(client, clients);
      clients.push(client);
    }
    for (const sender of clients) {
      for (const target of clients.filter((client) => client !== sender)) {
        sender.send('webrtc:ice', { targetPeerId: target.peerId, candidate: `from ${sender.username}` });
      }
    }
    for (const target of clients) {
      for (const sender of clients.filter((client) => client !== target)) {
        const relay = await target.event('webrtc:ice', ({ from }) => from === sender.peerId);
        assert.equal(relay.candidate, `from ${sender.username}`);
      }
    }
  });
});
