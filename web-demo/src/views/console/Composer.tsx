import { useRef } from 'preact/hooks';
import type { FrameError } from '../../console/frames';
import type { Template } from '../../console/protocols';
import * as model from '../../console/session';
import { Icon } from '../icons';

/** An editor for one frame, with an example of each type. */
export function Composer() {
  const editor = useRef<HTMLTextAreaElement>(null);
  const open = model.state.value === 'open';
  const send = () => model.send(model.draft.value);
  const choose = (template: Template) => {
    model.insert(template);
    editor.current?.focus();
  };
  return (
    <section class="block composer-block" aria-labelledby="compose-title">
      <h2 id="compose-title">Send a frame</h2>
      <div class="templates" role="group" aria-label="Examples">
        {model.templates.value.map((template) => (
          <button key={template.type} class="secondary small" type="button" onClick={() => choose(template)} title={template.note} data-testid={`template-${template.type.replace(' ', '-')}`}>
            {template.type}
          </button>
        ))}
      </div>
      <form
        class="stack"
        onSubmit={(event) => {
          event.preventDefault();
          send();
        }}
      >
        <label class="field">
          <span class="visually-hidden">Frame</span>
          <textarea
            ref={editor}
            class="mono"
            rows={11}
            spellcheck={false}
            autocapitalize="off"
            placeholder="Choose an example, or write JSON"
            value={model.draft.value}
            onInput={(e) => (model.draft.value = e.currentTarget.value)}
            onKeyDown={(e) => {
              if (e.key !== 'Enter' || !(e.ctrlKey || e.metaKey)) return;
              e.preventDefault();
              send();
            }}
            aria-describedby="draft-problem draft-keys"
            data-testid="draft"
          />
        </label>
        <p id="draft-problem" class="hint" data-testid="draft-problem">
          {model.draftProblem.value && `${model.draftProblem.value} You may send it, to see what the gateway says.`}
        </p>
        <div class="row">
          <button class="primary" type="submit" disabled={!open || model.draft.value === ''} data-testid="send">
            <Icon name="send" /> Send
          </button>
          <span id="draft-keys" class="hint keys">
            <kbd>Ctrl</kbd> + <kbd>Enter</kbd>
          </span>
        </div>
      </form>
      <div role="alert">{model.error.value && <ErrorNotice error={model.error.value} />}</div>
    </section>
  );
}

function ErrorNotice({ error: { code, message, field, frame, retryable } }: { error: FrameError }) {
  const about = [frame && `frame ${frame}`, field && `field ${field}`].filter(Boolean).join(', ');
  return (
    <div class="notice bad" data-testid="frame-error">
      <p>
        <b>{code}</b>
        {about && ` – ${about}`}
      </p>
      <p>{message}</p>
      {retryable && <p>The same may succeed later.</p>}
    </div>
  );
}
