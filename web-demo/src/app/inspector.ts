import { signal } from '@preact/signals';
import { append, redact, type Direction, type LogEntry } from '../state/eventLog';
import * as store from '../state/store';

export const paused = signal(false);

let seq = 0;
let waiting: LogEntry[] = [];
let scheduled = false;

/** Bursts of candidates become one update of the view. */
export function record(direction: Direction, name: string, payload: unknown): void {
  if (paused.value) return;
  waiting.push({ seq: ++seq, at: Date.now(), direction, name, payload: redact(payload) });
  if (scheduled) return;
  scheduled = true;
  queueMicrotask(flush);
}

function flush(): void {
  scheduled = false;
  store.events.value = waiting.reduce<readonly LogEntry[]>((log, entry) => append(log, entry), store.events.value);
  waiting = [];
}

export function clear(): void {
  store.events.value = [];
}
