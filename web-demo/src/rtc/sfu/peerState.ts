export interface PeerHealth {
  givenUp: boolean;
  /** Of the transport that all comes over; null while there is none. */
  transport: RTCPeerConnectionState | null;
  /** Ids of the producers of this peer that can be consumed, and of all that are. */
  expected: readonly string[];
  held: { has(producerId: string): boolean };
}

/** How things stand with a peer, in the terms of a connection of its own, which it does not have here. */
export function peerState({ givenUp, transport, expected, held }: PeerHealth): RTCPeerConnectionState {
  if (givenUp) return 'failed';
  if (transport === null) return 'connecting';
  // Somebody who sends nothing is all there.
  if (expected.length === 0) return 'connected';
  const complete = expected.every((id) => held.has(id));
  return transport === 'new' || (transport === 'connected' && !complete) ? 'connecting' : transport;
}
