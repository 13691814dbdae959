import { batch } from '@preact/signals';
import { SignalError } from '../protocol/errors';
import type { LeaveReason, RoomModeChanged, RoomResumed, RoomSnapshot } from '../protocol/types';
import { LocalMedia } from '../rtc/media';
import { SignallingClient } from '../signalling/client';
import * as rooms from '../state/room';
import * as store from '../state/store';
import { modeNotice } from '../state/switchover';
import { Chatter } from './chatter';
import * as account from './account';
import { Conference } from './conference';
import { record } from './inspector';
import { Pulse } from './pulse';
import { Relays } from './relays';

const GONE: Record<LeaveReason, string> = {
  left: 'left',
  disconnected: 'lost the connection',
  kicked: 'was removed by the host',
  'node-lost': 'lost the connection',
};

/** The call as a whole: what the gateway says, what the person does, and the peers in between. */
export class Call {
  readonly media = new LocalMedia();
  readonly client: SignallingClient;
  readonly conference: Conference;
  readonly chatter: Chatter;
  private readonly relays: Relays;
  private readonly pulse: Pulse;
  private resumeToken: string | null = null;
  /** Who was in the room before us, from the page before a reload. */
  private older: readonly string[] | null = null;
  /** Between `connect` and the gateway's word on which room and peer we are. */
  private settled = false;

  constructor() {
    this.client = new SignallingClient(
      {
        onConnect: () => this.onConnect(),
        onDisconnect: (reason) => this.onDisconnect(reason),
        onConnectError: (message, willRetry) => this.onConnectError(message, willRetry),
        onTransport: (name) => (store.transport.value = name),
        record,
      },
      () => this.resumeToken,
    );
    const online = () => this.settled && this.client.connected;
    this.relays = new Relays(this.client, online);
    this.conference = new Conference(this.client, this.media, this.relays, online);
    this.chatter = new Chatter(this.client);
    this.pulse = new Pulse(this.client, this.conference);
    this.media.onChange = () => this.conference.updateTracks();
    this.listen();
  }

  get ticket() {
    return { resumeToken: this.resumeToken, mic: this.media.mic.value, cam: this.media.cam.value, older: store.room.value?.older ?? [] };
  }

  enter(code: string, resumeToken: string | null = null, older: readonly string[] | null = null): void {
    batch(() => {
      store.roomCode.value = code;
      store.endNotice.value = null;
      store.joining.value = true;
      store.link.value = 'connecting';
    });
    this.resumeToken = resumeToken;
    this.older = older;
    this.client.connect();
  }

  async leave(): Promise<void> {
    if (this.client.connected) await this.client.request('leave:room', undefined, 1500).catch(() => undefined);
    this.end(null);
  }

  cut(restoreAfterMs: number | null): void {
    store.restoreAt.value = restoreAfterMs === null ? null : performance.now() + restoreAfterMs;
    this.client.cut(restoreAfterMs);
  }

  async kick(targetPeerId: string, reason: string): Promise<void> {
    const name = rooms.nameOf(store.room.value, targetPeerId);
    try {
      await this.client.request('peer:kick', reason ? { targetPeerId, reason } : { targetPeerId });
    } catch (error) {
      store.toast('bad', `${name} could not be removed.`, error instanceof Error ? error.message : undefined);
    }
  }

  react(emoji: string): void {
    this.conference.react(emoji);
    store.showReaction(store.room.value?.selfId ?? '', emoji);
  }

  private listen(): void {
    const { client, conference } = this;
    client.on('room:joined', (e) => this.onRoom(e));
    client.on('room:resumed', (e) => this.onResumed(e));
    client.on('room:mode', (e) => this.onMode(e));
    client.on('room:kicked', ({ reason }) => this.end(`The host removed you from the room${reason ? `: “${reason}”` : '.'}`));
    client.on('peer:joined', (e) => {
      if (!store.room.value) return;
      store.room.value = rooms.withPeer(store.room.value, e);
      if (e.peerId !== store.room.value.selfId) conference.expect(e.peerId);
      store.toast('info', `${e.userInfo.username} joined`);
    });
    client.on('peer:left', ({ peerId, reason }) => this.onLeft(peerId, reason));
    client.on('host:changed', ({ hostId }) => this.onHost(hostId));
    client.on('webrtc:offer', (e) => this.isMember(e.from) && conference.mesh?.takeOffer(e));
    client.on('webrtc:answer', (e) => conference.mesh?.takeAnswer(e));
    client.on('webrtc:ice', (e) => conference.mesh?.takeIce(e));
    client.on('sfu_new_producer', (e) => this.isMember(e.peerId) && conference.sfu?.takeProducer(e));
    client.on('sfu_producer_closed', (e) => conference.sfu?.takeClosed(e));
    client.on('chat_message', (e) => this.chatter.receive(e));
    client.on('error', (e) => store.toast('bad', e.message, [e.event, e.code].filter(Boolean).join(' · ')));
    client.on('auth:expiring', () => void this.onExpiring());
    client.on('ice:servers', ({ iceServers }) => conference.renew(iceServers));
    client.on('server:draining', ({ reconnectAfterMs }) => this.onDraining(reconnectAfterMs));
  }

