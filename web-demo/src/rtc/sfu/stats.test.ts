import { describe, expect, test } from 'vitest';
import { Comparison, type IncomingSubject, type Samples } from './stats';

const received = (bytes: number, packets: number, lost: number, over: Record<string, unknown> = {}) => [
  { id: 'T', type: 'transport', selectedCandidatePairId: 'P' },
  { id: 'P', type: 'candidate-pair', localCandidateId: 'L', remoteCandidateId: 'R', bytesReceived: bytes, bytesSent: 1, currentRoundTripTime: 0.004 },
  { id: 'L', type: 'local-candidate', candidateType: 'prflx', protocol: 'udp' },
  { id: 'R', type: 'remote-candidate', candidateType: 'host' },
  { id: 'C', type: 'codec', mimeType: 'video/VP8' },
  { id: 'A', type: 'inbound-rtp', kind: 'audio', mid: '0', bytesReceived: 1, packetsReceived: 1, packetsLost: 0 },
  { id: 'V', type: 'inbound-rtp', kind: 'video', mid: '1', codecId: 'C', frameWidth: 640, frameHeight: 360, framesPerSecond: 15.2, bytesReceived: bytes, packetsReceived: packets, packetsLost: lost, ...over },
];

const cam: IncomingSubject = { producerId: 'v', peerId: 'a', source: 'cam', mid: '1', paused: false, size: { width: 1280, height: 720, fps: 30 }, scalabilityMode: 'S3T3' };

const encoding = (rid: string, bytesSent: number, over: Record<string, unknown> = {}) => ({
  id: `O${rid}`, type: 'outbound-rtp', kind: 'video', mid: '0', rid, codecId: 'C', active: true, frameWidth: 320, frameHeight: 180, framesPerSecond: 30, bytesSent, qualityLimitationReason: 'none', ...over,
});

/** Two reports 2 s apart; what the second says of the difference. */
function compared(first: Comparison, second: (before: Samples) => Comparison): Comparison {
  return second(first.next);
}

describe('what is received of a producer', () => {
  test('has codec, picture and layer at once, and rates with the second report', () => {
    const first = new Comparison(received(1000, 10, 0), 0, new Map());
    expect(first.incoming(cam)).toMatchObject({ codec: 'VP8', picture: { width: 640, height: 360, fps: 15 }, layer: { spatial: 1, temporal: 1 }, kbps: null, lossPercent: null });
    const second = compared(first, (before) => new Comparison(received(126_000, 100, 10), 2000, before));
    expect(second.incoming(cam)).toMatchObject({ kbps: 500, lost: 10, lossPercent: 10 });
  });

  test('is found by its mid, not by its kind', () => {
    const report = new Comparison(received(1000, 10, 0), 0, new Map());
    expect(report.incoming({ ...cam, mid: '7' })).toMatchObject({ codec: '?', picture: null, layer: { spatial: null } });
  });

  test('has no rate when its counters began again', () => {
    const first = new Comparison(received(9000, 90, 9), 0, new Map());
    first.incoming(cam);
    const second = compared(first, (before) => new Comparison(received(10, 1, 0), 2000, before));
    expect(second.incoming(cam)).toMatchObject({ kbps: null, lossPercent: null });
  });
});

describe('what is sent of a track', () => {
  const codec = { id: 'C', type: 'codec', mimeType: 'video/VP8' };

  test('has a rate for each encoding, smallest first, and their sum', () => {
    const subject = { source: 'cam', mid: '0', paused: false } as const;
    const first = new Comparison([codec, encoding('r1', 0), encoding('r0', 0)], 0, new Map());
    first.outgoing(subject);
    const second = compared(first, (before) => new Comparison([codec, encoding('r1', 100_000), encoding('r0', 25_000)], 2000, before));
    const report = second.outgoing(subject);
    expect(report.encodings.map(({ rid, kbps }) => [rid, kbps])).toEqual([['r0', 100], ['r1', 400]]);
    expect(report).toMatchObject({ codec: 'VP8', kbps: 500, probingKbps: 0 });
  });

  test('is told apart from what only probes the network', () => {
    const subject = { source: 'cam', mid: '0', paused: false } as const;
    const first = new Comparison([encoding('r0', 0), encoding('r1', 0)], 0, new Map());
    first.outgoing(subject);
    const sent = [encoding('r0', 250_000, { targetBitrate: 150_000 }), encoding('r1', 110_000, { targetBitrate: 400_000 })];
    const report = compared(first, (before) => new Comparison(sent, 2000, before)).outgoing(subject);
    expect(report.encodings.map(({ kbps }) => kbps)).toEqual([150, 440]);
    expect(report).toMatchObject({ kbps: 590, probingKbps: 850 });
  });

  test('says which encodings are not sent, and what holds one back', () => {
    const report = new Comparison([encoding('r0', 1, { qualityLimitationReason: 'cpu' }), encoding('r1', 1, { active: false }), encoding('r2', 1, { framesPerSecond: 0 })], 0, new Map());
    const { encodings } = report.outgoing({ source: 'cam', mid: '0', paused: false });
    expect(encodings.map(({ active, limitedBy }) => [active, limitedBy])).toEqual([[true, 'cpu'], [false, null], [false, null]]);
  });
});

describe('a transport', () => {
  test('says where it goes, and how much of the right direction goes over it', () => {
    const first = new Comparison(received(0, 0, 0), 0, new Map());
    expect(first.way('connected', 'recv')).toEqual({ state: 'connected', kbps: null, rttMs: 4, pair: 'prflx ↔ host, udp', relay: 'no' });
    const second = compared(first, (before) => new Comparison(received(50_000, 0, 0), 2000, before));
    expect(second.way('connected', 'recv').kbps).toBe(200);
  });

  test('that is not connected yet has nothing but its state', () => {
    expect(new Comparison([], 0, new Map()).way('connecting', 'send')).toEqual({ state: 'connecting', kbps: null, rttMs: null, pair: null, relay: null });
  });
});
