import assert from 'node:assert/strict';
import { join as joinPath } from 'node:path';
import { describe, test } from 'node:test';
import { connect, kindName, PLAIN_KINDS, refusal } from '../../clients/lib/client.js';
import { epoch } from '../../clients/lib/identity.js';
import { scratchDirectory } from '../../clients/lib/processes.js';
import { assertFresh, assertResumed as assertSame, comeBackAs } from '../../clients/lib/resume.js';
import { Proxy } from '../../clients/lib/proxy.js';
import { freshCode, join, party } from '../../clients/lib/rooms.js';
import { until, within } from '../../clients/lib/wait.js';
import { connectRaw } from '../../clients/lib/websocket.js';
import { sharedCluster } from '../../cluster/lib/fixture.js';
import { API_KEY, disconnect } from '../../events/lib/api.js';
import { assertResumed, comeBack, freshUser, gatherLossy, KINDS } from '../../websocket/lib/parties.js';
import { SignalGuest, signalPath } from '../../websocket/lib/signal.js';
import { SocketGuest } from '../../websocket/lib/socketio.js';
import { refusedAnswer } from '../../websocket/lib/wire.js';
import { WsGuest, wsPath } from '../../websocket/lib/ws.js';

const DEV_KEY_FILE = joinPath(scratchDirectory('dev-key-'), 'key.pem');
const { redis, cluster } = await sharedCluster({
  size: 2, env: { API_KEY, DEV: 'true', DEV_KEY_FILE, RECONNECT_WINDOW_MS: '120000' },
});
await until(async () => (await redis.subscribers('channel:tell')) === 2, 'all nodes hear what is told');
const [first, second] = cluster.nodes;

/** A room with somebody on each node, and one on the first who is lost, and known to be. */
async function withLost(t, kind) {
  const room = await gatherLossy(t, cluster, [[SocketGuest, 'anna', { node: first }], [WsGuest, 'bert', { node: second }], [kind, 'lossy', { node: first }]]);
  await room.lose();
  await cluster.knowsAway(room.lossy);
  return room;
}

/** Checks that a guest that came back is somebody new, or nobody. */
async function assertNew(guest, former) {
  if (guest.client) await guest.client.ask('heartbeat');
  else if (guest instanceof SignalGuest) await guest.hears('joined');
  else await guest.refused('NOT_IN_ROOM', () => guest.sayUnheard('hm'));
  assert.deepEqual(guest.heard.all('resumed'), []);
  assert.notEqual(guest.peerId, former.peerId);
}

describe('a user who is disconnected', { concurrency: 4 }, () => {
  for (const kind of KINDS) {
    test(`while it is lost is not waited for any more, on any node: ${kind.kind}`, async (t) => {
      const { others, lossy } = await withLost(t, kind);
      assert.equal((await disconnect(second, lossy.userId)).status, 202);
      for (const other of others) {
        await other.hears('peer-left', ({ peerId }) => peerId === lossy.peerId);
      }
      for (const node of [first, second]) await assertNew(await comeBack(t, cluster, lossy, { node }), lossy);
    });
  }

  for (const kind of PLAIN_KINDS) {
    test(`is cut off at once: ${kindName(kind)}`, async (t) => {
      const code = freshCode();
      const [anna] = await party(t, second, ['anna'], { code });
      const user = await connect(t, first, { kind, sub: freshUser('leaving') });
      const { peerId } = await join(user, code);
      await anna.event('peer:joined');
      await disconnect(second, user.userId);
      await user.disconnected();
      assert.equal((await anna.event('peer:left', (left) => left.peerId === peerId)).reason, 'left');
    });
  }

  test('by a connection whose loss nobody has noticed leaves nothing to come back to', async (t) => {
    const code = freshCode();
    const [anna] = await party(t, second, ['anna'], { code });
    const via = await Proxy.start(t, first);
    const [lossy] = await party(t, first, ['lossy'], { code, via });
    await anna.event('peer:joined');
    via.blackHole();
    await disconnect(second, lossy.userId);
    await anna.event('peer:left', ({ peerId }) => peerId === lossy.peerId);
    await assertFresh(await comeBackAs(t, second, lossy));
  });
});

