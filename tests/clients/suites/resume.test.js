import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { connect, kindName, PLAIN_KINDS, refusal } from '../lib/client.js';
import { startGateway } from '../lib/gateway.js';
import { epoch } from '../lib/identity.js';
import { assertFresh, assertMissed, assertResumed, comeBack, comeBackAs, lose, partyWithProxy } from '../lib/resume.js';
import { assertRefused, description, freshCode, join, party, sawSince, settle, toldLeft, unnoticed } from '../lib/rooms.js';

const gateway = await startGateway({ RECONNECT_WINDOW_MS: '60000' });
after(() => gateway.kill());

describe('a lost connection that comes back', () => {
  for (const kind of PLAIN_KINDS.filter(({ transport }) => transport !== 'polling')) {
    test(`is the same peer, unnoticed by the others: ${kindName(kind)}`, async (t) => {
      const { proxy, lossy, others: [anna, bert] } = await partyWithProxy(t, gateway, ['anna', 'bert', 'lossy'], { kind });
      await unnoticed(anna, [anna, bert], async () => {
        await lose(proxy);
        await gateway.knowsAway(lossy);
        const back = await comeBack(t, gateway, lossy);
        const { missed, ...resumed } = await assertResumed(back, lossy);
        assert.equal(missed, 0);
        const { resumeToken, ...joined } = lossy.recorder.all('room:joined')[0];
        assert.equal(typeof resumeToken, 'string');
        assert.deepEqual({ ...resumed, resumeToken: 0 }, { ...joined, resumeToken: 0 });
      });
    });
  }

});

describe('what was missed is made up for', () => {
  test('what was sent meanwhile comes in order, once', async (t) => {
    const { proxy, code, lossy, others: [anna] } = await partyWithProxy(t, gateway, ['anna', 'lossy']);
    await lose(proxy);
    const targetPeerId = lossy.peerId;
    assert.equal((await anna.ask('chat_message', { content: 'first' })).status, 'ok');
    assert.equal((await anna.ask('webrtc:offer', { targetPeerId, offer: description('offer') })).status, 'ok');
    for (const candidate of ['a', 'b', null]) await anna.ask('webrtc:ice', { targetPeerId, candidate });
    // Once this is acknowledged, all of it is on its way before what comes from other nodes.
    assert.equal((await anna.ask('chat_message', { content: 'then' })).status, 'ok');
    const [late] = await party(t, gateway, ['late'], { code });
    await late.ask('chat_message', { content: 'last' });
    const back = await comeBackAs(t, gateway, lossy);
    const resumed = await assertResumed(back, lossy);
    await settle(anna, late, back);
    const [, ...replayed] = sawSince(back, 0);
    const told = replayed.map(({ event, args: [p] }) => [event, p.content ?? p.candidate ?? p.peerId ?? null]);
    assert.deepEqual(told, [
      ['chat_message', 'first'], ['webrtc:offer', null], ['webrtc:ice', 'a'], ['webrtc:ice', 'b'],
      ['webrtc:ice', null], ['chat_message', 'then'], ['peer:joined', late.peerId], ['chat_message', 'last'],
    ]);
    assertMissed(resumed, replayed.length, [anna, late, lossy]);
    assert.deepEqual(resumed.peers, [anna.asPeer, late.asPeer]);
  });

});

