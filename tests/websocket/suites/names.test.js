import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { startNode } from '../../clients/lib/gateway.js';
import { Identity } from '../../clients/lib/identity.js';
import { freshCode } from '../../clients/lib/rooms.js';
import { until } from '../../clients/lib/wait.js';
import { sharedCluster } from '../../cluster/lib/fixture.js';
import { heardSince, settle, unnoticed } from '../lib/guest.js';
import { assertResumed, comeBack, enter, freshUser, gather, gatherLossy, KINDS, RAW_KINDS } from '../lib/parties.js';
import { SignalGuest } from '../lib/signal.js';
import { SocketGuest } from '../lib/socketio.js';
import { WsGuest } from '../lib/ws.js';
import { Wire } from '../lib/wire.js';

const gateway = await startNode({ RECONNECT_WINDOW_MS: '60000' }, new Identity());
after(() => gateway.kill());
const { cluster } = await sharedCluster({ size: 2, env: { RECONNECT_WINDOW_MS: '60000' } });

/** A connection to `/ws` that is in no room. */
const outside = async (t, node, sub = freshUser('outsider')) =>
  Wire.open(t, node, '/ws', { token: await node.identity.token({ sub, username: sub }), owner: sub });

const join = (room, sender, more = {}) => ({ type: 'join', room, sender, ...more });

describe('a sender that is not the sender', { concurrency: 4 }, () => {
  test("another's senderId is refused in every frame of /signal, and nothing is done", async (t) => {
    const guests = await gather(t, gateway, [[SignalGuest, 'mallory'], [SignalGuest, 'anna'], [SocketGuest, 'bert']]);
    const [mallory, anna, bert] = guests;
    const frames = [
      { type: 'sdp', sdp: { type: 'offer', sdp: 'x' }, targetId: bert.userId }, { type: 'sdp', sdp: { type: 'offer', sdp: 'x' } },
      { type: 'ice', candidate: null }, { type: 'chat', content: 'it was anna' },
      { type: 'kick', targetId: bert.userId }, { type: 'host-change', hostId: anna.userId },
    ];
    await unnoticed([anna, bert], async () => {
      for (const senderId of [anna.userId, anna.peerId, 'nobody', '', mallory.username]) {
        for (const frame of frames) {
          const error = await mallory.wire.refusal({ ...frame, senderId });
          assert.deepEqual([error.code, error.field, error.frame], ['FORBIDDEN', 'senderId', frame.type], JSON.stringify(error));
        }
      }
    });
  });

  test('the own peerId is a good senderId too', async (t) => {
    const [anna, bert] = await gather(t, gateway, [[SignalGuest, 'anna'], [SignalGuest, 'bert']]);
    anna.send({ type: 'ice', candidate: 'x', senderId: anna.peerId });
    assert.deepEqual(await bert.hears('ice'), { from: anna.peerId, called: anna.userId, to: bert.userId, body: 'x' });
  });

  test("another's name is refused in every frame of /ws, and so is another room; nothing is done", async (t) => {
    const guests = await gather(t, gateway, [[WsGuest, 'mallory'], [WsGuest, 'anna'], [SocketGuest, 'bert']]);
    const [mallory, anna, bert] = guests;
    const elsewhere = await gather(t, gateway, [[WsGuest, 'carl', { alias: mallory.alias }]]);
    const frames = [
      { type: 'offer', payload: { type: 'offer', sdp: 'x' } }, { type: 'answer', payload: 'x', recipient: bert.userId },
      { type: 'ice-candidate', payload: null }, { type: 'candidate' }, { type: 'ice' }, { type: 'chat', payload: 'it was anna' }, { type: 'leave' },
      { type: 'kick', recipient: bert.userId }, { type: 'host-change', recipient: anna.alias },
    ];
    await unnoticed([anna, bert, ...elsewhere].slice(0, 2), async () => {
      for (const frame of frames) {
        for (const sender of [anna.alias, bert.userId, 'nobody', '']) {
          const error = await mallory.wire.refusal({ ...frame, room: mallory.code, sender });
          assert.deepEqual([error.code, error.field, error.frame], ['FORBIDDEN', 'sender', frame.type], JSON.stringify(error));
        }
        const error = await mallory.wire.refusal({ ...frame, room: elsewhere[0].code, sender: mallory.alias });
        assert.deepEqual([error.code, error.field], ['FORBIDDEN', 'room'], JSON.stringify(error));
      }
    });
    assert.deepEqual(heardSince(elsewhere[0]).slice(1), []);
  });

  test('what a client says of itself in other fields is not believed', async (t) => {
    const [anna, bert, carl] = await gather(t, gateway, [[SignalGuest, 'anna'], [WsGuest, 'bert'], [SignalGuest, 'carl']]);
    anna.send({ type: 'ice', candidate: 1 && 'x', senderPeerId: bert.peerId, peerId: bert.peerId, userId: bert.userId, from: bert.peerId });
    bert.send({ type: 'ice', payload: 'y', senderPeerId: anna.peerId, from: anna.peerId, senderId: anna.userId });
    await settle([anna, bert, carl]);
    assert.deepEqual(carl.heard.all('ice').map(({ from, called, body }) => [from, called, body]).sort(),
      [[anna.peerId, anna.userId, 'x'], [bert.peerId, bert.userId, 'y']].sort());
  });
});

