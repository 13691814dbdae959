import { useEffect, useRef } from 'preact/hooks';
import { call } from '../app';
import * as store from '../state/store';
import { Controls } from './Controls';
import { Icon } from './icons';
import { LinkBanner } from './LinkBanner';
import { DeviceNotice } from './Lobby';
import { SidePanel } from './SidePanel';
import { VideoGrid } from './VideoGrid';

export function CallView() {
  const stage = useRef<HTMLElement>(null);
  // The form that had the focus is gone; start reading where the call is.
  useEffect(() => {
    stage.current?.focus();
    if (matchMedia('(min-width: 60rem)').matches) store.panel.value ??= 'chat';
  }, []);
  return (
    <div class="call" data-panel={store.panel.value !== null}>
      <section class="stage" ref={stage} tabIndex={-1} aria-label={`Call in room ${store.roomCode.value}`}>
        <LinkBanner />
        <DeviceNotice />
        {store.soundBlocked.value && (
          <button class="primary sound" type="button" onClick={() => (store.soundBlocked.value = false)}>
            <Icon name="sound" /> Turn the sound on
          </button>
        )}
        <VideoGrid />
        <Controls onLeave={() => void call.leave()} />
      </section>
      <SidePanel />
    </div>
  );
}
