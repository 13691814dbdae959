import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { startNode } from '../../clients/lib/gateway.js';
import { Identity } from '../../clients/lib/identity.js';
import { sharedCluster } from '../../cluster/lib/fixture.js';
import { heardSince, settle } from '../lib/guest.js';
import { description, gather, KINDS } from '../lib/parties.js';

const gateway = await startNode({}, new Identity());
after(() => gateway.kill());
const { cluster } = await sharedCluster({ size: 2 });

/** The witness speaks what neither of the two need speak. */
const witnessKind = (one, other) => KINDS.find((kind) => kind !== one && kind !== other) ?? KINDS[0];

/** Both, and somebody who watches; `same` or not decides where the second is. */
async function trio(t, [one, other], nodes) {
  return gather(t, nodes ? cluster : gateway, [
    [one, 'anna', { node: nodes?.[0] }], [other, 'bert', { node: nodes?.[1] }], [witnessKind(one, other), 'witness', { node: nodes?.[0] }],
  ]);
}

/** Checks that exactly these came from one to the other, in this order, and nothing to the witness. */
function assertRelayed(sender, receiver, mark, sent) {
  const expected = sent.map(([what, body]) =>
    [what, { from: sender.peerId, called: receiver.calls(sender), to: receiver.ownName, body: receiver.receives(what, body) }]);
  assert.deepEqual(heardSince(receiver, mark), expected);
}

/** What each pair must be able to do. @type {Record<string, (guests: import('../lib/guest.js').Guest[]) => Promise<void>>} */
const SCENARIOS = {
  async 'offer, answer and candidates arrive as sent, in order, from whom they are, and at nobody else'([anna, bert, witness]) {
    await settle([anna, bert, witness]);
    const marks = [anna, bert, witness].map((guest) => guest.mark());
    const candidate = { candidate: 'candidate:1 1 udp 1 192.0.2.1 9 typ host', sdpMid: '0', sdpMLineIndex: 0, usernameFragment: null };
    const there = [['offer', description('offer', 60_000)], ['ice', candidate], ['ice', 'candidate:2 as text 👋'], ['ice', null], ['ice', '']];
    const back = [['answer', description('answer', 2_000)], ['ice', { candidate: '' }], ['ice', null]];
    for (const [what, body] of there) anna.signal(what, bert, body);
    for (const [what, body] of back) bert.signal(what, anna, body);
    await settle([anna, bert, witness]);
    assertRelayed(anna, bert, marks[1], there);
    assertRelayed(bert, anna, marks[0], back);
    assert.deepEqual(heardSince(witness, marks[2]), []);
  },

  async 'no candidate overtakes its offer, however fast they come'([anna, bert, witness]) {
    await settle([anna, bert, witness]);
    const mark = bert.mark();
    const sent = Array.from({ length: 10 }, (_, round) => [
      ['offer', description('offer', round % 2 ? 20_000 : 0)],
      ...Array.from({ length: 8 }, (_unused, n) => ['ice', `${round} ${n}`]),
      ['answer', { type: 'answer', sdp: `${round}` }],
    ]).flat();
    for (const [what, body] of sent) anna.signal(what, bert, body);
    await settle([anna, bert]);
    assertRelayed(anna, bert, mark, sent);
  },

  async 'chat is heard by all, once, under one id, the sender included'(guests) {
    const [anna, bert] = guests;
    const { id, timestamp } = await anna.say('grüß \u2028dich 👋 "', 'my own id');
    const reply = await bert.say('and you');
    for (const guest of guests) {
      const [chat, second] = [await guest.hears('chat', (told) => told.id === id), await guest.hears('chat', (told) => told.id === reply.id)];
      assert.deepEqual(chat, {
        id, timestamp, from: anna.peerId, called: guest.calls(anna), userId: anna.userId, username: 'anna',
        content: 'grüß \u2028dich 👋 "', clientMessageId: 'my own id',
      });
      assert.equal(second.from, bert.peerId);
    }
    assert.deepEqual(await anna.say('grüß \u2028dich 👋 "', 'my own id'), { id, timestamp }, 'a re-send is the same message');
    await settle(guests);
    for (const guest of guests) assert.equal(heardSince(guest).filter(([what]) => what === 'chat').length, 2);
  },

  async 'who leaves is told to have left, once, and hears no more'(guests) {
    const [anna, bert, witness] = guests;
    await bert.leave();
    const mark = bert.mark();
    for (const guest of [anna, witness]) {
      assert.deepEqual(await guest.hears('peer-left'), { peerId: bert.peerId, called: guest.calls(bert), reason: 'left' });
    }
    await anna.refused('PEER_NOT_FOUND', () => anna.signal('ice', bert, null));
    await settle([anna, witness]);
    for (const guest of [anna, witness]) assert.equal(guest.heard.all('peer-left').length, 1);
    assert.deepEqual(heardSince(bert, mark), []);
  },

  async 'the host kicks: the kicked knows why, the others that it is gone'(guests) {
    const [host, bert, witness] = guests;
    host.kick(bert, 'too loud 🙉');
    assert.deepEqual(await bert.hears('kicked'), { reason: 'too loud 🙉' });
    for (const guest of [host, witness]) {
      assert.deepEqual(await guest.hears('peer-left'), { peerId: bert.peerId, called: guest.calls(bert), reason: 'kicked' });
    }
    await settle([host, witness]);
    for (const guest of [host, witness]) assert.equal(guest.heard.all('peer-left').length, 1);
  },

  async 'the host makes the other the host: all are told once, and the power has moved'(guests) {
    const [anna, bert, witness] = guests;
    anna.appoint(bert);
    for (const guest of guests) assert.deepEqual(await guest.hears('host'), { peerId: bert.peerId, called: guest.calls(bert) });
    await anna.refused('FORBIDDEN', () => anna.kick(witness));
    bert.appoint(anna);
    for (const guest of guests) await guest.hears('host', ({ peerId }) => peerId === anna.peerId);
    await settle(guests);
    for (const guest of guests) assert.deepEqual(guest.heard.all('host').map(({ peerId }) => peerId), [bert.peerId, anna.peerId]);
  },
};

const PLACES = {
  'on the same node': () => undefined,
  'on two nodes': () => [cluster.nodes[0], cluster.nodes[1]],
};

for (const [where, nodes] of Object.entries(PLACES)) {
  for (const one of KINDS) {
    for (const other of KINDS) {
      describe(`${one.kind} and ${other.kind} ${where}`, { concurrency: 6 }, () => {
        for (const [name, scenario] of Object.entries(SCENARIOS)) {
          test(name, async (t) => scenario(await trio(t, [one, other], nodes())));
        }
      });
    }
  }
}
