import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { connect } from '../../clients/lib/client.js';
import { assertRefused, freshCode, join, party } from '../../clients/lib/rooms.js';
import { until } from '../../clients/lib/wait.js';
import { alone, homes, numbered, roomIdOf, say, sayAll, together, untilStored, waiting } from '../lib/house.js';

const V7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

for (const [home, start] of Object.entries(homes)) {
  describe(`chat ${home}`, { concurrency: 4 }, () => {
    test('is delivered as clients get it, in order, with ids of version 7', async (t) => {
      const { service, gateway } = await start(t);
      const code = freshCode();
      const [anna, bert] = await party(t, gateway, ['anna', 'bert'], { code });
      const ids = await sayAll(anna, numbered(30));
      const { id } = await say(anna, 'with an id of mine', 'mine');
      await untilStored(service, roomIdOf(code), [...ids, id]);
      for (const each of [...ids, id]) assert.match(each, V7);
      await bert.event('chat_message', (chat) => chat.id === id);
      assert.deepEqual(service.stored(roomIdOf(code)), bert.recorder.all('chat_message'));
      for (const { key } of service.deliveries) assert.match(key, /^[0-9a-f]{32}$/);
      assert.deepEqual(service.races, []);
    });

    test('is acknowledged and heard while the service hangs, is down or fails, and delivered once when it is back', async (t) => {
      const { service, gateway } = await start(t);
      const code = freshCode();
      const [anna, bert] = await party(t, gateway, ['anna', 'bert'], { code });
      const ids = [];
      const faults = [
        () => service.hang(), () => service.answer(500), () => service.answer(503, { 'retry-after': '1' }),
        () => service.answer(429), () => service.answer(408), () => service.stop(),
      ];
      for (const [round, fault] of faults.entries()) {
        await fault();
        ids.push(...await sayAll(anna, numbered(5, `round ${round}`)));
      }
      for (const id of ids) await bert.event('chat_message', (chat) => chat.id === id);
      assert.equal(service.count, 0);
      service.heal();
      await service.run();
      await untilStored(service, roomIdOf(code), ids);
      assert.equal(service.repeated, 0);
    });

    test('whose delivery was not answered is delivered again under the same key', async (t) => {
      const { service, gateway } = await start(t);
      const code = freshCode();
      const [anna] = await party(t, gateway, ['anna'], { code });
      service.forgetToAnswer();
      const { id } = await say(anna, 'once');
      await until(() => service.deliveries.length >= 3, 'it is tried again');
      const more = (await say(anna, 'after that')).id;
      service.heal();
      await untilStored(service, roomIdOf(code), [id, more]);
      const first = service.deliveries.filter(({ ids }) => ids[0] === id);
      assert.ok(first.length >= 3);
      assert.equal(new Set(first.map(({ key }) => key)).size, 1, 'one batch, one key');
      assert.ok(first.every(({ ids }) => ids.length === 1), 'the batch stays what it was');
    });

    test('is refused beyond the bound, and accepted again when the service is back', async (t) => {
      const { service, gateway } = await start(t, { CHAT_BUFFER_MAX: '20' });
      const code = freshCode();
      const [anna, bert] = await party(t, gateway, ['anna', 'bert'], { code });
      service.answer(503);
      const ids = await sayAll(anna, numbered(20));
      // What waits is counted by what Redis last said, which may be a message behind.
      const refused = await until(async () => {
        const answer = await anna.ask('chat_message', { content: 'one more' });
        if (answer.status === 'ok') ids.push(answer.id);
        return answer.status === 'ok' ? null : answer;
      }, 'no more is accepted');
      assert.ok(ids.length <= 23, `${ids.length} were accepted`);
      assertRefused(refused, 'SERVICE_UNAVAILABLE');
      assertRefused(await anna.ask('chat_message', { content: 'too much', clientMessageId: 'later' }), 'SERVICE_UNAVAILABLE');
      assert.equal(refused.retryable, true);
      const other = await party(t, gateway, ['carl']);
      await say(other[0], 'another room has a bound of its own');
      service.heal();
      const { id } = await until(async () => {
        const answer = await anna.ask('chat_message', { content: 'too much', clientMessageId: 'later' });
        return answer.status === 'ok' ? answer : null;
      }, 'chat is accepted again');
      await untilStored(service, roomIdOf(code), [...ids, id]);
      await bert.event('chat_message', (chat) => chat.id === id);
      assert.equal(bert.recorder.all('chat_message').filter(({ content }) => content === 'too much').length, 1);
    });

    test('sent again under its clientMessageId is the same message, after a new join and from another connection too', async (t) => {
      const { service, gateway } = await start(t);
      const code = freshCode();
      const [anna, bert] = await party(t, gateway, ['anna', 'bert'], { code });
      const message = { content: 'once only', clientMessageId: 'retry' };
      const [first, twin] = await Promise.all([anna.ask('chat_message', message), anna.ask('chat_message', message)]);
      assert.deepEqual(twin, first);
      await anna.ask('leave:room');
      await join(anna, code);
      assert.deepEqual(await anna.ask('chat_message', message), first);
      const again = await connect(t, gateway, { sub: anna.userId, username: 'anna' });
      await join(again, code);
      assert.deepEqual(await again.ask('chat_message', message), first);
      const { id: last } = await say(anna, 'the end');
      await bert.event('chat_message', (chat) => chat.id === last);
      assert.deepEqual(bert.recorder.all('chat_message').map(({ id }) => id), [first.id, last]);
      await untilStored(service, roomIdOf(code), [first.id, last]);
    });

    test('is answered in the order in which it was sent, whatever becomes of it', async (t) => {
      const { gateway } = await start(t);
      const [anna] = await party(t, gateway, ['anna']);
      const answered = [];
      const texts = ['one', '  ', 'two', 'x'.repeat(4001), 'three', 'bell\u0007', 'four'];
      await Promise.all(texts.map(async (content, n) => {
        const clientMessageId = n % 4 ? undefined : `c${n}`;
        const answer = await anna.ask('chat_message', { content, clientMessageId });
        answered.push([n, answer.status, answer.code]);
      }));
      const bad = (n) => [n, 'error', 'INVALID_PAYLOAD'];
      const good = (n) => [n, 'ok', undefined];
      assert.deepEqual(answered, [good(0), bad(1), good(2), bad(3), good(4), bad(5), good(6)]);
    });

    test('of a client that leaves at once is said all the same, in the room where it was', async (t) => {
      const { service, gateway } = await start(t);
      const code = freshCode();
      const [anna, bert] = await party(t, gateway, ['anna', 'bert'], { code });
      anna.send('chat_message', { content: 'plain goodbye' });
      anna.send('chat_message', { content: 'goodbye', clientMessageId: 'bye' });
      await anna.ask('join:room', { roomCode: freshCode() });
      await bert.event('chat_message', ({ content }) => content === 'goodbye');
      await until(() => service.stored(roomIdOf(code)).length === 2, 'both are stored');
      assert.equal(service.count, 2);
    });

    test('history is put together from the service and from what waits for it', async (t) => {
      const { service, gateway } = await start(t);
      const code = freshCode();
      const [anna] = await party(t, gateway, ['anna'], { code });
      const stored = await sayAll(anna, numbered(60, 'stored'));
      await untilStored(service, roomIdOf(code), stored);
      service.forgetToAnswer();
      const half = await sayAll(anna, numbered(3, 'half'));
      await until(() => service.count >= 61, 'some are in both places');
      const kept = await sayAll(anna, numbered(20, 'waiting'));
      const all = [...stored, ...half, ...kept];
      service.heal();
      const bert = await connect(t, gateway);
      await join(bert, code);
      const page = async (query) => {
        const { status, messages, partial } = await bert.ask('chat_history', query);
        assert.deepEqual([status, partial], ['ok', undefined]);
        return messages.map(({ id }) => id);
      };
      assert.deepEqual(await page({ limit: 100 }), all);
      const back = [];
      for (let before; ;) {
        const ids = await page({ limit: 10, ...(before ? { before } : {}) });
        if (ids.length === 0) break;
        back.unshift(...ids);
        [before] = ids;
      }
      assert.deepEqual(back, all);
    });

    test('history is partial while the service is away, and says so', async (t) => {
      const { service, gateway } = await start(t);
      const code = freshCode();
      const [anna] = await party(t, gateway, ['anna'], { code });
      await service.stop();
      const ids = await sayAll(anna, numbered(5));
      const bert = await connect(t, gateway);
      await join(bert, code);
      const { status, messages, partial } = await bert.ask('chat_history', {});
      assert.deepEqual([status, messages.map(({ id }) => id), partial], ['ok', ids, true]);
    });

    test('outlives its room', async (t) => {
      const { service, gateway } = await start(t);
      const code = freshCode();
      const [anna, bert] = await party(t, gateway, ['anna', 'bert'], { code });
      service.answer(503);
      const ids = await sayAll(anna, numbered(250));
      await anna.ask('leave:room');
      bert.close();
      await until(() => service.deliveries.length > 1, 'it is tried');
      service.heal();
      await untilStored(service, roomIdOf(code), ids);
      assert.ok(service.deliveries.every(({ ids: batch }) => batch.length <= 100), 'batches are bounded');
    });

    test('that the service refuses is logged by id, and holds up nothing', async (t) => {
      const { service, gateway, redis } = await start(t);
      const code = freshCode();
      const [anna] = await party(t, gateway, ['anna'], { code });
      service.answer(503);
      const ids = await sayAll(anna, numbered(40));
      const poison = (await say(anna, 'poison of the worst kind')).id;
      ids.push(...await sayAll(anna, numbered(40, 'after')));
      service.refuse(({ content }) => content.startsWith('poison'));
      await untilStored(service, roomIdOf(code), ids);
      await until(() => gateway.log.includes(poison), 'the log names it');
      assert.ok(!gateway.log.includes('worst kind'), 'and not what it says');
      if (!redis) return;
      const dead = await redis.command('LRANGE', `chat:dead:{${roomIdOf(code)}}`, 0, -1);
      const [letter, ...more] = dead.map((text) => JSON.parse(text));
      assert.deepEqual(more, []);
      assert.deepEqual([letter.message.id, letter.status, JSON.parse(letter.answer)], [poison, 400, { error: 'not this one' }]);
    });
  });
}

