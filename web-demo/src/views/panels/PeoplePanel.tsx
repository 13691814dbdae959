import { useSignal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import { call } from '../../app';
import type { PeerInfo } from '../../protocol/types';
import * as rooms from '../../state/room';
import * as store from '../../state/store';
import { Icon } from '../icons';
import { STATE_TEXT } from '../peerState';

export function PeoplePanel() {
  const room = store.room.value;
  const asked = useSignal<PeerInfo | null>(null);
  if (!room) return null;
  return (
    <div class="panel-scroll">
      <ul class="roster" data-testid="roster">
        <li class="person" data-testid="person">
          <Name name={`${store.session.value?.username ?? ''} (you)`} host={rooms.isHost(room, room.selfId)} />
          <span class="person-state">This page</span>
        </li>
        {room.peers.map((peer) => (
          <Person key={peer.id} peer={peer} onRemove={() => (asked.value = peer)} />
        ))}
      </ul>
      {asked.value && <KickDialog peer={asked.value} onClose={() => (asked.value = null)} />}
    </div>
  );
}

function Person({ peer, onRemove }: { peer: PeerInfo; onRemove(): void }) {
  const view = store.peers.value.get(peer.id);
  const state = view?.state ?? 'none';
  return (
    <li class="person" data-testid="person" data-peer={peer.id}>
      <Name name={peer.userInfo.username} host={rooms.isHost(store.room.value, peer.id)} />
      <span class="person-state" data-state={state}>
        <span class="dot" aria-hidden="true" /> {STATE_TEXT[state]}
      </span>
      {store.amHost.value && (
        <button class="ghost icon-only small" type="button" onClick={onRemove} aria-label={`Remove ${peer.userInfo.username}`} title="Remove from the room" data-testid="kick">
          <Icon name="remove" />
        </button>
      )}
    </li>
  );
}

function Name({ name, host }: { name: string; host: boolean }) {
  return (
    <span class="person-name">
      <span>{name}</span>
      {host && (
        <span class="badge host">
          <Icon name="crown" /> Host
        </span>
      )}
    </span>
  );
}

function KickDialog({ peer, onClose }: { peer: PeerInfo; onClose(): void }) {
  const dialog = useRef<HTMLDialogElement>(null);
  const reason = useSignal('');
  useEffect(() => dialog.current?.showModal(), []);
  const submit = (event: Event) => {
    event.preventDefault();
    void call.kick(peer.id, reason.value.trim());
    dialog.current?.close();
  };
  return (
    <dialog ref={dialog} class="dialog" onClose={onClose} onKeyDown={(e) => e.key === 'Escape' && e.stopPropagation()} aria-labelledby="kick-title">
      <form class="stack" onSubmit={submit}>
        <h2 id="kick-title">Remove {peer.userInfo.username}?</h2>
        <label class="field">
          <span>Reason (they will see it)</span>
          <input maxLength={200} autocomplete="off" value={reason.value} onInput={(e) => (reason.value = e.currentTarget.value)} data-testid="kick-reason" />
        </label>
        <div class="row end">
          <button class="secondary" type="button" onClick={() => dialog.current?.close()}>
            Cancel
          </button>
          <button class="primary danger" type="submit" data-testid="kick-confirm">
            Remove
          </button>
        </div>
      </form>
    </dialog>
  );
}
