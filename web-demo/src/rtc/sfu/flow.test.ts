import { describe, expect, test } from 'vitest';
import { FlowWatch } from './flow';

describe('the watch over what flows', () => {
  test('asks when packets stop, and when they come back', () => {
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

  test('asks again after a while, since a pause may reach the media server later than the packets stop', () => {
    const watch = new FlowWatch();
    watch.observe('m', 1, false, 0);
    const asked = [1000, 2000, 3000, 4000, 5000, 6000, 9000].filter((now) => watch.observe('m', 1, false, now));
    expect(asked).toEqual([1000, 5000, 9000]);
  });

  test('asks at once for the next stall, though the last was none of a pause', () => {
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
