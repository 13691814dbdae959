/** Runs suites of tests side by side, and what failed so once more by itself. */
import { appendFileSync, mkdirSync } from 'node:fs';
import { dirname, relative } from 'node:path';
import { run } from 'node:test';
import { spec } from 'node:test/reporters';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));

/** Where `make test` reads at its end what needed a second try. */
const UNSTEADY = `${ROOT}target/unsteady-suites.log`;

/** Runs them, and returns the names of the tests that failed, by file. */
async function play(files, concurrency) {
  /** @type {Map<string, string[]>} */
  const failed = new Map();
  const results = run({ files, concurrency });
  results.on('test:fail', ({ name, file }) => failed.set(file, [...failed.get(file) ?? [], name]));
  for await (const text of results.compose(spec)) process.stdout.write(text);
  return failed;
}

/**
 * Suites drive whole clusters against the clock of the contract, on machines that may stand still for seconds. One that
 * fails beside others is therefore run once more by itself. It must pass then, and is written down: who reads the log
 * knows what is unsteady, and what is broken fails twice.
 * @param {string[]} files absolute paths
 * @param {number} concurrency how many at once
 */
export async function runSuites(files, concurrency) {
  if (files.length === 0) throw new Error('no such suite');
  const failed = await play(files, concurrency);
  if (failed.size === 0) return;
  // A failure that names none of the files cannot be repeated.
  if (![...failed.keys()].every((file) => files.includes(file))) {
    process.exitCode = 1;
    return;
  }
  const named = [...failed].map(([file, tests]) => `${relative(ROOT, file)}: ${tests.join('; ')}`).join('\n');
  console.log(`\nfailed, and run once more by themselves:\n${named}\n`);
  if ((await play([...failed.keys()], 1)).size > 0) {
    process.exitCode = 1;
    return;
  }
  mkdirSync(dirname(UNSTEADY), { recursive: true });
  appendFileSync(UNSTEADY, `${new Date().toISOString()}\n${named}\n`);
}
