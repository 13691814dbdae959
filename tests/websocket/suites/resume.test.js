import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { startNode } from '../../clients/lib/gateway.js';
import { Identity } from '../../clients/lib/identity.js';
import { Proxy } from '../../clients/lib/proxy.js';
import { lose } from '../../clients/lib/resume.js';
import { freshCode } from '../../clients/lib/rooms.js';
import { sharedCluster } from '../../cluster/lib/fixture.js';
import { heardSince, settle, unnoticed } from '../lib/guest.js';
import { assertResumed, comeBack, description, enter, freshUser, gather, gatherLossy, KINDS, RAW_KINDS } from '../lib/parties.js';
import { SignalGuest, signalPath } from '../lib/signal.js';
import { SocketGuest } from '../lib/socketio.js';
import { TcpSocket } from '../lib/tcp.js';
import { Wire } from '../lib/wire.js';
import { WsGuest, wsPath } from '../lib/ws.js';

const PATIENT = { RECONNECT_WINDOW_MS: '60000' };
const gateway = await startNode(PATIENT, new Identity());
const hasty = await startNode({ RECONNECT_WINDOW_MS: '300' }, new Identity());
after(() => Promise.all([gateway.kill(), hasty.kill()]));
const { cluster } = await sharedCluster({ size: 2, env: PATIENT });

/** The others are of the kinds that the lost one is not. @param {(typeof KINDS)[number]} kind */
const around = (kind) => KINDS.filter((other) => other !== kind);

for (const [where, home, nodes] of [['the same node', gateway, [gateway, gateway]], ['another node', cluster, cluster.nodes]]) {
  for (const kind of RAW_KINDS) {
    for (const by of ['query', 'frame']) {
      describe(`a lost client of ${kind.kind} that comes back to ${where}, its token in the ${by}`, { concurrency: 4 }, () => {
        const party = (t) => gatherLossy(t, home, [
          [around(kind)[0], 'anna', { node: nodes[0] }], [around(kind)[1], 'bert', { node: nodes[1] }], [kind, 'lossy', { node: nodes[0] }]]);

        test('is the same peer, unnoticed by the others, and told nothing else', async (t) => {
          const { lossy, others, lose: cut } = await party(t);
          let guest;
          await unnoticed(others, async () => {
            await cut();
            await home.knowsAway(lossy);
            guest = await comeBack(t, home, lossy, { by, node: nodes[1] });
            const { missed, ...resumed } = await assertResumed(guest, lossy);
            assert.equal(missed, 0);
            assert.deepEqual(resumed, lossy.heard.all('joined')[0]);
          });
          assert.deepEqual(guest.heard.all('error'), []);
          guest.signal('offer', others[0], description('offer'));
          assert.equal((await others[0].hears('offer')).from, lossy.peerId);
          others[1].signal('ice', guest, 'to you');
          assert.equal((await guest.hears('ice')).body, 'to you');
          assert.notEqual(guest.resumeToken, lossy.resumeToken, 'the token is another each time');
        });

        test('hears what it missed, in order, once, and then what comes', async (t) => {
          const { lossy, others: [anna, bert], code, lose: cut } = await party(t);
          await cut();
          const offer = description('offer', 30_000);
          anna.signal('offer', lossy, offer);
          for (const body of ['a', { candidate: 'b' }, null]) anna.signal('ice', lossy, body);
          await anna.say('first');
          await settle([anna, bert]);
          const late = await enter(t, home, SocketGuest, 'late', { code, node: nodes[0] });
          await late.say('last');
          await bert.hears('chat', ({ content }) => content === 'last');
          await bert.leave();
          await anna.hears('peer-left');
          const guest = await comeBack(t, home, lossy, { by, node: nodes[1] });
          const resumed = await assertResumed(guest, lossy);
          await late.say('live');
          await guest.hears('chat', ({ content }) => content === 'live');
          const heard = heardSince(guest).slice(1);
          const from = (what, body) => [what, { from: anna.peerId, called: guest.calls(anna), to: guest.ownName, body }];
          assert.deepEqual(heard.filter(([what]) => what === 'offer' || what === 'ice'),
            [from('offer', guest.receives('offer', offer)), from('ice', 'a'), from('ice', { candidate: 'b' }), from('ice', null)]);
          assert.deepEqual(heard.map(([what, told]) => (what === 'chat' ? told.content : what)),
            ['offer', 'ice', 'ice', 'ice', 'first', 'peer-joined', 'last', 'peer-left', 'live']);
          assert.ok(resumed.missed <= 10, `${resumed.missed} were missed`);
          const left = heard.find(([what]) => what === 'peer-left')[1];
          assert.deepEqual(left, { peerId: bert.peerId, called: guest.calls(bert), reason: 'left' });
        });

        test('loses and repeats nothing of a stream through several losses', async (t) => {
          const { lossy, others: [anna], lose: first } = await party(t);
          let sent = 0;
          const more = (count) => { for (let n = 0; n < count; n += 1) anna.signal('ice', lossy, `${sent++}`); };
          const upTo = (guest) => guest.hears('ice', ({ body }) => body === `${sent - 1}`);
          const numbers = (guest) => guest.heard.all('ice').map(({ body }) => Number(body));
          more(20);
          await upTo(lossy);
          const heard = numbers(lossy);
          let [current, loseNext] = [lossy, first];
          for (let round = 1; round < 5; round += 1) {
            await loseNext();
            more(30);
            const via = await Proxy.start(t, nodes[round % 2]);
            const coming = comeBack(t, home, current, { by, via });
            more(30);
            current = await coming;
            more(30);
            await assertResumed(current, lossy);
            await upTo(current);
            heard.push(...numbers(current));
            loseNext = () => lose(via);
          }
          assert.deepEqual(heard, Array.from({ length: sent }, (_, n) => n));
        });
      });
    }
  }
}

