import { useEffect, useRef } from 'preact/hooks';
import * as store from '../state/store';
import { Icon } from './icons';
import { PANELS, showPanel } from './panelState';
import { ChatPanel } from './panels/ChatPanel';
import { EventsPanel } from './panels/EventsPanel';
import { NetworkPanel } from './panels/NetworkPanel';
import { PeoplePanel } from './panels/PeoplePanel';

export function SidePanel() {
  const current = store.panel.value;
  if (current === null) return null;
  return (
    <aside class="panel" aria-label="Side panel" data-testid="panel" onKeyDown={(e) => e.key === 'Escape' && !e.defaultPrevented && showPanel(null)}>
      <div class="panel-head">
        <Tabs current={current} />
        <button class="ghost icon-only small" type="button" onClick={() => showPanel(null)} aria-label="Close panel" data-testid="panel-close">
          <Icon name="close" />
        </button>
      </div>
      <div class="panel-body" role="tabpanel" id="panel-body" aria-labelledby={`tab-${current}`}>
        {current === 'chat' && <ChatPanel />}
        {current === 'people' && <PeoplePanel />}
        {current === 'network' && <NetworkPanel />}
        {current === 'events' && <EventsPanel />}
      </div>
    </aside>
  );
}

/** One tab stop; the arrow keys move between the tabs. */
function Tabs({ current }: { current: store.PanelName }) {
  const list = useRef<HTMLDivElement>(null);
  const moved = useRef(false);
  useEffect(() => {
    if (moved.current) list.current?.querySelector<HTMLElement>('[aria-selected="true"]')?.focus();
    moved.current = false;
  }, [current]);
  const onKeyDown = (event: KeyboardEvent) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (step === undefined) return;
    const at = PANELS.findIndex((p) => p.name === current);
    const next = PANELS[(at + step + PANELS.length) % PANELS.length];
    moved.current = true;
    if (next) showPanel(next.name);
  };
  return (
    <div class="tabs" role="tablist" aria-label="Side panel" ref={list} onKeyDown={onKeyDown}>
      {PANELS.map(({ name, label }) => (
        <button
          key={name}
          id={`tab-${name}`}
          class="tab"
          role="tab"
          type="button"
          aria-selected={name === current}
          aria-controls="panel-body"
          tabIndex={name === current ? 0 : -1}
          onClick={() => showPanel(name)}
          data-testid={`tab-${name}`}
        >
          {label}
        </button>
      ))}
    </div>
  );
}
