import { describe, expect, test } from 'vitest';
import { decodeDirect, encodeDirect } from './dataChannel';
import { SignalError, unwrapAck } from './errors';

describe('acks', () => {
  test('a good one is handed on', () => {
    expect(unwrapAck({ status: 'ok', id: '1' })).toEqual({ status: 'ok', id: '1' });
  });

  test('a refusal becomes an error with its code and a friendly text', () => {
    const refuse = () => unwrapAck({ status: 'error', code: 'ROOM_FULL', message: 'x', retryable: true });
    expect(refuse).toThrow(SignalError);
    expect(refuse).toThrow('This room is full.');
  });

  test('the gateway’s own words are kept where we have none', () => {
    expect(() => unwrapAck({ status: 'error', code: 'INVALID_PAYLOAD', message: 'roomCode: too long' })).toThrow('roomCode: too long');
  });

  test('anything else is an error too', () => {
    for (const odd of [undefined, null, 'ok', {}]) expect(() => unwrapAck(odd)).toThrow(SignalError);
  });
});

describe('direct messages', () => {
  test('survive the way', () => {
    const media = { kind: 'media', mic: true, cam: false, screen: false } as const;
    expect(decodeDirect(encodeDirect(media))).toEqual(media);
    expect(decodeDirect(encodeDirect({ kind: 'reaction', emoji: '🎉' }))).toEqual({ kind: 'reaction', emoji: '🎉' });
  });

  test('of any other shape are dropped', () => {
    const odd = ['', '{', 'null', '[]', '{"kind":"media","mic":1}', '{"kind":"reaction","emoji":"<b>"}', `"${'x'.repeat(600)}"`, new ArrayBuffer(4)];
    for (const data of odd) expect(decodeDirect(data)).toBeNull();
  });
});
