import type { ChatMessage } from '../protocol/types';

export type Delivery = 'pending' | 'sent' | 'failed';

export interface ChatEntry {
  /** Stable across pending → sent, so the list does not jump. */
  key: string;
  id?: string;
  clientMessageId?: string;
  senderId: string;
  username: string;
  content: string;
  timestamp: number;
  own: boolean;
  delivery: Delivery;
  problem?: string;
}

/** Whether there are earlier messages than those shown; `failed` when that cannot be told at the moment. */
export type History = 'more' | 'loading' | 'all' | 'failed';

export type ChatState = readonly ChatEntry[];

export function draft(self: { userId: string; username: string }, content: string, clientMessageId: string, now: number): ChatEntry {
  return {
    key: clientMessageId,
    clientMessageId,
    senderId: self.userId,
    username: self.username,
    content,
    timestamp: now,
    own: true,
    delivery: 'pending',
  };
}

/**
 * Adds messages from the room or its history. The same message may come more than once (echo, ack,
 * history, replay) and must show once: it is known by its id, or, for our own, by clientMessageId.
 */
export function merge(state: ChatState, messages: readonly ChatMessage[], ownPeerId: string, ownUserId: string): ChatState {
  let next = [...state];
  for (const message of messages) {
    const at = next.findIndex((entry) => isSame(entry, message));
    const known = at >= 0 ? next[at] : undefined;
    const own = known?.own ?? (message.peerId === ownPeerId || message.senderId === ownUserId);
    const entry = fromWire(message, own, known?.key ?? message.id);
    if (known) next[at] = entry;
    else next.push(entry);
  }
  return (next = inOrder(next));
}

function isSame(entry: ChatEntry, message: ChatMessage): boolean {
  if (entry.id !== undefined && entry.id === message.id) return true;
  return (
    message.clientMessageId !== undefined &&
    entry.clientMessageId === message.clientMessageId &&
    entry.senderId === message.senderId
  );
}

function fromWire(message: ChatMessage, own: boolean, key: string): ChatEntry {
  return {
    key,
    id: message.id,
    clientMessageId: message.clientMessageId,
    senderId: message.senderId,
    username: message.username,
    content: message.content,
    timestamp: message.timestamp,
    own,
    delivery: 'sent',
  };
}

/** What is not stored yet stays at the end, whatever this machine's clock says. */
function inOrder(entries: ChatEntry[]): ChatEntry[] {
  const rank = (e: ChatEntry) => (e.delivery === 'sent' ? 0 : 1);
  return entries
    .map((entry, index) => ({ entry, index }))
    .sort((a, b) => {
      const byRank = rank(a.entry) - rank(b.entry);
      if (byRank !== 0) return byRank;
      if (rank(a.entry) === 1) return a.index - b.index;
      return a.entry.timestamp - b.entry.timestamp || a.index - b.index;
    })
    .map(({ entry }) => entry);
}

export function add(state: ChatState, entry: ChatEntry): ChatState {
  return [...state, entry];
}

export function mark(state: ChatState, clientMessageId: string, delivery: Delivery, problem?: string): ChatState {
  return state.map((entry) => {
    // An echo may overtake a lost ack: what is sent stays sent.
    if (entry.clientMessageId !== clientMessageId || !entry.own || entry.delivery === 'sent') return entry;
    return { ...entry, delivery, problem };
  });
}

export function unsent(state: ChatState): ChatEntry[] {
  return state.filter((entry) => entry.own && entry.delivery === 'pending');
}

/** Where the history that is shown begins. Ids sort by time. */
export function oldestId(state: ChatState): string | undefined {
  return state.reduce<string | undefined>(
    (oldest, { id }) => (id !== undefined && (oldest === undefined || id < oldest) ? id : oldest),
    undefined,
  );
}
