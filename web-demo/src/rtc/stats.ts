/** Turns getStats reports into the few numbers the network panel shows. */

import { relayText } from './ice';

export interface StatsSample {
  at: number;
  bytesIn: number;
  bytesOut: number;
  packetsIn: number;
  packetsLost: number;
}

export interface VideoShape {
  codec: string;
  width: number;
  height: number;
  fps: number;
}

export interface PeerStats {
  kbpsIn: number | null;
  kbpsOut: number | null;
  lossPercent: number | null;
  rttMs: number | null;
  videoIn: VideoShape | null;
  videoOut: VideoShape | null;
  audioCodec: string | null;
  pair: string | null;
  /** Whether a TURN server is in between. */
  relay: string | null;
}

export type Entry = Record<string, unknown> & { id: string; type: string };

export const num = (value: unknown): number => (typeof value === 'number' && Number.isFinite(value) ? value : 0);
export const text = (value: unknown): string => (typeof value === 'string' ? value : '');

export function summarise(entries: readonly Entry[], now: number, before: StatsSample | null): { stats: PeerStats; sample: StatsSample } {
  const byId = new Map(entries.map((e) => [e.id, e]));
  const inbound = entries.filter((e) => e.type === 'inbound-rtp');
  const pair = selectedPair(entries, byId);
  const sample: StatsSample = {
    at: now,
    bytesIn: num(pair?.bytesReceived),
    bytesOut: num(pair?.bytesSent),
    packetsIn: sum(inbound, 'packetsReceived'),
    packetsLost: sum(inbound, 'packetsLost'),
  };
  const rtt = num(pair?.currentRoundTripTime);
  const audio = inbound.find((e) => e.kind === 'audio');
  return {
    sample,
    stats: {
      kbpsIn: rate(before?.bytesIn, sample.bytesIn, before, sample),
      kbpsOut: rate(before?.bytesOut, sample.bytesOut, before, sample),
      lossPercent: loss(before, sample),
      rttMs: pair ? rtt * 1000 : null,
      videoIn: videoShape(inbound, byId),
      videoOut: videoShape(entries.filter((e) => e.type === 'outbound-rtp'), byId),
      audioCodec: audio ? codecName(audio, byId) : null,
      pair: pair ? describePair(pair, byId) : null,
      relay: pair ? describeRelay(pair, byId) : null,
    },
  };
}

function sum(entries: readonly Entry[], key: string): number {
  return entries.reduce((total, e) => total + num(e[key]), 0);
}

/** Null when there is nothing to compare with, or the counters began again with a new connection. */
function rate(from: number | undefined, to: number, before: StatsSample | null, sample: StatsSample): number | null {
  const ms = before ? sample.at - before.at : 0;
  if (from === undefined || ms <= 0 || to < from) return null;
  return ((to - from) * 8) / ms;
}

function loss(before: StatsSample | null, sample: StatsSample): number | null {
  if (!before || sample.packetsIn < before.packetsIn) return null;
  const lost = Math.max(0, sample.packetsLost - before.packetsLost);
  const total = lost + sample.packetsIn - before.packetsIn;
  return total === 0 ? 0 : (lost / total) * 100;
}

export function selectedPair(entries: readonly Entry[], byId: Map<string, Entry>): Entry | undefined {
  const transport = entries.find((e) => e.type === 'transport' && e.selectedCandidatePairId);
  if (transport) return byId.get(text(transport.selectedCandidatePairId));
  return entries.find((e) => e.type === 'candidate-pair' && e.state === 'succeeded' && e.nominated === true);
}

export function describePair(pair: Entry, byId: Map<string, Entry>): string {
  const local = byId.get(text(pair.localCandidateId));
  const remote = byId.get(text(pair.remoteCandidateId));
  const ends = `${text(local?.candidateType) || '?'} ↔ ${text(remote?.candidateType) || '?'}`;
  const protocol = text(local?.protocol);
  return protocol ? `${ends}, ${protocol}` : ends;
}

/** Whether a TURN server carries what goes over a pair, and how it is reached. */
export function describeRelay(pair: Entry, byId: Map<string, Entry>): string {
  const local = byId.get(text(pair.localCandidateId));
  const remote = byId.get(text(pair.remoteCandidateId));
  return relayText(text(local?.candidateType), text(local?.relayProtocol), text(remote?.candidateType));
}

export function codecName(rtp: Entry, byId: Map<string, Entry>): string {
  return text(byId.get(text(rtp.codecId))?.mimeType).replace(/^(video|audio)\//i, '') || '?';
}

function videoShape(rtp: readonly Entry[], byId: Map<string, Entry>): VideoShape | null {
  const video = rtp.find((e) => e.kind === 'video' && num(e.frameWidth) > 0);
  if (!video) return null;
  return {
    codec: codecName(video, byId),
    width: num(video.frameWidth),
    height: num(video.frameHeight),
    fps: Math.round(num(video.framesPerSecond)),
  };
}

export function formatShape(shape: VideoShape | null): string {
  return shape ? `${shape.codec} ${shape.width}×${shape.height} @ ${shape.fps}` : '–';
}

export function formatRate(kbps: number | null): string {
  if (kbps === null) return '–';
  return kbps >= 1000 ? `${(kbps / 1000).toFixed(1)} Mbit/s` : `${Math.round(kbps)} kbit/s`;
}
