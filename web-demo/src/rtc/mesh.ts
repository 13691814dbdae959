import type { DirectMessage } from '../protocol/dataChannel';
import type { RelayedAnswer, RelayedIce, RelayedOffer, RequestPayloads } from '../protocol/types';
import type { Reconciliation } from '../state/room';
import { PeerLink, type LocalTracks } from './peerLink';

export type RelayEvent = 'webrtc:offer' | 'webrtc:answer' | 'webrtc:ice';

export interface MeshHooks {
  relay<E extends RelayEvent>(event: E, payload: RequestPayloads[E]): void;
  changed(link: PeerLink): void;
  removed(peerId: string): void;
  direct(peerId: string, message: DirectMessage): void;
  channelOpen(link: PeerLink): void;
  online(): boolean;
}

/** One PeerLink per other peer in a p2p room. */
export class Mesh {
  readonly links = new Map<string, PeerLink>();
  private selfId = '';
  private iceServers: RTCIceServer[] = [];
  private ticker: ReturnType<typeof setInterval> | undefined;

  constructor(
    private readonly tracks: () => LocalTracks,
    private readonly hooks: MeshHooks,
  ) {}

  /**
   * Brings the connections in line with a fresh peer list. Who comes in calls everybody that is
   * there; who was there waits for that call. After a resume only newcomers are missing from the
   * list of connections, and those call by themselves.
   */
  follow(selfId: string, iceServers: RTCIceServer[], plan: Reconciliation): void {
    this.selfId = selfId;
    this.iceServers = iceServers;
    plan.drop.forEach((id) => this.remove(id));
    plan.add.forEach((id) => (plan.startOver ? this.ensure(id).call() : this.expect(id)));
    this.ticker ??= setInterval(() => this.tick(), 1000);
  }

  /** A newcomer: its offer is on the way. */
  expect(peerId: string): void {
    this.hooks.changed(this.ensure(peerId));
  }

  remove(peerId: string): void {
    this.links.get(peerId)?.close();
    this.links.delete(peerId);
    this.hooks.removed(peerId);
  }

  takeOffer({ from, offer }: RelayedOffer): void {
    this.ensure(from).takeDescription(offer);
  }

  takeAnswer({ from, answer }: RelayedAnswer): void {
    this.links.get(from)?.takeDescription(answer);
  }

  takeIce({ from, candidate }: RelayedIce): void {
    this.links.get(from)?.takeCandidate(candidate);
  }

  updateTracks(): void {
    for (const link of this.links.values()) void link.updateTracks();
  }

  broadcast(message: DirectMessage): void {
    for (const link of this.links.values()) link.sendDirect(message);
  }

  close(): void {
    clearInterval(this.ticker);
    this.ticker = undefined;
    [...this.links.keys()].forEach((id) => this.remove(id));
  }

  private tick(): void {
    for (const link of this.links.values()) link.tick(this.hooks.online());
  }

  private ensure(peerId: string): PeerLink {
    const known = this.links.get(peerId);
    if (known) return known;
    const { hooks } = this;
    const link: PeerLink = new PeerLink(this.selfId, peerId, this.iceServers, this.tracks, {
      offer: (offer) => hooks.relay('webrtc:offer', { targetPeerId: peerId, offer }),
      answer: (answer) => hooks.relay('webrtc:answer', { targetPeerId: peerId, answer }),
      ice: (candidate) => hooks.relay('webrtc:ice', { targetPeerId: peerId, candidate }),
      changed: () => hooks.changed(link),
      direct: (message) => hooks.direct(peerId, message),
      channelOpen: () => hooks.channelOpen(link),
    });
    this.links.set(peerId, link);
    return link;
  }
}
