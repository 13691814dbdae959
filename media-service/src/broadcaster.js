import { Bounded } from './bounded.js';
import {
  cannotConsume, consumerNotFound, invalidInput, mediaConflict, peerNotFound, producerNotFound, ServiceError,
  transportConnected, transportNotFound, transportRefused,
} from './errors.js';
import { iceCandidates } from './media/engine.js';
import { mediaFailure } from './media/failure.js';

/**
 * One peer of a room, with its transports, producers and consumers. All methods reject with a
 * ServiceError when the request is at fault.
 */
export class Broadcaster {
  #room;
  #limits;
  #transports;
  #producers;
  #consumers;
  #rtpCapabilities;
  #closed = false;

  /**
   * @param {import('./room.js').Room} room
   * @param {{id: string, displayName?: string, rtpCapabilities?: object}} description
   * @param {{maxTransports: number, maxProducers: number, maxConsumers: number, maxIncomingBitrate: number}} limits
   */
  constructor(room, { id, displayName, rtpCapabilities }, limits) {
    this.id = id;
    this.displayName = displayName;
    this.#room = room;
    this.#rtpCapabilities = rtpCapabilities;
    this.#limits = limits;
    this.#transports = new Bounded(limits.maxTransports, 'transports per peer');
    this.#producers = new Bounded(limits.maxProducers, 'producers per peer');
    this.#consumers = new Bounded(limits.maxConsumers, 'consumers per peer');
    this.touch();
  }

  /** How much of a worker it takes, roughly. */
  get load() {
    return 1 + this.#transports.size + this.#producers.size + this.#consumers.size;
  }

