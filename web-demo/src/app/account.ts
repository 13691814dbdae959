import type { Session } from '../protocol/types';
import * as store from '../state/store';

/** The cookie itself is HttpOnly; this only remembers that asking for a session makes sense. */
const HINT = 'switchboard.session';

export class LoginError extends Error {}

async function problem(response: Response): Promise<string> {
  try {
    const body = (await response.json()) as { message?: unknown };
    if (typeof body.message === 'string') return body.message;
  } catch {
    // Not JSON: a proxy in between, perhaps.
  }
  return `The gateway answered ${response.status}.`;
}

async function requestLogin(username: string): Promise<Session> {
  let response: Response;
  try {
    response = await fetch('/dev/login', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ username }),
    });
  } catch {
    throw new LoginError('The gateway cannot be reached.');
  }
  if (!response.ok) throw new LoginError(await problem(response));
  return (await response.json()) as Session;
}

export async function login(username: string): Promise<void> {
  const session = await requestLogin(username.trim());
  localStorage.setItem(HINT, '1');
  store.session.value = session;
}

/** A new cookie for the same person, used by the next connection. */
export async function renew(): Promise<boolean> {
  const current = store.session.value;
  if (!current) return false;
  try {
    const session = await requestLogin(current.username);
    if (session.userId !== current.userId) return false;
    store.session.value = session;
    return true;
  } catch {
    return false;
  }
}

export async function restoreSession(): Promise<boolean> {
  // Without the hint a first visit would show a failed request in the console.
  if (localStorage.getItem(HINT) === null) return false;
  try {
    const response = await fetch('/dev/session');
    if (response.ok) store.session.value = (await response.json()) as Session;
    else forget();
    return response.ok;
  } catch {
    return false;
  }
}

export async function logout(): Promise<void> {
  forget();
  try {
    await fetch('/dev/logout', { method: 'POST' });
  } catch {
    // The cookie runs out by itself.
  }
}

export function forget(): void {
  localStorage.removeItem(HINT);
  store.session.value = null;
}
