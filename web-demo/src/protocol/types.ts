/** The gateway's wire contract, as far as this page speaks it. */

import type { types as mediasoup } from 'mediasoup-client';

export interface PeerInfo {
  id: string;
  userId: string;
  userInfo: { username: string };
}

export type RoomMode = 'p2p' | 'sfu';

export interface RoomSnapshot {
  roomId: string;
  roomCode: string;
  peerId: string;
  /** The others, oldest first. */
  peers: PeerInfo[];
  mode: RoomMode;
  hostId: string;
  resumeToken: string;
  iceServers?: RTCIceServer[];
  /** What the others send to the media server; in a room of mode "sfu" only. */
  producers?: ProducerInfo[];
}

export interface RoomResumed extends RoomSnapshot {
  /** How many replayed events follow this one. */
  missed: number;
}

export interface PeerJoined {
  peerId: string;
  userId: string;
  userInfo: { username: string };
}

export type LeaveReason = 'left' | 'disconnected' | 'kicked' | 'node-lost';

export interface PeerLeft {
  peerId: string;
  reason: LeaveReason;
}

/** `media-moved` comes with mode "sfu" again: what the media server knew of us is gone. */
export type ModeReason = 'capacity' | 'configured' | 'media-unavailable' | 'media-moved';

export interface RoomModeChanged {
  roomId: string;
  mode: RoomMode;
  /** One of ModeReason; later gateways may know others. */
  reason: ModeReason | (string & {});
}

/** Newer credentials, before the former expire. */
export interface IceServersRenewed {
  iceServers: RTCIceServer[];
  /** In seconds. */
  ttl: number;
  /** In seconds since the epoch. */
  expiresAt: number;
}

export interface RoomKicked {
  roomId: string;
  reason?: string;
}

/** A string is the bare candidate line; null says there are no more. */
export type WireCandidate = string | RTCIceCandidateInit | null;

interface Relay {
  from: string;
  targetPeerId: string;
}
export type RelayedOffer = Relay & { offer: RTCSessionDescriptionInit };
export type RelayedAnswer = Relay & { answer: RTCSessionDescriptionInit };
export type RelayedIce = Relay & { candidate: WireCandidate };

export interface ChatMessage {
  id: string;
  roomId: string;
  senderId: string;
  peerId: string;
  username: string;
  content: string;
  timestamp: number;
  clientMessageId?: string;
}

/** A track that somebody sends to the media server. */
export interface ProducerInfo {
  producerId: string;
  peerId: string;
  kind: mediasoup.MediaKind;
  /** Whatever its sender attached; other clients attach other things. */
  appData?: unknown;
  /** Not part of `sfu_new_producer`: a new one is not paused. */
  paused?: boolean;
}

export interface ProducerClosed {
  producerId: string;
  peerId: string;
}

export type TransportDirection = 'send' | 'recv';

/** Answers to the `sfu_*` requests that have one. */
export interface SfuAnswers {
  sfu_get_router_capabilities: { rtpCapabilities: mediasoup.RtpCapabilities };
  sfu_create_transport: Pick<mediasoup.TransportOptions, 'id' | 'iceParameters' | 'iceCandidates' | 'dtlsParameters'>;
  sfu_restart_ice: { iceParameters: mediasoup.IceParameters };
  sfu_produce: { id: string };
  sfu_consume: { id: string; producerId: string; kind: mediasoup.MediaKind; rtpParameters: mediasoup.RtpParameters; type?: string };
  sfu_get_producers: { producers: ProducerInfo[] };
}

export interface ServerError {
  code: string;
  message: string;
  event?: string;
  retryable?: boolean;
}

export interface ServerEvents {
  'room:joined': (e: RoomSnapshot) => void;
  'room:resumed': (e: RoomResumed) => void;
  'room:mode': (e: RoomModeChanged) => void;
  'room:kicked': (e: RoomKicked) => void;
  'peer:joined': (e: PeerJoined) => void;
  'peer:left': (e: PeerLeft) => void;
  'host:changed': (e: { hostId: string }) => void;
  'webrtc:offer': (e: RelayedOffer) => void;
  'webrtc:answer': (e: RelayedAnswer) => void;
  'webrtc:ice': (e: RelayedIce) => void;
  chat_message: (e: ChatMessage) => void;
  sfu_new_producer: (e: ProducerInfo) => void;
  sfu_producer_closed: (e: ProducerClosed) => void;
  error: (e: ServerError) => void;
  'auth:expiring': (e: { expiresAt: number | string }) => void;
  'ice:servers': (e: IceServersRenewed) => void;
  'server:draining': (e: { reconnectAfterMs: number }) => void;
}

export interface RequestPayloads {
  'join:room': { roomCode: string };
  'leave:room': undefined;
  'webrtc:offer': { targetPeerId: string; offer: RTCSessionDescriptionInit };
  'webrtc:answer': { targetPeerId: string; answer: RTCSessionDescriptionInit };
  'webrtc:ice': { targetPeerId: string; candidate: WireCandidate };
  chat_message: { content: string; clientMessageId: string };
  /** `before` is the id of a message. */
  chat_history: { before?: string; limit?: number };
  heartbeat: undefined;
  'peer:kick': { targetPeerId: string; reason?: string };
  sfu_get_router_capabilities: undefined;
  sfu_create_transport: { direction: TransportDirection };
  sfu_connect_transport: { transportId: string; dtlsParameters: mediasoup.DtlsParameters };
  sfu_restart_ice: { transportId: string };
  sfu_produce: { transportId: string; kind: mediasoup.MediaKind; rtpParameters: mediasoup.RtpParameters; appData: Record<string, unknown> };
  sfu_pause_producer: { producerId: string };
  sfu_resume_producer: { producerId: string };
  sfu_close_producer: { producerId: string };
  sfu_get_producers: undefined;
  /** The consumer starts paused. */
  sfu_consume: { transportId: string; producerId: string; rtpCapabilities: mediasoup.RtpCapabilities };
  sfu_resume_consumer: { consumerId: string };
}

export type RequestEvent = keyof RequestPayloads;

export type Ack =
  | ({ status: 'ok' } & Record<string, unknown>)
  | { status: 'error'; code: string; message: string; retryable?: boolean };

export interface Session {
  userId: string;
  username: string;
  expiresAt: number | string;
}
