import type { PeerInfo, PeerJoined, RoomMode, RoomSnapshot } from '../protocol/types';

/** Who is in the room, as the gateway last told us. */
export interface RoomState {
  roomId: string;
  roomCode: string;
  selfId: string;
  hostId: string;
  mode: RoomMode;
  peers: PeerInfo[];
  /** Those who were there before us. Of each pair the newer one calls when the room turns p2p. */
  older: string[];
}

/**
 * The list of peers does not say where in it we belong: that is known from the first one, in which
 * all are older, and remembered. `older` is what the page before a reload knew.
 */
export function fromSnapshot(snapshot: RoomSnapshot, before: RoomState | null = null, older: readonly string[] | null = null): RoomState {
  const peers = snapshot.peers.filter((p) => p.id !== snapshot.peerId);
  const present = peers.map((p) => p.id);
  const samePeer = before !== null && before.selfId === snapshot.peerId && before.roomId === snapshot.roomId;
  const remembered = samePeer ? before.older : older;
  return {
    roomId: snapshot.roomId,
    roomCode: snapshot.roomCode,
    selfId: snapshot.peerId,
    hostId: snapshot.hostId,
    mode: snapshot.mode,
    peers,
    older: remembered ? present.filter((id) => remembered.includes(id)) : present,
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
  /** Whom to call, and from whom to wait for a call. */
  call: string[];
  expect: string[];
}

/**
 * What a fresh peer list means for the connections that exist now. Who comes in calls everybody
 * that is there; who was there waits for that call. After a resume only newcomers are missing from
 * the connections, and those call by themselves.
 */
export function reconcile(before: RoomState | null, next: RoomState, connected: Iterable<string>): Reconciliation {
  const present = new Set(next.peers.map((p) => p.id));
  const current = [...connected];
  if (before === null || before.selfId !== next.selfId || before.roomId !== next.roomId) {
    return { startOver: true, drop: current, call: [...present], expect: [] };
  }
  const held = new Set(current);
  return {
    startOver: false,
    drop: current.filter((id) => !present.has(id)),
    call: [],
    expect: [...present].filter((id) => !held.has(id)),
  };
}

/** Everybody is to be connected anew, since the room changed the way it does that. */
export function afresh(room: RoomState): Reconciliation {
  const older = new Set(room.older);
  const present = room.peers.map((p) => p.id);
  return { startOver: false, drop: [], call: present.filter((id) => older.has(id)), expect: present.filter((id) => !older.has(id)) };
}
