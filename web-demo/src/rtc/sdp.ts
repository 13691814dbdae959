import type { WireCandidate } from '../protocol/types';

/**
 * Names the RTCPeerConnection behind a description. Its certificate lives exactly as long as the
 * connection does, so another fingerprint means that the other page was reloaded or started over.
 */
export function connectionKey(sdp: string): string {
  const fingerprint = /^a=fingerprint:\S+ (\S+)/m.exec(sdp)?.[1];
  if (fingerprint) return fingerprint.toUpperCase();
  return /^o=\S+ (\S+)/m.exec(sdp)?.[1] ?? sdp;
}

export function iceUfrags(sdp: string): Set<string> {
  return new Set([...sdp.matchAll(/^a=ice-ufrag:(\S+)/gm)].map((m) => m[1] ?? ''));
}

/** Clients may send the bare SDP; the event says which of the two it is. */
export function normaliseDescription(type: 'offer' | 'answer', description: RTCSessionDescriptionInit | string): RTCSessionDescriptionInit {
  return typeof description === 'string' ? { type, sdp: description } : description;
}

/** Clients may send the bare candidate line; it then belongs to the first media section. */
export function normaliseCandidate(candidate: WireCandidate): RTCIceCandidateInit | null {
  if (candidate === null) return null;
  return typeof candidate === 'string' ? { candidate, sdpMid: null, sdpMLineIndex: 0 } : candidate;
}

/** A candidate of a connection or ICE generation that is over would only make the browser complain. */
export function belongsTo(candidate: RTCIceCandidateInit, remoteSdp: string): boolean {
  const ufrag = candidate.usernameFragment ?? / ufrag (\S+)/.exec(candidate.candidate ?? '')?.[1];
  return !ufrag || iceUfrags(remoteSdp).has(ufrag);
}
