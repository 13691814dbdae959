import * as store from '../state/store';
import { CallView } from './CallView';
import { Lobby } from './Lobby';
import { Login } from './Login';
import { Toasts } from './Toasts';
import { TopBar } from './TopBar';

export function App() {
  const phase = store.phase.value;
  return (
    <div class={`app app-${phase}`}>
      <TopBar />
      <main class="main" data-testid={`view-${phase}`}>
        {phase === 'loading' && <Loading />}
        {phase === 'login' && <Login />}
        {phase === 'lobby' && <Lobby />}
        {phase === 'call' && <CallView />}
      </main>
      <Toasts />
    </div>
  );
}

function Loading() {
  return (
    <p class="loading" role="status">
      <span class="spinner" aria-hidden="true" /> {store.joining.value ? 'Going back to your call…' : 'Connecting…'}
    </p>
  );
}
