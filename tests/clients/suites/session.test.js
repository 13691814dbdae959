import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { connect, kindName, PLAIN_KINDS } from '../lib/client.js';
import { startGateway } from '../lib/gateway.js';
import { epoch, Identity } from '../lib/identity.js';
import { assertRefused } from '../lib/rooms.js';

const gateway = await startGateway();
after(() => gateway.kill());

describe('auth:refresh', () => {
  for (const kind of PLAIN_KINDS) {
    test(`a token of the same subject extends the session: ${kindName(kind)}`, async (t) => {
      const client = await connect(t, gateway, { kind });
      const exp = epoch(7200);
      const token = await gateway.identity.token({ sub: client.userId, exp });
      const { status, expiresAt } = await client.ask('auth:refresh', { token });
      assert.equal(status, 'ok');
      assert.ok([exp, exp * 1000].includes(expiresAt), `${expiresAt} is the new expiry`);
    });
  }

  test('a token of another subject is forbidden', async (t) => {
    const client = await connect(t, gateway);
    assertRefused(await client.ask('auth:refresh', { token: await gateway.identity.token() }), 'FORBIDDEN');
    assert.equal((await client.ask('heartbeat')).status, 'ok');
  });

  test('a token that proves nothing is refused, and the session goes on', async (t) => {
    const client = await connect(t, gateway);
    const sub = client.userId;
    const bad = ['garbage', await new Identity().token({ sub }), await gateway.identity.token({ sub, exp: epoch(-60 * 60) })];
    for (const token of bad) assertRefused(await client.ask('auth:refresh', { token }), 'AUTH_REQUIRED');
    client.send('auth:refresh', { token: 'garbage' });
    const { code, event } = await client.event('error');
    assert.deepEqual([code, event], ['AUTH_REQUIRED', 'auth:refresh']);
    assert.equal((await client.ask('heartbeat')).status, 'ok');
  });
});
