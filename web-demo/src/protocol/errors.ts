import type { Refused, RequestAnswers, RequestEvent } from './types';

/** A request the gateway refused, or that never got its answer. */
export class SignalError extends Error {
  constructor(
    readonly code: string,
    message: string,
    readonly retryable: boolean,
  ) {
    super(message);
    this.name = 'SignalError';
  }

  /** True when the connection, not the request, was at fault: send it again later. */
  get isLinkLoss(): boolean {
    return this.code === 'LINK_LOST';
  }
}

const FRIENDLY: Record<string, string> = {
  AUTH_REQUIRED: 'Your session has ended. Please sign in again.',
  ROOM_NOT_FOUND: 'There is no room with this code.',
  ROOM_FULL: 'This room is full.',
  NOT_IN_ROOM: 'You are no longer in this room.',
  PEER_NOT_FOUND: 'That person is no longer here.',
  FORBIDDEN: 'Only the host can do that.',
  RATE_LIMITED: 'That was a little fast. Try again in a moment.',
  PAYLOAD_TOO_LARGE: 'That is too long to send.',
  SERVICE_UNAVAILABLE: 'A service behind the gateway is not available. Try again shortly.',
  DRAINING: 'This gateway is about to restart. Reconnecting shortly.',
};

export function friendlyMessage(code: string, message: string): string {
  return FRIENDLY[code] ?? message;
}

/** Passes the good answers on and turns the others into a SignalError. */
export function unwrapAck<E extends RequestEvent>(ack: unknown): RequestAnswers[E] {
  if (typeof ack !== 'object' || ack === null || !('status' in ack)) {
    throw new SignalError('INTERNAL', 'The gateway sent an answer of an unknown shape.', false);
  }
  if (ack.status === 'ok') return ack as RequestAnswers[E];
  const { code, message, retryable } = ack as Refused;
  throw new SignalError(code, friendlyMessage(code, message), retryable ?? false);
}
