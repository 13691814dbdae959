import assert from 'node:assert/strict';
import { connect } from '../../clients/lib/client.js';
import { announced, freshCode, join, settle } from '../../clients/lib/rooms.js';
import { until } from '../../clients/lib/wait.js';
import { timed } from './fixture.js';
import {
  agreed, arrivals, assertSameRoom, departures, heardAround, settleAll, signalBothWays, spread, untilAgreed,
} from './peers.js';

/**
 * After Redis is back, all is as if it had never been away. Promised are 2 s, of a machine that has time for its
 * processes: this is not one.
 */
const CONVERGENCE_BOUND_MS = 15_000;

/** A second join to the room, on a node where others of it are. */
export async function joinsAt(t, node, code, locals, username) {
  const client = await connect(t, node, { username });
  await join(client, code);
  await announced(client, locals);
  return client;
}

/** Signals and chats among peers of one node, with acks. */
export async function livesOn(one, other) {
  await signalBothWays(one, other);
  await settle(one, one, other);
  await settle(other, one, other);
}

/**
 * What a room can do while its nodes do not hear of each other: peers of one node go on, come and go.
 * Before: anna and carl on the first node, bert on the second. After: carl gone, dora on the first, emil on the second.
 */
export async function apart(t, cluster, code, [anna, bert, carl]) {
  await livesOn(anna, carl);
  const dora = await joinsAt(t, cluster.nodes[0], code, [anna, carl], 'dora');
  const emil = await joinsAt(t, cluster.nodes[1], code, [bert], 'emil');
  await livesOn(dora, anna);
  await livesOn(emil, bert);
  assert.equal((await carl.ask('leave:room')).status, 'ok');
  await anna.event('peer:left', ({ peerId }) => peerId === carl.peerId);
  for (const client of [anna, bert, carl, dora, emil]) assert.ok(client.socket.connected, `${client.username} is connected`);
  return [anna, bert, dora, emil];
}

/** Waits until the room is one again, and checks how long that took and that nothing was said twice. */
export async function together(t, what, code, clients, { gone = [], came = [] } = {}) {
  const { ms } = await timed(async () => {
    await untilAgreed(clients);
    await until(() => heardAround(clients), 'signals go around the room');
  });
  t.diagnostic(`${what}: converged in ${ms} ms`);
  assert.ok(ms <= CONVERGENCE_BOUND_MS, `${what}: ${ms} ms`);
  for (const client of clients) {
    for (const peer of gone) assert.ok(departures(client, peer).length <= 1);
    for (const peer of came) assert.ok(arrivals(client, peer).length <= 1);
  }
  await assertSameRoom(clients, code);
  for (const [index, client] of clients.entries()) await signalBothWays(client, clients[(index + 1) % clients.length]);
  await settleAll(clients);
  assert.ok(agreed(clients), 'it stays so');
}

export async function threePeers(t, cluster) {
  const code = freshCode();
  return { code, peers: await spread(t, cluster, ['anna', 'bert', 'carl'], { code, at: [0, 1, 0] }) };
}

export const allUnready = async (cluster) => {
  for (const index of cluster.nodes.keys()) {
    const { status, text } = await cluster.unready(index);
    assert.equal(status, 503);
    assert.match(text, /redis/i, 'the body says which');
    assert.equal((await cluster.nodes[index].http('/livez')).status, 200);
  }
};

export const allReady = (cluster) => Promise.all([...cluster.nodes.keys()].map((index) => cluster.ready(index)));
