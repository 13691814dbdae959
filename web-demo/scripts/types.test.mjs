import { readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { TYPES, types } from './types.mjs';

test('the types of the wire are those that the gateway describes: else run `make types`', async () => {
  expect(await readFile(TYPES, 'utf8')).toBe(await types());
});
