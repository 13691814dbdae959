import type { MediaState } from '../../protocol/dataChannel';
import { SignalError } from '../../protocol/errors';
import type { ProducerClosed, ProducerInfo } from '../../protocol/types';
import { NO_ICE, type IceProblem, type IceSettings } from '../ice';
import type { MediaSession, Surroundings } from '../session';
import * as announced from './announced';
import { SfuConnection } from './connection';
import { FlowWatch } from './flow';
import { SfuMeter, type SfuReport } from './meter';
import { peerState } from './peerState';
import { Persistent } from './persistent';
import { Rejections } from './rejections';
import { REBUILDS_MAX, remedyForError, retryDelayMs } from './remedies';
import type { SfuRequests } from './requests';
import type { OutgoingTracks } from './senders';

/** What is known of a peer, for its tile. */
export interface SfuPeer {
  state: RTCPeerConnectionState;
  stream: MediaStream;
  media: MediaState;
}

export interface SfuHooks {
  changed(peerId: string, peer: SfuPeer): void;
  removed(peerId: string): void;
  measured(report: SfuReport): void;
  /** For the event log: what went wrong, and what is done about it. */
  noted(what: string, detail: Record<string, unknown>): void;
  problem(text: string, detail?: string): void;
  iceProblem(problem: IceProblem): void;
  online(): boolean;
}

/** Within two of these it shows that somebody has muted. */
const TICK_MS = 500;

const SOURCE_NAME: Record<announced.Source, string> = { mic: 'microphone', cam: 'camera', screen: 'screen' };

/** The media of a room that has a media server: what is sent there, and what the others send. */
export class SfuSession implements MediaSession {
  readonly mode = 'sfu';
  private readonly streams = new Map<string, MediaStream>();
  private announcements = announced.NONE;
  /** What was announced may not be all there is. */
  private listOutdated = true;
  private ice: IceSettings = NO_ICE;
  private connection: SfuConnection | null = null;
  private meter = new SfuMeter();
  private flow = new FlowWatch();
  private rebuilds = 0;
  private readonly rejections = new Rejections();
  private givenUp = false;
  /** People know that nothing can be had of the media server at the moment. */
  private away = false;
  private closed = false;
  private readonly ticker = setInterval(() => this.tick(), TICK_MS);
  private readonly building = new Persistent(() => this.build(), (error) => this.retries(error, true));
  private readonly sending = new Persistent(() => this.syncSenders(), (error) => this.retries(error));
  private readonly receiving = new Persistent(() => this.syncReceivers(), (error) => this.retries(error));
  private readonly mending = new Persistent(() => this.within((connection) => connection.restartIce()), (error) => this.retries(error));

  constructor(
    private readonly requests: SfuRequests,
    private readonly tracks: () => OutgoingTracks,
    private readonly hooks: SfuHooks,
  ) {}

  get peerIds(): Iterable<string> {
    return this.streams.keys();
  }

  /** After a resume the gateway and the media server have kept everything: the session just goes on. */
  follow({ ice, plan, producers }: Surroundings): void {
    this.configure(ice);
    plan.drop.forEach((id) => this.remove(id));
    for (const id of [...plan.call, ...plan.expect]) this.expect(id);
    if (producers) this.takeList(this.announcements, producers);
    this.listOutdated = producers === null;
    this.pokeAll();
  }

  /** Transports cannot change their ways, so others take their place. */
  configure(ice: IceSettings): void {
    const otherWays = ice.relayOnly !== this.ice.relayOnly;
    this.ice = ice;
    if (otherWays && this.connection) {
      this.givenUp = false;
      this.rebuilds = 0;
      this.rebuild();
    } else {
      void this.connection?.updateServers(ice.servers).catch(() => undefined);
    }
  }

  expect(peerId: string): void {
    if (!this.streams.has(peerId)) this.streams.set(peerId, new MediaStream());
    this.show(peerId);
  }

  remove(peerId: string): void {
    this.announcements = announced.retractPeer(this.announcements, peerId);
    this.closeUnwanted();
    this.streams.delete(peerId);
    this.hooks.removed(peerId);
  }