  /** Something may still come in of somebody whose leaving we already heard of. */
  private isMember(peerId: string): boolean {
    return store.room.value?.peers.some((p) => p.id === peerId) ?? false;
  }

  private onConnect(): void {
    batch(() => {
      store.link.value = 'online';
      store.restoreAt.value = null;
      store.draining.value = false;
    });
    // Also after a resume: joining the room one is in only repeats room:joined, and when the window
    // has passed it is what brings us back.
    void this.join(store.roomCode.value);
  }

  private async join(roomCode: string): Promise<void> {
    try {
      await this.client.request('join:room', { roomCode });
    } catch (error) {
      if (error instanceof SignalError && error.isLinkLoss) return;
      this.end(error instanceof Error ? error.message : 'The room could not be joined.');
    }
  }

  private onDisconnect(reason: string): void {
    this.settled = false;
    if (store.phase.value !== 'call' && !store.joining.value) return;
    store.link.value = this.client.isCut ? 'cut' : 'reconnecting';
    store.transport.value = null;
    store.roundTripMs.value = null;
    // Socket.IO does not come back by itself when the server closed the connection.
    if (reason === 'io server disconnect') this.client.connect();
  }

  private onConnectError(message: string, willRetry: boolean): void {
    if (message === 'Authentication error') {
      this.end(null);
      account.forget();
      store.phase.value = 'login';
      store.toast('bad', 'Your session has ended. Please sign in again.');
      return;
    }
    if (store.phase.value === 'call') store.link.value = 'reconnecting';
    if (!willRetry) setTimeout(() => store.link.value !== 'offline' && this.client.connect(), 1500);
  }

  private onResumed(snapshot: RoomResumed): void {
    // Without a token of ours the gateway offers a peer that another tab left behind a moment ago,
    // perhaps in another room. The join that is on its way settles where this page belongs.
    if (this.resumeToken === null) return;
    this.onRoom(snapshot);
    const { missed } = snapshot;
    const detail = missed === 0 ? 'Nothing was missed.' : `${missed} missed ${missed === 1 ? 'event was' : 'events were'} replayed.`;
    store.toast('good', 'Connection resumed – same peer, same room.', detail);
  }

  private onRoom(snapshot: RoomSnapshot): void {
    this.resumeToken = snapshot.resumeToken ?? this.resumeToken;
    const before = store.room.value;
    const next = rooms.fromSnapshot(snapshot, before, this.older);
    batch(() => {
      store.room.value = next;
      store.joining.value = false;
      store.phase.value = 'call';
      this.conference.follow(before, next, snapshot);
    });
    if (this.settled) return;
    this.settled = true;
    this.relays.release(new Set(next.peers.map((p) => p.id)));
    this.pulse.start();
    void this.chatter.catchUp();
  }

  private onMode({ mode, reason }: RoomModeChanged): void {
    if (!store.room.value) return;
    const room = { ...store.room.value, mode };
    const turned = batch(() => {
      store.room.value = room;
      return this.conference.turn(room, reason);
    });
    // After a resume the same news comes twice.
    if (!turned) return;
    const { text, detail } = modeNotice(mode, reason);
    store.toast('info', text, detail);
  }

  private onLeft(peerId: string, reason: LeaveReason): void {
    if (!store.room.value) return;
    const name = rooms.nameOf(store.room.value, peerId);
    const known = store.room.value.peers.some((p) => p.id === peerId);
    store.room.value = rooms.withoutPeer(store.room.value, peerId);
    this.conference.remove(peerId);
    if (known) store.toast('info', `${name} ${GONE[reason] ?? 'left'}`);
  }

  private onHost(hostId: string): void {
    const before = store.room.value;
    if (!before || before.hostId === hostId) return;
    store.room.value = { ...before, hostId };
    store.toast('info', hostId === before.selfId ? 'You are the host now.' : `${rooms.nameOf(before, hostId)} is the host now.`);
  }

  private async onExpiring(): Promise<void> {
    const renewed = await account.renew();
    store.toast(renewed ? 'info' : 'bad', renewed ? 'Your session was renewed.' : 'Your session ends soon. Sign in again to stay.');
  }

  private onDraining(reconnectAfterMs: number): void {
    store.draining.value = true;
    store.toast('info', 'The gateway is about to restart.', `Reconnecting in ${Math.round(reconnectAfterMs / 100) / 10} s.`);
    setTimeout(() => {
      if (store.draining.value && this.client.connected) this.client.cut(0);
    }, reconnectAfterMs);
  }

  /** Back to the lobby, with a word on why where the person did not ask for it. */
  private end(why: string | null): void {
    this.settled = false;
    this.resumeToken = null;
    this.older = null;
    this.pulse.stop();
    this.conference.close();
    this.client.disconnect();
    this.chatter.reset();
    batch(() => {
      store.room.value = null;
      store.joining.value = false;
      store.link.value = 'offline';
      store.transport.value = store.roundTripMs.value = null;
      store.draining.value = false;
      store.endNotice.value = why;
      if (store.phase.value !== 'login') store.phase.value = 'lobby';
    });
  }
}
