/**
 * Runs the suites of this directory, and the client suites again with their peers on three nodes.
 * Arguments select suites: `npm test -- keys clients/relays`.
 */
import { readdirSync } from 'node:fs';
import { basename } from 'node:path';
import { fileURLToPath } from 'node:url';
import { runSuites } from '../../runner/suites.mjs';

/** Those that are about one process, or about what no other client takes part in. */
const ONE_PROCESS = ['auth', 'config', 'dev', 'jwks', 'origins', 'process'];
/** They wait more than they work. */
const CONCURRENCY = 3;

function suitesIn(place, prefix = '') {
  const directory = fileURLToPath(new URL(place, import.meta.url));
  const names = readdirSync(directory).filter((name) => name.endsWith('.test.js'));
  return names.map((name) => ({ name: prefix + basename(name, '.test.js'), file: directory + name }));
}

const wanted = process.argv.slice(2);
const suites = [
  ...suitesIn('../suites/'),
  ...suitesIn('../../clients/suites/', 'clients/').filter(({ name }) => !ONE_PROCESS.includes(basename(name))),
].filter(({ name }) => wanted.length === 0 || wanted.includes(name));

process.env.SWITCHBOARD_CLUSTER ??= '3';
await runSuites(suites.map(({ file }) => file), CONCURRENCY);
