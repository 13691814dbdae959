import { describe, expect, test } from 'vitest';
import { peerState, type PeerHealth } from './peerState';

const well: PeerHealth = { givenUp: false, transport: 'connected', expected: ['m', 'v'], held: new Set(['m', 'v', 'other']) };
const state = (over: Partial<PeerHealth>) => peerState({ ...well, ...over });

describe('the state of a peer', () => {
  test('is connected once all that it sends is consumed over a transport that works', () => {
    expect(state({})).toBe('connected');
    expect(state({ held: new Set(['m']) })).toBe('connecting');
    expect(state({ transport: 'new', held: new Set() })).toBe('connecting');
  });

  test('is that of the transport where that is in trouble', () => {
    expect(state({ transport: 'disconnected' })).toBe('disconnected');
    expect(state({ transport: 'failed', held: new Set() })).toBe('failed');
  });

  test('of whom nothing comes is as good as it gets, once there is a transport', () => {
    expect(state({ expected: [], transport: 'new' })).toBe('connected');
    expect(state({ expected: [], transport: null })).toBe('connecting');
  });

  test('says so when the media server does not take us', () => {
    expect(state({ givenUp: true })).toBe('failed');
  });
});