describe('what was missed comes by whatever way the client returns', () => {
  for (const kind of PLAIN_KINDS) {
    test(kindName(kind), async (t) => {
      const { proxy, lossy, others: [anna] } = await partyWithProxy(t, gateway, ['anna', 'lossy']);
      await lose(proxy);
      const contents = Array.from({ length: 20 }, (_, n) => `missed ${n}`);
      for (const content of contents) anna.send('chat_message', { content });
      await anna.ask('heartbeat');
      await gateway.knowsAway(lossy);
      const back = await comeBack(t, gateway, lossy, { kind });
      assertMissed(await assertResumed(back, lossy), contents.length, [anna, lossy]);
      await settle(anna, back);
      const chats = sawSince(back, 1).map(({ args: [{ content }] }) => content);
      assert.deepEqual(chats, contents);
      assert.equal((await back.ask('chat_message', { content: 'hello again' })).status, 'ok');
      assert.equal((await anna.event('chat_message', ({ content }) => content === 'hello again')).peerId, lossy.peerId);
    });
  }

  test('a long backlog comes whole', async (t) => {
    const { proxy, lossy, others: [anna] } = await partyWithProxy(t, gateway, ['anna', 'lossy']);
    await lose(proxy);
    const count = 400;
    for (let n = 0; n < count; n += 1) anna.send('webrtc:ice', { targetPeerId: lossy.peerId, candidate: `${n}` });
    await anna.ask('heartbeat');
    const back = await comeBackAs(t, gateway, lossy);
    assertMissed(await assertResumed(back, lossy), count, [anna, lossy]);
    await settle(anna, back);
    const numbers = back.recorder.all('webrtc:ice').map(({ candidate }) => Number(candidate));
    assert.deepEqual(numbers, Array.from({ length: count }, (_, n) => n));
  });

  test('who left meanwhile is told, in the list and in the replay', async (t) => {
    const { proxy, lossy, others: [anna, bert] } = await partyWithProxy(t, gateway, ['anna', 'bert', 'lossy']);
    await lose(proxy);
    await bert.ask('leave:room');
    await toldLeft([anna], bert);
    const back = await comeBackAs(t, gateway, lossy);
    assert.deepEqual((await assertResumed(back, lossy)).peers, [anna.asPeer]);
    assert.deepEqual(await back.event('peer:left'), { peerId: bert.peerId, reason: 'left' });
  });

});

describe('a peer that has come back', () => {
  test('can be lost and come back again and again', async (t) => {
    const { proxy, lossy, others: [anna] } = await partyWithProxy(t, gateway, ['anna', 'lossy']);
    let current = lossy;
    for (let round = 0; round < 3; round += 1) {
      await lose(proxy);
      await anna.ask('chat_message', { content: `round ${round}` });
      const back = await comeBackAs(t, gateway, current, { via: proxy });
      assertMissed(await assertResumed(back, lossy), 1, [anna, lossy]);
      await back.event('chat_message', ({ content }) => content === `round ${round}`);
      current = back;
    }
    await settle(anna, anna);
    assert.deepEqual(anna.recorder.all('peer:left'), []);
    assert.equal(anna.recorder.all('peer:joined').length, 1);
  });

  test('may have reconnected by itself, as the library does', async (t) => {
    const { proxy, lossy, others: [anna] } = await partyWithProxy(t, gateway, ['anna', 'lossy']);
    const reconnects = (socket) => { socket.io.reconnection(true); socket.io.reconnectionDelay(10); };
    reconnects(lossy.socket);
    await unnoticed(anna, [anna], async () => {
      // Without a token it is found only when its loss has been noticed.
      proxy.hold();
      await lose(proxy);
      proxy.release();
      const resumed = await lossy.event('room:resumed');
      assert.equal(resumed.peerId, lossy.peerId);
    });
  });

});

describe('a peer that has come back, in its room', () => {
  test('may join again: it is told of its room, nobody else hears of it', async (t) => {
    const { proxy, code, lossy, others: [anna] } = await partyWithProxy(t, gateway, ['anna', 'lossy']);
    await unnoticed(anna, [anna], async () => {
      await lose(proxy);
      const back = await comeBackAs(t, gateway, lossy);
      await assertResumed(back, lossy);
      const again = await join(back, code);
      assert.equal(again.peerId, lossy.peerId);
      assert.deepEqual(again.peers, [anna.asPeer]);
      assert.equal(back.recorder.all('room:joined').length, 1);
    });
  });

  test('may switch rooms, which is a leave', async (t) => {
    const { proxy, lossy, others: [anna] } = await partyWithProxy(t, gateway, ['anna', 'lossy']);
    await lose(proxy);
    const back = await comeBackAs(t, gateway, lossy);
    await assertResumed(back, lossy);
    assert.deepEqual((await join(back, freshCode())).peers, []);
    assert.deepEqual(await anna.event('peer:left'), { peerId: lossy.peerId, reason: 'left' });
  });

  test('acts as before: chats, signals, hosts', async (t) => {
    const { proxy, code, lossy: host } = await partyWithProxy(t, gateway, ['host']);
    const [guest] = await party(t, gateway, ['guest'], { code });
    await lose(proxy);
    const back = await comeBackAs(t, gateway, host);
    assert.equal((await assertResumed(back, host)).hostId, host.peerId);
    assert.equal((await back.ask('chat_message', { content: 'back' })).status, 'ok');
    assert.equal((await guest.event('chat_message')).peerId, host.peerId);
    assert.equal((await back.ask('peer:kick', { targetPeerId: guest.peerId, reason: 'test' })).status, 'ok');
    await guest.event('room:kicked');
    assert.deepEqual(guest.recorder.all('host:changed'), []);
  });
});

