import { createHash } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { basename } from 'node:path';
import { parse, parseAllDocuments } from 'yaml';
import { read, ROOT } from './files.js';

const CHART = 'deploy/helm/switchboard/';

/** The files that have an effect on what is rendered. */
function sources() {
  const names = readdirSync(ROOT + CHART, { recursive: true }).map(String).sort();
  return names.filter((name) => /^(Chart|values)\.yaml$|^templates\/.+\.(yaml|tpl)$|^ci\/.+\.yaml$/.test(name));
}

/** A digest of these, by which a rendering is known to be of now. */
export function inputs() {
  const hash = createHash('sha256');
  for (const name of sources()) hash.update(`${name}\0${read(CHART + name)}\0`);
  return `sha256:${hash.digest('hex')}`;
}

/** The sets of values that are rendered. */
export const SETS = readdirSync(`${ROOT}${CHART}ci`).map((name) => basename(name, '-values.yaml'));

export const chartFile = (name) => read(CHART + name);

/** @param {string} set @returns {Record<string, any>} its values, without the chart's own */
export const valuesOf = (set) => parse(chartFile(`ci/${set}-values.yaml`));

/** What a set of values is rendered to. @param {string} set */
export function rendered(set) {
  const text = read(`tests/deploy/rendered/${set}.yaml`);
  const objects = parseAllDocuments(text).map((document) => document.toJS()).filter(Boolean);
  return { text, objects, of: (kind) => objects.filter((object) => object.kind === kind) };
}
