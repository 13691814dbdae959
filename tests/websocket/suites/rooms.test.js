import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { startNode } from '../../clients/lib/gateway.js';
import { Identity } from '../../clients/lib/identity.js';
import { freshCode } from '../../clients/lib/rooms.js';
import { until } from '../../clients/lib/wait.js';
import { sharedCluster } from '../../cluster/lib/fixture.js';
import { heardSince, settle, unnoticed } from '../lib/guest.js';
import { description, enter, gather, KINDS, RAW_KINDS } from '../lib/parties.js';
import { SignalGuest } from '../lib/signal.js';
import { SocketGuest } from '../lib/socketio.js';
import { WsGuest } from '../lib/ws.js';

const gateway = await startNode({}, new Identity());
after(() => gateway.kill());
const { cluster } = await sharedCluster();

/** Nine guests of all kinds, of several nodes by turns. */
const nine = (t, nodes, code) => gather(t, gateway, Array.from({ length: 9 }, (_, n) =>
  [KINDS[n % 3], `guest ${n}`, { node: nodes[Math.floor(n / 3) % nodes.length] }]), code);

/** Orders of three things. */
const orders = (list) => list.flatMap((first) => list.filter((x) => x !== first)
  .map((second) => [first, second, list.find((x) => x !== first && x !== second)]));

for (const [where, nodes] of Object.entries({ 'on one node': [gateway], 'on three nodes': cluster.nodes })) {
  describe(`three protocols in one room ${where}`, { concurrency: 3 }, () => {
    for (const kinds of orders(KINDS)) {
      test(`all see each other, whoever comes first: ${kinds.map(({ kind }) => kind).join(', ')}`, async (t) => {
        const code = freshCode('Mixed');
        const guests = await gather(t, gateway, kinds.map((kind, n) => [kind, `guest ${n}`, { node: nodes[n % nodes.length] }]), code);
        for (const [index, guest] of guests.entries()) {
          const joined = guest.heard.all('joined')[0];
          assert.deepEqual(joined, {
            roomId: `room_${code.toLowerCase()}`, peerId: guest.peerId, host: guests[0].peerId, mode: 'p2p',
            peers: guests.slice(0, index).map((other) => guest.seesAs(other)),
          });
          assert.deepEqual(guest.heard.all('peer-joined'), guests.slice(index + 1).map((other) => guest.seesAs(other)));
        }
      });
    }

    test('what is for all reaches all but the sender, in order', async (t) => {
      const guests = await nine(t, nodes, freshCode());
      for (const speaker of guests.filter(({ kind }) => kind !== SocketGuest.kind).slice(0, 4)) {
        await settle(guests);
        const marks = guests.map((guest) => guest.mark());
        const sent = [['offer', description('offer', 3000)], ['ice', { candidate: 'x' }], ['answer', { type: 'answer', sdp: '' }], ['ice', null]];
        for (const [what, body] of sent) speaker.signal(what, null, body);
        await settle(guests);
        for (const [index, guest] of guests.entries()) {
          const expected = guest === speaker ? [] : sent.map(([what, body]) =>
            [what, { from: speaker.peerId, called: guest.calls(speaker), to: guest.ownName, body: guest.receives(what, body) }]);
          assert.deepEqual(heardSince(guest, marks[index]), expected, `${guest.username} (${guest.kind})`);
        }
      }
    });

    test('chat of all is heard by all, each sender in its order', async (t) => {
      const guests = await nine(t, nodes, freshCode());
      const said = await Promise.all(guests.map(async (guest) => {
        const ids = [];
        for (let n = 0; n < 10; n += 1) ids.push((await guest.say(`${guest.username}: ${n}`)).id);
        return ids;
      }));
      for (const guest of guests) {
        await until(() => guest.heard.all('chat').length >= 90, 'all is heard');
        const chats = guest.heard.all('chat');
        assert.equal(chats.length, 90);
        guests.forEach((speaker, index) => {
          assert.deepEqual(chats.filter(({ from }) => from === speaker.peerId).map(({ id }) => id), said[index]);
        });
      }
    });

    test('all are told once of each that goes, and who is host then', async (t) => {
      const guests = await nine(t, nodes, freshCode());
      const hosts = [];
      while (guests.length > 1) {
        const host = guests.shift();
        await (guests.length % 2 ? host.leave() : host.close());
        hosts.push(guests[0].peerId);
        for (const guest of guests) {
          await guest.hears('host', ({ peerId }) => peerId === guests[0].peerId);
          await guest.hears('peer-left', ({ peerId }) => peerId === host.peerId);
        }
      }
      const [last] = guests;
      assert.deepEqual(last.heard.all('host').map(({ peerId }) => peerId), hosts);
      assert.equal(last.heard.all('peer-left').length, 8);
    });
  });
}

