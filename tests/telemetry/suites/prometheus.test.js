import assert from 'node:assert/strict';
import { test } from 'node:test';
import { expectAnyEvents } from '../../clients/lib/contract.js';
import { until } from '../../clients/lib/wait.js';
import { filledIn, queries } from '../lib/deployed.js';
import { Prometheus } from '../lib/prometheus.js';
import { flood, life, town } from '../lib/town.js';

// A backend calls its events as it likes.
expectAnyEvents();

test('a real Prometheus scrapes the nodes, and answers what the dashboard asks', async (t) => {
  const all = await town(t);
  const prometheus = await Prometheus.start(t, all.nodes);
  await until(async () => (await prometheus.query('up{job="switchboard"} == 1')).length === 2, 'both nodes are scraped');
  // Shown in the dashboard are rates: something has to happen between two scrapes.
  await until(async () => {
    const { anna } = await life(t, all);
    await flood(anna);
    for (const { title, expr } of queries()) {
      if ((await prometheus.query(filledIn(expr))).length === 0) return t.diagnostic(`no answer yet: ${title}: ${expr}`);
    }
    return true;
  }, 'each query of the dashboard has an answer', 60_000);
  const [connections] = await prometheus.query(filledIn('sum(switchboard_connections{job="$job", instance=~"$instance"})'));
  assert.ok(Number(connections.value[1]) >= 2, 'the clients are there');

  const { groups } = await prometheus.get('rules');
  const rules = groups.flatMap((group) => group.rules);
  await until(async () => (await prometheus.get('rules')).groups.every((group) => group.rules.every(({ health }) => health === 'ok')),
    'all alert rules have been evaluated');
  assert.ok(rules.length >= 15);
  const { alerts } = await prometheus.get('alerts');
  assert.deepEqual(alerts.filter(({ state }) => state === 'firing').map(({ labels }) => labels.alertname), []);
});
