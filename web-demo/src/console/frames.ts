import type { Protocol } from './protocols';

/** What the console learns from the frames it gets. Pure. */

/** Another peer, as this protocol calls it. */
export interface Other {
  name: string;
  username: string;
  peerId: string;
}

/** An `error` frame. */
export interface FrameError {
  code: string;
  message: string;
  retryable: boolean;
  field: string | null;
  /** The type of the frame that it is about. */
  frame: string | null;
}

export interface Learnt {
  others: readonly Other[];
  resumeToken: string | null;
  /** The own name, once the room knows it. */
  self: string | null;
}

export const NOTHING: Learnt = { others: [], resumeToken: null, self: null };

type Frame = Record<string, unknown>;

const text = (value: unknown): string => (typeof value === 'string' ? value : '');
const textOrNull = (value: unknown): string | null => (typeof value === 'string' ? value : null);

/** A frame as it came; null if it is no JSON object. */
export function parseFrame(data: string): Frame | null {
  try {
    const value: unknown = JSON.parse(data);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Frame) : null;
  } catch {
    return null;
  }
}

function other(protocol: Protocol, frame: Frame): Other {
  const name = protocol === 'ws' ? text(frame.sender) : text(frame.senderId) || text(frame.userId);
  return { name, username: text(frame.username), peerId: text(frame.peerId) };
}

export function learn(protocol: Protocol, known: Learnt, frame: Frame): Learnt {
  switch (frame.type) {
    case 'joined':
    case 'resumed': {
      const peers = Array.isArray(frame.peers) ? (frame.peers as Frame[]) : [];
      const self = protocol === 'ws' ? textOrNull(frame.sender) : (textOrNull(frame.senderId) ?? textOrNull(frame.userId));
      return { others: peers.map((peer) => other(protocol, peer)), resumeToken: textOrNull(frame.resumeToken) ?? known.resumeToken, self };
    }
    case 'peer-joined': {
      const joined = other(protocol, frame);
      return { ...known, others: [...known.others.filter(({ peerId }) => peerId !== joined.peerId), joined] };
    }
    case 'peer-left':
      return { ...known, others: known.others.filter(({ peerId }) => peerId !== frame.peerId) };
    case 'left':
    case 'kicked':
    case 'kick':
      return NOTHING;
    default:
      return known;
  }
}

export function errorIn(frame: Frame): FrameError | null {
  if (frame.type !== 'error') return null;
  return { code: text(frame.code), message: text(frame.message), retryable: frame.retryable === true, field: textOrNull(frame.field), frame: textOrNull(frame.frame) };
}