  /** As the others of the room are told about it. */
  describe() {
    const producers = [...this.#producers.values()].map(({ id, kind }) => ({ id, kind }));
    return { id: this.id, displayName: this.displayName, producers };
  }

  producer(id) {
    return this.#producers.get(id);
  }

  /** Marks it as in use, for whoever looks for those that nobody will take away. */
  touch() {
    this.lastSeen = Date.now();
  }

  /** Bytes that have come in by all its transports. @returns {Promise<number>} */
  async bytesReceived() {
    const stats = await Promise.all([...this.#transports.values()].map(({ media }) => media.getStats()));
    return stats.flat().reduce((sum, { bytesReceived = 0 }) => sum + bytesReceived, 0);
  }

  async createTransport({ direction, sctpCapabilities }) {
    const { id, media } = await this.#transports.open(() => this.#openTransport(direction, sctpCapabilities));
    return {
      id,
      iceParameters: media.iceParameters,
      iceCandidates: iceCandidates(media),
      dtlsParameters: media.dtlsParameters,
      sctpParameters: sctpCapabilities && media.sctpParameters,
    };
  }

  async #openTransport(direction, sctpCapabilities) {
    const options = this.#room.engine.transportOptions(sctpCapabilities);
    const media = await this.#call('transport', () => this.#room.router.createWebRtcTransport(options))
      .catch(otherwise(transportRefused));
    media.observer.once('close', () => this.#transports.delete(media.id));
    if (direction === 'send' && this.#limits.maxIncomingBitrate > 0) {
      await this.#call('transport', () => media.setMaxIncomingBitrate(this.#limits.maxIncomingBitrate))
        .catch((error) => {
          media.close();
          throw error;
        });
    }
    return { id: media.id, media, direction, connected: false };
  }

  async connectTransport(transportId, dtlsParameters) {
    const transport = this.#transport(transportId);
    if (transport.connected) throw transportConnected();
    // Before the answer comes, so that of two requests at once one is refused.
    transport.connected = true;
    try {
      await this.#call('dtlsParameters', () => transport.media.connect({ dtlsParameters }));
    } catch (error) {
      transport.connected = false;
      throw error;
    }
  }

  async restartIce(transportId) {
    const { media } = this.#transport(transportId);
    const iceParameters = await this.#call('transport', () => media.restartIce());
    return { iceParameters };
  }

  async produce(transportId, { kind, rtpParameters, appData }) {
    const { media, direction } = this.#transport(transportId);
    if (direction !== 'send') throw invalidInput('transportId: the transport is one to receive with');
    // mediasoup goes by the codecs alone, and would forward what no consumer expects.
    const stray = rtpParameters.codecs.findIndex(({ mimeType }) => !mimeType.toLowerCase().startsWith(`${kind}/`));
    if (stray >= 0) throw invalidInput(`rtpParameters.codecs[${stray}].mimeType: must be of the kind ${kind}`);
    const producer = await this.#producers.open(async () => {
      const opened = await this.#call('rtpParameters', () => media.produce({ kind, rtpParameters, appData }))
        .catch(otherwise(mediaConflict));
      opened.observer.once('close', () => this.#producers.delete(opened.id));
      return opened;
    });
    return { id: producer.id };
  }

  async consume(transportId, producerId, rtpCapabilities = this.#rtpCapabilities) {
    const { media, direction } = this.#transport(transportId);
    if (direction !== 'recv') throw invalidInput('transportId: the transport is one to send with');
    if (!rtpCapabilities) throw invalidInput('rtpCapabilities: is required, since the peer came without');
    const producer = this.#room.producer(producerId);
    if (!producer) throw producerNotFound();
    const consumer = await this.#consumers.open(() => this.#openConsumer(media, producer, rtpCapabilities));
    const { id, kind, rtpParameters, type } = consumer;
    return { id, producerId, kind, rtpParameters, type };
  }

  async #openConsumer(media, producer, rtpCapabilities) {
    await this.#call('rtpCapabilities', async () => {
      if (!this.#room.router.canConsume({ producerId: producer.id, rtpCapabilities })) throw cannotConsume();
    });
    // Paused until the client is ready: its first key frame would be lost on it.
    const options = { producerId: producer.id, rtpCapabilities, paused: true };
    const consumer = await this.#call('rtpCapabilities', () => media.consume(options)).catch((error) => {
      throw producer.closed ? producerNotFound() : error;
    });
    if (producer.closed) {
      consumer.close();
      throw producerNotFound();
    }
    // The worker tells of the end of a producer as well, but later than the next request may come.
    const forget = () => this.#consumers.delete(consumer.id);
    producer.observer.once('close', forget);
    consumer.observer.once('close', () => {
      producer.observer.removeListener('close', forget);
      forget();
    });
    return consumer;
  }

  async resumeConsumer(consumerId) {
    const consumer = this.#consumers.get(consumerId);
    if (!consumer) throw consumerNotFound();
    await this.#call('consumer', () => consumer.resume()).catch((error) => {
      throw this.#consumers.get(consumerId) ? error : consumerNotFound();
    });
  }

  async pauseProducer(producerId) {
    await this.#onProducer(producerId, (producer) => producer.pause());
  }

  async resumeProducer(producerId) {
    await this.#onProducer(producerId, (producer) => producer.resume());
  }

  async #onProducer(producerId, action) {
    const producer = this.#producer(producerId);
    await this.#call('producer', () => action(producer)).catch((error) => {
      throw producer.closed ? producerNotFound() : error;
    });
  }

  closeProducer(producerId) {
    this.#producer(producerId).close();
  }

  /** Ends its transports, and with them its producers, their consumers, and its own consumers. */
  close() {
    this.#closed = true;
    for (const { media } of [...this.#transports.values()]) media.close();
  }

  #transport(id) {
    const transport = this.#transports.get(id);
    if (!transport) throw transportNotFound();
    return transport;
  }

  #producer(id) {
    const producer = this.#producers.get(id);
    if (!producer) throw producerNotFound();
    return producer;
  }

  /**
   * A call to mediasoup, during which the peer may leave.
   * @template {{close?: () => void}} T
   * @param {string} field of the request it is about
   * @param {() => Promise<T>} call
   */
  async #call(field, call) {
    let result;
    try {
      result = await call();
    } catch (error) {
      const failure = mediaFailure(error, field);
      // It fails because the peer has left, unless the peer is gone because the worker is.
      throw this.#closed && failure.code !== 'WORKER_LOST' ? peerNotFound() : failure;
    }
    if (this.#closed) {
      result?.close?.();
      throw peerNotFound();
    }
    return result;
  }
}

/** For calls that fail for one reason only, once everything else is ruled out: workers may not say why. */
const otherwise = (problem) => (error) => {
  throw error instanceof ServiceError ? error : Object.assign(problem(), { cause: error });
};
