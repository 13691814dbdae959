// The example of the migration page, run as it stands there.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { connect } from '../../clients/lib/client.js';
import { expectAnyEvents } from '../../clients/lib/contract.js';
import { spawnOwned } from '../../clients/lib/processes.js';
import { join } from '../../clients/lib/rooms.js';
import { within } from '../../clients/lib/wait.js';
import { ownCluster } from '../../cluster/lib/fixture.js';
import { argsOf, listened } from '../lib/emitters.js';

// A backend calls its events as it likes.
expectAnyEvents();

const PAGE = new URL('../../../docs/migrating-from-node.md', import.meta.url);

function example() {
  const [, code] = /<!-- example: run by tests\/events -->\n```js\n(.*?)```/s.exec(readFileSync(PAGE, 'utf8')) ?? [];
  assert.ok(code, 'the page has its example');
  return code;
}

/** Runs a module here, where it finds its packages. */
async function run(t, code, env) {
  const file = fileURLToPath(new URL(`../.example-${process.pid}.mjs`, import.meta.url));
  writeFileSync(file, code);
  t.after(() => rmSync(file, { force: true }));
  const child = spawnOwned(process.execPath, [file], { ...process.env, ...env });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (data) => (output += data));
  const [status] = await within(once(child, 'close'), 'the example to end');
  assert.equal(status, 0, output);
}

test('the example of the migration page does what it says', async (t) => {
  const { redis, cluster } = await ownCluster(t, { size: 2 });
  await listened(redis, 2);
  const [anna, bert, mallory] = await Promise.all(['anna', 'bert', 'mallory'].map((sub, n) =>
    connect(t, cluster.nodes[n % 2], { sub })));
  await join(anna, 'team-1');
  await join(bert, 'team-1');
  await run(t, example(), { REDIS_URL: redis.url });
  await mallory.disconnected();
  await anna.event('feature:on');
  await bert.event('anna:busy');
  const saw = (client, events) => events.map((event) => argsOf(client, event));
  const events = ['news', 'board:changed', 'invited', 'anna:busy', 'feature:on'];
  const [news, board] = [[[{ title: 'Maintenance at noon' }]], [[{ by: 'backend' }]]];
  assert.deepEqual(saw(anna, events),
    [news, board, [[{ to: 'team-1' }]], [], [['dark-mode', { since: '1970-01-01T00:00:00.000Z' }]]]);
  assert.deepEqual(saw(bert, events), [news, board, [], [[]], []]);
  assert.deepEqual(saw(mallory, events), [news, [], [], [], []]);
});
