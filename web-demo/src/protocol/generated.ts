/* eslint-disable */
/**
 * The types of all that goes over the wire, for frontends. They are made from docs/asyncapi.json by
 * `make types`; do not edit them. The file needs no other: copy it into projects of your own.
 */

/**
 * What a producer carries.
 */
export type MediaKind = 'audio' | 'video';
/**
 * Which way the media of a transport goes, as the client sees it.
 */
export type Direction = 'send' | 'recv';
/**
 * A stable code. Clients branch on it; the message beside it is for people.
 */
export type ErrorCode =
  | 'AUTH_REQUIRED'
  | 'INVALID_PAYLOAD'
  | 'PAYLOAD_TOO_LARGE'
  | 'UNKNOWN_EVENT'
  | 'ROOM_NOT_FOUND'
  | 'ROOM_FULL'
  | 'NOT_IN_ROOM'
  | 'PEER_NOT_FOUND'
  | 'FORBIDDEN'
  | 'RATE_LIMITED'
  | 'MEDIA_UNAVAILABLE'
  | 'MEDIA_REJECTED'
  | 'SERVICE_UNAVAILABLE'
  | 'DRAINING'
  | 'INTERNAL';
/**
 * How the media of a room flows.
 */
export type Mode = 'p2p' | 'sfu';
/**
 * The room to join.
 */
export type JoinRoom = JoinByCode | JoinById;
/**
 * The acknowledgement of `join:room`: the room as it is now, unless the client has been
 * removed from it in the same moment.
 */
export type JoinRoomAck = InRoom | Done;
/**
 * Why a peer is no longer in a room.
 */
export type LeaveReason = 'left' | 'disconnected' | 'kicked' | 'node-lost';
/**
 * Why media flows otherwise than before.
 */
export type ModeReason = 'configured' | 'capacity' | 'media-unavailable' | 'media-moved';
/**
 * The state of a peer connection (W3C WebRTC, `RTCPeerConnectionState`).
 */
export type RtcState = 'new' | 'connecting' | 'connected' | 'disconnected' | 'failed' | 'closed';
/**
 * What clients of signal are told.
 */
export type SignalTold =
  | SignalToldAuthExpiring
  | SignalToldAuthOk
  | SignalToldChat
  | SignalToldChatAck
  | SignalToldDraining
  | SignalToldError
  | SignalToldEvent
  | SignalToldHostChange
  | SignalToldIce
  | SignalToldIceServers
  | SignalToldJoined
  | SignalToldKick
  | SignalToldPeerJoined
  | SignalToldPeerLeft
  | SignalToldResumed
  | SignalToldRoomMode
  | SignalToldSdp
  | SignalToldSubscribed
  | SignalToldUnsubscribed;
/**
 * What clients of signal send.
 */
export type SignalAsked =
  | SignalAskedAuth
  | SignalAskedChat
  | SignalAskedHostChange
  | SignalAskedIce
  | SignalAskedKick
  | SignalAskedLeave
  | SignalAskedResume
  | SignalAskedSdp
  | SignalAskedSubscribe
  | SignalAskedUnsubscribe;
/**
 * What clients of ws are told.
 */
export type WsTold =
  | WsToldAnswer
  | WsToldAuthExpiring
  | WsToldAuthOk
  | WsToldChat
  | WsToldChatAck
  | WsToldDraining
  | WsToldError
  | WsToldEvent
  | WsToldHostChange
  | WsToldIceCandidate
  | WsToldIceServers
  | WsToldJoined
  | WsToldKicked
  | WsToldLeft
  | WsToldOffer
  | WsToldPeerJoined
  | WsToldPeerLeft
  | WsToldResumed
  | WsToldRoomMode
  | WsToldSubscribed
  | WsToldUnsubscribed;
/**
 * What clients of ws send.
 */
export type WsAsked =
  | WsAskedAnswer
  | WsAskedAuth
  | WsAskedCandidate
  | WsAskedChat
  | WsAskedHostChange
  | WsAskedIce
  | WsAskedIceCandidate
  | WsAskedJoin
  | WsAskedKick
  | WsAskedLeave
  | WsAskedOffer
  | WsAskedResume
  | WsAskedSubscribe
  | WsAskedUnsubscribe;
/**
 * Extends the session with a newer token of the same user. It may be in `payload` too.
 */
export type WsAskedAuth = (
  | {
      [k: string]: unknown;
    }
  | {
      payload: {
        [k: string]: unknown;
      };
    }
) & {
  /**
   * A newer token.
   */
  payload?: {
    token?: string | null;
  } | null;
  token?: string;
  type: 'auth';
};
/**
 * Says which peer the client was. The token may be in `payload` too.
 */
export type WsAskedResume = (
  | {
      [k: string]: unknown;
    }
  | {
      payload: {
        [k: string]: unknown;
      };
    }
) & {
  /**
   * Which peer a client was.
   */
  payload?: {
    resumeToken?: string | null;
  } | null;
  resumeToken?: string;
  type: 'resume';
};

/**
 * Which messages of the room.
 */
export interface AskHistory {
  /**
   * Those before the message with this id; without it the newest.
   */
  before?: string | null;
  limit?: number | null;
}
/**
 * `auth:expiring`.
 */
export interface AuthExpiring {
  /**
   * When the session ends, in seconds since the Unix epoch, as `exp` of the token.
   */
  expiresAt: number;
}
/**
 * The acknowledgement of `sfu_get_router_capabilities`.
 */
export interface CapabilitiesAck {
  /**
   * As mediasoup-client has it.
   */
  rtpCapabilities: any;
  /**
   * It is done.
   */
  status: 'ok';
}
/**
 * Whom to make the host.
 */
export interface ChangeHost {
  /**
   * The peer that is meant.
   */
  targetPeerId: string;
}
/**
 * The acknowledgement of `chat_message`.
 */
