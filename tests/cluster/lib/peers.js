import assert from 'node:assert/strict';
import { partyWithProxy } from '../../clients/lib/resume.js';
import { join, party, settle } from '../../clients/lib/rooms.js';
import { until } from '../../clients/lib/wait.js';

/** @typedef {import('../../clients/lib/client.js').Client} Client */
/** @typedef {import('./cluster.js').Cluster} Cluster */

/**
 * @typedef {import('../../clients/lib/client.js').Options & {code?: string, at?: number[]}} Options
 * `at`: the nodes, one for each name; else they take turns
 */

/** Room ids of codes, where no Room Service gives others. */
export const roomIdOf = (code) => `room_${code.toLowerCase()}`;

/**
 * A {@link party} of which it is known who is on which node: each on another than the one before.
 * @param {{after: (work: () => void) => void}} t @param {Cluster} cluster
 * @param {string[]} names @param {Options} [options]
 * @returns {Promise<Client[]>}
 */
export function spread(t, cluster, names, { at, ...options } = {}) {
  const nodes = names.map((_, index) => cluster.nodes[at ? at[index] : index % cluster.nodes.length]);
  return party(t, cluster, names, { ...options, nodes });
}

/**
 * As {@link spread}, the last one being on the first node and behind a proxy.
 * @param {{after: (work: () => void) => void}} t @param {Cluster} cluster
 * @param {string[]} names the others are on the following nodes
 * @param {Options} [options] for the one behind the proxy
 */
export function spreadWithProxy(t, cluster, names, { at, ...options } = {}) {
  const places = at ?? names.slice(1).map((_, index) => 1 + (index % (cluster.nodes.length - 1)));
  return partyWithProxy(t, cluster.nodes[0], names, { ...options, nodes: places.map((place) => cluster.nodes[place]) });
}

/** Waits until all that anybody was sent has arrived, whichever node it came through. @param {Client[]} clients */
export const settleAll = (clients) => settle(clients[0], ...clients);

/**
 * What a client was told about who is there, checked on the way: nobody comes twice, nobody
 * goes who was not there.
 * @param {Client} client
 * @param {Set<string>} [before] what the same peer knew on its former connection
 * @returns {Set<string>} peer ids of the others
 */
export function othersSeenBy(client, before = new Set()) {
  let here = new Set(before);
  for (const { event, args: [told] } of client.recorder.entries) {
    if (event === 'room:joined') here = new Set(told.peers.map(({ id }) => id));
    if (event === 'peer:joined') {
      assert.ok(!here.has(told.peerId), `${client.username} was told twice that ${told.peerId} came`);
      here.add(told.peerId);
    }
    if (event === 'peer:left') {
      assert.ok(here.delete(told.peerId), `${client.username} was told that ${told.peerId} left, who was not there`);
    }
  }
  return here;
}

const sorted = (ids) => [...ids].sort();

/** Whether each client was told of exactly the others by now. @param {Client[]} clients @param {Map<Client, Set<string>>} [before] */
export function agreed(clients, before = new Map()) {
  const ids = clients.map(({ peerId }) => peerId);
  return clients.every((client) => {
    const expected = sorted(ids.filter((id) => id !== client.peerId));
    return sorted(othersSeenBy(client, before.get(client))).join() === expected.join();
  });
}

/** Waits until each client was told of exactly the others. @param {Client[]} clients @param {Map<Client, Set<string>>} [before] */
export async function untilAgreed(clients, before) {
  try {
    await until(() => agreed(clients, before), 'all have been told of exactly the others');
  } catch (error) {
    const views = clients.map((client) => `${client.username} ${client.peerId}: ${sorted(othersSeenBy(client, before?.get(client)))}`);
    throw new Error(`${error.message}; they believe:\n${views.join('\n')}`);
  }
}

/**
 * Checks that all are told the same room when they ask again: the same peers in the same order, the same host.
 * @param {Client[]} clients @param {string} code
 */
export async function assertSameRoom(clients, code) {
  const rooms = await Promise.all(clients.map((client) => join(client, code)));
  const views = rooms.map(({ peers, hostId }, index) => ({
    hostId, peers: peers.map(({ id }) => id), all: sorted([clients[index].peerId, ...peers.map(({ id }) => id)]),
  }));
  for (const [index, { hostId, peers, all }] of views.entries()) {
    assert.deepEqual(all, sorted(clients.map(({ peerId }) => peerId)), `${clients[index].username} has the whole room`);
    assert.equal(hostId, views[0].hostId, `${clients[index].username} knows the same host`);
    const order = (ids) => ids.filter((id) => peers.includes(id) && id !== clients[0].peerId);
    assert.deepEqual(order(peers), order(views[0].peers), `${clients[index].username} has the same order`);
  }
  return views[0].hostId;
}

/** All `peer:left` that a client was told of that peer. */
export const departures = (client, { peerId }) =>
  client.recorder.all('peer:left').filter((left) => left.peerId === peerId);

/** All `peer:joined` that a client was told of that peer. */
export const arrivals = (client, { peerId }) =>
  client.recorder.all('peer:joined').filter((joined) => joined.peerId === peerId);

/** Signals from one to the other and back; both must hear it. */
export async function signalBothWays(one, other) {
  await Promise.all([[one, other], [other, one]].map(async ([sender, target]) => {
    const candidate = `${sender.peerId} at ${process.hrtime.bigint()}`;
    const answer = await sender.ask('webrtc:ice', { targetPeerId: target.peerId, candidate });
    assert.equal(answer.status, 'ok', JSON.stringify(answer));
    await target.event('webrtc:ice', (relay) => relay.candidate === candidate);
  }));
}

/**
 * Whether a signal of each reaches the next. Relays are at most once: where the way between nodes
 * may still be interrupted, one can be lost, and is to be tried again.
 * @param {Client[]} clients
 */
export async function heardAround(clients) {
  const candidate = `around at ${process.hrtime.bigint()}`;
  clients.forEach((client, index) =>
    client.send('webrtc:ice', { targetPeerId: clients[(index + 1) % clients.length].peerId, candidate }));
  const heard = (client) => client.recorder.all('webrtc:ice').some((relay) => relay.candidate === candidate);
  return until(() => clients.every(heard), 'all have heard it', 200).catch(() => false);
}
