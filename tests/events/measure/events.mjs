/**
 * What a steady stream of events of a backend comes to on three nodes: how long each takes from its
 * publication to a client of each node, and how many get lost. `RATE` events a second for `SECONDS`.
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { connect } from '../../clients/lib/client.js';
import { until } from '../../clients/lib/wait.js';
import { ownCluster } from '../../cluster/lib/fixture.js';
import { listening, subscribe } from '../lib/house.js';

const RATE = Number(process.env.RATE ?? 10_000);
const SECONDS = Number(process.env.SECONDS ?? 20);
/** How often a batch is published, as by a backend that is busy. */
const TICK_MS = 5;

const ends = [];
const t = { after: (end) => ends.push(end) };
const percentile = (sorted, share) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))];
const micros = () => Number(process.hrtime.bigint() / 1000n);

/** Counts, and keeps as many times as there are events. */
function hear(client) {
  const times = new Float64Array(RATE * SECONDS);
  const heard = { count: 0, repeated: 0, disordered: 0, times, last: -1 };
  client.socket.on('leaderboard_update', ({ n, at }) => {
    if (n === heard.last) heard.repeated += 1;
    else if (n < heard.last) heard.disordered += 1;
    heard.last = n;
    if (heard.count < times.length) times[heard.count] = micros() - at;
    heard.count += 1;
  });
  return heard;
}

async function measure() {
  const { redis, cluster } = await ownCluster(t, { size: 3 });
  await listening(redis, 'leaderboard:updates', 3);
  const clients = await Promise.all(cluster.nodes.map((node) => connect(t, node)));
  for (const client of clients) {
    await subscribe(client, 'leaderboard:updates');
    client.socket.onevent = Object.getPrototypeOf(client.socket).onevent;
  }
  const heard = clients.map(hear);
  const publisher = fork(fileURLToPath(new URL('publisher.mjs', import.meta.url)),
    [redis.port, RATE, SECONDS, TICK_MS].map(String));
  const [{ published, seconds }] = await once(publisher, 'message');
  await until(() => heard.every(({ count }) => count >= published), 'all came', 10_000).catch(() => {});
  const all = Float64Array.from(heard.flatMap(({ count, times }) => [...times.subarray(0, count)])).sort();
  const sum = (of) => heard.reduce((total, each) => total + each[of], 0);
  const ms = (share) => (percentile(all, share) / 1000).toFixed(2);
  console.log(`events: ${published} in ${seconds.toFixed(1)} s (${Math.round(published / seconds)} a second), 3 nodes, one client each`);
  console.log('|   p50 ms |   p99 ms |   lost | repeated | out of order |');
  console.log('|     ---: |     ---: |   ---: |     ---: |         ---: |');
  console.log(`| ${ms(0.5)} | ${ms(0.99)} | ${3 * published - sum('count')} | ${sum('repeated')} | ${sum('disordered')} |`);
}

try {
  await measure();
} finally {
  for (const end of ends.reverse()) await end();
}
process.exit(0);
