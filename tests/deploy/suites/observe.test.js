/** What `make observe` runs: a cluster that a real Prometheus scrapes. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { freePort, spawnOwned } from '../../clients/lib/processes.js';
import { until, within } from '../../clients/lib/wait.js';
import { ROOT } from '../lib/files.js';
import { get } from '../lib/proxies.js';

/** Processes of which each takes its time on a busy machine. */
const START_MS = 60_000;

test('a cluster with live data is one command, and Ctrl-C ends all of it', async (t) => {
  const free = async (count) => {
    const ports = [];
    while (ports.length < count) ports.push(await freePort());
    return ports;
  };
  const [redis, prometheus] = await free(2);
  const nodes = await free(3);
  const binary = process.env.SWITCHBOARD_BIN ?? `${ROOT}target/debug/switchboard`;
  const child = spawnOwned('bash', [`${ROOT}scripts/cluster.sh`, binary], {
    ...process.env,
    OBSERVE: 'true',
    PORTS: nodes.join(' '),
    ADMIN_PORTS: (await free(3)).join(' '),
    REDIS_PORT: String(redis),
    PROMETHEUS_PORT: String(prometheus),
  });
  t.after(() => child.kill('SIGTERM'));
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (data) => (output += data));

  const value = async (query) => {
    const { text } = await get(prometheus, `/api/v1/query?query=${encodeURIComponent(query)}`);
    return JSON.parse(text).data?.result[0]?.value[1];
  };
  await until(async () => {
    if (child.exitCode !== null) throw new Error(`it ended:\n${output}`);
    return value('sum(up{job="switchboard"})').then((up) => up === '3', () => false);
  }, 'Prometheus sees three nodes', START_MS);
  await until(async () => await value('sum(switchboard_redis_delivers)') === '3', 'all of them are one', START_MS);
  const rules = JSON.parse((await get(prometheus, '/api/v1/rules')).text).data.groups;
  assert.ok(rules.length > 0);

  child.kill('SIGTERM');
  await within(once(child, 'exit'), () => `the end of it; it wrote:\n${output}`, START_MS);
  for (const port of [redis, prometheus, ...nodes]) await assert.rejects(get(port, '/'), { code: 'ECONNREFUSED' });
});
