/** The documentation: that what it points to is there, and that its examples do what they say. */
import assert from 'node:assert/strict';
import { existsSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { parse } from 'yaml';
import { page as eventsPage } from '../../../scripts/events-reference.mjs';
import { startNode } from '../../clients/lib/gateway.js';
import { Identity } from '../../clients/lib/identity.js';
import { spawnOwned } from '../../clients/lib/processes.js';
import { until } from '../../clients/lib/wait.js';
import { read, ROOT } from '../lib/files.js';
import { examples, page, pages } from '../lib/markdown.js';

/** Enough to notice that none were found. */
const MANY = 100;

test('every link within the repository leads somewhere', () => {
  const read = new Map();
  const known = (path) => read.get(path) ?? read.set(path, page(path)).get(path);
  const broken = [];
  let count = 0;
  for (const path of pages()) {
    for (const link of known(path).links.filter((target) => !/^[a-z][a-z+.-]*:/i.test(target))) {
      count += 1;
      const [file, anchor] = decodeURIComponent(link).split('#');
      const target = file ? normalize(join(dirname(path), file)) : path;
      const there = !target.startsWith('..') && existsSync(ROOT + target);
      const anchored = !anchor || (target.endsWith('.md') && there && known(target).anchors.has(anchor));
      if (!there || !anchored) broken.push(`${path}: ${link}`);
    }
  }
  assert.deepEqual(broken, []);
  assert.ok(count > MANY, `${count}`);
});

test('the index has every page of the documentation', () => {
  const { links } = page('docs/README.md');
  const all = readdirSync(`${ROOT}docs`).filter((name) => name.endsWith('.md') && name !== 'README.md');
  assert.deepEqual(all.filter((name) => !links.includes(name)), []);
});

test('the reference of events is that of the description', () => {
  const expected = eventsPage(JSON.parse(read('docs/asyncapi.json')));
  assert.equal(read('docs/events.md'), expected, 'out of date: run make types');
});

test('every alert has a section in the runbook that it names, and no section is left over', () => {
  const { groups } = parse(read('deploy/prometheus/alerts.yml'));
  const alerts = groups.flatMap(({ rules }) => rules).filter(({ alert }) => alert);
  assert.ok(alerts.length > 0);
  const { anchors } = page('docs/runbook.md');
  for (const { alert, annotations } of alerts) {
    const [file, anchor] = annotations.runbook.split('#');
    assert.deepEqual([file, anchor], ['docs/runbook.md', alert.toLowerCase()]);
    assert.ok(anchors.has(anchor), anchor);
  }
  const sections = [...anchors].filter((anchor) => anchor.startsWith('switchboard'));
  assert.deepEqual(sections.sort(), alerts.map(({ alert }) => alert.toLowerCase()).sort());
});

test('make has every target that the documentation names', () => {
  const makefile = read('Makefile');
  const unknown = [];
  for (const path of pages().filter((name) => name !== 'CHANGELOG.md')) {
    for (const [, target] of page(path).code.join('\n').matchAll(/(?:^|&& )make ([a-z][a-z-]*)/gm)) {
      if (!new RegExp(`^${target}:`, 'm').test(makefile)) unknown.push(`${path}: make ${target}`);
    }
  }
  assert.deepEqual(unknown, []);
});

/** Runs a module here, where it finds its packages; its output can be asked for. */
function run(t, code, env) {
  const file = fileURLToPath(new URL(`../.example-${process.pid}-${env.SUB}.mjs`, import.meta.url));
  writeFileSync(file, code);
  const child = spawnOwned(process.execPath, [file], { ...process.env, ...env });
  t.after(() => {
    child.kill('SIGKILL');
    rmSync(file, { force: true });
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (data) => (output += data));
  return {
    says: (text) => until(() => {
      if (child.exitCode !== null) throw new Error(`the example ended:\n${output}`);
      return output.includes(text);
    }, `the example says "${text}"`).catch((error) => assert.fail(`${error.message}; it said:\n${output}`)),
  };
}

test('the examples for frontends do what they say', async (t) => {
  const identity = new Identity();
  const gateway = await startNode({}, identity);
  t.after(() => gateway.kill());
  const [frontend, device] = examples('docs/frontend.md', 'tests/deploy');
  const start = async (code, sub) =>
    run(t, code, { GATEWAY_URL: gateway.url, TOKEN: await identity.token({ sub }), SUB: sub });

  const ann = await start(frontend.code, 'ann');
  await ann.says('in room_team-1 with 0 others');
  await ann.says('ann: hello from JavaScript');
  // Node.js 20 has no WebSocket of its own.
  const camera = await start(`import WebSocket from 'ws';\n${device.code}`, 'cleo');
  await camera.says('in room_team-1 with 1 others');
  await camera.says('camera: hello from a device');
  await ann.says('cleo came');
  await ann.says('cleo: hello from a device');
});
