import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { connect } from '../lib/client.js';
import { ALLOWED_ORIGIN, startGateway } from '../lib/gateway.js';
import { handshakeStatus } from '../lib/raw.js';

const SECOND_ORIGIN = 'https://second.example:8443';
const gateway = await startGateway({ CLIENT_URL: `${ALLOWED_ORIGIN},${SECOND_ORIGIN}` });
const demanding = await startGateway({ REQUIRE_ORIGIN: 'true' });
const dev = await startGateway({ DEV: 'true', JWT_PUBLIC_KEY_FILE: undefined });
after(() => Promise.all([gateway.kill(), demanding.kill(), dev.kill()]));

const POLL = '/socket.io/?EIO=4&transport=polling';

/** Origins that are not ours, however much they look like it. */
const FOREIGN = [
  'http://evil.example',
  'null',
  `${ALLOWED_ORIGIN}.evil.example`,
  'http://evil-app.example',
  'http://sub.app.example',
  'https://app.example',
  `${ALLOWED_ORIGIN}:8080`,
  'https://second.example',
  'https://second.example:8444',
  `${ALLOWED_ORIGIN}/`,
  `${ALLOWED_ORIGIN}, ${SECOND_ORIGIN}`,
  'http://evil.example/http://app.example',
  'http://app.example@evil.example',
  'file://',
  'app.example',
  '*',
  '',
];

/** Both transports, and both Engine.IO versions, decide alike. */
async function statuses(target, headers) {
  const socket = (eio) => handshakeStatus(target, headers, `/socket.io/?EIO=${eio}&transport=websocket`);
  const poll = async (eio) => (await target.http(`/socket.io/?EIO=${eio}&transport=polling`, { headers })).status;
  return Promise.all([socket(4), socket(3), poll(4), poll(3)]);
}

const ACCEPTED = [101, 101, 200, 200];
const FORBIDDEN = [403, 403, 403, 403];

describe('the origin of a request', () => {
  for (const origin of FOREIGN) {
    test(`"${origin}" is refused before the upgrade, even with a good token`, async () => {
      const cookie = `access_token=${await gateway.identity.token()}`;
      assert.deepEqual(await statuses(gateway, { origin, cookie }), FORBIDDEN);
    });
  }
  for (const origin of [ALLOWED_ORIGIN, SECOND_ORIGIN]) {
    test(`"${origin}" is accepted`, async () => assert.deepEqual(await statuses(gateway, { origin }), ACCEPTED));
  }
  test('none is accepted, for native clients', async () => assert.deepEqual(await statuses(gateway, {}), ACCEPTED));

  test('none is refused where one is required', async () => {
    assert.deepEqual(await statuses(demanding, {}), FORBIDDEN);
    assert.deepEqual(await statuses(demanding, { origin: ALLOWED_ORIGIN }), ACCEPTED);
  });

  test("in development the gateway's own is accepted, a foreign one is not", async () => {
    assert.deepEqual(await statuses(dev, { origin: dev.url }), ACCEPTED);
    assert.deepEqual(await statuses(dev, { origin: 'http://evil.example' }), FORBIDDEN);
  });

  test('counts for later requests of a polling session too', async () => {
    const opened = await gateway.http(POLL, { headers: { origin: ALLOWED_ORIGIN } });
    const { sid } = JSON.parse(opened.text.slice(1));
    const post = (origin) => gateway.http(`${POLL}&sid=${sid}`, { method: 'POST', body: '40', headers: { origin } });
    assert.equal((await post('http://evil.example')).status, 403);
    assert.equal((await post(ALLOWED_ORIGIN)).status, 200);
  });

  test('counts for plain HTTP too', async () => {
    assert.equal((await gateway.http('/healthz', { headers: { origin: 'http://evil.example' } })).status, 403);
    assert.equal((await gateway.http('/healthz', { headers: { origin: ALLOWED_ORIGIN } })).status, 200);
    assert.equal((await gateway.http('/healthz')).status, 200);
  });

  test('lets a real client in', async (t) => {
    for (const transport of ['websocket', 'polling', 'upgrade']) {
      await connect(t, gateway, { kind: { version: 4, transport }, headers: { origin: SECOND_ORIGIN } });
    }
  });
});

describe('what the browser says of the site', () => {
  test('a cross-site request without an allowed origin is refused', async () => {
    assert.deepEqual(await statuses(gateway, { 'sec-fetch-site': 'cross-site' }), FORBIDDEN);
    assert.deepEqual(await statuses(gateway, { 'sec-fetch-site': 'cross-site', origin: 'null' }), FORBIDDEN);
  });
  test('a cross-site request of an allowed origin is accepted', async () => {
    assert.deepEqual(await statuses(gateway, { 'sec-fetch-site': 'cross-site', origin: ALLOWED_ORIGIN }), ACCEPTED);
  });
  for (const site of ['same-origin', 'none']) {
    test(`${site} is accepted`, async () => {
      assert.deepEqual(await statuses(gateway, { 'sec-fetch-site': site }), ACCEPTED);
    });
  }
});

const preflight = (origin) => gateway.http(POLL, {
  method: 'OPTIONS',
  headers: { origin, 'access-control-request-method': 'POST', 'access-control-request-headers': 'content-type' },
});

describe('CORS', () => {
  test('an allowed origin is echoed, with credentials', async () => {
    for (const origin of [ALLOWED_ORIGIN, SECOND_ORIGIN]) {
      const { headers } = await gateway.http(POLL, { headers: { origin } });
      assert.equal(headers['access-control-allow-origin'], origin);
      assert.equal(headers['access-control-allow-credentials'], 'true');
      assert.match(headers.vary ?? '', /origin/i);
    }
  });

  test('a preflight of an allowed origin is answered', async () => {
    const { status, headers } = await preflight(ALLOWED_ORIGIN);
    assert.ok(status === 200 || status === 204, `status ${status}`);
    assert.equal(headers['access-control-allow-origin'], ALLOWED_ORIGIN);
    assert.equal(headers['access-control-allow-credentials'], 'true');
    assert.match(headers['access-control-allow-methods'], /POST/);
    assert.match(headers['access-control-allow-headers'], /content-type/i);
  });

  test('a foreign origin gets no permission, not even in a refusal', async () => {
    for (const answer of [await preflight('http://evil.example'),
      await gateway.http(POLL, { headers: { origin: 'http://evil.example' } })]) {
      assert.equal(answer.status, 403);
      assert.equal(answer.headers['access-control-allow-origin'], undefined);
    }
  });
});
