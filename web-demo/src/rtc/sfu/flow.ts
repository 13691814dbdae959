/** Longer than between any two packets of a track that is sent. */
const STALLED_MS = 900;

interface Flow {
  stamp: number;
  changedAt: number;
  /** What was last asked about, so that it is not asked about again. */
  asked: boolean | null;
}

/**
 * Nobody is told when a producer is paused; its packets just stop. This notices that they did, or
 * came back, which is the moment to ask the gateway once. Most stalls are not pauses.
 */
export class FlowWatch {
  private readonly flows = new Map<string, Flow>();

  /** `stamp` is of the newest frame or sample, null before the first. True when it is time to ask. */
  observe(producerId: string, stamp: number | null, paused: boolean, now: number): boolean {
    if (stamp === null) return false;
    const flow = this.flows.get(producerId) ?? { stamp: NaN, changedAt: now, asked: null };
    this.flows.set(producerId, flow);
    if (stamp !== flow.stamp) Object.assign(flow, { stamp, changedAt: now });
    const flowing = now - flow.changedAt < STALLED_MS;
    if (flowing === !paused) {
      flow.asked = null;
      return false;
    }
    if (flow.asked === flowing) return false;
    flow.asked = flowing;
    return true;
  }

  forget(producerId: string): void {
    this.flows.delete(producerId);
  }
}
