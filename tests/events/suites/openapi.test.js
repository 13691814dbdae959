import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { expectAnyEvents } from '../../clients/lib/contract.js';
import { startNode } from '../../clients/lib/gateway.js';
import { Identity } from '../../clients/lib/identity.js';
import { spawnOwned } from '../../clients/lib/processes.js';
import { party } from '../../clients/lib/rooms.js';
import { until, within } from '../../clients/lib/wait.js';
import { Redis } from '../../cluster/lib/redis.js';
import { API_KEY, ask, apiUrl, KEYS } from '../lib/api.js';

// A backend calls its events as it likes.
expectAnyEvents();

/** How long requests are made up, in seconds; and what installing and starting may take beside that, in milliseconds. */
const FUZZING_S = 25;
const BOUND_MS = 300_000;

const SCRIPT = fileURLToPath(new URL('../scripts/schemathesis.sh', import.meta.url));

/** Runs schemathesis to its end. @param {string[]} args @returns {Promise<{code: number, output: string}>} */
async function schemathesis(t, args) {
  const { PATH, HOME, TMPDIR } = process.env;
  const pip = Object.fromEntries(Object.entries(process.env).filter(([name]) => /^(pip_|https?_proxy$|no_proxy$)/i.test(name)));
  const child = spawnOwned(SCRIPT, args, { PATH, HOME, TMPDIR, ...pip });
  t.after(() => child.kill('SIGKILL'));
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (data) => (output += data));
  const [code] = await within(once(child, 'close'), () => `schemathesis to end; it wrote:\n${output}`, BOUND_MS);
  return { code, output };
}

test('what the document says is what is served, whatever is asked for', async (t) => {
  const redis = await Redis.start();
  t.after(() => redis.stop());
  const gateway = await startNode({ REDIS_URL: redis.url, API_KEY }, new Identity());
  t.after(() => gateway.kill());
  await until(async () => (await ask(gateway, '/api/v1/nodes')).status === 200, 'the API answers');
  // The room that the document takes for its example.
  const [client] = await party(t, gateway, ['anna'], { code: 'blue' });
  const { code, output } = await schemathesis(t, [
    'run', `${apiUrl(gateway)}/openapi.json`,
    '--header', `Authorization: Bearer ${KEYS.shop}`,
    '--max-time', String(FUZZING_S), '--continue-on-failure', '--generation-database', 'none', '--no-color',
    // The machine may be busy with other tests.
    '--suppress-health-check', 'too_slow',
  ]);
  assert.equal(code, 0, output);
  assert.match(output, /Tested: 7\b/, output);
  assert.equal((await client.ask('heartbeat')).status, 'ok', 'the gateway is well');
});
