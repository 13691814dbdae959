/** The container images, and what docker-compose.yml makes of them. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { DockerfileParser } from 'dockerfile-ast';
import { validate } from 'dockerfile-utils';
import { runToExit } from '../../clients/lib/gateway.js';
import { scratchDirectory } from '../../clients/lib/processes.js';
import { compose, composeText } from '../lib/compose.js';
import { read, ROOT, VERSION } from '../lib/files.js';

const run = promisify(execFile);
const GATEWAYS = ['node1', 'node2', 'node3'];
/** A name with a version that does not move. */
const PINNED = /:v?\d+(\.\d+)*[\w.-]*(@sha256:[0-9a-f]{64})?$/;

for (const path of ['Dockerfile', 'media-service/Dockerfile']) {
  test(`${path} is valid, pinned, and does not run as root`, () => {
    const text = read(path);
    assert.deepEqual(validate(text).map(({ message, range }) => `${range.start.line + 1}: ${message}`), []);
    const file = DockerfileParser.parse(text);
    const stages = new Set(file.getFROMs().map((from) => from.getBuildStage()));
    for (const from of file.getFROMs()) {
      const image = from.getImage();
      assert.ok(stages.has(image) || PINNED.test(image), image);
    }
    const all = file.getInstructions().map((instruction) => instruction.getKeyword());
    const last = all.slice(all.lastIndexOf('FROM'));
    for (const keyword of ['USER', 'STOPSIGNAL', 'HEALTHCHECK', 'ENTRYPOINT']) assert.ok(last.includes(keyword), keyword);
    const user = file.getInstructions().findLast((instruction) => instruction.getKeyword() === 'USER');
    assert.ok(!['root', '0'].includes(user.getArgumentsContent()));
    // What is asked for first is not asked for again when only the sources have changed.
    const copies = file.getCOPYs().map((copy) => copy.getArgumentsContent());
    const manifest = copies.findIndex((copy) => copy.includes('package.json'));
    assert.ok(manifest >= 0 && manifest < copies.length - 1);
  });
}

test('the image of the gateway builds its dependencies before it has the sources', () => {
  const [, build] = read('Dockerfile').split(' AS build\n');
  const order = ['COPY Cargo.toml Cargo.lock build.rs ./', 'COPY vendor ./vendor', 'cargo build', 'COPY src ./src', 'cargo build'];
  order.reduce((from, step) => {
    const at = build.indexOf(step, from);
    assert.ok(at >= from, step);
    return at + step.length;
  }, 0);
});

test('docker-compose.yml is what the specification allows, and passes the linter', async () => {
  const file = join(scratchDirectory('compose-'), 'docker-compose.yml');
  writeFileSync(file, composeText());
  const linter = `${ROOT}tests/deploy/node_modules/.bin/dclint`;
  await run(linter, ['--config', `${ROOT}tests/deploy/.dclintrc.json`, '--max-warnings', '0', file]).catch((error) => {
    assert.fail(error.stdout + error.stderr);
  });
  writeFileSync(file, composeText().replace('healthcheck:', 'healtcheck:'));
  await assert.rejects(run(linter, [file]), ({ stdout }) => /invalid-schema/.test(stdout));
});

test('the nodes of docker-compose.yml have a configuration that the gateway accepts', async () => {
  const { services } = compose({ HOST_IP: '192.0.2.1' });
  const names = new Set();
  for (const name of GATEWAYS) {
    const { environment } = services[name];
    const { code, stdout, stderr } = await runToExit(environment, ['check-config']);
    assert.equal(code, 0, stderr);
    names.add(environment.NODE_ID);
    // Each is known: a misspelled one would be ignored.
    for (const variable of Object.keys(environment)) {
      assert.ok(variable.startsWith('OTEL_') || new RegExp(`^${variable} `, 'm').test(stdout), variable);
    }
  }
  assert.equal(names.size, GATEWAYS.length);
});

test('what docker-compose.yml refers to exists', () => {
  const { services, volumes } = compose();
  const taken = new Set();
  for (const [name, service] of Object.entries(services)) {
    assert.ok(service.image.endsWith(`:${VERSION}`) || PINNED.test(service.image), `${name}: ${service.image}`);
    for (const mount of service.volumes ?? []) {
      const [source] = mount.split(':');
      assert.ok(source.startsWith('./') ? existsSync(ROOT + source) : source in volumes, `${name}: ${source}`);
    }
    const dependencies = service.depends_on ?? [];
    for (const dependency of Array.isArray(dependencies) ? dependencies : Object.keys(dependencies)) assert.ok(dependency in services, dependency);
    for (const port of service.ports ?? []) {
      const [, address, published] = /^([\d.]+):([\d-]+):.*$/.exec(port);
      const use = `${published}/${port.split('/')[1] ?? 'tcp'}`;
      assert.equal(address, '127.0.0.1', `${name}: ${port}`);
      assert.ok(!taken.has(use), use);
      taken.add(use);
    }
    if (service.build) assert.ok(existsSync(join(ROOT, service.build.context ?? service.build, 'Dockerfile')), name);
  }
});

test('all in docker-compose.yml name each other by the ports that they listen on', () => {
  const { services, networks } = compose();
  const { environment } = services.node1;
  assert.equal(environment.TRUSTED_PROXIES, networks.default.ipam.config[0].subnet);
  assert.equal(environment.MEDIA_SERVICE_URL, 'http://media-service:4000');
  assert.match(read('media-service/Dockerfile'), /PORT=4000/);
  const targets = GATEWAYS.map((name) => `"${name}:${environment.ADMIN_PORT}"`).join(', ');
  assert.ok(read('deploy/compose/prometheus.yml').includes(`[${targets}]`));
  for (const name of GATEWAYS) {
    for (const proxy of ['nginx.conf', 'Caddyfile']) assert.ok(read(`deploy/proxy/${proxy}`).includes(`${name}:3000`));
  }
  assert.match(services.coturn.command.join(' '), new RegExp(`--static-auth-secret=${environment.TURN_SECRET}( |$)`));
  const grace = Number(environment.SHUTDOWN_GRACE_MS) / 1000;
  // And then 5 s for chat and 2 s for what is to be told.
  assert.ok(Number.parseInt(services.node1.stop_grace_period, 10) >= grace + 10);
});
