import { request } from 'node:http';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { end, freePort, scratchDirectory, spawnOwned } from '../../clients/lib/processes.js';
import { until } from '../../clients/lib/wait.js';
import { read } from './files.js';

/** @typedef {{port: number}} Node */

/** A proxy with the configuration that is delivered, but for addresses, ports and paths. */
export class Proxy {
  #output = '';

  /** Starts it and waits until it answers on both ports. @param {Node[]} nodes */
  static async start(nodes) {
    const proxy = new this();
    proxy.directory = scratchDirectory('proxy-');
    [proxy.websocketPort, proxy.stickyPort] = [await freePort(), await freePort()];
    proxy.child = proxy.spawn(nodes);
    for (const stream of [proxy.child.stdout, proxy.child.stderr]) stream.on('data', (data) => (proxy.#output += data));
    for (const port of [proxy.websocketPort, proxy.stickyPort]) {
      await until(async () => {
        if (proxy.child.exitCode !== null) throw new Error(`the proxy ended at start:\n${proxy.#output}`);
        return get(port, '/livez').then(({ status }) => status === 200, () => false);
      }, `the proxy answers on ${port}`);
    }
    return proxy;
  }

  get websocketUrl() {
    return `http://127.0.0.1:${this.websocketPort}`;
  }

  get stickyUrl() {
    return `http://127.0.0.1:${this.stickyPort}`;
  }

  stop() {
    return end(this.child);
  }

  /**
   * By which nodes requests were answered.
   * @abstract
   * @param {string} path of the requests @param {Iterable<string>} cookies of their answers
   * @returns {string[]}
   */
  answeredBy() {
    throw new Error('each proxy has a way of its own');
  }
}

/** Replaces what must be there. @param {string} text @param {[string | RegExp, string][]} changes */
function change(text, changes) {
  return changes.reduce((now, [from, to]) => {
    const next = now.replaceAll(from, to);
    if (next === now) throw new Error(`the configuration has no ${from}`);
    return next;
  }, text);
}

export class Nginx extends Proxy {
  spawn(nodes) {
    const path = (name) => join(this.directory, name);
    mkdirSync(path('temp'));
    const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
      .map((name) => `    ${name}_temp_path ${path('temp')}/${name};`);
    const text = change(read('deploy/proxy/nginx.conf'), [
      ...nodes.map(({ port }, index) => [`node${index + 1}:3000`, `127.0.0.1:${port}`]),
      ['listen 8080;', `listen 127.0.0.1:${this.websocketPort};`],
      ['listen 8081;', `listen 127.0.0.1:${this.stickyPort};`],
      ['/dev/stdout', path('access.log')],
      ['http {\n', ['http {', ...temporary, ''].join('\n')],
      ['worker_connections 32768', 'worker_connections 512'],
      [/worker_rlimit_nofile .*\n/g, ''],
      ['worker_processes auto', 'worker_processes 1'],
    ]);
    writeFileSync(path('nginx.conf'), text);
    const directives = `daemon off; pid ${path('nginx.pid')};`;
    return spawnOwned('nginx', ['-e', 'stderr', '-c', path('nginx.conf'), '-g', directives], {
      PATH: `${process.env.PATH}:/usr/sbin`,
    });
  }

  /** Ends its workers with it: they outlive one that is killed. */
  async stop() {
    const ended = new Promise((resolve) => this.child.once('exit', resolve));
    this.child.kill('SIGTERM');
    await ended;
  }

  /** As the log has it. @param {string} path */
  answeredBy(path) {
    const lines = readFileSync(join(this.directory, 'access.log'), 'utf8').split('\n');
    return lines.filter((line) => line.includes(`"GET ${path}"`)).map((line) => line.split(' ').at(-1));
  }
}

export class Caddy extends Proxy {
  /** Its cookies are the names of nodes, in disguise. @param {string} _path @param {Iterable<string>} cookies */
  answeredBy(_path, cookies) {
    return [...cookies];
  }

  spawn(nodes) {
    const file = join(this.directory, 'Caddyfile');
    writeFileSync(file, change(read('deploy/proxy/Caddyfile'), [['auto_https off', 'auto_https off\n\tdefault_bind 127.0.0.1']]));
    return spawnOwned('caddy', ['run', '--adapter', 'caddyfile', '--config', file], {
      PATH: process.env.PATH,
      HOME: this.directory,
      NODES: nodes.map(({ port }) => `127.0.0.1:${port}`).join(' '),
      WEBSOCKET_PORT: String(this.websocketPort),
      STICKY_PORT: String(this.stickyPort),
    });
  }
}

/**
 * One request.
 * @param {number} port @param {string} path @param {Record<string, string>} [headers]
 * @returns {Promise<{status: number, headers: import('node:http').IncomingHttpHeaders, text: string}>}
 */
export function get(port, path, headers = {}) {
  return new Promise((resolve, reject) => {
    const req = request({ host: '127.0.0.1', port, path, headers, agent: false }, (res) => {
      let text = '';
      res.setEncoding('utf8').on('data', (data) => (text += data)).on('error', reject);
      res.on('end', () => resolve({ status: res.statusCode, headers: res.headers, text }));
    });
    req.on('error', reject).end();
  });
}
