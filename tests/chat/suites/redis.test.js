import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { freshCode, party } from '../../clients/lib/rooms.js';
import { until } from '../../clients/lib/wait.js';
import { FaultyPath } from '../../cluster/lib/faults.js';
import { Redis } from '../../cluster/lib/redis.js';
import { numbered, roomIdOf, say, sayAll, together, untilStored, waiting } from '../lib/house.js';

describe('Redis that is killed with chat in it', { concurrency: 3 }, () => {
  test('and writes everything to disk: nothing is lost, though all nodes die too', async (t) => {
    const redis = await Redis.start({ options: ['--appendfsync', 'always'] });
    const { service, cluster } = await together(t, { redis });
    const code = freshCode();
    const [anna] = await party(t, cluster, ['anna'], { code });
    service.answer(503);
    const ids = await sayAll(anna, numbered(50));
    await Promise.all(cluster.nodes.map((node) => node.kill()));
    await redis.restartWithData();
    service.heal();
    await cluster.run(0);
    await untilStored(service, roomIdOf(code), ids);
  });

  test('and comes back empty: the nodes that accepted it write it again', async (t) => {
    const { service, cluster, redis } = await together(t);
    const code = freshCode();
    const [anna, bert] = await party(t, cluster, ['anna', 'bert'], { code, nodes: cluster.nodes });
    service.answer(503);
    const ids = await sayAll(anna, numbered(50));
    // A node tells its own words at once: those of the other have to be here before.
    await bert.event('chat_message', ({ id }) => id === ids.at(-1));
    ids.push(...await sayAll(bert, numbered(50)));
    await anna.event('chat_message', ({ id }) => id === ids.at(-1));
    await redis.restartEmpty();
    await until(async () => (await waiting(redis, roomIdOf(code))) === 100, 'all of it is there again');
    service.heal();
    await until(() => service.stored(roomIdOf(code)).length === 100, 'all is stored');
    const stored = service.stored(roomIdOf(code)).map(({ id }) => id);
    for (const half of [ids.slice(0, 50), ids.slice(50)]) assert.deepEqual(stored.filter((id) => half.includes(id)), half);
    const { id } = await say(anna, 'and on');
    await bert.event('chat_message', (chat) => chat.id === id);
    for (const client of [anna, bert]) {
      assert.deepEqual(client.recorder.all('chat_message').map((chat) => chat.id), [...ids, id], 'nobody hears it again');
    }
  });
});

describe('Redis that loses chat and stays', () => {
  test('gets it again from the node that accepted it, and nobody hears it again', async (t) => {
    const { service, cluster, redis } = await together(t);
    const code = freshCode();
    const [anna, bert] = await party(t, cluster, ['anna', 'bert'], { code, nodes: cluster.nodes });
    service.answer(503);
    const ids = await sayAll(anna, numbered(50));
    await bert.event('chat_message', ({ id }) => id === ids.at(-1));
    await redis.command('FLUSHALL');
    await until(async () => (await waiting(redis, roomIdOf(code))) === 50, 'all of it is there again');
    service.heal();
    await untilStored(service, roomIdOf(code), ids);
    const { id } = await say(anna, 'and on');
    await bert.event('chat_message', (chat) => chat.id === id);
    for (const client of [anna, bert]) {
      assert.deepEqual(client.recorder.all('chat_message').map((chat) => chat.id), [...ids, id], 'nobody hears it again');
    }
  });
});

