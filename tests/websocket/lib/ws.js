import { Guest } from './guest.js';
import { resumeFrames } from './signal.js';
import { Wire } from './wire.js';
import { within } from '../../clients/lib/wait.js';

const room = ({ roomId, peerId, hostId, mode, peers, resumeToken }) => ({
  roomId, peerId, host: hostId, mode, resumeToken,
  peers: peers.map(({ peerId: id, userId, username, sender }) => ({ peerId: id, userId, username, called: sender })),
});

const relay = ({ sender, senderPeerId, recipient, payload }) => ({ from: senderPeerId, called: sender, to: recipient, body: payload });

/** Frames in the common words. @type {Record<string, [string, (told: any) => any]>} */
const WORDS = {
  joined: ['joined', room],
  resumed: ['resumed', (told) => ({ ...room(told), missed: told.missed })],
  'peer-joined': ['peer-joined', ({ peerId, userId, username, sender }) => ({ peerId, userId, username, called: sender })],
  'peer-left': ['peer-left', ({ peerId, sender, reason }) => ({ peerId, called: sender, reason })],
  offer: ['offer', relay],
  answer: ['answer', relay],
  'ice-candidate': ['ice', relay],
  'host-change': ['host', ({ host, hostId }) => ({ peerId: hostId, called: host })],
  kicked: ['kicked', ({ reason }) => ({ reason })],
  chat: ['chat', ({ sender, peerId, payload: { id, senderId, username, content, timestamp, clientMessageId } }) =>
    ({ id, from: peerId, called: sender, userId: senderId, username, content, timestamp, clientMessageId })],
  draining: ['draining', ({ reconnectAfterMs }) => ({ reconnectAfterMs })],
  'auth-expiring': ['expiring', ({ expiresAt }) => ({ expiresAt })],
  error: ['error', ({ code, message, retryable, field }) => ({ code, message, retryable, field })],
};

/** Answers, which are no news. */
const ANSWERS = ['chat-ack', 'left', 'auth-ok'];

/** A frame in the common words; null if it is an answer. @returns {[string, any] | null} */
export function wsWords(frame) {
  if (ANSWERS.includes(frame.type)) return null;
  const [word, translate] = WORDS[frame.type] ?? [frame.type, (told) => told];
  return [word, translate(frame)];
}

/** Where a `/ws` client connects. */
export const wsPath = (resume) => `/ws${resume?.by === 'query' ? `?resumeToken=${encodeURIComponent(resume.token)}` : ''}`;

/** A guest that speaks the frames of `/ws`. */
export class WsGuest extends Guest {
  static kind = '/ws';

  /** Connects, and enters the room unless it comes back into one. */
  static async arrive(t, gateway, who, { code, via, resume } = {}) {
    const node = via?.node ?? gateway.next();
    const guest = new WsGuest({ alias: `${who.username}'s name`, ...who }, { node, code, gateway });
    const token = await gateway.identity.token({ sub: who.userId, username: who.username });
    guest.wire = new Wire(via ?? node, wsPath(resume), { token, owner: who.username, first: resumeFrames(resume) });
    guest.ended = guest.wire.ended;
    const add = guest.wire.frames.add.bind(guest.wire.frames);
    guest.wire.frames.add = (type, [frame]) => {
      add(type, [frame]);
      const words = wsWords(frame);
      if (words) guest.note(words);
    };
    t.after(() => guest.wire.ws.terminate());
    await within(guest.wire.opened, `${who.username} to connect to /ws`);
    if (!resume) guest.send({ type: 'join' });
    return guest;
  }

  get ownName() {
    return this.alias;
  }

  calls(other) {
    return other.alias ?? other.userId;
  }

  /** Descriptions arrive as they were sent. */
  receives(_, body) {
    return body;
  }

  /** @param {any} frame */
  send(frame) {
    this.wire.send({ room: this.code, sender: this.alias, ...frame });
  }

  signal(what, target, body) {
    const recipient = target === null ? {} : { recipient: target.userId ? this.calls(target) : target };
    this.send({ type: what === 'ice' ? 'ice-candidate' : what, payload: body, ...recipient });
  }

  async chat(content, clientMessageId) {
    const mark = this.wire.frames.mark();
    this.send({ type: 'chat', payload: { content, clientMessageId } });
    const { id, timestamp } = await this.wire.frame('chat-ack', (ack) => ack.clientMessageId === clientMessageId, mark);
    return { id, timestamp };
  }

  sayUnheard(content) {
    this.send({ type: 'chat', payload: content });
  }

  kick(target, reason) {
    this.send({ type: 'kick', recipient: target.userId ? this.calls(target) : target, payload: { reason } });
  }

  appoint(target) {
    this.send({ type: 'host-change', recipient: target.userId ? this.calls(target) : target });
  }

  async leave() {
    const mark = this.wire.frames.mark();
    this.send({ type: 'leave' });
    await this.wire.frame('left', undefined, mark);
  }

  close() {
    this.wire.ws.close(1000);
  }

  terminate() {
    this.wire.ws.terminate();
  }
}
