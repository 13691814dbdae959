import type { RequestAnswers, RequestEvent, RequestPayloads, TransportDirection } from '../../protocol/types';
import type { types as mediasoup } from 'mediasoup-client';

export type Ask = <E extends RequestEvent>(event: E, payload: RequestPayloads[E], timeoutMs?: number) => Promise<RequestAnswers[E]>;

/** The gateway does what changes state in order, and gives the media server 3 s for each. */
const ANSWER_MS = 15_000;

/** The `sfu_*` requests with their answers' types. Each rejects with a SignalError. */
export class SfuRequests {
  constructor(private readonly ask: Ask) {}

  async capabilities(): Promise<mediasoup.RtpCapabilities> {
    const answer = await this.answer('sfu_get_router_capabilities', undefined);
    return answer.rtpCapabilities;
  }

  createTransport(direction: TransportDirection): Promise<RequestAnswers['sfu_create_transport']> {
    return this.answer('sfu_create_transport', { direction });
  }

  async connectTransport(transportId: string, dtlsParameters: mediasoup.DtlsParameters): Promise<void> {
    await this.ask('sfu_connect_transport', { transportId, dtlsParameters }, ANSWER_MS);
  }

  async restartIce(transportId: string): Promise<mediasoup.IceParameters> {
    const answer = await this.answer('sfu_restart_ice', { transportId });
    return answer.iceParameters;
  }

  produce(payload: RequestPayloads['sfu_produce']): Promise<{ id: string }> {
    return this.answer('sfu_produce', payload);
  }

  async setProducerPaused(producerId: string, paused: boolean): Promise<void> {
    await this.ask(paused ? 'sfu_pause_producer' : 'sfu_resume_producer', { producerId }, ANSWER_MS);
  }

  async closeProducer(producerId: string): Promise<void> {
    await this.ask('sfu_close_producer', { producerId }, ANSWER_MS);
  }

  async producers(): Promise<RequestAnswers['sfu_get_producers']['producers']> {
    const { producers } = await this.answer('sfu_get_producers', undefined);
    return Array.isArray(producers) ? producers : [];
  }

  consume(payload: RequestPayloads['sfu_consume']): Promise<RequestAnswers['sfu_consume']> {
    return this.answer('sfu_consume', payload);
  }

  async resumeConsumer(consumerId: string): Promise<void> {
    await this.ask('sfu_resume_consumer', { consumerId }, ANSWER_MS);
  }

  private answer<E extends RequestEvent>(event: E, payload: RequestPayloads[E]): Promise<RequestAnswers[E]> {
    return this.ask(event, payload, ANSWER_MS);
  }
}
