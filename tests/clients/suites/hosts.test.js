import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { connect, kindName, MSGPACK_KINDS, PLAIN_KINDS } from '../lib/client.js';
import { startGateway } from '../lib/gateway.js';
import { announced, assertRefused, freshCode, join, party, sawSince, settle, toldLeft, unnoticed } from '../lib/rooms.js';

const plain = await startGateway();
const binary = await startGateway({ SOCKET_PARSER: 'msgpack' });
after(() => Promise.all([plain.kill(), binary.kill()]));

/** Resolves when each of `clients` has been told that this one is the host. */
const toldHost = (clients, { peerId }) => Promise.all(clients.map((client) =>
  client.event('host:changed', ({ hostId }) => hostId === peerId)));

const scenarios = {
  async 'the host kicks: the kicked and the others are told, each once'(t, gateway, kind) {
    const [host, guest, other] = await party(t, gateway, ['host', 'guest', 'other'], { kind });
    const [{ roomId }] = guest.recorder.all('room:joined');
    const mark = guest.mark();
    const answer = await host.ask('peer:kick', { targetPeerId: guest.peerId, reason: 'too loud' });
    assert.equal(answer.status, 'ok');
    assert.deepEqual(await guest.event('room:kicked'), { roomId, reason: 'too loud' });
    await toldLeft([host, other], guest);
    await settle(other, host, other);
    for (const witness of [host, other]) {
      assert.deepEqual(witness.recorder.all('peer:left'), [{ peerId: guest.peerId, reason: 'kicked' }]);
    }
    assert.equal((await guest.ask('heartbeat')).status, 'ok');
    assert.deepEqual(sawSince(guest, mark).map(({ event }) => event), ['room:kicked']);
  },

  async 'the kicked is outside, but its connection lives: it may join again'(t, gateway, kind) {
    const code = freshCode();
    const [host, guest] = await party(t, gateway, ['host', 'guest'], { kind, code });
    host.send('peer:kick', { targetPeerId: guest.peerId });
    await guest.event('room:kicked');
    assertRefused(await guest.ask('chat_message', { content: 'hey' }), 'NOT_IN_ROOM');
    assert.deepEqual((await join(guest, code)).peers, [host.asPeer]);
  },

  async 'only the host kicks'(t, gateway, kind) {
    const [host, guest, other] = await party(t, gateway, ['host', 'guest', 'other'], { kind });
    await unnoticed(other, [host, other], async () => {
      assertRefused(await guest.ask('peer:kick', { targetPeerId: other.peerId }), 'FORBIDDEN');
      assertRefused(await guest.ask('peer:kick', { targetPeerId: host.peerId }), 'FORBIDDEN');
    });
  },

  async 'the host cannot kick itself, a stranger, or nobody'(t, gateway, kind) {
    const [host, guest] = await party(t, gateway, ['host', 'guest'], { kind });
    const [stranger] = await party(t, gateway, ['stranger'], { kind });
    assertRefused(await host.ask('peer:kick', { targetPeerId: host.peerId }), 'FORBIDDEN');
    assertRefused(await host.ask('peer:kick', { targetPeerId: stranger.peerId }), 'PEER_NOT_FOUND');
    assertRefused(await host.ask('peer:kick', { targetPeerId: 'nobody' }), 'PEER_NOT_FOUND');
    await settle(stranger);
    assert.deepEqual(stranger.recorder.all('room:kicked'), []);
    await unnoticed(host, [guest], async () => {});
  },

  async 'outside a room nobody can be kicked'(t, gateway, kind) {
    const [host] = await party(t, gateway, ['host'], { kind });
    const outsider = await connect(t, gateway, { kind });
    assertRefused(await outsider.ask('peer:kick', { targetPeerId: host.peerId }), 'NOT_IN_ROOM');
  },

  async 'the host makes another the host: all are told once, and the rights go with it'(t, gateway, kind) {
    const code = freshCode();
    const [host, second, third] = await party(t, gateway, ['host', 'second', 'third'], { kind, code });
    const everybody = [host, second, third];
    assert.deepEqual(await host.ask('host:change', { targetPeerId: third.peerId }), { status: 'ok' });
    for (const client of everybody) assert.deepEqual(await client.event('host:changed'), { hostId: third.peerId });
    const late = await connect(t, gateway, { kind, username: 'late' });
    assert.equal((await join(late, code)).hostId, third.peerId);
    await announced(late, everybody);
    assertRefused(await host.ask('peer:kick', { targetPeerId: second.peerId }), 'FORBIDDEN');
    assertRefused(await host.ask('host:change', { targetPeerId: host.peerId }), 'FORBIDDEN');
    assert.equal((await third.ask('peer:kick', { targetPeerId: late.peerId })).status, 'ok');
    assert.equal((await third.ask('host:change', { targetPeerId: host.peerId })).status, 'ok');
    await toldHost(everybody, host);
    await settle(second, ...everybody);
    for (const client of everybody) {
      assert.deepEqual(client.recorder.all('host:changed'), [{ hostId: third.peerId }, { hostId: host.peerId }]);
    }
  },

  async 'only the host makes another the host'(t, gateway, kind) {
    const [host, guest, other] = await party(t, gateway, ['host', 'guest', 'other'], { kind });
    await unnoticed(other, [host, guest, other], async () => {
      for (const { peerId } of [host, guest, other]) {
        assertRefused(await guest.ask('host:change', { targetPeerId: peerId }), 'FORBIDDEN');
      }
      assertRefused(await guest.ask('host:change', { targetPeerId: 'nobody' }), 'FORBIDDEN');
    });
  },

  async 'nobody from outside the room, and nothing that is no peer, becomes the host'(t, gateway, kind) {
    const [host, guest] = await party(t, gateway, ['host', 'guest'], { kind });
    const [stranger] = await party(t, gateway, ['stranger'], { kind });
    await unnoticed(host, [host, guest], async () => {
      assertRefused(await host.ask('host:change', { targetPeerId: stranger.peerId }), 'PEER_NOT_FOUND');
      assertRefused(await host.ask('host:change', { targetPeerId: 'nobody' }), 'PEER_NOT_FOUND');
      assertRefused(await host.ask('host:change', { targetPeerId: 7 }), 'INVALID_PAYLOAD');
      assertRefused(await host.ask('host:change'), 'INVALID_PAYLOAD');
    });
    const outsider = await connect(t, gateway, { kind });
    assertRefused(await outsider.ask('host:change', { targetPeerId: host.peerId }), 'NOT_IN_ROOM');
  },

  async 'a host that names itself stays the host, and nobody is told'(t, gateway, kind) {
    const [host, guest] = await party(t, gateway, ['host', 'guest'], { kind });
    await unnoticed(host, [host, guest], async () => {
      assert.equal((await host.ask('host:change', { targetPeerId: host.peerId })).status, 'ok');
    });
  },

  async 'when the one that was made the host leaves, the longest present takes over'(t, gateway, kind) {
    const [host, second, third] = await party(t, gateway, ['host', 'second', 'third'], { kind });
    assert.equal((await host.ask('host:change', { targetPeerId: third.peerId })).status, 'ok');
    await toldHost([host, second, third], third);
    assert.equal((await third.ask('leave:room')).status, 'ok');
    await toldLeft([host, second], third);
    await toldHost([host, second], host);
    await settle(second, host, second);
    for (const client of [host, second]) {
      assert.deepEqual(client.recorder.all('host:changed'), [{ hostId: third.peerId }, { hostId: host.peerId }]);
    }
  },

  async 'when the longest present leaves, the one that was made the host stays it'(t, gateway, kind) {
    const [host, second, third] = await party(t, gateway, ['host', 'second', 'third'], { kind });
    assert.equal((await host.ask('host:change', { targetPeerId: third.peerId })).status, 'ok');
    assert.equal((await host.ask('leave:room')).status, 'ok');
    await toldHost([second, third], third);
    await toldLeft([second, third], host);
    await settle(second, second, third);
    for (const client of [second, third]) {
      assert.deepEqual(client.recorder.all('host:changed'), [{ hostId: third.peerId }]);
    }
  },

  async 'when the host leaves, the longest present takes over and all are told'(t, gateway, kind) {
    const code = freshCode();
    const [host, second, third] = await party(t, gateway, ['host', 'second', 'third'], { kind, code });
    await host.ask('leave:room');
    for (const client of [second, third]) {
      assert.deepEqual(await client.event('host:changed'), { hostId: second.peerId });
    }
    const late = await connect(t, gateway, { kind, username: 'late' });
    assert.equal((await join(late, code)).hostId, second.peerId);
    await second.ask('peer:kick', { targetPeerId: third.peerId });
    assert.equal((await third.event('room:kicked')).roomId, `room_${code}`);
  },

  async 'when another than the host leaves, the host stays'(t, gateway, kind) {
    const [host, second, third] = await party(t, gateway, ['host', 'second', 'third'], { kind });
    assert.equal((await second.ask('leave:room')).status, 'ok');
    await toldLeft([host, third], second);
    await settle(host, host, third);
    for (const client of [host, third]) assert.deepEqual(client.recorder.all('host:changed'), []);
  },

  async 'a host that disconnects hands over as well'(t, gateway, kind) {
    const [host, second] = await party(t, gateway, ['host', 'second'], { kind });
    host.close();
    assert.deepEqual(await second.event('host:changed'), { hostId: second.peerId });
    assert.deepEqual(second.recorder.all('peer:left'), [{ peerId: host.peerId, reason: 'left' }]);
  },
};

for (const kind of [...PLAIN_KINDS, ...MSGPACK_KINDS]) {
  const gateway = kind.parser ? binary : plain;
  describe(`hosts: ${kindName(kind)}`, { concurrency: 4 }, () => {
    for (const [name, scenario] of Object.entries(scenarios)) test(name, (t) => scenario(t, gateway, kind));
  });
}
