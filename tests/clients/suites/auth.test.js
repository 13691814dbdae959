import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { SignJWT } from 'jose';
import { connect, kindName, PLAIN_KINDS, refusal } from '../lib/client.js';
import { startGateway } from '../lib/gateway.js';
import { epoch, hmacToken, Identity, unsignedToken } from '../lib/identity.js';
import { freshCode, join } from '../lib/rooms.js';

const ISSUER = 'https://login.example/';
const AUDIENCE = 'switchboard-users';
const identity = new Identity();
const gateway = await startGateway({}, identity);
const strict = await startGateway({ JWT_ISSUER: ISSUER, JWT_AUDIENCE: AUDIENCE }, identity);
const renamed = await startGateway({ AUTH_COOKIE: 'my_session' }, identity);
after(() => Promise.all([gateway.kill(), strict.kill(), renamed.kill()]));

const MESSAGE = 'Authentication error';
const claims = (more = {}) => ({ sub: 'mallory', exp: epoch(3600), ...more });
const otherAlgorithm = (alg) =>
  new SignJWT(claims()).setProtectedHeader({ alg }).sign(identity.privateKey);

async function tampered() {
  const [header, , signature] = (await identity.token({ sub: 'honest' })).split('.');
  return [header, Buffer.from(JSON.stringify(claims())).toString('base64url'), signature].join('.');
}

/** What must not be believed. @type {Record<string, () => string | null | Promise<string>>} */
const BAD_TOKENS = {
  'no token': () => null,
  garbage: () => 'garbage',
  'garbage of three parts': () => 'a.b.c',
  'an expired token': () => identity.token({ exp: epoch(-3600) }),
  'a token not yet valid': () => identity.token({ nbf: epoch(3600) }),
  'a token of another key': () => new Identity().token(),
  'an unsigned token': () => unsignedToken(claims()),
  'an HMAC with the public key as the secret': () => hmacToken(claims(), identity.publicPem),
  'an HMAC with the trimmed public key': () => hmacToken(claims(), identity.publicPem.trim()),
  'the right key with RS384': () => otherAlgorithm('RS384'),
  'the right key with PS256': () => otherAlgorithm('PS256'),
  'a changed body': tampered,
  'a cut signature': async () => (await identity.token()).split('.').slice(0, 2).join('.') + '.',
  'a token without exp': () => identity.token({ exp: undefined }),
  'a token with a textual exp': () => identity.token({ exp: String(epoch(3600)) }),
  'a token without sub': () => identity.token({ sub: undefined }),
  'a token with an empty sub': () => identity.token({ sub: '' }),
};

describe('a token that proves nothing is refused, and nobody learns why', () => {
  for (const [name, make] of Object.entries(BAD_TOKENS)) {
    test(name, async (t) => assert.equal(await refusal(t, gateway, { token: await make() }), MESSAGE));
  }

  for (const kind of PLAIN_KINDS) {
    test(`no token: ${kindName(kind)}`, async (t) => {
      assert.equal(await refusal(t, gateway, { kind, token: null }), MESSAGE);
    });
    test(`an expired token: ${kindName(kind)}`, async (t) => {
      const token = await identity.token({ exp: epoch(-3600) });
      assert.equal(await refusal(t, gateway, { kind, token }), MESSAGE);
    });
  }

  test('a refused client cannot act all the same', async (t) => {
    const code = freshCode();
    const resident = await connect(t, gateway);
    await join(resident, code);
    const intrude = (socket) => socket.on('connect_error', () => socket.emit('join:room', { roomCode: code }));
    await refusal(t, gateway, { token: 'garbage', prepare: intrude });
    await resident.ask('heartbeat');
    assert.deepEqual(resident.recorder.all('peer:joined'), []);
  });
});