export interface ChatAck {
  id: string;
  /**
   * It is done.
   */
  status: 'ok';
  /**
   * When, in milliseconds since the Unix epoch.
   */
  timestamp: number;
}
/**
 * `chat_message`, as everybody in the room gets it.
 */
export interface ChatMessage {
  /**
   * The name that the peer chose, if it did.
   */
  alias?: string;
  /**
   * The sender's own id for it, if it gave one.
   */
  clientMessageId?: string;
  content: string;
  id: string;
  /**
   * The peer through which it was said; all zeroes if a history does not know it.
   */
  peerId: string;
  roomId: string;
  /**
   * The user who said it.
   */
  senderId: string;
  /**
   * When, in milliseconds since the Unix epoch.
   */
  timestamp: number;
  username: string;
}
/**
 * The client's side of a transport.
 */
export interface ConnectTransport {
  /**
   * As mediasoup-client has it.
   */
  dtlsParameters: any;
  /**
   * The id of something in the media server.
   */
  transportId: string;
}
/**
 * Media to receive.
 */
export interface Consume {
  /**
   * The id of something in the media server.
   */
  producerId: string;
  /**
   * As mediasoup-client has it.
   */
  rtpCapabilities: any;
  /**
   * The id of something in the media server.
   */
  transportId: string;
}
/**
 * The acknowledgement of `sfu_consume`, as the media server gave it. The consumer is paused.
 */
export interface ConsumerAck {
  id: string;
  kind: MediaKind;
  producerId: string;
  /**
   * As mediasoup-client has it.
   */
  rtpParameters: any;
  /**
   * It is done.
   */
  status: 'ok';
  [k: string]: unknown;
}
/**
 * A transport to make.
 */
export interface CreateTransport {
  direction: Direction;
  /**
   * For data channels.
   */
  sctpCapabilities?: any;
}
/**
 * The acknowledgement of an event that has nothing more to say.
 */
export interface Done {
  /**
   * It is done.
   */
  status: 'ok';
}
/**
 * `error`: an event that asked for no acknowledgement was refused.
 */
export interface ErrorEvent {
  code: ErrorCode;
  /**
   * The name of the event that was refused; empty if it cannot be told.
   */
  event: string;
  /**
   * For people.
   */
  message: string;
  /**
   * In how many milliseconds it may, if that is known.
   */
  retryAfterMs?: number;
  /**
   * Whether the same event may succeed later, unchanged.
   */
  retryable: boolean;
}
/**
 * Where an event of a backend comes from: what clients get beside its data.
 */
export interface EventSource {
  /**
   * The channel on which it was said.
   */
  channel: string;
  /**
   * Its place, if the channel keeps events.
   */
  offset?: string;
  /**
   * Who said it.
   */
  serverId: string;
  /**
   * When it was said: milliseconds since the Unix epoch, or a text, as given.
   */
  timestamp: number | string;
}
/**
 * The acknowledgement of `chat_history`.
 */
export interface HistoryAck {
  /**
   * Oldest first.
   */
  messages: ChatMessage[];
  /**
   * There may be more: the Chat Service could not be asked.
   */
  partial?: boolean;
  /**
   * It is done.
   */
  status: 'ok';
}
/**
 * `host:changed`.
 */
export interface HostChanged {
  /**
   * The id of a peer.
   */
  hostId: string;
}
/**
 * The acknowledgement of `sfu_restart_ice`.
 */
export interface IceAck {
  /**
   * As mediasoup-client has it.
   */
  iceParameters: any;
  /**
   * It is done.
   */
  status: 'ok';
}
/**
 * One server, as `RTCIceServer` has it.
 */
export interface IceServer {
  credential?: string;
  urls: string[];
  username?: string;
}
/**
 * The room, as in `room:joined`.
 */
export interface InRoom {
  /**
   * The peer that hosts the room.
   */
  hostId: string;
  /**
   * The STUN and TURN servers, if any are configured.
   */
  iceServers?: IceServer[];
  mode: Mode;
  /**
   * The receiver's own peer.
   */
  peerId: string;
  /**
   * The others, oldest first.
   */
  peers: PeerInfo[];
  /**
   * What the others send to the media server; in a room of mode `sfu` only.
   */
  producers?: ProducerInfo[];
  /**
   * What brings the receiver back as the same peer: `auth.resumeToken` of the next connection.
   */
  resumeToken: string;
  /**
   * The code by which the room was reached.
   */
  roomCode: string;
  roomId: string;
  /**
   * It is done.
   */
  status: 'ok';
}
/**
 * One of the others in a room.
 */
export interface PeerInfo {
  /**
   * The id of a peer.
   */
  id: string;
  userId: string;
  userInfo: UserInfo;
}
/**
 * What is to be shown of a user.
 */
export interface UserInfo {
  username: string;
}
/**
 * An item of a list of producers.
 */
export interface ProducerInfo {
  /**
   * Whatever the sender attached.
   */
  appData: Record<string, unknown>;
  kind: MediaKind;
  /**
   * Its client sends nothing for now.
   */
  paused: boolean;
  /**
   * Who sends.
   */
  peerId: string;
  producerId: string;
}
/**
 * As people know it.
 */
export interface JoinByCode {
  /**
   * What people type or share to get into a room.
   */
  roomCode: string;
}
/**
 * Another spelling.
 */
export interface JoinById {
  /**
   * What people type or share to get into a room.
   */
  roomId: string;
}
/**
 * Whom to remove from the room.
 */
export interface KickPeer {
  /**
   * What a peer that is removed is told.
   */
  reason?: string | null;
  /**
   * The peer that is meant.
   */
  targetPeerId: string;
}
/**
 * `sfu_new_producer`: media that another peer sends.
 */
export interface NewProducer {
  /**
   * Whatever the sender attached.
   */
  appData: Record<string, unknown>;
  kind: MediaKind;
  /**
   * Who sends.
   */
  peerId: string;
  producerId: string;
}
/**
 * Media that the client receives.
 */
export interface OfConsumer {
  /**
   * The id of something in the media server.
   */
  consumerId: string;
}
/**
 * Media that the client sends.
 */