describe('without a token', { concurrency: 4 }, () => {
  for (const kind of RAW_KINDS) {
    test(`the single waiting peer of the user is taken: ${kind.kind}`, async (t) => {
      const { lossy, others: [anna], lose: cut } = await gatherLossy(t, gateway, [[SocketGuest, 'anna'], [kind, 'lossy']]);
      await unnoticed([anna], async () => {
        await cut();
        await assertResumed(await comeBack(t, gateway, lossy, { by: 'nothing' }), lossy);
      });
    });

    test(`of two waiting peers neither is taken by chance, but by token: ${kind.kind}`, async (t) => {
      const userId = freshUser('two tabs');
      const [tab, other] = [await Proxy.start(t, gateway), await Proxy.start(t, gateway)];
      const [anna, first, second] = await gather(t, gateway, [
        [SocketGuest, 'anna'], [kind, 'tab', { userId, via: tab, alias: 'tab' }], [kind, 'other', { userId, via: other, alias: 'other' }]]);
      await Promise.all([lose(tab), lose(other)]);
      const stranger = await comeBack(t, gateway, first, { by: 'nothing' });
      if (kind === SignalGuest) {
        const joined = await stranger.hears('joined');
        assert.ok(![first.peerId, second.peerId].includes(joined.peerId));
      } else {
        await stranger.refused('NOT_IN_ROOM', () => stranger.sayUnheard('hm'));
      }
      await assertResumed(await comeBack(t, gateway, second, { by: 'frame' }), second);
      await assertResumed(await comeBack(t, gateway, first, { by: 'query' }), first);
      await settle([anna]);
      assert.deepEqual(anna.heard.all('peer-left'), []);
    });
  }

  for (const kind of RAW_KINDS) {
    test(`who was taken for the waiting peer may still say that it is that, as its first frame: ${kind.kind}`, async (t) => {
      const { lossy, others: [anna], lose: cut } = await gatherLossy(t, gateway, [[SocketGuest, 'anna'], [kind, 'lossy']]);
      await unnoticed([anna], async () => {
        await cut();
        await gateway.knowsAway(lossy);
        const back = await comeBack(t, gateway, lossy, { by: 'nothing' });
        await assertResumed(back, lossy);
        back.send({ type: 'resume', resumeToken: lossy.resumeToken });
        await settle([back, anna]);
        assert.deepEqual(back.heard.all('error'), []);
      });
    });
  }

  test('/signal takes a waiting peer of that room only', async (t) => {
    const { lossy, lose: cut } = await gatherLossy(t, gateway, [[SignalGuest, 'lossy']]);
    await cut();
    const elsewhere = await enter(t, gateway, SignalGuest, 'lossy', { userId: lossy.userId });
    assert.notEqual(elsewhere.peerId, lossy.peerId);
    await assertResumed(await comeBack(t, gateway, lossy), lossy);
  });
});

