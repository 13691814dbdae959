import { request } from 'node:http';
import { within } from '../../clients/lib/wait.js';

/** @typedef {import('../../clients/lib/gateway.js').Gateway} Gateway */

/** By value of the gauge. */
const STATES = ['closed', 'half-open', 'open'];

/** Where a gateway says that its admin listener is. @param {Gateway} gateway */
export function adminPort({ lines }) {
  for (const line of lines) {
    const entry = JSON.parse(line);
    const fields = entry.fields ?? entry;
    if (fields.message === 'listening for operators') return Number(fields.address.split(':').at(-1));
  }
  throw new Error('the gateway says nothing of an admin listener');
}

/** @param {Gateway} gateway @returns {Promise<{status: number, headers: import('node:http').IncomingHttpHeaders, text: string}>} */
export function metricsOf(gateway) {
  const answer = new Promise((resolve, reject) => {
    request({ host: '127.0.0.1', port: adminPort(gateway), path: '/metrics', agent: false }, async (res) => {
      const chunks = [];
      for await (const chunk of res) chunks.push(chunk);
      resolve({ status: res.statusCode, headers: res.headers, text: Buffer.concat(chunks).toString() });
    }).on('error', reject).end();
  });
  return within(answer, 'the metrics');
}

/** A metric's value, with labels that include those given. @param {Gateway} gateway @param {string} name @param {string} [label] */
export async function metric(gateway, name, label = '') {
  const { text } = await metricsOf(gateway);
  const line = text.split('\n').find((each) => each.match(/^[\w:]+/)?.[0] === name && each.includes(label));
  return line === undefined ? undefined : Number(line.slice(line.lastIndexOf(' ') + 1));
}

/** How a breaker stands, by the metrics. @param {Gateway} gateway @param {{url: string}} service */
export async function breakerState(gateway, { url }) {
  return STATES[await metric(gateway, 'switchboard_media_breaker_state', new URL(url).host)];
}
