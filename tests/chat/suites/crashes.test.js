import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { freshCode, join, party } from '../../clients/lib/rooms.js';
import { connect } from '../../clients/lib/client.js';
import { until } from '../../clients/lib/wait.js';
import { comeBackAs, lose, partyWithProxy } from '../../clients/lib/resume.js';
import { alone, numbered, roomIdOf, say, sayAll, together, untilStored, waiting } from '../lib/house.js';

describe('a gateway that is killed between acknowledgement and delivery', { concurrency: 3 }, () => {
  test('loses nothing: another node delivers, which never had the room', async (t) => {
    const { service, cluster, redis } = await together(t);
    const code = freshCode();
    const [anna] = await party(t, cluster, ['anna'], { code, nodes: [cluster.nodes[0]] });
    service.hang();
    const ids = await sayAll(anna, numbered(30));
    await cluster.nodes[0].kill();
    service.heal();
    await untilStored(service, roomIdOf(code), ids);
    await until(async () => (await waiting(redis, roomIdOf(code))) === 0, 'nothing waits any more');
    assert.deepEqual(service.races, []);
  });

  test('whose room had ended: another delivers', async (t) => {
    const { service, cluster } = await together(t);
    const code = freshCode();
    const [anna] = await party(t, cluster, ['anna'], { code, nodes: [cluster.nodes[0]] });
    service.answer(503);
    const ids = await sayAll(anna, numbered(5));
    await anna.ask('leave:room');
    await cluster.nodes[0].kill();
    service.heal();
    await untilStored(service, roomIdOf(code), ids);
  });

  test('with all others: the next that is started delivers', async (t) => {
    const { service, cluster } = await together(t);
    const code = freshCode();
    const [anna, bert] = await party(t, cluster, ['anna', 'bert'], { code, nodes: cluster.nodes });
    service.answer(500);
    const ids = [...await sayAll(anna, numbered(10)), ...await sayAll(bert, numbered(10))];
    await Promise.all(cluster.nodes.map((node) => node.kill()));
    service.heal();
    await cluster.run(1);
    await untilStored(service, roomIdOf(code), ids);
  });

  test('leaves batches that keep their key', async (t) => {
    const { service, cluster } = await together(t);
    const code = freshCode();
    const [anna, bert] = await party(t, cluster, ['anna', 'bert'], { code, nodes: cluster.nodes });
    service.answer(500);
    const first = await say(anna, 'under way');
    await until(() => service.deliveries.length > 0, 'the batch is known');
    const more = await sayAll(bert, numbered(10));
    await cluster.nodes[0].kill();
    await until(() => service.deliveries.length > 3, 'it is tried again');
    service.heal();
    await untilStored(service, roomIdOf(code), [first.id, ...more]);
    const keys = service.deliveries.filter(({ ids }) => ids[0] === first.id).map(({ key }) => key);
    assert.equal(new Set(keys).size, 1);
  });

  test('is not heard twice: a re-send on another node gets the first answer', async (t) => {
    const { cluster, service } = await together(t, { size: 3 });
    const code = freshCode();
    const [anna, bert] = await party(t, cluster, ['anna', 'bert'], { code, nodes: [cluster.nodes[0], cluster.nodes[1]] });
    const message = { content: 'only once', clientMessageId: 'again' };
    const first = await anna.ask('chat_message', message);
    await untilStored(service, roomIdOf(code), [first.id]);
    await cluster.nodes[0].kill();
    const back = await connect(t, cluster.nodes[2], {
      sub: anna.userId, username: 'anna', auth: { resumeToken: anna.resumeToken },
    });
    await join(back, code);
    assert.deepEqual(await back.ask('chat_message', message), first);
    const { id } = await say(back, 'and on');
    await bert.event('chat_message', (chat) => chat.id === id);
    assert.deepEqual(bert.recorder.all('chat_message').map((chat) => chat.id), [first.id, id]);
  });
});

