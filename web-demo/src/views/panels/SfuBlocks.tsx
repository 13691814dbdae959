import type { Source } from '../../rtc/sfu/announced';
import { formatLayer } from '../../rtc/sfu/layers';
import type { EncodingReport, IncomingReport, OutgoingReport, WayReport } from '../../rtc/sfu/stats';
import { formatRate } from '../../rtc/stats';
import type { RoomState } from '../../state/room';
import * as store from '../../state/store';
import { STATE_TEXT } from '../peerState';
import { Fact, ms } from './Fact';

const SOURCE_TEXT: Record<Source, string> = { mic: 'Mic', cam: 'Camera', screen: 'Screen' };

/** The part of the network panel about a media server: both transports, what is sent, what is received of whom. */
export function SfuBlocks({ room }: { room: RoomState }) {
  const report = store.sfu.value;
  return (
    <>
      <section class="block" aria-labelledby="net-sfu" data-testid="sfu-transports">
        <h2 id="net-sfu">Media server</h2>
        <dl class="facts">
          <WayFacts name="Send" way={report?.send ?? null} testId="sfu-send" />
          <WayFacts name="Receive" way={report?.recv ?? null} testId="sfu-recv" />
        </dl>
      </section>
      <section class="block" aria-labelledby="net-out" data-testid="sfu-outgoing">
        <h2 id="net-out">You send</h2>
        {report === null || report.outgoing.length === 0 ? <p class="hint">Nothing.</p> : report.outgoing.map((out) => <OutgoingFacts key={out.source} out={out} />)}
      </section>
      {room.peers.map((peer) => (
        <section key={peer.id} class="block" aria-label={`Received of ${peer.userInfo.username}`} data-testid="sfu-peer" data-peer={peer.id}>
          <h2>
            {peer.userInfo.username} <span class="hint">{STATE_TEXT[store.peers.value.get(peer.id)?.state ?? 'none']}</span>
          </h2>
          <PeerFacts incoming={report?.incoming.filter(({ peerId }) => peerId === peer.id) ?? []} />
        </section>
      ))}
    </>
  );
}

function WayFacts({ name, way, testId }: { name: string; way: WayReport | null; testId: string }) {
  return (
    <>
      <Fact name={name} value={way ? `${way.state}, ${formatRate(way.kbps)}` : '–'} testId={testId} />
      <Fact name={`${name} path`} value={way?.pair ? `${way.pair}, ${ms(way.rttMs)}` : '–'} testId={`${testId}-path`} />
      <Fact name={`${name} relayed`} value={way?.relay ?? '–'} testId={`${testId}-relayed`} />
    </>
  );
}

function OutgoingFacts({ out }: { out: OutgoingReport }) {
  return (
    <div data-testid="sfu-producer" data-source={out.source}>
      <dl class="facts">
        <Fact name={SOURCE_TEXT[out.source]} value={out.paused ? `${out.codec}, paused` : `${out.codec}, ${formatRate(out.kbps)}`} />
        {out.probingKbps > 0 && <Fact name="Probing" value={formatRate(out.probingKbps)} />}
      </dl>
      {out.source !== 'mic' && (
        <table class="layers">
          <caption class="visually-hidden">Encodings of {SOURCE_TEXT[out.source]}</caption>
          <thead>
            <tr>
              <th scope="col">Layer</th>
              <th scope="col">Picture</th>
              <th scope="col">Rate</th>
            </tr>
          </thead>
          <tbody>
            {out.encodings.map((encoding) => (
              <EncodingRow key={encoding.rid} encoding={encoding} />
            ))}
          </tbody>
        </table>
      )}
    </div>
  );
}

function EncodingRow({ encoding }: { encoding: EncodingReport }) {
  const { rid, active, width, height, fps, kbps, limitedBy } = encoding;
  return (
    <tr data-active={active} data-testid="sfu-encoding">
      <th scope="row">{rid || 'only'}</th>
      <td>{active ? `${width}×${height} @ ${fps}` : 'not sent'}</td>
      <td>
        {active ? formatRate(kbps) : '–'}
        {limitedBy && ` (${limitedBy})`}
      </td>
    </tr>
  );
}

function PeerFacts({ incoming }: { incoming: IncomingReport[] }) {
  if (incoming.length === 0) return <p class="hint">Nothing.</p>;
  return (
    <dl class="facts">
      {incoming.map((report) => (
        <ConsumerFacts key={report.producerId} report={report} />
      ))}
    </dl>
  );
}

function ConsumerFacts({ report }: { report: IncomingReport }) {
  const { source, codec, kbps, paused, picture, layer, layers, lost, lossPercent } = report;
  const loss = `${lost} lost${lossPercent === null ? '' : ` (${lossPercent.toFixed(1)} %)`}`;
  return (
    <>
      <Fact name={SOURCE_TEXT[source]} value={paused ? `${codec}, paused` : `${codec}, ${formatRate(kbps)}, ${loss}`} testId={`sfu-${source}`} />
      {picture && <Fact name="Picture" value={`${picture.width}×${picture.height} @ ${picture.fps}, ${formatLayer(layer, layers)}`} testId={`sfu-${source}-layer`} />}
    </>
  );
}