for (const [where, nodes] of Object.entries({ 'the same node': [gateway, gateway], 'another node': cluster.nodes })) {
  describe(`a name that is taken, on ${where}`, { concurrency: 6 }, () => {
    const [here, there] = nodes;

    test('is refused, and free again when its owner has left', async (t) => {
      const [anna] = await gather(t, here, [[WsGuest, 'anna', { alias: 'the name' }]]);
      const thief = await outside(t, there);
      const error = await thief.refusal(join(anna.code, 'the name'));
      assert.deepEqual([error.code, error.field, error.frame], ['FORBIDDEN', 'sender', 'join']);
      assert.deepEqual(anna.heard.all('peer-joined'), []);
      await anna.leave();
      await until(async () => {
        const mark = thief.frames.mark();
        thief.send(join(anna.code, 'the name'));
        const answer = await thief.either(['joined', 'error'], mark);
        return answer.type === 'joined';
      }, 'the name is free');
    });

    for (const [what, nameOf] of Object.entries({ userId: ({ userId }) => userId, peerId: ({ peerId }) => peerId })) {
      for (const kind of KINDS) {
        test(`nobody can be called as another's ${what}: ${kind.kind}`, async (t) => {
          const [victim] = await gather(t, here, [[kind, 'victim']]);
          const thief = await outside(t, there);
          const error = await thief.refusal(join(victim.code, nameOf(victim)));
          assert.deepEqual([error.code, error.field], ['FORBIDDEN', 'sender']);
          thief.send(join(victim.code, 'an own name'));
          await thief.frame('joined');
        });
      }
    }

    for (const sender of RAW_KINDS) {
      for (const kind of KINDS) {
        test(`before the user comes whose id it is gets nothing that is meant for the user: ${sender.kind} to ${kind.kind}`, async (t) => {
          const userId = freshUser('bob');
          const [anna, mallory, bob] = await gather(t, here, [
            [sender, 'anna'], [WsGuest, 'mallory', { alias: userId, node: there }], [kind, 'bob', { userId }]]);
          const sent = ['offer', 'answer', 'ice'];
          for (const what of sent) anna.signal(what, userId, { type: what === 'ice' ? 'x' : what, sdp: '' });
          anna.appoint(userId);
          for (const guest of [anna, mallory, bob]) assert.equal((await guest.hears('host')).peerId, bob.peerId);
          bob.appoint(anna);
          await anna.hears('host', ({ peerId }) => peerId === anna.peerId);
          await settle([anna, mallory, bob]);
          anna.kick(userId, 'it is you that is meant');
          await bob.hears('kicked');
          await mallory.hears('peer-left', ({ peerId }) => peerId === bob.peerId);
          const relays = (guest) => heardSince(guest).map(([what]) => what).filter((what) => sent.includes(what));
          assert.deepEqual(relays(bob), sent);
          assert.deepEqual(relays(mallory), []);
          assert.deepEqual(mallory.heard.all('kicked'), []);
        });
      }
    }

    test('means nobody on /signal, where peers are called by ids', async (t) => {
      const [anna, bert] = await gather(t, here, [[SignalGuest, 'anna'], [WsGuest, 'bert', { alias: 'the camera', node: there }]]);
      await unnoticed([bert], async () => {
        await anna.refused('PEER_NOT_FOUND', () => anna.signal('ice', 'the camera', 'x'));
        await anna.refused('PEER_NOT_FOUND', () => anna.appoint('the camera'));
        await anna.refused('PEER_NOT_FOUND', () => anna.kick('the camera'));
      });
    });

    test('is kept for its owner while that is away', async (t) => {
      const { lossy, others: [anna], lose } = await gatherLossy(t, here, [[SocketGuest, 'anna'], [WsGuest, 'lossy', { alias: 'kept' }]]);
      await lose();
      const thief = await outside(t, there);
      assert.equal((await thief.refusal(join(lossy.code, 'kept'))).field, 'sender');
      const back = await comeBack(t, there, lossy, { node: there });
      await assertResumed(back, lossy);
      back.signal('ice', anna, 'it is me');
      assert.equal((await anna.hears('ice')).from, lossy.peerId);
    });

    test('in one room is free in another', async (t) => {
      await gather(t, here, [[WsGuest, 'anna', { alias: 'common' }]]);
      const bert = await enter(t, there, WsGuest, 'bert', { alias: 'common' });
      assert.deepEqual(bert.heard.all('joined')[0].peers, []);
    });

    test('at once by many: exactly one has it', async (t) => {
      for (let round = 0; round < 5; round += 1) {
        const code = freshCode();
        const [witness] = await gather(t, here, [[SocketGuest, 'witness']], code);
        const rivals = await Promise.all(Array.from({ length: 6 }, (_, n) => outside(t, nodes[n % 2])));
        for (const rival of rivals) rival.send(join(code, 'the one'));
        const answers = await Promise.all(rivals.map((rival) => rival.either(['joined', 'error'])));
        const winners = rivals.filter((_, index) => answers[index].type === 'joined');
        assert.equal(winners.length, 1, JSON.stringify(answers));
        for (const { type, code: why, field } of answers) if (type === 'error') assert.deepEqual([why, field], ['FORBIDDEN', 'sender']);
        const [won] = answers.filter(({ type }) => type === 'joined');
        await witness.hears('peer-joined');
        await settle([witness]);
        assert.deepEqual(witness.heard.all('peer-joined').map(({ peerId }) => peerId), [won.peerId]);
      }
    });
  });
}

