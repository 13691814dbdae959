import { SignalError } from '../../protocol/errors';

/** What to do when something with the media server goes wrong. Pure. */

/**
 * - `wait`: the gateway is away, or we are not in the room; it says when that is over
 * - `retry`: the same again in a while
 * - `rebuild`: what we hold is void, begin with new transports
 * - `give-up`: it would fail the same way each time
 */
export type Remedy = 'wait' | 'retry' | 'rebuild' | 'give-up';

const SEVERITY: readonly Remedy[] = ['wait', 'retry', 'rebuild', 'give-up'];

export function remedyForError(error: unknown): Remedy {
  // mediasoup-client, or the browser underneath: its transport is in a state it should not be in.
  if (!(error instanceof SignalError)) return 'rebuild';
  if (error.isLinkLoss || error.code === 'NOT_IN_ROOM') return 'wait';
  // A TIMEOUT of the gateway's answer is retryable as well.
  if (error.retryable || error.code === 'MEDIA_UNAVAILABLE') return 'retry';
  // FORBIDDEN: not our transport, or not ours any more. The room may also just have turned p2p,
  // of which we are about to hear.
  if (error.code === 'MEDIA_REJECTED' || error.code === 'FORBIDDEN') return 'rebuild';
  return 'give-up';
}

/** Of several failures at once, the one that decides. */
export function worst(errors: readonly unknown[]): unknown {
  const rank = (error: unknown) => SEVERITY.indexOf(remedyForError(error));
  return [...errors].sort((a, b) => rank(b) - rank(a))[0];
}

const FIRST_DELAY_MS = 300;
/** A media server that is back is found within this time. */
const LAST_DELAY_MS = 5000;

/** Doubles up to its bound; spread, so that a whole room does not come at once. `attempt` counts from 0. */
export function retryDelayMs(attempt: number, random: () => number = Math.random): number {
  const full = Math.min(LAST_DELAY_MS, FIRST_DELAY_MS * 2 ** attempt);
  return full * (0.5 + random() / 2);
}

export interface TransportHealth {
  state: RTCPeerConnectionState;
  /** How long it has been in this state. */
  forMs: number;
  /** How long it has not been connected, once it was in use. */
  brokenMs: number;
  /** Without the gateway nothing can be asked for; media may well flow on. */
  online: boolean;
  restartedAgoMs: number;
}

export type TransportRemedy = 'none' | 'restart-ice' | 'rebuild';

/** A short disturbance passes by itself. */
const DISCONNECTED_MS = 3000;
const RESTART_PAUSE_MS = 6000;
const BROKEN_MS = 15_000;

export function remedyForTransport(health: TransportHealth): TransportRemedy {
  if (!health.online) return 'none';
  // `new` until the first track needs it.
  if (health.state === 'connected' || health.state === 'new') return 'none';
  if (health.state === 'closed' || health.brokenMs >= BROKEN_MS) return 'rebuild';
  if (health.restartedAgoMs < RESTART_PAUSE_MS) return 'none';
  if (health.state === 'failed') return 'restart-ice';
  if (health.state === 'disconnected' && health.forMs >= DISCONNECTED_MS) return 'restart-ice';
  return 'none';
}

/** New transports in a row, none of which worked for a while; a peer may have 16, two each time. */
export const REBUILDS_MAX = 6;

/** A track that was refused over two transports is refused for what it is. */
export const REJECTIONS_MAX = 2;
