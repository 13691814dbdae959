import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { startNode } from '../../clients/lib/gateway.js';
import { Identity } from '../../clients/lib/identity.js';
import { Proxy } from '../../clients/lib/proxy.js';
import { until } from '../../clients/lib/wait.js';
import { ownCluster } from '../../cluster/lib/fixture.js';
import { settle } from '../lib/guest.js';
import { freshUser, gather, RAW_KINDS } from '../lib/parties.js';
import { SignalGuest } from '../lib/signal.js';
import { SocketGuest } from '../lib/socketio.js';
import { Wire } from '../lib/wire.js';
import { WsGuest } from '../lib/ws.js';

/** Long enough for a client on a busy machine. */
const [INTERVAL, TIMEOUT] = [500, 12_000];
const identity = new Identity();
const beating = await startNode({ PING_INTERVAL_MS: `${INTERVAL}`, PING_TIMEOUT_MS: `${TIMEOUT}`, RECONNECT_WINDOW_MS: '300' }, identity);
/** So many pings take longer than a client may be silent. */
const ENOUGH = Math.ceil((INTERVAL + TIMEOUT) / INTERVAL) + 1;
after(() => beating.kill());

/** Opens a connection of a guest's kind by hand, in its room. */
async function byHand(t, node, kind, code, options = {}) {
  const token = await node.identity.token({ sub: freshUser('by hand') });
  const wire = await Wire.open(t, node, kind === SignalGuest ? `/signal/${code}` : '/ws', { token, ...options });
  if (kind === WsGuest) wire.send({ type: 'join', room: code, sender: 'by hand' });
  wire.peerId = (await wire.frame('joined')).peerId;
  return wire;
}

/** Waits until a connection has lived for longer than it may be silent. @param {Wire} wire @param {() => void} [live] */
async function outlives(wire, live = () => {}) {
  await until(() => {
    assert.equal(wire.closed, null);
    live(wire);
    return wire.pings.length >= ENOUGH;
  }, 'it was pinged for longer than it may be silent');
}

describe('signs of life', { concurrency: 16 }, () => {
  for (const kind of RAW_KINDS) {
    test(`the server pings, and who answers stays: ${kind.kind}`, async (t) => {
      const [anna] = await gather(t, beating, [[SocketGuest, 'anna']]);
      const wire = await byHand(t, beating, kind, anna.code);
      await outlives(wire);
      await settle([anna]);
      assert.deepEqual(anna.heard.all('peer-left'), []);
    });

    test(`who is silent is lost: ${kind.kind}`, async (t) => {
      const [anna] = await gather(t, beating, [[SocketGuest, 'anna']]);
      const wire = await byHand(t, beating, kind, anna.code, { autoPong: false });
      await wire.code();
      assert.ok(wire.pings.length >= 2 && wire.pings.length <= ENOUGH, `${wire.pings.length} pings`);
      assert.deepEqual(await anna.hears('peer-left'), { peerId: wire.peerId, called: wire.peerId, reason: 'disconnected' });
    });

    test(`who is beyond a network that swallows everything is lost: ${kind.kind}`, async (t) => {
      const via = await Proxy.start(t, beating);
      const [anna, guest] = await gather(t, beating, [[SocketGuest, 'anna'], [kind, 'guest', { via }]]);
      via.blackHole();
      assert.equal((await anna.hears('peer-left')).peerId, guest.peerId);
      await via.releasedByGateway();
    });

    for (const [what, live] of Object.entries({
      frames: (wire) => wire.send('{"type":"ice"}'), pings: (wire) => wire.ws.ping(), 'pongs of its own': (wire) => wire.ws.pong('mine'),
    })) {
      test(`who sends ${what} and no answers to pings lives: ${kind.kind}`, async (t) => {
        const [anna] = await gather(t, beating, [[SocketGuest, 'anna']]);
        const wire = await byHand(t, beating, kind, anna.code, { autoPong: false });
        await outlives(wire, live);
      });
    }
  }

  test('a connection that waits on /ws without joining lives as well', async (t) => {
    const wire = await Wire.open(t, beating, '/ws', { token: await beating.identity.token() });
    await outlives(wire);
  });

  test('presence in Redis is kept up by answers to pings', async (t) => {
    const [interval, ttl] = [150, 6_000];
    const env = { PING_INTERVAL_MS: `${interval}`, PRESENCE_TTL_MS: `${ttl}` };
    const { redis, cluster } = await ownCluster(t, { size: 1, env, identity });
    const [anna, bert] = await gather(t, cluster, [[SignalGuest, 'anna'], [WsGuest, 'bert']]);
    const seen = anna.wire.pings.length;
    await until(() => anna.wire.pings.length > seen + ttl / interval + 4, 'more time passes than presence lasts');
    const keys = await redis.keys('presence:*');
    for (const { userId } of [anna, bert]) assert.ok(keys.some((key) => key.includes(userId)), `${userId} in ${keys}`);
  });
});
