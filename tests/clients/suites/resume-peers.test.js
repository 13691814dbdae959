import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { connect, kindName, PLAIN_KINDS } from '../lib/client.js';
import { startGateway } from '../lib/gateway.js';
import { assertFresh, assertResumed, comeBack, comeBackAs, lose, partyWithProxy, resumesAtLast } from '../lib/resume.js';
import { announced, freshCode, join, party, settle, toldLeft, unnoticed } from '../lib/rooms.js';
import { until } from '../lib/wait.js';

const gateway = await startGateway({ RECONNECT_WINDOW_MS: '60000' });
const hasty = await startGateway({ RECONNECT_WINDOW_MS: '300' });
// Long enough for the others of a room to answer in time, however busy the machine.
const alert = await startGateway({ RECONNECT_WINDOW_MS: '120000', PING_INTERVAL_MS: '1000', PING_TIMEOUT_MS: '10000' });
after(() => Promise.all([gateway.kill(), hasty.kill(), alert.kill()]));

describe('several peers of one user', () => {
  test('two tabs are two peers, who see and signal to each other', async (t) => {
    const code = freshCode();
    const sub = 'one-user';
    const [tab1] = await party(t, gateway, ['tab'], { code, sub });
    const [tab2] = await party(t, gateway, ['tab'], { code, sub });
    assert.notEqual(tab1.peerId, tab2.peerId);
    assert.deepEqual(tab2.recorder.all('room:joined')[0].peers, [tab1.asPeer]);
    await announced(tab2, [tab1]);
    await tab1.ask('webrtc:ice', { targetPeerId: tab2.peerId, candidate: 'x' });
    assert.equal((await tab2.event('webrtc:ice')).from, tab1.peerId);
  });

  test('the token picks the one that comes back', async (t) => {
    const sub = 'user-of-two-lost';
    const { proxy, code, lossy: tab1, others: [anna] } = await partyWithProxy(t, gateway, ['anna', 'tab'], { sub });
    const [tab2] = await party(t, gateway, ['tab'], { code, sub, via: proxy });
    await announced(tab2, [anna]);
    await lose(proxy);
    await unnoticed(anna, [anna], async () => {
      await assertResumed(await comeBackAs(t, gateway, tab2), tab2);
      await assertResumed(await comeBackAs(t, gateway, tab1), tab1);
    });
  });

  test('without a token none of two is picked', async (t) => {
    const sub = 'user-of-two-unknown';
    const { proxy, code, lossy: tab1 } = await partyWithProxy(t, gateway, ['anna', 'tab'], { sub });
    const [tab2] = await party(t, gateway, ['tab'], { code, sub, via: proxy });
    await lose(proxy);
    await gateway.knowsAway(tab1, tab2);
    await assertFresh(await comeBack(t, gateway, tab1));
  });

  test('a new tab does not take the place of a living one', async (t) => {
    const [tab1] = await party(t, gateway, ['tab']);
    const tab2 = await comeBack(t, gateway, tab1);
    await assertFresh(tab2);
    assert.equal((await tab1.ask('heartbeat')).status, 'ok');
  });
});

/** A tab that reconnects at once, joins its room, and keeps the newest resume token. */
function asTab(code, resumeToken, tab) {
  return {
    auth: (send) => send({ resumeToken: tab.token }),
    prepare(socket) {
      tab.token = resumeToken;
      tab.losses = 0;
      const keep = (room) => { tab.token = room.resumeToken; };
      socket.on('room:joined', keep);
      socket.on('room:resumed', keep);
      socket.on('disconnect', () => { tab.losses += 1; });
      socket.on('connect', () => socket.emit('join:room', { roomCode: code }));
      socket.io.reconnection(true);
      socket.io.reconnectionDelay(10);
    },
  };
}

