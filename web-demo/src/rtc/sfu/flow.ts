/** Longer than between any two packets of a track that is sent. */
const STALLED_MS = 900;
/** Whoever pauses without its gateway tells the media server later. */
const ASK_AGAIN_MS = 4000;

interface Flow {
  stamp: number;
  changedAt: number;
  /** When it was last asked, while what flows is not what was said. */
  askedAt: number | null;
}

/**
 * Nobody is told when a producer is paused; its packets just stop. This notices that they did, or
 * came back, which is the moment to ask the gateway.
 */
export class FlowWatch {
  private readonly flows = new Map<string, Flow>();

  /** `stamp` is of the newest frame or sample, null before the first. True when it is time to ask. */
  observe(producerId: string, stamp: number | null, paused: boolean, now: number): boolean {
    if (stamp === null) return false;
    const flow = this.flows.get(producerId) ?? { stamp: NaN, changedAt: now, askedAt: null };
    this.flows.set(producerId, flow);
    if (stamp !== flow.stamp) Object.assign(flow, { stamp, changedAt: now });
    const flowing = now - flow.changedAt < STALLED_MS;
    if (flowing === !paused) {
      flow.askedAt = null;
      return false;
    }
    if (flow.askedAt !== null && now - flow.askedAt < ASK_AGAIN_MS) return false;
    flow.askedAt = now;
    return true;
  }

  forget(producerId: string): void {
    this.flows.delete(producerId);
  }
}
