import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { connect } from '../../clients/lib/client.js';
import { until, within } from '../../clients/lib/wait.js';
import { count, get, limited, times } from '../lib/house.js';
import { HealthyPair } from '../lib/pair.js';

const PER_SECOND = 10_000;
const SECONDS = 10;
const LANES = 20;

/** More users than can be cut off meanwhile. */
const USERS = 300;

/** How long the flood may take on a machine that cannot send as fast. */
const PATIENCE_MS = 180_000;

test(`${PER_SECOND} bad frames a second for ${SECONDS} s are refused and cut off, and a healthy pair notices nothing`, async (t) => {
  const gateway = await limited(t);
  const tokens = await Promise.all(times(USERS, (n) => gateway.identity.token({ sub: `flood ${n}` })));
  const pair = await HealthyPair.meet(t, gateway);
  const workerData = { port: gateway.port, tokens, lanes: LANES, perSecond: PER_SECOND, total: PER_SECOND * SECONDS };
  const flooder = new Worker(fileURLToPath(new URL('../lib/flooder.js', import.meta.url)), { workerData });
  t.after(() => flooder.terminate());
  const done = new Promise((resolve, reject) => flooder.once('message', resolve).once('error', reject));
  const flood = await within(done, 'the flood to end', PATIENCE_MS);
  assert.equal((await get(gateway, '/livez')).status, 200);
  await connect(t, gateway);
  const relays = await pair.part();
  const cut = await count(gateway, 'switchboard_abuse_disconnects_total');
  const limitedCount = await count(gateway, 'switchboard_rate_limited_total');
  console.table({
    'bad frames sent': flood.sent, 'a second': Math.round(flood.sent / flood.seconds), MiB: Math.round(flood.bytes / 2 ** 20), connections: flood.connections,
    'refusals received': flood.refusals, 'refused for their rate': limitedCount, 'cut off': cut, 'relays of the pair, all in order': relays,
  });
  assert.equal(flood.sent, PER_SECOND * SECONDS);
  assert.ok(cut >= LANES && limitedCount > 0, `${cut} cut off, ${limitedCount} limited`);
  await until(async () => await count(gateway, 'switchboard_connections') <= 3, 'of those who flooded nobody is left');
});
