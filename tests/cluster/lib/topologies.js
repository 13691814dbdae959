import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { end, freePort, scratchDirectory, spawnOwned } from '../../clients/lib/processes.js';
import { until, within } from '../../clients/lib/wait.js';
import { Redis } from './redis.js';
import { RespClient } from './resp.js';

const SERVICE = 'rooms';

/** Failovers take several seconds, and more on a busy machine. */
const FAILOVER_BOUND_MS = 60_000;

/** Replicas get their master's data at once. */
const AT_ONCE = ['--repl-diskless-sync-delay', '0'];

/** Whether a server is a replica that has its master's data. @param {Redis} server */
async function follows(server) {
  const [role, , , state] = await server.command('ROLE');
  return role === 'slave' && state === 'connected';
}

/** A Sentinel process that watches a master. */
class Sentinel {
  /** @param {number} port @param {number} masterPort */
  constructor(port, masterPort) {
    this.port = port;
    const directory = scratchDirectory('sentinel-');
    const file = join(directory, 'sentinel.conf');
    writeFileSync(file, [
      `port ${port}`, 'bind 127.0.0.1', `dir ${directory}`,
      `sentinel monitor ${SERVICE} 127.0.0.1 ${masterPort} 2`,
      `sentinel down-after-milliseconds ${SERVICE} 3000`,
      `sentinel failover-timeout ${SERVICE} 5000`, '',
    ].join('\n'));
    this.process = spawnOwned('redis-server', [file, '--sentinel']);
    this.process.stdout.resume();
    this.process.stderr.resume();
  }

  async ask(...words) {
    const client = await RespClient.connect(this.port);
    try {
      return await client.command(...words);
    } finally {
      client.close();
    }
  }

  /** Whether it sees the replica and the two other Sentinels. */
  async settled() {
    const fields = await this.ask('SENTINEL', 'MASTER', SERVICE).catch(() => []);
    const value = (name) => fields[fields.indexOf(name) + 1];
    return fields.length > 0 && value('num-slaves') === '1' && value('num-other-sentinels') === '2';
  }

  stop() {
    return end(this.process);
  }
}

/** A master and a replica, and three Sentinels that see to it that there is a master. */
export class SentinelTrio {
  /** @param {{after: (work: () => unknown) => void}} t */
  static async start(t) {
    const trio = new SentinelTrio();
    trio.master = await Redis.start({ options: AT_ONCE });
    t.after(() => trio.master.stop());
    trio.replica = await Redis.start({ options: ['--replicaof', `127.0.0.1 ${trio.master.port}`, ...AT_ONCE] });
    t.after(() => trio.replica.stop());
    await until(() => follows(trio.replica), 'the replica follows');
    const ports = await Promise.all([1, 2, 3].map(() => freePort()));
    trio.sentinels = ports.map((port) => new Sentinel(port, trio.master.port));
    for (const sentinel of trio.sentinels) t.after(() => sentinel.stop());
    for (const sentinel of trio.sentinels) {
      await until(() => sentinel.settled(), 'a Sentinel sees the others and the replica', FAILOVER_BOUND_MS);
    }
    return trio;
  }

  get url() {
    return `redis+sentinel://${this.sentinels.map(({ port }) => `127.0.0.1:${port}`).join(',')}/${SERVICE}`;
  }

  /** Kills the master; resolves when the replica is the master. */
  async failOver() {
    await this.master.kill();
    // Sentinel breaks connections to a server that it promotes.
    const role = () => this.replica.command('ROLE').then(([name]) => name, () => 'unknown');
    await until(async () => (await role()) === 'master', 'the replica is made master', FAILOVER_BOUND_MS);
  }
}

/** Runs redis-cli until it ends. @param {string[]} args */
async function redisCli(args) {
  const child = spawnOwned('redis-cli', args);
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (data) => (output += data));
  const [code] = await within(once(child, 'close'), () => `redis-cli to end:\n${output}`, FAILOVER_BOUND_MS);
  if (code !== 0) throw new Error(`redis-cli ${args.slice(0, 2).join(' ')} failed:\n${output}`);
}

/** Three masters, each with a replica. */
export class RedisCluster {
  /** @type {Redis[]} */
  servers = [];

  /** @param {{after: (work: () => unknown) => void}} t */
  static async start(t) {
    const cluster = new RedisCluster();
    const options = ['--cluster-enabled', 'yes', '--cluster-node-timeout', '5000', ...AT_ONCE];
    const start = async () => {
      const server = await Redis.start({ options });
      t.after(() => server.stop());
      return server;
    };
    cluster.servers = await Promise.all(Array.from({ length: 6 }, start));
    await cluster.#create();
    return cluster;
  }

  async #create() {
    const addresses = this.servers.map(({ port }) => `127.0.0.1:${port}`);
    await redisCli(['--cluster', 'create', ...addresses, '--cluster-replicas', '1', '--cluster-yes']);
    for (const server of this.servers) {
      await until(async () => /cluster_state:ok/.test(await server.command('CLUSTER', 'INFO')), 'the cluster is whole', FAILOVER_BOUND_MS);
    }
    const followers = async () => (await Promise.all(this.servers.map(follows))).filter(Boolean);
    await until(async () => (await followers()).length === 3, 'the replicas follow', FAILOVER_BOUND_MS);
  }

  get url() {
    return `redis+cluster://${this.servers.map(({ port }) => `127.0.0.1:${port}`).join(',')}`;
  }

  /** Any server that lives. */
  get #witness() {
    return this.servers.find(({ running }) => running);
  }

  /** The master that has a key's slot. @param {string} key @returns {Promise<Redis>} */
  async masterOf(key) {
    const slot = await this.#witness.command('CLUSTER', 'KEYSLOT', key);
    const ranges = await this.#witness.command('CLUSTER', 'SLOTS');
    const [, , [, port]] = ranges.find(([first, last]) => first <= slot && slot <= last);
    return this.servers.find((server) => server.port === port);
  }

  /** How many connections are subscribed to a channel, at each server. @param {string} channel */
  subscribers(channel) {
    return Promise.all(this.servers.map((server) => server.subscribers(channel)));
  }

  /** Kills the master of a key; resolves when its replica has the slot, and the cluster is whole. @param {string} key */
  async failOver(key) {
    const former = await this.masterOf(key);
    await former.kill();
    await until(async () => {
      const whole = /cluster_state:ok/.test(await this.#witness.command('CLUSTER', 'INFO'));
      return whole && (await this.masterOf(key)) !== former;
    }, 'the replica has the slot', FAILOVER_BOUND_MS);
  }
}
