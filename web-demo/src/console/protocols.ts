/** The two raw WebSocket protocols: where they are, and an example of each frame that a client sends. Pure. */

export type Protocol = 'signal' | 'ws';

export interface Address {
  protocol: Protocol;
  room: string;
  /** What makes the connection a return. */
  resumeToken: string | null;
}

/** `page` is the address of this page. */
export function socketUrl(page: string, { protocol, room, resumeToken }: Address): string {
  const url = new URL(protocol === 'ws' ? '/ws' : `/signal/${encodeURIComponent(room)}`, page);
  url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:';
  if (resumeToken !== null) url.searchParams.set('resumeToken', resumeToken);
  return url.toString();
}

/** What an example is filled in with. */
export interface Known {
  userId: string;
  room: string;
  /** The own name in the room, which `/ws` wants with each frame. */
  name: string;
  /** One of the others, by what the protocol calls it; null for all. */
  target: string | null;
  resumeToken: string | null;
}

export interface Template {
  type: string;
  /** What it does, in a few words. */
  note: string;
  make(known: Known): Record<string, unknown>;
}

/** Too little for a call and enough for a relay, which does not look inside. */
const SDP = 'v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n';
const CANDIDATE = { candidate: 'candidate:1 1 udp 2113937151 192.0.2.1 54400 typ host', sdpMid: '0', sdpMLineIndex: 0 };

const NOBODY = 'nobody';
const resume: Template = { type: 'resume', note: 'be the same peer as before', make: ({ resumeToken }) => ({ type: 'resume', resumeToken: resumeToken ?? '' }) };
const auth: Template = { type: 'auth', note: 'let the session last longer', make: () => ({ type: 'auth', token: '' }) };
const unknown: Template = { type: 'unknown', note: 'a type that there is not', make: () => ({ type: 'no-such-type' }) };

const signal = (type: string, note: string, fields: (known: Known) => Record<string, unknown>, relayed = false): Template => ({
  type,
  note,
  make: (known) => ({ type, senderId: known.userId, ...(relayed && known.target !== null ? { targetId: known.target } : {}), ...fields(known) }),
});

const ws = (type: string, note: string, fields: (known: Known) => Record<string, unknown>, relayed = false): Template => ({
  type,
  note,
  make: (known) => ({ type, room: known.room, sender: known.name, ...(relayed && known.target !== null ? { recipient: known.target } : {}), ...fields(known) }),
});

const named = (template: Template, type: string): Template => ({ ...template, type });

export const TEMPLATES: Record<Protocol, readonly Template[]> = {
  signal: [
    named(signal('sdp', 'propose a call', () => ({ sdp: { type: 'offer', sdp: SDP } }), true), 'sdp offer'),
    named(signal('sdp', 'take a call', () => ({ sdp: { type: 'answer', sdp: SDP } }), true), 'sdp answer'),
    signal('ice', 'a candidate', () => ({ candidate: CANDIDATE }), true),
    named(signal('ice', 'no more candidates', () => ({ candidate: null }), true), 'ice end'),
    signal('chat', 'to the whole room', () => ({ content: 'Hello' })),
    signal('host-change', 'another host', ({ target }) => ({ hostId: target ?? NOBODY })),
    signal('kick', 'as the host', ({ target }) => ({ targetId: target ?? NOBODY, reason: 'just a test' })),
    signal('leave', 'go, and close', () => ({})),
    resume,
    auth,
    unknown,
  ],
  ws: [
    ws('join', 'into a room, by a name', () => ({})),
    ws('offer', 'propose a call', () => ({ payload: { type: 'offer', sdp: SDP } }), true),
    ws('answer', 'take a call', () => ({ payload: { type: 'answer', sdp: SDP } }), true),
    ws('ice-candidate', 'a candidate', () => ({ payload: CANDIDATE }), true),
    ws('chat', 'to the whole room', () => ({ payload: 'Hello' })),
    ws('host-change', 'another host', ({ target }) => ({ recipient: target ?? NOBODY })),
    ws('kick', 'as the host', ({ target }) => ({ recipient: target ?? NOBODY, payload: { reason: 'just a test' } })),
    ws('leave', 'and stay connected', () => ({})),
    resume,
    auth,
    unknown,
  ],
};

/** A sentence on why text is no frame; null if it is one. It may be sent all the same. */
export function frameProblem(text: string): string | null {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    return `Not JSON (${error instanceof Error ? error.message : 'unreadable'}).`;
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return 'Not a JSON object.';
  return typeof (value as { type?: unknown }).type === 'string' ? null : 'Without a type.';
}

const CLOSED: Record<number, string> = {
  1000: 'closed as asked',
  1001: 'the other side went away',
  1002: 'a violation of the WebSocket protocol',
  1003: 'binary frames are not taken',
  1005: 'closed without a code',
  1006: 'lost',
  1007: 'text that was not UTF-8',
  1008: 'against the rules',
  1009: 'too large a message',
  1011: 'the gateway failed',
  1012: 'the gateway restarts',
  1013: 'try again later',
  4000: 'dropped here, which the gateway takes for a loss',
};

/** What became of a connection, in words. A browser does not tell a page why it was never opened. */
export function closeText(code: number, reason: string, wasOpen: boolean): string {
  if (!wasOpen) return 'The connection was not opened: the gateway cannot be reached, or it refused (not signed in, a bad room code, about to stop). Its log says which.';
  const meaning = CLOSED[code] ?? 'for a reason of its own';
  return `${code}: ${meaning}${reason ? ` (“${reason}”)` : ''}.`;
}
