import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { ALLOWED_ORIGIN, startNode } from '../../clients/lib/gateway.js';
import { epoch, hmacToken, Identity, unsignedToken } from '../../clients/lib/identity.js';
import { handshakeStatus } from '../../clients/lib/raw.js';
import { freshCode } from '../../clients/lib/rooms.js';
import { until } from '../../clients/lib/wait.js';
import { settle } from '../lib/guest.js';
import { freshUser, gather, RAW_KINDS } from '../lib/parties.js';
import { SignalGuest } from '../lib/signal.js';
import { SocketGuest } from '../lib/socketio.js';
import { handshake, TcpSocket } from '../lib/tcp.js';
import { refusedAnswer, Wire } from '../lib/wire.js';
import { WsGuest } from '../lib/ws.js';

const SECOND_ORIGIN = 'https://second.example:8443';
const identity = new Identity();
const gateway = await startNode({ CLIENT_URL: `${ALLOWED_ORIGIN},${SECOND_ORIGIN}` }, identity);
const demanding = await startNode({ REQUIRE_ORIGIN: 'true' }, identity);
const renamed = await startNode({ AUTH_COOKIE: 'my_session', JWT_ISSUER: 'https://login.example/' }, identity);
const hasty = await startNode({ RECONNECT_WINDOW_MS: '300' }, identity);
after(() => Promise.all([gateway, demanding, renamed, hasty].map((one) => one.kill())));

const PATHS = ['/ws', '/signal/access'];

/** Origins that are not ours, however much they look like it. */
const FOREIGN = ['http://evil.example', 'null', `${ALLOWED_ORIGIN}.evil.example`, 'http://sub.app.example', 'https://app.example',
  `${ALLOWED_ORIGIN}:8080`, `${ALLOWED_ORIGIN}/`, `${ALLOWED_ORIGIN}, ${SECOND_ORIGIN}`, 'http://app.example@evil.example', 'file://', '*', ''];

for (const path of PATHS) {
  describe(`the origin of a request to ${path}`, { concurrency: 4 }, () => {
    const status = async (target, headers) =>
      handshakeStatus(target, { cookie: `access_token=${await identity.token()}`, ...headers }, path);

    for (const origin of FOREIGN) {
      test(`"${origin}" is refused before the upgrade, even with a good token`, async () => {
        assert.equal(await status(gateway, { origin }), 403);
      });
    }
    test('an allowed one is accepted, and none', async () => {
      for (const origin of [ALLOWED_ORIGIN, SECOND_ORIGIN]) assert.equal(await status(gateway, { origin }), 101);
      assert.equal(await status(gateway, {}), 101);
    });
    test('none is refused where one is required', async () => {
      assert.equal(await status(demanding, {}), 403);
      assert.equal(await status(demanding, { origin: ALLOWED_ORIGIN }), 101);
    });
    test('what the browser says of the site counts', async () => {
      assert.equal(await status(gateway, { 'sec-fetch-site': 'cross-site' }), 403);
      assert.equal(await status(gateway, { 'sec-fetch-site': 'cross-site', origin: ALLOWED_ORIGIN }), 101);
      assert.equal(await status(gateway, { 'sec-fetch-site': 'same-origin' }), 101);
    });
    test('is checked before the token', async () => {
      assert.equal(await handshakeStatus(gateway, { origin: 'http://evil.example' }, path), 403);
      assert.equal(await handshakeStatus(gateway, { origin: ALLOWED_ORIGIN }, path), 401);
    });
  });
}

const claims = (more = {}) => ({ sub: 'mallory', exp: epoch(3600), ...more });

/** What must not be believed. @type {Record<string, () => string | undefined | Promise<string>>} */
const BAD_TOKENS = {
  'no token': () => undefined,
  garbage: () => 'garbage',
  'an expired token': () => identity.token({ exp: epoch(-3600) }),
  'a token not yet valid': () => identity.token({ nbf: epoch(3600) }),
  'a token of another key': () => new Identity().token(),
  'an unsigned token': () => unsignedToken(claims()),
  'an HMAC with the public key as the secret': () => hmacToken(claims(), identity.publicPem),
  'a token without exp': () => identity.token({ exp: undefined }),
  'a token without sub': () => identity.token({ sub: undefined }),
};

/** The places of a token in a handshake. @type {Record<string, (token: string) => import('../lib/wire.js').WireOptions>} */
const PLACES = {
  'the cookie': (token) => ({ headers: { cookie: `theme=dark; access_token=${token}; other=1` } }),
  'the Authorization header': (token) => ({ headers: { authorization: `Bearer ${token}` } }),
  'the subprotocols': (token) => ({ protocols: ['bearer', token] }),
};

