import { signal } from '@preact/signals';

export type Theme = 'auto' | 'light' | 'dark';

const KEY = 'switchboard.theme';
const ORDER: readonly Theme[] = ['auto', 'light', 'dark'];

function stored(): Theme {
  const value = localStorage.getItem(KEY);
  return ORDER.find((t) => t === value) ?? 'auto';
}

export const theme = signal<Theme>('auto');

/** The stylesheet follows color-scheme; the attribute only overrides what the system says. */
export function applyTheme(next: Theme = stored()): void {
  theme.value = next;
  const root = document.documentElement;
  if (next === 'auto') root.removeAttribute('data-theme');
  else root.setAttribute('data-theme', next);
}

export function cycleTheme(): void {
  const next = ORDER[(ORDER.indexOf(theme.value) + 1) % ORDER.length] ?? 'auto';
  localStorage.setItem(KEY, next);
  applyTheme(next);
}
