import { signOut } from '../app';
import { roomLink } from '../protocol/rules';
import * as store from '../state/store';
import { copy } from './clipboard';
import { Icon, Logo } from './icons';
import { ThemeButton } from './ThemeButton';

const LINK_TEXT: Record<store.Link, string> = {
  offline: 'Not connected',
  connecting: 'Connecting…',
  online: 'Connected',
  reconnecting: 'Reconnecting…',
  cut: 'Cut off',
};

export function TopBar() {
  const inCall = store.phase.value === 'call';
  return (
    <header class="topbar">
      <div class="brand">
        <Logo />
        <h1 class="brand-name">Switchboard</h1>
      </div>
      {inCall && <RoomChip />}
      <div class="topbar-end">
        {inCall && (
          <span class="pill" data-state={store.link.value} data-testid="link-state" title={LINK_TEXT[store.link.value]}>
            <span class="dot" aria-hidden="true" />
            <span class="pill-text">{LINK_TEXT[store.link.value]}</span>
          </span>
        )}
        <ThemeButton />
        {store.session.value && !inCall && <Account />}
      </div>
    </header>
  );
}

function RoomChip() {
  const code = store.roomCode.value;
  const link = roomLink(location.href, code);
  return (
    <div class="room-chip">
      <span class="room-code" data-testid="room-code" title={`Room ${code}`}>
        {code}
      </span>
      {store.room.value?.mode === 'sfu' && (
        <span class="badge" title="Sound and video go through a media server" data-testid="sfu-badge">
          SFU
        </span>
      )}
      <button class="ghost small" type="button" onClick={() => void copy(link, 'Link')} data-testid="copy-link" data-link={link} aria-label="Copy link to this room">
        <Icon name="link" /> <span class="wide-only">Copy link</span>
      </button>
    </div>
  );
}

function Account() {
  return (
    <>
      <span class="whoami" data-testid="whoami">
        {store.session.value?.username}
      </span>
      <button class="ghost icon-only" type="button" onClick={() => void signOut()} aria-label="Sign out" title="Sign out" data-testid="logout">
        <Icon name="out" />
      </button>
    </>
  );
}
