import type { types as mediasoup } from 'mediasoup-client';
import { SignalError } from '../../protocol/errors';
import type { Announced } from './announced';
import { worst } from './remedies';
import type { SfuRequests } from './requests';

export interface Receiving {
  of: Announced;
  consumer: mediasoup.Consumer;
  /** Whether the media server has been told to send. */
  started: boolean;
}

/** The consumers of one connection with the media server, by producer id. */
export class Receivers {
  readonly held = new Map<string, Receiving>();
  /** Producers that cannot be consumed: gone by now, or of a codec that nobody here knows. */
  readonly refused = new Set<string>();

  constructor(
    private readonly transport: mediasoup.Transport,
    private readonly rtpCapabilities: mediasoup.RtpCapabilities,
    private readonly requests: SfuRequests,
    private readonly changed: (peerId: string) => void,
  ) {}

  /** Consumes these, all at the same time. Rejects with the gravest failure, after all have ended. */
  async open(wanted: readonly Announced[], stillWanted: (producerId: string) => boolean): Promise<void> {
    const asked = wanted.filter(({ producerId }) => !this.refused.has(producerId));
    const unstarted = [...this.held.values()].filter(({ started }) => !started);
    const ends = await Promise.allSettled([
      ...unstarted.map((receiving) => this.start(receiving)),
      ...asked.map((producer) => this.consume(producer, stillWanted)),
    ]);
    const failures = ends.flatMap((end) => (end.status === 'rejected' ? [end.reason as unknown] : []));
    if (failures.length > 0) throw worst(failures);
  }

  close(producerId: string): void {
    const receiving = this.held.get(producerId);
    if (!receiving) return;
    this.held.delete(producerId);
    receiving.consumer.close();
    this.changed(receiving.of.peerId);
  }

  private async consume(producer: Announced, stillWanted: (producerId: string) => boolean): Promise<void> {
    const { producerId, peerId, source } = producer;
    const answer = await this.ask(producer);
    // It may have been closed while the answer was on its way; its consumer went with it.
    if (!answer || !stillWanted(producerId)) return;
    const consumer = await this.transport.consume({
      ...answer,
      // Sound and picture of one camera belong together.
      streamId: `${peerId}-${source === 'screen' ? 'screen' : 'cam'}`,
    });
    if (!stillWanted(producerId)) return consumer.close();
    const receiving = { of: producer, consumer, started: false };
    this.held.set(producerId, receiving);
    this.changed(peerId);
    await this.start(receiving);
  }

  private async ask({ producerId }: Announced): Promise<mediasoup.ConsumerOptions | null> {
    try {
      const { id, kind, rtpParameters } = await this.requests.consume({ transportId: this.transport.id, producerId, rtpCapabilities: this.rtpCapabilities });
      return { id, producerId, kind, rtpParameters };
    } catch (error) {
      if (!(error instanceof SignalError) || error.code !== 'MEDIA_REJECTED') throw error;
      this.refused.add(producerId);
      return null;
    }
  }

  /** Only now: frames that come before there is something to decode them would be lost, a key frame among them. */
  private async start(receiving: Receiving): Promise<void> {
    try {
      await this.requests.resumeConsumer(receiving.consumer.id);
      receiving.started = true;
    } catch (error) {
      const gone = error instanceof SignalError && ['FORBIDDEN', 'MEDIA_REJECTED'].includes(error.code);
      // A consumer goes with its producer, of which we are about to hear.
      if (!gone || this.held.get(receiving.of.producerId) !== receiving) throw error;
      this.refused.add(receiving.of.producerId);
      this.close(receiving.of.producerId);
    }
  }
}
