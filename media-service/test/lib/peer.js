import { randomUUID } from 'node:crypto';
import { DTLS } from './rtp.js';

export const freshRoom = () => `room-${randomUUID()}`;

/** A peer that is in a room, and what it does there. All of it must succeed. */
export class Peer {
  /** @param {import('./service.js').Service} service @param {string} room @param {string} id */
  constructor(service, room, id) {
    this.service = service;
    this.room = room;
    this.id = id;
    this.roomPath = `/rooms/${encodeURIComponent(room)}`;
    this.path = `${this.roomPath}/broadcasters/${encodeURIComponent(id)}`;
  }

  /** @param {import('./service.js').Service} service */
  static async join(service, room = freshRoom(), id = `peer-${randomUUID()}`, more = {}) {
    const peer = new Peer(service, room, id);
    ({ peers: peer.others } = await service.call('POST', `${peer.roomPath}/broadcasters`, { id, ...more }));
    return peer;
  }

  capabilities() {
    return this.service.call('GET', this.roomPath);
  }

  transport(direction, more = {}) {
    return this.service.call('POST', `${this.path}/transports`, { type: 'webrtc', direction, ...more });
  }

  connect(transport, dtlsParameters = DTLS) {
    return this.service.call('POST', `${this.path}/transports/${transport.id}/connect`, { dtlsParameters });
  }

  produce(transport, what) {
    return this.service.call('POST', `${this.path}/transports/${transport.id}/producers`, what);
  }

  async consume(transport, producer) {
    const path = `${this.path}/transports/${transport.id}/consume?producerId=${producer.id}`;
    return this.service.call('POST', path, { rtpCapabilities: await this.capabilities() });
  }

  leave() {
    return this.service.call('DELETE', this.path);
  }
}

/** Two peers of a room: one that produces, and one that has a transport to receive with. */
export async function pair(service, what) {
  const sender = await Peer.join(service);
  const receiver = await Peer.join(service, sender.room);
  sender.sending = await sender.transport('send');
  receiver.receiving = await receiver.transport('recv');
  const producer = await sender.produce(sender.sending, what);
  return { sender, receiver, producer };
}
