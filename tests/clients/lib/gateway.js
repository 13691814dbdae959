import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { request } from 'node:http';
import { request as requestOverTls } from 'node:https';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { Contract } from './contract.js';
import { Identity } from './identity.js';
import { end, spawnOwned } from './processes.js';
import { within } from './wait.js';

const DEFAULT_BINARY = fileURLToPath(new URL('../../../target/debug/switchboard', import.meta.url));

/** The one origin the suites' gateways allow unless told otherwise. */
export const ALLOWED_ORIGIN = 'http://app.example';

/** Inherited from the machine; all else of the environment stays out, so that it cannot configure the gateway. */
const INHERITED = ['PATH', 'HOME', 'TMPDIR', 'RUST_BACKTRACE', 'LLVM_PROFILE_FILE'];

/** @param {Record<string, string | undefined>} env @param {string[]} [args] */
export function spawnGateway(env, args = []) {
  const binary = process.env.SWITCHBOARD_BIN ?? DEFAULT_BINARY;
  if (!existsSync(binary)) throw new Error(`no gateway at ${binary}: build it, or set SWITCHBOARD_BIN`);
  const inherited = Object.fromEntries(INHERITED.map((name) => [name, process.env[name]]));
  return spawnOwned(binary, args, { ...inherited, ...env });
}

/** A running gateway process. */
export class Gateway {
  /** Every line it wrote, standard output and error alike. @type {string[]} */
  lines = [];
  /** @type {number} */
  port = 0;
  /** What it says of its events, unless that is not to be checked. @type {Contract | null} */
  contract = null;
  /** By whom its certificate is signed, if it speaks TLS. @type {Buffer | undefined} */
  ca;

  /** @param {import('node:child_process').ChildProcess} child @param {Identity} identity */
  constructor(child, identity) {
    this.child = child;
    this.identity = identity;
    this.exit = once(child, 'exit').then(([code, signal]) => ({ code, signal }));
  }

  get url() {
    return `${this.ca ? 'https' : 'http'}://127.0.0.1:${this.port}`;
  }

  get running() {
    return this.child.exitCode === null && this.child.signalCode === null;
  }

  /** Where the next client goes; of several nodes each time to another, and never to the one given. */
  next() {
    return this;
  }

  /** Resolves when lost clients can be found by their user, wherever that connects. One process knows by itself. */
  async knowsAway() {}

  /** Everything written so far. */
  get log() {
    return this.lines.join('\n');
  }

  /** @param {NodeJS.Signals} name */
  signal(name) {
    this.child.kill(name);
  }

  async exited() {
    return within(this.exit, 'the gateway to exit', 120_000);
  }

  /** Ends the process whatever it is doing. */
  kill() {
    return end(this.child);
  }

  /** Reads both outputs; resolves when the gateway says where it listens. */
  async listening() {
    const found = new Promise((resolve, reject) => {
      const read = (stream) => createInterface({ input: stream }).on('line', (line) => {
        this.lines.push(line);
        const address = listeningAddress(line);
        if (address && !this.port) resolve(Number(address.split(':').at(-1)));
      });
      read(this.child.stdout);
      read(this.child.stderr);
      this.exit.then(() => reject(new Error(`the gateway ended at start:\n${this.log}`)));
    });
    this.port = await within(found, () => `the gateway to listen; it wrote:\n${this.log}`, 60_000);
  }

  /**
   * One HTTP request, with exactly the headers given.
   * @param {string} path
   * @param {{method?: string, headers?: Record<string, any>, body?: string | Buffer}} [options]
   * @returns {Promise<{status: number, headers: import('node:http').IncomingHttpHeaders, text: string, json: () => any}>}
   */
  http(path, { method = 'GET', headers = {}, body = '' } = {}) {
    const answer = new Promise((resolve, reject) => {
      const send = this.ca ? requestOverTls : request;
      const req = send({ host: '127.0.0.1', port: this.port, path, method, headers, agent: false, ca: this.ca }, (res) => {
        const chunks = [];
        res.on('data', (chunk) => chunks.push(chunk));
        res.on('error', reject);
        res.on('end', () => {
          const text = Buffer.concat(chunks).toString();
          resolve({ status: res.statusCode, headers: res.headers, text, json: () => JSON.parse(text) });
        });
      });
      req.on('error', reject);
      req.end(body);
    });
    return within(answer, `${method} ${path}`);
  }
}

/** @param {string} line */
function listeningAddress(line) {
  try {
    const entry = JSON.parse(line);
    const fields = entry.fields ?? entry;
    return fields.message === 'listening' ? fields.address : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Starts a gateway on a free port with a key of its own; with `SWITCHBOARD_CLUSTER` so many nodes
 * on a Redis in its place, whose clients go to one after another.
 * @param {Record<string, string | undefined>} [env] an undefined value unsets a default
 * @param {Identity} [identity]
 * @returns {Promise<Gateway | import('../../cluster/lib/cluster.js').Cluster>}
 */
export async function startGateway(env = {}, identity = new Identity()) {
  const size = Number(process.env.SWITCHBOARD_CLUSTER ?? 0);
  if (!size) return startNode(env, identity);
  const { standIn } = await import('../../cluster/lib/cluster.js');
  return standIn({ size, env, identity });
}

/**
 * Starts one process, as {@link startGateway} does.
 * @param {Record<string, string | undefined>} env @param {Identity} identity
 */
export async function startNode(env, identity) {
  const child = spawnGateway({
    HOST: '127.0.0.1',
    PORT: '0',
    ADMIN_PORT: '0',
    LOG_FORMAT: 'json',
    RUST_LOG: 'info',
    CLIENT_URL: ALLOWED_ORIGIN,
    RATE_LIMITS: 'off',
    JWT_PUBLIC_KEY_FILE: identity.publicPemFile,
    ...env,
  });
  const gateway = new Gateway(child, identity);
  if (env.TLS_CERT) gateway.ca = readFileSync(env.TLS_CERT);
  try {
    await gateway.listening();
    gateway.contract = await Contract.of(gateway);
  } catch (error) {
    await gateway.kill();
    throw error;
  }
  return gateway;
}

/**
 * Runs the gateway until it ends by itself; for configurations it must refuse.
 * @param {Record<string, string | undefined>} env
 * @param {string[]} [args]
 */
export async function runToExit(env, args = []) {
  const child = spawnGateway(env, args);
  const output = { stdout: '', stderr: '' };
  child.stdout.on('data', (data) => (output.stdout += data));
  child.stderr.on('data', (data) => (output.stderr += data));
  const closed = once(child, 'close').then(([code, signal]) => ({ code, signal, ...output }));
  try {
    return await within(closed, () => `the gateway to refuse; it wrote:\n${output.stdout}${output.stderr}`);
  } finally {
    child.kill('SIGKILL');
  }
}
