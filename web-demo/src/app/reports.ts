import type { SignallingClient } from '../signalling/client';

type State = RTCPeerConnectionState | 'none';

/** Tells the gateway how connections are, which keeps figures of it. Nothing here depends on it. */
export class Reports {
  private readonly told = new Map<string, State>();

  constructor(
    private readonly client: Pick<SignallingClient, 'request'>,
    private readonly online: () => boolean,
  ) {}

  /** Each state once, as it changes. One that comes while the gateway cannot be told is left out. */
  changed(targetPeerId: string, state: State): void {
    if (this.told.get(targetPeerId) === state) return;
    this.told.set(targetPeerId, state);
    if (state === 'none' || state === 'new' || !this.online()) return;
    this.client.request('webrtc:state', { state, targetPeerId }).catch(() => undefined);
  }

  forget(targetPeerId: string): void {
    this.told.delete(targetPeerId);
  }
}
