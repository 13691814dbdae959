import { CHANNEL_LABEL, decodeDirect, encodeDirect, type DirectMessage } from '../protocol/dataChannel';
import type { WireCandidate } from '../protocol/types';
import { iceConfiguration, type IceProblem, type IceSettings } from './ice';
import { isPolite, Negotiation, type DescriptionSink } from './negotiation';
import { remedyFor, type LinkHealth } from './recovery';
import { connectionKey } from './sdp';

export interface LocalTracks {
  audio: MediaStreamTrack | null;
  video: MediaStreamTrack | null;
}

export interface PeerLinkEvents extends DescriptionSink {
  ice(candidate: RTCIceCandidateInit | null): void;
  changed(link: PeerLink): void;
  direct(message: DirectMessage): void;
  channelOpen(): void;
  iceProblem(problem: IceProblem): void;
}

/**
 * The connection to one peer over the time it is in the room. The RTCPeerConnection inside is
 * replaced when either side starts over (a reload makes a new one there).
 */
export class PeerLink {
  readonly polite: boolean;
  stream = new MediaStream();
  pc: RTCPeerConnection | null = null;
  private negotiation: Negotiation | null = null;
  private channel: RTCDataChannel | null = null;
  private remoteKey: string | null = null;
  /** Incoming messages one after the other: a candidate must not overtake its description. */
  private inbox: Promise<void> = Promise.resolve();
  private stateSince = performance.now();
  private restartedAt = -Infinity;
  private closed = false;

  constructor(
    selfId: string,
    readonly peerId: string,
    private ice: IceSettings,
    private readonly tracks: () => LocalTracks,
    private readonly events: PeerLinkEvents,
  ) {
    this.polite = isPolite(selfId, peerId);
  }

  get state(): RTCPeerConnectionState | 'none' {
    return this.pc?.connectionState ?? 'none';
  }

  /** Starts (over) as the offering side. Adding the transceivers makes negotiationneeded fire. */
  call(): void {
    const pc = this.open();
    const { audio, video } = this.tracks();
    pc.addTransceiver(audio ?? 'audio', { direction: 'sendrecv' });
    pc.addTransceiver(video ?? 'video', { direction: 'sendrecv' });
    this.openChannel(pc);
  }

  takeDescription(description: RTCSessionDescriptionInit): void {
    this.enqueue(() => this.handleDescription(description));
  }

  takeCandidate(candidate: WireCandidate): void {
    this.enqueue(async () => this.negotiation?.takeCandidate(candidate));
  }

  sendDirect(message: DirectMessage): void {
    if (this.channel?.readyState === 'open') this.channel.send(encodeDirect(message));
  }

  /** Fixed transceivers: switching a device never needs a renegotiation. */
  async updateTracks(): Promise<void> {
    const tracks = this.tracks();
    for (const kind of ['audio', 'video'] as const) {
      const sender = this.transceiver(kind)?.sender;
      if (sender && sender.track !== tracks[kind]) await sender.replaceTrack(tracks[kind]).catch(() => undefined);
    }
  }

  /**
   * What is up stays up on what it has, unless it has to go `otherWays`: browsers keep to a path that
   * works, an ICE restart notwithstanding, and so the call is made anew.
   */
  configure(ice: IceSettings, otherWays: boolean): void {
    this.ice = ice;
    if (!this.pc) return;
    if (otherWays) this.call();
    else this.pc.setConfiguration(this.configuration);
  }

  tick(online: boolean): void {
    const remedy = remedyFor(this.health(online));
    if (remedy === 'none') return;
    this.restartedAt = performance.now();
    if (remedy === 'restart-ice') this.pc?.restartIce();
    else this.call();
  }

  close(): void {
    this.closed = true;
    this.discard();
  }

  private get configuration(): RTCConfiguration {
    return { ...iceConfiguration(this.ice), bundlePolicy: 'max-bundle' };
  }

  private health(online: boolean): LinkHealth {
    const now = performance.now();
    return {
      state: this.state,
      iceState: this.pc?.iceConnectionState ?? 'none',
      forMs: now - this.stateSince,
      polite: this.polite,
      online,
      restartedAgoMs: now - this.restartedAt,
    };
  }

