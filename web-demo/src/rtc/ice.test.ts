import { describe, expect, test } from 'vitest';
import { credentialsExpireAt, iceConfiguration, iceProblemText, relayText, relayUrls } from './ice';

const servers: RTCIceServer[] = [
  { urls: 'stun:a' },
  { urls: ['turn:a?transport=udp', 'TURNS:b'], username: '1700003600:ann', credential: 's' },
];

describe('the servers of a gateway', () => {
  test('make a configuration, with or without the direct way', () => {
    expect(iceConfiguration({ servers, relayOnly: false })).toEqual({ iceServers: servers, iceTransportPolicy: 'all' });
    expect(iceConfiguration({ servers, relayOnly: true }).iceTransportPolicy).toBe('relay');
  });

  test('are relays or not', () => {
    expect(relayUrls(servers)).toEqual(['turn:a?transport=udp', 'TURNS:b']);
    expect(relayUrls([{ urls: 'stun:a' }])).toEqual([]);
  });

  test('say how long the credentials are good', () => {
    expect(credentialsExpireAt(servers)).toBe(1_700_003_600);
    expect(credentialsExpireAt([{ urls: 'turn:x', username: 'fixed', credential: 's' }])).toBeNull();
    expect(credentialsExpireAt([])).toBeNull();
  });
});

describe('problems with a server', () => {
  const problem = { url: 'turn:a', errorCode: 401, errorText: 'Unauthorized' };

  test('are told when it refuses', () => {
    expect(iceProblemText(problem, false)).toBe('turn:a refused: 401 Unauthorized.');
    expect(iceProblemText({ ...problem, url: '', errorText: '' }, false)).toBe('A TURN server refused: 401 no reason given.');
  });

  test('that cannot be reached only count where nothing else may be used', () => {
    expect(iceProblemText({ ...problem, errorCode: 701 }, false)).toBeNull();
    expect(iceProblemText({ ...problem, errorCode: 701 }, true)).toBe('turn:a cannot be reached.');
  });
});

describe('a path', () => {
  test('is relayed at one end, at both or not at all', () => {
    expect(relayText('host', '', 'prflx')).toBe('no');
    expect(relayText('relay', 'tcp', 'host')).toBe('yes, at this end (by tcp)');
    expect(relayText('relay', 'udp', 'relay')).toBe('yes, at both ends (by udp)');
    expect(relayText('srflx', '', 'relay')).toBe('yes, at the other end');
  });
});
