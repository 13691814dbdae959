import type { PeerInfo, PeerJoined, RoomMode, RoomSnapshot } from '../protocol/types';

/** Who is in the room, as the gateway last told us. */
export interface RoomState {
  roomId: string;
  roomCode: string;
  selfId: string;
  hostId: string;
  mode: RoomMode;
  peers: PeerInfo[];
}

export function fromSnapshot(snapshot: RoomSnapshot): RoomState {
  return {
    roomId: snapshot.roomId,
    roomCode: snapshot.roomCode,
    selfId: snapshot.peerId,
    hostId: snapshot.hostId,
    mode: snapshot.mode,
    peers: snapshot.peers.filter((p) => p.id !== snapshot.peerId),
  };
}

/** After a resume the list already holds whoever a replayed `peer:joined` names. */
export function withPeer(state: RoomState, joined: PeerJoined): RoomState {
  const known = state.peers.some((p) => p.id === joined.peerId);
  if (known || joined.peerId === state.selfId) return state;
  const peer = { id: joined.peerId, userId: joined.userId, userInfo: joined.userInfo };
  return { ...state, peers: [...state.peers, peer] };
}

export function withoutPeer(state: RoomState, peerId: string): RoomState {
  const peers = state.peers.filter((p) => p.id !== peerId);
  return peers.length === state.peers.length ? state : { ...state, peers };
}

export function isHost(state: RoomState | null, peerId: string): boolean {
  return state !== null && state.hostId === peerId;
}

export function nameOf(state: RoomState | null, peerId: string): string {
  return state?.peers.find((p) => p.id === peerId)?.userInfo.username ?? 'Someone';
}

export interface Reconciliation {
  /** We are another peer than before: every connection made under the old id is void. */
  startOver: boolean;
  drop: string[];
  add: string[];
}

/** What a fresh peer list means for the connections that exist now. */
export function reconcile(before: RoomState | null, next: RoomState, connected: Iterable<string>): Reconciliation {
  const present = new Set(next.peers.map((p) => p.id));
  const current = [...connected];
  if (before === null || before.selfId !== next.selfId || before.roomId !== next.roomId) {
    return { startOver: true, drop: current, add: [...present] };
  }
  const held = new Set(current);
  return {
    startOver: false,
    drop: current.filter((id) => !present.has(id)),
    add: [...present].filter((id) => !held.has(id)),
  };
}
