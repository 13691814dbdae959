import type { MediaState } from '../protocol/dataChannel';
import * as store from '../state/store';
import { STATE_TEXT } from './peerState';
import { Icon } from './icons';
import { VideoSurface } from './VideoSurface';

interface TileProps {
  peerId: string;
  name: string;
  host: boolean;
  stream: MediaStream | null;
  state: store.PeerView['state'];
  media: MediaState | null;
  self?: boolean;
}

export function Tile({ peerId, name, host, stream, state, media, self = false }: TileProps) {
  const screen = media?.screen ?? false;
  // Until the other side has said so, assume that there is a picture.
  const picture = stream !== null && (media === null || media.cam || screen);
  return (
    <li class="tile" data-self={self} data-state={state} data-screen={screen} data-testid={self ? 'tile-self' : 'tile'} data-peer={peerId}>
      {stream && <VideoSurface stream={stream} muted={self} mirrored={self && !screen} fit={screen ? 'contain' : 'cover'} label={self ? 'Your video' : `Video of ${name}`} />}
      {!picture && <Initials name={name} />}
      <Reactions peerId={peerId} />
      <div class="tile-foot">
        {media && !media.mic && (
          <span class="tile-muted" role="img" aria-label="Microphone off" data-testid="muted">
            <Icon name="micOff" />
          </span>
        )}
        <span class="tile-name">{self ? `${name} (you)` : name}</span>
        {host && (
          <span class="badge host" data-testid="host-badge">
            <Icon name="crown" /> Host
          </span>
        )}
        {screen && <span class="badge">Screen</span>}
      </div>
      {!self && state !== 'connected' && (
        <p class="tile-state" data-testid="peer-state">
          {STATE_TEXT[state]}
        </p>
      )}
    </li>
  );
}

function Initials({ name }: { name: string }) {
  const letters = name
    .split(/\s+/)
    .slice(0, 2)
    .map((word) => [...word][0] ?? '')
    .join('')
    .toUpperCase();
  return (
    <div class="tile-initials" aria-hidden="true">
      <span>{letters || '?'}</span>
    </div>
  );
}

function Reactions({ peerId }: { peerId: string }) {
  return (
    <div class="tile-reactions" role="status">
      {store.reactions.value
        .filter((r) => r.peerId === peerId)
        .map((r) => (
          <span key={r.id} class="reaction" data-testid="reaction">
            {r.emoji}
          </span>
        ))}
    </div>
  );
}
