import { describe, expect, test } from 'vitest';
import { parseTicket } from './ticket';
import { Outbox } from '../signalling/outbox';

describe('the ticket of a reload', () => {
  const ticket = { roomCode: 'x', resumeToken: 't', mic: false, cam: true, older: ['a'], savedAt: 1000 };

  test('brings everything back', () => expect(parseTicket(JSON.stringify(ticket), 2000)).toEqual(ticket));

  test('takes nothing but ids for older peers', () => {
    expect(parseTicket(JSON.stringify({ ...ticket, older: 'a' }), 2000)?.older).toEqual([]);
    expect(parseTicket(JSON.stringify({ ...ticket, older: ['a', 7, null] }), 2000)?.older).toEqual(['a']);
  });

  test('runs out', () => expect(parseTicket(JSON.stringify(ticket), 100_000)).toBeNull());

  test('of an unknown shape is void', () => {
    for (const odd of ['', 'null', '{}', '[]', '{"roomCode":1,"savedAt":1}']) expect(parseTicket(odd, 0)).toBeNull();
  });
});

describe('the outbox', () => {
  test('hands out in order what is still of use, once', () => {
    const outbox = new Outbox<{ targetPeerId: string; n: number }>();
    outbox.hold({ targetPeerId: 'a', n: 1 });
    outbox.hold({ targetPeerId: 'gone', n: 2 });
    outbox.hold({ targetPeerId: 'a', n: 3 });
    expect(outbox.release(new Set(['a'])).map((i) => i.n)).toEqual([1, 3]);
    expect(outbox.release(new Set(['a', 'gone']))).toEqual([]);
  });

  test('is bounded', () => {
    const outbox = new Outbox<{ targetPeerId: string }>(2);
    for (let i = 0; i < 5; i++) outbox.hold({ targetPeerId: 'a' });
    expect(outbox.release(new Set(['a']))).toHaveLength(2);
  });
});
