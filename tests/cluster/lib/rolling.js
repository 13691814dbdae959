import assert from 'node:assert/strict';
import { freshCode } from '../../clients/lib/rooms.js';
import { until } from '../../clients/lib/wait.js';
import { Roamer } from './roamer.js';

const ROOM_SIZE = 10;

/** Replaces one node after another, as a deployment does. @param {import('./cluster.js').Cluster} cluster @param {Roamer[]} roamers */
export async function rollingRestart(cluster, roamers) {
  for (const index of cluster.nodes.keys()) {
    cluster.nodes[index].signal('SIGTERM');
    assert.deepEqual(await cluster.nodes[index].exited(), { code: 0, signal: null });
    await cluster.run(index);
    await cluster.ready(index);
    await until(() => roamers.every(({ connected }) => connected), 'all are connected');
  }
}

/**
 * So many roamers, in rooms that each spread over all nodes.
 * @param {{after: (work: () => void) => void}} t @param {import('./cluster.js').Cluster} cluster @param {number} count
 */
export async function roam(t, cluster, count) {
  const codes = Array.from({ length: Math.ceil(count / ROOM_SIZE) }, () => freshCode());
  const roamers = Array.from({ length: count }, (_, n) => new Roamer(cluster, codes[Math.floor(n / ROOM_SIZE)], n));
  t.after(() => roamers.forEach((roamer) => roamer.stop()));
  for (const roamer of roamers) await roamer.start();
  return roamers;
}

const roommates = (roamers, { roomCode }) => roamers.filter((other) => other.roomCode === roomCode);

/**
 * What was acknowledged so far, by speaker: from here on all of a room must hear it. One more may be
 * under way that was said before the last of the room had come. @param {Roamer[]} roamers
 */
export const acknowledged = (roamers) => new Map(roamers.map((roamer) => [roamer, roamer.acked.length + 1]));

/** Lets every roamer hear what all of its room had acknowledged. What does not come is counted later. @param {Roamer[]} roamers */
export async function hearEachOtherOut(roamers) {
  await Promise.all(roamers.map((roamer) => roamer.fallSilent()));
  const complete = (roamer) => roommates(roamers, roamer).every((mate) => roamer.heard.has(mate.acked.at(-1)));
  await until(() => roamers.every(complete), 'the last words of all were heard').catch(() => {});
}

/**
 * What went wrong, in numbers and in words.
 * @param {Roamer[]} roamers @param {Map<Roamer, number>} since as {@link acknowledged} told
 */
export function account(roamers, since) {
  const counts = { acked: 0, lost: 0, repeated: 0, disordered: 0, left: 0, fresh: 0, moves: 0 };
  const words = [];
  for (const roamer of roamers) {
    counts.acked += roamer.acked.length;
    counts.left += roamer.left.length;
    counts.fresh += roamer.fresh;
    counts.moves += roamer.moves;
    const repeated = [...roamer.heard].filter(([, ids]) => ids.length > 1);
    counts.repeated += repeated.length;
    words.push(...repeated.map(([id, ids]) => `${roamer.sub} heard "${id}" as ${ids}`));
    for (const mate of roommates(roamers, roamer)) {
      const owed = mate.acked.slice(since.get(mate));
      const lost = owed.filter((id) => !roamer.heard.has(id));
      counts.lost += lost.length;
      words.push(...lost.map((id) => `${roamer.sub} never heard "${id}"`));
      const order = (roamer.orders.get(mate.sub) ?? []).map((id) => Number(id.split(' ')[1]));
      const disordered = order.filter((n, index) => index > 0 && n < order[index - 1]);
      counts.disordered += disordered.length;
      words.push(...disordered.map((n) => `${roamer.sub} heard ${n} of ${mate.sub} late: ${order}`));
    }
  }
  return { ...counts, words };
}
