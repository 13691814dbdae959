import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** What this process has started and must not outlive it. @type {Set<import('node:child_process').ChildProcess>} */
const children = new Set();
/** @type {Set<string>} */
const directories = new Set();

process.once('exit', () => {
  for (const child of children) child.kill('SIGKILL');
  for (const directory of directories) rmSync(directory, { recursive: true, force: true });
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
 * A port for a server that must know it beforehand, and may be restarted on it. The one ten
 * thousand higher is free as well: servers of a Redis Cluster speak to each other there.
 * @returns {Promise<number>}
 */
export async function freePort() {
  for (let tries = 0; tries < 100; tries += 1) {
    const port = FIRST_PORT + Math.floor(Math.random() * PORTS);
    if (await isFree(port) && await isFree(port + PORTS)) return port;
  }
  throw new Error('no free port');
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
