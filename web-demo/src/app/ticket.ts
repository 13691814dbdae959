/**
 * What a reloaded page needs to be the same peer again. It is written when the page goes away and
 * taken out when the next one starts: a duplicated tab copies sessionStorage while the original
 * still runs, and must not find a token there with which it would push the original out.
 */
export interface Ticket {
  roomCode: string;
  resumeToken: string | null;
  mic: boolean;
  cam: boolean;
  /** The peers that were in the room before this one. */
  older: string[];
  savedAt: number;
}

const KEY = 'switchboard.ticket';
/** After this a reload counts as coming back later, and starts in the lobby. */
const VALID_MS = 60_000;

export function saveTicket(ticket: Ticket): void {
  sessionStorage.setItem(KEY, JSON.stringify(ticket));
}

export function takeTicket(now = Date.now()): Ticket | null {
  const text = sessionStorage.getItem(KEY);
  sessionStorage.removeItem(KEY);
  return text === null ? null : parseTicket(text, now);
}

export function parseTicket(text: string, now: number): Ticket | null {
  let value: Partial<Ticket> | null;
  try {
    value = JSON.parse(text) as Partial<Ticket> | null;
  } catch {
    return null;
  }
  if (typeof value?.roomCode !== 'string' || typeof value.savedAt !== 'number') return null;
  if (now - value.savedAt > VALID_MS) return null;
  return {
    roomCode: value.roomCode,
    resumeToken: typeof value.resumeToken === 'string' ? value.resumeToken : null,
    mic: value.mic !== false,
    cam: value.cam !== false,
    older: Array.isArray(value.older) ? value.older.filter((id) => typeof id === 'string') : [],
    savedAt: value.savedAt,
  };
}