export interface OfProducer {
  /**
   * The id of something in the media server.
   */
  producerId: string;
}
/**
 * A transport that was made.
 */
export interface OfTransport {
  /**
   * The id of something in the media server.
   */
  transportId: string;
}
/**
 * `peer:joined`.
 */
export interface PeerJoined {
  /**
   * The id of a peer.
   */
  peerId: string;
  userId: string;
  userInfo: UserInfo;
}
/**
 * `peer:left`.
 */
export interface PeerLeft {
  /**
   * The id of a peer.
   */
  peerId: string;
  reason: LeaveReason;
}
/**
 * Media to send.
 */
export interface Produce {
  /**
   * What the others are to know of it, at most 4 KiB.
   */
  appData?: Record<string, unknown>;
  kind: MediaKind;
  /**
   * As mediasoup-client has it.
   */
  rtpParameters: any;
  /**
   * The id of something in the media server.
   */
  transportId: string;
}
/**
 * The acknowledgement of `sfu_produce`.
 */
export interface ProducedAck {
  /**
   * The producer's id.
   */
  id: string;
  /**
   * It is done.
   */
  status: 'ok';
}
/**
 * `sfu_producer_closed`: another peer sends something no more.
 */
export interface ProducerClosed {
  /**
   * The id of a peer.
   */
  peerId: string;
  producerId: string;
}
/**
 * The acknowledgement of `sfu_get_producers`.
 */
export interface ProducersAck {
  /**
   * Those of the others.
   */
  producers: ProducerInfo[];
  /**
   * It is done.
   */
  status: 'ok';
}
/**
 * The acknowledgement of `auth:refresh`.
 */
export interface RefreshAck {
  /**
   * When the session ends now, in seconds since the Unix epoch.
   */
  expiresAt: number;
  /**
   * It is done.
   */
  status: 'ok';
}
/**
 * A newer token of the same user.
 */
export interface RefreshAuth {
  token: string;
}
/**
 * The acknowledgement of an event that was refused.
 */
export interface Refused {
  code: ErrorCode;
  /**
   * For people.
   */
  message: string;
  /**
   * In how many milliseconds it may, if that is known.
   */
  retryAfterMs?: number;
  /**
   * Whether the same event may succeed later, unchanged.
   */
  retryable: boolean;
  /**
   * It was refused.
   */
  status: 'error';
}
/**
 * `webrtc:answer` from another peer.
 */
export interface RelayedAnswer {
  /**
   * A session description, or its SDP alone, as the sender wrote it.
   */
  answer: RTCSessionDescriptionInit | string;
  /**
   * The sender, as the gateway knows it.
   */
  from: string;
  /**
   * The id of a peer.
   */
  targetPeerId: string;
}
/**
 * `webrtc:ice` from another peer.
 */
export interface RelayedCandidate {
  /**
   * An ICE candidate, or its line alone, as the sender wrote it; null says that there are no more (RFC 8838).
   */
  candidate: RTCIceCandidateInit | string | null;
  /**
   * The sender, as the gateway knows it.
   */
  from: string;
  /**
   * The id of a peer.
   */
  targetPeerId: string;
}
/**
 * `webrtc:offer` from another peer.
 */
export interface RelayedOffer {
  /**
   * The sender, as the gateway knows it.
   */
  from: string;
  /**
   * A session description, or its SDP alone, as the sender wrote it.
   */
  offer: RTCSessionDescriptionInit | string;
  /**
   * The id of a peer.
   */
  targetPeerId: string;
}
/**
 * How a peer connection is, for the figures of the gateway.
 */
export interface ReportState {
  /**
   * `connectionState` of the `RTCPeerConnection`, or of a transport to the media server.
   */
  state: RtcState;
  /**
   * The peer at its other end; none for the media server.
   */
  targetPeerId?: string | null;
}
/**
 * `room:joined`: the room as a client finds it.
 */
export interface RoomJoined {
  /**
   * The peer that hosts the room.
   */
  hostId: string;
  /**
   * The STUN and TURN servers, if any are configured.
   */
  iceServers?: IceServer[];
  mode: Mode;
  /**
   * The receiver's own peer.
   */
  peerId: string;
  /**
   * The others, oldest first.
   */
  peers: PeerInfo[];
  /**
   * What the others send to the media server; in a room of mode `sfu` only.
   */
  producers?: ProducerInfo[];
  /**
   * What brings the receiver back as the same peer: `auth.resumeToken` of the next connection.
   */
  resumeToken: string;
  /**
   * The code by which the room was reached.
   */
  roomCode: string;
  roomId: string;
}
/**
 * `room:kicked`.
 */
export interface RoomKicked {
  reason: string;
  roomId: string;
}
/**
 * `room:mode`.
 */
export interface RoomModeChanged {
  mode: Mode;
  reason: ModeReason;
  roomId: string;
}
/**
 * `room:resumed`: the room, and how much of what was missed follows.
 */
export interface RoomResumed {
  /**
   * The peer that hosts the room.
   */
  hostId: string;
  /**
   * The STUN and TURN servers, if any are configured.
   */
  iceServers?: IceServer[];
  /**
   * How many events follow that were sent while the receiver was away.
   */
  missed: number;
  mode: Mode;
  /**
   * The receiver's own peer.
   */
  peerId: string;
  /**
   * The others, oldest first.
   */
  peers: PeerInfo[];
  /**
   * What the others send to the media server; in a room of mode `sfu` only.
   */
  producers?: ProducerInfo[];
  /**
   * What brings the receiver back as the same peer: `auth.resumeToken` of the next connection.
   */
  resumeToken: string;
  /**
   * The code by which the room was reached.
   */
  roomCode: string;
  roomId: string;
}
/**
 * An answer for another peer of the room.
 */
export interface SendAnswer {
  /**
   * A session description, or its SDP alone, as the sender wrote it.
   */
  answer: RTCSessionDescriptionInit | string;
  /**
   * The peer that is meant.
   */
  targetPeerId: string;
}
/**
 * A candidate for another peer of the room.
 */
