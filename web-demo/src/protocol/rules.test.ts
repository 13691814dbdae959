import { describe, expect, test } from 'vitest';
import { isRoomCode, makeRoomCode, nameProblem, roomCodeFrom, roomCodeProblem, roomLink } from './rules';

describe('room codes', () => {
  test('letters, digits, dash and underscore are taken, up to 64 of them', () => {
    expect(isRoomCode('Team_42-x')).toBe(true);
    expect(isRoomCode('a'.repeat(64))).toBe(true);
    expect(isRoomCode('a'.repeat(65))).toBe(false);
    expect(isRoomCode('')).toBe(false);
    expect(isRoomCode('a b')).toBe(false);
    expect(isRoomCode('größe')).toBe(false);
  });

  test('each mistake has its own words', () => {
    expect(roomCodeProblem('')).toMatch(/Enter/);
    expect(roomCodeProblem('a'.repeat(65))).toMatch(/64/);
    expect(roomCodeProblem('a b')).toMatch(/letters/);
    expect(roomCodeProblem('ok')).toBeNull();
  });

  test('made-up codes are valid whatever the dice say', () => {
    for (const roll of [0, 0.5, 0.999999]) expect(isRoomCode(makeRoomCode(() => roll))).toBe(true);
    expect(isRoomCode(makeRoomCode())).toBe(true);
  });

  test('a pasted link is as good as its code', () => {
    expect(roomCodeFrom(' mika-zuno-47 ')).toBe('mika-zuno-47');
    expect(roomCodeFrom('https://example.org/demo/?room=abc')).toBe('abc');
    expect(roomCodeFrom('https://example.org/demo/')).toBe('https://example.org/demo/');
  });

  test('a link carries the code and nothing else of the address', () => {
    expect(roomLink('http://localhost:3000/demo/?x=1#y', 'abc')).toBe('http://localhost:3000/demo/?room=abc');
  });
});

describe('names', () => {
  test('are refused when empty, too long or with control characters', () => {
    expect(nameProblem('  ')).not.toBeNull();
    expect(nameProblem('a\u0007b')).not.toBeNull();
    expect(nameProblem('x'.repeat(41))).not.toBeNull();
  });

  test('may be in any script, and an emoji counts as one', () => {
    expect(nameProblem('Zoë 王')).toBeNull();
    expect(nameProblem('😀'.repeat(40))).toBeNull();
  });
});
