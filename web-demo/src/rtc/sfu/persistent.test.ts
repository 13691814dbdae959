import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { Persistent } from './persistent';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** A task that ends when told to. */
function controlled() {
  const runs: { resolve(): void; reject(error: Error): void }[] = [];
  const task = () => new Promise<void>((resolve, reject) => void runs.push({ resolve, reject }));
  return { runs, task };
}

const settle = () => vi.advanceTimersByTimeAsync(0);

describe('a persistent task', () => {
  test('runs one at a time, and once more when it was asked for meanwhile', async () => {
    const { runs, task } = controlled();
    const persistent = new Persistent(task, () => true);
    persistent.poke();
    persistent.poke();
    persistent.poke();
    expect(runs).toHaveLength(1);
    runs[0]?.resolve();
    await settle();
    expect(runs).toHaveLength(2);
    runs[1]?.resolve();
    await settle();
    expect(runs).toHaveLength(2);
  });

  test('is tried again in growing distances until it succeeds, and then begins anew', async () => {
    const task = vi.fn<() => Promise<void>>().mockRejectedValue(new Error('away'));
    const attempts: number[] = [];
    const persistent = new Persistent(task, () => true, (attempt) => (attempts.push(attempt), 1000));
    persistent.poke();
    await vi.advanceTimersByTimeAsync(2500);
    expect(task).toHaveBeenCalledTimes(3);
    expect(attempts).toEqual([0, 1, 2]);
    task.mockResolvedValueOnce();
    await vi.advanceTimersByTimeAsync(10_000);
    expect(task).toHaveBeenCalledTimes(4);
    persistent.poke();
    await settle();
    expect(attempts).toEqual([0, 1, 2, 0]);
    persistent.stop();
  });

  test('is not tried again by itself where that is of no use', async () => {
    const task = vi.fn<() => Promise<void>>().mockRejectedValue(new Error('forbidden'));
    const persistent = new Persistent(task, () => false);
    persistent.poke();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(task).toHaveBeenCalledTimes(1);
  });

  test('asked for while it waits, runs at once and in place of the attempt it waited for', async () => {
    const task = vi.fn<() => Promise<void>>().mockRejectedValueOnce(new Error('away')).mockResolvedValue();
    const persistent = new Persistent(task, () => true, () => 1000);
    persistent.poke();
    await vi.advanceTimersByTimeAsync(500);
    persistent.poke();
    await vi.advanceTimersByTimeAsync(10_000);
    expect(task).toHaveBeenCalledTimes(2);
  });

  test('asked for during a run that fails, does not run a third time for that failure', async () => {
    const { runs, task } = controlled();
    const persistent = new Persistent(task, () => true, () => 1000);
    persistent.poke();
    persistent.poke();
    runs[0]?.reject(new Error('away'));
    await settle();
    expect(runs).toHaveLength(2);
    runs[1]?.resolve();
    await vi.advanceTimersByTimeAsync(10_000);
    expect(runs).toHaveLength(2);
  });

  test('stopped, never runs again, not even when a run that was going on fails', async () => {
    const { runs, task } = controlled();
    const retries = vi.fn(() => true);
    const persistent = new Persistent(task, retries);
    persistent.poke();
    persistent.stop();
    runs[0]?.reject(new Error('late'));
    persistent.poke();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(runs).toHaveLength(1);
    expect(retries).not.toHaveBeenCalled();
  });
});
