import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { end, freePort, scratchDirectory, spawnOwned } from '../../clients/lib/processes.js';
import { until, within } from '../../clients/lib/wait.js';

/** What turnutils_uclient says when it gets no allocation. */
const REFUSED = 'Cannot complete Allocation';

/** A client that got an allocation sends a message through it, and waits for a while before and after. */
const CLIENT_BOUND_MS = 60_000;

/** A coturn process of the tests' own, on 127.0.0.1, that takes the credentials of the gateway. */
export class Coturn {
  #process = null;
  #output = '';

  /** @param {number} port @param {string} database @param {string[]} secrets */
  constructor(port, database, secrets) {
    Object.assign(this, { port, database, secrets });
  }

  /**
   * @param {{after: (work: () => unknown) => void}} t
   * @param {{secrets?: string[]}} [settings] `secrets` that stay; others can be put into its database
   */
  static async start(t, { secrets = [] } = {}) {
    const database = join(scratchDirectory('coturn-'), 'turndb');
    const coturn = new Coturn(await freePort(), database, secrets);
    t.after(() => coturn.kill());
    await coturn.run();
    return coturn;
  }

  /** What TURN_URIS takes: UDP and TCP. */
  get uris() {
    return ['udp', 'tcp'].map((transport) => `turn:127.0.0.1:${this.port}?transport=${transport}`).join(',');
  }

  /** Everything it wrote. */
  get log() {
    return this.#output;
  }

  async run() {
    const args = ['-n', '--listening-ip', '127.0.0.1', '--relay-ip', '127.0.0.1', '--listening-port', String(this.port),
      '--no-tls', '--no-dtls', '--no-cli', '--no-rfc5780', '--allow-loopback-peers', '--realm', 'turn.example', '--pidfile', '',
      '--log-file', 'stdout', '--verbose', '--userdb', this.database, '--use-auth-secret',
      ...this.secrets.map((secret) => `--static-auth-secret=${secret}`)];
    this.#process = spawnOwned('turnserver', args);
    for (const stream of [this.#process.stdout, this.#process.stderr]) stream.on('data', (data) => (this.#output += data));
    let failure = null;
    this.#process.once('error', (error) => (failure = error));
    this.#process.once('exit', () => (failure ??= new Error(`turnserver ended:\n${this.#output}`)));
    await until(() => {
      if (failure) throw failure;
      return answersBinding(this.port);
    }, () => `turnserver answers; it wrote:\n${this.#output}`);
  }

  async kill() {
    if (this.#process) await end(this.#process);
    this.#process = null;
  }

  addSecret(secret) {
    return this.#admin(`--set-secret=${secret}`);
  }

  removeSecret(secret) {
    return this.#admin(`--delete-secret=${secret}`);
  }

  async #admin(change) {
    const { code, output } = await run('turnadmin', [change, '--realm=turn.example', `--db=${this.database}`]);
    // It keeps a log wherever it may write.
    for (const [, path] of output.matchAll(/log file opened: (\S+\.log)/g)) rmSync(path, { force: true });
    if (code !== 0) throw new Error(`turnadmin failed:\n${output}`);
  }
}

/**
 * Whether a server gives an allocation for these credentials, and relays a message through it.
 * @param {string} uri as in the gateway's answer @param {{username: string, password: string}} credentials
 */
export async function relays(uri, { username, password }) {
  const [, host, port, transport] = /^turn:([^:]+):(\d+)\?transport=(udp|tcp)$/.exec(uri) ?? [];
  if (!host) throw new Error(`not an address of these tests: ${uri}`);
  const args = ['-y', '-c', '-n', '1', '-e', '127.0.0.1', '-p', port, '-u', username, '-w', password, host];
  const { code, output } = await run('turnutils_uclient', transport === 'tcp' ? ['-t', ...args] : args);
  if (code === 0 && /tot_recv_msgs=[1-9]/.test(output)) return true;
  if (code !== 0 && output.includes(REFUSED)) return false;
  throw new Error(`turnutils_uclient ended with ${code}:\n${output}`);
}

async function run(command, args) {
  const child = spawnOwned(command, args);
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (data) => (output += data));
  try {
    const [code] = await within(once(child, 'close'), () => `${command} to end; it wrote:\n${output}`, CLIENT_BOUND_MS);
    return { code, output };
  } finally {
    child.kill('SIGKILL');
  }
}

/** Asks for nothing but an answer (STUN Binding, RFC 8489). */
async function answersBinding(port) {
  const socket = createSocket('udp4');
  const request = Buffer.alloc(20);
  request.writeUInt16BE(0x0001, 0);
  request.writeUInt32BE(0x2112a442, 4);
  const answered = new Promise((resolve) => {
    socket.once('message', () => resolve(true));
    socket.once('error', () => resolve(false));
    setTimeout(resolve, 200, false);
  });
  socket.send(request, port, '127.0.0.1');
  try {
    return await answered;
  } finally {
    socket.close();
  }
}