for (const path of PATHS) {
  describe(`the token at ${path}`, { concurrency: 4 }, () => {
    for (const [name, make] of Object.entries(BAD_TOKENS)) {
      test(`${name} is refused before the upgrade, and nobody learns why`, async (t) => {
        const token = await make();
        for (const place of token ? Object.values(PLACES) : [() => ({})]) {
          const { status, headers, text } = await refusedAnswer(t, gateway, path, place(token));
          assert.equal(status, 401);
          assert.match(headers['content-type'], /json/);
          assert.equal(headers['www-authenticate'], 'Bearer');
          assert.deepEqual(JSON.parse(text), { code: 'AUTH_REQUIRED', message: 'Authentication error' });
        }
      });
    }

    for (const [name, place] of Object.entries(PLACES)) {
      test(`a good one in ${name} is accepted`, async (t) => {
        const wire = await Wire.open(t, gateway, path, place(await identity.token()));
        assert.equal(wire.ws.protocol, name === 'the subprotocols' ? 'bearer' : '');
      });
    }

    test('is taken from the cookie first, then the header, then the subprotocols', async (t) => {
      const [cookie, header, protocol] = await Promise.all(['of the cookie', 'of the header', 'of the subprotocol'].map((sub) => identity.token({ sub })));
      const who = async (options) => {
        const code = freshCode();
        const wire = await Wire.open(t, gateway, path === '/ws' ? path : `/signal/${code}`, options);
        if (path === '/ws') wire.send({ type: 'join', room: code, sender: 'me' });
        return (await wire.frame('joined')).userId;
      };
      const headers = { cookie: `access_token=${cookie}`, authorization: `Bearer ${header}` };
      assert.equal(await who({ headers, protocols: ['bearer', protocol] }), 'of the cookie');
      assert.equal(await who({ headers: { authorization: headers.authorization }, protocols: ['bearer', protocol] }), 'of the header');
      assert.equal(await who({ protocols: ['bearer', protocol] }), 'of the subprotocol');
      const bad = { headers: { cookie: 'access_token=bad', authorization: headers.authorization } };
      assert.equal((await refusedAnswer(t, gateway, path, bad)).status, 401, 'the first one decides, also when it is bad');
    });

    test('is not looked for in the query, nor among other subprotocols', async (t) => {
      const token = await identity.token();
      for (const name of ['token', 'access_token']) assert.equal((await refusedAnswer(t, gateway, `${path}?${name}=${token}`)).status, 401);
      for (const protocols of [['bearer'], [token], ['basic', token], ['chat', 'bearer']]) {
        assert.equal((await refusedAnswer(t, gateway, path, { protocols })).status, 401, `${protocols}`);
      }
    });

    test('is not repeated in the answer', async (t) => {
      const token = await identity.token();
      const tcp = await TcpSocket.request(t, gateway, path, { ...handshake(), 'Sec-WebSocket-Protocol': `bearer, ${token}` });
      assert.equal(tcp.status, 101);
      assert.equal(tcp.header('Sec-WebSocket-Protocol'), 'bearer');
      assert.ok(!tcp.answer.includes(token));
    });

    test('may be in a second header line of subprotocols', async (t) => {
      const lines = { ...handshake(), 'Sec-WebSocket-Protocol': 'bearer', 'sec-websocket-protocol': await identity.token() };
      const tcp = await TcpSocket.request(t, gateway, path, lines);
      assert.equal(tcp.status, 101);
      assert.equal(tcp.header('Sec-WebSocket-Protocol'), 'bearer');
    });

    test('may come beside subprotocols that nobody knows: none is chosen', async (t) => {
      const tcp = await TcpSocket.request(t, gateway, path, { ...handshake(await identity.token()), 'Sec-WebSocket-Protocol': 'chat, superchat' });
      assert.equal(tcp.status, 101);
      assert.equal(tcp.header('Sec-WebSocket-Protocol'), undefined);
    });

    test('in a cookie of the configured name, of the configured issuer', async (t) => {
      const token = await identity.token({ iss: 'https://login.example/' });
      await Wire.open(t, renamed, path, { headers: { cookie: `my_session=${token}` } });
      assert.equal((await refusedAnswer(t, renamed, path, { headers: { cookie: `access_token=${token}` } })).status, 401);
      assert.equal((await refusedAnswer(t, renamed, path, { headers: { cookie: `my_session=${await identity.token()}` } })).status, 401);
    });
  });
}

describe('the path of /signal', { concurrency: 4 }, () => {
  for (const code of ['x'.repeat(65), 'two%20words', '%C3%A9', 'a%2Fb', 'a:b', '%00', '..%2F', '%FF', '*']) {
    test(`a code of "${code.slice(0, 12)}" is refused before the upgrade`, async (t) => {
      const { status, text } = await refusedAnswer(t, gateway, `/signal/${code}`, { token: await identity.token() });
      assert.equal(status, 400, text);
      assert.equal(JSON.parse(text).code, 'INVALID_PAYLOAD');
    });
  }
  for (const path of ['/signal', '/signal/', '/signal/a/b', '/ws/', '/ws/a']) {
    test(`${path} is nothing`, async (t) => {
      const { status } = await refusedAnswer(t, gateway, path, { token: await identity.token() });
      assert.equal(status, 404);
    });
  }
  test('may have signs that are written in per cent', async (t) => {
    const wire = await Wire.open(t, gateway, '/signal/%41-b', { token: await identity.token() });
    assert.equal((await wire.frame('joined')).roomId, 'room_a-b');
  });
});