describe('the buffer in Redis', { concurrency: 4 }, () => {
  test('holds a message when it is acknowledged, as clients get it, and is gone when all is delivered', async (t) => {
    const { service, cluster, redis } = await together(t);
    const code = freshCode();
    const [anna] = await party(t, cluster, ['anna'], { code });
    service.hang();
    const ids = [];
    for (const content of numbered(10)) {
      const { id } = await say(anna, content);
      ids.push(id);
      const buffer = await redis.command('LRANGE', `chat:buffer:{${roomIdOf(code)}}`, 0, -1);
      assert.deepEqual(buffer.map((text) => JSON.parse(text).id), ids);
    }
    const [last] = await redis.command('LRANGE', `chat:buffer:{${roomIdOf(code)}}`, -1, -1);
    assert.deepEqual(JSON.parse(last), anna.recorder.all('chat_message').at(-1));
    assert.equal(await redis.command('TTL', `chat:buffer:{${roomIdOf(code)}}`), -1, 'it does not lapse');
    service.heal();
    await untilStored(service, roomIdOf(code), ids);
    await until(async () => (await redis.keys('chat:*')).every((key) => key.startsWith('chat:sent:')), 'the keys are gone');
    for (const key of await redis.keys('chat:sent:*')) {
      const ttl = await redis.command('TTL', key);
      assert.ok(ttl > 0 && ttl <= 600, `${key} lapses in ${ttl} s`);
    }
    await anna.ask('leave:room');
    await until(async () => !(await redis.keys('node:*:rooms')).length, 'no node has the room any more');
  });

  test('of a room that was left is what a node that comes later asks for', async (t) => {
    const { service, cluster, redis } = await together(t);
    const code = freshCode();
    const [anna] = await party(t, cluster, ['anna'], { code, nodes: [cluster.nodes[0]] });
    await service.stop();
    const ids = await sayAll(anna, numbered(30));
    await anna.ask('leave:room');
    const [bert] = await party(t, cluster, ['bert'], { code, nodes: [cluster.nodes[1]] });
    const { messages } = await bert.ask('chat_history', { limit: 10, before: ids[20] });
    assert.deepEqual(messages.map(({ id }) => id), ids.slice(10, 20));
    assert.equal(await waiting(redis, roomIdOf(code)), 30);
  });
});

