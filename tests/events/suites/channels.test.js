import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { connect } from '../../clients/lib/client.js';
import { startNode } from '../../clients/lib/gateway.js';
import { Identity } from '../../clients/lib/identity.js';
import { assertRefused } from '../../clients/lib/rooms.js';
import { until } from '../../clients/lib/wait.js';
import { ownCluster, sharedCluster } from '../../cluster/lib/fixture.js';
import { about, counted, envelope, listening, numbers, oneOnEach, publish, subscribe } from '../lib/house.js';

const CHANNELS = JSON.stringify([
  { name: 'orders', types: ['order_paid'], audience: { topic: 'order:{id}' } },
  { name: 'news', types: ['flash'], audience: 'subscribers', ratePerSecond: 5 },
  { name: 'inner', types: ['secret'], audience: 'subscribers', public: false },
]);

/** An event after which all that was published before on the channel has come, or never will. */
async function flush(redis, clients, channel, type, data) {
  const last = envelope(type, data);
  await publish(redis, channel, last);
  await Promise.all(clients.map((client) => client.event(type, (told) => told.number === last.data.number)));
}

const { redis, cluster } = await sharedCluster({ env: { EVENT_CHANNELS: CHANNELS } });
for (const channel of ['leaderboard:updates', 'match:events', 'player:notifications', 'system:events', 'orders', 'news']) {
  await listening(redis, channel, 3);
}

describe('an event of a backend', { concurrency: true }, () => {
  test('comes once to each subscriber on each node, with its data and where it comes from', async (t) => {
    const clients = await oneOnEach(t, cluster);
    const idle = await connect(t, cluster.nodes[0]);
    for (const client of clients) await subscribe(client, 'leaderboard:updates');
    const said = envelope('leaderboard_update', { top: ['anna', { deep: [1.5, null, 'ü'] }] });
    await publish(redis, 'leaderboard:updates', said);
    await flush(redis, clients, 'leaderboard:updates', 'leaderboard_update');
    for (const client of clients) {
      const told = client.recorder.all('leaderboard_update').filter(({ number }) => number === said.data.number);
      assert.deepEqual(told, [said.data]);
      const { channel, serverId, timestamp } = about(client, 'leaderboard_update');
      assert.deepEqual([channel, serverId, typeof timestamp], ['leaderboard:updates', 'backend', 'number']);
    }
    await idle.ask('heartbeat');
    assert.deepEqual(idle.recorder.all('leaderboard_update'), [], 'nobody hears it unasked');
  });

  test('of a match comes to those who subscribe to it, or to all matches, once', async (t) => {
    const [one, all, both] = await oneOnEach(t, cluster);
    await subscribe(one, 'match:m1');
    await subscribe(all, 'match:events');
    for (const channel of ['match:events', 'match:m1', 'match:m2']) await subscribe(both, channel);
    const events = [['m1', 'match_created'], ['m2', 'match_started'], ['m1', 'match_completed'], ['m3', 'match_updated']]
      .map(([matchId, type]) => envelope(type, { matchId }));
    for (const event of events) await publish(redis, 'match:events', event);
    await all.event('match_updated', ({ matchId }) => matchId === 'm3');
    const ours = events.map(({ data }) => data.number);
    const seen = (client) => client.recorder.entries.filter(({ event }) => event.startsWith('match_'))
      .map(({ args: [{ number }] }) => number).filter((number) => ours.includes(number));
    await until(() => seen(one).length >= 2 && seen(both).length >= 4, 'all have heard');
    assert.deepEqual([seen(one), seen(all), seen(both)], [[ours[0], ours[2]], ours, ours]);
  });

  test('for a user comes to all connections of that user, unasked, and to nobody else', async (t) => {
    const [anna, again, bert] = await Promise.all([['anna', 0], ['anna', 1], ['bert', 2]].map(([sub, node]) =>
      connect(t, cluster.nodes[node], { sub: `user-${sub}`, username: sub })));
    await publish(redis, 'player:notifications', envelope('match_invite', { userId: 'user-anna', from: 'carl' }));
    await flush(redis, [anna, again], 'player:notifications', 'rank_changed', { userId: 'user-anna' });
    await flush(redis, [bert], 'player:notifications', 'rank_changed', { userId: 'user-bert' });
    for (const client of [anna, again]) assert.deepEqual(client.recorder.all('match_invite').map(({ from }) => from), ['carl']);
    assert.deepEqual(bert.recorder.all('match_invite'), []);
    assert.equal((await anna.ask('subscribe', { channel: 'player:notifications' })).status, 'ok', 'which changes nothing');
    await flush(redis, [anna], 'player:notifications', 'rank_changed', { userId: 'user-anna' });
    assert.equal(numbers(anna, 'rank_changed').length, new Set(numbers(anna, 'rank_changed')).size);
  });

  test('comes on a channel that is configured, and to its topics', async (t) => {
    const [anna] = await oneOnEach(t, cluster);
    await subscribe(anna, 'order:7');
    await publish(redis, 'orders', envelope('order_paid', { id: 8 }));
    await flush(redis, [anna], 'orders', 'order_paid', { id: 7 });
    assert.deepEqual(anna.recorder.all('order_paid').map(({ id }) => id), [7]);
  });

  test('comes no more after unsubscribing, nor to a client that is gone', async (t) => {
    const [anna, bert] = await oneOnEach(t, cluster);
    for (const client of [anna, bert]) await subscribe(client, 'match:u1');
    assert.equal((await anna.ask('unsubscribe', { channel: 'match:u1' })).status, 'ok');
    assert.equal((await anna.ask('unsubscribe', { channel: 'match:u1' })).status, 'ok', 'twice does no harm');
    await flush(redis, [bert], 'match:events', 'match_started', { matchId: 'u1' });
    await anna.ask('heartbeat');
    assert.deepEqual(anna.recorder.all('match_started'), []);
  });

  test('that is invalid is skipped, counted and put aside once, and the next comes', async (t) => {
    const [anna] = await oneOnEach(t, cluster);
    await subscribe(anna, 'match:bad');
    const [node] = cluster.nodes;
    const reason = (name) => counted(node, 'switchboard_events_invalid_total', { channel: 'match:events', reason: name });
    const cases = {
      envelope: 'no json', type: envelope('no_such_type', { matchId: 'bad' }), audience: envelope('match_started', {}),
      timestamp: envelope('match_started', { matchId: 'bad' }, { timestamp: null }),
      too_long: envelope('match_started', { matchId: 'bad', filler: 'x'.repeat(120_000) }),
    };
    for (const said of Object.values(cases)) await publish(redis, 'match:events', said);
    await flush(redis, [anna], 'match:events', 'match_started', { matchId: 'bad' });
    assert.equal(anna.recorder.all('match_started').length, 1);
    for (const name of Object.keys(cases)) assert.equal(await reason(name), 1, name);
    const letters = await until(async () => {
      const all = (await redis.command('LRANGE', 'events:dead:{match:events}', 0, -1)).map((letter) => JSON.parse(letter));
      return all.length >= Object.keys(cases).length && all;
    }, 'all are put aside');
    assert.deepEqual(letters.map((letter) => letter.reason).sort(), Object.keys(cases).sort());
    assert.ok(letters.every(({ payload }) => payload.length <= 4_096));
  });

  test('that is past its time is not handed on', async (t) => {
    const [anna] = await oneOnEach(t, cluster);
    await subscribe(anna, 'match:ttl');
    const late = envelope('match_started', { matchId: 'ttl' }, { timestamp: Date.now() - 5_000, ttlMs: 1_000 });
    await publish(redis, 'match:events', late);
    await publish(redis, 'match:events', envelope('match_started', { matchId: 'ttl' }, { ttlMs: 60_000 }));
    await flush(redis, [anna], 'match:events', 'match_started', { matchId: 'ttl' });
    assert.equal(anna.recorder.all('match_started').length, 2);
    assert.ok(!numbers(anna, 'match_started').includes(late.data.number));
  });

  test('beyond the rate of its channel is dropped and counted', async (t) => {
    const [anna] = await oneOnEach(t, cluster);
    await subscribe(anna, 'news');
    await Promise.all(Array.from({ length: 50 }, () => publish(redis, 'news', envelope('flash'))));
    const outcome = (name) => counted(cluster.nodes[0], 'switchboard_events_total', { channel: 'news', outcome: name });
    await until(async () => (await outcome('accepted')) + (await outcome('rate_limited')) === 50, 'all are counted');
    assert.ok((await outcome('rate_limited')) > 0);
    await until(async () => anna.recorder.all('flash').length === await outcome('accepted'), 'the others came');
  });
});

