import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { call } from '../app';
import * as store from '../state/store';
import { Icon } from './icons';

/** Says that signalling is away, and that the call itself is not. */
export function LinkBanner() {
  const link = store.link.value;
  return (
    <div role="status" class="slot">
      {link === 'cut' && <CutBanner />}
      {link === 'reconnecting' && (
        <div class="banner" data-testid="banner">
          <span class="spinner" aria-hidden="true" />
          <p>Reconnecting to the gateway. Sound and video go on.</p>
        </div>
      )}
    </div>
  );
}

function CutBanner() {
  return (
    <div class="banner" data-testid="banner">
      <Icon name="cut" />
      <p>
        The line to the gateway is cut. Sound and video go on. <Countdown />
      </p>
      <button class="secondary small" type="button" onClick={() => call.client.restore()} data-testid="restore-banner">
        Restore now
      </button>
    </div>
  );
}

function Countdown() {
  const left = useSignal<number | null>(null);
  useEffect(() => {
    const update = () => (left.value = store.restoreAt.value === null ? null : Math.max(0, store.restoreAt.value - performance.now()));
    update();
    const timer = setInterval(update, 200);
    return () => clearInterval(timer);
  }, []);
  // Hidden from screen readers: a live region that counts would never stop talking.
  return left.value === null ? null : <span aria-hidden="true">Back in {Math.ceil(left.value / 1000)} s.</span>;
}
