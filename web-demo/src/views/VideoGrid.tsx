import { call } from '../app';
import * as rooms from '../state/room';
import * as store from '../state/store';
import { roomLink } from '../protocol/rules';
import { copy } from './clipboard';
import { Icon } from './icons';
import { Tile } from './Tile';

export function VideoGrid() {
  const room = store.room.value;
  if (!room) return null;
  const { media } = call;
  const alone = room.peers.length === 0;
  return (
    <ul class="grid" data-count={Math.min(10, room.peers.length + 1)} aria-label="Participants' video" data-testid="grid">
      {room.peers.map((peer) => {
        const view = store.peers.value.get(peer.id);
        return (
          <Tile
            key={peer.id}
            peerId={peer.id}
            name={peer.userInfo.username}
            host={rooms.isHost(room, peer.id)}
            stream={view?.stream ?? null}
            state={view?.state ?? 'none'}
            media={view?.media ?? null}
          />
        );
      })}
      <Tile
        key={room.selfId}
        peerId={room.selfId}
        self
        name={store.session.value?.username ?? 'You'}
        host={rooms.isHost(room, room.selfId)}
        stream={media.preview.value}
        state="connected"
        media={{ mic: media.mic.value, cam: media.cam.value, screen: media.screen.value }}
      />
      {alone && <Invitation />}
    </ul>
  );
}

function Invitation() {
  const link = roomLink(location.href, store.roomCode.value);
  return (
    <li class="invitation">
      <p class="invitation-title">Nobody else is here yet</p>
      <p>Share the link, and whoever opens it is put through.</p>
      <button class="primary" type="button" onClick={() => void copy(link, 'Link')}>
        <Icon name="link" /> Copy link
      </button>
    </li>
  );
}
