import { describe, expect, test } from 'vitest';
import { SignalError } from '../../protocol/errors';
import { remedyForError, remedyForTransport, retryDelayMs, worst, type TransportHealth } from './remedies';

const refusal = (code: string, retryable = false) => new SignalError(code, code, retryable);

describe('a request that fails', () => {
  test('is tried again while the media server is away, busy or slow', () => {
    expect(remedyForError(refusal('MEDIA_UNAVAILABLE', true))).toBe('retry');
    expect(remedyForError(refusal('MEDIA_UNAVAILABLE'))).toBe('retry');
    expect(remedyForError(refusal('RATE_LIMITED', true))).toBe('retry');
    expect(remedyForError(refusal('TIMEOUT', true))).toBe('retry');
  });

  test('waits for the gateway rather than retry without it', () => {
    expect(remedyForError(refusal('LINK_LOST', true))).toBe('wait');
    expect(remedyForError(refusal('NOT_IN_ROOM'))).toBe('wait');
  });

  test('means new transports where the old ones are not ours', () => {
    expect(remedyForError(refusal('FORBIDDEN'))).toBe('rebuild');
    expect(remedyForError(refusal('MEDIA_REJECTED'))).toBe('rebuild');
    expect(remedyForError(new DOMException('closed', 'InvalidStateError'))).toBe('rebuild');
  });

  test('is not repeated where it can only fail again', () => {
    expect(remedyForError(refusal('INVALID_PAYLOAD'))).toBe('give-up');
    expect(remedyForError(refusal('UNKNOWN_EVENT'))).toBe('give-up');
  });

  test('beside others is decided by the gravest', () => {
    const forbidden = refusal('FORBIDDEN');
    expect(worst([refusal('LINK_LOST', true), forbidden, refusal('TIMEOUT', true)])).toBe(forbidden);
    expect(worst([])).toBeUndefined();
  });
});

describe('the wait before the next attempt', () => {
  test('doubles up to its bound', () => {
    const most = () => 1;
    expect([0, 1, 2, 3, 4, 5, 50].map((attempt) => retryDelayMs(attempt, most))).toEqual([300, 600, 1200, 2400, 4800, 5000, 5000]);
  });

  test('is spread over its second half', () => {
    expect([retryDelayMs(9, () => 0), retryDelayMs(9, () => 1)]).toEqual([2500, 5000]);
  });
});

describe('a transport', () => {
  const healthy: TransportHealth = { state: 'connected', forMs: 60_000, brokenMs: 0, online: true, restartedAgoMs: Infinity };
  const remedy = (over: Partial<TransportHealth>) => remedyForTransport({ ...healthy, ...over });

  test('that works, or is not needed yet, is left alone', () => {
    expect(remedy({})).toBe('none');
    expect(remedy({ state: 'new' })).toBe('none');
  });

  test('that failed gets new ICE parameters at once, and then time for them to work', () => {
    expect(remedy({ state: 'failed', forMs: 0, brokenMs: 0 })).toBe('restart-ice');
    expect(remedy({ state: 'failed', brokenMs: 4000, restartedAgoMs: 4000 })).toBe('none');
    expect(remedy({ state: 'connecting', brokenMs: 4000, restartedAgoMs: 4000 })).toBe('none');
  });

  test('gets the chance to come back by itself from a short disturbance', () => {
    expect(remedy({ state: 'disconnected', forMs: 1000, brokenMs: 1000 })).toBe('none');
    expect(remedy({ state: 'disconnected', forMs: 3000, brokenMs: 3000 })).toBe('restart-ice');
  });

  test('that new ICE parameters did not help is replaced', () => {
    expect(remedy({ state: 'failed', brokenMs: 15_000, restartedAgoMs: 7000 })).toBe('rebuild');
    expect(remedy({ state: 'connecting', forMs: 15_000, brokenMs: 15_000 })).toBe('rebuild');
    expect(remedy({ state: 'closed', brokenMs: 0 })).toBe('rebuild');
  });

  test('waits for the gateway', () => {
    expect(remedy({ state: 'failed', brokenMs: 60_000, online: false })).toBe('none');
  });
});
