import type { Mesh } from '../rtc/mesh';
import { summarise, type StatsSample } from '../rtc/stats';
import type { SignallingClient } from '../signalling/client';
import * as store from '../state/store';

const HEARTBEAT_MS = 5000;
const STATS_MS = 2000;

/** What happens regularly during a call: heartbeats, whose answers are timed, and getStats. */
export class Pulse {
  private timers: ReturnType<typeof setInterval>[] = [];
  private samples = new Map<string, StatsSample>();

  constructor(
    private readonly client: SignallingClient,
    private readonly mesh: Mesh,
  ) {}

  start(): void {
    if (this.timers.length > 0) return;
    void this.beat();
    this.timers = [setInterval(() => void this.beat(), HEARTBEAT_MS), setInterval(() => void this.measure(), STATS_MS)];
  }

  stop(): void {
    this.timers.forEach(clearInterval);
    this.timers = [];
    this.samples.clear();
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

  private async measure(): Promise<void> {
    for (const [peerId, link] of this.mesh.links) {
      if (!link.pc) continue;
      const report = await link.pc.getStats();
      const entries: Parameters<typeof summarise>[0][number][] = [];
      report.forEach((entry) => entries.push(entry));
      const { stats, sample } = summarise(entries, performance.now(), this.samples.get(peerId) ?? null);
      this.samples.set(peerId, sample);
      if (this.mesh.links.has(peerId)) store.updatePeer(peerId, { stats });
    }
  }
}