describe('limits', { concurrency: 2 }, () => {
  test('hold a client that chats too fast to a rate, and nothing else of it', async (t) => {
    const { gateway } = await alone(t, { RATE_LIMITS: 'on' });
    const [anna, bert] = await party(t, gateway, ['anna', 'bert']);
    const answers = await Promise.all(numbered(600).map((content) => anna.ask('chat_message', { content })));
    const limited = answers.filter(({ code }) => code === 'RATE_LIMITED');
    assert.ok(limited.length > 0 && limited.length <= 300, `${limited.length} of 600 were refused`);
    assert.ok(limited.every(({ retryable }) => retryable));
    assert.equal((await anna.ask('webrtc:ice', { targetPeerId: bert.peerId, candidate: null })).status, 'ok');
    await say(bert, 'others may');
    await until(async () => (await anna.ask('chat_message', { content: 'later' })).status === 'ok', 'it may speak again');
    const pages = await Promise.all(numbered(300).map(() => bert.ask('chat_history', {})));
    assert.ok(pages.some(({ code }) => code === 'RATE_LIMITED') && pages.some(({ status }) => status === 'ok'));
  });

  test('are lifted with RATE_LIMITS=off', async (t) => {
    const { gateway } = await alone(t);
    const [anna] = await party(t, gateway, ['anna']);
    const answers = await Promise.all(numbered(600).map((content) => anna.ask('chat_message', { content })));
    assert.ok(answers.every(({ status }) => status === 'ok'));
  });
});