export interface SendCandidate {
  /**
   * An ICE candidate, or its line alone, as the sender wrote it; null says that there are no more (RFC 8838).
   */
  candidate: RTCIceCandidateInit | string | null;
  /**
   * The peer that is meant.
   */
  targetPeerId: string;
}
/**
 * A message for the whole room.
 */
export interface SendChat {
  /**
   * The sender's own id for a message: one that is sent again with it is heard once.
   */
  clientMessageId?: string | null;
  /**
   * What is said. It is trimmed. Of control characters there may be newline and tab.
   */
  content: string;
}
/**
 * An offer for another peer of the room.
 */
export interface SendOffer {
  /**
   * A session description, or its SDP alone, as the sender wrote it.
   */
  offer: RTCSessionDescriptionInit | string;
  /**
   * The peer that is meant.
   */
  targetPeerId: string;
}
/**
 * `server:draining`.
 */
export interface ServerDraining {
  /**
   * How long to wait before connecting again, in milliseconds from now.
   */
  reconnectAfterMs: number;
}
/**
 * Another peer.
 */
export interface SignalPeer {
  alias?: string;
  /**
   * The id of a peer.
   */
  peerId: string;
  senderId: string;
  userId: string;
  username: string;
}
/**
 * A backend channel, or a part of one. Of `since` and `last` there may be one.
 */
export interface Subscribe {
  channel: string;
  /**
   * So many of the last events are told first.
   */
  last?: number | null;
  /**
   * The `offset` of the last event that was heard: what came after it is told first.
   */
  since?: string | null;
}
/**
 * The acknowledgement of `subscribe`.
 */
export interface SubscribeAck {
  channel: string;
  /**
   * The place of the last event of the channel; if events are kept.
   */
  offset?: string;
  /**
   * Whether the client has got all that it missed; if it asked for that.
   */
  recovered?: boolean;
  /**
   * It is done.
   */
  status: 'ok';
}
/**
 * The acknowledgement of `sfu_create_transport`, as the media server gave it.
 */
export interface TransportAck {
  /**
   * As mediasoup-client has it.
   */
  dtlsParameters: any;
  /**
   * As mediasoup-client has it.
   */
  iceCandidates: any;
  /**
   * As mediasoup-client has it.
   */
  iceParameters: any;
  id: string;
  /**
   * As mediasoup-client has it.
   */
  sctpParameters?: any;
  /**
   * It is done.
   */
  status: 'ok';
  [k: string]: unknown;
}
/**
 * A backend channel that was subscribed to.
 */
export interface Unsubscribe {
  channel: string;
}
/**
 * What was said.
 */
export interface WsChat {
  clientMessageId?: string;
  content: string;
  id: string;
  senderId: string;
  timestamp: number;
  username: string;
}
/**
 * Another peer.
 */
export interface WsPeer {
  /**
   * The id of a peer.
   */
  peerId: string;
  sender: string;
  userId: string;
  username: string;
}
/**
 * What the gateway sends, by the name of the event.
 */
export interface ServerEvents {
  /**
   * The session is about to end, unless a newer token comes.
   */
  'auth:expiring': AuthExpiring;
  /**
   * Something was said in the room.
   */
  chat_message: ChatMessage;
  /**
   * An event that asked for no acknowledgement was refused.
   */
  error: ErrorEvent;
  /**
   * Somebody else hosts the room now.
   */
  'host:changed': HostChanged;
  'ice:servers': IceServersRenewed;
  /**
   * Another peer came.
   */
  'peer:joined': PeerJoined;
  /**
   * Another peer is gone.
   */
  'peer:left': PeerLeft;
  /**
   * The client is in the room.
   */
  'room:joined': RoomJoined;
  /**
   * The host removed the client from the room.
   */
  'room:kicked': RoomKicked;
  /**
   * Media flows otherwise from now on.
   */
  'room:mode': RoomModeChanged;
  /**
   * The client is the same peer again; what it missed follows, in order.
   */
  'room:resumed': RoomResumed;
  /**
   * The node stops: the client is to connect again after this time.
   */
  'server:draining': ServerDraining;
  /**
   * Another peer sends media.
   */
  sfu_new_producer: NewProducer;
  /**
   * Another peer sends something no more.
   */
  sfu_producer_closed: ProducerClosed;
  /**
   * An answer from another peer.
   */
  'webrtc:answer': RelayedAnswer;
  /**
   * An ICE candidate from another peer.
   */
  'webrtc:ice': RelayedCandidate;
  /**
   * An offer from another peer.
   */
  'webrtc:offer': RelayedOffer;
}
/**
 * `ice:servers`: newer credentials, in time before the former expire.
 */
export interface IceServersRenewed {
  /**
   * When they expire, in seconds since the Unix epoch.
   */
  expiresAt: number;
  iceServers: IceServer[];
  /**
   * How long the credentials are good, in seconds.
   */
  ttl: number;
}
/**
 * What backends say, by the name of the event.
 */
