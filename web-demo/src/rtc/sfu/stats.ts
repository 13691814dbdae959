import { codecName, describePair, describeRelay, num, selectedPair, text, type Entry } from '../stats';
import type { PictureSize, Source } from './announced';
import { inferLayer, parseScalabilityMode, type Layer, type LayerCount } from './layers';

/** Turns the getStats report of a transport into what the network panel shows of it. Pure. */

export interface WayReport {
  state: RTCPeerConnectionState;
  kbps: number | null;
  rttMs: number | null;
  pair: string | null;
  relay: string | null;
}

/** One of the encodings that the own page sends of a track. */
export interface EncodingReport {
  rid: string;
  active: boolean;
  kbps: number | null;
  width: number;
  height: number;
  fps: number;
  /** Why it is smaller or slower than asked for, as in getStats. */
  limitedBy: string | null;
}

export interface OutgoingReport {
  source: Source;
  codec: string;
  paused: boolean;
  kbps: number | null;
  /** Sent beyond what the picture needs, to find out how much the network takes. */
  probingKbps: number;
  encodings: EncodingReport[];
}

export interface IncomingReport {
  producerId: string;
  peerId: string;
  source: Source;
  codec: string;
  paused: boolean;
  kbps: number | null;
  lost: number;
  lossPercent: number | null;
  picture: PictureSize | null;
  layer: Layer;
  layers: LayerCount;
}

/** What there is to measure, apart from the report. */
export interface OutgoingSubject {
  source: Source;
  mid: string;
  paused: boolean;
}

export interface IncomingSubject {
  producerId: string;
  peerId: string;
  source: Source;
  mid: string;
  paused: boolean;
  /** Of the picture as sent. */
  size: PictureSize | null;
  scalabilityMode: string | undefined;
}

interface Counters {
  at: number;
  bytes: number;
  packets: number;
  lost: number;
}

/** Counters of the measurement before, by what they count. */
export type Samples = Map<string, Counters>;

/** The difference between two reports: rates are those since the report before. */
export class Comparison {
  readonly next: Samples = new Map();
  private readonly byId: Map<string, Entry>;

  constructor(
    private readonly entries: readonly Entry[],
    private readonly now: number,
    private readonly before: Samples,
  ) {
    this.byId = new Map(entries.map((entry) => [entry.id, entry]));
  }

  way(state: RTCPeerConnectionState, direction: 'send' | 'recv'): WayReport {
    const pair = selectedPair(this.entries, this.byId);
    if (!pair) return { state, kbps: null, rttMs: null, pair: null, relay: null };
    const bytes = num(direction === 'send' ? pair.bytesSent : pair.bytesReceived);
    const { kbps } = this.since(`way ${direction}`, { bytes, packets: 0, lost: 0 });
    const path = { pair: describePair(pair, this.byId), relay: describeRelay(pair, this.byId) };
    return { state, kbps, rttMs: num(pair.currentRoundTripTime) * 1000, ...path };
  }

  outgoing({ source, mid, paused }: OutgoingSubject): OutgoingReport {
    const rtp = this.ofMid('outbound-rtp', mid);
    const measured = rtp.map((entry) => this.encoding(entry));
    const encodings = measured.map(({ encoding }) => encoding).sort((a, b) => a.rid.localeCompare(b.rid));
    const rates = encodings.flatMap(({ kbps }) => (kbps === null ? [] : [kbps]));
    return {
      source,
      codec: rtp[0] ? codecName(rtp[0], this.byId) : '?',
      paused,
      kbps: rates.length > 0 ? total(rates) : null,
      probingKbps: total(measured.map(({ probingKbps }) => probingKbps)),
      encodings,
    };
  }

  incoming({ mid, size, scalabilityMode, ...subject }: IncomingSubject): IncomingReport {
    const rtp = this.ofMid('inbound-rtp', mid)[0];
    const picture = rtp && num(rtp.frameWidth) > 0 ? { width: num(rtp.frameWidth), height: num(rtp.frameHeight), fps: Math.round(num(rtp.framesPerSecond)) } : null;
    const layers = parseScalabilityMode(scalabilityMode);
    const counters = { bytes: num(rtp?.bytesReceived), packets: num(rtp?.packetsReceived), lost: num(rtp?.packetsLost) };
    return {
      ...subject,
      ...this.since(`in ${subject.producerId}`, counters),
      codec: rtp ? codecName(rtp, this.byId) : '?',
      lost: Math.max(0, counters.lost),
      picture,
      layer: inferLayer(picture ?? { width: 0, height: 0, fps: 0 }, size, layers),
      layers,
    };
  }

  private encoding(entry: Entry): { encoding: EncodingReport; probingKbps: number } {
    const { kbps } = this.since(`out ${text(entry.mid)} ${text(entry.rid)} ${num(entry.ssrc)}`, { bytes: num(entry.bytesSent), packets: 0, lost: 0 });
    // Browsers probe by sending packets of one encoding again, and count those as its own. An encoder
    // keeps near its target.
    const target = num(entry.targetBitrate) / 1000;
    const probing = entry.kind === 'video' && kbps !== null && target > 0 && kbps > 1.5 * target ? kbps - target : 0;
    const limit = text(entry.qualityLimitationReason);
    const fps = Math.round(num(entry.framesPerSecond));
    const encoding = {
      rid: text(entry.rid),
      // Browsers leave an encoding active that they have no bandwidth or pixels for.
      active: entry.active !== false && (entry.kind !== 'video' || fps > 0),
      kbps: kbps === null ? null : kbps - probing,
      width: num(entry.frameWidth),
      height: num(entry.frameHeight),
      fps,
      limitedBy: limit === '' || limit === 'none' ? null : limit,
    };
    return { encoding, probingKbps: probing };
  }

  private ofMid(type: string, mid: string): Entry[] {
    return this.entries.filter((entry) => entry.type === type && text(entry.mid) === mid);
  }

  /** Null when there is nothing to compare with, or the counters began again. */
  private since(key: string, counters: Omit<Counters, 'at'>): { kbps: number | null; lossPercent: number | null } {
    this.next.set(key, { ...counters, at: this.now });
    const before = this.before.get(key);
    const ms = before ? this.now - before.at : 0;
    if (!before || ms <= 0 || counters.bytes < before.bytes) return { kbps: null, lossPercent: null };
    const lost = Math.max(0, counters.lost - before.lost);
    const total = lost + counters.packets - before.packets;
    return { kbps: ((counters.bytes - before.bytes) * 8) / ms, lossPercent: total > 0 ? (lost / total) * 100 : 0 };
  }
}

function total(rates: readonly number[]): number {
  return rates.reduce((sum, rate) => sum + rate, 0);
}
