/**
 * Runs the suites of the directory it is started in: `node ../runner/run.mjs 3` with three at once.
 * Further arguments select some: `npm test -- relays rooms`.
 */
import { existsSync, readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { runSuites } from './suites.mjs';

const SUITE = /\.test\.m?js$/;
const [atOnce, ...wanted] = process.argv.slice(2);
const directory = resolve(existsSync('suites') ? 'suites' : '.');
const names = readdirSync(directory).filter((name) => SUITE.test(name));
const chosen = names.filter((name) => wanted.length === 0 || wanted.includes(name.replace(SUITE, '')));
await runSuites(chosen.map((name) => join(directory, name)), Number(atOnce));
