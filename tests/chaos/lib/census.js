import { readFileSync } from 'node:fs';
import { until } from '../../clients/lib/wait.js';
import { lasting } from '../../cluster/lib/faults.js';
import { ask } from '../../events/lib/api.js';
import { metricsOf } from '../../sfu/lib/admin.js';
import { BOUND_MS } from './world.js';

/** @typedef {import('./world.js').World} World */
/** @typedef {import('./user.js').User} User */

const sorted = (ids) => [...ids].sort().join();

/** What Redis must not hold when nobody is there, not even for a time: peers, and what they said. */
const OF_SOMEBODY = /^room:\{[^}]*\}:(peers|nodes|places)$|^presence:|^chat:(buffer|dead):/;

/** What it holds for ever: the nodes by their last sign of life. */
const FOR_EVER = ['nodes'];

/** Longer than another node takes to see to what one had to close. */
const TAKEN_OVER_MS = 30_000;

/** States of TCP connections that somebody still holds: established, and closed by the other side only. */
const HELD = ['01', '08'];

/** TCP connections to a port that the server has not let go of. @param {number} port */
export function heldConnections(port) {
  const local = `:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  const lines = readFileSync('/proc/net/tcp', 'utf8').trim().split('\n').slice(1);
  return lines.map((line) => line.trim().split(/\s+/)).filter(([, from, , state]) => from.endsWith(local) && HELD.includes(state)).length;
}

/** Memory that a process holds for itself alone, in KiB. @param {number} pid @param {string} [field] */
export function memoryOf(pid, field = 'RssAnon') {
  const [, kib] = readFileSync(`/proc/${pid}/status`, 'utf8').match(new RegExp(`^${field}:\\s+(\\d+) kB`, 'm'));
  return Number(kib);
}

/** @param {User[]} users @returns {Map<string, User[]>} by room id */
function byRoom(users) {
  const rooms = new Map();
  for (const user of users) {
    const { roomId } = user.membership;
    rooms.set(roomId, [...rooms.get(roomId) ?? [], user]);
  }
  return rooms;
}

/** What those in a room were told, against who is there. @param {string} roomId @param {User[]} users */
function* disbelieved(roomId, users) {
  const ids = users.map(({ membership }) => membership.peerId);
  for (const { sub, line, membership: { peerId, others } } of users) {
    const known = new Set(others);
    const missed = ids.filter((id) => id !== peerId && !known.has(id));
    const ghosts = others.filter((id) => !ids.includes(id));
    if (missed.length || ghosts.length) yield `${sub} (${line.protocol}) in ${roomId} misses ${missed} and sees ghosts ${ghosts}`;
  }
  for (const what of ['host', 'mode']) {
    const told = new Set(users.map(({ membership }) => membership[what]));
    if (told.size > 1) yield `${what}s of ${roomId} differ: ${[...told]}`;
  }
  const [{ membership: { host } }] = users;
  if (!ids.includes(host)) yield `the host of ${roomId}, ${host}, is not there`;
}

/** What Redis says of a room, against who is there. @param {World} world @param {string} roomId @param {User[]} users */
async function* misregistered({ redis, cluster }, roomId, users) {
  const ids = users.map(({ membership }) => membership.peerId);
  const peers = Object.keys(await redis.hash(`room:{${roomId}}:peers`));
  if (sorted(peers) !== sorted(ids)) yield `Redis has in ${roomId} ${sorted(peers)} for ${sorted(ids)}`;
  const counts = Object.entries(await redis.hash(`room:{${roomId}}:nodes`)).map((entry) => entry.join('='));
  const expected = new Map();
  for (const { node } of users) expected.set(node, (expected.get(node) ?? 0) + 1);
  const due = [...expected].map(([node, count]) => `${cluster.name(node)}=${count}`);
  if (sorted(counts) !== sorted(due)) yield `Redis counts in ${roomId} ${sorted(counts)} for ${sorted(due)}`;
}

/** How many sessions a node has, as it says itself. */
async function sessionsOf(node) {
  const { body } = await ask(node, '/api/v1/nodes');
  return body.nodes.find(({ own }) => own);
}

/** What nodes hold, against who is connected. @param {World} world @param {User[]} users */
async function* misheld({ nodes, cluster, doors }, users) {
  for (const [index, node] of nodes.entries()) {
    const own = users.filter((user) => user.node === index).length;
    const name = cluster.name(index);
    const { connections } = await sessionsOf(node);
    if (connections !== own) yield `${name} has ${connections} sessions for ${own} clients`;
    const held = heldConnections(node.port);
    if (held !== own) yield `${name} has ${held} TCP connections for ${own} clients (${doors[index].size} ways)`;
  }
}

/** What the Media Service keeps though nobody is there. @param {World} world */
function* strayMedia({ media }) {
  for (const [roomId, room] of media.rooms) for (const peerId of room.keys()) yield `the Media Service has ${peerId} in ${roomId}`;
}

/** All that is not as it should be when those are there who are. @param {World} world @param {User[]} users */
async function disorder(world, users) {
  const absent = users.filter((user) => !user.here);
  if (absent.length) return absent.map(({ sub, code }) => `${sub} is not in ${code}`);
  const rooms = byRoom(users);
  const wrong = [...rooms].flatMap(([roomId, inRoom]) => [...disbelieved(roomId, inRoom)]);
  for (const [roomId, inRoom] of rooms) for await (const each of misregistered(world, roomId, inRoom)) wrong.push(each);
  const known = await world.redis.keys('room:{*}:peers');
  const extra = known.filter((key) => !rooms.has(key.slice('room:{'.length, -'}:peers'.length)));
  wrong.push(...extra.map((key) => `Redis has ${key}, where nobody is`));
  for await (const each of misheld(world, users)) wrong.push(each);
  return wrong;
}

/** Between two looks: each asks a lot. */
const LOOK_MS = 250;

/** Waits until all is in order; what is not by then is wrong. @param {World} world @param {() => Promise<string[]>} probe */
async function untilOrder(world, kind, probe) {
  const end = Date.now() + BOUND_MS;
  let wrong = await probe();
  while (wrong.length > 0 && Date.now() < end) {
    await lasting(LOOK_MS);
    const before = wrong;
    wrong = await probe();
    if (wrong.length && before.join() !== wrong.join()) world.note(`${kind}: ${wrong.slice(0, 5).join('; ')}`);
  }
  for (const each of wrong) world.books.wrong(kind, each);
}

/** Who is there, as all know it: clients, nodes, Redis, the Media Service. @param {World} world @param {User[]} users */
export async function checkThere(world, users) {
  await untilOrder(world, 'ghosts', () => disorder(world, users));
  // What they were told while things happened is one thing, what their node would tell them now another.
  const askable = users.filter(({ here, line }) => here && line.protocol !== '/signal');
  await Promise.all(askable.map(({ line, code }) => line.move(code)));
  await untilOrder(world, 'ghosts when asked again', () => disorder(world, users));
}

/** What a node still has though everybody is gone. @param {World} world */
async function leftAtNodes({ nodes, cluster }) {
  const wrong = [];
  for (const [index, node] of nodes.entries()) {
    const { connections, rooms } = await sessionsOf(node);
    const { text } = await metricsOf(node);
    const gauges = text.split('\n').filter((line) => line.startsWith('switchboard_websocket_connections{') && !line.endsWith(' 0'));
    const held = heldConnections(node.port);
    if (connections || rooms || held || gauges.length) {
      wrong.push(`${cluster.name(index)} has ${connections} sessions, ${rooms} rooms, ${held} TCP connections, ${gauges}`);
    }
  }
  return wrong;
}

/** What Redis still has. @param {World} world */
async function leftInRedis({ redis }) {
  const wrong = [];
  for (const key of await redis.keys()) {
    const lasts = await redis.command('PTTL', key);
    // -2: it went away meanwhile.
    if (lasts === -2) continue;
    if (OF_SOMEBODY.test(key)) wrong.push(`Redis has ${key}, and nobody is there`);
    else if (lasts === -1 && !FOR_EVER.includes(key)) wrong.push(`Redis has ${key} for ever`);
  }
  return wrong;
}

/** That nothing is left of anybody. @param {World} world */
export async function checkGone(world) {
  await untilOrder(world, 'stuck', () => leftAtNodes(world));
  await untilOrder(world, 'left in Redis', () => leftInRedis(world));
  // What a node was to close there another does, once it is known that nobody does. What Redis and the node lost both is
  // for the Media Service to clear up.
  await until(() => [...strayMedia(world)].length === 0, 'nothing is left at the Media Service', TAKEN_OVER_MS).catch(() => {});
  const strays = [...strayMedia(world)];
  strays.forEach((each) => world.note(each));
  world.books.count('broadcasters left', strays.length);
}

/** @typedef {{before: number[], during: number[], after: number[]}} Memory of each node, in KiB: clients there, before anything failed; at the end; clients gone */

/** How much more a node may hold when everybody is gone than with everybody there before: an allocator keeps some. */
const GROWTH = 1.3;
const SLACK_KIB = 8 * 1024;

/** That memory came back to where it was. @param {import('./books.js').Books} books @param {Memory[]} acts */
export function checkMemory(books, acts) {
  const most = (kib) => Math.max(...kib);
  for (const [n, { after }] of acts.entries()) {
    const base = n === 0 ? most(acts[0].before) : most(acts[n - 1].after);
    if (most(after) > base * GROWTH + SLACK_KIB) books.wrong('memory', `after act ${n + 1} a node holds ${most(after)} KiB, before ${base}`);
  }
}

/** What nodes wrote that they must not write. @param {World} world */
export function checkLogs({ processes, books }) {
  for (const line of processes.flatMap(({ lines }) => lines)) {
    let level = 'PANIC';
    try {
      ({ level } = JSON.parse(line));
    } catch {
      // Only panics and the like are not JSON.
    }
    if (level === 'ERROR' || level === 'PANIC') books.wrong('logs', line);
    if (level === 'WARN') books.count('warnings');
  }
}
