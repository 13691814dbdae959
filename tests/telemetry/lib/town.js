import assert from 'node:assert/strict';
import { connect } from '../../clients/lib/client.js';
import { comeBackAs } from '../../clients/lib/resume.js';
import { description, freshCode, party } from '../../clients/lib/rooms.js';
import { until } from '../../clients/lib/wait.js';
import { connectRaw } from '../../clients/lib/websocket.js';
import { ChatService } from '../../chat/lib/service.js';
import { Cluster } from '../../cluster/lib/cluster.js';
import { Redis } from '../../cluster/lib/redis.js';
import { API_KEY, published } from '../../events/lib/api.js';
import { envelope, publish, subscribe } from '../../events/lib/house.js';
import { MediaStub } from '../../sfu/lib/media-stub.js';
import { RoomService } from '../../sfu/lib/room-service.js';

/**
 * Two nodes with everything that they can work with, such that all figures can move.
 * @param {{after: (work: () => unknown) => void}} t
 */
export async function town(t) {
  const redis = await Redis.start();
  t.after(() => redis.stop());
  const [chat, rooms, media] = await Promise.all([ChatService.start(t), RoomService.start(t), MediaStub.start(t)]);
  const cluster = await Cluster.start(redis, {
    size: 2,
    env: {
      API_KEY,
      CHAT_SERVICE_URL: chat.url,
      ROOM_SERVICE_URL: rooms.url,
      MEDIA_SERVICE_URL: media.url,
      RATE_LIMITS: 'on',
      // Some have to come back in time, some to be given up.
      RECONNECT_WINDOW_MS: '12000',
    },
  });
  t.after(() => cluster.stop());
  return { redis, chat, rooms, media, cluster, nodes: cluster.nodes };
}

/** Asks, which must go well. */
export async function done(client, event, ...args) {
  const answer = await client.ask(event, ...args);
  assert.equal(answer.status, 'ok', `${event}: ${JSON.stringify(answer)}`);
  return answer;
}

/** Two clients on two nodes in one room of mode p2p. */
export async function pair(t, { rooms, cluster, nodes }, options = {}) {
  const code = rooms.define(freshCode());
  const [anna, ben] = await party(t, cluster, ['anna', 'ben'], { code, nodes, ...options });
  return { code, anna, ben };
}

/** An offer, its answer and the states that clients report of it. */
export async function call(anna, ben) {
  await done(anna, 'webrtc:offer', { targetPeerId: ben.peerId, offer: description('offer') });
  await ben.event('webrtc:offer');
  await done(ben, 'webrtc:answer', { targetPeerId: anna.peerId, answer: description('answer') });
  await anna.event('webrtc:answer');
  await done(anna, 'webrtc:ice', { targetPeerId: ben.peerId, candidate: null });
  for (const state of ['connecting', 'connected']) await done(anna, 'webrtc:state', { state, targetPeerId: ben.peerId });
  await done(ben, 'webrtc:state', { state: 'failed' });
}

/** A bit of everything, for those who want to see all figures. */
export async function life(t, all) {
  const { anna, ben } = await pair(t, all);
  await call(anna, ben);
  await done(anna, 'chat_message', { content: 'hello' });
  await anna.ask('make:coffee');
  const sfu = all.rooms.define(freshCode('sfu'), { mode: 'sfu' });
  const [cleo] = await party(t, all.cluster, ['cleo'], { code: sfu });
  await done(cleo, 'sfu_get_router_capabilities');
  const raw = await connectRaw(t, all.nodes[0], '/ws', { username: 'dora' });
  raw.send({ type: 'join', room: all.rooms.define(freshCode()), sender: 'dora' });
  await raw.frame('joined');
  raw.close();
  await subscribe(anna, 'match:7');
  await publish(all.redis, 'match:events', envelope('match_started', { matchId: 7 }));
  await anna.event('match_started');
  await publish(all.redis, 'match:events', 'no envelope');
  await all.redis.command('PUBLISH', 'socket.io#/#', 'nothing that an emitter would say');
  await published(all.nodes[0], { user: anna.userId, event: 'score', data: 1 });
  ben.terminate();
  await until(async () => (await all.redis.hash(`disconnecting:{${ben.userId}}`))[ben.peerId], 'the loss is noticed');
  await comeBackAs(t, all.cluster, ben).then((back) => back.event('room:resumed'));
  await refusedAtLast(t, all.nodes[0]);
  return { anna, ben, cleo };
}

/** Speaks more often than anybody may: of 300 at once and 20 a second, however long it takes. */
export const flood = (client) => Promise.all(Array.from({ length: 1_000 }, () => client.ask('chat_message', { content: 'again' })));

/** Somebody whose token nobody takes. */
async function refusedAtLast(t, node) {
  await assert.rejects(connect(t, node, { token: 'nonsense' }), /Authentication error/);
}
