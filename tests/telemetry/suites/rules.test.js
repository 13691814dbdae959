import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { DASHBOARD, deployed, queries, RULE_TESTS, RULES, textOf } from '../lib/deployed.js';
import { run } from '../lib/run.js';

const alerts = [...textOf(RULES).matchAll(/^ +- alert: (\w+)$/gm)].map(([, name]) => name);

test('the alert rules are well formed', async () => {
  const { code, output } = await run('promtool', ['check', 'rules', '--lint=all', '--lint-fatal', deployed(RULES)]);
  assert.equal(code, 0, output);
  assert.ok(alerts.length >= 15, `${alerts.length} alerts`);
});

test('each alert comes when it should, and is quiet while all is well', async () => {
  const { code, output } = await run('promtool', ['test', 'rules', deployed(RULE_TESTS)]);
  assert.equal(code, 0, output);
  const tested = textOf(RULE_TESTS);
  for (const alert of alerts) {
    assert.ok(tested.includes(`alertname: ${alert}}`), `${alert} is tested to be quiet`);
    assert.ok(tested.includes(`count(ALERTS{alertname="${alert}", alertstate="firing"})`), `${alert} is tested to come`);
  }
});

test('each alert says what to do, and where that is written', () => {
  const runbook = readFileSync(new URL('../../../docs/runbook.md', import.meta.url), 'utf8');
  const rules = textOf(RULES).split(/^ +- alert: /m).slice(1);
  for (const rule of rules) {
    const name = rule.match(/^\w+/)[0];
    assert.ok(rule.includes(`runbook: docs/runbook.md#${name.toLowerCase()}\n`), `${name} has a runbook`);
    assert.match(runbook, new RegExp(`^#+ ${name}$`, 'm'));
    for (const part of ['severity:', 'summary:', 'description:']) assert.ok(rule.includes(part), `${name} has ${part}`);
  }
});

test('the example configuration of Prometheus is one', async () => {
  const { code, output } = await run('promtool', ['check', 'config', deployed('prometheus/prometheus.yml')]);
  assert.equal(code, 0, output);
});

test('the dashboard is laid out without gaps and overlaps', () => {
  const { panels, uid, templating } = JSON.parse(textOf(DASHBOARD));
  assert.equal(uid, 'switchboard');
  assert.deepEqual(templating.list.map(({ name }) => name), ['datasource', 'job', 'instance']);
  assert.equal(new Set(panels.map(({ id }) => id)).size, panels.length, 'ids are unique');
  const taken = new Set();
  for (const { title, gridPos: { x, y, w, h }, type, targets } of panels) {
    assert.ok(x + w <= 24, title);
    if (type !== 'row') assert.ok(targets.length > 0, title);
    for (let row = y; row < y + h; row += 1) {
      for (let column = x; column < x + w; column += 1) {
        const place = `${column},${row}`;
        assert.ok(!taken.has(place), `${title} overlaps at ${place}`);
        taken.add(place);
      }
    }
  }
  assert.ok(queries().every(({ expr }) => expr.includes('job="$job"')), 'each query is about the chosen job');
});
