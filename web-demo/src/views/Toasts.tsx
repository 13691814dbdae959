import * as store from '../state/store';
import { Icon } from './icons';

/** The region is always there: screen readers only announce what changes inside a known one. */
export function Toasts() {
  return (
    <div class="toasts" role="status" aria-live="polite" data-testid="toasts">
      {store.toasts.value.map((toast) => (
        <div key={toast.id} class="toast" data-tone={toast.tone}>
          <div class="toast-body">
            <p>{toast.text}</p>
            {toast.detail && <p class="toast-detail">{toast.detail}</p>}
          </div>
          <button class="ghost icon-only small" type="button" onClick={() => store.dismissToast(toast.id)} aria-label="Dismiss">
            <Icon name="close" />
          </button>
        </div>
      ))}
    </div>
  );
}
