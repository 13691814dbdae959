// A signalling server of the gateway's contract, as one would write it with Socket.IO: RS256 from the
// cookie, rooms, relays to one peer of the same room, chat to the room, acknowledgements. `ws` with
// `bufferutil` underneath; with REDIS_URL several nodes are one, through the official adapter.
//
// What it has not, and the gateway has: a reconnection window, limits of queues in bytes, a host, chat
// that is kept. It is the faster for it.
import { createPublicKey } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';

import { createAdapter } from '@socket.io/redis-adapter';
import { parseCookie } from 'cookie';
import jwt from 'jsonwebtoken';
import { createClient } from 'redis';
import { Server } from 'socket.io';

const key = createPublicKey(readFileSync(process.env.JWT_PUBLIC_KEY_FILE));
const maxPeers = Number(process.env.MAX_P2P_PEERS ?? 10);
const validCode = /^[A-Za-z0-9_-]{1,64}$/;
const maxChat = 4_000;

const http = createServer((request, response) => {
  response.writeHead(request.url === '/readyz' ? 200 : 404).end();
});
const io = new Server(http, {
  maxHttpBufferSize: 100_000,
  serveClient: false,
  cors: { origin: (process.env.CLIENT_URL ?? 'http://localhost:5173').split(','), credentials: true },
});

// The peers of each room: those of other nodes too, by what these tell.
const rooms = new Map();

const rosterOf = (roomId) => {
  let roster = rooms.get(roomId);
  if (!roster) rooms.set(roomId, (roster = new Map()));
  return roster;
};

const remove = (roomId, peerId) => {
  const roster = rooms.get(roomId);
  roster?.delete(peerId);
  if (roster?.size === 0) rooms.delete(roomId);
};

let shared = null;
if (process.env.REDIS_URL) {
  shared = createClient({ url: process.env.REDIS_URL });
  const subscriber = shared.duplicate();
  for (const client of [shared, subscriber]) {
    client.on('error', (error) => console.error(error.message));
    await client.connect();
  }
  io.adapter(createAdapter(shared, subscriber, { publishOnSpecificResponseChannel: true }));
  io.on('roster:joined', (roomId, peer) => rooms.get(roomId)?.set(peer.id, peer));
  io.on('roster:left', (roomId, peerId) => remove(roomId, peerId));
}

io.use((socket, next) => {
  const token = parseCookie(socket.handshake.headers.cookie ?? '').access_token ?? socket.handshake.auth.token;
  try {
    const claims = jwt.verify(token, key, { algorithms: ['RS256'] });
    socket.data.userId = claims.sub;
    socket.data.username = claims.username ?? claims.preferred_username ?? claims.name ?? claims.sub;
    next();
  } catch {
    next(new Error('Authentication error'));
  }
});

/** Answers into the acknowledgement, or as an `error` event if there is none. */
const refuse = (socket, event, ack, code, message) => {
  if (ack) ack({ status: 'error', code, message, retryable: false });
  else socket.emit('error', { code, message, event, retryable: false });
};

const leave = (socket, reason) => {
  const { roomId } = socket.data;
  if (!roomId) return;
  socket.data.roomId = null;
  socket.leave(roomId);
  remove(roomId, socket.id);
  if (shared) {
    shared.hDel(`bench:room:${roomId}:peers`, socket.id).catch(() => {});
    io.serverSideEmit('roster:left', roomId, socket.id);
  }
  socket.to(roomId).emit('peer:left', { peerId: socket.id, reason });
};

