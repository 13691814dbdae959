import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { connect, kindName, PLAIN_KINDS } from '../lib/client.js';
import { startGateway } from '../lib/gateway.js';
import { assertFresh, assertResumed, comeBack, comeBackAs, lose, partyWithProxy } from '../lib/resume.js';
import { freshCode, join, party, settle, unnoticed } from '../lib/rooms.js';
import { until } from '../lib/wait.js';

const gateway = await startGateway({ RECONNECT_WINDOW_MS: '60000' });
const hasty = await startGateway({ RECONNECT_WINDOW_MS: '300' });
const alert = await startGateway({ RECONNECT_WINDOW_MS: '60000', PING_INTERVAL_MS: '1000', PING_TIMEOUT_MS: '3000' });
after(() => Promise.all([gateway.kill(), hasty.kill(), alert.kill()]));

describe('several peers of one user', () => {
  test('two tabs are two peers, who see and signal to each other', async (t) => {
    const code = freshCode();
    const sub = 'one-user';
    const [tab1] = await party(t, gateway, ['tab'], { code, sub });
    const [tab2] = await party(t, gateway, ['tab'], { code, sub });
    assert.notEqual(tab1.peerId, tab2.peerId);
    assert.deepEqual(tab2.recorder.all('room:joined')[0].peers, [tab1.asPeer]);
    await tab1.ask('webrtc:ice', { targetPeerId: tab2.peerId, candidate: 'x' });
    assert.equal((await tab2.event('webrtc:ice')).from, tab1.peerId);
  });

  test('the token picks the one that comes back', async (t) => {
    const sub = 'user-of-two-lost';
    const { proxy, code, lossy: tab1, others: [anna] } = await partyWithProxy(t, gateway, ['anna', 'tab'], { sub });
    const [tab2] = await party(t, gateway, ['tab'], { code, sub, url: proxy.url });
    await lose(proxy, anna);
    await unnoticed(anna, [anna], async () => {
      await assertResumed(await comeBackAs(t, gateway, tab2), tab2);
      await assertResumed(await comeBackAs(t, gateway, tab1), tab1);
    });
  });

  test('without a token none of two is picked', async (t) => {
    const sub = 'user-of-two-unknown';
    const { proxy, code, lossy: tab1, others: [anna] } = await partyWithProxy(t, gateway, ['anna', 'tab'], { sub });
    await party(t, gateway, ['tab'], { code, sub, url: proxy.url });
    await lose(proxy, anna);
    await assertFresh(await comeBack(t, gateway, tab1));
  });

  test('a new tab does not take the place of a living one', async (t) => {
    const [tab1] = await party(t, gateway, ['tab']);
    const tab2 = await comeBack(t, gateway, tab1);
    await assertFresh(tab2);
    assert.equal((await tab1.ask('heartbeat')).status, 'ok');
  });
});

describe('a proper end leaves nothing to come back to', () => {
  test('after a disconnect the session is fresh', async (t) => {
    const [anna, bert] = await party(t, gateway, ['anna', 'bert']);
    bert.close();
    assert.deepEqual(await anna.event('peer:left'), { peerId: bert.peerId, reason: 'left' });
    await assertFresh(await comeBackAs(t, gateway, bert));
    await assertFresh(await comeBack(t, gateway, bert));
  });

  test('who left the room before being lost is not brought back into it', async (t) => {
    const { proxy, lossy, others: [anna] } = await partyWithProxy(t, gateway, ['anna', 'lossy']);
    await lossy.ask('leave:room');
    await lose(proxy, anna);
    await assertFresh(await comeBackAs(t, gateway, lossy));
  });
});

