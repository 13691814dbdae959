import * as store from '../state/store';

export async function copy(text: string, what: string): Promise<void> {
  try {
    await navigator.clipboard.writeText(text);
    store.toast('good', `${what} copied.`);
  } catch {
    store.toast('bad', 'The browser did not let this page use the clipboard.');
  }
}