describe('chat while Redis is away', { concurrency: 3 }, () => {
  test('is acknowledged from memory, heard on its node, and delivered in order when Redis is back', async (t) => {
    const { service, cluster, redis } = await together(t);
    const code = freshCode();
    const [anna, bert, carl] = await party(t, cluster, ['anna', 'bert', 'carl'],
      { code, nodes: [cluster.nodes[0], cluster.nodes[0], cluster.nodes[1]] });
    const ids = await sayAll(anna, numbered(5, 'before'));
    // Some are under way when it goes.
    const underWay = numbered(40, 'under way').map((content, n) =>
      anna.ask('chat_message', { content, ...(n % 2 ? { clientMessageId: `c${n}` } : {}) }));
    await redis.kill();
    const answers = await Promise.all(underWay);
    assert.ok(answers.every(({ status }) => status === 'ok'), JSON.stringify(answers.find(({ status }) => status !== 'ok')));
    ids.push(...answers.map(({ id }) => id), ...await sayAll(anna, numbered(20, 'during')));
    await bert.event('chat_message', (chat) => chat.id === ids.at(-1));
    await redis.run();
    await carl.event('chat_message', (chat) => chat.id === ids.at(-1));
    await untilStored(service, roomIdOf(code), ids);
    for (const client of [anna, bert, carl]) {
      assert.deepEqual(client.recorder.all('chat_message').map(({ id }) => id), ids, client.username);
    }
  });

  test('is heard by a node that was cut off once the service tells it, however long that takes', async (t) => {
    const redis = await Redis.start();
    const path = await FaultyPath.to(t, redis);
    const { service, cluster } = await together(t, { redis, urls: [redis.url, path.url] });
    const code = freshCode();
    const [anna, bert] = await party(t, cluster, ['anna', 'bert'], { code, nodes: cluster.nodes });
    path.cut();
    const ids = await sayAll(anna, numbered(20));
    await untilStored(service, roomIdOf(code), ids);
    service.answer(503);
    path.restore();
    await until(() => service.refusedPages > 1, 'the node has asked in vain');
    service.heal();
    await bert.event('chat_message', (chat) => chat.id === ids.at(-1));
    assert.deepEqual(bert.recorder.all('chat_message').map(({ id }) => id), ids);
  });

  test('frozen, is acknowledged too, once that is noticed', async (t) => {
    const { service, cluster, redis } = await together(t);
    const code = freshCode();
    const [anna, bert] = await party(t, cluster, ['anna', 'bert'], { code, nodes: [cluster.nodes[0], cluster.nodes[0]] });
    redis.freeze();
    t.after(() => redis.running && redis.thaw());
    const ids = (await Promise.all(numbered(10).map((content) => say(anna, content)))).map(({ id }) => id);
    const { id } = await say(anna, 'with an id', 'mine');
    await bert.event('chat_message', (chat) => chat.id === id);
    redis.thaw();
    await untilStored(service, roomIdOf(code), [...ids, id]);
  });
});

describe('chat that its sender says again on another node', () => {
  test('is stored once, though the first node has just lost Redis and reads it late', async (t) => {
    const redis = await Redis.start();
    const path = await FaultyPath.to(t, redis);
    const { service, cluster } = await together(t, { redis, urls: [path.url, redis.url] });
    const code = freshCode();
    const [late, prompt] = await party(t, cluster, ['anna', 'anna'], { code, nodes: cluster.nodes, sub: 'anna' });
    const links = (state) => cluster.nodes[0].lines.filter((line) => line.includes(`the link to Redis is ${state}`)).length;
    // How long a node is without Redis is up to the machine: where that is too long, another time.
    let n = 0;
    for (;;) {
      n += 1;
      path.cut();
      await until(() => links('down') === n, 'the first node has lost Redis');
      const { id } = await say(prompt, `once ${n}`, `c${n}`);
      const answer = say(late, `once ${n}`, `c${n}`);
      path.restore();
      await until(() => links('up') === n + 1, 'it has it again');
      if ((await answer).id === id) break;
      assert.ok(n < 10, 'the first node decides alone each time');
    }
    const last = await say(late, 'and on');
    await until(() => service.stored(roomIdOf(code)).some(({ id }) => id === last.id), 'the last is stored');
    const stored = service.stored(roomIdOf(code)).map(({ clientMessageId }) => clientMessageId);
    assert.equal(stored.filter((name) => name === `c${n}`).length, 1, `${stored}`);
  });
});

describe('a slow Redis', () => {
  test('holds up acknowledgements of chat, and no other event of the client', async (t) => {
    const redis = await Redis.start();
    const path = await FaultyPath.to(t, redis);
    const { cluster } = await together(t, { redis, size: 1, urls: [path.url] });
    const [anna, bert] = await party(t, cluster, ['anna', 'bert']);
    path.delay(400);
    const order = [];
    const note = (name) => (answer) => order.push([name, answer.status]);
    const asked = [
      anna.ask('chat_message', { content: 'slow', clientMessageId: 'one' }).then(note('chat')),
      anna.ask('chat_message', { content: 'slow too' }).then(note('chat')),
      anna.ask('webrtc:ice', { targetPeerId: bert.peerId, candidate: 'quick' }).then(note('ice')),
      anna.ask('heartbeat').then(note('heartbeat')),
    ];
    await bert.event('webrtc:ice', ({ candidate }) => candidate === 'quick');
    assert.deepEqual(bert.recorder.all('chat_message'), [], 'what may be a re-send is looked up first');
    await Promise.all(asked);
    assert.deepEqual(order, [['ice', 'ok'], ['heartbeat', 'ok'], ['chat', 'ok'], ['chat', 'ok']]);
    assert.deepEqual(bert.recorder.all('chat_message').map(({ content }) => content), ['slow', 'slow too']);
  });
});