describe('a token of a peer in another room', { concurrency: 4 }, () => {
  test('does not lead /signal there: the path says which room', async (t) => {
    const { lossy, others: [anna], lose: cut } = await gatherLossy(t, gateway, [[SocketGuest, 'anna'], [SignalGuest, 'lossy']]);
    await cut();
    for (const by of ['query', 'frame']) {
      const code = freshCode();
      const elsewhere = await comeBack(t, gateway, { ...lossy, constructor: SignalGuest, code }, { by });
      const joined = await elsewhere.hears('joined');
      assert.notEqual(joined.peerId, lossy.peerId);
      assert.equal(joined.roomId, `room_${code}`);
      await elsewhere.say('here I am');
    }
    await assertResumed(await comeBack(t, gateway, lossy), lossy);
    assert.deepEqual(anna.heard.all('peer-left'), []);
  });
});

describe('a connection whose loss is not noticed', { concurrency: 4 }, () => {
  for (const kind of RAW_KINDS) {
    for (const by of ['query', 'frame']) {
      test(`is replaced by one with the token, and told so: ${kind.kind}, ${by}`, async (t) => {
        const [anna, former] = await gather(t, gateway, [[SocketGuest, 'anna'], [kind, 'former']]);
        await unnoticed([anna], async () => {
          const back = await comeBack(t, gateway, former, { by });
          await assertResumed(back, former);
          assert.deepEqual(await former.gone(), { code: 1008, reason: 'replaced' });
        });
      });
    }

    test(`is replaced from another node too: ${kind.kind}`, async (t) => {
      const [anna, former] = await gather(t, cluster, [[SocketGuest, 'anna', { node: cluster.nodes[0] }], [kind, 'former', { node: cluster.nodes[0] }]]);
      await unnoticed([anna], async () => {
        await assertResumed(await comeBack(t, cluster, former, { node: cluster.nodes[1] }), former);
        assert.deepEqual(await former.gone(), { code: 1008, reason: 'replaced' });
      });
    });
  }

  for (const kind of RAW_KINDS) {
    test(`has read only half of what it was sent: the other half comes over the new one: ${kind.kind}`, async (t) => {
      const [anna] = await gather(t, gateway, [[WsGuest, 'anna']]);
      const token = await gateway.identity.token({ sub: freshUser('half') });
      const slow = await TcpSocket.open(t, gateway, kind === SignalGuest ? `/signal/${anna.code}` : '/ws', token);
      if (kind === WsGuest) slow.say({ type: 'join', room: anna.code, sender: 'half' });
      const { peerId, resumeToken } = await slow.hears('joined');
      slow.socket.pause();
      const bodies = Array.from({ length: 20 }, (_, n) => `${n} ${'x'.repeat(90_000)}`);
      for (const body of bodies) anna.signal('ice', peerId, body);
      await anna.say('all is sent');
      const resume = { by: 'query', token: resumeToken };
      const back = await Wire.open(t, gateway, kind === SignalGuest ? signalPath(anna.code, resume) : wsPath(resume), { token });
      await back.frame('chat', (chat) => JSON.stringify(chat).includes('all is sent'));
      slow.socket.resume();
      await slow.code();
      const numbers = (frames) => frames.filter(({ candidate, payload }) => typeof (candidate ?? payload) === 'string')
        .map(({ candidate, payload }) => Number.parseInt(candidate ?? payload, 10));
      const [former, latter] = [numbers(slow.told), numbers(back.frames.entries.map(({ args: [told] }) => told))];
      assert.ok(former.length > 0 && latter.length > 0, `${former.length} and ${latter.length}`);
      assert.deepEqual([...former, ...latter], Array.from(bodies.keys()));
    });
  }

  test('is left alone by a second window of the same user', async (t) => {
    const [first] = await gather(t, gateway, [[SignalGuest, 'anna']]);
    const second = await enter(t, gateway, SignalGuest, 'anna', { userId: first.userId, code: first.code });
    assert.notEqual(second.peerId, first.peerId);
    assert.deepEqual(second.heard.all('joined')[0].peers.map(({ peerId }) => peerId), [first.peerId]);
    await settle([first, second]);
  });
});

