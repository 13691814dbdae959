/**
 * A deployment of three nodes, with clients of all protocols, in which everything fails at random. Prints what became
 * of it, and fails if anything is not as it should be.
 *
 * SEED=… repeats a schedule of faults, if not its timing. CLIENTS=… and CHAOS_SECONDS=… (of faults) change the size:
 * without the latter each kind of fault comes once that does not take long. DETAILS=directory gets what the nodes
 * logged and what was done when. What is not over after CHAOS_DEADLINE_S says what it waits for, and ends.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Act } from './lib/act.js';
import { Books } from './lib/books.js';
import { checkLogs, checkMemory } from './lib/census.js';
import { Deadline, named } from './lib/deadline.js';
import { CLIENT_FAULTS, NODE_FAULTS, REDIS_FAULTS, SERVICE_FAULTS } from './lib/faults.js';
import { report } from './lib/report.js';
import { checkChat } from './lib/talk.js';
import { World } from './lib/world.js';

const SEED = Number(process.env.SEED ?? 7);
const CLIENTS = Number(process.env.CLIENTS ?? 120);
const SECONDS = Number(process.env.CHAOS_SECONDS ?? 0);
const DETAILS = process.env.DETAILS ?? '';
/** A quarter of an hour and twice the time of faults: far more than a busy machine needs. */
const DEADLINE_S = Number(process.env.CHAOS_DEADLINE_S ?? 900 + 2 * SECONDS);
const NODES = 3;
const ROOM_SIZE = 8;
/** How much of what was done is told when the deadline strikes. */
const TOLD_OF_TIMELINE = 20;

/** What fails side by side: what has data, each service, and the way to clients. */
const LANES = [[...NODE_FAULTS, ...REDIS_FAULTS], ...SERVICE_FAULTS, CLIENT_FAULTS];
/** Without a time one act, in which each kind comes once that does not take long; else two, to see what the second adds. */
const acts = SECONDS ? [LANES, LANES] : [LANES.map((lane) => lane.filter(({ brief }) => brief))];

/** @param {string} directory */
function details(directory) {
  mkdirSync(directory, { recursive: true });
  const lines = world.processes.flatMap(({ lines: own, child }) => own.map((line) => `${child.pid} ${line}`));
  writeFileSync(join(directory, 'nodes.log'), lines.join('\n'));
  writeFileSync(join(directory, 'timeline.log'), world.timeline.join('\n'));
  writeFileSync(join(directory, 'complaints.log'), [...books.wrongs].flatMap(([kind, words]) => [kind, ...words]).join('\n'));
}

/** Says what is wrong, and how to see it again. @param {string[]} words */
function complain(words) {
  console.error(words.join('\n'));
  console.error(`to repeat it: cd tests/chaos && SEED=${SEED} CLIENTS=${CLIENTS} CHAOS_SECONDS=${SECONDS} DETAILS=directory node chaos.mjs`);
}

/** Ends everything at once: processes of a test end with it. @param {string[]} awaited */
function giveUp(awaited) {
  const last = world?.timeline.slice(-TOLD_OF_TIMELINE) ?? [];
  complain([`not over after ${DEADLINE_S} s; awaited:`, ...awaited, 'what was done last:', ...last, ...books.complaints]);
  if (DETAILS && world) details(DETAILS);
  process.exit(1);
}

const ends = [];
const books = new Books();
const deadline = new Deadline(DEADLINE_S * 1000, giveUp);
let failure = null;
let world = null;
if (DETAILS) process.prependListener('SIGINT', () => world && details(DETAILS));
try {
  const began = performance.now();
  console.log(`chaos: ${CLIENTS} clients, ${NODES} nodes, seed ${SEED}`);
  world = await deadline.during('the deployment to start', () => World.start({ after: (end) => ends.push(end) }, books, {
    nodes: NODES, rooms: Math.ceil(CLIENTS / ROOM_SIZE), seed: SEED, log: DETAILS ? 'switchboard=debug' : 'info', deadline,
  }));
  const memory = [];
  for (const [index, lanes] of acts.entries()) {
    const act = new Act(world, { lanes, index, seed: SEED, clients: CLIENTS, forMs: (SECONDS * 1000) / acts.length });
    memory.push(await act.play());
  }
  checkMemory(books, memory);
  checkChat(world, world.users);
  checkLogs(world);
  console.log(report(world, { memory, seconds: Math.round((performance.now() - began) / 1000) }));
} catch (error) {
  failure = error;
} finally {
  if (DETAILS && world) details(DETAILS);
  world?.onEnd();
  const users = world?.users ?? [];
  await deadline.during(() => `clients to be gone: ${named(users.filter(({ line }) => line))}`,
    () => Promise.all(users.map((user) => user.disappear())));
  await deadline.during('servers and services to stop', async () => {
    for (const end of ends.reverse()) await end();
  });
  deadline.stop();
}
if (failure || books.complaints.length) {
  if (failure) console.error(failure);
  complain(books.complaints);
  process.exitCode = 1;
}
// Connections that clients have given up may linger, and have nothing to say any more.
process.exit();
