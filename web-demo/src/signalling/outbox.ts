/**
 * Relays that came up while the gateway could not be reached. They wait here until the room is
 * ours again; those for peers that have gone by then are dropped. Socket.IO's own send buffer would
 * flush at `connect`, before it is known whether we are still the same peer.
 */
export class Outbox<T extends { targetPeerId: string }> {
  private waiting: T[] = [];

  constructor(private readonly limit = 500) {}

  hold(item: T): void {
    if (this.waiting.length < this.limit) this.waiting.push(item);
  }

  /** Hands out what is still of use, in the order it was held. */
  release(present: ReadonlySet<string>): T[] {
    const ready = this.waiting.filter((item) => present.has(item.targetPeerId));
    this.waiting = [];
    return ready;
  }

  clear(): void {
    this.waiting = [];
  }
}
