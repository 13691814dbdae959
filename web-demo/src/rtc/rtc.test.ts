import { describe, expect, test } from 'vitest';
import { remedyFor, type LinkHealth } from './recovery';
import { belongsTo, connectionKey, iceUfrags, normaliseDescription } from './sdp';
import { formatRate, formatShape, summarise } from './stats';

describe('descriptions', () => {
  const sdp = 'v=0\r\no=- 4611 2 IN IP4 127.0.0.1\r\na=ice-ufrag:AbC+\r\na=fingerprint:sha-256 aa:bb\r\n';

  test('may come bare, or in an object', () => {
    const described = { type: 'offer', sdp } as const;
    expect(normaliseDescription('offer', sdp)).toEqual(described);
    expect(normaliseDescription('answer', described)).toBe(described);
  });

  test('are told apart by their certificate, whatever else changes', () => {
    expect(connectionKey(sdp)).toBe('AA:BB');
    expect(connectionKey(sdp.replace('AbC+', 'new').replace(' 2 IN', ' 3 IN'))).toBe('AA:BB');
    expect(connectionKey('v=0\r\no=- 4611 2 IN IP4 0.0.0.0\r\n')).toBe('4611');
  });

  test('say whose candidates they take', () => {
    expect(iceUfrags(sdp)).toEqual(new Set(['AbC+']));
    expect(belongsTo({ candidate: 'candidate:1 1 udp 1 ::1 9 typ host ufrag AbC+' }, sdp)).toBe(true);
    expect(belongsTo({ candidate: 'x', usernameFragment: 'other' }, sdp)).toBe(false);
    expect(belongsTo({ candidate: 'x' }, sdp)).toBe(true);
  });
});

describe('recovery', () => {
  const healthy: LinkHealth = { state: 'connected', iceState: 'connected', forMs: 60_000, polite: false, online: true, restartedAgoMs: Infinity };
  const remedy = (over: Partial<LinkHealth>) => remedyFor({ ...healthy, ...over });

  test('leaves a healthy connection alone', () => expect(remedy({})).toBe('none'));

  test('restarts ICE at once when it failed, the polite side a little later', () => {
    const failed = { state: 'failed', iceState: 'failed', forMs: 0 } as const;
    expect(remedy(failed)).toBe('restart-ice');
    expect(remedy({ ...failed, polite: true })).toBe('none');
    expect(remedy({ ...failed, polite: true, forMs: 3000 })).toBe('restart-ice');
  });

  test('gives a short disturbance the chance to pass', () => {
    const shaky = { state: 'disconnected', iceState: 'disconnected' } as const;
    expect(remedy({ ...shaky, forMs: 1000 })).toBe('none');
    expect(remedy({ ...shaky, forMs: 4000 })).toBe('restart-ice');
    expect(remedy({ ...shaky, forMs: 5000, restartedAgoMs: 1000 })).toBe('none');
  });

  test('does nothing while the gateway cannot carry the offer', () => {
    expect(remedy({ state: 'failed', iceState: 'failed', online: false })).toBe('none');
  });

  test('starts over when nothing else helped', () => {
    expect(remedy({ state: 'connecting', iceState: 'checking', forMs: 15_000 })).toBe('rebuild');
    expect(remedy({ state: 'closed', iceState: 'closed', forMs: 0 })).toBe('rebuild');
  });

  test('calls by itself when the newcomer’s call does not come', () => {
    expect(remedy({ state: 'none', iceState: 'none', forMs: 1000 })).toBe('none');
    expect(remedy({ state: 'none', iceState: 'none', forMs: 6000 })).toBe('call');
  });
});

describe('statistics', () => {
  const report = (bytes: number, packets: number, lost: number) => [
    { id: 'T', type: 'transport', selectedCandidatePairId: 'P' },
    { id: 'P', type: 'candidate-pair', localCandidateId: 'L', remoteCandidateId: 'R', bytesReceived: bytes, bytesSent: 2 * bytes, currentRoundTripTime: 0.012 },
    { id: 'L', type: 'local-candidate', candidateType: 'host', protocol: 'udp' },
    { id: 'R', type: 'remote-candidate', candidateType: 'prflx' },
    { id: 'C', type: 'codec', mimeType: 'video/VP8' },
    { id: 'I', type: 'inbound-rtp', kind: 'video', codecId: 'C', frameWidth: 640, frameHeight: 360, framesPerSecond: 29.6, packetsReceived: packets, packetsLost: lost },
  ];

  test('the first sample has no rates but says what flows and where', () => {
    const { stats } = summarise(report(1000, 10, 0), 0, null);
    expect(stats).toMatchObject({ kbpsIn: null, lossPercent: null, rttMs: 12, pair: 'host ↔ prflx, udp', relay: 'no' });
    expect(formatShape(stats.videoIn)).toBe('VP8 640×360 @ 30');
  });

  test('a relay is told', () => {
    const relayed = report(1000, 10, 0).map((e) => (e.id === 'L' ? { ...e, candidateType: 'relay', relayProtocol: 'udp' } : e));
    expect(summarise(relayed, 0, null).stats).toMatchObject({ pair: 'relay ↔ prflx, udp', relay: 'yes, at this end (by udp)' });
  });

  test('rates and loss are those since the sample before', () => {
    const { sample } = summarise(report(1000, 10, 0), 0, null);
    const { stats } = summarise(report(251_000, 100, 10), 2000, sample);
    expect(stats.kbpsIn).toBe(1000);
    expect(stats.kbpsOut).toBe(2000);
    expect(stats.lossPercent).toBe(10);
  });

  test('counters that begin again give no negative rates', () => {
    const { sample } = summarise(report(1000, 10, 0), 0, null);
    const { stats } = summarise(report(10, 1, 0), 2000, sample);
    expect([stats.kbpsIn, stats.lossPercent]).toEqual([null, null]);
  });

  test('an empty report is no reason to fail', () => {
    expect(summarise([], 0, null).stats).toMatchObject({ pair: null, relay: null, rttMs: null, videoIn: null });
  });

  test('rates read well', () => {
    expect([formatRate(null), formatRate(512.4), formatRate(1540)]).toEqual(['–', '512 kbit/s', '1.5 Mbit/s']);
  });
});
