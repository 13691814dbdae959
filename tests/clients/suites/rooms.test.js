import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { connect, kindName, MSGPACK_KINDS, PLAIN_KINDS } from '../lib/client.js';
import { startGateway } from '../lib/gateway.js';
import { assertRefused, freshCode, join, party, sawSince, settle, unnoticed } from '../lib/rooms.js';
import { until } from '../lib/wait.js';

const plain = await startGateway();
const binary = await startGateway({ SOCKET_PARSER: 'msgpack' });
after(() => Promise.all([plain.kill(), binary.kill()]));

const scenarios = {
  async 'the first to join is alone, hosts, and learns everything about the room'(t, gateway, kind) {
    const client = await connect(t, gateway, { kind });
    const code = freshCode('Mixed_Case');
    const { status, ...answer } = await client.ask('join:room', { roomCode: code });
    assert.equal(status, 'ok');
    assert.equal(answer.roomId, `room_${code.toLowerCase()}`);
    assert.equal(answer.roomCode.toLowerCase(), code.toLowerCase());
    assert.equal(answer.mode, 'p2p');
    assert.deepEqual(answer.peers, []);
    assert.equal(answer.hostId, answer.peerId);
    for (const field of ['peerId', 'resumeToken']) assert.match(answer[field], /^\S+$/, field);
  },

  async 'room:joined comes before the ack and says the same'(t, gateway, kind) {
    const client = await connect(t, gateway, { kind });
    const { status, ...answer } = await client.ask('join:room', { roomCode: freshCode() });
    assert.equal(status, 'ok');
    const [first, second, ...rest] = client.recorder.entries;
    assert.deepEqual(first, { event: 'room:joined', args: [answer] });
    assert.equal(second.event, 'ack join:room');
    assert.deepEqual(rest, []);
  },

  async 'peers are listed oldest first, and each sees the later ones join once'(t, gateway, kind) {
    const [anna, bert, carl] = await party(t, gateway, ['anna', 'bert', 'carl'], { kind });
    const [joined] = carl.recorder.all('room:joined');
    assert.deepEqual(joined.peers, [anna.asPeer, bert.asPeer]);
    assert.equal(joined.hostId, anna.peerId);
    await settle(carl, anna, bert);
    const announced = (peer) => ({ peerId: peer.peerId, userId: peer.userId, userInfo: { username: peer.username } });
    assert.deepEqual(anna.recorder.all('peer:joined'), [announced(bert), announced(carl)]);
    assert.deepEqual(bert.recorder.all('peer:joined'), [announced(carl)]);
    assert.deepEqual(carl.recorder.all('peer:joined'), []);
  },

  async 'joining again the room one is in changes nothing'(t, gateway, kind) {
    const code = freshCode();
    const [anna, bert] = await party(t, gateway, ['anna', 'bert'], { kind, code });
    const { peerId } = bert;
    await unnoticed(bert, [anna], async () => {
      const again = await join(bert, code);
      assert.equal(again.peerId, peerId);
      assert.deepEqual(again.peers, [anna.asPeer]);
    });
    assert.equal(bert.recorder.all('room:joined').length, 2);
  },

  async 'codes that differ in case are one room'(t, gateway, kind) {
    const code = freshCode('CaSe');
    const [anna] = await party(t, gateway, ['anna'], { kind, code });
    const bert = await connect(t, gateway, { kind });
    const answer = await join(bert, code.toUpperCase());
    assert.equal(answer.roomId, `room_${code.toLowerCase()}`);
    assert.deepEqual(answer.peers, [anna.asPeer]);
  },

  async 'joining another room leaves the former one'(t, gateway, kind) {
    const [anna, bert] = await party(t, gateway, ['anna', 'bert'], { kind });
    const elsewhere = freshCode();
    const [carl] = await party(t, gateway, ['carl'], { kind, code: elsewhere });
    const former = bert.peerId;
    assert.deepEqual((await join(bert, elsewhere)).peers, [carl.asPeer]);
    assert.deepEqual(await anna.event('peer:left'), { peerId: former, reason: 'left' });
    await carl.event('peer:joined', (peer) => peer.peerId === bert.peerId);
    await unnoticed(anna, [anna], () => settle(carl, bert));
  },

  async 'leaving is told to the others once, and is repeatable'(t, gateway, kind) {
    const [anna, bert] = await party(t, gateway, ['anna', 'bert'], { kind });
    assert.equal((await bert.ask('leave:room')).status, 'ok');
    assert.deepEqual(await anna.event('peer:left'), { peerId: bert.peerId, reason: 'left' });
    await unnoticed(anna, [anna], async () => {
      assert.equal((await bert.ask('leave:room')).status, 'ok');
      assert.equal((await bert.ask('leave:room', 'any payload', 7)).status, 'ok');
    });
  },

  async 'who has left hears nothing more of the room'(t, gateway, kind) {
    const [anna, bert, carl] = await party(t, gateway, ['anna', 'bert', 'carl'], { kind });
    await bert.ask('leave:room');
    const mark = bert.mark();
    await settle(anna, carl);
    await carl.ask('leave:room');
    await bert.ask('heartbeat');
    assert.deepEqual(sawSince(bert, mark), []);
    assertRefused(await bert.ask('chat_message', { content: 'still here?' }), 'NOT_IN_ROOM');
  },

  async 'a proper disconnect is a leave'(t, gateway, kind) {
    const [anna, bert] = await party(t, gateway, ['anna', 'bert'], { kind });
    bert.close();
    assert.deepEqual(await anna.event('peer:left'), { peerId: bert.peerId, reason: 'left' });
    const [entry] = anna.recorder.all('peer:left');
    await settle(anna, anna);
    assert.deepEqual(anna.recorder.all('peer:left'), [entry]);
  },

  async 'the other spellings work: join_room, leave_room, roomId'(t, gateway, kind) {
    const code = freshCode();
    const [anna] = await party(t, gateway, ['anna'], { kind, code });
    for (const [event, field] of [['join_room', 'roomCode'], ['join_room', 'roomId'], ['join:room', 'roomId']]) {
      const client = await connect(t, gateway, { kind });
      const answer = await client.ask(event, { [field]: code });
      assert.equal(answer.status, 'ok', `${event} ${field}`);
      assert.deepEqual(answer.peers, [anna.asPeer]);
      assert.equal((await client.ask('leave_room')).status, 'ok');
      await anna.event('peer:left', (left) => left.peerId === answer.peerId);
    }
  },

  async 'joins and leaves in one go are obeyed in order'(t, gateway, kind) {
    const [first, second] = [freshCode(), freshCode()];
    const [anna] = await party(t, gateway, ['anna'], { kind, code: first });
    const bert = await connect(t, gateway, { kind });
    const steps = [['join:room', first], ['leave:room'], ['join:room', second],
      ['join:room', first], ['join:room', first], ['leave:room'], ['join:room', second]];
    for (const [event, roomCode] of steps) bert.send(event, { roomCode });
    const last = await join(bert, second);
    assert.deepEqual(last.peers, []);
    const seen = () => anna.recorder.entries.filter(({ event }) => event.startsWith('peer:')).map(({ event }) => event);
    await until(() => seen().length >= 4, 'all of it is told');
    await settle(anna, anna);
    assert.deepEqual(seen(), ['peer:joined', 'peer:left', 'peer:joined', 'peer:left']);
    const rooms = bert.recorder.all('room:joined').map(({ roomCode }) => roomCode);
    assert.deepEqual(rooms, [first, second, first, first, second, second]);
  },

  async 'a heartbeat is acknowledged, with a payload or without'(t, gateway, kind) {
    const client = await connect(t, gateway, { kind });
    assert.equal((await client.ask('heartbeat')).status, 'ok');
    const [anna] = await party(t, gateway, ['anna'], { kind });
    assert.equal((await anna.ask('heartbeat')).status, 'ok');
  },

  async 'unknown events, and those of absent services, are answered'(t, gateway, kind) {
    const client = await connect(t, gateway, { kind });
    assertRefused(await client.ask('no:such:event', {}), 'UNKNOWN_EVENT');
    assertRefused(await client.ask('sfu_get_router_capabilities'), 'MEDIA_UNAVAILABLE', /^Media Server Unavailable$/);
    assertRefused(await client.ask('subscribe', { channel: 'no:such:channel' }), 'FORBIDDEN');
    client.send('no:such:event', {});
    const { code, event, message, retryable } = await client.event('error');
    assert.deepEqual([code, event, typeof message, typeof retryable],
      ['UNKNOWN_EVENT', 'no:such:event', 'string', 'boolean']);
  },
};

for (const kind of [...PLAIN_KINDS, ...MSGPACK_KINDS]) {
  const gateway = kind.parser ? binary : plain;
  describe(`rooms: ${kindName(kind)}`, { concurrency: 4 }, () => {
    for (const [name, scenario] of Object.entries(scenarios)) test(name, (t) => scenario(t, gateway, kind));
  });
}
