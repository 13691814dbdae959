import type { PeerView } from '../state/store';

export const STATE_TEXT: Record<PeerView['state'], string> = {
  none: 'Waiting for the call…',
  new: 'Starting…',
  connecting: 'Connecting…',
  connected: 'Connected',
  disconnected: 'Connection unsteady…',
  failed: 'Connection failed, trying again…',
  closed: 'Closed',
};
