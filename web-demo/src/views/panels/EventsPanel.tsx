import { useComputed, useSignal } from '@preact/signals';
import { clear, paused } from '../../app/inspector';
import { matches, preview, toJson, type Direction, type LogEntry } from '../../state/eventLog';
import * as store from '../../state/store';
import { copy } from '../clipboard';
import { Icon } from '../icons';

/** Newest first; the DOM holds a screenful or two, the log itself up to a thousand. */
const SHOWN = 200;

/** As much as the widest window may show of a payload; what does not fit is cut off by the style. */
const PREVIEW = 300;

const DIRECTION: Record<Direction, { sign: string; text: string }> = {
  in: { sign: '↓', text: 'received' },
  out: { sign: '↑', text: 'sent' },
  ack: { sign: '✓', text: 'answer to' },
  sys: { sign: '•', text: 'connection' },
};

export function EventsPanel() {
  const filter = useSignal('');
  const found = useComputed(() => store.events.value.filter((e) => matches(e, filter.value)));
  const shown = found.value.slice(-SHOWN).reverse();
  return (
    <div class="events">
      <div class="events-tools">
        <input type="search" aria-label="Filter events" placeholder="Filter, e.g. in webrtc" value={filter.value} onInput={(e) => (filter.value = e.currentTarget.value)} data-testid="events-filter" />
        <Tool label={paused.value ? 'Go on recording' : 'Pause recording'} icon={paused.value ? 'play' : 'pause'} onClick={() => (paused.value = !paused.value)} testId="events-pause" />
        <Tool label="Clear" icon="trash" onClick={clear} testId="events-clear" />
        <Tool label="Copy all as JSON" icon="copy" onClick={() => void copy(toJson(found.value), `${found.value.length} events`)} testId="events-copy" />
      </div>
      <p class="hint" data-testid="events-count">
        {found.value.length} of {store.events.value.length} events{paused.value && ', paused'}
      </p>
      <ol class="event-list" aria-label="Events, newest first" tabIndex={0} data-testid="events">
        {shown.map((entry) => (
          <EventRow key={entry.seq} entry={entry} />
        ))}
      </ol>
    </div>
  );
}

function Tool({ label, icon, onClick, testId }: { label: string; icon: 'play' | 'pause' | 'trash' | 'copy'; onClick(): void; testId: string }) {
  return (
    <button class="ghost icon-only small" type="button" aria-label={label} title={label} onClick={onClick} data-testid={testId}>
      <Icon name={icon} />
    </button>
  );
}

function EventRow({ entry }: { entry: LogEntry }) {
  const open = useSignal(false);
  const { sign, text } = DIRECTION[entry.direction];
  return (
    <li class="event" data-direction={entry.direction} data-name={entry.name} data-testid="event">
      <button class="event-head" type="button" aria-expanded={open.value} onClick={() => (open.value = !open.value)}>
        <span class="event-sign" aria-hidden="true">
          {sign}
        </span>
        <span class="visually-hidden">{text}</span>
        <span class="event-name">{entry.name}</span>
        <time class="event-time">{timeOf(entry.at)}</time>
        <span class="event-preview">{preview(entry.payload, PREVIEW)}</span>
      </button>
      {open.value && (
        <div class="event-detail">
          <pre tabIndex={0}>{JSON.stringify(entry.payload, null, 2) ?? 'no payload'}</pre>
          <button class="secondary small" type="button" onClick={() => void copy(toJson([entry]), 'Event')}>
            <Icon name="copy" /> Copy
          </button>
        </div>
      )}
    </li>
  );
}

function timeOf(at: number): string {
  const date = new Date(at);
  const pad = (n: number, width: number) => String(n).padStart(width, '0');
  return `${pad(date.getHours(), 2)}:${pad(date.getMinutes(), 2)}:${pad(date.getSeconds(), 2)}.${pad(date.getMilliseconds(), 3)}`;
}