describe('the frames', { concurrency: 4 }, () => {
  /** One of each, of known ids, and the raw frames that the raw ones have seen. */
  async function one(t) {
    const code = freshCode('Frames');
    const [io, signal, ws] = await gather(t, gateway, [[SocketGuest, 'io'], [SignalGuest, 'signal'], [WsGuest, 'ws', { alias: 'Łukasz 👋' }]], code);
    return { code, roomId: `room_${code.toLowerCase()}`, io, signal, ws };
  }
  const frames = ({ wire }, type) => wire.frames.all(type);

  test('`joined` tells a client of /signal who it is and who is there', async (t) => {
    const { code, roomId, io, signal } = await one(t);
    const [{ resumeToken, ...joined }] = frames(signal, 'joined');
    assert.match(resumeToken, /./);
    const ids = { senderId: signal.userId, userId: signal.userId, peerId: signal.peerId, username: 'signal' };
    assert.deepEqual(joined, {
      type: 'joined', roomId, roomCode: code, ...ids, hostId: io.userId, hostPeerId: io.peerId, mode: 'p2p',
      peers: [{ senderId: io.userId, userId: io.userId, peerId: io.peerId, username: 'io' }],
    });
  });

  test('`joined` tells a client of /ws the same, with names', async (t) => {
    const { code, roomId, io, signal, ws } = await one(t);
    const [{ resumeToken, ...joined }] = frames(ws, 'joined');
    assert.match(resumeToken, /./);
    const peer = ({ userId, peerId, username }) => ({ sender: userId, peerId, userId, username });
    assert.deepEqual(joined, {
      type: 'joined', room: code, roomId, sender: 'Łukasz 👋', peerId: ws.peerId, userId: ws.userId, username: 'ws',
      peers: [peer(io), peer(signal)], host: io.userId, hostId: io.peerId, mode: 'p2p',
    });
  });

  test('to /signal carry user and peer of whom they are about', async (t) => {
    const { roomId, io, signal, ws } = await one(t);
    assert.deepEqual(frames(signal, 'peer-joined'),
      [{ type: 'peer-joined', senderId: ws.userId, userId: ws.userId, peerId: ws.peerId, username: 'ws', alias: 'Łukasz 👋' }]);
    io.signal('offer', signal, { type: 'offer', sdp: 'x' });
    ws.signal('answer', signal, 'y');
    ws.signal('ice', signal, 'z');
    const sender = ({ userId, peerId }) => ({ senderId: userId, senderPeerId: peerId, targetId: signal.userId });
    assert.deepEqual(await signal.wire.frame('sdp', ({ sdp }) => sdp.type === 'offer'), { type: 'sdp', ...sender(io), sdp: { type: 'offer', sdp: 'x' } });
    assert.deepEqual(await signal.wire.frame('ice'), { type: 'ice', ...sender(ws), candidate: 'z' });
    assert.deepEqual(await signal.wire.frame('sdp', ({ sdp }) => sdp.type === 'answer'), { type: 'sdp', ...sender(ws), sdp: { type: 'answer', sdp: 'y' } });
    const { id, timestamp } = await ws.say('hi', 'c1');
    assert.deepEqual(await signal.wire.frame('chat'), {
      type: 'chat', id, roomId, senderId: ws.userId, peerId: ws.peerId, username: 'ws', alias: 'Łukasz 👋', content: 'hi', timestamp, clientMessageId: 'c1',
    });
    await ws.leave();
    assert.deepEqual(await signal.wire.frame('peer-left'),
      { type: 'peer-left', senderId: ws.userId, userId: ws.userId, peerId: ws.peerId, reason: 'left' });
    io.appoint(signal);
    const { senderId, ...host } = await signal.wire.frame('host-change');
    assert.deepEqual(host, { type: 'host-change', hostId: signal.userId, hostPeerId: signal.peerId });
  });

  test('to /ws carry the room, and the name and peer of whom they are about', async (t) => {
    const { code: room, io, signal, ws } = await one(t);
    io.signal('offer', ws, { type: 'offer', sdp: 'x' });
    signal.signal('answer', ws, { type: 'answer', sdp: 'y' });
    signal.signal('ice', ws, null);
    const sender = ({ userId, peerId }) => ({ room, sender: userId, senderPeerId: peerId, recipient: 'Łukasz 👋' });
    assert.deepEqual(await ws.wire.frame('offer'), { type: 'offer', ...sender(io), payload: { type: 'offer', sdp: 'x' } });
    assert.deepEqual(await ws.wire.frame('answer'), { type: 'answer', ...sender(signal), payload: { type: 'answer', sdp: 'y' } });
    assert.deepEqual(await ws.wire.frame('ice-candidate'), { type: 'ice-candidate', ...sender(signal), payload: null });
    const { id, timestamp } = await ws.say('hi', 'c1');
    assert.deepEqual(await ws.wire.frame('chat'), {
      type: 'chat', room, sender: 'Łukasz 👋', peerId: ws.peerId,
      payload: { id, content: 'hi', timestamp, senderId: ws.userId, username: 'ws', clientMessageId: 'c1' },
    });
    const late = await enter(t, gateway, WsGuest, 'late', { code: room, alias: 'too late' });
    assert.deepEqual(await ws.wire.frame('peer-joined'),
      { type: 'peer-joined', room, sender: 'too late', peerId: late.peerId, userId: late.userId, username: 'late' });
    await late.leave();
    assert.deepEqual(late.wire.frames.all('left'), [{ type: 'left', room }]);
    assert.deepEqual(await ws.wire.frame('peer-left'), { type: 'peer-left', room, sender: 'too late', peerId: late.peerId, reason: 'left' });
    io.appoint(ws);
    assert.deepEqual(await ws.wire.frame('host-change'), { type: 'host-change', room, host: 'Łukasz 👋', hostId: ws.peerId });
  });

  test('carry descriptions and candidates byte by byte as they were written', async (t) => {
    const code = freshCode();
    const [anna, bert, carl] = await gather(t, gateway, [[WsGuest, 'anna'], [WsGuest, 'bert'], [SignalGuest, 'carl']], code);
    const body = '{ "type":"offer" , "sdp":"\\u00e9\\/", "n":1.0, "big":123456789012345678901234567890, "e":1E+2, "n":2 }';
    anna.wire.send(`{"type":"offer","room":${JSON.stringify(code)},"sender":${JSON.stringify(anna.alias)},"payload":${body}}`);
    anna.wire.send(`{"payload":${body},"type":"candidate","room":${JSON.stringify(code)},"sender":${JSON.stringify(anna.alias)}}`);
    await settle([anna, bert, carl]);
    for (const { wire } of [bert, carl]) assert.equal(wire.texts.filter((text) => text.includes(body)).length, 2);
  });

  test('of candidates have three names', async (t) => {
    const [anna, bert] = await gather(t, gateway, [[WsGuest, 'anna'], [WsGuest, 'bert']]);
    const names = ['ice-candidate', 'candidate', 'ice'];
    for (const type of names) anna.send({ type, payload: type, recipient: bert.alias });
    anna.send({ type: 'ice' });
    await settle([anna, bert]);
    assert.deepEqual(bert.heard.all('ice').map(({ body }) => body), [...names, null], 'a missing payload is the end of candidates');
  });

  test('of /signal know all types of descriptions', async (t) => {
    const guests = await gather(t, gateway, [[SignalGuest, 'anna'], [SignalGuest, 'bert'], [SocketGuest, 'carl']]);
    const bodies = ['offer', 'pranswer', 'answer'].map((type) => ({ type, sdp: type })).concat([{ type: 'rollback' }]);
    for (const body of bodies) guests[0].signal('offer', null, body);
    await settle(guests);
    assert.deepEqual(guests[1].wire.frames.all('sdp').map(({ sdp }) => sdp), bodies);
    const relays = heardSince(guests[2]).filter(([, told]) => told.body).map(([what, { body }]) => [what, body.type]);
    assert.deepEqual(relays, [['offer', 'offer'], ['answer', 'pranswer'], ['answer', 'answer'], ['answer', 'rollback']]);
  });

  test('of chat may be text alone', async (t) => {
    const guests = await gather(t, gateway, [[WsGuest, 'anna'], [SignalGuest, 'bert']]);
    guests[0].sayUnheard('as text');
    const { content, clientMessageId } = await guests[1].hears('chat');
    assert.deepEqual([content, clientMessageId], ['as text', undefined]);
    assert.equal((await guests[0].wire.frame('chat-ack')).clientMessageId, undefined);
  });

  for (const kind of RAW_KINDS) {
    test(`with more than is known are taken: ${kind.kind}`, async (t) => {
      const [anna, bert] = await gather(t, gateway, [[kind, 'anna'], [SocketGuest, 'bert']]);
      const frame = kind === WsGuest ? { type: 'chat', payload: 'hi' } : { type: 'chat', content: 'hi' };
      anna.send({ ...frame, extra: [1, { a: null }], 'ключ': '' });
      assert.equal((await bert.hears('chat')).content, 'hi');
      assert.deepEqual(anna.heard.all('error'), []);
    });
  }
});

