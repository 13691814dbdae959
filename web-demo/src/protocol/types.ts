/** The gateway's wire contract, as far as this page speaks it. */

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

export interface RoomModeChanged {
  roomId: string;
  mode: RoomMode;
  reason: string;
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
  error: (e: ServerError) => void;
  'auth:expiring': (e: { expiresAt: number | string }) => void;
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
