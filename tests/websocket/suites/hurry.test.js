import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { startNode } from '../../clients/lib/gateway.js';
import { Identity } from '../../clients/lib/identity.js';
import { freshCode } from '../../clients/lib/rooms.js';
import { mapLimited, until } from '../../clients/lib/wait.js';
import { sharedCluster } from '../../cluster/lib/fixture.js';
import { settle, unnoticed } from '../lib/guest.js';
import { enter, freshUser, gather, KINDS, RAW_KINDS } from '../lib/parties.js';
import { SignalGuest } from '../lib/signal.js';
import { SocketGuest } from '../lib/socketio.js';
import { closeBody, frame, handshake, OPCODE, TcpSocket } from '../lib/tcp.js';
import { Wire } from '../lib/wire.js';
import { WsGuest } from '../lib/ws.js';

const HASTY = { RECONNECT_WINDOW_MS: '200', MAX_P2P_PEERS: '100' };
const gateway = await startNode(HASTY, new Identity());
after(() => gateway.kill());
const { cluster } = await sharedCluster({ size: 2, env: HASTY });

/** Frames of one who is called as its user, in either protocol. */
const WORDS = {
  [SignalGuest.kind]: {
    path: (code) => `/signal/${code}`,
    first: () => [],
    ice: (sub, _, candidate) => ({ type: 'ice', senderId: sub, candidate }),
    chat: (sub, _, content) => ({ type: 'chat', senderId: sub, content }),
    leave: (sub) => ({ type: 'leave', senderId: sub }),
  },
  [WsGuest.kind]: {
    path: () => '/ws',
    first: (sub, room) => [{ type: 'join', room, sender: sub }],
    ice: (sub, room, payload) => ({ type: 'ice', room, sender: sub, payload }),
    chat: (sub, room, payload) => ({ type: 'chat', room, sender: sub, payload }),
    leave: (sub, room) => ({ type: 'leave', room, sender: sub }),
  },
};

let visitors = 0;

/** Somebody who says all that at once as soon as it can. */
async function hasty(t, node, kind, code, say) {
  visitors += 1;
  const sub = `hasty ${visitors}`;
  const words = WORDS[kind.kind];
  const first = [...words.first(sub, code), ...say.map(([what, content]) => words[what](sub, code, content))];
  return Wire.open(t, node, words.path(code), { token: await node.identity.token({ sub }), first, owner: sub });
}

