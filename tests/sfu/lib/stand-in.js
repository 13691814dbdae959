import { once } from 'node:events';
import { createServer } from 'node:http';
import { freePort } from '../../clients/lib/processes.js';
import { until } from '../../clients/lib/wait.js';

/**
 * @typedef {object} Seen one request, as it arrived
 * @property {string} route its name in the table of routes, or `unknown`
 * @property {string} method
 * @property {string} url as sent, escapes and all
 * @property {Record<string, string>} params decoded parts of the path, by the names in the table
 * @property {URLSearchParams} query
 * @property {import('node:http').IncomingHttpHeaders} headers
 * @property {string} body as sent
 * @property {number} at when its head had arrived, as of `performance.now()`
 * @property {number} spentMs from then until the answer was handed to the kernel; 0 before
 */

/**
 * @typedef {object} Fault
 * @property {'hang' | 'slow' | 'status' | 'reset' | 'garbage' | 'half' | 'oversized' | 'drip' | 'redirect' | 'farewell' | 'flap'} kind
 * @property {string[]} [routes] all but the health checks if left out; `['*']` are really all
 * @property {number} [status] for `status`
 * @property {string} [body] for `status`
 * @property {number} [ms] for `slow`
 */

/** What asks whether the service lives. */
const HEALTH = ['livez', 'readyz'];

/** Valid JSON, and far more than an answer may be. */
const OVERSIZED_BYTES = 16 * 1024 * 1024;
const DRIP_EVERY_MS = 200;

/**
 * A real HTTP server in the place of a service, which records what it is asked and fails as told.
 * Services derive from it: they have routes, and answers.
 */
export class StandIn {
  /** @type {Seen[]} */
  requests = [];
  /** The most requests that were open at once, by route. @type {Map<string, number>} */
  mostAtOnce = new Map();
  #open = new Map();
  #faults = [];
  #turn = 0;
  #server = null;
  port = 0;

  /** @param {[string, string, string][]} routes name, method, path with `:names` @param {string} [host] */
  constructor(routes, host = '127.0.0.1') {
    this.host = host;
    this.routes = routes.map(([name, method, path]) => ({ name, method, parts: path.split('/').slice(1) }));
  }

  get url() {
    return `http://${this.host}:${this.port}`;
  }

  /** Listens, on the same port each time. A port not chosen by the system is not given away in between. */
  async open() {
    this.port ||= await freePort();
    this.#server = createServer((req, res) => this.#serve(req, res));
    this.#server.listen(this.port, this.host);
    await once(this.#server, 'listening');
  }

  /** Cuts all connections and refuses new ones, until {@link open}. */
  async close() {
    const server = this.#server;
    if (!server) return;
    this.#server = null;
    const closed = once(server, 'close');
    server.close();
    server.closeAllConnections();
    await closed;
  }

  /** Fails in this way until {@link heal}, and in those told before. @param {Fault['kind']} kind @param {Omit<Fault, 'kind'>} [how] */
  fail(kind, how = {}) {
    this.#faults.push({ kind, ...how });
  }

  /** Serves again. Requests that hang go on hanging. */
  heal() {
    this.#faults = [];
  }

  /** Resolves when nothing waits for an answer any more: who asked has given up. */
  idle() {
    return until(() => [...this.#open.values()].every((count) => count === 0), 'nobody waits for an answer');
  }

  /** What arrived on a route, in order. @param {string} route @param {(seen: Seen) => boolean} [fits] */
  calls(route, fits = () => true) {
    return this.requests.filter((seen) => seen.route === route && fits(seen));
  }

  /** All that arrived but health checks. */
  get work() {
    return this.requests.filter(({ route }) => !HEALTH.includes(route));
  }

  /** The first such request, past or to come. @param {string} route @param {(seen: Seen) => boolean} [fits] @returns {Promise<Seen>} */
  called(route, fits) {
    return until(() => this.calls(route, fits)[0], `${route} is called`);
  }

  /** Resolves when so many more health checks have come. @param {number} [count] */
  probed(count = 1) {
    const goal = this.calls('readyz').length + count;
    return until(() => this.calls('readyz').length >= goal, `${count} more health checks come`);
  }

  /**
   * What the service says, having done what it was asked.
   * @param {Seen} _seen
   * @returns {{status?: number, text: string}}
   */
  answer(_seen) {
    throw new Error('a stand-in says what it answers');
  }

  async #serve(req, res) {
    const at = performance.now();
    const chunks = [];
    res.on('error', () => {});
    try {
      for await (const chunk of req) chunks.push(chunk);
    } catch {
      return; // The other side gave up before it had said all.
    }
    const seen = this.#note(req, Buffer.concat(chunks).toString(), at);
    this.#count(seen.route, res);
    const fault = this.#faultFor(seen.route);
    if (fault) FAULTS[fault.kind](res, () => this.#answered(seen), fault, req.socket);
    else this.#send(res, this.#answered(seen));
    if (res.writableEnded) seen.spentMs = performance.now() - at;
  }

  #send(res, { status = 200, text }) {
    send(res, status, text);
  }

  /** A stand-in that throws must not look like a service that fails. */
  #answered(seen) {
    try {
      return this.answer(seen);
    } catch (error) {
      setImmediate(() => { throw error; });
      return { status: 500, text: '{}' };
    }
  }

  #note(req, body, at) {
    const [path, search = ''] = req.url.split('?', 2);
    const { name, params } = this.#match(req.method, path.split('/').slice(1));
    const seen = {
      route: name, params, method: req.method, url: req.url, query: new URLSearchParams(search),
      headers: req.headers, body, at, spentMs: 0,
    };
    this.requests.push(seen);
    return seen;
  }