describe('while a peer is waited for', () => {
  test('newcomers see it among the peers', async (t) => {
    const { proxy, code, lossy, others: [anna] } = await partyWithProxy(t, gateway, ['anna', 'lossy']);
    await lose(proxy);
    const late = await connect(t, gateway);
    assert.deepEqual((await join(late, code)).peers, [anna.asPeer, lossy.asPeer]);
  });

  test('it keeps its place in a full room', async (t) => {
    const names = Array.from({ length: 10 }, (_, n) => `peer ${n}`);
    const { proxy, code, lossy, others } = await partyWithProxy(t, gateway, names);
    const late = await connect(t, gateway);
    assertRefused(await late.ask('join:room', { roomCode: code }), 'ROOM_FULL');
    await lose(proxy);
    assertRefused(await late.ask('join:room', { roomCode: code }), 'ROOM_FULL');
    const back = await comeBackAs(t, gateway, lossy);
    assert.equal((await assertResumed(back, lossy)).peers.length, 9);
    await back.ask('leave:room');
    await toldLeft(others, lossy);
    assert.equal((await join(late, code)).peers.length, 9);
  });

  test('a full room refuses the eleventh, who has left its former room for it', async (t) => {
    const code = freshCode();
    await party(t, gateway, Array.from({ length: 10 }, (_, n) => `peer ${n}`), { code });
    const [late, friend] = await party(t, gateway, ['late', 'friend']);
    late.send('join:room', { roomCode: code });
    const { code: why, event } = await late.event('error');
    assert.deepEqual([why, event], ['ROOM_FULL', 'join:room']);
    assert.deepEqual(await friend.event('peer:left'), { peerId: late.peerId, reason: 'left' });
    assertRefused(await late.ask('chat_message', { content: 'anyone?' }), 'NOT_IN_ROOM');
  });

  test('the host may kick it', async (t) => {
    const { proxy, lossy, others: [anna, bert] } = await partyWithProxy(t, gateway, ['anna', 'bert', 'lossy']);
    await lose(proxy);
    assert.equal((await anna.ask('peer:kick', { targetPeerId: lossy.peerId })).status, 'ok');
    assert.deepEqual(await bert.event('peer:left'), { peerId: lossy.peerId, reason: 'kicked' });
    const back = await comeBackAs(t, gateway, lossy);
    assertRefused(await back.ask('chat_message', { content: 'hm?' }), 'NOT_IN_ROOM');
  });
});

describe('who comes back must prove it again', () => {
  test('an expired or bad token does not resume, and uses nothing up', async (t) => {
    const { proxy, lossy } = await partyWithProxy(t, gateway, ['anna', 'lossy']);
    await lose(proxy);
    const expired = await gateway.identity.token({ sub: lossy.userId, exp: epoch(-3600) });
    const auth = { resumeToken: lossy.resumeToken };
    for (const token of [expired, 'garbage', null]) {
      assert.equal(await refusal(t, gateway, { token, auth }), 'Authentication error');
    }
    await assertResumed(await comeBackAs(t, gateway, lossy), lossy);
  });

  test("another user's resume token is worth nothing", async (t) => {
    const { proxy, lossy } = await partyWithProxy(t, gateway, ['anna', 'lossy']);
    await lose(proxy);
    const mallory = await connect(t, gateway, { auth: { resumeToken: lossy.resumeToken } });
    await assertFresh(mallory);
    assertRefused(await mallory.ask('chat_message', { content: 'hi' }), 'NOT_IN_ROOM');
    await assertResumed(await comeBackAs(t, gateway, lossy), lossy);
  });

  for (const resumeToken of ['garbage', '', 7, null, { a: 1 }]) {
    test(`a resume token of ${JSON.stringify(resumeToken)} starts a fresh session`, async (t) => {
      await assertFresh(await connect(t, gateway, { auth: { resumeToken } }));
    });
  }
});