export interface BackendEvents {
  /**
   * Any JSON value, as the backend gave it.
   */
  leaderboard_update: {
    [k: string]: unknown;
  };
  /**
   * As the backend gave it.
   */
  match_completed: {
    /**
     * What the topic's name ends with.
     */
    matchId: string | number;
    [k: string]: unknown;
  };
  /**
   * As the backend gave it.
   */
  match_created: {
    /**
     * What the topic's name ends with.
     */
    matchId: string | number;
    [k: string]: unknown;
  };
  /**
   * As the backend gave it.
   */
  match_started: {
    /**
     * What the topic's name ends with.
     */
    matchId: string | number;
    [k: string]: unknown;
  };
  /**
   * As the backend gave it.
   */
  match_updated: {
    /**
     * What the topic's name ends with.
     */
    matchId: string | number;
    [k: string]: unknown;
  };
  /**
   * As the backend gave it.
   */
  achievement_unlocked: {
    /**
     * The user whom it is for.
     */
    userId: string | number;
    [k: string]: unknown;
  };
  /**
   * As the backend gave it.
   */
  match_invite: {
    /**
     * The user whom it is for.
     */
    userId: string | number;
    [k: string]: unknown;
  };
  /**
   * As the backend gave it.
   */
  rank_changed: {
    /**
     * The user whom it is for.
     */
    userId: string | number;
    [k: string]: unknown;
  };
  /**
   * As the backend gave it.
   */
  rating_changed: {
    /**
     * The user whom it is for.
     */
    userId: string | number;
    [k: string]: unknown;
  };
  /**
   * Any JSON value, as the backend gave it.
   */
  health_check: {
    [k: string]: unknown;
  };
  /**
   * Any JSON value, as the backend gave it.
   */
  server_started: {
    [k: string]: unknown;
  };
  /**
   * Any JSON value, as the backend gave it.
   */
  server_stopped: {
    [k: string]: unknown;
  };
}
/**
 * What clients send, by the name of the event.
 */
export interface ClientRequests {
  /**
   * Extends the session with a newer token of the same user.
   */
  'auth:refresh': RefreshAuth;
  /**
   * Asks what was said in the room. The answer is the acknowledgement, so there must be one.
   */
  chat_history: AskHistory | null;
  /**
   * Says something to the whole room, the sender included.
   */
  chat_message: SendChat;
  /**
   * Refreshes the presence of the user.
   */
  heartbeat: undefined;
  /**
   * Makes another peer the host of the room; for its host.
   */
  'host:change': ChangeHost;
  /**
   * Joins a room, and leaves the former one. Joining the room one is in changes nothing.
   */
  'join:room': JoinRoom;
  /**
   * Leaves the room.
   */
  'leave:room': undefined;
  /**
   * Removes a peer from the room; for its host.
   */
  'peer:kick': KickPeer;
  /**
   * Sends no more.
   */
  sfu_close_producer: OfProducer;
  /**
   * Connects a transport.
   */
  sfu_connect_transport: ConnectTransport;
  /**
   * Receives media, paused at first.
   */
  sfu_consume: Consume;
  /**
   * Makes a transport to or from the media server.
   */
  sfu_create_transport: CreateTransport;
  /**
   * Asks what the others send.
   */
  sfu_get_producers: undefined;
  /**
   * Asks what the media server can do.
   */
  sfu_get_router_capabilities: undefined;
  /**
   * Sends nothing for now.
   */
  sfu_pause_producer: OfProducer;
  /**
   * Sends media.
   */
  sfu_produce: Produce;
  /**
   * Restarts ICE on a transport.
   */
  sfu_restart_ice: OfTransport;
  /**
   * Starts to receive.
   */
  sfu_resume_consumer: OfConsumer;
  /**
   * Sends again.
   */
  sfu_resume_producer: OfProducer;
  /**
   * Subscribes to a backend channel.
   */
  subscribe: Subscribe;
  /**
   * Ends a subscription.
   */
  unsubscribe: Unsubscribe;
  /**
   * Hands an answer to a peer of the same room.
   */
  'webrtc:answer': SendAnswer;
  /**
   * Hands an ICE candidate to a peer of the same room.
   */
  'webrtc:ice': SendCandidate;
  /**
   * Hands an offer to a peer of the same room.
   */
  'webrtc:offer': SendOffer;
  /**
   * Reports how a peer connection is. Nobody is told: the gateway keeps figures of it.
   */
  'webrtc:state': ReportState;
}
/**
 * What clients are answered, by the name of the event.
 */
export interface ClientAnswers {
  'auth:refresh': RefreshAck;
  chat_history: HistoryAck;
  chat_message: ChatAck;
  heartbeat: Done;
  'host:change': Done;
  'join:room': JoinRoomAck;
  'leave:room': Done;
  'peer:kick': Done;
  sfu_close_producer: Done;
  sfu_connect_transport: Done;
  sfu_consume: ConsumerAck;
  sfu_create_transport: TransportAck;
  sfu_get_producers: ProducersAck;
  sfu_get_router_capabilities: CapabilitiesAck;
  sfu_pause_producer: Done;
  sfu_produce: ProducedAck;
  sfu_restart_ice: IceAck;
  sfu_resume_consumer: Done;
  sfu_resume_producer: Done;
  subscribe: SubscribeAck;
  unsubscribe: Done;
  'webrtc:answer': Done;
  'webrtc:ice': Done;
  'webrtc:offer': Done;
  'webrtc:state': Done;
}
/**
 * The session ends then unless a newer token comes.
 */
export interface SignalToldAuthExpiring {
  expiresAt: number;
  type: 'auth-expiring';
}
/**
 * The session now lasts until then, in seconds since the Unix epoch.
 */
export interface SignalToldAuthOk {
  expiresAt: number;
  type: 'auth-ok';
}
/**
 * Something was said in the room.
 */
export interface SignalToldChat {
  /**
   * The name that the peer chose, if it did.
   */
  alias?: string;
  /**
   * The sender's own id for it, if it gave one.
   */
  clientMessageId?: string;
  content: string;
  id: string;
  /**
   * The peer through which it was said; all zeroes if a history does not know it.
   */
  peerId: string;
  roomId: string;
  /**
   * The user who said it.
   */
  senderId: string;
  /**
   * When, in milliseconds since the Unix epoch.
   */
  timestamp: number;
  type: 'chat';
  username: string;
}
/**
 * A chat message is kept.
 */
export interface SignalToldChatAck {
  clientMessageId?: string;
  id: string;
  /**
   * Milliseconds since the Unix epoch.
   */
  timestamp: number;
  type: 'chat-ack';
}
/**
 * The node stops.
 */
export interface SignalToldDraining {
  reconnectAfterMs: number;
  type: 'draining';
}
/**
 * A frame was refused.
 */
