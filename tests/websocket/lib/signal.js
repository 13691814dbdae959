import { Guest } from './guest.js';
import { Wire } from './wire.js';
import { within } from '../../clients/lib/wait.js';

const room = ({ roomId, peerId, hostPeerId, mode, peers, resumeToken }) => ({
  roomId, peerId, host: hostPeerId, mode, resumeToken,
  peers: peers.map(({ peerId: id, userId, username, senderId }) => ({ peerId: id, userId, username, called: senderId })),
});

/** Frames in the common words; `sdp` has no word of its own. @type {Record<string, [string, (told: any) => any]>} */
const WORDS = {
  joined: ['joined', room],
  resumed: ['resumed', (told) => ({ ...room(told), missed: told.missed })],
  'peer-joined': ['peer-joined', ({ peerId, userId, username, senderId }) => ({ peerId, userId, username, called: senderId })],
  'peer-left': ['peer-left', ({ peerId, senderId, reason }) => ({ peerId, called: senderId, reason })],
  ice: ['ice', ({ senderId, senderPeerId, targetId, candidate }) => ({ from: senderPeerId, called: senderId, to: targetId, body: candidate })],
  'host-change': ['host', ({ hostId, hostPeerId }) => ({ peerId: hostPeerId, called: hostId })],
  kick: ['kicked', ({ reason }) => ({ reason })],
  chat: ['chat', ({ id, peerId, senderId, username, content, timestamp, clientMessageId }) =>
    ({ id, from: peerId, called: senderId, userId: senderId, username, content, timestamp, clientMessageId })],
  draining: ['draining', ({ reconnectAfterMs }) => ({ reconnectAfterMs })],
  'auth-expiring': ['expiring', ({ expiresAt }) => ({ expiresAt })],
  error: ['error', ({ code, message, retryable, field }) => ({ code, message, retryable, field })],
};

/** Answers, which are no news. */
const ANSWERS = ['chat-ack'];

/** A frame in the common words; null if it is an answer. @returns {[string, any] | null} */
export function signalWords(frame) {
  if (ANSWERS.includes(frame.type)) return null;
  if (frame.type === 'sdp') {
    const { senderId, senderPeerId, targetId, sdp } = frame;
    return [sdp?.type === 'offer' ? 'offer' : 'answer', { from: senderPeerId, called: senderId, to: targetId, body: sdp }];
  }
  const [word, translate] = WORDS[frame.type] ?? [frame.type, (told) => told];
  return [word, translate(frame)];
}

/** Where a `/signal` client connects. */
export const signalPath = (code, resume) =>
  `/signal/${code}${resume?.by === 'query' ? `?resumeToken=${encodeURIComponent(resume.token)}` : ''}`;

/** The frame that comes first from a client that comes back and does not say so in the query. */
export const resumeFrames = (resume) => (resume?.by === 'frame' ? [{ type: 'resume', resumeToken: resume.token }] : []);

/** A guest that speaks the frames of `/signal/{roomId}`. */
export class SignalGuest extends Guest {
  static kind = '/signal';

  /** Connects, which joins. */
  static async arrive(t, gateway, who, { code, via, resume } = {}) {
    const node = via?.node ?? gateway.next();
    const guest = new SignalGuest(who, { node, code, gateway });
    const token = await gateway.identity.token({ sub: who.userId, username: who.username });
    guest.wire = new Wire(via ?? node, signalPath(code, resume), { token, owner: who.username, first: resumeFrames(resume) });
    guest.ended = guest.wire.ended;
    const add = guest.wire.frames.add.bind(guest.wire.frames);
    guest.wire.frames.add = (type, [frame]) => {
      add(type, [frame]);
      const words = signalWords(frame);
      if (words) guest.note(words);
    };
    t.after(() => guest.wire.ws.terminate());
    await within(guest.wire.opened, `${who.username} to connect to /signal`);
    return guest;
  }

  get ownName() {
    return this.userId;
  }

  calls(other) {
    return other.userId;
  }

  /** A description is an object here: one that was sent as text is put into one. */
  receives(what, body) {
    return what !== 'ice' && typeof body === 'string' ? { type: what, sdp: body } : body;
  }

  /** @param {any} frame */
  send(frame) {
    this.wire.send({ senderId: this.userId, ...frame });
  }

  signal(what, target, body) {
    const targetId = target === null ? {} : { targetId: target.userId ?? target };
    const content = what === 'ice' ? { type: 'ice', candidate: body } : { type: 'sdp', sdp: body };
    this.send({ ...content, ...targetId });
  }

  async chat(content, clientMessageId) {
    const mark = this.wire.frames.mark();
    this.send({ type: 'chat', content, clientMessageId });
    const { id, timestamp } = await this.wire.frame('chat-ack', (ack) => ack.clientMessageId === clientMessageId, mark);
    return { id, timestamp };
  }

  sayUnheard(content) {
    this.send({ type: 'chat', content });
  }

  kick(target, reason) {
    this.send({ type: 'kick', targetId: target.userId ?? target, reason });
  }

  appoint(target) {
    this.send({ type: 'host-change', hostId: target.userId ?? target });
  }

  async leave() {
    this.send({ type: 'leave' });
    await this.gone();
  }

  close() {
    this.wire.ws.close(1000);
  }

  terminate() {
    this.wire.ws.terminate();
  }
}
