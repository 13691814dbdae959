import { metricsOf } from '../../sfu/lib/admin.js';
import { until } from '../../clients/lib/wait.js';

/** @typedef {import('../../clients/lib/gateway.js').Gateway} Gateway */

const SAMPLE = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)$/;
const LABEL = /(\w+)="((?:[^"\\]|\\.)*)"/g;

/** @typedef {{name: string, labels: Record<string, string>, value: number}} Sample */

/** All samples of an exposition. @param {string} text @returns {Sample[]} */
export function samplesOf(text) {
  return text.split('\n').filter((line) => line && !line.startsWith('#')).map((line) => {
    const [, name, labels = '', value] = line.match(SAMPLE) ?? [];
    if (name === undefined) throw new Error(`no sample: ${line}`);
    return { name, labels: Object.fromEntries([...labels.matchAll(LABEL)].map(([, key, text]) => [key, text])), value: Number(value) };
  });
}

/**
 * A figure: the sum of all samples of that name with these labels, on all nodes given.
 * @param {Gateway[]} nodes @param {string} name @param {Record<string, string>} [labels]
 */
export async function figure(nodes, name, labels = {}) {
  const fits = (sample) => sample.name === name && Object.entries(labels).every(([key, value]) => sample.labels[key] === value);
  const texts = await Promise.all(nodes.map(async (node) => (await metricsOf(node)).text));
  return texts.flatMap(samplesOf).filter(fits).reduce((sum, { value }) => sum + value, 0);
}

/**
 * Does something, and waits until figures have grown by at least so much.
 * @param {Gateway[]} nodes
 * @param {[string, Record<string, string>, number?][]} expected each a name, labels, and by how much, 1 if not given
 * @param {() => unknown} action
 */
export async function moves(nodes, expected, action) {
  const before = await Promise.all(expected.map(([name, labels]) => figure(nodes, name, labels)));
  const result = await action();
  for (const [index, [name, labels, by = 1]] of expected.entries()) {
    const grown = async () => (await figure(nodes, name, labels)) >= before[index] + by;
    await until(grown, `${name} ${JSON.stringify(labels)} grows from ${before[index]} by ${by}`);
  }
  return result;
}

/** Waits until a figure that goes up and down fits. @param {Gateway[]} nodes @param {string} name @param {Record<string, string>} labels @param {(value: number) => boolean} fits */
export const becomes = (nodes, name, labels, fits) =>
  until(async () => fits(await figure(nodes, name, labels)), `${name} ${JSON.stringify(labels)} becomes what it should`);
