import type { DirectMessage } from '../protocol/dataChannel';
import type { RelayedAnswer, RelayedIce, RelayedOffer, RequestPayloads } from '../protocol/types';
import { NO_ICE, type IceProblem, type IceSettings } from './ice';
import { PeerLink, type LocalTracks } from './peerLink';
import { normaliseDescription } from './sdp';
import type { MediaSession, Surroundings } from './session';
import { summarise, type PeerStats, type StatsSample } from './stats';

export type RelayEvent = 'webrtc:offer' | 'webrtc:answer' | 'webrtc:ice';

export interface MeshHooks {
  relay<E extends RelayEvent>(event: E, payload: RequestPayloads[E]): void;
  changed(link: PeerLink): void;
  removed(peerId: string): void;
  direct(peerId: string, message: DirectMessage): void;
  channelOpen(link: PeerLink): void;
  iceProblem(problem: IceProblem): void;
  measured(peerId: string, stats: PeerStats): void;
  online(): boolean;
}

/** The media of a p2p room: one PeerLink per other peer. */
export class Mesh implements MediaSession {
  readonly mode = 'p2p';
  private readonly links = new Map<string, PeerLink>();
  private readonly samples = new Map<string, StatsSample>();
  private selfId = '';
  private ice: IceSettings = NO_ICE;
  private ticker: ReturnType<typeof setInterval> | undefined;

  constructor(
    private readonly tracks: () => LocalTracks,
    private readonly hooks: MeshHooks,
  ) {}

  get peerIds(): Iterable<string> {
    return this.links.keys();
  }

  follow({ selfId, ice, plan }: Surroundings): void {
    this.selfId = selfId;
    plan.drop.forEach((id) => this.remove(id));
    this.configure(ice);
    plan.call.forEach((id) => this.ensure(id).call());
    plan.expect.forEach((id) => this.expect(id));
    this.ticker ??= setInterval(() => this.tick(), 1000);
  }

  /** A newcomer: its offer is on the way. */
  expect(peerId: string): void {
    this.hooks.changed(this.ensure(peerId));
  }

  remove(peerId: string): void {
    this.links.get(peerId)?.close();
    this.links.delete(peerId);
    this.samples.delete(peerId);
    this.hooks.removed(peerId);
  }

  configure(ice: IceSettings): void {
    const otherWays = ice.relayOnly !== this.ice.relayOnly;
    this.ice = ice;
    for (const link of this.links.values()) link.configure(ice, otherWays);
  }

  takeOffer({ from, offer }: RelayedOffer): void {
    this.ensure(from).takeDescription(normaliseDescription('offer', offer));
  }

  takeAnswer({ from, answer }: RelayedAnswer): void {
    this.links.get(from)?.takeDescription(normaliseDescription('answer', answer));
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

  async measure(): Promise<void> {
    for (const [peerId, link] of this.links) {
      if (!link.pc) continue;
      const report = await link.pc.getStats();
      const entries: Parameters<typeof summarise>[0][number][] = [];
      report.forEach((entry) => entries.push(entry));
      const { stats, sample } = summarise(entries, performance.now(), this.samples.get(peerId) ?? null);
      if (!this.links.has(peerId)) continue;
      this.samples.set(peerId, sample);
      this.hooks.measured(peerId, stats);
    }
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
    const link: PeerLink = new PeerLink(this.selfId, peerId, this.ice, this.tracks, {
      offer: (offer) => hooks.relay('webrtc:offer', { targetPeerId: peerId, offer }),
      answer: (answer) => hooks.relay('webrtc:answer', { targetPeerId: peerId, answer }),
      ice: (candidate) => hooks.relay('webrtc:ice', { targetPeerId: peerId, candidate }),
      changed: () => hooks.changed(link),
      direct: (message) => hooks.direct(peerId, message),
      channelOpen: () => hooks.channelOpen(link),
      iceProblem: (problem) => hooks.iceProblem(problem),
    });
    this.links.set(peerId, link);
    return link;
  }
}
