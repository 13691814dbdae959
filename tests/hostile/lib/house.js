import { Agent, request } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { startNode } from '../../clients/lib/gateway.js';
import { Identity } from '../../clients/lib/identity.js';
import { within } from '../../clients/lib/wait.js';
import { metricsOf } from '../../sfu/lib/admin.js';

/** @typedef {import('../../clients/lib/gateway.js').Gateway} Gateway */

const identity = new Identity();

/**
 * A gateway that holds clients to limits.
 * @param {{after: (work: () => unknown) => void}} t @param {Record<string, string | undefined>} [env]
 */
export async function limited(t, env = {}) {
  const gateway = await startNode({ RATE_LIMITS: 'on', ...env }, identity);
  t.after(() => gateway.kill());
  return gateway;
}

/** What makes connections come from another address of this machine: all of 127.0.0.0/8 are its own. @param {string} address */
export const from = (address) => new Agent({ localAddress: address });

/**
 * One request, from `address`, with its answer.
 * @param {Gateway} gateway @param {string} path
 * @param {{address?: string, headers?: Record<string, string>}} [options]
 */
export function get(gateway, path, { address = '127.0.0.1', headers = {} } = {}) {
  const answer = new Promise((resolve, reject) => {
    const req = request({ host: '127.0.0.1', port: gateway.port, path, headers, agent: false, localAddress: address }, async (res) => {
      const chunks = [];
      for await (const chunk of res) chunks.push(chunk);
      resolve({ status: res.statusCode, headers: res.headers, text: Buffer.concat(chunks).toString() });
    });
    req.on('error', reject);
    req.end();
  });
  return within(answer, `GET ${path}`);
}

/** Opens a polling session, and says how that was answered. */
export const handshake = (gateway, options) => get(gateway, '/socket.io/?EIO=4&transport=polling', options);

/** The sum of all series of a figure whose labels are among them. @param {Gateway} gateway @param {string} name @param {string[]} labels such as `reason="x"` */
export async function count(gateway, name, ...labels) {
  const { text } = await metricsOf(gateway);
  const lines = text.split('\n').filter((line) => line.match(/^[\w:]+/)?.[0] === name && labels.every((label) => line.includes(label)));
  return lines.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' ') + 1)), 0);
}

/** Waits as long as a refusal says, and a moment: timers of Node.js may be early. @param {{retryAfterMs: number}} refusal */
export const waitFor = ({ retryAfterMs }) => sleep(retryAfterMs + 5);

/** `count` times what `make` makes of 0, 1, … @template T @param {number} count @param {(index: number) => T} make @returns {T[]} */
export const times = (count, make) => Array.from({ length: count }, (_, index) => make(index));
