import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { startNode } from '../../clients/lib/gateway.js';
import { Identity } from '../../clients/lib/identity.js';
import { sharedCluster } from '../../cluster/lib/fixture.js';
import { settle, unnoticed } from '../lib/guest.js';
import { assertResumed, comeBack, enter, gather, gatherLossy, KINDS } from '../lib/parties.js';
import { SignalGuest } from '../lib/signal.js';
import { SocketGuest } from '../lib/socketio.js';
import { WsGuest } from '../lib/ws.js';

const HASTY = { RECONNECT_WINDOW_MS: '300' };
const hasty = await startNode(HASTY, new Identity());
const patient = await startNode({ RECONNECT_WINDOW_MS: '60000' }, new Identity());
after(() => Promise.all([hasty.kill(), patient.kill()]));
const { cluster } = await sharedCluster({ size: 3, env: HASTY });

/** Each kind once as the one that acts, with the others around. @param {(typeof KINDS)[number]} kind */
const around = (kind) => KINDS.filter((other) => other !== kind);

for (const [where, home, nodes] of [['on one node', hasty, [hasty]], ['on three nodes', cluster, cluster.nodes]]) {
  describe(`hosts ${where}`, { concurrency: 6 }, () => {
    const placed = (list) => list.map(([kind, name], index) => [kind, name, { node: nodes[index % nodes.length] }]);

    for (const kind of KINDS) {
      test(`who is not the host can neither kick nor hand over: ${kind.kind}`, async (t) => {
        const [one, other] = around(kind);
        const [host, guest, third] = await gather(t, home, placed([[one, 'host'], [kind, 'guest'], [other, 'third']]));
        await unnoticed([host, third], async () => {
          for (const target of [host, third]) {
            await guest.refused('FORBIDDEN', () => guest.kick(target, 'because'));
            await guest.refused('FORBIDDEN', () => guest.appoint(target));
          }
          await guest.refused('FORBIDDEN', () => guest.appoint(guest.peerId));
        });
      });

      test(`a host can neither kick nor appoint who is not there: ${kind.kind}`, async (t) => {
        const [host, guest] = await gather(t, home, placed([[kind, 'host'], [around(kind)[0], 'guest']]));
        const stranger = await enter(t, home, SocketGuest, 'stranger');
        await unnoticed([guest], async () => {
          for (const target of ['nobody', stranger.peerId]) {
            await host.refused('PEER_NOT_FOUND', () => host.kick(target));
            await host.refused('PEER_NOT_FOUND', () => host.appoint(target));
          }
        });
        assert.deepEqual(stranger.heard.all('kicked'), []);
      });

      test(`a host may say that it is the host, which changes nothing: ${kind.kind}`, async (t) => {
        const [host, guest] = await gather(t, home, placed([[kind, 'host'], [around(kind)[0], 'guest']]));
        await unnoticed([guest], async () => {
          for (const own of new Set([host.peerId, kind === SocketGuest ? host.peerId : host.userId, host.ownName])) host.appoint(own);
          await settle([host, guest]);
        });
        assert.deepEqual(host.heard.all('error'), []);
      });

      test(`when the host leaves, the longest present takes over, and can kick: ${kind.kind}`, async (t) => {
        const [one, other] = around(kind);
        const [host, second, third] = await gather(t, home, placed([[kind, 'host'], [one, 'second'], [other, 'third']]));
        await host.leave();
        for (const guest of [second, third]) {
          assert.deepEqual(await guest.hears('host'), { peerId: second.peerId, called: guest.calls(second) });
          assert.equal((await guest.hears('peer-left')).peerId, host.peerId);
        }
        second.kick(third, 'first act');
        await third.hears('kicked');
      });

      test(`when the host is lost, the longest present takes over at the end of the window: ${kind.kind}`, async (t) => {
        const [one, other] = around(kind);
        const list = placed([[one, 'second'], [other, 'third'], [kind, 'host']]);
        const { lossy: host, others: [second, third], lose } = await gatherLossy(t, home, list);
        second.appoint(host);
        for (const guest of [second, third]) await guest.hears('host', ({ peerId }) => peerId === host.peerId);
        await lose();
        for (const guest of [second, third]) {
          assert.deepEqual(await guest.hears('peer-left'), { peerId: host.peerId, called: guest.calls(host), reason: 'disconnected' });
          assert.deepEqual(await guest.hears('host', ({ peerId }) => peerId === second.peerId), { peerId: second.peerId, called: guest.calls(second) });
        }
        const late = await enter(t, home, kind, 'late', { code: second.code });
        assert.equal(late.heard.all('joined')[0].host, second.peerId);
      });

      test(`an appointed host is host to who comes later, and passes it on as it leaves: ${kind.kind}`, async (t) => {
        const [one, other] = around(kind);
        const [first, second, appointed] = await gather(t, home, placed([[one, 'first'], [other, 'second'], [kind, 'appointed']]));
        first.appoint(appointed);
        for (const guest of [first, second, appointed]) await guest.hears('host', ({ peerId }) => peerId === appointed.peerId);
        const late = await enter(t, home, kind, 'late', { code: first.code });
        assert.equal(late.heard.all('joined')[0].host, appointed.peerId);
        await appointed.leave();
        for (const guest of [first, second, late]) await guest.hears('host', ({ peerId }) => peerId === first.peerId);
      });
    }
  });
}

