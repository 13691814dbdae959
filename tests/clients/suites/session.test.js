import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { connect, kindName, PLAIN_KINDS, refusal } from '../lib/client.js';
import { startGateway } from '../lib/gateway.js';
import { epoch, Identity } from '../lib/identity.js';
import { RawPolling, RawSocket } from '../lib/raw.js';
import { assertRefused, freshCode, join, party, settle } from '../lib/rooms.js';
import { until } from '../lib/wait.js';

const gateway = await startGateway();
const hasty = await startGateway({ RECONNECT_WINDOW_MS: '300' });
after(() => Promise.all([gateway.kill(), hasty.kill()]));

/** For how long after its end a token still opens a session, for clocks that differ. */
const SKEW_S = 5;

/** The life of a token whose end is waited for: long enough for its client to get into a room, however busy the machine. */
const BRIEF_S = 12;

/** Lets time pass until a moment in seconds since the epoch, while the client lives. */
function beatUntil(client, moment) {
  return until(async () => {
    assert.equal((await client.ask('heartbeat')).status, 'ok');
    return Date.now() >= moment * 1000;
  }, 'the moment has come');
}

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

describe('a session ends with its token', { concurrency: true }, () => {
  test('after a notice, as a loss, and the token opens no other', async (t) => {
    const code = freshCode();
    const [anna] = await party(t, hasty, ['anna'], { code });
    const exp = epoch(BRIEF_S);
    const sub = 'short-lived';
    const token = await hasty.identity.token({ sub, exp });
    const client = await connect(t, hasty, { sub, token });
    const { peerId } = await join(client, code);
    assert.deepEqual(await client.event('auth:expiring'), { expiresAt: exp });
    await client.disconnected();
    assert.ok(Date.now() >= exp * 1000, 'not before its end');
    assert.equal(client.recorder.all('auth:expiring').length, 1);
    assert.deepEqual(await anna.event('peer:left'), { peerId, reason: 'disconnected' });
    await beatUntil(anna, exp + SKEW_S);
    assert.equal(await refusal(t, hasty, { sub, token }), 'Authentication error');
  });

  test('not before a newer token has ended', async (t) => {
    const code = freshCode();
    const [anna] = await party(t, hasty, ['anna'], { code });
    const exp = epoch(BRIEF_S);
    const sub = 'long-lived';
    const client = await connect(t, hasty, { sub, token: await hasty.identity.token({ sub, exp }) });
    await join(client, code);
    await client.event('auth:expiring');
    const answer = await client.ask('auth:refresh', { token: await hasty.identity.token({ sub, exp: exp + 3600 }) });
    assert.deepEqual(answer, { status: 'ok', expiresAt: exp + 3600 });
    await beatUntil(client, exp + 3);
    await settle(client, anna);
    assert.deepEqual(anna.recorder.all('peer:left'), []);
    assert.equal(client.recorder.all('auth:expiring').length, 1);
  });

  test('a notice comes in the last minute, not earlier', async (t) => {
    const ends = [epoch(50), epoch(600)];
    const [soon, later] = await Promise.all(ends.map(async (exp) =>
      connect(t, hasty, { token: await hasty.identity.token({ exp }) })));
    assert.deepEqual(await soon.event('auth:expiring'), { expiresAt: ends[0] });
    assert.equal((await later.ask('heartbeat')).status, 'ok');
    assert.deepEqual(later.recorder.all('auth:expiring'), []);
  });
});

/** Engine.IO sessions that are open and have shown no token. */
const BARE = {
  async WebSocket(t) {
    const raw = new RawSocket(gateway);
    t.after(() => raw.close());
    await raw.frame((text) => text.startsWith('0{'));
    return raw;
  },
  polling: () => RawPolling.opened(gateway),
};

/** Sends CONNECT, and returns the answer. */
async function enter(raw, token) {
  raw.frames.length = 0;
  await raw.send(`40${JSON.stringify({ token })}`);
  return raw.frame((text) => /^4[04]/.test(text));
}

const REFUSED = '44{"message":"Authentication error"}';

for (const [name, open] of Object.entries(BARE)) {
  describe(`one Engine.IO session by ${name} and its users`, () => {
    test('who connects again with another token is the other user', async (t) => {
      const code = freshCode();
      const [watch] = await party(t, gateway, ['watch'], { code });
      const raw = await open(t);
      for (const sub of ['ann', 'ben']) {
        assert.match(await enter(raw, await gateway.identity.token({ sub })), /^40/);
        const { status, peerId } = await raw.ask(1, JSON.stringify(['join:room', { roomCode: code }]));
        assert.equal(status, 'ok');
        assert.equal((await watch.event('peer:joined', (peer) => peer.peerId === peerId)).userId, sub);
        await raw.send('41');
        assert.equal((await watch.event('peer:left', (peer) => peer.peerId === peerId)).reason, 'left');
      }
      assert.equal(await enter(raw, 'garbage'), REFUSED);
      assert.equal(await enter(raw, undefined), REFUSED);
    });

    test('a token that was refused may be followed by a good one', async (t) => {
      const raw = await open(t);
      for (const token of ['garbage', 'a.b.c']) assert.equal(await enter(raw, token), REFUSED);
      assert.match(await enter(raw, await gateway.identity.token()), /^40/);
    });
  });
}

describe('who is refused three times on one connection is cut', () => {
  /** The third refusal may be told or not. */
  async function failThrice(raw) {
    for (let n = 0; n < 2; n += 1) assert.equal(await enter(raw, 'a.b.c'), REFUSED);
    await raw.send('40{"token":"a.b.c"}');
  }

  test('by WebSocket', async (t) => {
    const raw = await BARE.WebSocket(t);
    await failThrice(raw);
    await raw.ended();
  });

  test('by polling', async (t) => {
    const patient = await BARE.polling(t);
    const raw = await BARE.polling(t);
    await failThrice(raw);
    await until(async () => (await raw.poll()) === 400, 'the session is closed');
    assert.match(await enter(patient, await gateway.identity.token()), /^40/, 'not merely for being late');
  });
});
