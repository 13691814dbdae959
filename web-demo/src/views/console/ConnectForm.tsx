import { useSignal } from '@preact/signals';
import * as model from '../../console/session';
import type { Protocol } from '../../console/protocols';
import { roomCodeProblem } from '../../protocol/rules';

const PROTOCOLS: readonly [Protocol, string][] = [
  ['signal', '/signal/{room}: connecting joins'],
  ['ws', '/ws: frames join, by a name'],
];

export function ConnectForm() {
  const problem = useSignal<string | null>(null);
  const idle = model.state.value === 'closed';
  const submit = (event: Event) => {
    event.preventDefault();
    problem.value = roomCodeProblem(model.room.value);
    if (problem.value === null) model.connect();
  };
  return (
    <section class="block" aria-labelledby="connect-title">
      <h2 id="connect-title">Connection</h2>
      <form class="stack" onSubmit={submit} noValidate>
        <label class="field">
          <span>Protocol</span>
          <select value={model.protocol.value} disabled={!idle} onChange={(e) => (model.protocol.value = e.currentTarget.value as Protocol)} data-testid="protocol">
            {PROTOCOLS.map(([value, label]) => (
              <option key={value} value={value}>
                {label}
              </option>
            ))}
          </select>
        </label>
        <div class="row">
          <TextField label="Room code" value={model.room} disabled={!idle} testId="console-room" describedBy="console-problem" invalid={problem.value !== null} />
          {model.protocol.value === 'ws' && <TextField label="Name in the room" value={model.name} testId="console-name" />}
        </div>
        <p id="console-problem" class="problem" role="alert">
          {problem.value}
        </p>
        {idle && model.canComeBack.value && (
          <label class="choice">
            <input type="checkbox" role="switch" checked={model.comeBack.value} onChange={(e) => (model.comeBack.value = e.currentTarget.checked)} data-testid="come-back" />
            <span>Come back as the same peer</span>
            <span class="hint">With the newest resume token. The gateway keeps the place for five seconds.</span>
          </label>
        )}
        <Buttons idle={idle} />
      </form>
      <Ending />
      <Others />
    </section>
  );
}

interface TextFieldProps {
  label: string;
  value: typeof model.room;
  testId: string;
  disabled?: boolean;
  invalid?: boolean;
  describedBy?: string;
}

function TextField({ label, value, testId, disabled = false, invalid = false, describedBy }: TextFieldProps) {
  return (
    <label class="field inline">
      <span>{label}</span>
      <input
        class="mono"
        autocomplete="off"
        autocapitalize="off"
        spellcheck={false}
        value={value.value}
        disabled={disabled}
        onInput={(e) => (value.value = e.currentTarget.value)}
        aria-invalid={invalid}
        aria-describedby={describedBy}
        data-testid={testId}
      />
    </label>
  );
}

function Buttons({ idle }: { idle: boolean }) {
  return (
    <div class="row">
      {idle ? (
        <button class="primary" type="submit" data-testid="connect">
          Connect
        </button>
      ) : (
        <>
          <button class="secondary" type="button" onClick={() => model.disconnect()} title="Code 1000: leaves at once" data-testid="disconnect">
            Close
          </button>
          <button class="secondary" type="button" onClick={() => model.disconnect(true)} title="Another code: the gateway keeps the place for a while" data-testid="drop">
            Drop
          </button>
        </>
      )}
    </div>
  );
}

function Ending() {
  return (
    <div role="status" class="slot">
      {model.ending.value && (
        <p class="notice" data-testid="ending">
          {model.ending.value}
        </p>
      )}
    </div>
  );
}

function Others() {
  const { others } = model.learnt.value;
  if (model.state.value !== 'open') return null;
  return (
    <label class="field others">
      <span>Examples go to</span>
      <select value={model.target.value ?? ''} onChange={(e) => (model.target.value = e.currentTarget.value || null)} data-testid="target">
        <option value="">all others ({others.length})</option>
        {others.map(({ peerId, name, username }) => (
          <option key={peerId} value={name}>
            {name === username ? name : `${name} (${username})`}
          </option>
        ))}
      </select>
    </label>
  );
}
