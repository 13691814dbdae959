import { batch } from '@preact/signals';
import type { RoomSnapshot } from '../protocol/types';
import type { LocalMedia } from '../rtc/media';
import { iceProblemText, type IceProblem, type IceSettings } from '../rtc/ice';
import { Mesh } from '../rtc/mesh';
import type { MediaSession } from '../rtc/session';
import { SfuRequests } from '../rtc/sfu/requests';
import { SfuSession } from '../rtc/sfu/session';
import type { SignallingClient } from '../signalling/client';
import { afresh, reconcile, type RoomState } from '../state/room';
import * as store from '../state/store';
import { switchover, type ModeNews } from '../state/switchover';
import { record } from './inspector';
import type { Relays } from './relays';
import { Reports } from './reports';

/**
 * The media of the call. Which way it goes is the room's mode, and this is the one place that
 * chooses: a Mesh, or an SfuSession, and another one whenever the room turns.
 */
export class Conference {
  private session: MediaSession | null = null;
  private readonly reports: Reports;

  constructor(
    private readonly client: SignallingClient,
    private readonly media: LocalMedia,
    private readonly relays: Relays,
    private readonly online: () => boolean,
  ) {
    this.reports = new Reports(client, online);
  }

  /** Null in a room with a media server: what a mesh is sent then comes too late. */
  get mesh(): Mesh | null {
    return this.session instanceof Mesh ? this.session : null;
  }

  get sfu(): SfuSession | null {
    return this.session instanceof SfuSession ? this.session : null;
  }

  /** Brings the media in line with the room as the gateway tells it, at the start and after each return. */
  follow(before: RoomState | null, next: RoomState, snapshot: RoomSnapshot): void {
    store.iceServers.value = snapshot.iceServers ?? [];
    store.iceProblem.value = null;
    const joined = reconcile(before, next, this.session?.peerIds ?? []);
    // What is held for connections of the peer we no longer are is of no use.
    if (joined.startOver) this.relays.clear();
    const { session, replaced } = this.choose({ mode: next.mode, startOver: joined.startOver });
    const plan = replaced && !joined.startOver ? afresh(next) : joined;
    session.follow({ selfId: next.selfId, ice: this.ice, plan, producers: snapshot.producers ?? null });
  }

  /** The room says how it carries media from now on. False if that is nothing new. */
  turn(room: RoomState, reason: string): boolean {
    const { session, replaced } = this.choose({ mode: room.mode, reason });
    if (replaced) session.follow({ selfId: room.selfId, ice: this.ice, plan: afresh(room), producers: null });
    return replaced;
  }

  /** Newer credentials for the TURN servers. */
  renew(servers: RTCIceServer[]): void {
    store.iceServers.value = servers;
    this.session?.configure(this.ice);
  }

  /** Whether media may only go through a TURN server, from now on. */
  relayOnly(on: boolean): void {
    batch(() => {
      store.relayOnly.value = on;
      store.iceProblem.value = null;
    });
    this.session?.configure(this.ice);
  }

  expect(peerId: string): void {
    this.session?.expect(peerId);
  }

  remove(peerId: string): void {
    this.session?.remove(peerId);
  }

  updateTracks(): void {
    this.session?.updateTracks();
    this.mesh?.broadcast({ kind: 'media', ...this.media.state });
  }

  /** Goes from page to page, and so only in a mesh. */
  react(emoji: string): void {
    this.mesh?.broadcast({ kind: 'reaction', emoji });
  }

  async measure(): Promise<void> {
    await this.session?.measure();
  }

  close(): void {
    this.relays.clear();
    this.session?.close();
    this.session = null;
    store.sfu.value = null;
  }

  private get ice(): IceSettings {
    return { servers: store.iceServers.value, relayOnly: store.relayOnly.value };
  }

  private noteIceProblem(problem: IceProblem): void {
    store.iceProblem.value = iceProblemText(problem, store.relayOnly.value) ?? store.iceProblem.value;
  }

  private choose(news: ModeNews): { session: MediaSession; replaced: boolean } {
    if (this.session && switchover(this.session.mode, news) === 'keep') return { session: this.session, replaced: false };
    return batch(() => {
      this.close();
      const session = news.mode === 'sfu' ? this.newSfuSession() : this.newMesh();
      this.session = session;
      return { session, replaced: true };
    });
  }

  private dropPeer(peerId: string): void {
    this.reports.forget(peerId);
    store.dropPeer(peerId);
  }

  private newMesh(): Mesh {
    return new Mesh(this.media.tracks, {
      relay: (event, payload) => this.relays.send(event, payload),
      changed: (link) => {
        this.reports.changed(link.peerId, link.state);
        store.updatePeer(link.peerId, { state: link.state, stream: link.stream });
      },
      removed: (peerId) => this.dropPeer(peerId),
      direct: (peerId, message) => {
        if (message.kind === 'reaction') store.showReaction(peerId, message.emoji);
        else store.updatePeer(peerId, { media: { mic: message.mic, cam: message.cam, screen: message.screen } });
      },
      channelOpen: (link) => link.sendDirect({ kind: 'media', ...this.media.state }),
      iceProblem: (problem) => this.noteIceProblem(problem),
      measured: (peerId, stats) => store.updatePeer(peerId, { stats }),
      online: this.online,
    });
  }

  private newSfuSession(): SfuSession {
    const requests = new SfuRequests((event, payload, timeoutMs) => this.client.request(event, payload, timeoutMs));
    return new SfuSession(requests, this.media.sources, {
      changed: (peerId, peer) => {
        this.reports.changed(peerId, peer.state);
        store.updatePeer(peerId, peer);
      },
      removed: (peerId) => this.dropPeer(peerId),
      measured: (report) => (store.sfu.value = report),
      noted: (what, detail) => record('sys', what, detail),
      problem: (text, detail) => store.toast('bad', text, detail),
      iceProblem: (problem) => this.noteIceProblem(problem),
      online: this.online,
    });
  }
}