describe('several nodes with one room', { concurrency: 3 }, () => {
  test('deliver one after the other, never at once, and nothing twice', async (t) => {
    const { service, cluster } = await together(t, { size: 3 });
    const code = freshCode();
    const clients = await party(t, cluster, ['anna', 'bert', 'carl'], { code, nodes: cluster.nodes });
    service.slow(15);
    const sent = await Promise.all(clients.map((client) => sayAll(client, numbered(60))));
    await until(() => service.stored(roomIdOf(code)).length === 180, 'all are stored');
    const stored = service.stored(roomIdOf(code)).map(({ id }) => id);
    for (const ids of sent) assert.deepEqual(stored.filter((id) => ids.includes(id)), ids, 'in the order of their sender');
    assert.deepEqual([service.races, service.repeated], [[], 0]);
  });

  test('of which one freezes while it delivers: another goes on, and what the first thinks later does no harm', async (t) => {
    const { service, cluster, redis } = await together(t);
    const code = freshCode();
    const [anna, bert] = await party(t, cluster, ['anna', 'bert'], { code, nodes: cluster.nodes });
    service.hang();
    const ids = await sayAll(anna, numbered(10));
    await until(async () => (await redis.exists(`chat:flush:{${roomIdOf(code)}}`)), 'the first delivers');
    cluster.nodes[0].signal('SIGSTOP');
    t.after(() => cluster.nodes[0].signal('SIGCONT'));
    service.heal();
    ids.push(...await sayAll(bert, numbered(10, 'meanwhile')));
    await untilStored(service, roomIdOf(code), ids);
    service.answer(503);
    const later = await sayAll(bert, numbered(10, 'later'));
    cluster.nodes[0].signal('SIGCONT');
    await cluster.ready(0);
    assert.equal(await waiting(redis, roomIdOf(code)), 10, 'what it did not deliver it does not remove');
    service.heal();
    await untilStored(service, roomIdOf(code), [...ids, ...later]);
  });

  test('give a peer that comes back elsewhere what it missed, once', async (t) => {
    const { cluster } = await together(t, { env: { RECONNECT_WINDOW_MS: '60000' } });
    const [home, elsewhere] = cluster.nodes;
    const { proxy, others: [anna], lossy: bert } = await partyWithProxy(t, home, ['anna', 'bert'], { nodes: [elsewhere] });
    // What is written before its node has noticed may be on the wire, of which nobody knows.
    await lose(proxy);
    const ids = [];
    for (const n of Array.from({ length: 20 }).keys()) ids.push((await say(anna, `missed ${n}`, `c${n}`)).id);
    const back = await comeBackAs(t, elsewhere, bert);
    await back.event('room:resumed');
    ids.push((await say(anna, 'and on')).id);
    await back.event('chat_message', (chat) => chat.id === ids.at(-1));
    assert.deepEqual(back.recorder.all('chat_message').map(({ id }) => id), ids);
  });
});

describe('SIGTERM', { concurrency: 2 }, () => {
  const ENV = { SHUTDOWN_GRACE_MS: '500' };

  test('without Redis: what was said is delivered before the process ends', async (t) => {
    const { service, gateway } = await alone(t, ENV);
    const code = freshCode();
    const [anna] = await party(t, gateway, ['anna'], { code });
    service.slow(100);
    const ids = await sayAll(anna, numbered(250));
    gateway.signal('SIGTERM');
    assert.deepEqual(await gateway.exited(), { code: 0, signal: null });
    assert.deepEqual(service.stored(roomIdOf(code)).map(({ id }) => id), ids);
  });

  test('with Redis, while the service is away: others deliver what is left', async (t) => {
    const { service, cluster } = await together(t, { env: ENV });
    const code = freshCode();
    const [anna] = await party(t, cluster, ['anna'], { code, nodes: [cluster.nodes[0]] });
    service.answer(503);
    const ids = await sayAll(anna, numbered(20));
    cluster.nodes[0].signal('SIGTERM');
    assert.deepEqual(await cluster.nodes[0].exited(), { code: 0, signal: null });
    service.heal();
    await untilStored(service, roomIdOf(code), ids);
  });

  test('without Redis, while the service is away: what is lost is said in the log', async (t) => {
    const { service, gateway } = await alone(t, ENV);
    const [anna] = await party(t, gateway, ['anna']);
    service.answer(503);
    await sayAll(anna, numbered(3));
    gateway.signal('SIGTERM');
    assert.deepEqual(await gateway.exited(), { code: 0, signal: null });
    assert.match(gateway.log, /"messages":3.*chat is lost|chat is lost.*"messages":3/);
  });
});