describe('a session ends with its token', { concurrency: 8 }, () => {
  /** The life of a token whose end is waited for: long enough to get into a room and to renew it, however busy the machine. */
  const BRIEF_S = 12;

  /** Joins with a token that ends soon. */
  async function shortLived(t, kind) {
    const exp = epoch(BRIEF_S);
    const sub = freshUser('short-lived');
    const [anna] = await gather(t, hasty, [[SocketGuest, 'anna']]);
    const token = await identity.token({ sub, exp });
    const wire = await Wire.open(t, hasty, kind === SignalGuest ? `/signal/${anna.code}` : '/ws', { token });
    const own = kind === SignalGuest ? {} : { room: anna.code, sender: 'short' };
    if (kind === WsGuest) wire.send({ type: 'join', ...own });
    const { peerId } = await wire.frame('joined');
    return { anna, wire, exp, sub, peerId };
  }

  for (const kind of RAW_KINDS) {
    test(`after a notice, with 1008, as a loss: ${kind.kind}`, async (t) => {
      const { anna, wire, exp, peerId } = await shortLived(t, kind);
      assert.deepEqual(await wire.frame('auth-expiring'), { type: 'auth-expiring', expiresAt: exp });
      assert.equal(await wire.code(), 1008);
      assert.ok(Date.now() >= exp * 1000, 'not before its end');
      assert.equal(wire.frames.all('auth-expiring').length, 1);
      assert.deepEqual(await anna.hears('peer-left'), { peerId, called: peerId, reason: 'disconnected' });
    });

    test(`not before a newer token has ended: ${kind.kind}`, async (t) => {
      const { anna, wire, exp, sub } = await shortLived(t, kind);
      await wire.frame('auth-expiring');
      wire.send({ type: 'auth', token: await identity.token({ sub, exp: exp + 3600 }) });
      assert.deepEqual(await wire.frame('auth-ok'), { type: 'auth-ok', expiresAt: exp + 3600 });
      await until(async () => { await settle([anna]); return Date.now() > (exp + 2) * 1000; }, 'the first token has ended');
      assert.equal(wire.closed, null);
      assert.deepEqual(anna.heard.all('peer-left'), []);
    });

    test(`tokens that prove nothing, or of somebody else, do not extend it, and it goes on: ${kind.kind}`, async (t) => {
      const [guest] = await gather(t, gateway, [[kind, 'guest']]);
      const sub = guest.userId;
      for (const token of ['garbage', await new Identity().token({ sub }), await identity.token({ sub, exp: epoch(-3600) })]) {
        const { code, frame } = await guest.wire.refusal({ type: 'auth', token });
        assert.deepEqual([code, frame], ['AUTH_REQUIRED', 'auth']);
      }
      assert.equal((await guest.wire.refusal({ type: 'auth', token: await identity.token() })).code, 'FORBIDDEN');
      await guest.say('still here');
      assert.deepEqual(guest.wire.frames.all('auth-ok'), []);
    });
  }

  test('on /ws also before it has joined', async (t) => {
    const exp = epoch(BRIEF_S);
    const token = await identity.token({ sub: 'idle', exp });
    const [idle, renewed] = await Promise.all([Wire.open(t, hasty, '/ws', { token }), Wire.open(t, hasty, '/ws', { token })]);
    renewed.send({ type: 'auth', token: await identity.token({ sub: 'idle' }) });
    await renewed.frame('auth-ok');
    assert.equal(await idle.code(), 1008);
    assert.equal(renewed.closed, null);
  });
});

describe('the log', () => {
  test('has no token, description, candidate or chat in it', async (t) => {
    const [anna, bert] = await gather(t, gateway, [[SignalGuest, 'anna'], [WsGuest, 'bert']]);
    const token = await identity.token({ sub: anna.userId });
    anna.signal('offer', bert, { type: 'offer', sdp: 'SECRET-SDP' });
    bert.signal('ice', anna, 'SECRET-CANDIDATE');
    bert.send({ type: 'kick', recipient: anna.userId, payload: 'SECRET-KICK' });
    anna.wire.send('SECRET-NONSENSE');
    anna.wire.send({ type: 'auth', token });
    await anna.wire.frame('auth-ok');
    const bad = await refusedAnswer(t, gateway, `/ws?resumeToken=${anna.resumeToken}`, { token: `${token}x` });
    assert.equal(bad.status, 401);
    await anna.say('SECRET-CHAT');
    await settle([anna, bert]);
    bert.close();
    await anna.hears('peer-left');
    for (const secret of ['SECRET', token, token.split('.')[2], anna.resumeToken]) assert.ok(!gateway.log.includes(secret), secret);
  });
});
