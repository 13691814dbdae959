import { SignalError } from '../protocol/errors';
import type { RequestPayloads } from '../protocol/types';
import type { RelayEvent } from '../rtc/mesh';
import type { SignallingClient } from '../signalling/client';
import { Outbox } from '../signalling/outbox';
import * as store from '../state/store';

type HeldRelay = { [E in RelayEvent]: { event: E; targetPeerId: string; payload: RequestPayloads[E] } }[RelayEvent];

/** Offers, answers and candidates on their way out; held while the gateway cannot take them. */
export class Relays {
  private readonly outbox = new Outbox<HeldRelay>();

  constructor(
    private readonly client: SignallingClient,
    private readonly online: () => boolean,
  ) {}

  send<E extends RelayEvent>(event: E, payload: RequestPayloads[E]): void {
    const held = { event, payload, targetPeerId: payload.targetPeerId } as HeldRelay;
    if (!this.online()) return this.outbox.hold(held);
    this.client.request(event, payload).catch((error: unknown) => {
      if (!(error instanceof SignalError)) return;
      if (error.isLinkLoss) return this.outbox.hold(held);
      // Somebody who has just left is no problem of ours.
      if (error.code === 'PEER_NOT_FOUND' || error.code === 'NOT_IN_ROOM') return;
      store.toast('bad', error.message, `${event} · ${error.code}`);
    });
  }

  /** Sends what was held for those who are still there, in order. */
  release(present: ReadonlySet<string>): void {
    for (const { event, payload } of this.outbox.release(present)) this.send(event, payload);
  }

  /** What was held belongs to connections that are no more. */
  clear(): void {
    this.outbox.clear();
  }
}
