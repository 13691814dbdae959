import { signOut, state, type State } from '../../console/session';
import * as store from '../../state/store';
import { Icon, Logo } from '../icons';
import { LoginForm } from '../Login';
import { EventsPanel } from '../panels/EventsPanel';
import { ThemeButton } from '../ThemeButton';
import { Toasts } from '../Toasts';
import { Composer } from './Composer';
import { ConnectForm } from './ConnectForm';

const STATE_TEXT: Record<State, string> = { closed: 'Not connected', connecting: 'Connecting…', open: 'Connected' };

export function ConsoleApp() {
  const loading = store.phase.value === 'loading';
  const session = store.session.value;
  return (
    <div class="app app-console">
      <TopBar />
      <main class="main" data-testid={`console-${loading ? 'loading' : session ? 'ready' : 'login'}`}>
        {loading ? null : session ? <Workbench /> : <SignIn />}
      </main>
      <Toasts />
    </div>
  );
}

function TopBar() {
  const session = store.session.value;
  return (
    <header class="topbar">
      <div class="brand">
        <Logo />
        <h1 class="brand-name">
          <span class="wide-only">Switchboard </span>Console
        </h1>
      </div>
      <div class="topbar-end">
        {session && (
          <span class="pill" data-state={state.value === 'open' ? 'online' : state.value} data-testid="socket-state" title={STATE_TEXT[state.value]}>
            <span class="dot" aria-hidden="true" />
            <span class="pill-text">{STATE_TEXT[state.value]}</span>
          </span>
        )}
        <a class="ghost small" href="./">
          Demo
        </a>
        <ThemeButton />
        {session && (
          <button class="ghost icon-only" type="button" onClick={() => void signOut()} aria-label={`Sign out ${session.username}`} title="Sign out" data-testid="logout">
            <Icon name="out" />
          </button>
        )}
      </div>
    </header>
  );
}

function SignIn() {
  return (
    <div class="entry">
      <section class="card login" aria-labelledby="login-title">
        <h2 id="login-title">Frame by frame</h2>
        <p class="lead">Speak the raw WebSocket protocols by hand, and see what the gateway says to it.</p>
        <LoginForm onDone={() => undefined} />
      </section>
    </div>
  );
}

function Workbench() {
  return (
    <div class="bench">
      <div class="bench-side">
        <ConnectForm />
        <Composer />
      </div>
      <section class="bench-log" aria-labelledby="log-title">
        <h2 id="log-title">Frames</h2>
        <EventsPanel />
      </section>
    </div>
  );
}
