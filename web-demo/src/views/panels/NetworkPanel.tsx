import { useSignal } from '@preact/signals';
import { call } from '../../app';
import { formatRate, formatShape, type PeerStats } from '../../rtc/stats';
import * as rooms from '../../state/room';
import * as store from '../../state/store';
import { Icon } from '../icons';
import { STATE_TEXT } from '../peerState';
import { Fact, ms } from './Fact';
import { RelayBlock } from './RelayBlock';
import { SfuBlocks } from './SfuBlocks';

export function NetworkPanel() {
  const room = store.room.value;
  return (
    <div class="panel-scroll">
      <section class="block" aria-labelledby="net-gateway">
        <h2 id="net-gateway">Gateway</h2>
        <dl class="facts">
          <Fact name="Transport" value={store.transport.value ?? '–'} testId="transport" />
          <Fact name="Round trip" value={ms(store.roundTripMs.value)} testId="rtt" />
          <Fact name="Own peer id" value={room?.selfId ?? '–'} testId="self-id" mono />
          <Fact name="Room" value={room ? `${room.roomId}, ${room.mode}` : '–'} mono />
        </dl>
        <CutForm />
      </section>
      <RelayBlock />
      {room?.mode === 'sfu' ? <SfuBlocks room={room} /> : room?.peers.map((peer) => <PeerBlock key={peer.id} peerId={peer.id} />)}
    </div>
  );
}

const DELAYS: readonly [string, string][] = [
  ['2000', 'after 2 s'],
  ['4000', 'after 4 s'],
  ['8000', 'after 8 s (too late)'],
  ['', 'by hand'],
];

function CutForm() {
  const delay = useSignal('2000');
  const isCut = store.link.value === 'cut';
  return (
    <div class="cut">
      <p class="hint">Drop the connection without a goodbye, as a lost network would. Within five seconds the gateway keeps your place and nobody notices.</p>
      <div class="row">
        <label class="field inline">
          <span>Restore</span>
          <select value={delay.value} onChange={(e) => (delay.value = e.currentTarget.value)} data-testid="cut-delay">
            {DELAYS.map(([value, label]) => (
              <option key={label} value={value}>
                {label}
              </option>
            ))}
          </select>
        </label>
        {isCut ? (
          <button class="primary" type="button" onClick={() => call.client.restore()} data-testid="restore">
            <Icon name="plug" /> Restore
          </button>
        ) : (
          <button class="secondary" type="button" disabled={store.link.value !== 'online'} onClick={() => call.cut(delay.value === '' ? null : Number(delay.value))} data-testid="cut">
            <Icon name="cut" /> Cut
          </button>
        )}
      </div>
    </div>
  );
}

function PeerBlock({ peerId }: { peerId: string }) {
  const view = store.peers.value.get(peerId);
  const stats = view?.stats ?? null;
  const name = rooms.nameOf(store.room.value, peerId);
  return (
    <section class="block" aria-label={`Connection to ${name}`} data-testid="peer-stats">
      <h2>
        {name} <span class="hint">{STATE_TEXT[view?.state ?? 'none']}</span>
      </h2>
      <dl class="facts">{stats ? <PeerFacts stats={stats} /> : <Fact name="Statistics" value="–" />}</dl>
    </section>
  );
}

function PeerFacts({ stats }: { stats: PeerStats }) {
  return (
    <>
      <Fact name="In" value={formatRate(stats.kbpsIn)} testId="rate-in" />
      <Fact name="Out" value={formatRate(stats.kbpsOut)} testId="rate-out" />
      <Fact name="Packet loss" value={stats.lossPercent === null ? '–' : `${stats.lossPercent.toFixed(1)} %`} />
      <Fact name="Round trip" value={ms(stats.rttMs)} />
      <Fact name="Video in" value={formatShape(stats.videoIn)} />
      <Fact name="Video out" value={formatShape(stats.videoOut)} />
      <Fact name="Audio" value={stats.audioCodec ?? '–'} />
      <Fact name="Path" value={stats.pair ?? '–'} testId="path" />
      <Fact name="Relayed" value={stats.relay ?? '–'} testId="relayed" />
    </>
  );
}
