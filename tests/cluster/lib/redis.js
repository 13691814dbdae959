import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { end, freePort, scratchDirectory, spawnOwned } from '../../clients/lib/processes.js';
import { until } from '../../clients/lib/wait.js';
import { RespClient } from './resp.js';

const START_TRIES = 5;

/** A redis-server process of the tests' own. */
export class Redis {
  #client = null;
  #process = null;
  #output = '';
  directory = scratchDirectory('redis-');

  /** @param {number} port @param {string[]} options */
  constructor(port, options) {
    Object.assign(this, { port, options });
  }

  /** @param {{options?: string[]}} [settings] `options` as on redis-server's command line */
  static async start({ options = [] } = {}) {
    for (let tries = 1; ; tries += 1) {
      const redis = new Redis(await freePort(), options);
      try {
        await redis.run();
        return redis;
      } catch (error) {
        await redis.kill();
        // Somebody else may have taken the port since it was seen free.
        if (tries === START_TRIES || !/in use/i.test(error.message)) throw error;
      }
    }
  }

  /** A place where there is no Redis yet. */
  static async absent() {
    return new Redis(await freePort(), []);
  }

  get url() {
    return `redis://127.0.0.1:${this.port}`;
  }

  get running() {
    return this.#process !== null;
  }

  /** Starts the process; resolves when it answers, and loaded what it had. */
  async run() {
    const args = ['--port', this.port, '--bind', '127.0.0.1', '--dir', this.directory, '--save', '',
      '--appendonly', 'yes', ...this.options];
    this.#output = '';
    this.#process = spawnOwned('redis-server', args.map(String));
    for (const stream of [this.#process.stdout, this.#process.stderr]) stream.on('data', (data) => (this.#output += data));
    let failure = null;
    this.#process.once('error', (error) => (failure = error));
    this.#process.once('close', () => (failure ??= new Error(`redis-server ended at start:\n${this.#output}`)));
    await until(async () => {
      if (failure) throw failure;
      const ready = [`process_id:${this.#process.pid}\r`, 'loading:0\r'];
      return this.command('INFO').then((text) => ready.every((line) => text.includes(line)), () => false);
    }, 'redis-server answers');
  }

  /** @param {...(string | number)} words */
  async command(...words) {
    if (!this.#client || this.#client.socket.destroyed) this.#client = await RespClient.connect(this.port);
    return this.#client.command(...words);
  }

  /** Ends the process without a word. */
  async kill() {
    const gone = this.#process;
    if (!gone) return;
    this.#process = null;
    await end(gone);
    this.#client?.close();
  }

  /** Comes back with all it had written. */
  async restartWithData() {
    await this.kill();
    await this.run();
  }

  /** Comes back with nothing. */
  async restartEmpty() {
    await this.kill();
    for (const name of ['appendonlydir', 'dump.rdb']) rmSync(join(this.directory, name), { recursive: true, force: true });
    await this.run();
  }

  freeze() {
    this.#process.kill('SIGSTOP');
  }

  thaw() {
    this.#process.kill('SIGCONT');
  }

  stop() {
    return this.kill();
  }

  /** All keys that match. @param {string} [pattern] a glob @returns {Promise<string[]>} */
  async keys(pattern = '*') {
    return (await this.command('KEYS', pattern)).sort();
  }

  async exists(key) {
    return (await this.command('EXISTS', key)) === 1;
  }

  /** @returns {Promise<Record<string, string>>} */
  async hash(key) {
    const flat = await this.command('HGETALL', key);
    const pairs = flat.flatMap((field, index) => (index % 2 ? [] : [[field, flat[index + 1]]]));
    return Object.fromEntries(pairs);
  }

  /** How many connections are subscribed to a channel. */
  async subscribers(channel) {
    const [[, plain], [, sharded]] = await Promise.all(
      [this.command('PUBSUB', 'NUMSUB', channel), this.command('PUBSUB', 'SHARDNUMSUB', channel)]);
    return plain + sharded;
  }

  /** How often each command was called since the start. @returns {Promise<Map<string, number>>} */
  async commandCounts() {
    const text = await this.command('INFO', 'commandstats');
    const lines = [...text.matchAll(/^cmdstat_([^:]+):calls=(\d+)/gm)];
    return new Map(lines.map(([, name, calls]) => [name, Number(calls)]));
  }

  /**
   * Every command that anybody sends from now on, as MONITOR prints them.
   * @param {{after: (work: () => void) => void}} t
   */
  async monitor(t) {
    const client = await RespClient.connect(this.port);
    t.after(() => client.close());
    const lines = [];
    client.onPush = (line) => lines.push(line);
    await client.command('MONITOR');
    return lines;
  }
}