export interface SignalToldError {
  code: ErrorCode;
  /**
   * The field at fault, if one is.
   */
  field?: string;
  /**
   * The type of the frame that was refused, if it has one.
   */
  frame?: string;
  message: string;
  /**
   * In how many milliseconds the same may succeed, if that is known.
   */
  retryAfterMs?: number;
  retryable: boolean;
  type: 'error';
}
/**
 * Something that has nothing to do with rooms.
 */
export interface SignalToldEvent {
  /**
   * Where it comes from.
   */
  about?: EventSource;
  /**
   * All arguments, if a backend emits several; `data` is the first of them.
   */
  args?: unknown[];
  data: unknown;
  event: string;
  type: 'event';
}
/**
 * Somebody else hosts the room now.
 */
export interface SignalToldHostChange {
  /**
   * The user behind a peer; the peer itself where that is not known.
   */
  hostId: string;
  /**
   * The id of a peer.
   */
  hostPeerId: string;
  type: 'host-change';
}
/**
 * An ICE candidate from another peer.
 */
export interface SignalToldIce {
  /**
   * An ICE candidate, or its line alone, as the sender wrote it; null says that there are no more (RFC 8838).
   */
  candidate: RTCIceCandidateInit | string | null;
  /**
   * The user behind a peer; the peer itself where that is not known.
   */
  senderId: string;
  /**
   * The id of a peer.
   */
  senderPeerId: string;
  targetId: string;
  type: 'ice';
}
/**
 * Newer credentials for TURN servers.
 */
export interface SignalToldIceServers {
  /**
   * When they expire, in seconds since the Unix epoch.
   */
  expiresAt: number;
  iceServers: IceServer[];
  /**
   * How long the credentials are good, in seconds.
   */
  ttl: number;
  type: 'ice-servers';
}
/**
 * The client is in the room.
 */
export interface SignalToldJoined {
  /**
   * The user behind a peer; the peer itself where that is not known.
   */
  hostId: string;
  /**
   * The id of a peer.
   */
  hostPeerId: string;
  iceServers?: IceServer[];
  missed?: number;
  mode: Mode;
  /**
   * The id of a peer.
   */
  peerId: string;
  peers: SignalPeer[];
  /**
   * Writes a resume token as text.
   */
  resumeToken: string;
  roomCode: string;
  roomId: string;
  senderId: string;
  type: 'joined';
  userId: string;
  username: string;
}
/**
 * The host removed the client from the room.
 */
export interface SignalToldKick {
  reason: string;
  targetId: string;
  type: 'kick';
}
/**
 * Another peer came.
 */
export interface SignalToldPeerJoined {
  alias?: string;
  /**
   * The id of a peer.
   */
  peerId: string;
  senderId: string;
  type: 'peer-joined';
  userId: string;
  username: string;
}
/**
 * Another peer is gone.
 */
export interface SignalToldPeerLeft {
  /**
   * The id of a peer.
   */
  peerId: string;
  reason: LeaveReason;
  /**
   * The user behind a peer; the peer itself where that is not known.
   */
  senderId: string;
  type: 'peer-left';
  /**
   * The user behind a peer; the peer itself where that is not known.
   */
  userId: string;
}
/**
 * The client is the same peer again; what it missed follows, in order.
 */
export interface SignalToldResumed {
  /**
   * The user behind a peer; the peer itself where that is not known.
   */
  hostId: string;
  /**
   * The id of a peer.
   */
  hostPeerId: string;
  iceServers?: IceServer[];
  missed?: number;
  mode: Mode;
  /**
   * The id of a peer.
   */
  peerId: string;
  peers: SignalPeer[];
  /**
   * Writes a resume token as text.
   */
  resumeToken: string;
  roomCode: string;
  roomId: string;
  senderId: string;
  type: 'resumed';
  userId: string;
  username: string;
}
/**
 * Media flows otherwise from now on.
 */
export interface SignalToldRoomMode {
  mode: Mode;
  reason: ModeReason;
  roomId: string;
  type: 'room-mode';
}
/**
 * A session description from another peer.
 */
export interface SignalToldSdp {
  /**
   * A session description, as the sender wrote it.
   */
  sdp: RTCSessionDescriptionInit;
  /**
   * The user behind a peer; the peer itself where that is not known.
   */
  senderId: string;
  /**
   * The id of a peer.
   */
  senderPeerId: string;
  targetId: string;
  type: 'sdp';
}
/**
 * The client hears a channel of backends from now on.
 */
export interface SignalToldSubscribed {
  channel: string;
  offset?: string;
  recovered?: boolean;
  type: 'subscribed';
}
/**
 * The client hears a channel no more.
 */
export interface SignalToldUnsubscribed {
  channel: string;
  type: 'unsubscribed';
}
/**
 * Extends the session with a newer token of the same user.
 */
export interface SignalAskedAuth {
  senderId?: string | null;
  token: string;
  type: 'auth';
}
/**
 * Says something to the whole room.
 */
export interface SignalAskedChat {
  /**
   * The sender's own id for a message: one that is sent again with it is heard once.
   */
  clientMessageId?: string | null;
  /**
   * What is said. It is trimmed. Of control characters there may be newline and tab.
   */
  content: string;
  senderId: string;
  type: 'chat';
}
/**
 * Makes another peer the host; for the host.
 */
export interface SignalAskedHostChange {
  /**
   * A user or a peer.
   */
  hostId: string;
  senderId: string;
  type: 'host-change';
}
/**
 * An ICE candidate, for one peer or all others.
 */
export interface SignalAskedIce {
  /**
   * An ICE candidate, or its line alone, as the sender wrote it; null says that there are no more (RFC 8838).
   */
  candidate: RTCIceCandidateInit | string | null;
  senderId: string;
  /**
   * A user or a peer.
   */
  targetId?: string | null;
  type: 'ice';
}
/**
 * Removes a peer; for the host.
 */
export interface SignalAskedKick {
  /**
   * What a peer that is removed is told.
   */
  reason?: string | null;
  senderId: string;
  /**
   * A user or a peer.
   */
  targetId: string;
  type: 'kick';
}
/**
 * Leaves the room and ends the connection.
 */