describe('who is meant', { concurrency: 4 }, () => {
  test('a userId means all peers of that user but the sender', async (t) => {
    const userId = 'twins';
    const guests = await gather(t, gateway, [
      [SignalGuest, 'anna'], [SignalGuest, 'twin a', { userId }], [WsGuest, 'twin b', { userId, alias: 'b' }], [SocketGuest, 'twin c', { userId }],
    ]);
    const [anna, a, b, c] = guests;
    anna.signal('ice', userId, 'from anna');
    a.signal('ice', userId, 'from a');
    b.signal('ice', userId, 'from b');
    await settle(guests);
    const bodies = (guest) => guest.heard.all('ice').map(({ body }) => body).sort();
    assert.deepEqual(guests.map(bodies), [[], ['from anna', 'from b'], ['from a', 'from anna'], ['from a', 'from anna', 'from b']]);
  });

  test('a peerId means that peer', async (t) => {
    const userId = 'twins too';
    const guests = await gather(t, gateway, [
      [SignalGuest, 'anna'], [WsGuest, 'bert'], [SignalGuest, 'twin a', { userId }], [SocketGuest, 'twin b', { userId }],
    ]);
    const [anna, bert, a, b] = guests;
    for (const sender of [anna, bert]) for (const target of [a, b]) sender.signal('ice', target.peerId, target.username);
    await settle(guests);
    for (const twin of [a, b]) assert.deepEqual(twin.heard.all('ice').map(({ body }) => body), [twin.username, twin.username]);
  });

  for (const kind of RAW_KINDS) {
    test(`nobody of that name: PEER_NOT_FOUND, for ${kind.kind}`, async (t) => {
      const [anna, bert] = await gather(t, gateway, [[kind, 'anna'], [SocketGuest, 'bert']]);
      const [stranger] = await gather(t, gateway, [[WsGuest, 'stranger', { alias: 'stranger' }]]);
      for (const target of ['nobody', stranger.userId, stranger.peerId, 'stranger', '👋']) {
        for (const what of ['offer', 'answer', 'ice']) {
          await anna.refused('PEER_NOT_FOUND', () => anna.signal(what, target, { type: what, sdp: '', candidate: '' }));
        }
      }
      await settle([anna, bert]);
      assert.deepEqual(heardSince(bert), [['joined', bert.heard.all('joined')[0]]]);
      assert.deepEqual(stranger.heard.all('ice'), []);
    });

    test(`what comes to much when it goes to all is refused without a target: ${kind.kind}`, async (t) => {
      const [anna, ...others] = await gather(t, gateway, [[kind, 'anna'], ...KINDS.map((one) => [one, one.kind])]);
      const body = 'x'.repeat(90_000);
      await unnoticed(others, () => anna.refused('FORBIDDEN', () => anna.signal('ice', null, body)));
      for (const other of others) {
        anna.signal('ice', other.peerId, body);
        assert.equal((await other.hears('ice')).body, body);
      }
    });

    test(`alone in a room, what is for all is for nobody, and no mistake: ${kind.kind}`, async (t) => {
      const anna = await enter(t, gateway, kind, 'anna');
      anna.signal('ice', null, null);
      await settle([anna]);
      assert.deepEqual(anna.heard.all('error'), []);
    });
  }
});
