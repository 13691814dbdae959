import type { WireCandidate } from '../protocol/types';
import { belongsTo, normaliseCandidate } from './sdp';

/** The part of RTCPeerConnection that negotiation touches; tests bring their own. */
export type NegotiablePc = Pick<
  RTCPeerConnection,
  'signalingState' | 'localDescription' | 'remoteDescription' | 'setLocalDescription' | 'setRemoteDescription' | 'addIceCandidate'
>;

export interface DescriptionSink {
  offer(description: RTCSessionDescriptionInit): void;
  answer(description: RTCSessionDescriptionInit): void;
}

export type Outcome = 'applied' | 'ignored';

/**
 * Both sides must come to opposite results with nothing but what they know: the peer whose id sorts
 * first (plain string comparison) is polite and gives way when two offers cross.
 */
export function isPolite(selfId: string, peerId: string): boolean {
  return selfId < peerId;
}

/** Perfect negotiation, as in the WebRTC specification, for one RTCPeerConnection. */
export class Negotiation {
  private makingOffer = false;
  private settingAnswer = false;
  private ignoringOffer = false;
  private early: (RTCIceCandidateInit | null)[] = [];

  constructor(
    private readonly pc: NegotiablePc,
    private readonly polite: boolean,
    private readonly send: DescriptionSink,
    /** Runs between taking an offer and answering it: the place to attach our own tracks. */
    private readonly beforeAnswer: () => Promise<void>,
  ) {}

  /** True when an offer that arrives now would cross one of ours. */
  get wouldCollide(): boolean {
    return this.makingOffer || (this.pc.signalingState !== 'stable' && !this.settingAnswer);
  }

  async makeOffer(): Promise<void> {
    try {
      this.makingOffer = true;
      await this.pc.setLocalDescription();
      const local = this.pc.localDescription;
      // An offer of theirs may have come first; then this is the answer, sent over there.
      if (local?.type === 'offer') this.send.offer({ type: 'offer', sdp: local.sdp });
    } finally {
      this.makingOffer = false;
    }
  }

  async takeDescription(description: RTCSessionDescriptionInit): Promise<Outcome> {
    if (description.type === 'offer') {
      this.ignoringOffer = !this.polite && this.wouldCollide;
      if (this.ignoringOffer) return 'ignored';
    } else if (this.pc.signalingState === 'stable') {
      // The answer to an offer that was rolled back.
      return 'ignored';
    }
    this.settingAnswer = description.type === 'answer';
    try {
      await this.pc.setRemoteDescription(description);
    } finally {
      this.settingAnswer = false;
    }
    await this.flushCandidates();
    if (description.type === 'offer') await this.answer();
    return 'applied';
  }

  async takeCandidate(wire: WireCandidate): Promise<void> {
    const candidate = normaliseCandidate(wire);
    if (this.pc.remoteDescription === null) this.early.push(candidate);
    else await this.addCandidate(candidate);
  }

  private async answer(): Promise<void> {
    await this.beforeAnswer();
    await this.pc.setLocalDescription();
    const local = this.pc.localDescription;
    if (local) this.send.answer({ type: 'answer', sdp: local.sdp });
  }

  private async flushCandidates(): Promise<void> {
    const early = this.early;
    this.early = [];
    for (const candidate of early) await this.addCandidate(candidate);
  }

  private async addCandidate(candidate: RTCIceCandidateInit | null): Promise<void> {
    const remote = this.pc.remoteDescription?.sdp ?? '';
    if (candidate !== null && !belongsTo(candidate, remote)) return;
    try {
      // Null means that no more will come, which browsers take as no argument.
      await (candidate === null ? this.pc.addIceCandidate() : this.pc.addIceCandidate(candidate));
    } catch (error) {
      // Candidates of an offer we turned down are expected to fail.
      if (!this.ignoringOffer) throw error;
    }
  }
}