export interface SignalAskedLeave {
  senderId?: string | null;
  type: 'leave';
}
/**
 * Says, as the first frame, which peer the client was.
 */
export interface SignalAskedResume {
  resumeToken: string;
  senderId?: string | null;
  type: 'resume';
}
/**
 * A session description, for one peer or all others.
 */
export interface SignalAskedSdp {
  /**
   * A session description.
   */
  sdp: RTCSessionDescriptionInit;
  senderId: string;
  /**
   * A user or a peer.
   */
  targetId?: string | null;
  type: 'sdp';
}
/**
 * Subscribes to a backend channel.
 */
export interface SignalAskedSubscribe {
  channel: string;
  /**
   * So many of the last events are told first.
   */
  last?: number | null;
  /**
   * The `offset` of the last event that was heard: what came after it is told first.
   */
  since?: string | null;
  type: 'subscribe';
}
/**
 * Ends a subscription.
 */
export interface SignalAskedUnsubscribe {
  channel: string;
  type: 'unsubscribe';
}
/**
 * A message from another peer for this one.
 */
export interface WsToldAnswer {
  /**
   * A session description or an ICE candidate, as the sender wrote it.
   */
  payload: RTCSessionDescriptionInit | RTCIceCandidateInit | string | null;
  recipient: string;
  room: string;
  /**
   * The name of a peer; its id where its name is not known.
   */
  sender: string;
  /**
   * The id of a peer.
   */
  senderPeerId: string;
  type: 'answer';
}
/**
 * The session ends then unless a newer token comes.
 */
export interface WsToldAuthExpiring {
  expiresAt: number;
  type: 'auth-expiring';
}
/**
 * The session now lasts until then, in seconds since the Unix epoch.
 */
export interface WsToldAuthOk {
  expiresAt: number;
  type: 'auth-ok';
}
/**
 * Something was said in the room.
 */
export interface WsToldChat {
  payload: WsChat;
  /**
   * The id of a peer.
   */
  peerId: string;
  room: string;
  sender: string;
  type: 'chat';
}
/**
 * A chat message is kept.
 */
export interface WsToldChatAck {
  clientMessageId?: string;
  id: string;
  /**
   * Milliseconds since the Unix epoch.
   */
  timestamp: number;
  type: 'chat-ack';
}
/**
 * The node stops.
 */
export interface WsToldDraining {
  reconnectAfterMs: number;
  type: 'draining';
}
/**
 * A frame was refused.
 */
export interface WsToldError {
  code: ErrorCode;
  /**
   * The field at fault, if one is.
   */
  field?: string;
  /**
   * The type of the frame that was refused, if it has one.
   */
  frame?: string;
  message: string;
  /**
   * In how many milliseconds the same may succeed, if that is known.
   */
  retryAfterMs?: number;
  retryable: boolean;
  type: 'error';
}
/**
 * Something that has nothing to do with rooms.
 */
export interface WsToldEvent {
  /**
   * Where it comes from.
   */
  about?: EventSource;
  /**
   * All arguments, if a backend emits several; `data` is the first of them.
   */
  args?: unknown[];
  data: unknown;
  event: string;
  type: 'event';
}
/**
 * Somebody else hosts the room now.
 */
export interface WsToldHostChange {
  /**
   * The name of a peer; its id where its name is not known.
   */
  host: string;
  /**
   * The id of a peer.
   */
  hostId: string;
  room: string;
  type: 'host-change';
}
/**
 * A message from another peer for this one.
 */
export interface WsToldIceCandidate {
  /**
   * A session description or an ICE candidate, as the sender wrote it.
   */
  payload: RTCSessionDescriptionInit | RTCIceCandidateInit | string | null;
  recipient: string;
  room: string;
  /**
   * The name of a peer; its id where its name is not known.
   */
  sender: string;
  /**
   * The id of a peer.
   */
  senderPeerId: string;
  type: 'ice-candidate';
}
/**
 * Newer credentials for TURN servers.
 */
export interface WsToldIceServers {
  /**
   * When they expire, in seconds since the Unix epoch.
   */
  expiresAt: number;
  iceServers: IceServer[];
  /**
   * How long the credentials are good, in seconds.
   */
  ttl: number;
  type: 'ice-servers';
}
/**
 * The client is in the room.
 */
export interface WsToldJoined {
  /**
   * The name of a peer; its id where its name is not known.
   */
  host: string;
  /**
   * The id of a peer.
   */
  hostId: string;
  iceServers?: IceServer[];
  missed?: number;
  mode: Mode;
  /**
   * The id of a peer.
   */
  peerId: string;
  peers: WsPeer[];
  /**
   * Writes a resume token as text.
   */
  resumeToken: string;
  room: string;
  roomId: string;
  sender: string;
  type: 'joined';
  userId: string;
  username: string;
}
/**
 * The host removed the client from the room.
 */
export interface WsToldKicked {
  reason: string;
  room: string;
  type: 'kicked';
}
/**
 * The client has left the room.
 */
export interface WsToldLeft {
  room: string;
  type: 'left';
}
/**
 * A message from another peer for this one.
 */
export interface WsToldOffer {
  /**
   * A session description or an ICE candidate, as the sender wrote it.
   */
  payload: RTCSessionDescriptionInit | RTCIceCandidateInit | string | null;
  recipient: string;
  room: string;
  /**
   * The name of a peer; its id where its name is not known.
   */
  sender: string;
  /**
   * The id of a peer.
   */
  senderPeerId: string;
  type: 'offer';
}
/**
 * Another peer came.
 */
export interface WsToldPeerJoined {
  /**
   * The id of a peer.
   */
  peerId: string;
  room: string;
  sender: string;
  type: 'peer-joined';
  userId: string;
  username: string;
}
/**
 * Another peer is gone.
 */
