import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { until, within } from './wait.js';

export const PROJECT = join(fileURLToPath(import.meta.url), '..', '..', '..');
const MAIN = join(PROJECT, 'src', 'main.js');

/** What this process has started and must not outlive it. @type {Set<import('node:child_process').ChildProcess>} */
const children = new Set();
process.once('exit', () => {
  for (const child of children) child.kill('SIGKILL');
});
// Without a handler these end a process past its exit listeners.
for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.once(name, () => process.exit(1));

/** The environment of a service: the machine's worker, media on the loopback address only. */
function environment(settings) {
  const inherited = ['PATH', 'HOME', 'TMPDIR', 'MEDIASOUP_WORKER_BIN', 'NODE_V8_COVERAGE'];
  const kept = Object.fromEntries(inherited.filter((name) => process.env[name]).map((name) => [name, process.env[name]]));
  return { ...kept, PORT: '0', LISTEN_IP: '127.0.0.1', MEDIA_WORKERS: '1', SHUTDOWN_GRACE_MS: '0', ...settings };
}

/** Whether there is a process of this id that has not ended. @param {number} pid */
export function lives(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

/** A process of the service, whatever becomes of it. */
export class Process {
  /** Its log, one object for each line. @type {object[]} */
  log = [];
  stderr = '';

  /** @param {Record<string, string>} [settings] */
  constructor(settings = {}) {
    this.child = spawn(process.execPath, [MAIN], { env: environment(settings), stdio: ['ignore', 'pipe', 'pipe'] });
    children.add(this.child);
    this.child.once('exit', () => children.delete(this.child));
    createInterface({ input: this.child.stdout }).on('line', (line) => this.log.push(JSON.parse(line)));
    this.child.stderr.on('data', (data) => { this.stderr += data; });
    this.ended = once(this.child, 'close').then(([code, signal]) => ({ code, signal }));
  }

  /** How it ends. */
  end() {
    return within(this.ended, 'the end of the service');
  }

  logged(message) {
    return this.log.filter((entry) => entry.message === message);
  }

  get workers() {
    return this.logged('worker started').map(({ pid }) => pid);
  }
}

/** A service that runs. */
export class Service extends Process {
  /** @param {Record<string, string>} [settings] @returns {Promise<Service>} */
  static async start(settings) {
    const service = new Service(settings);
    const listening = await Promise.race([
      until(() => service.logged('listening')[0], 'the service listens'),
      service.ended.then(({ code }) => Promise.reject(new Error(`ended with ${code}: ${service.stderr}`))),
    ]);
    service.url = `http://${listening.address}`;
    return service;
  }

  /**
   * @param {string} method @param {string} path @param {unknown} [body] text is sent as it is
   * @param {Record<string, string>} [headers]
   */
  async request(method, path, body, headers = {}) {
    const response = await fetch(this.url + path, {
      method,
      body: typeof body === 'string' ? body : JSON.stringify(body),
      headers: { 'content-type': 'application/json', ...headers },
    });
    return { status: response.status, headers: response.headers, body: await response.json() };
  }

  /** Like {@link request}, for what must succeed. Returns the body. */
  async call(method, path, body) {
    const answer = await this.request(method, path, body);
    if (answer.status !== 200) throw new Error(`${method} ${path}: ${answer.status} ${JSON.stringify(answer.body)}`);
    return answer.body;
  }

  /** Asks it to end, and waits for that. */
  async stop(signal = 'SIGTERM') {
    this.child.kill(signal);
    return this.end();
  }
}
