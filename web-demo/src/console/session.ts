import { batch, computed, effect, signal } from '@preact/signals';
import * as account from '../app/account';
import { record } from '../app/inspector';
import { isRoomCode, makeRoomCode } from '../protocol/rules';
import * as store from '../state/store';
import { errorIn, learn, NOTHING, parseFrame, type FrameError, type Learnt } from './frames';
import { closeText, frameProblem, socketUrl, TEMPLATES, type Protocol, type Template } from './protocols';

export type State = 'closed' | 'connecting' | 'open';

export const protocol = signal<Protocol>('signal');
export const room = signal(makeRoomCode());
/** For `/ws`, where peers have names of their own. */
export const name = signal('');
/** Come back as the peer of the last connection. */
export const comeBack = signal(false);
export const state = signal<State>('closed');
/** How the last connection ended. */
export const ending = signal<string | null>(null);
export const error = signal<FrameError | null>(null);
export const learnt = signal<Learnt>(NOTHING);
/** To whom examples go; null for all. */
export const target = signal<string | null>(null);
export const draft = signal('');

export const templates = computed(() => TEMPLATES[protocol.value]);
export const draftProblem = computed(() => (draft.value.trim() === '' ? null : frameProblem(draft.value)));

export const canComeBack = computed(() => learnt.value.resumeToken !== null);

let socket: WebSocket | null = null;

/** As the code by which a page drops a connection: any but 1000 counts as a loss. */
const DROPPED = 4000;

export async function boot(): Promise<void> {
  const { hash } = location;
  const asked = new URLSearchParams(hash.slice(1));
  if (isRoomCode(asked.get('room') ?? '')) room.value = asked.get('room') ?? '';
  if (asked.get('protocol') === 'ws') protocol.value = 'ws';
  await account.restoreSession();
  effect(() => history.replaceState(null, '', `#${new URLSearchParams({ protocol: protocol.value, room: room.value })}`));
  effect(() => {
    name.value = store.session.value?.username ?? '';
  });
  store.phase.value = 'lobby';
}

export function connect(): void {
  if (socket) return;
  const token = comeBack.value ? learnt.value.resumeToken : null;
  const url = socketUrl(location.href, { protocol: protocol.value, room: room.value, resumeToken: token });
  batch(() => {
    state.value = 'connecting';
    ending.value = error.value = null;
    learnt.value = { ...NOTHING, resumeToken: token };
    target.value = null;
  });
  const opened = new WebSocket(url);
  socket = opened;
  let wasOpen = false;
  opened.onopen = () => {
    wasOpen = true;
    record('sys', 'open', { path: new URL(url).pathname });
    state.value = 'open';
  };
  opened.onmessage = ({ data }) => take(data);
  opened.onclose = ({ code, reason }) => {
    record('sys', 'close', { code, reason });
    socket = null;
    batch(() => {
      state.value = 'closed';
      ending.value = closeText(code, reason, wasOpen);
      // What a lost connection leaves behind.
      learnt.value = { ...NOTHING, resumeToken: learnt.value.resumeToken };
      target.value = null;
    });
  };
}

/** Goes on purpose, which is told at once; or drops the connection, upon which the place is kept for a while. */
export function disconnect(drop = false): void {
  if (drop) socket?.close(DROPPED);
  else {
    socket?.close(1000);
    learnt.value = { ...learnt.value, resumeToken: null };
    comeBack.value = false;
  }
}

export function send(text: string): void {
  if (socket?.readyState !== WebSocket.OPEN) return;
  const frame = parseFrame(text);
  record('out', String(frame?.type ?? 'text'), frame ?? text);
  error.value = null;
  socket.send(text);
}

export function insert(template: Template): void {
  const userId = store.session.value?.userId ?? '';
  // In a room the name is fixed; to join one it is what was chosen.
  const self = template.type === 'join' ? null : learnt.value.self;
  const frame = template.make({ userId, room: room.value, name: self ?? name.value, target: target.value, resumeToken: learnt.value.resumeToken });
  draft.value = JSON.stringify(frame, null, 2);
}

export async function signOut(): Promise<void> {
  disconnect();
  await account.logout();
}

function take(data: unknown): void {
  const frame = typeof data === 'string' ? parseFrame(data) : null;
  if (!frame) return record('in', 'not a frame', typeof data === 'string' ? data : 'binary');
  record('in', String(frame.type ?? '?'), frame);
  batch(() => {
    learnt.value = learn(protocol.value, learnt.value, frame);
    error.value = errorIn(frame) ?? error.value;
    if (!learnt.value.others.some((other) => other.name === target.value)) target.value = null;
  });
}
