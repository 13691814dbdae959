// The raw WebSocket protocols beside Socket.IO in one room.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { connect } from '../lib/client.js';
import { startGateway } from '../lib/gateway.js';
import { Proxy } from '../lib/proxy.js';
import { lose } from '../lib/resume.js';
import { announced, description, freshCode, join } from '../lib/rooms.js';
import { connectRaw } from '../lib/websocket.js';

let gateway;
before(async () => { gateway = await startGateway({ PING_INTERVAL_MS: '1000', RECONNECT_WINDOW_MS: '60000' }); });
after(() => gateway?.kill());

/** A client of each protocol in one room, in the order Socket.IO, `/signal`, `/ws`; all have seen all when this returns. */
async function three(t, { via } = {}) {
  const room = freshCode();
  const io = await connect(t, gateway);
  await join(io, room);
  const signal = await connectRaw(t, gateway, `/signal/${room}`, { via });
  const [joined] = [await signal.frame('joined')];
  signal.peerId = joined.peerId;
  const ws = await connectRaw(t, gateway, '/ws');
  ws.send({ type: 'join', room, sender: 'wendy' });
  const welcome = await ws.frame('joined');
  ws.peerId = welcome.peerId;
  await announced(signal, [io]);
  await announced(ws, [io]);
  await signal.frame('peer-joined', ({ peerId }) => peerId === ws.peerId);
  return { room, io, signal, ws, joined, welcome };
}