  takeProducer(info: ProducerInfo): void {
    this.announcements = announced.announce(this.announcements, info);
    this.show(info.peerId);
    this.receiving.poke();
  }

  takeClosed({ producerId, peerId }: ProducerClosed): void {
    this.announcements = announced.retract(this.announcements, producerId);
    this.closeUnwanted();
    this.show(peerId);
    // An older one of the same source may be all that is left.
    this.receiving.poke();
  }

  updateTracks(): void {
    this.sending.poke();
  }

  async measure(): Promise<void> {
    try {
      const report = await this.meter.read(this.connection, this.announcements);
      if (!this.closed) this.hooks.measured(report);
    } catch {
      // Closed while it was read.
    }
  }

  close(): void {
    this.closed = true;
    clearInterval(this.ticker);
    for (const task of [this.building, this.sending, this.receiving, this.mending]) task.stop();
    this.connection?.close();
    this.connection = null;
    for (const peerId of [...this.streams.keys()]) this.hooks.removed(peerId);
    this.streams.clear();
  }

  private pokeAll(): void {
    this.building.poke();
    this.sending.poke();
    this.receiving.poke();
  }

  private async build(): Promise<void> {
    if (this.connection || this.givenUp) return;
    const { ice } = this;
    const connection = await SfuConnection.open(this.requests, ice, {
      transportChanged: () => this.showAll(),
      receiving: (peerId) => this.show(peerId),
      iceProblem: (problem) => this.hooks.iceProblem(problem),
      rejected: (source, error) => this.onRejection(source, error),
    });
    if (this.closed) return connection.close();
    if (ice.relayOnly !== this.ice.relayOnly) {
      connection.close();
      return this.build();
    }
    this.away = false;
    this.connection = connection;
    this.pokeAll();
    this.showAll();
  }

  /** Works with the connection there is. What fails since it was replaced meanwhile does not count. */
  private async within(work: (connection: SfuConnection) => Promise<void>): Promise<void> {
    const { connection } = this;
    if (!connection) return;
    try {
      await work(connection);
    } catch (error) {
      if (this.connection === connection) throw error;
    }
  }

  private syncSenders(): Promise<void> {
    return this.within(({ senders }) => senders.sync(this.rejections.sift(this.tracks())));
  }

  private syncReceivers(): Promise<void> {
    return this.within(async (connection) => {
      if (this.listOutdated) await this.refreshList();
      this.closeUnwanted();
      const { open } = announced.changes(this.announcements, connection.receivers.held.keys());
      await connection.receivers.open(open, (id) => this.connection === connection && this.announcements.has(id));
    });
  }

  private async refreshList(): Promise<void> {
    const asked = this.announcements;
    this.listOutdated = false;
    try {
      this.takeList(asked, await this.requests.producers());
    } catch (error) {
      this.listOutdated = true;
      throw error;
    }
    this.showAll();
  }

  private takeList(asked: announced.Announcements, list: readonly ProducerInfo[]): void {
    const ofOthers = list.filter(({ peerId }) => this.streams.has(peerId));
    this.announcements = announced.refresh(asked, this.announcements, ofOthers);
  }

  private closeUnwanted(): void {
    const receivers = this.connection?.receivers;
    if (!receivers) return;
    for (const id of announced.changes(this.announcements, receivers.held.keys()).close) {
      receivers.close(id);
      this.flow.forget(id);
    }
  }

  /** Without a connection there is nothing; without one of the tracks there is the rest. */
  private retries(error: unknown, vital = false): boolean {
    const remedy = remedyForError(error);
    const code = error instanceof SignalError ? error.code : undefined;
    this.hooks.noted('media server', { code, problem: error instanceof Error ? error.message : String(error), remedy });
    if (code === 'MEDIA_UNAVAILABLE' && !this.away) {
      this.away = true;
      this.hooks.problem('The media server is away.', 'Sound and video come back with it, or without it if the room is small.');
    }
    if (remedy === 'rebuild') this.rebuild();
    if (remedy === 'give-up' && vital) this.giveUp(error);
    else if (remedy === 'give-up') this.hooks.problem('The media server refused something.', error instanceof Error ? error.message : undefined);
    return remedy === 'retry';
  }