export interface WsToldPeerLeft {
  /**
   * The id of a peer.
   */
  peerId: string;
  reason: LeaveReason;
  room: string;
  /**
   * The name of a peer; its id where its name is not known.
   */
  sender: string;
  type: 'peer-left';
}
/**
 * The client is the same peer again; what it missed follows, in order.
 */
export interface WsToldResumed {
  /**
   * The name of a peer; its id where its name is not known.
   */
  host: string;
  /**
   * The id of a peer.
   */
  hostId: string;
  iceServers?: IceServer[];
  missed?: number;
  mode: Mode;
  /**
   * The id of a peer.
   */
  peerId: string;
  peers: WsPeer[];
  /**
   * Writes a resume token as text.
   */
  resumeToken: string;
  room: string;
  roomId: string;
  sender: string;
  type: 'resumed';
  userId: string;
  username: string;
}
/**
 * Media flows otherwise from now on.
 */
export interface WsToldRoomMode {
  mode: Mode;
  reason: ModeReason;
  room: string;
  type: 'room-mode';
}
/**
 * The client hears a channel of backends from now on.
 */
export interface WsToldSubscribed {
  channel: string;
  offset?: string;
  recovered?: boolean;
  type: 'subscribed';
}
/**
 * The client hears a channel no more.
 */
export interface WsToldUnsubscribed {
  channel: string;
  type: 'unsubscribed';
}
/**
 * An answer, for one peer or all others.
 */
export interface WsAskedAnswer {
  /**
   * A session description, or its SDP alone, as the sender wrote it.
   */
  payload: RTCSessionDescriptionInit | string;
  /**
   * A name, a peer or a user.
   */
  recipient?: string | null;
  room: string;
  sender: string;
  type: 'answer';
}
/**
 * The same.
 */
export interface WsAskedCandidate {
  /**
   * An ICE candidate, or its line alone, as the sender wrote it; null says that there are no more (RFC 8838).
   */
  payload?: RTCIceCandidateInit | string | null;
  /**
   * A name, a peer or a user.
   */
  recipient?: string | null;
  room: string;
  sender: string;
  type: 'candidate';
}
/**
 * Says something to the whole room.
 */
export interface WsAskedChat {
  /**
   * What is said: the text, alone or in an object.
   */
  payload:
    | string
    | {
        /**
         * The sender's own id for a message: one that is sent again with it is heard once.
         */
        clientMessageId?: string | null;
        /**
         * What is said. It is trimmed. Of control characters there may be newline and tab.
         */
        content: string;
      };
  room: string;
  sender: string;
  type: 'chat';
}
/**
 * Makes another peer the host; for the host.
 */
export interface WsAskedHostChange {
  /**
   * A name, a peer or a user.
   */
  recipient: string;
  room: string;
  sender: string;
  type: 'host-change';
}
/**
 * The same.
 */
export interface WsAskedIce {
  /**
   * An ICE candidate, or its line alone, as the sender wrote it; null says that there are no more (RFC 8838).
   */
  payload?: RTCIceCandidateInit | string | null;
  /**
   * A name, a peer or a user.
   */
  recipient?: string | null;
  room: string;
  sender: string;
  type: 'ice';
}
/**
 * An ICE candidate, for one peer or all others.
 */
export interface WsAskedIceCandidate {
  /**
   * An ICE candidate, or its line alone, as the sender wrote it; null says that there are no more (RFC 8838).
   */
  payload?: RTCIceCandidateInit | string | null;
  /**
   * A name, a peer or a user.
   */
  recipient?: string | null;
  room: string;
  sender: string;
  type: 'ice-candidate';
}
/**
 * Joins a room under a name.
 */
export interface WsAskedJoin {
  /**
   * Which peer a client was.
   */
  payload?: {
    resumeToken?: string | null;
  } | null;
  /**
   * What people type or share to get into a room.
   */
  room: string;
  /**
   * The name by which the others reach a client.
   */
  sender: string;
  type: 'join';
}
/**
 * Removes a peer; for the host.
 */
export interface WsAskedKick {
  /**
   * What a peer that is removed is told.
   */
  payload?: {
    /**
     * What a peer that is removed is told.
     */
    reason?: string | null;
  } | null;
  /**
   * A name, a peer or a user.
   */
  recipient: string;
  room: string;
  sender: string;
  type: 'kick';
}
/**
 * Leaves the room.
 */
export interface WsAskedLeave {
  room: string;
  sender: string;
  type: 'leave';
}
/**
 * An offer, for one peer or all others.
 */
export interface WsAskedOffer {
  /**
   * A session description, or its SDP alone, as the sender wrote it.
   */
  payload: RTCSessionDescriptionInit | string;
  /**
   * A name, a peer or a user.
   */
  recipient?: string | null;
  room: string;
  sender: string;
  type: 'offer';
}
/**
 * Subscribes to a backend channel.
 */
export interface WsAskedSubscribe {
  channel: string;
  /**
   * So many of the last events are told first.
   */
  last?: number | null;
  /**
   * The `offset` of the last event that was heard: what came after it is told first.
   */
  since?: string | null;
  type: 'subscribe';
}
/**
 * Ends a subscription.
 */
export interface WsAskedUnsubscribe {
  channel: string;
  type: 'unsubscribe';
}

/** What an event of the client is answered. */
export type Answer<E extends keyof ClientRequests> = ClientAnswers[E] | Refused;

/** What the gateway sends: the first type argument of socket.io-client's `Socket`. */
export type ServerToClientEvents = {
  [E in keyof ServerEvents]: (payload: ServerEvents[E]) => void;
} & {
  [E in keyof BackendEvents]: (data: BackendEvents[E], source: EventSource) => void;
};

/** What clients send: the second type argument of socket.io-client's `Socket`. */
export type ClientToServerEvents = {
  [E in keyof ClientRequests]: [ClientRequests[E]] extends [undefined]
    ? (ack?: (answer: Answer<E>) => void) => void
    : (payload: ClientRequests[E], ack?: (answer: Answer<E>) => void) => void;
};