describe('issuer and audience', () => {
  const good = { iss: ISSUER, aud: AUDIENCE };
  const refused = {
    'a wrong issuer': { ...good, iss: 'https://evil.example/' },
    'no issuer': { ...good, iss: undefined },
    'a wrong audience': { ...good, aud: 'someone-else' },
    'no audience': { ...good, aud: undefined },
    'an audience list without ours': { ...good, aud: ['a', 'b'] },
  };
  for (const [name, change] of Object.entries(refused)) {
    test(`${name} is refused where one is configured`, async (t) => {
      assert.equal(await refusal(t, strict, { token: await identity.token(change) }), MESSAGE);
    });
  }
  test('the right ones are accepted, in a list of audiences too', async (t) => {
    await connect(t, strict, { token: await identity.token(good) });
    await connect(t, strict, { token: await identity.token({ ...good, aud: ['other', AUDIENCE] }) });
  });
  test('any are accepted where none is configured', async (t) => {
    await connect(t, gateway, { token: await identity.token({ iss: 'x', aud: 'y' }) });
  });
});

/** The three places a token may be in; each value may be missing. */
const placed = ({ cookie, bearer, auth }) => ({
  token: cookie ?? null,
  headers: bearer ? { authorization: `Bearer ${bearer}` } : {},
  auth: auth ? { token: auth } : undefined,
});

describe('where the token is looked for', () => {
  const good = (sub) => identity.token({ sub });
  async function connectsAs(t, places) {
    const client = await connect(t, gateway, placed(places));
    const watcher = await connect(t, gateway);
    const code = freshCode();
    await join(client, code);
    return (await join(watcher, code)).peers[0].userId;
  }

  test('in the cookie', async (t) => assert.equal(await connectsAs(t, { cookie: await good('c') }), 'c'));
  test('in the Authorization header', async (t) => assert.equal(await connectsAs(t, { bearer: await good('b') }), 'b'));
  test('in auth.token', async (t) => assert.equal(await connectsAs(t, { auth: await good('a') }), 'a'));

  test('the cookie goes before the header, the header before auth.token', async (t) => {
    const [cookie, bearer, auth] = await Promise.all([good('c'), good('b'), good('a')]);
    assert.equal(await connectsAs(t, { cookie, bearer, auth }), 'c');
    assert.equal(await connectsAs(t, { bearer, auth }), 'b');
  });

  test('the first one present decides, also when it is bad', async (t) => {
    const token = await good('x');
    for (const places of [{ cookie: 'bad', bearer: token }, { cookie: 'bad', auth: token }, { bearer: 'bad', auth: token }]) {
      assert.equal(await refusal(t, gateway, placed(places)), MESSAGE);
    }
    assert.equal(await connectsAs(t, { cookie: token, bearer: 'bad', auth: 'bad' }), 'x');
  });

  test('among other cookies', async (t) => {
    const token = await good('x');
    const cookie = `theme=dark; access_token=${token}; not_access_token=bad`;
    await connect(t, gateway, { token: null, headers: { cookie } });
  });

  test('in a cookie of the configured name', async (t) => {
    const token = await good('x');
    await connect(t, renamed, { token: null, headers: { cookie: `my_session=${token}` } });
    assert.equal(await refusal(t, renamed, { token }), MESSAGE);
  });

  test('not in the query', async (t) => {
    const url = `${gateway.url}/?token=${await good('x')}&access_token=${await good('x')}`;
    assert.equal(await refusal(t, gateway, { url, token: null }), MESSAGE);
  });
});

describe('the name others see', () => {
  const cases = [
    [{ username: 'first', preferred_username: 'second', name: 'third' }, 'first'],
    [{ preferred_username: 'second', name: 'third' }, 'second'],
    [{ name: 'third' }, 'third'],
    [{}, 'the-subject'],
    [{ username: 'Zoë 👩‍🚀 שלום' }, 'Zoë 👩‍🚀 שלום'],
  ];
  for (const [names, expected] of cases) {
    test(`${expected} of ${JSON.stringify(names)}`, async (t) => {
      const token = await identity.token({ sub: 'the-subject', ...names });
      const code = freshCode();
      await join(await connect(t, gateway, { token }), code);
      const { peers: [peer] } = await join(await connect(t, gateway), code);
      assert.deepEqual([peer.userId, peer.userInfo], ['the-subject', { username: expected }]);
    });
  }
});