for (const [where, home] of Object.entries({ 'on one node': gateway, 'on two nodes': cluster })) {
  describe(`those who do not wait ${where}`, { concurrency: 4 }, () => {
    for (const kind of RAW_KINDS) {
      test(`what is sent together with the join takes effect after it, in order, however much it is: ${kind.kind}`, async (t) => {
        const witness = await enter(t, home, SocketGuest, 'witness');
        const say = Array.from({ length: 200 }, (_, n) => ['ice', `${n}`]);
        const wire = await hasty(t, home, kind, witness.code, [...say, ['chat', 'done']]);
        await witness.hears('chat', ({ content }) => content === 'done');
        const { peerId } = await wire.frame('joined');
        assert.deepEqual(witness.heard.all('ice').map(({ from, body }) => [from, body]), say.map(([, body]) => [peerId, body]));
        assert.equal(witness.heard.entries[1].event, 'peer-joined');
        assert.equal(wire.frames.entries[0].event, 'joined');
        assert.deepEqual(wire.frames.all('error'), []);
      });

      test(`who leaves in the same breath was there, and has left: ${kind.kind}`, async (t) => {
        const witness = await enter(t, home, SocketGuest, 'witness');
        await hasty(t, home, kind, witness.code, [['chat', 'hi'], ['leave']]);
        const { peerId } = await witness.hears('peer-left');
        assert.deepEqual(witness.heard.entries.map(({ event }) => event), ['joined', 'peer-joined', 'chat', 'peer-left']);
        assert.equal(witness.heard.all('peer-joined')[0].peerId, peerId);
      });

      test(`a second window of a user need not say which it is: its first words count: ${kind.kind}`, async (t) => {
        const [witness, first] = await gather(t, home, [[SocketGuest, 'witness'], [kind, 'first', { userId: `windows ${kind.kind} ${where}`, alias: 'first' }]]);
        const words = WORDS[kind.kind];
        const token = await home.identity.token({ sub: first.userId });
        const frames = [...words.first(first.userId, first.code), words.ice(first.userId, first.code, 'second'), words.chat(first.userId, first.code, 'hi')];
        const named = kind === WsGuest ? frames.map((frame) => ({ ...frame, sender: 'second' })) : frames;
        const wire = await Wire.open(t, home, words.path(first.code), { token, first: named });
        const { from } = await witness.hears('ice');
        assert.notEqual(from, first.peerId);
        assert.equal((await wire.frame('joined')).peerId, from);
        await witness.hears('chat', ({ content }) => content === 'hi');
        await first.say('undisturbed');
      });
    }

    test('visitors who come and go in every way are announced joined once and left once', async (t) => {
      const code = freshCode('storm');
      const witnesses = await gather(t, home, KINDS.map((kind) => [kind, kind.kind]), code);
      const endings = [
        (wire) => wire.ws.close(1000), (wire) => wire.ws.close(4000), (wire) => wire.ws.terminate(), (wire) => wire.ws.close(),
        async (wire) => { await wire.frame('joined'); wire.ws.terminate(); },
        async (wire) => { await wire.frame('joined'); wire.send('nonsense'); wire.ws.send(Buffer.from([0])); },
        async (wire) => { await wire.frame('joined'); wire.ws.close(1000); },
      ];
      await mapLimited(Array.from({ length: 84 }), 12, async (_, n) => {
        const wire = await hasty(t, home, RAW_KINDS[n % 2], code, n % 3 ? [] : [['ice', 'x'], ['leave']].slice(0, 1 + (n % 2)));
        await endings[n % endings.length](wire);
        await wire.ended;
      });
      const ids = (guest, event) => guest.heard.all(event).map(({ peerId }) => peerId).sort();
      const own = (guest) => witnesses.filter(({ peerId }) => peerId !== guest.peerId).length;
      await until(async () => {
        const late = await enter(t, home, SocketGuest, 'late', { code });
        const { peers } = late.heard.all('joined')[0];
        await late.leave();
        late.close();
        return peers.length === witnesses.length;
      }, 'only the witnesses are there', 120_000);
      await settle(witnesses);
      // A join that was under way when its client went may be told as late as this.
      await until(() => witnesses.every((guest, index) =>
        ids(guest, 'peer-left').length === ids(guest, 'peer-joined').length - (own(guest) - index)), 'all have heard of the last leave');
      for (const guest of witnesses) {
        const [came, gone] = [ids(guest, 'peer-joined'), ids(guest, 'peer-left')];
        assert.equal(new Set(came).size, came.length, 'nobody came twice');
        assert.equal(new Set(gone).size, gone.length, 'nobody went twice');
        const residents = witnesses.map(({ peerId }) => peerId);
        assert.deepEqual(gone, came.filter((id) => !residents.includes(id)));
        assert.deepEqual(guest.heard.all('host'), []);
      }
    });
  });
}

test('who closes /signal before others could be asked has never been there', async (t) => {
  const witness = await enter(t, cluster, SocketGuest, 'witness');
  await unnoticed([witness], async () => {
    const headers = handshake(await cluster.identity.token({ sub: freshUser('gone') }));
    const goodbye = frame(OPCODE.close, closeBody(1000));
    const tcp = await TcpSocket.request(t, cluster, `/signal/${witness.code}`, headers, 'GET', goodbye);
    assert.equal(await tcp.code(), 1000);
    assert.deepEqual(tcp.told, []);
  });
});

describe('a client that says too much', { concurrency: 4 }, () => {
  for (const kind of RAW_KINDS) {
    test(`is told so, for each chat that is not taken, and can go on later: ${kind.kind}`, async (t) => {
      const node = await startNode({ RATE_LIMITS: 'on' }, gateway.identity);
      t.after(() => node.kill());
      const [anna, bert] = await gather(t, node, [[kind, 'anna'], [SocketGuest, 'bert']]);
      for (let n = 0; n < 600; n += 1) anna.sayUnheard(`${n}`);
      const { wire } = anna;
      await until(() => wire.frames.all('error').length + wire.frames.all('chat-ack').length === 600, 'each is answered');
      const errors = wire.frames.all('error');
      assert.ok(errors.length > 0);
      for (const { code, retryable, frame } of errors) assert.deepEqual([code, retryable, frame], ['RATE_LIMITED', true, 'chat']);
      await until(() => bert.heard.all('chat').length >= 600 - errors.length, 'what was taken is heard');
      assert.equal(bert.heard.all('chat').length, 600 - errors.length);
      anna.signal('ice', bert, 'signalling goes on');
      await bert.hears('ice');
    });
  }
});
