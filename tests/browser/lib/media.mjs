import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { end, freePort, spawnOwned } from '../../clients/lib/processes.js';
import { until } from './guest.mjs';

const MAIN = fileURLToPath(new URL('../../../media-service/src/main.js', import.meta.url));

/** Long enough for a worker to be frozen for a while and not be taken for dead. */
const WORKER_TIMEOUT_MS = '14000';

/** The Media Service with a real mediasoup, which tests may kill and start again on its port. */
export class MediaService {
  #child = null;
  #log = [];

  static async start() {
    const service = new MediaService();
    service.port = await freePort();
    await service.run();
    return service;
  }

  get url() {
    return `http://127.0.0.1:${this.port}`;
  }

  async run() {
    const env = { ...process.env, HOST: '127.0.0.1', PORT: String(this.port), LISTEN_IP: '127.0.0.1', MEDIA_WORKERS: '1', WORKER_TIMEOUT_MS, LOG_LEVEL: 'warn' };
    const child = spawnOwned(process.execPath, [MAIN], env);
    this.#child = child;
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (data) => this.#log.push(String(data)));
    await until('the Media Service to be ready', async () => {
      if (child.exitCode !== null) throw new Error(`the Media Service ended at start:\n${this.#log.join('')}`);
      return fetch(`${this.url}/readyz`).then(({ ok }) => ok, () => false);
    });
  }

  /** Holds what carries its media for the length of some work: nothing comes through, nothing is lost. */
  async frozen(work) {
    const { pid } = this.#child;
    const workers = (await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8')).trim().split(' ').map(Number);
    for (const worker of workers) process.kill(worker, 'SIGSTOP');
    try {
      await work();
    } finally {
      for (const worker of workers) process.kill(worker, 'SIGCONT');
    }
  }

  /** Ends it without a word, and its worker with it. */
  async kill() {
    await end(this.#child);
  }

  async stop() {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const ended = once(this.#child, 'exit');
    this.#child.kill('SIGTERM');
    await ended;
  }
}
