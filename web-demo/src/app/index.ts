import { effect } from '@preact/signals';
import { isRoomCode, roomLink } from '../protocol/rules';
import * as store from '../state/store';
import * as account from './account';
import { Call } from './call';
import { saveTicket, takeTicket } from './ticket';

export const call = new Call();

/** Kept for a reload of this tab, and for nothing else. */
const RELAY_ONLY = 'switchboard.relayOnly';

export async function boot(): Promise<void> {
  const asked = new URL(location.href).searchParams.get('room') ?? '';
  if (isRoomCode(asked)) store.roomCode.value = asked;
  store.relayOnly.value = sessionStorage.getItem(RELAY_ONLY) !== null;
  effect(() => keepChoice(store.relayOnly.value));
  const ticket = takeTicket();
  const known = await account.restoreSession();
  keepAddress();
  addEventListener('pagehide', leaveTicket);
  // Back from the back/forward cache: this page goes on, so the ticket is void.
  addEventListener('pageshow', () => void takeTicket());
  if (!known) {
    store.phase.value = 'login';
    return;
  }
  if (!ticket) {
    store.phase.value = 'lobby';
    return;
  }
  // The resume window is short: be back in the room first, devices follow.
  call.enter(ticket.roomCode, ticket.resumeToken, ticket.older);
  await call.media.start();
  if (!ticket.mic && call.media.mic.value) await call.media.toggleMic();
  if (!ticket.cam && call.media.cam.value) await call.media.toggleCam();
}

export async function signOut(): Promise<void> {
  await account.logout();
  call.media.stop();
  store.phase.value = 'login';
}

function keepChoice(relayOnly: boolean): void {
  if (relayOnly) sessionStorage.setItem(RELAY_ONLY, 'yes');
  else sessionStorage.removeItem(RELAY_ONLY);
}

/** The address bar always holds the link to share. */
function keepAddress(): void {
  effect(() => {
    if (store.phase.value !== 'call') return;
    history.replaceState(null, '', roomLink(location.href, store.roomCode.value));
  });
}

function leaveTicket(): void {
  if (store.phase.value !== 'call') return;
  saveTicket({ roomCode: store.roomCode.value, ...call.ticket, savedAt: Date.now() });
}
