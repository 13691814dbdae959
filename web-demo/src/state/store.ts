import { computed, signal } from '@preact/signals';
import type { MediaState } from '../protocol/dataChannel';
import type { Session } from '../protocol/types';
import type { SfuReport } from '../rtc/sfu/meter';
import type { PeerStats } from '../rtc/stats';
import type { ChatState, History } from './chat';
import type { LogEntry } from './eventLog';
import { isHost, type RoomState } from './room';

export type Phase = 'loading' | 'login' | 'lobby' | 'call';
export type Link = 'offline' | 'connecting' | 'online' | 'reconnecting' | 'cut';
export type PanelName = 'chat' | 'people' | 'network' | 'events';

/** What the views need of a peer's media, whichever way it comes. */
export interface PeerView {
  state: RTCPeerConnectionState | 'none';
  stream: MediaStream;
  media: MediaState | null;
  /** Of the connection to that peer alone, which only p2p rooms have. */
  stats: PeerStats | null;
}

export interface Toast {
  id: number;
  tone: 'info' | 'good' | 'bad';
  text: string;
  detail?: string;
}

export interface Reaction {
  id: number;
  peerId: string;
  emoji: string;
}

export const phase = signal<Phase>('loading');
export const session = signal<Session | null>(null);
/** The code in the lobby's field, then that of the call. */
export const roomCode = signal('');
/** Why the last call ended, shown in the lobby until the next one. */
export const endNotice = signal<string | null>(null);
export const joining = signal(false);

export const link = signal<Link>('offline');
export const transport = signal<string | null>(null);
export const roundTripMs = signal<number | null>(null);
/** When a cut connection comes back by itself, as performance.now(); null for by hand. */
export const restoreAt = signal<number | null>(null);
export const draining = signal(false);

export const room = signal<RoomState | null>(null);
export const peers = signal<ReadonlyMap<string, PeerView>>(new Map());
/** The traffic with the media server, while there is one. */
export const sfu = signal<SfuReport | null>(null);
/** The STUN and TURN servers that the gateway gave. */
export const iceServers = signal<RTCIceServer[]>([]);
/** Media may only go through a TURN server. */
export const relayOnly = signal(false);
/** What the browser last said of a TURN server, in words for people. */
export const iceProblem = signal<string | null>(null);
export const chat = signal<ChatState>([]);
export const history = signal<History>('more');
export const unread = signal(0);
export const events = signal<readonly LogEntry[]>([]);
export const toasts = signal<readonly Toast[]>([]);
export const reactions = signal<readonly Reaction[]>([]);

export const panel = signal<PanelName | null>(null);
/** Set while the browser wants a click before it plays sound. */
export const soundBlocked = signal(false);

export const amHost = computed(() => isHost(room.value, room.value?.selfId ?? ''));

export function updatePeer(peerId: string, change: Partial<PeerView>): void {
  const next = new Map(peers.value);
  const blank: PeerView = { state: 'none', stream: new MediaStream(), media: null, stats: null };
  next.set(peerId, { ...(next.get(peerId) ?? blank), ...change });
  peers.value = next;
}

export function dropPeer(peerId: string): void {
  if (!peers.value.has(peerId)) return;
  const next = new Map(peers.value);
  next.delete(peerId);
  peers.value = next;
}

let serial = 0;

export function toast(tone: Toast['tone'], text: string, detail?: string): void {
  const id = ++serial;
  toasts.value = [...toasts.value.slice(-3), { id, tone, text, detail }];
  setTimeout(() => dismissToast(id), tone === 'bad' ? 9000 : 6000);
}

export function dismissToast(id: number): void {
  toasts.value = toasts.value.filter((t) => t.id !== id);
}

export function showReaction(peerId: string, emoji: string): void {
  const id = ++serial;
  reactions.value = [...reactions.value.slice(-20), { id, peerId, emoji }];
  setTimeout(() => (reactions.value = reactions.value.filter((r) => r.id !== id)), 4000);
}
