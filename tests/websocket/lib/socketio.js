import assert from 'node:assert/strict';
import { connect } from '../../clients/lib/client.js';
import { Guest } from './guest.js';

const peers = (list) => list.map(({ id, userId, userInfo }) => ({ peerId: id, userId, username: userInfo.username, called: id }));

const room = ({ roomId, peerId, hostId, mode, peers: others, resumeToken }) =>
  ({ roomId, peerId, host: hostId, mode, peers: peers(others), resumeToken });

const relay = (field) => ({ from, targetPeerId, [field]: body }) => ({ from, called: from, to: targetPeerId, body });

/** Events of Socket.IO in the common words. @type {Record<string, [string, (told: any) => any]>} */
const WORDS = {
  'room:joined': ['joined', room],
  'room:resumed': ['resumed', (told) => ({ ...room(told), missed: told.missed })],
  'peer:joined': ['peer-joined', ({ peerId, userId, userInfo }) => ({ peerId, userId, username: userInfo.username, called: peerId })],
  'peer:left': ['peer-left', ({ peerId, reason }) => ({ peerId, called: peerId, reason })],
  'webrtc:offer': ['offer', relay('offer')],
  'webrtc:answer': ['answer', relay('answer')],
  'webrtc:ice': ['ice', relay('candidate')],
  'host:changed': ['host', ({ hostId }) => ({ peerId: hostId, called: hostId })],
  'room:kicked': ['kicked', ({ reason }) => ({ reason })],
  chat_message: ['chat', ({ id, peerId, senderId, username, content, timestamp, clientMessageId }) =>
    ({ id, from: peerId, called: peerId, userId: senderId, username, content, timestamp, clientMessageId })],
  'server:draining': ['draining', (told) => told],
  'auth:expiring': ['expiring', (told) => told],
  error: ['error', ({ code, message, retryable }) => ({ code, message, retryable, field: undefined })],
};

/** An event in the common words. @returns {[string, any]} */
export function socketWords(event, told) {
  const [word, translate] = WORDS[event] ?? [event, (same) => same];
  return [word, translate(told)];
}

/** A guest that speaks Socket.IO. */
export class SocketGuest extends Guest {
  static kind = 'Socket.IO';

  /** Connects, and enters the room unless it comes back into one. */
  static async arrive(t, gateway, who, { code, via, resume } = {}) {
    const node = via?.node ?? gateway.next();
    const guest = new SocketGuest(who, { node, code, gateway });
    guest.client = await connect(t, node, {
      sub: who.userId,
      username: who.username,
      via,
      ...(resume?.token ? { auth: { resumeToken: resume.token } } : {}),
      prepare: (socket) => socket.onAny((event, told) => guest.note(socketWords(event, told))),
    });
    guest.ended = guest.client.ended;
    if (!resume) guest.client.send('join:room', { roomCode: code });
    return guest;
  }

  get ownName() {
    return this.peerId;
  }

  calls(other) {
    return other.peerId;
  }

  /** Descriptions arrive as they were sent. */
  receives(_, body) {
    return body;
  }

  signal(what, target, body) {
    const field = what === 'ice' ? 'candidate' : what;
    this.client.send(`webrtc:${what}`, { targetPeerId: target.peerId ?? target, [field]: body });
  }

  async chat(content, clientMessageId) {
    const answer = await this.client.ask('chat_message', { content, clientMessageId });
    assert.equal(answer.status, 'ok', JSON.stringify(answer));
    return { id: answer.id, timestamp: answer.timestamp };
  }

  sayUnheard(content) {
    this.client.send('chat_message', { content });
  }

  kick(target, reason) {
    this.client.send('peer:kick', { targetPeerId: target.peerId ?? target, reason });
  }

  appoint(target) {
    this.client.send('host:change', { targetPeerId: target.peerId ?? target });
  }

  async leave() {
    const answer = await this.client.ask('leave:room');
    assert.equal(answer.status, 'ok', JSON.stringify(answer));
  }

  close() {
    this.client.close();
  }

  terminate() {
    this.client.terminate();
  }
}
