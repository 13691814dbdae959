import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { ALLOWED_ORIGIN, startNode } from '../../clients/lib/gateway.js';
import { Identity } from '../../clients/lib/identity.js';
import { API_KEY, ask, KEYS } from '../../events/lib/api.js';
import { adminPort } from '../../sfu/lib/admin.js';

const identity = new Identity();
const gateway = await startNode({ DEV: 'true', API_KEY, TURN_URIS: 'turn:turn.example', TURN_SECRET: 'a secret of the tests' }, identity);
after(() => gateway.kill());
/** The admin listener, asked as the public one is. */
const operators = { port: adminPort(gateway), http: gateway.http };

const OWN = { authorization: `Bearer ${KEYS.shop}` };

/** What each address can. @type {[{http: Function}, string, string, Record<string, string>?][]} */
const RESOURCES = [
  [gateway, '/livez', 'GET,HEAD'], [gateway, '/readyz', 'GET,HEAD'], [gateway, '/healthz', 'GET,HEAD'],
  [gateway, '/asyncapi.json', 'GET,HEAD'], [gateway, '/turn-credentials', 'GET,HEAD'], [gateway, '/', 'GET,HEAD'],
  [gateway, '/demo/', 'GET,HEAD'], [gateway, '/demo/favicon.svg', 'GET,HEAD'], [gateway, '/dev/session', 'GET,HEAD'],
  [gateway, '/dev/login', 'POST'], [gateway, '/dev/logout', 'POST'], [gateway, '/ws', 'GET,HEAD'], [gateway, '/signal/room', 'GET,HEAD'],
  [gateway, '/socket.io/?EIO=4&transport=polling', 'GET,POST'],
  [operators, '/metrics', 'GET,HEAD'], [operators, '/openapi.json', 'GET,HEAD'], [operators, '/api/v1/rooms', 'GET,HEAD', OWN],
  [operators, '/api/v1/publish', 'POST', OWN], [operators, '/api/v1/disconnect', 'POST', OWN],
];

const sorted = (methods) => methods.split(',').map((method) => method.trim()).sort();

describe('methods', { concurrency: 4 }, () => {
  for (const [at, path, allow, headers = {}] of RESOURCES) {
    test(`of ${path} are ${allow}`, async () => {
      for (const method of ['PUT', 'DELETE', 'PATCH', 'TRACE', 'BREW']) {
        const answer = await at.http(path, { method, headers });
        assert.equal(answer.status, 405, method);
        assert.deepEqual(sorted(answer.headers.allow), sorted(allow), method);
      }
      const options = await at.http(path, { method: 'OPTIONS', headers });
      assert.deepEqual([options.status, options.text], [204, '']);
      assert.deepEqual(sorted(options.headers.allow), sorted(`${allow},OPTIONS`));
      const head = await at.http(path, { method: 'HEAD', headers });
      assert.equal(head.text, '');
      if (!allow.includes('HEAD')) return assert.equal(head.status, 405);
      const get = await at.http(path, { headers });
      for (const name of ['content-type', 'content-length', 'cache-control', 'etag', 'location']) {
        // Figures and times differ from one moment to the next.
        if (name === 'content-length' && ['/metrics', '/healthz', '/turn-credentials'].includes(path)) continue;
        assert.equal(head.headers[name], get.headers[name], name);
      }
      return assert.equal(head.status, get.status);
    });
  }

  test('of what is not there are none', async () => {
    for (const at of [gateway, operators]) {
      for (const method of ['GET', 'HEAD', 'OPTIONS', 'POST', 'PUT']) {
        assert.equal((await at.http('/nowhere', { method, headers: OWN })).status, 404, method);
      }
    }
  });

  test('of the server itself can be asked for', async () => {
    for (const at of [gateway, operators]) {
      const { status, headers } = await at.http('*', { method: 'OPTIONS' });
      assert.equal(status, 204);
      assert.match(headers.allow, /GET.*POST/);
    }
  });

  test('of a page elsewhere are a question of CORS', async () => {
    const preflight = { origin: ALLOWED_ORIGIN, 'access-control-request-method': 'POST' };
    const { status, headers } = await gateway.http('/socket.io/?EIO=4&transport=polling', { method: 'OPTIONS', headers: preflight });
    assert.equal(status, 200);
    assert.equal(headers['access-control-allow-origin'], ALLOWED_ORIGIN);
    const foreign = await gateway.http('/livez', { method: 'OPTIONS', headers: { ...preflight, origin: 'http://evil.example' } });
    assert.equal(foreign.status, 403);
    assert.equal(foreign.headers['access-control-allow-origin'], undefined);
  });

  test('HEAD opens no session', async () => {
    await gateway.http('/socket.io/?EIO=4&transport=polling', { method: 'HEAD' });
    assert.equal((await gateway.http('/healthz')).json().connections, 0);
  });
});

