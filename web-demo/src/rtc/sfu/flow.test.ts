import { describe, expect, test } from 'vitest';
import { FlowWatch } from './flow';

describe('the watch over what flows', () => {
  test('asks once when packets stop, and once when they come back', () => {
    const watch = new FlowWatch();
    expect(watch.observe('m', 1, false, 0)).toBe(false);
    expect(watch.observe('m', 1, false, 500)).toBe(false);
    expect(watch.observe('m', 1, false, 1000)).toBe(true);
    expect(watch.observe('m', 1, false, 2000)).toBe(false);
    // The gateway said that it is paused.
    expect(watch.observe('m', 1, true, 3000)).toBe(false);
    expect(watch.observe('m', 2, true, 4000)).toBe(true);
    expect(watch.observe('m', 3, true, 5000)).toBe(false);
    expect(watch.observe('m', 4, false, 6000)).toBe(false);
  });

  test('asks again for the next stall, though the last was none of a pause', () => {
    const watch = new FlowWatch();
    watch.observe('m', 1, false, 0);
    expect(watch.observe('m', 1, false, 1000)).toBe(true);
    expect(watch.observe('m', 2, false, 2000)).toBe(false);
    expect(watch.observe('m', 2, false, 3000)).toBe(true);
  });

  test('has nothing to say of what has not begun', () => {
    const watch = new FlowWatch();
    for (const now of [0, 5000, 10_000]) expect(watch.observe('m', null, false, now)).toBe(false);
  });

  test('tells one from the other, and forgets', () => {
    const watch = new FlowWatch();
    watch.observe('m', 1, false, 0);
    watch.observe('v', 1, false, 0);
    expect(watch.observe('v', 2, false, 1000)).toBe(false);
    watch.forget('m');
    expect(watch.observe('m', 1, false, 1000)).toBe(false);
  });
});
