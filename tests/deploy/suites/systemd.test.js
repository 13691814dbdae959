/** The unit of deploy/systemd. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { runToExit } from '../../clients/lib/gateway.js';
import { scratchDirectory } from '../../clients/lib/processes.js';
import { read } from '../lib/files.js';

const run = promisify(execFile);
/** The highest exposure that is accepted, in tenths: systemd calls up to 19 "OK", and a plain service has 96. */
const EXPOSURE = 15;

/** The unit with a program that exists, in a file of its own. */
function unit() {
  const file = join(scratchDirectory('systemd-'), 'switchboard.service');
  writeFileSync(file, read('deploy/systemd/switchboard.service').replace('/usr/local/bin/switchboard', '/bin/true'));
  return file;
}

/** @param {string} text lines of NAME=value */
const entries = (text) => [...text.matchAll(/^([A-Za-z_]+)=(.*)$/gm)].map(([, name, value]) => [name, value]);

test('systemd knows all that the unit says', async () => {
  const { stdout, stderr } = await run('systemd-analyze', ['verify', unit()]);
  assert.equal(stdout + stderr, '');
});

test('the unit is closed to all that the gateway does not need', async () => {
  const { stdout } = await run('systemd-analyze', ['security', '--offline=true', `--threshold=${EXPOSURE}`, unit()]);
  assert.match(stdout, /Overall exposure level/);
});

test('the example of an environment is one that the gateway accepts', async () => {
  const environment = Object.fromEntries(entries(read('deploy/systemd/switchboard.env')));
  const { code, stdout, stderr } = await runToExit(environment, ['check-config']);
  assert.equal(code, 0, stderr);
  for (const name of Object.keys(environment)) assert.match(stdout, new RegExp(`^${name} `, 'm'));
});

test('the gateway has the time that it takes to stop', () => {
  const stop = Number(Object.fromEntries(entries(read('deploy/systemd/switchboard.service'))).TimeoutStopSec);
  const grace = Number(Object.fromEntries(entries(read('deploy/systemd/switchboard.env'))).SHUTDOWN_GRACE_MS) / 1000;
  assert.ok(stop >= grace + 15);
});
