import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join as joinPath } from 'node:path';
import { after, describe, test } from 'node:test';
import { connect } from '../../clients/lib/client.js';
import { ALLOWED_ORIGIN, runToExit, startNode } from '../../clients/lib/gateway.js';
import { Identity } from '../../clients/lib/identity.js';
import { scratchDirectory } from '../../clients/lib/processes.js';
import { comeBackAs, lose, partyWithProxy } from '../../clients/lib/resume.js';
import { freshCode, join } from '../../clients/lib/rooms.js';
import { credentialsIn, credentialsOf, expiryOf, gatewayWith, seconds } from '../lib/house.js';

const SECRET = 'north-of-the-border';
const late = { after };
const gateway = await gatewayWith(late);

const sign = (username, secret = SECRET) => createHmac('sha1', secret).update(username).digest('base64');

/** Credentials that a user could use now and for about as long as configured. */
function assertGood({ username, password }, sub, { ttl = 3600, secret = SECRET } = {}) {
  assert.equal(username.slice(username.indexOf(':') + 1), sub);
  assert.equal(password, sign(username, secret));
  const left = expiryOf({ username }) - seconds();
  assert.ok(left > ttl - 30 && left <= ttl, `${left} s left`);
}

describe('GET /turn-credentials', { concurrency: 4 }, () => {
  test('answers in the form of the REST API for TURN, and in that of browsers', async () => {
    const answer = await credentialsOf(gateway, 'ann');
    assertGood(answer, 'ann');
    const { username, password } = answer;
    assert.deepEqual(answer, {
      username,
      password,
      ttl: 3600,
      uris: ['turn:127.0.0.1:9?transport=udp', 'stun:127.0.0.1:9', 'turns:turn.example?transport=tcp'],
      iceServers: [
        { urls: ['stun:127.0.0.1:9'] },
        { urls: ['turn:127.0.0.1:9?transport=udp', 'turns:turn.example?transport=tcp'], username, credential: password },
      ],
    });
  });

  test('takes the token from the cookie too, and any user id', async () => {
    for (const sub of ['a:b', 'Zoë ☃', 'x'.repeat(256), '"quoted"\\']) {
      const headers = { cookie: `access_token=${await gateway.identity.token({ sub })}` };
      assertGood((await gateway.http('/turn-credentials', { headers })).json(), sub);
    }
  });

  test('is never to be stored, whatever the answer', async () => {
    const headers = { authorization: `Bearer ${await gateway.identity.token()}` };
    for (const answer of [await gateway.http('/turn-credentials', { headers }), await gateway.http('/turn-credentials')]) {
      assert.equal(answer.headers['cache-control'], 'no-store');
    }
  });

  test('refuses whoever has no valid token, and does not say why', async () => {
    const { identity } = gateway;
    const tokens = [
      undefined, 'nonsense', await new Identity().token(), await identity.token({ exp: Math.floor(seconds()) - 60 }),
      await identity.token({ sub: undefined }),
    ];
    for (const token of tokens) {
      const headers = token ? { authorization: `Bearer ${token}` } : {};
      const answer = await gateway.http('/turn-credentials', { headers });
      assert.equal(answer.status, 401, answer.text);
      assert.equal(answer.headers['www-authenticate'], 'Bearer');
      assert.deepEqual(answer.json(), { code: 'AUTH_REQUIRED', message: 'Authentication error' });
    }
  });

  test('is for the allowed pages, which may read it', async () => {
    const cookie = `access_token=${await gateway.identity.token()}`;
    const foreign = await gateway.http('/turn-credentials', { headers: { cookie, origin: 'http://evil.example' } });
    assert.equal(foreign.status, 403);
    const allowed = await gateway.http('/turn-credentials', { headers: { cookie, origin: ALLOWED_ORIGIN } });
    assert.equal(allowed.status, 200);
    assert.equal(allowed.headers['access-control-allow-origin'], ALLOWED_ORIGIN);
    assert.equal(allowed.headers['access-control-allow-credentials'], 'true');
  });

  test('answers GET alone', async () => {
    const headers = { authorization: `Bearer ${await gateway.identity.token()}` };
    assert.equal((await gateway.http('/turn-credentials', { method: 'POST', headers })).status, 405);
  });

  test('is not there when there are no servers', async (t) => {
    const bare = await startNode({}, new Identity());
    t.after(() => bare.kill());
    const headers = { authorization: `Bearer ${await bare.identity.token()}` };
    const answer = await bare.http('/turn-credentials', { headers });
    assert.equal(answer.status, 404);
    assert.deepEqual(answer.json(), { code: 'SERVICE_UNAVAILABLE', message: 'no TURN servers are configured' });
    const client = await connect(t, bare);
    assert.ok(!('iceServers' in await join(client, freshCode())));
    assert.ok(!('iceServers' in await client.event('room:joined')));
  });

  test('signs with the first of two secrets, from a file too', async (t) => {
    const file = joinPath(scratchDirectory('turn-secret-'), 'secret');
    writeFileSync(file, 'new-secret-0123456789,old-secret-0123456789\n');
    const two = await gatewayWith(t, { TURN_SECRET: undefined, TURN_SECRET_FILE: file, TURN_TTL_S: '600' });
    assertGood(await credentialsOf(two, 'ann'), 'ann', { ttl: 600, secret: 'new-secret-0123456789' });
  });
});

