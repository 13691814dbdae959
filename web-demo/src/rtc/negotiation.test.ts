import { describe, expect, test } from 'vitest';
import { isPolite, Negotiation, type NegotiablePc } from './negotiation';

/** As much of a peer connection as negotiation needs: signalling states, rollback, candidates. */
class FakePc {
  signalingState: RTCSignalingState = 'stable';
  localDescription: RTCSessionDescription | null = null;
  remoteDescription: RTCSessionDescription | null = null;
  candidates: (RTCIceCandidateInit | undefined)[] = [];

  constructor(private readonly name: string) {}

  async setLocalDescription(): Promise<void> {
    await Promise.resolve();
    const type = this.signalingState === 'have-remote-offer' ? 'answer' : 'offer';
    this.localDescription = { type, sdp: sdp(this.name) } as RTCSessionDescription;
    this.signalingState = type === 'answer' ? 'stable' : 'have-local-offer';
  }

  async setRemoteDescription(description: RTCSessionDescriptionInit): Promise<void> {
    await Promise.resolve();
    if (description.type === 'answer' && this.signalingState !== 'have-local-offer') throw new Error('InvalidStateError');
    this.remoteDescription = description as RTCSessionDescription;
    this.signalingState = description.type === 'answer' ? 'stable' : 'have-remote-offer';
  }

  async addIceCandidate(candidate?: RTCIceCandidateInit): Promise<void> {
    this.candidates.push(candidate);
  }
}

const sdp = (name: string) => `a=ice-ufrag:${name}\r\na=fingerprint:sha-256 ${name}\r\n`;
const candidate = (ufrag: string): RTCIceCandidateInit => ({ candidate: 'candidate:1', sdpMid: '0', usernameFragment: ufrag });

function side(name: string, polite: boolean) {
  const pc = new FakePc(name);
  const sent: RTCSessionDescriptionInit[] = [];
  const negotiation = new Negotiation(pc as unknown as NegotiablePc, polite, { offer: (d) => sent.push(d), answer: (d) => sent.push(d) }, async () => undefined);
  return { pc, sent, negotiation };
}

describe('negotiation', () => {
  test('exactly one of two peers is polite', () => {
    expect(isPolite('a', 'b')).toBe(true);
    expect(isPolite('b', 'a')).toBe(false);
  });

  test('an offer is answered and both end up stable', async () => {
    const a = side('a', true);
    const b = side('b', false);
    await a.negotiation.makeOffer();
    expect(await b.negotiation.takeDescription(a.sent[0]!)).toBe('applied');
    expect(await a.negotiation.takeDescription(b.sent[0]!)).toBe('applied');
    expect([a.pc.signalingState, b.pc.signalingState]).toEqual(['stable', 'stable']);
  });

  test('when offers cross the polite side gives way and the other goes on', async () => {
    const polite = side('a', true);
    const other = side('b', false);
    await Promise.all([polite.negotiation.makeOffer(), other.negotiation.makeOffer()]);
    expect(await other.negotiation.takeDescription(polite.sent[0]!)).toBe('ignored');
    expect(await polite.negotiation.takeDescription(other.sent[0]!)).toBe('applied');
    expect(polite.sent[1]?.type).toBe('answer');
    expect(await other.negotiation.takeDescription(polite.sent[1]!)).toBe('applied');
    expect([polite.pc.signalingState, other.pc.signalingState]).toEqual(['stable', 'stable']);
  });

  test('an answer nobody waits for any more is ignored', async () => {
    const a = side('a', true);
    expect(await a.negotiation.takeDescription({ type: 'answer', sdp: sdp('b') })).toBe('ignored');
  });

  test('candidates that come early wait for the description, then go in in order', async () => {
    const b = side('b', false);
    await b.negotiation.takeCandidate(candidate('a'));
    await b.negotiation.takeCandidate('candidate:2');
    await b.negotiation.takeCandidate(null);
    expect(b.pc.candidates).toEqual([]);
    await b.negotiation.takeDescription({ type: 'offer', sdp: sdp('a') });
    expect(b.pc.candidates).toEqual([candidate('a'), { candidate: 'candidate:2', sdpMid: null, sdpMLineIndex: 0 }, undefined]);
  });

  test('candidates of a connection that is over are dropped', async () => {
    const b = side('b', false);
    await b.negotiation.takeDescription({ type: 'offer', sdp: sdp('a') });
    await b.negotiation.takeCandidate(candidate('former'));
    expect(b.pc.candidates).toEqual([]);
  });
});