  /** Everything anew, over new transports. */
  private rebuild(): void {
    if (this.closed || this.givenUp) return;
    if (++this.rebuilds > REBUILDS_MAX) return this.giveUp(null);
    const old = this.connection;
    this.connection = null;
    this.meter = new SfuMeter();
    this.flow = new FlowWatch();
    this.listOutdated = true;
    if (old) {
      void old.senders.retire();
      old.close();
    }
    this.showAll();
    this.building.later(retryDelayMs(this.rebuilds));
  }

  private giveUp(error: unknown): void {
    if (this.givenUp) return;
    this.givenUp = true;
    this.connection?.close();
    this.connection = null;
    const detail = error instanceof Error ? error.message : 'Leave the room and join it again to try once more.';
    this.hooks.problem('The media server does not take this page.', detail);
    this.showAll();
  }

  private onRejection(source: announced.Source, error: SignalError): boolean {
    const final = this.rejections.note(source);
    if (final) this.hooks.problem(`The media server does not take your ${SOURCE_NAME[source]}.`, error.message);
    return final;
  }

  private tick(): void {
    const { connection } = this;
    if (!connection) return;
    const remedy = connection.remedy(this.hooks.online());
    if (remedy === 'none' && connection.proven) {
      this.rebuilds = 0;
      this.away = false;
    }
    if (remedy !== 'none') this.hooks.noted('media server', { send: connection.send.connectionState, receive: connection.recv.connectionState, remedy });
    if (remedy === 'rebuild') return this.rebuild();
    if (remedy === 'restart-ice') this.mending.poke();
    this.watchFlow(connection);
  }

  private watchFlow({ receivers }: SfuConnection): void {
    const now = performance.now();
    let ask = false;
    for (const { of, consumer } of receivers.held.values()) {
      const stamps = consumer.rtpReceiver?.getSynchronizationSources().map(({ timestamp }) => timestamp) ?? [];
      const stamp = stamps.length > 0 ? Math.max(...stamps) : null;
      const paused = this.announcements.get(of.producerId)?.paused ?? false;
      ask = this.flow.observe(of.producerId, stamp, paused, now) || ask;
    }
    if (!ask) return;
    this.listOutdated = true;
    this.receiving.poke();
  }

  private showAll(): void {
    for (const peerId of this.streams.keys()) this.show(peerId);
  }

  private show(peerId: string): void {
    const stream = this.streams.get(peerId);
    if (!stream || this.closed) return;
    this.fill(stream, peerId);
    this.hooks.changed(peerId, { state: this.stateOf(peerId), stream, media: announced.mediaOf(this.announcements, peerId) });
  }

  /** The stream of a tile: the sound, and the screen rather than the camera. */
  private fill(stream: MediaStream, peerId: string): void {
    const held = [...(this.connection?.receivers.held.values() ?? [])].filter(({ of }) => of.peerId === peerId);
    const trackOf = (source: announced.Source) => held.find(({ of }) => of.source === source)?.consumer.track;
    const tracks = new Set([trackOf('mic'), trackOf('screen') ?? trackOf('cam')].filter((track) => track !== undefined));
    for (const track of stream.getTracks()) if (!tracks.has(track)) stream.removeTrack(track);
    for (const track of tracks) stream.addTrack(track);
  }

  private stateOf(peerId: string): RTCPeerConnectionState {
    const receivers = this.connection?.receivers;
    const theirs = announced.wanted(this.announcements).filter((producer) => producer.peerId === peerId);
    return peerState({
      givenUp: this.givenUp,
      transport: this.connection?.recv.connectionState ?? null,
      expected: theirs.map(({ producerId }) => producerId).filter((id) => !receivers?.refused.has(id)),
      held: receivers?.held ?? new Map(),
    });
  }
}
