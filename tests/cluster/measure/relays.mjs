/** What a relay costs Redis, and a node that does not serve the room. */
import { readFileSync } from 'node:fs';
import { FaultyPath, lasting } from '../lib/faults.js';
import { spread } from '../lib/peers.js';
import { Redis } from '../lib/redis.js';
import { onStage, report, Scene } from './lib.mjs';

const RELAYS = 5_000;
/** Clock ticks of Linux, in which it counts processor time. */
const TICK_MS = 10;

export const title = `${RELAYS} relays of 1.4 kB, one after another`;

const OFFER = { type: 'offer', sdp: 'v'.repeat(1_400) };

async function relayMany(sender, target) {
  for (let n = 0; n < RELAYS; n += 1) {
    const { status } = await sender.ask('webrtc:offer', { targetPeerId: target.peerId, offer: { ...OFFER, n } });
    if (status !== 'ok') throw new Error(status);
  }
  await target.event('webrtc:offer', ({ offer }) => offer.n === RELAYS - 1);
}

/** Processor time of a process so far. */
function processorMs({ child: { pid } }) {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1].split(' ');
  return (Number(fields[11]) + Number(fields[12])) * TICK_MS;
}

/** What Redis and the third node did while something happened. */
async function costsOf({ redis, cluster, path }, action) {
  const before = { commands: await redis.commandCounts(), processor: processorMs(cluster.nodes[2]), at: performance.now() };
  const told = await path.overheard(action);
  const seconds = (performance.now() - before.at) / 1000;
  const after = await redis.commandCounts();
  const calls = (name) => (after.get(name) ?? 0) - (before.commands.get(name) ?? 0);
  const all = [...after.keys()].filter((name) => name !== 'info').reduce((sum, name) => sum + calls(name), 0);
  return {
    seconds, publishes: calls('publish'), others: all - calls('publish'),
    bytes: told.length, processor: processorMs(cluster.nodes[2]) - before.processor,
  };
}

function tell(what, { seconds, publishes, others, bytes, processor }) {
  report(`${what}: PUBLISH per relay`, (publishes / RELAYS).toFixed(3));
  report(`${what}: other commands, a second`, `${(others / seconds).toFixed(1)} (over ${seconds.toFixed(1)} s)`);
  report(`${what}: to a node that does not serve the room, a second`,
    `${(bytes / seconds).toFixed(0)} bytes from Redis, ${(processor / seconds).toFixed(1)} ms of processor`);
}

export async function measure() {
  const t = new Scene();
  const redis = await Redis.start();
  const path = await FaultyPath.to(t, redis);
  await onStage({ redis, urls: [redis.url, redis.url, path.url] }, async ({ t: stage, cluster }) => {
    const scene = { redis, cluster, path };
    const [anna, near, far] = await spread(stage, cluster, ['anna', 'near', 'far'], { at: [0, 0, 1] });
    tell('nothing happens', await costsOf(scene, () => lasting(5_000)));
    tell('target on the same node', await costsOf(scene, () => relayMany(anna, near)));
    tell('target on another node', await costsOf(scene, () => relayMany(anna, far)));
  });
  await t.end();
}
