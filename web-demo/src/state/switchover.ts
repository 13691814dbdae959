import type { ModeReason, RoomMode } from '../protocol/types';

/** What the gateway says about how the room carries media. */
export interface ModeNews {
  mode: RoomMode;
  /** We are another peer, or in another room, than before. */
  startOver?: boolean;
  /** Of `room:mode`; a snapshot has none. */
  reason?: string;
}

export type Switchover = 'keep' | 'replace';

/**
 * Whether the media session goes on. The same news may come twice (in a snapshot after a resume, and
 * then replayed), which must not cost a session; only `media-moved` ends one of the same mode, since
 * the media server it was with has forgotten it.
 */
export function switchover(current: RoomMode | null, news: ModeNews): Switchover {
  if (current !== news.mode || news.startOver) return 'replace';
  return news.mode === 'sfu' && news.reason === ('media-moved' satisfies ModeReason) ? 'replace' : 'keep';
}

const WHY: Record<ModeReason, [text: string, detail?: string]> = {
  capacity: ['The room now uses a media server.', 'It has more people than peer to peer can carry.'],
  configured: ['The room now uses a media server.'],
  'media-unavailable': ['The room is peer to peer again.', 'The media server cannot be reached.'],
  'media-moved': ['The room goes on with another media server.'],
};

/** What people are told about it. */
export function modeNotice(mode: RoomMode, reason: string): { text: string; detail?: string } {
  const known = Object.hasOwn(WHY, reason) ? WHY[reason as ModeReason] : undefined;
  if (known) return { text: known[0], detail: known[1] };
  return { text: mode === 'sfu' ? 'The room now uses a media server.' : 'The room is peer to peer again.', detail: reason || undefined };
}