  #match(method, parts) {
    for (const route of this.routes) {
      if (route.method !== method || route.parts.length !== parts.length) continue;
      if (!route.parts.every((part, index) => part.startsWith(':') || part === parts[index])) continue;
      const named = route.parts.flatMap((part, index) => (part.startsWith(':') ? [[part.slice(1), decode(parts[index])]] : []));
      return { name: route.name, params: Object.fromEntries(named) };
    }
    return { name: 'unknown', params: {} };
  }

  #count(route, res) {
    const open = (this.#open.get(route) ?? 0) + 1;
    this.#open.set(route, open);
    this.mostAtOnce.set(route, Math.max(open, this.mostAtOnce.get(route) ?? 0));
    res.on('close', () => this.#open.set(route, this.#open.get(route) - 1));
  }

  #faultFor(route) {
    const meant = ({ routes }) => (routes ? routes.includes('*') || routes.includes(route) : !HEALTH.includes(route));
    const fault = this.#faults.find(meant);
    if (fault?.kind !== 'flap') return fault;
    this.#turn += 1;
    return this.#turn % 2 ? { kind: 'reset' } : null;
  }
}

function decode(part) {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

function send(res, status, text, headers = {}) {
  const length = Buffer.byteLength(text);
  res.writeHead(status, { 'content-type': 'application/json', 'content-length': length, ...headers }).end(text);
}

/**
 * The ways to fail. Those that answer have done what they were asked: that is what is hard about them.
 * @type {Record<string, (res: import('node:http').ServerResponse, answer: () => {status?: number, text: string}, fault: Fault, socket: import('node:net').Socket) => void>}
 */
const FAULTS = {
  hang() {},
  reset: (res, _answer, _fault, socket) => socket.resetAndDestroy(),
  status: (res, _answer, { status = 500, body = '{"code":"internal","message":"out of order"}' }) => send(res, status, body),
  redirect: (res, _answer, { status = 307 }) => send(res, status, '{}', { location: '/elsewhere' }),
  slow(res, answer, { ms }) {
    setTimeout(() => {
      const { status = 200, text } = answer();
      if (!res.destroyed) send(res, status, text);
    }, ms);
  },
  farewell(res, answer, _fault, socket) {
    const { status = 200, text } = answer();
    res.on('finish', () => socket.end());
    send(res, status, text);
  },
  garbage(res, answer) {
    answer();
    send(res, 200, '{"id": not JSON at all');
  },
  half(res, answer, _fault, socket) {
    const { text } = answer();
    res.writeHead(200, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) });
    res.write(text.slice(0, Math.ceil(text.length / 2)), () => socket.destroy());
  },
  oversized(res, answer) {
    const { text } = answer();
    send(res, 200, `${text.slice(0, -1)}${text === '{}' ? '' : ','}"padding":"${'x'.repeat(OVERSIZED_BYTES)}"}`);
  },
  drip(res, answer) {
    answer();
    res.writeHead(200, { 'content-type': 'application/json' });
    const timer = setInterval(() => res.write(' '), DRIP_EVERY_MS);
    res.on('close', () => clearInterval(timer));
  },
};
