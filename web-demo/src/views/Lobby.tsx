import { useSignal } from '@preact/signals';
import type { RefObject } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import { call } from '../app';
import { makeRoomCode, roomCodeFrom, roomCodeProblem, roomLink } from '../protocol/rules';
import * as store from '../state/store';
import { copy } from './clipboard';
import { Icon } from './icons';
import { DeviceButtons } from './DeviceButtons';
import { VideoSurface } from './VideoSurface';

export function Lobby() {
  useEffect(() => void call.media.start(), []);
  return (
    <div class="entry lobby">
      <Preview />
      <JoinCard />
    </div>
  );
}

function Preview() {
  const { media } = call;
  const preview = media.preview.value;
  return (
    <section class="preview" aria-label="Your camera">
      <div class="tile" data-self="true">
        {preview ? <VideoSurface stream={preview} mirrored muted label="Your camera preview" /> : <p class="tile-empty">{media.busy.value ? 'Waiting for the camera…' : 'Camera is off'}</p>}
      </div>
      <div class="preview-controls">
        <DeviceButtons />
      </div>
      <DeviceNotice />
    </section>
  );
}

export function DeviceNotice() {
  const text = call.media.notice.value;
  return (
    <div role="status" class="slot">
      {text && (
        <p class="notice" data-testid="device-notice">
          {text}
        </p>
      )}
    </div>
  );
}

function JoinCard() {
  return (
    <section class="card" aria-labelledby="join-title">
      {store.endNotice.value && (
        <p class="notice" role="alert" data-testid="end-notice">
          {store.endNotice.value}
        </p>
      )}
      <h2 id="join-title">Ready, {store.session.value?.username}?</h2>
      <p class="lead">Enter a code somebody gave you, or make one up and share it.</p>
      <JoinForm />
      <p class="hint">
        Or speak the raw WebSocket protocols by hand, in the <a href="console.html">console</a>.
      </p>
    </section>
  );
}

function JoinForm() {
  const problem = useSignal<string | null>(null);
  const field = useRef<HTMLInputElement>(null);
  const button = useRef<HTMLButtonElement>(null);
  // With a code from the link there is nothing left to type.
  useEffect(() => (store.roomCode.value ? button : field).current?.focus(), []);

  const submit = (event: Event) => {
    event.preventDefault();
    const code = roomCodeFrom(store.roomCode.value);
    problem.value = roomCodeProblem(code);
    if (problem.value !== null) field.current?.focus();
    else call.enter(code);
  };
  const onGenerate = () => {
    store.roomCode.value = makeRoomCode();
    problem.value = null;
    button.current?.focus();
  };

  return (
    <form class="stack" onSubmit={submit} noValidate>
      <CodeField field={field} invalid={problem.value !== null} />
      <p id="room-problem" class="problem" role="alert" data-testid="room-problem">
        {problem.value}
      </p>
      <CodeTools onGenerate={onGenerate} />
      <button ref={button} class="primary wide" type="submit" disabled={store.joining.value} data-testid="join">
        {store.joining.value ? 'Joining…' : 'Join'}
      </button>
    </form>
  );
}

function CodeField({ field, invalid }: { field: RefObject<HTMLInputElement | null>; invalid: boolean }) {
  return (
    <label class="field">
      <span>Room code</span>
      <input
        ref={field}
        class="mono"
        name="room"
        autocomplete="off"
        autocapitalize="off"
        spellcheck={false}
        value={store.roomCode.value}
        onInput={(e) => (store.roomCode.value = e.currentTarget.value)}
        aria-invalid={invalid}
        aria-describedby="room-problem"
        data-testid="room-input"
      />
    </label>
  );
}

function CodeTools({ onGenerate }: { onGenerate(): void }) {
  const code = store.roomCode.value;
  return (
    <div class="row">
      <button class="secondary" type="button" onClick={onGenerate} data-testid="generate">
        <Icon name="dice" /> New code
      </button>
      <button class="secondary" type="button" disabled={roomCodeProblem(code) !== null} onClick={() => void copy(roomLink(location.href, code), 'Link')}>
        <Icon name="link" /> Copy link
      </button>
    </div>
  );
}
