import { describe, expect, test } from 'vitest';
import { modeNotice, switchover } from './switchover';

describe('a room that changes the way it carries media', () => {
  test('gets a session at first, and another one with each change', () => {
    expect(switchover(null, { mode: 'p2p' })).toBe('replace');
    expect(switchover('p2p', { mode: 'sfu', reason: 'capacity' })).toBe('replace');
    expect(switchover('sfu', { mode: 'p2p', reason: 'media-unavailable' })).toBe('replace');
    expect(switchover('p2p', { mode: 'sfu' })).toBe('replace');
  });

  test('keeps its session when the same news comes again', () => {
    expect(switchover('sfu', { mode: 'sfu', reason: 'capacity' })).toBe('keep');
    expect(switchover('p2p', { mode: 'p2p', reason: 'media-unavailable' })).toBe('keep');
    expect(switchover('sfu', { mode: 'sfu' })).toBe('keep');
  });

  test('gets a new session from a media server that knows nothing of the old one', () => {
    expect(switchover('sfu', { mode: 'sfu', reason: 'media-moved' })).toBe('replace');
  });

  test('gets a new session where we are another peer than before', () => {
    expect(switchover('sfu', { mode: 'sfu', startOver: true })).toBe('replace');
    expect(switchover('p2p', { mode: 'p2p', startOver: true })).toBe('replace');
  });

  test('says why in words, and hands on reasons it does not know', () => {
    expect(modeNotice('p2p', 'media-unavailable').detail).toMatch(/cannot be reached/);
    expect(modeNotice('sfu', 'media-moved').text).toMatch(/another media server/);
    expect(modeNotice('sfu', 'moon-phase')).toEqual({ text: 'The room now uses a media server.', detail: 'moon-phase' });
    expect(modeNotice('p2p', 'toString')).toEqual({ text: 'The room is peer to peer again.', detail: 'toString' });
  });
});
