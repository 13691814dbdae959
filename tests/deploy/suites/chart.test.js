/** The Helm chart: its values, and what they are rendered to. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import Ajv from 'ajv';
import Ajv2020 from 'ajv/dist/2020.js';
import { parse } from 'yaml';
import { runToExit } from '../../clients/lib/gateway.js';
import { Identity } from '../../clients/lib/identity.js';
import { chartFile, inputs, rendered, SETS, valuesOf } from '../lib/chart.js';
import { read, VERSION } from '../lib/files.js';

const KUBERNETES = ['1.27', '1.37'];
/** Not of Kubernetes itself. */
const CUSTOM = ['ServiceMonitor'];
/** What chat, other nodes and media servers may take after the grace time, in seconds: see Gateway::run. */
const LAST_WORDS = 10;

const validateValues = new Ajv({ allErrors: true, strict: false }).compile(JSON.parse(chartFile('values.schema.json')));
const accepts = (values) => validateValues(values) || assert.fail(JSON.stringify(validateValues.errors));
const refuses = (values) => assert.equal(validateValues(values), false, JSON.stringify(values));

test('the values of the chart, and those of its examples, fit its schema', () => {
  accepts(parse(chartFile('values.yaml')));
  for (const set of SETS) accepts(valuesOf(set));
});

test('values that would do nothing, or do harm, do not fit', () => {
  refuses({ replicas: 3 });
  refuses({ config: { NODE_ID: 'a' } });
  refuses({ config: { jwks_url: 'https://id.example' } });
  refuses({ config: { API_KEY: 'not in a secret' } });
  refuses({ secrets: { REDIS_URL: 'redis://:password@redis' } });
  refuses({ secrets: { REDIS_URL: { name: 'redis' } } });
  refuses({ image: { repository: 'x', digest: 'latest' } });
  refuses({ ingress: { enabled: true, hosts: [] } });
  refuses({ podDisruptionBudget: { maxUnavailable: 0 } });
});

test('chart, application and binary have the same version', () => {
  const chart = parse(chartFile('Chart.yaml'));
  assert.deepEqual([chart.version, chart.appVersion], [VERSION, VERSION]);
});

test('what is rendered is of the templates as they are', () => {
  for (const set of SETS) {
    assert.ok(rendered(set).text.includes(inputs()), `${set}.yaml is out of date: run scripts/render.sh`);
  }
});

describe('all that is rendered is as Kubernetes knows it', () => {
  for (const version of KUBERNETES) {
    test(version, () => {
      const schema = JSON.parse(read(`tests/deploy/.schemas/${version}.json`));
      const kinds = new Map();
      for (const [name, definition] of Object.entries(schema.$defs)) {
        for (const { group, version: of, kind } of definition['x-kubernetes-group-version-kind'] ?? []) {
          kinds.set(`${group ? `${group}/` : ''}${of} ${kind}`, name);
        }
      }
      const ajv = new Ajv2020({ allErrors: true, strict: false, validateFormats: false }).addSchema(schema);
      const check = (object) => {
        const name = kinds.get(`${object.apiVersion} ${object.kind}`);
        assert.ok(name, `${object.apiVersion} ${object.kind}`);
        const validate = ajv.getSchema(`${schema.$id}#/$defs/${name}`);
        return validate(object) ? [] : validate.errors;
      };
      let checked = 0;
      for (const set of SETS) {
        for (const object of rendered(set).objects.filter(({ kind }) => !CUSTOM.includes(kind))) {
          assert.deepEqual(check(object), [], `${set}: ${object.kind}`);
          checked += 1;
        }
      }
      assert.ok(checked >= 15, `${checked}`);
      const [deployment] = rendered('full').of('Deployment');
      deployment.spec.template.spec.enableServiceLink = false;
      assert.notDeepEqual(check(deployment), []);
    });
  }
});

