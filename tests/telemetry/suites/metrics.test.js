import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { connect, refusal } from '../../clients/lib/client.js';
import { expectAnyEvents } from '../../clients/lib/contract.js';
import { startNode } from '../../clients/lib/gateway.js';
import { Identity } from '../../clients/lib/identity.js';
import { comeBackAs } from '../../clients/lib/resume.js';
import { assertRefused, description, freshCode, join, party } from '../../clients/lib/rooms.js';
import { until } from '../../clients/lib/wait.js';
import { connectRaw } from '../../clients/lib/websocket.js';
import { published } from '../../events/lib/api.js';
import { envelope, publish, subscribe } from '../../events/lib/house.js';
import { metricsOf } from '../../sfu/lib/admin.js';
import { DASHBOARD, namesIn, RULES, textOf } from '../lib/deployed.js';
import { becomes, figure, moves, samplesOf } from '../lib/figures.js';
import { run } from '../lib/run.js';
import { call, done, flood, life, pair, town } from '../lib/town.js';

// A backend calls its events as it likes.
expectAnyEvents();

describe('figures', () => {
  /** @type {Awaited<ReturnType<typeof town>>} */
  let all;
  const suite = { after: (work) => ends.push(work) };
  const ends = [];
  before(async () => (all = await town(suite)));
  test.after(async () => {
    for (const work of ends.reverse()) await work();
  });

  test('of connections move as clients come and go', async (t) => {
    const { nodes } = all;
    const polling = { protocol: 'engineio4', transport: 'polling' };
    const old = { protocol: 'engineio3', transport: 'websocket' };
    const [anna, ben, raw] = await moves(nodes, [
      ['switchboard_connections_opened_total', polling],
      ['switchboard_connections_opened_total', old],
      ['switchboard_connections_opened_total', { protocol: 'signal', transport: 'websocket' }],
    ], () => Promise.all([
      connect(t, nodes[0], { kind: { version: 4, transport: 'polling' } }),
      connect(t, nodes[0], { kind: { version: 2, transport: 'websocket' } }),
      connectRaw(t, nodes[1], `/signal/${all.rooms.define(freshCode())}`),
    ]));
    for (const labels of [polling, old, { protocol: 'signal', transport: 'websocket' }]) {
      await becomes(nodes, 'switchboard_connections', labels, (count) => count === 1);
    }
    await moves(nodes, ['engineio4', 'engineio3', 'signal'].map((protocol) =>
      ['switchboard_connection_duration_seconds_count', { protocol }]), () => [anna, ben, raw].forEach((client) => client.close()));
    await becomes(nodes, 'switchboard_connections', polling, (count) => count === 0);
    await moves(nodes, [['switchboard_connections_refused_total', { protocol: 'engineio4', reason: 'malformed' }]],
      () => refusal(t, nodes[0], { token: 'nonsense' }));
  });

  test('of rooms, joins and leaves move', async (t) => {
    const { nodes, rooms } = all;
    const { code, anna, ben } = await moves(nodes, [
      ['switchboard_joins_total', { outcome: 'ok' }, 2],
      ['switchboard_join_seconds_count', {}, 2],
      ['switchboard_room_peers_count', {}, 2],
      ['switchboard_room_peers_sum', {}, 3],
      ['switchboard_room_lookups_total', { outcome: 'miss' }],
    ], () => pair(t, all));
    assert.ok(code);
    // Each of both nodes serves the room, with a peer of its own and one of the other's.
    await becomes(nodes, 'switchboard_rooms', { mode: 'p2p' }, (count) => count === 2);
    await becomes(nodes, 'switchboard_rooms_by_size', { peers: '2' }, (count) => count === 2);
    await becomes(nodes, 'switchboard_peers', { state: 'online' }, (count) => count === 2);
    await becomes(nodes, 'switchboard_peers', { state: 'remote' }, (count) => count === 2);
    await moves(nodes, [['switchboard_joins_total', { outcome: 'room_not_found' }]],
      async () => assertRefused(await anna.ask('join:room', { roomCode: freshCode('nowhere') }), 'ROOM_NOT_FOUND'));
    assert.ok(rooms);
    await moves(nodes, [['switchboard_leaves_total', { reason: 'left' }]], () => done(ben, 'leave:room'));
  });

  test('of losses and returns move', async (t) => {
    const { nodes, redis, cluster } = all;
    const { ben } = await pair(t, all);
    await moves(nodes, [['switchboard_peers_lost_total', {}]], () => ben.terminate());
    await until(async () => (await redis.hash(`disconnecting:{${ben.userId}}`))[ben.peerId], 'the loss is noticed');
    const back = await moves(nodes, [['switchboard_resumes_total', { outcome: 'elsewhere' }]], async () => {
      const back = await comeBackAs(t, cluster, ben);
      const { resumeToken } = await back.event('room:resumed');
      return Object.assign(back, { resumeToken, peerId: ben.peerId });
    });
    await moves(nodes, [['switchboard_leaves_total', { reason: 'disconnected' }], ['switchboard_peers_lost_total', {}]], () => back.terminate());
    await moves(nodes, [['switchboard_resumes_total', { outcome: 'failed' }]],
      () => connect(t, nodes[0], { sub: ben.userId, auth: { resumeToken: back.resumeToken } }).then((late) => late.ask('heartbeat')));
  });

  test('of signalling and calls move', async (t) => {
    const { nodes } = all;
    const { anna, ben } = await pair(t, all);
    const event = (event, outcome = 'ok') => ['switchboard_client_events_total', { protocol: 'engineio4', event, outcome }];
    await moves(nodes, [
      ...['webrtc:offer', 'webrtc:answer', 'webrtc:ice', 'webrtc:state'].map((name) => event(name)),
      ...['webrtc:offer', 'webrtc:answer', 'webrtc:ice'].map((event) => ['switchboard_sent_events_total', { event, outcome: 'queued' }]),
      ['switchboard_event_handling_seconds_count', { protocol: 'engineio4', kind: 'relay' }, 3],
      ['switchboard_offers_total', { outcome: 'answered' }],
      ['switchboard_offer_answer_seconds_count', {}],
      ['switchboard_webrtc_states_total', { state: 'connected' }],
      ['switchboard_webrtc_outcomes_total', { outcome: 'connected' }],
      ['switchboard_webrtc_outcomes_total', { outcome: 'failed' }],
      ['switchboard_webrtc_connect_seconds_count', {}],
    ], () => call(anna, ben));
    const settled = await figure(nodes, 'switchboard_webrtc_outcomes_total');
    await done(anna, 'webrtc:state', { state: 'failed' });
    assert.equal(await figure(nodes, 'switchboard_webrtc_outcomes_total'), settled, 'only the first outcome counts');
    await moves(nodes, [event('webrtc:state', 'invalid_payload')],
      async () => assertRefused(await anna.ask('webrtc:state', { state: 'splendid' }), 'INVALID_PAYLOAD', /^state must be one of new, /));
    await moves(nodes, [event('webrtc:offer', 'peer_not_found'), event('unknown', 'unknown_event')], async () => {
      assertRefused(await anna.ask('webrtc:offer', { targetPeerId: 'nobody', offer: description('offer') }), 'PEER_NOT_FOUND');
      assertRefused(await anna.ask('make:coffee'), 'UNKNOWN_EVENT');
    });
    await moves(nodes, [['switchboard_offers_total', { outcome: 'replaced' }]], async () => {
      for (const _ of [1, 2]) await done(anna, 'webrtc:offer', { targetPeerId: ben.peerId, offer: description('offer') });
    });
    await becomes(nodes, 'switchboard_offers_pending', {}, (count) => count >= 1);
  });

  test('of raw clients move under the names of the same events', async (t) => {
    const { nodes, rooms } = all;
    const code = rooms.define(freshCode());
    const event = (event, outcome = 'ok') => ['switchboard_client_events_total', { protocol: 'ws', event, outcome }];
    await moves(nodes, [event('join:room'), event('chat_message'), event('webrtc:offer', 'peer_not_found'), event('leave:room'),
      ['switchboard_websocket_closes_total', { protocol: 'ws', code: '1000' }]], async () => {
      const raw = await connectRaw(t, nodes[0], '/ws', { username: 'dora' });
      raw.send({ type: 'join', room: code, sender: 'dora' });
      await raw.frame('joined');
      raw.send({ type: 'chat', room: code, sender: 'dora', payload: { content: 'hello' } });
      raw.send({ type: 'offer', room: code, sender: 'dora', recipient: 'nobody', payload: description('offer') });
      await raw.frame('error');
      raw.send({ type: 'leave', room: code, sender: 'dora' });
      await raw.frame('left');
      raw.close();
    });
  });

  test('of what goes between nodes, of chat, backends and media servers move', async (t) => {
    const { nodes, redis, chat, media, rooms, cluster } = all;
    const { anna, ben } = await pair(t, all);
    await moves(nodes, [
      ['switchboard_pubsub_published_messages_total', { outcome: 'published' }],
      ['switchboard_pubsub_published_bytes_total', {}],
      ['switchboard_pubsub_received_messages_total', { outcome: 'received' }],
      ['switchboard_pubsub_received_bytes_total', {}],
      ['switchboard_pubsub_lag_seconds_count', {}],
      ['switchboard_chat_delivered_total', {}],
    ], () => done(anna, 'chat_message', { content: 'hello' }));
    for (const name of ['switchboard_redis_up', 'switchboard_redis_delivers']) assert.equal(await figure(nodes, name), 2, name);
    chat.answer(503);
    await moves(nodes, [['switchboard_chat_deliveries_failed_total', {}]], () => done(ben, 'chat_message', { content: 'wait' }));
    await becomes(nodes, 'switchboard_chat_outbox_messages', {}, (count) => count >= 1);
    await becomes(nodes, 'switchboard_chat_outbox_rooms', {}, (count) => count >= 1);
    await becomes(nodes, 'switchboard_chat_outbox_age_seconds', {}, (age) => age > 0);
    chat.heal();
    await becomes(nodes, 'switchboard_chat_outbox_messages', {}, (count) => count === 0);
    await subscribe(anna, 'match:7');
    await moves(nodes, [['switchboard_events_total', { channel: 'match:events', outcome: 'accepted' }], ['switchboard_events_told_total', {}]],
      () => publish(redis, 'match:events', envelope('match_started', { matchId: 7 })));
    await moves(nodes, [['switchboard_api_requests_total', { status: '202' }]], () => published(nodes[0], { user: anna.userId, event: 'score', data: 1 }));
    const [cleo] = await party(t, cluster, ['cleo'], { code: rooms.define(freshCode('sfu'), { mode: 'sfu' }) });
    await becomes(nodes, 'switchboard_rooms', { mode: 'sfu' }, (count) => count >= 1);
    await moves(nodes, [['switchboard_media_requests_total', { outcome: 'ok' }], ['switchboard_media_request_duration_seconds_count', {}]],
      () => done(cleo, 'sfu_get_router_capabilities'));
    await becomes(nodes, 'switchboard_media_breaker_state', {}, (state) => state === 0);
    assert.ok(media);
  });

  test('of limits move when somebody goes too far', async (t) => {
    const { anna } = await pair(t, all);
    await moves(all.nodes, [
      ['switchboard_rate_limited_total', { limit: 'chat_message' }],
      ['switchboard_client_events_total', { event: 'chat_message', outcome: 'rate_limited' }],
    ], () => flood(anna));
  });

  test('of the process are there, and all pass promtool with what they mean', async (t) => {
    await life(t, all);
    for (const name of ['process_resident_memory_bytes', 'process_open_fds', 'runtime_workers', 'runtime_alive_tasks', 'build_info']) {
      assert.ok(await figure(all.nodes, `switchboard_${name}`) > 0, name);
    }
    const { text } = await metricsOf(all.nodes[0]);
    const { code, output } = await run('promtool', ['check', 'metrics'], text);
    assert.equal(code, 0, output);
    assert.equal(output.trim(), '');
    const types = [...text.matchAll(/^# TYPE (\w+)/gm)].map(([, name]) => name);
    assert.deepEqual(types.filter((name) => !name.startsWith('switchboard_')), []);
    assert.deepEqual(types.filter((name) => !text.includes(`# HELP ${name} `)), []);
    const values = (label) => new Set(samplesOf(text).map(({ labels }) => labels[label]));
    assert.ok(values('event').size < 45, 'what clients make up is no label');
  });

  test('are all there that the dashboard and the alerts ask for', async (t) => {
    await life(t, all);
    const texts = await Promise.all(all.nodes.map(async (node) => (await metricsOf(node)).text));
    const there = new Set(texts.flatMap(samplesOf).map(({ name }) => name));
    for (const file of [DASHBOARD, RULES]) {
      const missing = namesIn(textOf(file)).filter((name) => !there.has(name) && !there.has(`${name}_count`));
      assert.deepEqual(missing, [], file);
    }
  });
});

test('a client that does not read is counted when it is cut off', async (t) => {
  const node = await startNode({}, new Identity());
  t.after(() => node.kill());
  const code = freshCode();
  const raw = await connectRaw(t, node, `/signal/${code}`, { username: 'deaf' });
  const [anna] = await party(t, node, ['anna'], { code });
  raw.socket.pause();
  const candidate = { candidate: 'x'.repeat(60_000) };
  const [{ id: targetPeerId }] = (await join(anna, code)).peers;
  await moves([node], [['switchboard_slow_consumer_closes_total', { protocol: 'signal' }], ['switchboard_sent_events_total', { event: 'webrtc:ice', outcome: 'full' }]], async () => {
    let gone = false;
    let queued = 0;
    while (!gone) {
      const answer = await anna.ask('webrtc:ice', { targetPeerId, candidate });
      gone = answer.status !== 'ok';
      queued = Math.max(queued, await figure([node], 'switchboard_queue_bytes'));
    }
    assert.ok(queued > 100_000, `${queued} bytes were seen to wait`);
  });
});