const join = async (socket, payload, ack) => {
  const roomCode = payload?.roomCode ?? payload?.roomId;
  if (typeof roomCode !== 'string' || !validCode.test(roomCode)) {
    return refuse(socket, 'join:room', ack, 'INVALID_PAYLOAD', 'roomCode is not a room code');
  }
  const roomId = `room_${roomCode.toLowerCase()}`;
  if (socket.data.roomId && socket.data.roomId !== roomId) leave(socket, 'left');
  const peer = { id: socket.id, userId: socket.data.userId, userInfo: { username: socket.data.username } };
  if (shared && socket.data.roomId !== roomId) {
    // First in, then look: who comes to another node meanwhile tells all that are in.
    socket.join(roomId);
    const records = `bench:room:${roomId}:peers`;
    await shared.hSet(records, socket.id, JSON.stringify(peer));
    const known = await shared.hGetAll(records);
    const roster = rosterOf(roomId);
    for (const [id, record] of Object.entries(known)) if (!roster.has(id)) roster.set(id, JSON.parse(record));
    io.serverSideEmit('roster:joined', roomId, peer);
  }
  const roster = rosterOf(roomId);
  if (!roster.has(socket.id) && roster.size >= maxPeers) {
    return refuse(socket, 'join:room', ack, 'ROOM_FULL', 'the room is full');
  }
  const peers = [];
  for (const other of roster.values()) if (other.id !== socket.id) peers.push(other);
  roster.set(socket.id, peer);
  const isNew = socket.data.roomId !== roomId;
  socket.data.roomId = roomId;
  socket.join(roomId);
  const joined = {
    roomId, roomCode, peerId: socket.id, peers, mode: 'p2p', hostId: peers[0]?.id ?? socket.id,
  };
  socket.emit('room:joined', joined);
  if (isNew) socket.to(roomId).emit('peer:joined', { peerId: socket.id, userId: peer.userId, userInfo: peer.userInfo });
  ack?.({ status: 'ok', ...joined });
};

const relay = (socket, event, field, payload, ack) => {
  const { roomId } = socket.data;
  const target = payload?.targetPeerId;
  if (typeof target !== 'string' || payload[field] === undefined) {
    return refuse(socket, event, ack, 'INVALID_PAYLOAD', `targetPeerId and ${field} are needed`);
  }
  if (!roomId) return refuse(socket, event, ack, 'NOT_IN_ROOM', 'join a room first');
  if (!rooms.get(roomId)?.has(target)) {
    return refuse(socket, event, ack, 'PEER_NOT_FOUND', 'no such peer in the room');
  }
  const message = { from: socket.id, targetPeerId: target, [field]: payload[field] };
  const local = io.sockets.sockets.get(target);
  if (local) local.emit(event, message);
  else io.to(target).emit(event, message);
  ack?.({ status: 'ok' });
};

const chat = (socket, payload, ack) => {
  const { roomId } = socket.data;
  const content = payload?.content;
  if (typeof content !== 'string' || content.length === 0 || content.length > maxChat) {
    return refuse(socket, 'chat_message', ack, 'INVALID_PAYLOAD', 'content is needed');
  }
  if (!roomId) return refuse(socket, 'chat_message', ack, 'NOT_IN_ROOM', 'join a room first');
  const message = {
    id: crypto.randomUUID(),
    roomId,
    senderId: socket.data.userId,
    peerId: socket.id,
    username: socket.data.username,
    content,
    timestamp: Date.now(),
    clientMessageId: payload.clientMessageId,
  };
  io.to(roomId).emit('chat_message', message);
  ack?.({ status: 'ok', id: message.id, timestamp: message.timestamp });
};

io.on('connection', (socket) => {
  socket.on('join:room', (payload, ack) => {
    join(socket, payload, ack).catch(() => refuse(socket, 'join:room', ack, 'SERVICE_UNAVAILABLE', 'try again'));
  });
  socket.on('leave:room', (...args) => {
    leave(socket, 'left');
    const ack = args.at(-1);
    if (typeof ack === 'function') ack({ status: 'ok' });
  });
  for (const [event, field] of [['webrtc:offer', 'offer'], ['webrtc:answer', 'answer'], ['webrtc:ice', 'candidate']]) {
    socket.on(event, (payload, ack) => relay(socket, event, field, payload, ack));
  }
  socket.on('chat_message', (payload, ack) => chat(socket, payload, ack));
  socket.on('subscribe', (payload, ack) => {
    if (typeof payload?.channel !== 'string') {
      return refuse(socket, 'subscribe', ack, 'INVALID_PAYLOAD', 'channel is needed');
    }
    socket.join(`topic:${payload.channel}`);
    ack?.({ status: 'ok', channel: payload.channel });
  });
  socket.on('disconnecting', () => leave(socket, 'disconnected'));
});

if (shared) {
  // Events of backends: each node hears them, and tells its own clients.
  const backend = shared.duplicate();
  backend.on('error', (error) => console.error(error.message));
  await backend.connect();
  await backend.subscribe('match:events', (text) => {
    const { type, data } = JSON.parse(text);
    if (data?.matchId !== undefined) io.local.to(`topic:match:${data.matchId}`).emit(type, data);
  });
}

http.listen(Number(process.env.PORT ?? 0), process.env.HOST ?? '127.0.0.1');
process.on('SIGTERM', () => process.exit(0));
