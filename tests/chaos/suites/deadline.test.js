import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { until } from '../../clients/lib/wait.js';
import { Deadline } from '../lib/deadline.js';

const CHAOS = fileURLToPath(new URL('../chaos.mjs', import.meta.url));

test('what is awaited when the deadline strikes is told, and what is over is not', async () => {
  const told = await new Promise((resolve) => {
    const deadline = new Deadline(20, resolve);
    deadline.during('what is over', async () => {});
    deadline.during('what failed', () => Promise.reject(new Error('it failed'))).catch(() => {});
    deadline.during('what never ends', () => new Promise(() => {}));
    deadline.during(() => `who is ${'missing'}`, () => new Promise(() => {}));
  });
  assert.deepEqual(told, ['what never ends, for 0 s', 'who is missing, for 0 s']);
});

test('a deadline that was met does not strike', async () => {
  let struck = false;
  const deadline = new Deadline(0, () => (struck = true));
  deadline.stop();
  await new Promise((resolve) => setTimeout(resolve, 1));
  assert.equal(struck, false);
});

/** Processes whose parent is this one, or was: by the mark that they inherit. @param {string} mark */
function processesOf(mark) {
  return readdirSync('/proc').filter((name) => /^\d+$/.test(name)).filter((pid) => {
    try {
      return readFileSync(`/proc/${pid}/environ`, 'utf8').includes(mark);
    } catch {
      // It ended meanwhile, or is somebody else's.
      return false;
    }
  });
}

test('a run that comes to its deadline says what it waits for, fails, and leaves no process', async () => {
  const directory = `/nowhere-${process.pid}-${Date.now()}`;
  const env = { ...process.env, CLIENTS: '8', CHAOS_DEADLINE_S: '1', HOME: directory };
  const child = spawn(process.execPath, [CHAOS], { env, stdio: ['ignore', 'pipe', 'pipe'] });
  let said = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (data) => (said += data));
  const [code] = await once(child, 'close');
  assert.equal(code, 1, said);
  assert.match(said, /not over after 1 s; awaited:\n\S.*, for \d+ s/);
  await until(() => processesOf(`HOME=${directory}`).length === 0, 'all its processes are gone');
});
