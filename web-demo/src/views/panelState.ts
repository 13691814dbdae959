import * as store from '../state/store';
import type { IconName } from './icons';

export const PANELS: readonly { name: store.PanelName; label: string; icon: IconName }[] = [
  { name: 'chat', label: 'Chat', icon: 'chat' },
  { name: 'people', label: 'People', icon: 'people' },
  { name: 'network', label: 'Network', icon: 'network' },
  { name: 'events', label: 'Events', icon: 'events' },
];

export function showPanel(name: store.PanelName | null): void {
  store.panel.value = name;
  if (name === 'chat') store.unread.value = 0;
}

export function togglePanel(name: store.PanelName): void {
  showPanel(store.panel.value === name ? null : name);
}
