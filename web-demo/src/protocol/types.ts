/** What this page calls what goes over the wire. The types are the gateway's own: see `generated.ts`. */

import type { ClientAnswers, ClientRequests, Direction, Mode, NewProducer, ProducerInfo as ListedProducer, RelayedCandidate, RoomJoined } from './generated';

export type {
  ChatMessage, ClientToServerEvents, IceServersRenewed, LeaveReason, ModeReason, PeerInfo, PeerJoined, PeerLeft, ProducerClosed,
  Refused, RelayedAnswer, RelayedOffer, RoomKicked, RoomModeChanged, RoomResumed, ServerEvents, ServerToClientEvents,
} from './generated';

export type RoomMode = Mode;
export type RoomSnapshot = RoomJoined;
export type RelayedIce = RelayedCandidate;

/** A string is the bare candidate line; null says there are no more. */
export type WireCandidate = RelayedCandidate['candidate'];

/** A track that somebody sends to the media server. Not part of `sfu_new_producer` is whether it is paused: it is not. */
export type ProducerInfo = NewProducer & Partial<ListedProducer>;

export type TransportDirection = Direction;
export type RequestPayloads = ClientRequests;
export type RequestAnswers = ClientAnswers;
export type RequestEvent = keyof RequestPayloads;

/** What the development login answers. */
export interface Session {
  userId: string;
  username: string;
  expiresAt: number | string;
}