for (const set of SETS) {
  describe(`with ${set}-values.yaml`, () => {
    const values = valuesOf(set);
    const { of, objects } = rendered(set);
    const [deployment] = of('Deployment');
    const pod = deployment.spec.template;
    const [gateway] = pod.spec.containers;
    const variable = (name) => gateway.env.find((entry) => entry.name === name);

    test('the gateway accepts its variables', async () => {
      const stands = {
        JWT_PUBLIC_KEY_FILE: new Identity().publicPemFile,
        REDIS_URL: 'redis://redis:6379',
        TURN_SECRET: 'secret-of-the-turn-servers',
        API_KEY: 'backend:0123456789abcdef0123456789abcdef',
        NODE_ID: 'switchboard-7c9d-abcde',
      };
      const env = Object.fromEntries(gateway.env.map(({ name, value }) => [name, stands[name] ?? value]));
      const { code, stdout, stderr } = await runToExit(env, ['check-config']);
      assert.equal(code, 0, stderr);
      for (const name of Object.keys(env)) assert.match(stdout, new RegExp(`^${name} `, 'm'));
    });

    test('secrets are referred to, and not written out', () => {
      for (const [name, { name: secret, key }] of Object.entries(values.secrets ?? {})) {
        assert.deepEqual(variable(name), { name, valueFrom: { secretKeyRef: { name: secret, key } } });
      }
      assert.equal(of('Secret').length, 0);
      for (const [name, value] of Object.entries(values.config)) assert.equal(variable(name).value, String(value));
    });

    test('the pod has the time that the gateway takes to stop', () => {
      const wait = Number(gateway.lifecycle.preStop.exec.command.at(-1));
      const grace = Number(variable('SHUTDOWN_GRACE_MS').value) / 1000;
      assert.equal(wait, values.shutdown?.preStopSeconds ?? 5);
      assert.ok(pod.spec.terminationGracePeriodSeconds >= wait + grace + LAST_WORDS);
    });

    test('selectors and ports find what they mean', () => {
      const matches = (labels, selector) => Object.entries(selector).every(([name, value]) => labels[name] === value);
      const ports = Object.fromEntries(gateway.ports.map(({ name, containerPort }) => [name, containerPort]));
      assert.deepEqual(ports, { http: Number(variable('PORT').value), admin: Number(variable('ADMIN_PORT').value) });
      const selectors = [
        deployment.spec.selector.matchLabels,
        ...of('Service').map(({ spec }) => spec.selector),
        ...of('PodDisruptionBudget').map(({ spec }) => spec.selector.matchLabels),
        ...of('NetworkPolicy').map(({ spec }) => spec.podSelector.matchLabels),
        ...pod.spec.topologySpreadConstraints.map(({ labelSelector }) => labelSelector.matchLabels),
      ];
      for (const selector of selectors) assert.ok(matches(pod.metadata.labels, selector), JSON.stringify(selector));
      for (const { spec } of of('Service')) for (const { targetPort } of spec.ports) assert.ok(targetPort in ports, targetPort);
      for (const { spec } of of('NetworkPolicy')) {
        for (const rule of spec.ingress) for (const { port } of rule.ports) assert.ok(port in ports, port);
      }
      const services = of('Service');
      for (const { spec } of of('ServiceMonitor')) {
        const found = services.filter(({ metadata }) => matches(metadata.labels, spec.selector.matchLabels));
        assert.deepEqual(found.map(({ spec: service }) => service.ports[0].name), [spec.endpoints[0].port]);
      }
      for (const { spec } of of('Ingress')) {
        const { service } = spec.rules[0].http.paths[0].backend;
        assert.equal(services.find(({ metadata }) => metadata.name === service.name).spec.ports[0].name, service.port.name);
      }
      for (const { spec } of of('HorizontalPodAutoscaler')) {
        assert.equal(spec.scaleTargetRef.name, deployment.metadata.name);
        assert.equal(deployment.spec.replicas, undefined);
      }
      const names = objects.map(({ kind, metadata }) => `${kind}/${metadata.name}`);
      assert.equal(new Set(names).size, names.length);
    });

    test('the pod can do no more than it has to', () => {
      assert.equal(pod.spec.securityContext.runAsNonRoot, true);
      assert.match(read('Dockerfile'), new RegExp(`^USER ${pod.spec.securityContext.runAsUser}$`, 'm'));
      assert.deepEqual(gateway.securityContext, {
        allowPrivilegeEscalation: false, readOnlyRootFilesystem: true, capabilities: { drop: ['ALL'] },
      });
      assert.equal(pod.spec.automountServiceAccountToken, false);
      // The admin port is for those who are named.
      for (const { spec } of of('NetworkPolicy')) {
        for (const rule of spec.ingress.filter(({ ports }) => ports[0].port === 'admin')) assert.ok(rule.from.length > 0);
      }
    });
  });
}

test('what is switched off is not there, and all is when it is switched on', () => {
  const kinds = (set) => rendered(set).objects.map(({ kind }) => kind).sort();
  assert.deepEqual(kinds('single'), ['Deployment', 'Service', 'Service']);
  assert.deepEqual(kinds('minimal'), ['Deployment', 'NetworkPolicy', 'PodDisruptionBudget', 'Service', 'Service', 'ServiceAccount']);
  assert.deepEqual(kinds('full'), ['Deployment', 'HorizontalPodAutoscaler', 'Ingress', 'NetworkPolicy', 'PodDisruptionBudget',
    'Service', 'Service', 'ServiceAccount', 'ServiceMonitor']);
});