describe('when the window is over', () => {
  test('the others are told once, and the session is fresh', async (t) => {
    const { proxy, code, lossy, others: [anna, bert] } = await partyWithProxy(t, hasty, ['anna', 'bert', 'lossy']);
    await proxy.cut();
    for (const client of [anna, bert]) {
      assert.deepEqual(await client.event('peer:left'), { peerId: lossy.peerId, reason: 'disconnected' });
    }
    const back = await comeBackAs(t, hasty, lossy);
    await assertFresh(back);
    assert.deepEqual((await join(back, code)).peers, [anna.asPeer, bert.asPeer]);
    await settle(anna, anna, bert);
    assert.equal(anna.recorder.all('peer:left').length, 1);
    assert.equal(anna.recorder.all('peer:joined').filter(({ peerId }) => peerId === back.peerId).length, 1);
  });

  test('a lost host is replaced', async (t) => {
    const { proxy, code, lossy: host } = await partyWithProxy(t, hasty, ['host']);
    const [second, third] = await party(t, hasty, ['second', 'third'], { code });
    await proxy.cut();
    for (const client of [second, third]) {
      assert.deepEqual(await client.event('host:changed'), { hostId: second.peerId });
      assert.deepEqual(await client.event('peer:left'), { peerId: host.peerId, reason: 'disconnected' });
    }
  });

  test('its place in a full room is free again', async (t) => {
    const names = Array.from({ length: 10 }, (_, n) => `peer ${n}`);
    const { proxy, code, others: [anna] } = await partyWithProxy(t, hasty, names);
    await proxy.cut();
    await anna.event('peer:left');
    assert.equal((await join(await connect(t, hasty), code)).peers.length, 9);
  });

  test('an abandoned room is forgotten', async (t) => {
    const { proxy, code, lossy } = await partyWithProxy(t, hasty, ['alone']);
    const watcher = await connect(t, hasty);
    await proxy.cut();
    const { peers: [ghost] } = await join(watcher, code);
    if (ghost) await watcher.event('peer:left', ({ peerId }) => peerId === lossy.peerId);
    await watcher.ask('leave:room');
    assert.deepEqual((await join(watcher, code)).peers, []);
  });
});

/** A polling session has no connection to close: its id is forgotten. */
function sessionGone(sid) {
  const poll = `/socket.io/?EIO=4&transport=polling&sid=${sid}`;
  return until(async () => (await gateway.http(poll)).status === 400, 'the former polling session is closed');
}

describe('a connection that is dead without the gateway knowing', () => {
  for (const kind of PLAIN_KINDS.filter(({ version }) => version !== 2)) {
    test(`is taken over by its resume token: ${kindName(kind)}`, async (t) => {
      const { proxy, lossy, others: [anna] } = await partyWithProxy(t, gateway, ['anna', 'lossy'], { kind });
      await unnoticed(anna, [anna], async () => {
        proxy.blackHole();
        const back = await comeBackAs(t, gateway, lossy);
        const { peers } = await assertResumed(back, lossy);
        assert.deepEqual(peers, [anna.asPeer]);
        if (kind.transport === 'polling') await sessionGone(lossy.engine.id);
        else await proxy.releasedByGateway();
        await anna.ask('webrtc:ice', { targetPeerId: lossy.peerId, candidate: 'after' });
        await back.event('webrtc:ice', ({ candidate }) => candidate === 'after');
      });
    });
  }

  test('a living one is closed when its peer is taken over', async (t) => {
    const [anna, bert] = await party(t, gateway, ['anna', 'bert']);
    await unnoticed(anna, [anna], async () => {
      const back = await comeBackAs(t, gateway, bert);
      await assertResumed(back, bert);
      await bert.disconnected();
    });
  });

});

/** Tries until the gateway has given the former connection up, and a waiting peer is found. */
function resumesAtLast(t, former) {
  return until(async () => {
    const back = await comeBack(t, alert, former);
    await back.ask('heartbeat');
    if (back.recorder.all('room:resumed').length) return back;
    back.close();
    return null;
  }, 'the lost heartbeats are noticed');
}

describe('a connection without heartbeats is given up, and its peer can come back', { concurrency: true }, () => {
  for (const kind of PLAIN_KINDS) {
    test(kindName(kind), async (t) => {
      const { proxy, lossy, others: [anna] } = await partyWithProxy(t, alert, ['anna', 'lossy'], { kind });
      await unnoticed(anna, [anna], async () => {
        proxy.blackHole();
        await assertResumed(await resumesAtLast(t, lossy), lossy);
      });
    });
  }
});
