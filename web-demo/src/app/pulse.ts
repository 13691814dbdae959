import type { SignallingClient } from '../signalling/client';
import * as store from '../state/store';
import type { Conference } from './conference';

const HEARTBEAT_MS = 5000;
const STATS_MS = 2000;

/** What happens regularly during a call: heartbeats, whose answers are timed, and getStats. */
export class Pulse {
  private timers: ReturnType<typeof setInterval>[] = [];

  constructor(
    private readonly client: SignallingClient,
    private readonly conference: Conference,
  ) {}

  start(): void {
    if (this.timers.length > 0) return;
    void this.beat();
    this.timers = [setInterval(() => void this.beat(), HEARTBEAT_MS), setInterval(() => void this.conference.measure(), STATS_MS)];
  }

  stop(): void {
    this.timers.forEach(clearInterval);
    this.timers = [];
  }

  private async beat(): Promise<void> {
    const start = performance.now();
    try {
      await this.client.request('heartbeat', undefined, HEARTBEAT_MS);
      store.roundTripMs.value = performance.now() - start;
    } catch {
      store.roundTripMs.value = null;
    }
  }
}