describe('a token that is worth nothing', { concurrency: 4 }, () => {
  /** A connection of that user, with a token in either place. */
  const attempt = async (t, kind, { userId, code, alias }, token, by) => {
    const path = kind === SignalGuest ? signalPath(code, { by, token }) : wsPath({ by, token });
    const first = by === 'frame' ? [{ type: 'resume', resumeToken: token }] : [];
    return Wire.open(t, gateway, path, { token: await gateway.identity.token({ sub: userId }), first, owner: alias ?? userId });
  };

  for (const kind of RAW_KINDS) {
    for (const by of ['query', 'frame']) {
      test(`another user's: the peer waits on for its owner: ${kind.kind}, ${by}`, async (t) => {
        const { lossy, others: [anna], lose: cut } = await gatherLossy(t, gateway, [[SocketGuest, 'anna'], [kind, 'lossy']]);
        await cut();
        const mallory = await attempt(t, kind, { userId: freshUser('mallory'), code: lossy.code }, lossy.resumeToken, by);
        if (kind === SignalGuest) assert.notEqual((await mallory.frame('joined')).peerId, lossy.peerId);
        else assert.equal((await mallory.refusal({ type: 'leave', room: lossy.code, sender: lossy.alias })).code, by === 'frame' ? 'INVALID_PAYLOAD' : 'NOT_IN_ROOM');
        assert.deepEqual(mallory.frames.all('resumed'), []);
        await assertResumed(await comeBack(t, gateway, lossy), lossy);
        assert.deepEqual(anna.heard.all('peer-left'), []);
      });

      test(`garbage, or used up: ${kind.kind}, ${by}`, async (t) => {
        const { lossy, lose: cut } = await gatherLossy(t, gateway, [[SocketGuest, 'anna'], [kind, 'lossy']]);
        await cut();
        const back = await comeBack(t, gateway, lossy);
        await assertResumed(back, lossy);
        await back.say('now the former token is of no more use');
        for (const token of ['garbage', lossy.resumeToken, `${back.resumeToken}x`, '👋']) {
          const wire = await attempt(t, kind, { ...lossy, userId: lossy.userId }, token, by);
          if (by === 'frame') assert.equal((await wire.frame('error')).code, 'INVALID_PAYLOAD');
          if (kind === SignalGuest) assert.notEqual((await wire.frame('joined')).peerId, lossy.peerId);
          assert.deepEqual(wire.frames.all('resumed'), []);
          wire.ws.close(1000);
        }
        await back.say('undisturbed');
      });
    }

    test(`one that comes later than first is refused, and changes nothing: ${kind.kind}`, async (t) => {
      const [anna, bert] = await gather(t, gateway, [[kind, 'anna'], [SocketGuest, 'bert']]);
      const { lossy, lose: cut } = await gatherLossy(t, gateway, [[kind, 'lossy', { userId: anna.userId }]]);
      await cut();
      await unnoticed([bert], async () => {
        for (const resumeToken of ['garbage', lossy.resumeToken, anna.resumeToken]) {
          const { code, field, frame } = await anna.wire.refusal({ type: 'resume', resumeToken });
          assert.deepEqual([code, field, frame], ['INVALID_PAYLOAD', 'resumeToken', 'resume']);
        }
      });
      await anna.say('still here');
      await assertResumed(await comeBack(t, gateway, lossy), lossy);
    });

    test(`one whose window has ended: who comes is somebody new: ${kind.kind}`, async (t) => {
      const { lossy, others: [anna], lose: cut } = await gatherLossy(t, hasty, [[SocketGuest, 'anna'], [kind, 'lossy']]);
      await cut();
      assert.deepEqual(await anna.hears('peer-left'), { peerId: lossy.peerId, called: anna.calls(lossy), reason: 'disconnected' });
      const back = await comeBack(t, hasty, lossy);
      if (kind === WsGuest) back.send({ type: 'join' });
      assert.notEqual((await back.hears('joined')).peerId, lossy.peerId);
      assert.deepEqual(back.heard.all('resumed'), []);
      await anna.hears('peer-joined', ({ peerId }) => peerId === back.peerId);
    });
  }
});

