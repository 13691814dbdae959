import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** A file of `deploy/`. @param {string} path */
export const deployed = (path) => fileURLToPath(new URL(`../../../deploy/${path}`, import.meta.url));

/** @param {string} path */
export const textOf = (path) => readFileSync(deployed(path), 'utf8');

export const RULES = 'prometheus/alerts.yml';
export const RULE_TESTS = 'prometheus/alerts.test.yml';
export const DASHBOARD = 'grafana/dashboards/switchboard.json';

/** Every query of the dashboard, with the title of its panel. @returns {{title: string, expr: string}[]} */
export function queries() {
  const { panels } = JSON.parse(textOf(DASHBOARD));
  return panels.flatMap(({ title, targets = [] }) => targets.map(({ expr }) => ({ title, expr })));
}

/** A query as Grafana sends it, for all nodes. @param {string} expr @param {string} [job] */
export const filledIn = (expr, job = 'switchboard') => expr
  .replaceAll('$__rate_interval', '1m').replaceAll('$__range', '1h').replaceAll('$instance', '.*').replaceAll('$job', job);

/** The names of the gateway's figures in a text. @param {string} text */
export const namesIn = (text) => [...new Set(text.match(/\bswitchboard_\w+/g))].sort();