/** Answers of all kinds: good ones, refusals, mistakes. */
const ANSWERS = {
  ...Object.fromEntries(RESOURCES.map(([at, path, , headers = {}]) => [`GET ${path}`, () => at.http(path, { headers })])),
  'a session by polling': () => gateway.http('/socket.io/?EIO=4&transport=polling'),
  'an unknown session': () => gateway.http('/socket.io/?EIO=4&transport=polling&sid=AAAAAAAAAAAAAAAA'),
  'a foreign origin': () => gateway.http('/livez', { headers: { origin: 'http://evil.example' } }),
  'an allowed origin': () => gateway.http('/livez', { headers: { origin: ALLOWED_ORIGIN } }),
  'a wrong method': () => gateway.http('/livez', { method: 'PUT' }),
  'nothing there': () => gateway.http('/nowhere'),
  'nothing in the demo': () => gateway.http('/demo/nothing.js'),
  'a bad login': () => gateway.http('/dev/login', { method: 'POST', body: '{' }),
  'no key': () => operators.http('/api/v1/rooms'),
};

describe('headers', { concurrency: 4 }, () => {
  for (const [name, get] of Object.entries(ANSWERS)) {
    test(`of the answer to: ${name}`, async () => {
      const { headers } = await get();
      assert.equal(headers['x-content-type-options'], 'nosniff');
      assert.equal(headers['referrer-policy'], 'no-referrer');
      assert.equal(headers['x-frame-options'], 'DENY');
      assert.equal(headers['cross-origin-resource-policy'], 'same-origin');
      assert.match(headers['content-security-policy'], /default-src 'none'.*frame-ancestors 'none'/);
      assert.ok(headers['cache-control'], 'it says whether it may be kept');
      for (const telling of ['server', 'x-powered-by', 'via']) assert.equal(headers[telling], undefined, telling);
    });
  }

  test('of the demo let it load what is its own, and nothing inline', async () => {
    const { headers, text } = await gateway.http('/demo/');
    const policy = headers['content-security-policy'];
    assert.doesNotMatch(policy, /unsafe|\*|https?:|wss?:/);
    assert.match(policy, /script-src 'self'/);
    assert.match(headers['permissions-policy'], /camera=\(self\)/);
    assert.equal(headers['cache-control'], 'no-cache');
    const asset = /\/demo\/assets\/[\w.-]+\.js/.exec(text)[0];
    assert.equal((await gateway.http(asset)).headers['cache-control'], 'public, max-age=31536000, immutable');
  });

  test('say of data that it is not to be kept, and of the description of events how long', async () => {
    const cookie = `access_token=${await identity.token()}`;
    for (const path of ['/readyz', '/turn-credentials', '/dev/session', '/nowhere', '/socket.io/?EIO=4&transport=polling']) {
      assert.equal((await gateway.http(path, { headers: { cookie } })).headers['cache-control'], 'no-store', path);
    }
    assert.match((await gateway.http('/asyncapi.json')).headers['cache-control'], /max-age=\d+/);
    assert.equal((await ask(gateway, '/api/v1/nodes')).headers['cache-control'], 'no-store');
  });
});
