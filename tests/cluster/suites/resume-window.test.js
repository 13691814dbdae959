import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { assertFresh, comeBack, comeBackAs } from '../../clients/lib/resume.js';
import { freshCode, join } from '../../clients/lib/rooms.js';
import { lasting } from '../lib/faults.js';
import { ownCluster, sharedCluster } from '../lib/fixture.js';
import { assertSameRoom, departures, settleAll, spread, spreadWithProxy, untilAgreed } from '../lib/peers.js';

const WINDOW_MS = 1000;

const { cluster } = await sharedCluster({ env: { RECONNECT_WINDOW_MS: `${WINDOW_MS}` } });

describe('when the window is over', { concurrency: 4 }, () => {
  test('every node is told once, and the session is fresh everywhere', async (t) => {
    const { proxy, code, others, lossy } = await spreadWithProxy(t, cluster, ['anna', 'bert', 'carl', 'lossy'], { at: [0, 1, 2] });
    await proxy.cut();
    for (const client of others) {
      assert.deepEqual(await client.event('peer:left'), { peerId: lossy.peerId, reason: 'disconnected' });
    }
    for (const node of cluster.nodes) await assertFresh(await comeBackAs(t, node, lossy));
    const back = await comeBack(t, cluster.nodes[1], lossy);
    await assertFresh(back);
    assert.deepEqual((await join(back, code)).peers, others.map(({ asPeer }) => asPeer));
    await untilAgreed([...others, back]);
    await settleAll([...others, back]);
    for (const client of others) assert.equal(departures(client, lossy).length, 1);
  });

  test('a lost host is replaced, on every node by the same', async (t) => {
    const code = freshCode();
    const { proxy, lossy: host } = await spreadWithProxy(t, cluster, ['host'], { code });
    const rest = await spread(t, cluster, ['second', 'third', 'fourth'], { code, at: [1, 2, 0] });
    await proxy.cut();
    for (const client of rest) {
      assert.deepEqual(await client.event('host:changed'), { hostId: rest[0].peerId });
      assert.deepEqual(await client.event('peer:left'), { peerId: host.peerId, reason: 'disconnected' });
    }
    assert.equal(await assertSameRoom(rest, code), rest[0].peerId);
  });

  test('a peer lost after it moved is told once, on every node', async (t) => {
    // It has to come back in time first.
    const { cluster: patient } = await ownCluster(t, { env: { RECONNECT_WINDOW_MS: '10000' } });
    const { proxy, others, lossy } = await spreadWithProxy(t, patient, ['anna', 'bert', 'lossy']);
    await proxy.cut();
    const back = await comeBackAs(t, patient.nodes[1], lossy);
    await back.event('room:resumed');
    back.terminate();
    for (const client of others) assert.equal((await client.event('peer:left')).reason, 'disconnected');
    await settleAll(others);
    for (const client of others) assert.equal(departures(client, lossy).length, 1);
  });
});

describe('at the very end of the window', () => {
  const OFFSETS = Array.from({ length: 16 }, (_, n) => -150 + n * 20);

  /** A peer is lost, and about when its window closes it comes back, through so many nodes at once. */
  async function photoFinish(t, offset, nodes) {
    const { proxy, others, lossy } = await spreadWithProxy(t, cluster, ['anna', 'bert', 'lossy']);
    await proxy.cut();
    await lasting(WINDOW_MS + offset);
    const attempts = await Promise.allSettled(nodes.map(async (node) => {
      const back = await comeBackAs(t, node, lossy);
      await back.ask('heartbeat').catch(() => {}); // the other racer may have taken over
      return back;
    }));
    const backs = attempts.flatMap(({ value }) => (value ? [value] : []));
    const resumed = backs.some((back) => back.recorder.all('room:resumed').some(({ peerId }) => peerId === lossy.peerId));
    return { others, lossy, resumed };
  }

  /** Waits until all windows that were open before are closed, on every node. */
  async function windowsClose(t) {
    const { proxy, others, lossy } = await spreadWithProxy(t, cluster, ['anna', 'bert', 'last']);
    await proxy.cut();
    for (const other of others) await other.event('peer:left', ({ peerId }) => peerId === lossy.peerId);
  }

  for (const [what, nodes] of [['a return is', cluster.nodes.slice(1, 2)], ['a race of two nodes is', cluster.nodes.slice(1)]]) {
    test(`${what} a resume or a leave, never both and never neither`, async (t) => {
      const rounds = await Promise.all(OFFSETS.map((offset) => photoFinish(t, offset, nodes)));
      await windowsClose(t);
      for (const { others, lossy: peer, resumed } of rounds) {
        if (!resumed) await Promise.all(others.map((other) => other.event('peer:left')));
        await settleAll(others);
        for (const other of others) assert.equal(departures(other, peer).length, resumed ? 0 : 1, `resumed: ${resumed}`);
      }
      t.diagnostic(`${rounds.filter(({ resumed }) => resumed).length} of ${rounds.length} resumed`);
    });
  }
});