describe('raw WebSocket protocols', { concurrency: 4 }, () => {
  test('each sees the others come', async (t) => {
    const { room, io, signal, ws, joined, welcome } = await three(t);
    assert.equal(joined.roomId, `room_${room}`);
    assert.equal(joined.roomCode, room);
    assert.equal(joined.hostId, io.userId);
    assert.equal(joined.hostPeerId, io.peerId);
    assert.deepEqual(joined.peers, [
      { senderId: io.userId, userId: io.userId, peerId: io.peerId, username: io.username },
    ]);
    assert.equal(welcome.room, room);
    assert.equal(welcome.sender, 'wendy');
    assert.equal(welcome.host, io.userId);
    assert.deepEqual(welcome.peers.map(({ sender, peerId }) => [sender, peerId]), [
      [io.userId, io.peerId], [signal.userId, signal.peerId],
    ]);
    await io.event('peer:joined', ({ peerId }) => peerId === signal.peerId);
    await io.event('peer:joined', ({ peerId }) => peerId === ws.peerId);
    const news = await signal.frame('peer-joined');
    assert.deepEqual(news, {
      type: 'peer-joined', senderId: ws.userId, userId: ws.userId, peerId: ws.peerId, username: ws.username, alias: 'wendy',
    });
  });

  test('an offer crosses each border as it was sent', async (t) => {
    const { room, io, signal, ws } = await three(t);
    const sdp = description('offer', { extra: [1, 2.50] });
    signal.send({ type: 'sdp', senderId: signal.userId, targetId: io.userId, sdp });
    const heard = await io.event('webrtc:offer');
    assert.deepEqual(heard, { from: signal.peerId, targetPeerId: io.peerId, offer: sdp });
    assert.equal((await io.ask('webrtc:answer', { targetPeerId: signal.peerId, answer: 'v=0 bare' })).status, 'ok');
    assert.deepEqual(await signal.frame('sdp'), {
      type: 'sdp', senderId: io.userId, senderPeerId: io.peerId, targetId: signal.userId, sdp: { type: 'answer', sdp: 'v=0 bare' },
    });
    ws.send({ type: 'offer', room, sender: 'wendy', recipient: signal.peerId, payload: sdp });
    const offer = await signal.frame('sdp', ({ senderId }) => senderId === ws.userId);
    assert.deepEqual(offer.sdp, sdp);
    signal.send({ type: 'ice', senderId: signal.userId, targetId: ws.userId, candidate: null });
    const ice = await ws.frame('ice-candidate');
    assert.deepEqual(ice, {
      type: 'ice-candidate', room, sender: signal.userId, senderPeerId: signal.peerId, recipient: 'wendy', payload: null,
    });
    ws.send({ type: 'candidate', room, sender: 'wendy', payload: 'candidate:1' });
    assert.equal((await io.event('webrtc:ice')).candidate, 'candidate:1');
    assert.equal((await signal.frame('ice')).candidate, 'candidate:1');
  });

  test('all hear what anybody says', async (t) => {
    const { room, io, signal, ws } = await three(t);
    ws.send({ type: 'chat', room, sender: 'wendy', payload: { content: 'hello', clientMessageId: 'm1' } });
    const { id, timestamp } = await ws.frame('chat-ack', ({ clientMessageId }) => clientMessageId === 'm1');
    const [chat, line] = [await io.event('chat_message'), await signal.frame('chat')];
    assert.equal(chat.id, id);
    assert.equal(line.content, 'hello');
    assert.equal(line.senderId, ws.userId);
    assert.deepEqual((await ws.frame('chat')).payload, {
      id, content: 'hello', timestamp, senderId: ws.userId, username: ws.username, clientMessageId: 'm1',
    });
    signal.send({ type: 'chat', senderId: signal.userId, content: 'to all' });
    await signal.frame('chat-ack');
    assert.equal((await ws.frame('chat', ({ payload }) => payload.content === 'to all')).sender, signal.userId);
  });

  test('bad frames are answered and the connection stays', async (t) => {
    const { room, signal, ws } = await three(t);
    for (const [frame, code, field] of [
      ['{', 'INVALID_PAYLOAD', undefined],
      ['[]', 'INVALID_PAYLOAD', undefined],
      [{ type: 'dance' }, 'UNKNOWN_EVENT', 'type'],
      [{ type: 'sdp', senderId: signal.userId }, 'INVALID_PAYLOAD', 'sdp'],
      [{ type: 'ice', senderId: 'somebody', candidate: null }, 'FORBIDDEN', 'senderId'],
      [{ type: 'ice', senderId: signal.userId, targetId: 'nobody', candidate: null }, 'PEER_NOT_FOUND', undefined],
      [{ type: 'kick', senderId: signal.userId, targetId: ws.userId }, 'FORBIDDEN', undefined],
    ]) {
      const mark = signal.mark();
      signal.send(frame);
      const error = await signal.frame('error', undefined, mark);
      assert.equal(error.code, code, JSON.stringify(error));
      assert.equal(error.field, field, JSON.stringify(error));
    }
    for (const [frame, code, field] of [
      [{ type: 'offer', room, sender: 'mallory', payload: {} }, 'FORBIDDEN', 'sender'],
      [{ type: 'offer', room: 'elsewhere', sender: 'wendy', payload: {} }, 'FORBIDDEN', 'room'],
      [{ type: 'chat', room, sender: 'wendy', recipient: 'x', payload: 'y' }, 'INVALID_PAYLOAD', 'recipient'],
      [{ type: 'offer', room, sender: 'wendy', payload: 3 }, 'INVALID_PAYLOAD', 'payload'],
    ]) {
      const mark = ws.mark();
      ws.send(frame);
      const error = await ws.frame('error', undefined, mark);
      assert.equal(error.code, code, JSON.stringify(error));
      assert.equal(error.field, field, JSON.stringify(error));
      assert.equal(error.frame, frame.type);
    }
  });

  test('a client that was lost comes back as the same peer and gets what it missed', async (t) => {
    const proxy = await Proxy.start(t, gateway);
    const { room, io, signal, joined } = await three(t, { via: proxy });
    const mark = io.mark();
    // What is written to a connection before its end is noticed may be on the wire, of which nobody knows.
    await lose(proxy);
    await io.ask('webrtc:ice', { targetPeerId: signal.peerId, candidate: 'missed' });
    const again = await connectRaw(t, gateway, `/signal/${room}?resumeToken=${joined.resumeToken}`, { sub: signal.userId });
    const resumed = await again.frame('resumed');
    assert.equal(resumed.peerId, signal.peerId);
    const { candidate } = await again.frame('ice');
    assert.equal(candidate, 'missed');
    assert.equal(io.recorder.since(mark).some(({ event }) => event === 'peer:left'), false);
    assert.equal((await again.close()).code, 1000);
    assert.equal((await io.event('peer:left', ({ peerId }) => peerId === signal.peerId)).reason, 'left');
  });

  test('a token may come in the first frame while the loss has not been noticed', async (t) => {
    const { room, signal, joined } = await three(t);
    const again = await connectRaw(t, gateway, `/signal/${room}`, { sub: signal.userId });
    again.send({ type: 'resume', resumeToken: joined.resumeToken });
    const resumed = await again.frame('resumed');
    assert.equal(resumed.peerId, signal.peerId);
    assert.deepEqual(await signal.closed, { code: 1008, reason: 'replaced' });
  });

  test('the host hands over and removes', async (t) => {
    const { room, io, signal, ws } = await three(t);
    assert.equal((await io.ask('host:change', { targetPeerId: signal.peerId })).status, 'ok');
    assert.equal((await ws.frame('host-change')).host, signal.userId);
    assert.equal((await signal.frame('host-change')).hostId, signal.userId);
    signal.send({ type: 'kick', senderId: signal.userId, targetId: ws.userId, reason: 'enough' });
    assert.deepEqual(await ws.frame('kicked'), { type: 'kicked', room, reason: 'enough' });
    ws.send({ type: 'chat', room, sender: 'wendy', payload: 'still here' });
    assert.equal((await ws.frame('error')).code, 'NOT_IN_ROOM');
    signal.send({ type: 'host-change', senderId: signal.userId, hostId: io.userId });
    assert.equal((await io.event('host:changed', ({ hostId }) => hostId === io.peerId)).hostId, io.peerId);
    await io.ask('peer:kick', { targetPeerId: signal.peerId, reason: 'you too' });
    assert.equal((await signal.frame('kick')).reason, 'you too');
    assert.deepEqual(await signal.closed, { code: 1008, reason: 'kicked' });
  });

  test('who is not allowed in does not become a WebSocket', async (t) => {
    const refused = (path, options) => connectRaw(t, gateway, path, options).then(() => assert.fail('accepted'), (error) => error);
    assert.equal((await refused('/ws', { token: null })).status, 401);
    assert.equal((await refused('/ws', { token: 'x.y.z' })).status, 401);
    assert.equal((await refused('/signal/no%20room')).status, 400);
    assert.equal((await refused('/ws', { headers: { origin: 'http://evil.example' } })).status, 403);
    const token = await gateway.identity.token({ sub: 'page' });
    const page = await connectRaw(t, gateway, '/ws', { token: null, protocols: ['bearer', token] });
    assert.equal(page.socket.protocol, 'bearer');
  });

  test('what is no text of at most the size that is taken closes with a code', async (t) => {
    const code = async (send) => {
      const client = await connectRaw(t, gateway, '/ws');
      send(client.socket);
      return (await client.closed).code;
    };
    assert.equal(await code((socket) => socket.send(Buffer.from('{}'))), 1003);
    assert.equal(await code((socket) => socket.send('x'.repeat(100_001))), 1009);
    assert.equal(await code((socket) => { socket.send('x'.repeat(60_000), { fin: false }); socket.send('x'.repeat(60_000)); }), 1009);
    assert.equal(await code((socket) => socket._socket.write(Buffer.from([0xf1, 0x80, 0, 0, 0, 0]))), 1002);
    assert.equal(await code((socket) => socket._socket.write(Buffer.from([0x81, 0x01, 0x41]))), 1002);
    assert.equal(await code((socket) => socket._socket.write(Buffer.from([0x81, 0x81, 0, 0, 0, 0, 0xff]))), 1007);
  });
});