describe('a logout', { concurrency: 4 }, () => {
  const login = async (username) => {
    const answer = await first.http('/dev/login', {
      method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ username }),
    });
    return { cookie: answer.headers['set-cookie'][0].split(';')[0], userId: answer.json().userId };
  };
  const logout = (node, headers = {}) => node.http('/dev/logout', { method: 'POST', headers });

  test('ends what the user has open, of all protocols and on all nodes, and nobody else', async (t) => {
    const { cookie, userId } = await login(freshUser('ada'));
    const token = cookie.split('=')[1];
    const code = freshCode();
    const [anna] = await party(t, second, ['anna'], { code });
    const here = await connect(t, first, { sub: userId, token: null, headers: { cookie } });
    const there = await connect(t, second, { sub: userId, token: null, headers: { cookie } });
    await join(there, code);
    const raw = await connectRaw(t, second, `/signal/${code}`, { token });
    await raw.frame('joined');
    const { status, headers } = await logout(first, { cookie });
    assert.equal(status, 204);
    assert.match(headers['set-cookie'][0], /^access_token=;.*Max-Age=0/);
    await Promise.all([here.disconnected(), there.disconnected()]);
    assert.equal((await within(raw.closed, 'the raw client to be closed')).code, 1008);
    await anna.event('peer:left', ({ peerId }) => peerId === there.peerId);
    assert.equal((await anna.ask('heartbeat')).status, 'ok');
  });

  test('of nobody, or with a token of no use, ends nothing and takes the cookie', async (t) => {
    const client = await connect(t, first);
    for (const headers of [{}, { cookie: 'access_token=garbage' }]) {
      const answer = await logout(second, headers);
      assert.equal(answer.status, 204);
      assert.match(answer.headers['set-cookie'][0], /^access_token=;/);
    }
    assert.equal((await client.ask('heartbeat')).status, 'ok');
  });

  test('a page elsewhere cannot cause', async (t) => {
    const { cookie, userId } = await login(freshUser('ada'));
    const client = await connect(t, second, { sub: userId, token: null, headers: { cookie } });
    assert.equal((await logout(first, { cookie, origin: 'http://evil.example' })).status, 403);
    assert.equal((await client.ask('heartbeat')).status, 'ok');
  });
});

describe('a resume authenticates again', { concurrency: 4 }, () => {
  const path = (kind, { code, resumeToken: token }) =>
    (kind === SignalGuest ? signalPath(code, { by: 'query', token }) : wsPath({ by: 'query', token }));

  for (const kind of KINDS) {
    for (const [what, make] of Object.entries({
      'an expired token': (sub) => cluster.identity.token({ sub, exp: epoch(-60) }),
      'a token of nobody': () => 'garbage',
    })) {
      test(`with ${what} nothing is resumed, and the peer waits on: ${kind.kind}`, async (t) => {
        const { lossy } = await withLost(t, kind);
        const token = await make(lossy.userId);
        for (const node of [first, second]) {
          if (kind === SocketGuest) {
            const auth = { resumeToken: lossy.resumeToken };
            assert.equal(await refusal(t, node, { token, auth }), 'Authentication error');
          } else {
            assert.equal((await refusedAnswer(t, node, path(kind, lossy), { token })).status, 401);
          }
        }
        await assertResumed(await comeBack(t, cluster, lossy, { node: second }), lossy);
      });
    }

    test(`as another user nothing is resumed, and the peer waits on: ${kind.kind}`, async (t) => {
      const { lossy } = await withLost(t, kind);
      for (const node of [first, second]) {
        const thief = { ...lossy, constructor: kind, userId: freshUser('thief'), username: 'thief' };
        await assertNew(await comeBack(t, cluster, thief, { node }), lossy);
      }
      await assertResumed(await comeBack(t, cluster, lossy, { node: second }), lossy);
    });
  }

  test('and a session that expired is resumed with a newer token', async (t) => {
    const code = freshCode();
    const exp = epoch(3);
    const sub = freshUser('short');
    const [anna] = await party(t, second, ['anna'], { code });
    const short = await connect(t, first, { sub, token: await cluster.identity.token({ sub, exp }) });
    await join(short, code);
    await anna.event('peer:joined');
    await short.event('auth:expiring');
    await short.disconnected();
    await cluster.knowsAway(short);
    await assertSame(await comeBackAs(t, second, short), short);
  });
});
