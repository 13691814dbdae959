/** When to mend a connection by itself, and how. Pure, asked once a second per peer. */

export interface LinkHealth {
  /** 'none' while we wait for the other side's first offer. */
  state: RTCPeerConnectionState | 'none';
  iceState: RTCIceConnectionState | 'none';
  /** How long it has been in this state. */
  forMs: number;
  polite: boolean;
  /** Without the gateway nothing can be negotiated; media may well flow on. */
  online: boolean;
  restartedAgoMs: number;
}

export type Remedy = 'none' | 'call' | 'restart-ice' | 'rebuild';

const WAIT_FOR_OFFER_MS = 6000;
const DISCONNECTED_MS = 4000;
const STUCK_MS = 15000;
const RESTART_PAUSE_MS = 8000;
/** The polite side lets the other go first, so that they seldom both try. */
const POLITE_HEAD_START_MS = 3000;

export function remedyFor(health: LinkHealth): Remedy {
  if (!health.online) return 'none';
  const headStart = health.polite ? POLITE_HEAD_START_MS : 0;
  if (health.state === 'none') return health.forMs >= WAIT_FOR_OFFER_MS + headStart ? 'call' : 'none';
  if (health.state === 'connected') return 'none';
  if (health.state === 'closed') return 'rebuild';
  if (health.forMs >= STUCK_MS + headStart) return 'rebuild';
  if (health.restartedAgoMs < RESTART_PAUSE_MS) return 'none';
  if (health.iceState === 'failed' && health.forMs >= headStart) return 'restart-ice';
  if (health.iceState === 'disconnected' && health.forMs >= DISCONNECTED_MS + headStart) return 'restart-ice';
  return 'none';
}