describe('two tabs that share a resume token', () => {
  test('the second takes the peer over, the first becomes another and takes nothing back', async (t) => {
    const { code, lossy: first, others: [anna] } = await partyWithProxy(t, gateway, ['anna', 'tab']);
    const second = await comeBackAs(t, gateway, first);
    await assertResumed(second, first);
    assert.notEqual(second.resumeToken, first.resumeToken);
    await first.disconnected();
    await settle(second, anna);
    const again = await comeBackAs(t, gateway, first);
    await assertFresh(again);
    await join(again, code);
    assert.notEqual(again.peerId, second.peerId);
    await settle(second, again, anna);
    assert.deepEqual(anna.recorder.all('peer:left'), []);
  });

  test('settle on two peers when both reconnect by themselves', async (t) => {
    const code = freshCode();
    const [anna] = await party(t, gateway, ['anna'], { code });
    const sub = 'user-of-a-copied-tab';
    const [state1, state2] = [{}, {}];
    const tab1 = await connect(t, gateway, { sub, ...asTab(code, undefined, state1) });
    const { peerId, resumeToken } = await tab1.event('room:joined');
    const tab2 = await connect(t, gateway, { sub, ...asTab(code, resumeToken, state2) });
    assert.equal((await tab2.event('room:resumed')).peerId, peerId);
    const other = await anna.event('peer:joined', (peer) => peer.peerId !== peerId);
    assert.equal(other.userId, sub);
    await until(() => tab1.socket.connected && tab2.socket.connected, 'both tabs are connected');
    await settle(anna, tab1, tab2);
    assert.ok(state1.losses + state2.losses <= 2, `lost ${state1.losses} and ${state2.losses} times`);
    assert.deepEqual(anna.recorder.all('peer:left'), []);
    assert.deepEqual((await join(anna, code)).peers.map(({ id }) => id).sort(), [peerId, other.peerId].sort());
  });
});

describe('a resume token changes with each return', () => {
  test('one that was replaced counts until the newer one must have arrived', async (t) => {
    const { lossy, others: [anna] } = await partyWithProxy(t, gateway, ['anna', 'lossy']);
    const former = { ...lossy, userId: lossy.userId, username: lossy.username };
    await unnoticed(anna, [anna], async () => {
      for (let round = 0; round < 3; round += 1) await assertResumed(await comeBackAs(t, gateway, former), former);
      const newest = await comeBackAs(t, gateway, former);
      await assertResumed(newest, former);
      await settle(newest, anna);
      await assertFresh(await comeBackAs(t, gateway, former));
      await assertResumed(await comeBackAs(t, gateway, newest), former);
    });
  });

  test('a return without a token leaves the former one good until then, too', async (t) => {
    const { proxy, lossy } = await partyWithProxy(t, gateway, ['anna', 'lossy']);
    await lose(proxy);
    await gateway.knowsAway(lossy);
    await assertResumed(await comeBack(t, gateway, lossy), lossy);
    await assertResumed(await comeBackAs(t, gateway, lossy), lossy);
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
    const { proxy, lossy } = await partyWithProxy(t, gateway, ['anna', 'lossy']);
    await lossy.ask('leave:room');
    await lose(proxy);
    await assertFresh(await comeBackAs(t, gateway, lossy));
  });
});

describe('who was kicked while away', () => {
  test('can be lost later and come back without a token', async (t) => {
    const options = { sub: 'kicked-once' };
    const { proxy, code, lossy, others: [anna] } = await partyWithProxy(t, gateway, ['anna', 'lossy'], options);
    const [witness] = await party(t, gateway, ['witness'], { code, via: proxy.node });
    await announced(witness, [anna]);
    await lose(proxy);
    assert.equal((await anna.ask('peer:kick', { targetPeerId: lossy.peerId })).status, 'ok');
    await toldLeft([witness], lossy);
    const again = await connect(t, gateway, { ...options, via: proxy });
    await join(again, code);
    await lose(proxy);
    await gateway.knowsAway(again);
    await assertResumed(await comeBack(t, gateway, again), again);
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
    await announced(back, [anna, bert]);
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
    const { proxy, code, lossy, others } = await partyWithProxy(t, hasty, names);
    await proxy.cut();
    await toldLeft(others, lossy);
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
function sessionGone(node, sid) {
  const poll = `/socket.io/?EIO=4&transport=polling&sid=${sid}`;
  return until(async () => (await node.http(poll)).status === 400, 'the former polling session is closed');
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
        if (kind.transport === 'polling') await sessionGone(lossy.node, lossy.engine.id);
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

describe('a connection without heartbeats is given up, and its peer can come back', { concurrency: true }, () => {
  for (const kind of PLAIN_KINDS) {
    test(kindName(kind), async (t) => {
      const { proxy, lossy, others: [anna] } = await partyWithProxy(t, alert, ['anna', 'lossy'], { kind });
      await unnoticed(anna, [anna], async () => {
        proxy.blackHole();
        await assertResumed(await resumesAtLast(t, alert, lossy), lossy);
      });
    });
  }
});
