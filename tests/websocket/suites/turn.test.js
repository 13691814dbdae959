import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { after, describe, test } from 'node:test';
import { startNode } from '../../clients/lib/gateway.js';
import { Identity } from '../../clients/lib/identity.js';
import { assertResumed, comeBack, gather, gatherLossy, KINDS, RAW_KINDS } from '../lib/parties.js';
import { SocketGuest } from '../lib/socketio.js';
import { WsGuest } from '../lib/ws.js';

const [TURN_SECRET, TTL] = ['turn-secret-0123456789', 10];
const gateway = await startNode({
  TURN_URIS: 'turn:127.0.0.1:9?transport=udp', TURN_SECRET, TURN_TTL_S: `${TTL}`, RECONNECT_WINDOW_MS: '60000',
}, new Identity());
after(() => gateway.kill());

/** Checks the credentials of a guest, and returns when they end. */
function assertGood(iceServers, { userId }) {
  const [{ urls, username, credential }] = iceServers;
  assert.deepEqual(urls, ['turn:127.0.0.1:9?transport=udp']);
  const [, expiry, user] = /^(\d+):(.*)$/.exec(username);
  assert.equal(user, userId);
  assert.equal(credential, createHmac('sha1', TURN_SECRET).update(username).digest('base64'));
  return Number(expiry);
}

/** What a client was told under a name, in its own words. */
const told = (guest, event) => (guest.wire ? guest.wire.frames : guest.client.recorder).all(event);

describe('TURN servers', { concurrency: 4 }, () => {
  test('come with the room, to each in its name, whatever it speaks', async (t) => {
    const guests = await gather(t, gateway, KINDS.map((kind) => [kind, kind.kind]));
    for (const guest of guests) {
      const [{ iceServers }] = told(guest, guest.wire ? 'joined' : 'room:joined');
      assertGood(iceServers, guest);
    }
  });

  for (const kind of RAW_KINDS) {
    test(`come to whoever comes back: ${kind.kind}`, async (t) => {
      const { lossy, lose } = await gatherLossy(t, gateway, [[SocketGuest, 'anna'], [kind, 'lossy']]);
      await lose();
      const back = await comeBack(t, gateway, lossy);
      await assertResumed(back, lossy);
      assertGood(told(back, 'resumed')[0].iceServers, lossy);
    });

    test(`come again before they end, to those in a room: ${kind.kind}`, async (t) => {
      const [guest, gone] = await gather(t, gateway, [[kind, 'guest'], [WsGuest, 'gone']]);
      await gone.leave();
      const first = assertGood(told(guest, 'joined')[0].iceServers, guest);
      const { iceServers, ttl, expiresAt } = await guest.wire.frame('ice-servers');
      assert.equal(assertGood(iceServers, guest), expiresAt);
      assert.ok(expiresAt > first);
      assert.equal(ttl, TTL);
      assert.ok(expiresAt - ttl < first, 'they were made while the former were still good');
      assert.deepEqual(told(gone, 'ice-servers'), []);
    });
  }
});