const KINDS = {
  'client 4': { version: 4, transport: 'websocket' },
  'client 4 by polling': { version: 4, transport: 'polling' },
  'client 3': { version: 3, transport: 'websocket' },
  'client 2': { version: 2, transport: 'websocket' },
};

describe('a room', { concurrency: 4 }, () => {
  for (const [name, kind] of Object.entries(KINDS)) {
    test(`comes with servers and the receiver's own credentials (${name})`, async (t) => {
      const code = freshCode();
      for (const sub of ['ann', 'bob']) {
        const client = await connect(t, gateway, { sub, kind });
        const answer = await join(client, code);
        const joined = await client.event('room:joined');
        for (const { iceServers } of [answer, joined]) {
          assert.deepEqual(iceServers[0], { urls: ['stun:127.0.0.1:9'] });
          assertGood(credentialsIn(iceServers), sub);
        }
      }
    });
  }

  test('comes with servers by msgpack too', async (t) => {
    const packed = await gatewayWith(t, { SOCKET_PARSER: 'msgpack' });
    const client = await connect(t, packed, { sub: 'ann', kind: { version: 4, transport: 'websocket', parser: 'msgpack' } });
    await join(client, freshCode());
    assertGood(credentialsIn((await client.event('room:joined')).iceServers), 'ann');
  });

  test('comes with new credentials for whoever comes back', async (t) => {
    const { proxy, lossy } = await partyWithProxy(t, gateway, ['ann', 'lossy']);
    await lose(proxy);
    const back = await comeBackAs(t, gateway, lossy);
    const { iceServers, peerId } = await back.event('room:resumed');
    assert.equal(peerId, lossy.peerId);
    assertGood(credentialsIn(iceServers), lossy.userId);
  });

  test('renews them before they expire, again and again, and only to those in it', async (t) => {
    const brief = await gatewayWith(t, { TURN_TTL_S: '10' });
    const code = freshCode();
    const [ann, packed, outside, gone] = await Promise.all(['ann', 'poll', 'outside', 'gone'].map((sub) =>
      connect(t, brief, { sub, kind: sub === 'poll' ? { version: 4, transport: 'polling' } : undefined })));
    const first = credentialsIn((await join(ann, code)).iceServers);
    await join(packed, code);
    await join(gone, code);
    await gone.ask('leave:room');
    let former = first;
    for (let round = 0; round < 2; round += 1) {
      const known = former;
      const news = await ann.event('ice:servers', ({ iceServers }) => expiryOf(credentialsIn(iceServers)) > expiryOf(known));
      former = credentialsIn(news.iceServers);
      assert.equal(former.password, sign(former.username));
      assert.deepEqual([news.ttl, news.expiresAt], [10, expiryOf(former)]);
      assert.ok(news.expiresAt - news.ttl < expiryOf(known), 'they were made while the former were still good');
    }
    await packed.event('ice:servers');
    for (const client of [outside, gone]) {
      await client.ask('heartbeat');
      assert.deepEqual(client.recorder.all('ice:servers'), []);
    }
  });

  test('leaves no credential in the log', async (t) => {
    const verbose = await gatewayWith(t, { TURN_TTL_S: '10', RUST_LOG: 'trace' });
    const client = await connect(t, verbose, { sub: 'ann' });
    await join(client, freshCode());
    const news = await client.event('ice:servers');
    const { password } = await credentialsOf(verbose, 'ann');
    assert.match(verbose.log, /peer joined/);
    for (const secret of [SECRET, password, credentialsIn(news.iceServers).password]) {
      assert.ok(!verbose.log.includes(secret));
    }
  });
});

describe('the configuration', { concurrency: 4 }, () => {
  const refused = async (env) => {
    const { code, stderr } = await runToExit({ DEV: 'true', HOST: '127.0.0.1', PORT: '0', ADMIN_PORT: '0', ...env });
    assert.equal(code, 64, stderr);
    return stderr.trim().split('\n');
  };

  test('is refused at start with every mistake in it, and no secret shown', async () => {
    const lines = await refused({
      TURN_URIS: 'turn:ok.example,turn://a.example,http:b,turn:u:hunter2@c,turn:d:0,turn:e?transport=sctp,stun:f?transport=udp,turn:',
      TURN_SECRET: 'hunter2,hunter2,hunter3',
      TURN_TTL_S: 'an hour',
    });
    assert.equal(lines.filter((line) => line.startsWith('TURN_URIS: entry')).length, 7, lines.join('\n'));
    assert.equal(lines.filter((line) => line.startsWith('TURN_SECRET: ')).length, 2, lines.join('\n'));
    assert.equal(lines.filter((line) => line.startsWith('TURN_TTL_S: must be a number')).length, 1);
    assert.ok(!lines.join().includes('hunter'));
  });

  test('is refused by halves', async () => {
    assert.deepEqual(await refused({ TURN_URIS: 'turn:a' }), ['TURN_SECRET: is missing: TURN_URIS needs it']);
    assert.match((await refused({ TURN_SECRET: 'north' }))[0], /^TURN_URIS: is missing/);
  });
});