describe('a subscription', () => {
  test('is refused where clients may not listen, beyond a bound, and if it says nothing', async (t) => {
    const gateway = await startNode({ EVENT_CHANNELS: CHANNELS }, new Identity());
    t.after(() => gateway.kill());
    const anna = await connect(t, gateway);
    for (const channel of ['inner', 'nothing', 'match:', 'room:x', '']) {
      assertRefused(await anna.ask('subscribe', { channel }), 'FORBIDDEN');
    }
    for (const payload of [{}, { channel: 7 }, { channel: 'match:1', since: 'x' }, { channel: 'match:1', last: -1 },
      { channel: 'match:1', since: '1-1', last: 1 }, { channel: 'match:1', last: 1e9 }, null, 'match:1']) {
      assertRefused(await anna.ask('subscribe', payload), 'INVALID_PAYLOAD');
    }
    for (let n = 0; n < 100; n += 1) await subscribe(anna, `match:${n}`);
    assertRefused(await anna.ask('subscribe', { channel: 'match:100' }), 'RATE_LIMITED');
    await subscribe(anna, 'match:0');
    await anna.ask('unsubscribe', { channel: 'match:0' });
    await subscribe(anna, 'match:100');
  });
});

describe('the gateway', { concurrency: true }, () => {
  test('tells that a node has started and that it stops', async (t) => {
    const { redis, cluster } = await ownCluster(t, { size: 2 });
    await listening(redis, 'system:events', 2);
    const anna = await connect(t, cluster.nodes[0]);
    await subscribe(anna, 'system:events');
    cluster.nodes[1].signal('SIGTERM');
    const stopped = await anna.event('server_stopped');
    assert.deepEqual([stopped.serverId, typeof stopped.version, stopped.draining], ['n2', 'string', true]);
    await cluster.nodes[1].exited();
    await cluster.run(1);
    assert.equal((await anna.event('server_started')).serverId, 'n2');
  });

  test('refuses channels that cannot be, all mistakes said at start', async () => {
    const { runToExit } = await import('../../clients/lib/gateway.js');
    const run = await runToExit({ EVENT_CHANNELS: '[{"name":"a b","types":["x"],"audience":"subscribers"}]' });
    assert.equal(run.code, 64);
    assert.match(run.stderr + run.stdout, /EVENT_CHANNELS.*a b/s);
  });

  test('hears backends again after Redis was restarted', async (t) => {
    const { redis, cluster } = await ownCluster(t, { size: 2 });
    const clients = await oneOnEach(t, cluster);
    for (const client of clients) await subscribe(client, 'match:r');
    await redis.restartEmpty();
    await listening(redis, 'match:events', 2);
    await flush(redis, clients, 'match:events', 'match_started', { matchId: 'r' });
    for (const client of clients) assert.equal(client.recorder.all('match_started').length, 1);
  });
});
