import { connect } from '../../clients/lib/client.js';
import { until } from '../../clients/lib/wait.js';
import { metricsOf } from '../../sfu/lib/admin.js';

/** By which the tests' publications are told apart. */
let number = 0;

/** What a backend publishes. @param {string} type @param {Record<string, unknown>} data */
export function envelope(type, data = {}, more = {}) {
  number += 1;
  return { type, data: { number, ...data }, serverId: 'backend', timestamp: Date.now(), ...more };
}

/** Publishes as any backend does. @param {import('../../cluster/lib/redis.js').Redis} redis */
export const publish = (redis, channel, said) =>
  redis.command('PUBLISH', channel, typeof said === 'string' ? said : JSON.stringify(said));

/** Waits until each node listens to a channel. */
export const listening = (redis, channel, nodes) =>
  until(async () => (await redis.subscribers(channel)) === nodes, `${nodes} nodes listen to ${channel}`);

/** One client on each node. @returns {Promise<import('../../clients/lib/client.js').Client[]>} */
export const oneOnEach = (t, cluster, options = {}) => Promise.all(cluster.nodes.map((node, index) =>
  connect(t, node, { username: `client ${index}`, ...options })));

export async function subscribe(client, channel, more = {}) {
  const answer = await client.ask('subscribe', { channel, ...more });
  if (answer.status !== 'ok') throw new Error(JSON.stringify(answer));
  return answer;
}

/** The numbers of all events of a type that a client got, in order. */
export const numbers = (client, type, mark) => client.recorder.all(type, mark).map((data) => data.number);

/** The second argument of the last event of a type: where it comes from. */
export function about(client, type) {
  const { args } = client.recorder.entries.findLast(({ event }) => event === type);
  return args[1];
}

/** How often a figure with such labels was counted on a node. */
export async function counted(node, name, labels) {
  const { text } = await metricsOf(node);
  const lines = text.split('\n').filter((line) => line.startsWith(name) && Object.entries(labels)
    .every(([label, value]) => line.includes(`${label}="${value}"`)));
  return lines.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' ') + 1)), 0);
}