describe('ends', { concurrency: 4 }, () => {
  for (const kind of KINDS) {
    test(`that are intended are told at once, and there is no way back: ${kind.kind}`, async (t) => {
      for (const end of [(guest) => guest.close(), (guest) => guest.leave()]) {
        const [anna, guest] = await gather(t, gateway, [[around(kind)[0], 'anna'], [kind, 'guest']]);
        await end(guest);
        assert.deepEqual(await anna.hears('peer-left'), { peerId: guest.peerId, called: anna.calls(guest), reason: 'left' });
        const back = await comeBack(t, gateway, guest);
        if (kind === SignalGuest) assert.notEqual((await back.hears('joined')).peerId, guest.peerId);
        else await back.refused('NOT_IN_ROOM', () => back.sayUnheard('hm'));
      }
    });

    test(`without a word are losses, and those of the window are told: ${kind.kind}`, async (t) => {
      const [anna, guest] = await gather(t, hasty, [[around(kind)[0], 'anna'], [kind, 'guest']]);
      guest.terminate();
      assert.deepEqual(await anna.hears('peer-left'), { peerId: guest.peerId, called: anna.calls(guest), reason: 'disconnected' });
    });
  }

  for (const kind of RAW_KINDS) {
    for (const code of [1001, 1011, 3000, 4000]) {
      test(`with ${code} are losses, and the peer may come back: ${kind.kind}`, async (t) => {
        const [anna, guest] = await gather(t, gateway, [[SocketGuest, 'anna'], [kind, 'guest']]);
        await unnoticed([anna], async () => {
          guest.wire.ws.close(code, 'going away');
          assert.equal(await guest.wire.code(), code);
          await assertResumed(await comeBack(t, gateway, guest), guest);
        });
      });
    }
  }

  test('of /signal by `leave` are closed with 1000 by the server', async (t) => {
    const [guest] = await gather(t, gateway, [[SignalGuest, 'guest']]);
    await guest.leave();
    assert.equal(guest.wire.closed.code, 1000);
  });
});

describe('a peer that comes back', { concurrency: 4 }, () => {
  for (const by of ['nothing', 'query', 'frame']) {
    test(`may go on to call its room as it did, whoever else spells it otherwise: ${by}`, async (t) => {
      const code = freshCode('Spelt').toUpperCase();
      const { lossy, others: [anna], lose: cut } = await gatherLossy(t, gateway, [
        [SocketGuest, 'anna', { code: code.toLowerCase() }], [WsGuest, 'lossy']], code);
      await cut();
      const back = await comeBack(t, gateway, lossy, { by });
      await assertResumed(back, lossy);
      assert.equal(back.code, code);
      back.signal('ice', anna, 'still me');
      assert.equal((await anna.hears('ice')).from, lossy.peerId);
      await unnoticed([anna], async () => {
        back.send({ type: 'join' });
        assert.equal((await back.wire.frame('joined')).peerId, lossy.peerId);
      });
      assert.deepEqual(back.heard.all('error'), []);
    });
  }

  test('under another protocol is the same peer', async (t) => {
    const code = freshCode();
    const { lossy, others: [anna], lose: cut } = await gatherLossy(t, gateway, [[SocketGuest, 'anna'], [SignalGuest, 'lossy']], code);
    await cut();
    await unnoticed([anna], async () => {
      const token = await gateway.identity.token({ sub: lossy.userId, username: 'lossy' });
      const wire = await Wire.open(t, gateway, wsPath({ by: 'query', token: lossy.resumeToken }), { token });
      const resumed = await wire.frame('resumed');
      assert.deepEqual([resumed.peerId, resumed.room, resumed.sender], [lossy.peerId, code, lossy.userId]);
    });
  });

  for (const kind of KINDS) {
    test(`hears all that it missed where no more can be kept, whatever it comes to in frames: ${kind.kind}`, async (t) => {
      const userId = freshUser('a long name '.repeat(16));
      const { lossy, others: [anna], lose: cut } = await gatherLossy(t, gateway, [
        [WsGuest, 'anna', { userId, alias: 'a'.repeat(64) }], [kind, 'lossy', { userId: freshUser('another long name '.repeat(10)) }]]);
      await cut();
      await gateway.knowsAway(lossy);
      // Of 4,000 events and 2 MiB, of which each takes 128 bytes beyond its body.
      const bodies = Array.from({ length: 3_990 }, (_, n) => `${n} `.padEnd(394, 'x'));
      for (const body of bodies) anna.signal('ice', lossy.peerId, body);
      await settle([anna]);
      const back = await comeBack(t, gateway, lossy);
      assert.ok((await assertResumed(back, lossy)).missed >= bodies.length);
      anna.signal('ice', lossy.peerId, 'live');
      await back.hears('ice', ({ body }) => body === 'live');
      assert.deepEqual(back.heard.all('ice').map(({ body }) => body), [...bodies, 'live']);
    });
  }
});