describe('a host that is away', { concurrency: 4 }, () => {
  for (const kind of KINDS) {
    test(`is host when it comes back in time: ${kind.kind}`, async (t) => {
      const { lossy: host, others: [guest], lose } = await gatherLossy(t, patient, [[around(kind)[0], 'guest'], [kind, 'host']]);
      guest.appoint(host);
      await host.hears('host');
      await lose();
      const back = await comeBack(t, patient, host);
      assert.equal((await assertResumed(back, host)).host, host.peerId);
      back.kick(guest, 'back');
      assert.deepEqual(await guest.hears('kicked'), { reason: 'back' });
    });
  }
});

describe('the kicked', { concurrency: 4 }, () => {
  test('on /signal is closed with 1008 after it was told', async (t) => {
    const [host, guest] = await gather(t, patient, [[SignalGuest, 'host'], [SignalGuest, 'guest']]);
    host.kick(guest, 'go');
    assert.deepEqual(await guest.wire.frame('kick'), { type: 'kick', targetId: guest.userId, reason: 'go' });
    assert.equal(await guest.wire.code(), 1008);
  });

  test('on /ws stays connected, outside, and may join again', async (t) => {
    const [host, guest] = await gather(t, patient, [[SocketGuest, 'host'], [WsGuest, 'guest']]);
    host.kick(guest, 'go');
    assert.deepEqual(await guest.wire.frame('kicked'), { type: 'kicked', room: guest.code, reason: 'go' });
    await guest.refused('NOT_IN_ROOM', () => guest.sayUnheard('hey'));
    const mark = guest.mark();
    guest.send({ type: 'join' });
    assert.deepEqual((await guest.hears('joined', undefined, mark)).peers, [guest.seesAs(host)]);
  });

  for (const kind of KINDS) {
    test(`cannot come back with its token: ${kind.kind}`, async (t) => {
      const { lossy, others: [host, witness], lose } = await gatherLossy(t, patient, [[SocketGuest, 'host'], [WsGuest, 'witness'], [kind, 'lossy']]);
      await lose();
      host.kick(kind === SocketGuest ? lossy : lossy.peerId);
      assert.equal((await witness.hears('peer-left')).reason, 'kicked');
      await settle([host, witness]);
      const mark = witness.mark();
      const back = await comeBack(t, patient, lossy);
      if (kind === SignalGuest) {
        const joined = await back.hears('joined');
        assert.notEqual(joined.peerId, lossy.peerId, 'it came as somebody new');
        await witness.hears('peer-joined', ({ peerId }) => peerId === joined.peerId, mark);
      } else {
        await back.refused('NOT_IN_ROOM', () => back.sayUnheard('hey'));
      }
      assert.deepEqual(back.heard.all('resumed'), []);
    });
  }
});
