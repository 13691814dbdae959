import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** What this process has started and must not outlive it. @type {Set<import('node:child_process').ChildProcess>} */
const children = new Set();
/** @type {Set<string>} */
const directories = new Set();
/** Files that keep ports for this process. @type {Set<string>} */
const claims = new Set();

process.once('exit', () => {
  for (const child of children) child.kill('SIGKILL');
  for (const path of [...directories, ...claims]) rmSync(path, { recursive: true, force: true });
});
// Without a handler these end a process past its exit listeners.
for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.once(name, () => process.exit(1));

/**
 * A process that ends with this one, and not before it is asked to.
 * @param {string} command @param {string[]} args @param {NodeJS.ProcessEnv} [env]
 * @param {'ignore' | 'pipe'} [input] 'pipe': for one that is talked to
 */
export function spawnOwned(command, args, env = process.env, input = 'ignore') {
  const child = spawn(command, args, { env, stdio: [input, 'pipe', 'pipe'] });
  children.add(child);
  child.once('exit', () => children.delete(child));
  return child;
}

/** A directory that goes when this process ends. @param {string} prefix */
export function scratchDirectory(prefix) {
  const directory = mkdtempSync(join(tmpdir(), prefix));
  directories.add(directory);
  return directory;
}

/** Ends a process without a word. @param {import('node:child_process').ChildProcess} child */
export async function end(child) {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.kill('SIGKILL');
  await ended;
}

/**
 * Below the ports that systems give to outgoing connections: one of those could be taken
 * between two runs of a server.
 */
const FIRST_PORT = 12_000;
const PORTS = 10_000;

/**
 * A port for a server that must know it beforehand, and may be restarted on it: until this process
 * ends no other that asks here is given it, whether anybody listens there or not. The one ten
 * thousand higher is free as well: servers of a Redis Cluster speak to each other there.
 * @returns {Promise<number>}
 */
export async function freePort() {
  for (let tries = 0; tries < 100; tries += 1) {
    const port = FIRST_PORT + Math.floor(Math.random() * PORTS);
    if (claim(port) && await isFree(port) && await isFree(port + PORTS)) return port;
  }
  throw new Error('no free port');
}

/** Keeps a port for this process. Returns whether nobody else does. @param {number} port */
function claim(port) {
  const file = join(tmpdir(), `switchboard-test-port-${port}`);
  try {
    writeFileSync(file, `${process.pid}`, { flag: 'wx' });
    claims.add(file);
    return true;
  } catch (error) {
    if (error.code !== 'EEXIST') throw error;
    if (!claims.has(file)) removeLeftOver(file);
    return false;
  }
}

/** Removes the file of a process that is gone and could not take it along. @param {string} file */
function removeLeftOver(file) {
  try {
    process.kill(Number(readFileSync(file, 'utf8')), 0);
  } catch (error) {
    if (error.code !== 'ESRCH') return;
    try {
      rmSync(file, { force: true });
    } catch {
      // It is another user's: there are other ports.
    }
  }
}

async function isFree(port) {
  const server = createServer();
  server.listen(port, '127.0.0.1');
  try {
    await once(server, 'listening');
  } catch {
    return false;
  }
  server.close();
  await once(server, 'close');
  return true;
}
