/** The event inspector's memory: bounded, filterable, safe to copy into a bug report. */

export type Direction = 'in' | 'out' | 'ack' | 'sys';

export interface LogEntry {
  seq: number;
  at: number;
  direction: Direction;
  name: string;
  payload: unknown;
}

export const LOG_LIMIT = 1000;

const SECRET_KEYS = new Set(['resumeToken', 'token', 'credential', 'password']);

/** People paste logs into tickets; what would let others act as them does not go in. */
export function redact(value: unknown, depth = 0): unknown {
  if (depth > 8 || typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map((v) => redact(v, depth + 1));
  const entries = Object.entries(value).map(([key, v]) => [
    key,
    SECRET_KEYS.has(key) && typeof v === 'string' ? '[hidden]' : redact(v, depth + 1),
  ]);
  return Object.fromEntries(entries);
}

export function append(log: readonly LogEntry[], entry: LogEntry, limit = LOG_LIMIT): LogEntry[] {
  const start = Math.max(0, log.length - limit + 1);
  return [...log.slice(start), entry];
}

export function matches(entry: LogEntry, filter: string): boolean {
  const words = filter.toLowerCase().split(/\s+/).filter(Boolean);
  if (words.length === 0) return true;
  const text = `${entry.direction} ${entry.name} ${preview(entry.payload, 2000)}`.toLowerCase();
  return words.every((word) => text.includes(word));
}

export function preview(payload: unknown, max = 90): string {
  if (payload === undefined) return '';
  const text = JSON.stringify(payload) ?? '';
  return text.length > max ? `${text.slice(0, max - 1)}…` : text;
}

export function toJson(entries: readonly LogEntry[]): string {
  return JSON.stringify(
    entries.map((e) => ({ time: new Date(e.at).toISOString(), direction: e.direction, event: e.name, payload: e.payload })),
    null,
    2,
  );
}
