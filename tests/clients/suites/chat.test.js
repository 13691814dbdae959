import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { connect, kindName, MSGPACK_KINDS, PLAIN_KINDS } from '../lib/client.js';
import { startGateway } from '../lib/gateway.js';
import { assertRefused, freshCode, join, party, settle } from '../lib/rooms.js';

const plain = await startGateway();
const binary = await startGateway({ SOCKET_PARSER: 'msgpack' });
after(() => Promise.all([plain.kill(), binary.kill()]));

const scenarios = {
  async 'a message reaches the whole room, the sender included, as acknowledged'(t, gateway, kind) {
    const [anna, bert, carl] = await party(t, gateway, ['anna', 'bert', 'carl'], { kind });
    const began = Date.now();
    const { status, id, timestamp } = await bert.ask('chat_message', { content: 'hello', clientMessageId: 'mine-1' });
    assert.equal(status, 'ok');
    assert.ok(timestamp >= began - 5_000 && timestamp <= Date.now() + 5_000, `${timestamp} is milliseconds of now`);
    const [{ roomId }] = bert.recorder.all('room:joined');
    for (const client of [anna, bert, carl]) {
      assert.deepEqual(await client.event('chat_message'), {
        id, roomId, senderId: bert.userId, peerId: bert.peerId, username: 'bert',
        content: 'hello', timestamp, clientMessageId: 'mine-1',
      });
    }
  },

  async 'without a clientMessageId there is none'(t, gateway, kind) {
    const [anna, bert] = await party(t, gateway, ['anna', 'bert'], { kind });
    anna.send('chat_message', { content: 'no id of mine' });
    assert.ok(!('clientMessageId' in await bert.event('chat_message')));
  },

  async 'text of any script arrives unchanged'(t, gateway, kind) {
    const [anna, bert] = await party(t, gateway, ['anna', 'bert'], { kind });
    const texts = ['שלום עולם', 'e\u0301 and é', '👩‍👩‍👧‍👦🏳️‍🌈', '\u202Ereversed\u202C', 'line\nnext\ttab', '<b>&"\'\\</b>', '𝒳'.repeat(4000)];
    for (const content of texts) {
      const { id } = await anna.ask('chat_message', { content });
      assert.equal((await bert.event('chat_message', (chat) => chat.id === id)).content, content);
    }
  },

  async 'history is oldest first, and the ids are those of the broadcast'(t, gateway, kind) {
    const code = freshCode();
    const [anna] = await party(t, gateway, ['anna'], { kind, code });
    const sent = [];
    for (const content of ['one', 'two', 'three', 'four']) sent.push((await anna.ask('chat_message', { content })).id);
    const [bert] = [await connect(t, gateway, { kind })];
    await join(bert, code);
    const { status, messages } = await bert.ask('chat_history', {});
    assert.equal(status, 'ok');
    assert.deepEqual(messages.map(({ id }) => id), sent);
    assert.deepEqual(messages.map(({ content }) => content), ['one', 'two', 'three', 'four']);
    assert.deepEqual(messages, anna.recorder.all('chat_message'));
    const page = await bert.ask('chat_history', { before: sent[3], limit: 2 });
    assert.deepEqual(page.messages.map(({ id }) => id), [sent[1], sent[2]]);
    assert.deepEqual((await bert.ask('chat_history', { before: sent[0] })).messages, []);
    assert.deepEqual((await bert.ask('chat_history', { limit: 1 })).messages.map(({ id }) => id), [sent[3]]);
  },

  async 'history without an ack makes no sense and is refused'(t, gateway, kind) {
    const [anna] = await party(t, gateway, ['anna'], { kind });
    anna.send('chat_history', {});
    const { code, event } = await anna.event('error');
    assert.deepEqual([code, event], ['INVALID_PAYLOAD', 'chat_history']);
  },

  async 'a message sent again with its clientMessageId is the same message'(t, gateway, kind) {
    const [anna, bert] = await party(t, gateway, ['anna', 'bert'], { kind });
    const message = { content: 'once only', clientMessageId: 'retry-1' };
    const first = await anna.ask('chat_message', message);
    const again = await anna.ask('chat_message', message);
    assert.deepEqual(again, first);
    const other = await bert.ask('chat_message', message);
    assert.notEqual(other.id, first.id, "another user's equal clientMessageId is another message");
    await settle(anna, anna, bert);
    const copies = bert.recorder.all('chat_message').filter(({ id }) => id === first.id);
    assert.equal(copies.length, 1);
  },

  async 'outside a room there is neither chat nor history'(t, gateway, kind) {
    const client = await connect(t, gateway, { kind });
    assertRefused(await client.ask('chat_message', { content: 'anyone?' }), 'NOT_IN_ROOM');
    assertRefused(await client.ask('chat_history', {}), 'NOT_IN_ROOM');
    client.send('chat_message', { content: 'anyone?' });
    const { code, event } = await client.event('error');
    assert.deepEqual([code, event], ['NOT_IN_ROOM', 'chat_message']);
    assert.deepEqual(client.recorder.all('chat_message'), []);
  },

  async 'rooms do not hear each other'(t, gateway, kind) {
    const [anna] = await party(t, gateway, ['anna'], { kind });
    const [carl] = await party(t, gateway, ['carl'], { kind });
    await anna.ask('chat_message', { content: 'for my room' });
    await settle(carl, carl);
    assert.ok(!carl.recorder.all('chat_message').some(({ content }) => content === 'for my room'));
    assert.ok(!(await carl.ask('chat_history', {})).messages.some(({ content }) => content === 'for my room'));
  },
};

for (const kind of [...PLAIN_KINDS, ...MSGPACK_KINDS]) {
  const gateway = kind.parser ? binary : plain;
  describe(`chat: ${kindName(kind)}`, { concurrency: 4 }, () => {
    for (const [name, scenario] of Object.entries(scenarios)) test(name, (t) => scenario(t, gateway, kind));
  });
}

describe('history', () => {
  test('gives 50 messages when not told how many, and at most 100', async (t) => {
    const [anna] = await party(t, plain, ['anna']);
    const acks = await Promise.all(Array.from({ length: 120 }, (_, n) => anna.ask('chat_message', { content: `n${n}` })));
    const ids = acks.map(({ id }) => id);
    const page = async (query) => (await anna.ask('chat_history', query)).messages.map(({ id }) => id);
    assert.deepEqual(await page({}), ids.slice(-50));
    assert.deepEqual(await page({ limit: 100 }), ids.slice(-100));
    assert.deepEqual(await page({ limit: 100, before: ids[20] }), ids.slice(0, 20));
    for (const limit of [0, 101, -1, 1.5, '10', {}]) {
      assertRefused(await anna.ask('chat_history', { limit }), 'INVALID_PAYLOAD', /limit/);
    }
  });
});
