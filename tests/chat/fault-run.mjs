/**
 * 10,000 messages of 200 clients over three nodes, while nodes, Redis, the Chat Service and connections
 * fail at random. Prints what became of them, and fails if anything was lost, repeated or disordered.
 *
 * SEED=… repeats a schedule of faults; CLIENTS and MESSAGES (of each) change the size; DETAILS=file says more of
 * what went wrong, and writes the logs of the nodes to a file; FAULTS=… makes those with such names only.
 */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { until } from '../clients/lib/wait.js';
import { Cluster } from '../cluster/lib/cluster.js';
import { lasting } from '../cluster/lib/faults.js';
import { roomIdOf } from '../cluster/lib/peers.js';
import { Redis } from '../cluster/lib/redis.js';
import { ChatService } from './lib/service.js';
import { Talker } from './lib/talker.js';

const CLIENTS = Number(process.env.CLIENTS ?? 200);
const MESSAGES = Number(process.env.MESSAGES ?? 50);
const ROOM_SIZE = 10;
const NODES = 3;
const PAUSE_MS = 300;
const SEED = Number(process.env.SEED ?? Math.floor(Math.random() * 1e9));

/** A small generator (mulberry32): a schedule can be repeated, if not its timing. */
function random(seed) {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** When which fault began and ended. @type {string[]} */
const timeline = [];
const ends = [];
const scope = { after: (end) => ends.push(end) };
const draw = random(SEED);
const pick = (items) => items[Math.floor(draw() * items.length)];

const service = await ChatService.start(scope);
const redis = await Redis.start({ options: ['--appendfsync', 'always'] });
scope.after(() => redis.stop());
const cluster = await Cluster.start(redis, { size: NODES, env: { CHAT_SERVICE_URL: service.url, RUST_LOG: process.env.DETAILS ? 'switchboard=debug' : 'info' } });
scope.after(() => cluster.stop());
const talkers = Array.from({ length: CLIENTS }, (_, n) => new Talker(cluster, {
  sub: `talker-${n}`, roomCode: `faults-${Math.floor(n / ROOM_SIZE)}`, place: n,
}));
scope.after(() => talkers.forEach((talker) => talker.stop()));

const allReady = () => Promise.all(cluster.nodes.map((_, index) => cluster.ready(index)));

/** Waits until each client got an answer to something it said from now on. */
async function allHeardOf(done) {
  const before = talkers.map(({ acked }) => acked.size);
  await until(() => done.over || talkers.every(({ acked }, n) => acked.size > before[n]), 'all are answered', 120_000);
}

/** Waits until what was acknowledged by now is delivered. */
async function allDelivered() {
  const last = talkers.map(({ acked, roomCode }) => [roomIdOf(roomCode), [...acked.values()].at(-1)]);
  const delivered = ([room, id]) => !id || service.rooms.get(room)?.has(id);
  await until(() => last.every(delivered), 'what was said is delivered', 120_000);
}

/**
 * One at a time: what is promised holds for each of them, not for a Redis that loses its data
 * together with the one process that has a copy.
 */
const FAULTS = {
  'node killed': async () => {
    const index = Math.floor(draw() * NODES);
    await cluster.nodes[index].kill();
    await lasting(500);
    await cluster.run(index);
  },
  'Redis killed, with its data': async () => {
    await redis.kill();
    await lasting(500 + draw() * 1_500);
    await redis.run();
  },
  'Redis killed, and empty': async () => {
    await redis.restartEmpty();
  },
  'Redis frozen': async () => {
    redis.freeze();
    await lasting(1_000 + draw() * 2_000);
    redis.thaw();
  },
  'service fails': () => serviceFault(() => service.answer(pick([500, 503, 429, 408]))),
  'service hangs': () => serviceFault(() => service.hang()),
  'service does not answer': () => serviceFault(() => service.forgetToAnswer()),
  'service dies': async () => {
    await service.stop();
    await lasting(1_500);
    await service.run();
  },
  'connections cut': async () => {
    const count = Math.ceil(CLIENTS / 5);
    for (let n = 0; n < count; n += 1) pick(talkers).cut();
  },
};

async function serviceFault(fault) {
  fault();
  await lasting(1_000 + draw() * 1_500);
  service.heal();
}

/** Every fault once, in any order, and again, until all has been said. */
async function makeFaults(done) {
  const made = new Map();
  for (let left = []; !done.over;) {
    if (left.length === 0) left = Object.keys(FAULTS).filter((name) => name.includes(process.env.FAULTS ?? ''));
    const [name] = left.splice(Math.floor(draw() * left.length), 1);
    timeline.push(`${Date.now()} ${name}`);
    await FAULTS[name]();
    timeline.push(`${Date.now()} ${name} is over`);
    made.set(name, (made.get(name) ?? 0) + 1);
    await allReady();
    await allHeardOf(done);
    await allDelivered();
  }
  return made;
}

/** What is wrong with the order of a sender's messages. */
function disordered() {
  let count = 0;
  for (const talker of talkers) {
    const numbers = service.stored(roomIdOf(talker.roomCode))
      .filter(({ senderId }) => senderId === talker.sub)
      .map(({ content }) => Number(content.split(' ')[1]));
    count += numbers.filter((number, n) => n > 0 && number < numbers[n - 1]).length;
  }
  return count;
}

function outcome() {
  const acked = talkers.flatMap(({ acked: mine, roomCode }) => [...mine.values()].map((id) => [roomIdOf(roomCode), id]));
  const lost = acked.filter(([room, id]) => !service.rooms.get(room)?.has(id));
  const senders = new Set();
  let duplicated = 0;
  for (const room of service.rooms.values()) {
    for (const { clientMessageId } of room.values()) {
      if (senders.has(clientMessageId)) duplicated += 1;
      senders.add(clientMessageId);
    }
  }
  const unequal = talkers.filter(({ known, roomCode }) => {
    const stored = service.rooms.get(roomIdOf(roomCode));
    return known.size !== stored.size || [...known.keys()].some((id) => !stored.has(id));
  });
  return {
    sent: CLIENTS * MESSAGES, acked: acked.length, stored: service.count, duplicated, lost: lost.length,
    disordered: disordered(), clientsThatDiffer: unequal.length,
  };
}

const sum = (of) => talkers.reduce((total, talker) => total + of(talker), 0);

const began = performance.now();
let failure = null;
try {
  await Promise.all(talkers.map((talker) => talker.start()));
  const done = { over: false };
  const faults = makeFaults(done);
  await Promise.all(talkers.map((talker) => talker.talk(MESSAGES, PAUSE_MS)));
  done.over = true;
  const made = await faults;
  await until(() => outcome().lost === 0, 'everything is stored', 120_000).catch(() => {});
  await until(() => outcome().clientsThatDiffer === 0, 'all clients know it', 60_000).catch(() => {});
  const result = outcome();
  const seconds = Math.round((performance.now() - began) / 1000);
  console.log(`\nfault run: ${CLIENTS} clients, ${NODES} nodes, ${seconds} s, seed ${SEED}`);
  console.log(`faults: ${[...made].map(([name, count]) => `${name} ${count}×`).join(', ')}`);
  console.log(`moves of clients: ${sum(({ moves }) => moves)}, re-sends: ${sum(({ resent }) => resent)}`);
  console.log(`under the same id again: delivered ${service.repeated}, told after a move ${sum(({ twice }) => twice.length)}`);
  console.log(table(result));
  if (process.env.DETAILS) details(process.env.DETAILS);
  const { sent } = result;
  assert.deepEqual(result, {
    sent, acked: sent, stored: sent, duplicated: 0, lost: 0, disordered: 0, clientsThatDiffer: 0,
  });
  assert.deepEqual(service.races, [], 'one flusher for each room at a time');
} catch (error) {
  failure = error;
} finally {
  for (const end of ends.reverse()) await end();
}
if (failure) {
  console.error(failure);
  process.exitCode = 1;
}

/** Where to look for the cause of what is wrong. @param {string} file gets the logs of the nodes */
function details(file) {
  writeFileSync(file, cluster.nodes.map(({ lines }, n) => lines.map((line) => `n${n + 1} ${line}`).join('\n')).join('\n'));
  console.log(timeline.join('\n'));
  for (const { sub, known, roomCode } of talkers) {
    const stored = service.rooms.get(roomIdOf(roomCode));
    const missing = [...stored.values()].filter(({ id }) => !known.has(id));
    const extra = [...known].filter(([id]) => !stored.has(id));
    if (missing.length || extra.length) {
      console.log(`${sub} lacks ${missing.map(({ timestamp, content }) => `${content} (${timestamp})`)}; has alone ${extra}`);
    }
    const own = [...stored.values()].filter(({ senderId }) => senderId === sub);
    own.forEach(({ content, timestamp }, n) => {
      if (n > 0 && Number(content.split(' ')[1]) < Number(own[n - 1].content.split(' ')[1])) {
        console.log(`${content} (${timestamp}) is stored after ${own[n - 1].content} (${own[n - 1].timestamp})`);
      }
    });
  }
  for (const { sub, twice } of talkers) if (twice.length) console.log(`${sub} was told ${twice.length} twice: ${twice}`);
}

function table(result) {
  const names = ['sent', 'acked', 'stored', 'duplicated', 'lost'];
  const row = (cells) => `| ${cells.map((cell, n) => String(cell).padStart(names[n].length + 2)).join(' | ')} |`;
  return [row(names), row(names.map(() => '---:')), row(names.map((name) => result[name]))].join('\n');
}
