import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const BINARY = process.env.SWITCHBOARD_BIN ?? fileURLToPath(new URL('../../../target/debug/switchboard', import.meta.url));
const START_MS = 60_000;
const STOP_MS = 15_000;

/** Starts a gateway of our own on a free port and resolves once it says where it listens. `settings` are variables of its environment. */
export async function startGateway(settings = {}) {
  const child = spawn(BINARY, [], {
    env: { ...process.env, DEV: 'true', HOST: '127.0.0.1', PORT: '0', ADMIN_PORT: '0', LOG_FORMAT: 'json', SHUTDOWN_GRACE_MS: '500', ...settings },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const log = [];
  const exited = new Promise((resolve) => child.once('exit', resolve));
  const address = await listening(child, log);
  return {
    url: `${settings.TLS_CERT ? 'https' : 'http'}://${address}/demo/`,
    log,
    /** What `/readyz` says. */
    async readiness() {
      return (await fetch(`http://${address}/readyz`)).json();
    },
    async stop() {
      child.kill('SIGTERM');
      const force = setTimeout(() => child.kill('SIGKILL'), STOP_MS);
      await exited;
      clearTimeout(force);
    },
  };
}

function listening(child, log) {
  return new Promise((resolve, reject) => {
    const fail = (why) => {
      clearTimeout(timer);
      child.kill('SIGKILL');
      reject(new Error(`${BINARY}: ${why}\n${log.slice(-20).join('\n')}`));
    };
    const timer = setTimeout(() => fail('did not say that it listens'), START_MS);
    child.once('error', (error) => fail(error.message));
    child.once('exit', (code) => fail(`ended with ${code}`));
    createInterface({ input: child.stderr }).on('line', (line) => log.push(line));
    createInterface({ input: child.stdout }).on('line', (line) => {
      log.push(line);
      const address = addressIn(line);
      if (!address) return;
      clearTimeout(timer);
      resolve(address);
    });
  });
}

/** The fields of a JSON log line sit either at the top or under `fields`. */
function addressIn(line) {
  try {
    const entry = JSON.parse(line);
    const fields = { ...entry, ...entry.fields };
    return fields.message === 'listening' ? fields.address : undefined;
  } catch {
    return undefined;
  }
}
