import { describe, expect, test } from 'vitest';
import { append, matches, preview, redact, toJson, type LogEntry } from './eventLog';

const entry = (seq: number, over: Partial<LogEntry> = {}): LogEntry => ({ seq, at: 0, direction: 'in', name: 'peer:joined', payload: { peerId: 'p1' }, ...over });

describe('the event log', () => {
  test('forgets the oldest beyond its limit', () => {
    let log: LogEntry[] = [];
    for (let seq = 1; seq <= 5; seq++) log = append(log, entry(seq), 3);
    expect(log.map((e) => e.seq)).toEqual([3, 4, 5]);
  });

  test('is filtered by all words, in name, direction and payload', () => {
    expect(matches(entry(1), '')).toBe(true);
    expect(matches(entry(1), 'PEER in')).toBe(true);
    expect(matches(entry(1), 'p1')).toBe(true);
    expect(matches(entry(1), 'peer out')).toBe(false);
  });

  test('hides secrets at any depth and leaves the rest', () => {
    const payload = { resumeToken: 's', iceServers: [{ urls: 'turn:x', username: 'u', credential: 's' }], peerId: 'p' };
    expect(redact(payload)).toEqual({ resumeToken: '[hidden]', iceServers: [{ urls: 'turn:x', username: 'u', credential: '[hidden]' }], peerId: 'p' });
    expect(redact(null)).toBeNull();
    expect(redact('text')).toBe('text');
  });

  test('shortens long payloads and survives none', () => {
    expect(preview('x'.repeat(200), 10)).toHaveLength(10);
    expect(preview(undefined)).toBe('');
  });

  test('copies as JSON with readable times', () => {
    expect(JSON.parse(toJson([entry(1)]))).toEqual([{ time: '1970-01-01T00:00:00.000Z', direction: 'in', event: 'peer:joined', payload: { peerId: 'p1' } }]);
  });
});
