import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { connect, refusal } from '../lib/client.js';
import { startGateway } from '../lib/gateway.js';
import { Identity } from '../lib/identity.js';
import { freshCode, join } from '../lib/rooms.js';

const gateway = await startGateway({ DEV: 'true', JWT_PUBLIC_KEY_FILE: undefined });
const production = await startGateway();
after(() => Promise.all([gateway.kill(), production.kill()]));

const post = (target, path, body, headers = {}) => target.http(path, {
  method: 'POST',
  headers: { 'content-type': 'application/json', ...headers },
  body: body === undefined ? '' : JSON.stringify(body),
});

async function login(username) {
  const answer = await post(gateway, '/dev/login', { username });
  assert.equal(answer.status, 200, answer.text);
  const [setCookie] = answer.headers['set-cookie'];
  return { ...answer.json(), setCookie, cookie: setCookie.split(';')[0] };
}

describe('the development login', () => {
  test('gives an identity and a cookie scripts cannot read', async () => {
    const { userId, username, expiresAt, setCookie } = await login('Ada Lovelace');
    assert.equal(username, 'Ada Lovelace');
    assert.match(userId, /\S/);
    assert.ok(new Date(expiresAt < 1e11 ? expiresAt * 1000 : expiresAt) > new Date());
    assert.match(setCookie, /^access_token=[\w-]+\.[\w-]+\.[\w-]+;/);
    assert.match(setCookie, /;\s*HttpOnly/i);
    assert.match(setCookie, /;\s*SameSite=Lax/i);
    assert.match(setCookie, /;\s*Path=\/(;|$)/i);
  });

  test('lets a client in under that name', async (t) => {
    const code = freshCode();
    const { cookie, userId } = await login('Ada');
    const ada = await connect(t, gateway, { token: null, headers: { cookie } });
    await join(ada, code);
    const grace = await connect(t, gateway, { token: null, headers: { cookie: (await login('Grace')).cookie } });
    const { peers: [peer] } = await join(grace, code);
    assert.deepEqual([peer.userId, peer.userInfo], [userId, { username: 'Ada' }]);
  });

  test('the session can be asked for, and ended', async () => {
    const { cookie, userId } = await login('Ada');
    const session = await gateway.http('/dev/session', { headers: { cookie } });
    assert.equal(session.status, 200);
    assert.equal(session.json().userId, userId);
    assert.equal(session.json().username, 'Ada');
    assert.equal((await gateway.http('/dev/session')).status, 401);
    const logout = await post(gateway, '/dev/logout', undefined, { cookie });
    assert.ok([200, 204].includes(logout.status), `status ${logout.status}`);
    assert.match(logout.headers['set-cookie'][0], /^access_token=;.*(Max-Age=0|Expires=Thu, 01 Jan 1970)/i);
  });

});

describe('the limits of the development login', () => {
  test('it refuses what is no name', async () => {
    for (const body of [undefined, {}, { username: '' }, { username: '  ' }, { username: 7 }, { username: null }, [], { username: 'x'.repeat(10_000) }]) {
      const { status } = await post(gateway, '/dev/login', body);
      assert.ok(status >= 400 && status < 500, `${JSON.stringify(body)?.slice(0, 40)}: status ${status}`);
    }
  });

  test('it is out of reach for foreign sites', async () => {
    const { status, headers } = await post(gateway, '/dev/login', { username: 'Eve' }, { origin: 'http://evil.example' });
    assert.equal(status, 403);
    assert.equal(headers['set-cookie'], undefined);
  });

  test("it trusts nobody else's key", async (t) => {
    assert.equal(await refusal(t, gateway, { token: await new Identity().token() }), 'Authentication error');
  });

  test('it does not exist outside development', async () => {
    assert.equal((await post(production, '/dev/login', { username: 'Eve' })).status, 404);
    assert.equal((await production.http('/dev/session')).status, 404);
  });
});
