import { useSignal } from '@preact/signals';
import { useRef } from 'preact/hooks';
import { call } from '../app';
import { REACTIONS } from '../protocol/dataChannel';
import * as store from '../state/store';
import { DeviceButtons, Switch } from './DeviceButtons';
import { Icon } from './icons';
import { PANELS, togglePanel } from './panelState';

export function Controls({ onLeave }: { onLeave(): void }) {
  const screen = call.media.screen.value;
  const canShare = typeof navigator.mediaDevices?.getDisplayMedia === 'function';
  return (
    <div class="controls" role="toolbar" aria-label="Call controls">
      <div class="controls-group">
        <DeviceButtons />
        {canShare && <Switch tone="share" on={screen} label="Share screen" short="Share" icon={screen ? 'screenOff' : 'screen'} testId="toggle-screen" onClick={() => void call.media.toggleScreen()} />}
        {/* They go over the connections between pages, which a room with a media server does not have. */}
        {store.room.value?.mode !== 'sfu' && <ReactionMenu />}
        <button class="switch danger" type="button" onClick={onLeave} aria-label="Leave the call" data-testid="leave">
          <Icon name="leave" />
          <span class="switch-text" aria-hidden="true">
            Leave
          </span>
        </button>
      </div>
      <div class="controls-group panel-switches">
        {PANELS.map(({ name, label, icon }) => (
          <button
            key={name}
            class="ghost icon-only"
            type="button"
            aria-pressed={store.panel.value === name}
            aria-label={panelLabel(name, label)}
            title={label}
            onClick={() => togglePanel(name)}
            data-testid={`panel-${name}`}
          >
            <Icon name={icon} />
            {name === 'chat' && store.unread.value > 0 && <span class="count">{store.unread.value}</span>}
            {name === 'people' && store.room.value && <span class="count quiet">{store.room.value.peers.length + 1}</span>}
          </button>
        ))}
      </div>
    </div>
  );
}

function panelLabel(name: store.PanelName, label: string): string {
  if (name === 'chat' && store.unread.value > 0) return `${label}, ${store.unread.value} unread`;
  if (name === 'people' && store.room.value) return `${label}, ${store.room.value.peers.length + 1} here`;
  return label;
}

function ReactionMenu() {
  const open = useSignal(false);
  const button = useRef<HTMLButtonElement>(null);
  const close = () => {
    open.value = false;
    button.current?.focus();
  };
  return (
    <div class="menu-anchor" onKeyDown={(e) => e.key === 'Escape' && open.value && close()}>
      <button ref={button} class="switch" type="button" data-tone="plain" aria-label="React" aria-expanded={open.value} onClick={() => (open.value = !open.value)} data-testid="reactions">
        <Icon name="smile" />
        <span class="switch-text" aria-hidden="true">
          React
        </span>
      </button>
      {open.value && (
        <div class="menu" role="group" aria-label="Send a reaction">
          {REACTIONS.map((emoji) => (
            <button
              key={emoji}
              class="ghost icon-only"
              type="button"
              aria-label={`React with ${emoji}`}
              onClick={() => {
                call.react(emoji);
                close();
              }}
            >
              {emoji}
            </button>
          ))}
        </div>
      )}
    </div>
  );
}
