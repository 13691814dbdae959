import { useSignal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import { login } from '../app/account';
import { NAME_MAX, nameProblem } from '../protocol/rules';
import * as store from '../state/store';
import { Patchboard } from './Patchboard';

export function Login() {
  return (
    <div class="entry">
      <section class="card login" aria-labelledby="login-title">
        <Patchboard />
        <h2 id="login-title">Put yourself through</h2>
        <p class="lead">Calls, chat and a clear view of the signalling underneath. {store.roomCode.value && <>You are about to join <b>{store.roomCode.value}</b>.</>}</p>
        <LoginForm onDone={() => (store.phase.value = 'lobby')} />
      </section>
    </div>
  );
}

export function LoginForm({ onDone }: { onDone(): void }) {
  const name = useSignal('');
  const problem = useSignal<string | null>(null);
  const busy = useSignal(false);
  const field = useRef<HTMLInputElement>(null);
  useEffect(() => field.current?.focus(), []);

  const submit = async (event: Event) => {
    event.preventDefault();
    problem.value = nameProblem(name.value);
    if (problem.value !== null) return field.current?.focus();
    busy.value = true;
    try {
      await login(name.value);
      onDone();
    } catch (error) {
      problem.value = error instanceof Error ? error.message : 'That did not work.';
    } finally {
      busy.value = false;
    }
  };

  return (
    <form class="stack" onSubmit={submit} noValidate>
      <label class="field">
        <span>Your name</span>
        <input
          ref={field}
          name="username"
          autocomplete="nickname"
          maxLength={NAME_MAX}
          value={name.value}
          onInput={(e) => (name.value = e.currentTarget.value)}
          aria-invalid={problem.value !== null}
          aria-describedby="login-problem"
          data-testid="username"
        />
      </label>
      <p id="login-problem" class="problem" role="alert" data-testid="login-problem">
        {problem.value}
      </p>
      <button class="primary wide" type="submit" disabled={busy.value} data-testid="login">
        Continue
      </button>
    </form>
  );
}
