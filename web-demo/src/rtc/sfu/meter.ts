import type { Announcements } from './announced';
import type { SfuConnection } from './connection';
import type { Entry } from '../stats';
import { Comparison, type IncomingReport, type OutgoingReport, type Samples, type WayReport } from './stats';

/** All that can be said of the traffic with the media server. */
export interface SfuReport {
  send: WayReport;
  recv: WayReport;
  outgoing: OutgoingReport[];
  incoming: IncomingReport[];
}

const UNKNOWN: WayReport = { state: 'new', kbps: null, rttMs: null, pair: null, relay: null };

/** Reads the statistics of a connection, again and again. */
export class SfuMeter {
  private sent: Samples = new Map();
  private received: Samples = new Map();

  async read(connection: SfuConnection | null, announcements: Announcements): Promise<SfuReport> {
    if (!connection) return { send: UNKNOWN, recv: UNKNOWN, outgoing: [], incoming: [] };
    const { send, recv } = connection;
    const [sent, received] = await Promise.all([entriesOf(send), entriesOf(recv)]);
    const now = performance.now();
    const out = new Comparison(sent, now, this.sent);
    const into = new Comparison(received, now, this.received);
    const report = {
      send: out.way(send.connectionState, 'send'),
      recv: into.way(recv.connectionState, 'recv'),
      outgoing: connection.senders.list.map(({ source, producer }) => out.outgoing({ source, mid: producer.localId, paused: producer.paused })),
      incoming: [...connection.receivers.held.values()].map(({ of, consumer }) =>
        into.incoming({
          producerId: of.producerId,
          peerId: of.peerId,
          source: of.source,
          mid: consumer.localId,
          paused: announcements.get(of.producerId)?.paused ?? false,
          size: of.size,
          scalabilityMode: consumer.rtpParameters.encodings?.[0]?.scalabilityMode,
        }),
      ),
    };
    this.sent = out.next;
    this.received = into.next;
    return report;
  }
}

async function entriesOf(transport: { closed: boolean; getStats(): Promise<RTCStatsReport> }): Promise<Entry[]> {
  if (transport.closed) return [];
  const entries: Entry[] = [];
  (await transport.getStats()).forEach((entry: Entry) => entries.push(entry));
  return entries;
}