  private enqueue(task: () => Promise<unknown>): void {
    this.inbox = this.inbox.then(async () => {
      if (this.closed) return;
      try {
        await task();
      } catch {
        // Whatever could not be applied leaves the connection as it was; tick() mends what stays broken.
      }
    });
  }

  private async handleDescription(description: RTCSessionDescriptionInit): Promise<void> {
    const key = connectionKey(description.sdp ?? '');
    const startedOver = this.remoteKey !== null && key !== this.remoteKey;
    if (description.type === 'offer') {
      // Rolling a first offer back would leave its transceivers behind unused, so give way with a
      // new connection instead. An impolite side in the same spot ignores the offer below.
      const firstGlare = this.polite && this.remoteKey === null && this.negotiation?.wouldCollide;
      if (this.pc === null || startedOver || firstGlare) this.open();
    } else if (startedOver) {
      // It answered with a connection we do not know: only a new round can bring both together.
      this.call();
      return;
    }
    try {
      await this.apply(description, key);
    } catch {
      if (description.type !== 'offer') return this.call();
      this.open();
      await this.apply(description, key);
    }
  }

  private async apply(description: RTCSessionDescriptionInit, key: string): Promise<void> {
    const outcome = await this.negotiation?.takeDescription(description);
    if (outcome === 'applied') this.remoteKey = key;
  }

  private open(): RTCPeerConnection {
    this.discard();
    const pc = new RTCPeerConnection(this.configuration);
    this.pc = pc;
    this.negotiation = new Negotiation(pc, this.polite, this.events, () => this.attachTracks(pc));
    const negotiation = this.negotiation;
    pc.onnegotiationneeded = () => void negotiation.makeOffer().catch(() => undefined);
    pc.onicecandidate = ({ candidate }) => this.events.ice(candidate?.toJSON() ?? null);
    pc.onicecandidateerror = ({ url, errorCode, errorText }) => this.events.iceProblem({ url, errorCode, errorText });
    pc.ontrack = ({ track }) => this.adoptTrack(track);
    const onState = () => {
      this.stateSince = performance.now();
      this.events.changed(this);
    };
    pc.onconnectionstatechange = onState;
    pc.oniceconnectionstatechange = onState;
    onState();
    return pc;
  }

  private discard(): void {
    const pc = this.pc;
    if (!pc) return;
    pc.onnegotiationneeded = pc.onicecandidate = pc.onicecandidateerror = pc.ontrack = null;
    pc.onconnectionstatechange = pc.oniceconnectionstatechange = null;
    if (this.channel) this.channel.onopen = this.channel.onmessage = null;
    pc.close();
    this.pc = this.channel = this.negotiation = this.remoteKey = null;
    this.stream = new MediaStream();
  }

  /** As the answering side, use the transceivers the offer made. */
  private async attachTracks(pc: RTCPeerConnection): Promise<void> {
    for (const kind of ['audio', 'video'] as const) {
      const transceiver = this.transceiver(kind);
      if (transceiver?.direction === 'recvonly') transceiver.direction = 'sendrecv';
    }
    await this.updateTracks();
    if (!this.channel) this.openChannel(pc);
  }

  /** Agreed in advance under id 0, so neither side has to wait for the other to open it. */
  private openChannel(pc: RTCPeerConnection): void {
    const channel = pc.createDataChannel(CHANNEL_LABEL, { negotiated: true, id: 0 });
    channel.onopen = () => this.events.channelOpen();
    channel.onmessage = ({ data }) => {
      const message = decodeDirect(data);
      if (message) this.events.direct(message);
    };
    this.channel = channel;
  }

  private transceiver(kind: 'audio' | 'video'): RTCRtpTransceiver | undefined {
    return this.pc?.getTransceivers().find((t) => t.receiver.track.kind === kind);
  }

  private adoptTrack(track: MediaStreamTrack): void {
    for (const old of this.stream.getTracks()) if (old.kind === track.kind) this.stream.removeTrack(old);
    this.stream.addTrack(track);
    this.events.changed(this);
  }
}