describe('a name', { concurrency: 6 }, () => {
  const good = ['a', 'x'.repeat(64), '👩‍🚀', '🙂'.repeat(64), 'two words', 'Zoë', 'a/b', '{a}', '"'];
  for (const name of good) {
    test(`may be ${JSON.stringify(name.slice(0, 20))}, and is found by it`, async (t) => {
      const [anna, bert] = await gather(t, gateway, [[WsGuest, 'anna', { alias: name }], [WsGuest, 'bert']]);
      bert.signal('ice', name, 'found');
      assert.equal((await anna.hears('ice')).to, name);
    });
  }
  for (const [what, name] of [['empty', ''], ['too long', 'x'.repeat(65)], ['of too many signs', '🙂'.repeat(65)],
    ['of control signs', 'a\u0000b'], ['of two lines', 'a\nb'], ['deleted', 'a\u007f'], ['a C1 control', 'a\u0085b']]) {
    test(`may not be ${what}`, async (t) => {
      const wire = await outside(t, gateway);
      const { code, field } = await wire.refusal(join(freshCode(), name));
      assert.deepEqual([code, field], ['INVALID_PAYLOAD', 'sender']);
    });
  }

  test('may be the own userId', async (t) => {
    const anna = await enter(t, gateway, WsGuest, 'anna', { userId: 'anna herself', alias: 'anna herself' });
    assert.equal(anna.wire.frames.all('joined')[0].sender, 'anna herself');
  });

  test('stays: who joins again under it is told of the room, who joins under another is refused', async (t) => {
    const [anna, bert] = await gather(t, gateway, [[WsGuest, 'anna'], [SocketGuest, 'bert']]);
    await unnoticed([bert], async () => {
      const mark = anna.wire.frames.mark();
      anna.send({ type: 'join' });
      const again = await anna.wire.frame('joined', undefined, mark);
      assert.equal(again.peerId, anna.peerId);
      assert.deepEqual(again.peers.map(({ peerId }) => peerId), [bert.peerId]);
      const { code, field } = await anna.wire.refusal(join(anna.code, 'another name'));
      assert.deepEqual([code, field], ['FORBIDDEN', 'sender']);
    });
  });

  test('goes along into another room, which is a leave of the former', async (t) => {
    const [anna, bert] = await gather(t, gateway, [[WsGuest, 'anna'], [SocketGuest, 'bert']]);
    const [carl] = await gather(t, gateway, [[SignalGuest, 'carl']]);
    const { peerId } = anna;
    anna.send({ type: 'join', room: carl.code });
    assert.deepEqual(await bert.hears('peer-left'), { peerId, called: peerId, reason: 'left' });
    assert.equal((await carl.hears('peer-joined')).userId, anna.userId);
    await anna.wire.frames.wait('joined', ({ room }) => room === carl.code);
  });

  for (const kind of RAW_KINDS) {
    test(`of a peer is known to who comes later: ${kind.kind}`, async (t) => {
      const [anna, late] = await gather(t, gateway, [[WsGuest, 'anna', { alias: 'known' }], [kind, 'late']]);
      const [peer] = late.wire.frames.all('joined')[0].peers;
      assert.equal(kind === WsGuest ? peer.sender : peer.alias, 'known');
      assert.equal(peer.peerId, anna.peerId);
    });
  }
});

describe('before it has joined', { concurrency: 4 }, () => {
  for (const type of ['offer', 'answer', 'ice-candidate', 'candidate', 'ice', 'chat', 'leave', 'kick', 'host-change']) {
    test(`a client of /ws can do nothing: ${type}`, async (t) => {
      const wire = await outside(t, gateway);
      const frame = { type, room: freshCode(), sender: 'me', recipient: type === 'chat' ? undefined : 'you', payload: type === 'kick' ? {} : 'x' };
      const error = await wire.refusal(type === 'leave' ? { type, room: frame.room, sender: 'me' } : frame);
      assert.deepEqual([error.code, error.frame], ['NOT_IN_ROOM', type], JSON.stringify(error));
    });
  }

  test('it can again after it has left, and join again', async (t) => {
    const [anna, bert] = await gather(t, gateway, [[WsGuest, 'anna'], [SocketGuest, 'bert']]);
    await anna.leave();
    await anna.refused('NOT_IN_ROOM', () => anna.sayUnheard('hello?'));
    anna.send({ type: 'join' });
    await bert.hears('peer-joined');
    assert.equal(bert.heard.all('peer-left').length, 1);
  });
});
