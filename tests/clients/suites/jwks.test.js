import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { connect, refusal } from '../lib/client.js';
import { startGateway } from '../lib/gateway.js';
import { Identity } from '../lib/identity.js';
import { KeyServer } from '../lib/jwks.js';
import { until } from '../lib/wait.js';

const MESSAGE = 'Authentication error';
const [oldKey, newKey, strangeKey] = ['2026-01', '2026-02', 'never-published'].map((kid) => new Identity(kid));
const stops = [];
after(() => Promise.all(stops.map((stop) => stop())));

/** A key server and a gateway that trusts it. */
async function gatewayWithKeys(...published) {
  const keys = await KeyServer.start(...published);
  stops.push(() => keys.stop());
  const gateway = await startGateway({ JWKS_URL: keys.url, JWT_PUBLIC_KEY_FILE: undefined }, published[0]);
  stops.push(() => gateway.kill());
  return { keys, gateway };
}

async function accepts(t, gateway, token) {
  try {
    (await connect(t, gateway, { token })).close();
    return true;
  } catch (error) {
    if (error.refused) return false;
    throw error;
  }
}

describe('keys from a URL', { concurrency: true }, () => {
  test('the key is picked by kid', async (t) => {
    const { gateway } = await gatewayWithKeys(oldKey, newKey);
    await connect(t, gateway, { token: await oldKey.token() });
    await connect(t, gateway, { token: await newKey.token() });
    const crossed = await newKey.token({}, { kid: oldKey.kid });
    assert.equal(await refusal(t, gateway, { token: crossed }), MESSAGE);
    assert.equal(await refusal(t, gateway, { token: await strangeKey.token() }), MESSAGE);
  });

  test('a hundred clients at once cost one fetch', async (t) => {
    const { gateway, keys } = await gatewayWithKeys(oldKey);
    const tokens = await Promise.all(Array.from({ length: 100 }, () => oldKey.token()));
    await Promise.all(tokens.map((token) => connect(t, gateway, { token })));
    assert.equal(keys.requests, 1);
  });

  test('a slow answer is shared, not asked for again', async (t) => {
    const keys = await KeyServer.start(oldKey);
    keys.delayMs = 500;
    stops.push(() => keys.stop());
    const gateway = await startGateway({ JWKS_URL: keys.url, JWT_PUBLIC_KEY_FILE: undefined }, oldKey);
    stops.push(() => gateway.kill());
    const tokens = await Promise.all(Array.from({ length: 20 }, () => oldKey.token()));
    await Promise.all(tokens.map((token) => connect(t, gateway, { token })));
    assert.equal(keys.requests, 1);
  });

  test('unknown kids do not hammer the key server, and known ones keep working', async (t) => {
    const { gateway, keys } = await gatewayWithKeys(oldKey);
    await connect(t, gateway, { token: await oldKey.token() });
    const before = keys.requests;
    await Promise.all(Array.from({ length: 50 }, async (_, n) => {
      const token = await strangeKey.token({}, { kid: `made-up-${n}` });
      assert.equal(await refusal(t, gateway, { token }), MESSAGE);
    }));
    assert.ok(keys.requests - before <= 2, `${keys.requests - before} fetches for 50 unknown kids`);
    await connect(t, gateway, { token: await oldKey.token() });
  });

});

describe('keys that change, and servers that fail', { concurrency: true }, () => {
  test('a new key is found while the old one still counts', async (t) => {
    const { gateway, keys } = await gatewayWithKeys(oldKey);
    await connect(t, gateway, { token: await oldKey.token() });
    await keys.serve(oldKey, newKey);
    const token = await newKey.token();
    await until(() => accepts(t, gateway, token), 'the new key is known', 60_000);
    await connect(t, gateway, { token: await oldKey.token() });
  });

  test('while the key server is away, known keys go on serving', async (t) => {
    const { gateway, keys } = await gatewayWithKeys(oldKey);
    await connect(t, gateway, { token: await oldKey.token() });
    keys.healthy = false;
    assert.equal(await refusal(t, gateway, { token: await newKey.token() }), MESSAGE);
    await connect(t, gateway, { token: await oldKey.token() });
    keys.stop();
    assert.equal(await refusal(t, gateway, { token: await newKey.token() }), MESSAGE);
    await connect(t, gateway, { token: await oldKey.token() });
  });

  test('a key server that comes up late is found', async (t) => {
    const keys = await KeyServer.start(oldKey);
    keys.healthy = false;
    stops.push(() => keys.stop());
    const gateway = await startGateway({ JWKS_URL: keys.url, JWT_PUBLIC_KEY_FILE: undefined }, oldKey);
    stops.push(() => gateway.kill());
    const token = await oldKey.token();
    assert.equal(await refusal(t, gateway, { token }), MESSAGE);
    keys.healthy = true;
    await until(() => accepts(t, gateway, token), 'the key is known', 60_000);
  });
});
