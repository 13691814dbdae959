import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { adminPort } from '../../sfu/lib/admin.js';
import { end, freePort, scratchDirectory, spawnOwned } from '../../clients/lib/processes.js';
import { until } from '../../clients/lib/wait.js';
import { deployed, RULES } from './deployed.js';

/** A Prometheus of the tests' own, which scrapes gateways each second. */
export class Prometheus {
  #output = '';
  directory = scratchDirectory('prometheus-');

  /** @param {number} port */
  constructor(port) {
    this.port = port;
  }

  /** @param {{after: (work: () => unknown) => void}} t @param {import('../../clients/lib/gateway.js').Gateway[]} nodes */
  static async start(t, nodes) {
    const prometheus = new Prometheus(await freePort());
    await prometheus.#run(t, nodes);
    return prometheus;
  }

  get url() {
    return `http://127.0.0.1:${this.port}`;
  }

  async #run(t, nodes) {
    const config = join(this.directory, 'prometheus.yml');
    writeFileSync(config, JSON.stringify({
      global: { scrape_interval: '1s', evaluation_interval: '1s' },
      rule_files: [deployed(RULES)],
      scrape_configs: [{ job_name: 'switchboard', static_configs: [{ targets: nodes.map((node) => `127.0.0.1:${adminPort(node)}`) }] }],
    }));
    const child = spawnOwned('prometheus', [`--config.file=${config}`, `--storage.tsdb.path=${join(this.directory, 'data')}`,
      `--web.listen-address=127.0.0.1:${this.port}`, '--log.level=warn']);
    t.after(() => end(child));
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (data) => (this.#output += data));
    await until(async () => {
      if (child.exitCode !== null) throw new Error(`prometheus ended at start:\n${this.#output}`);
      return fetch(`${this.url}/-/ready`).then(({ ok }) => ok, () => false);
    }, 'prometheus is ready');
  }

  async get(path) {
    const answer = await (await fetch(`${this.url}/api/v1/${path}`)).json();
    if (answer.status !== 'success') throw new Error(`${path}: ${answer.error}`);
    return answer.data;
  }

  /** The result of an instant query. @param {string} expr @returns {Promise<{metric: Record<string, string>, value: [number, string]}[]>} */
  async query(expr) {
    return (await this.get(`query?query=${encodeURIComponent(expr)}`)).result;
  }
}
