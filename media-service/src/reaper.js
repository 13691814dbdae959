/** A peer is looked at this often within the time it may be idle. */
const LOOKS = 4;

/**
 * Takes away peers that nobody will: those of gateways that are gone for good. Such a peer neither
 * makes requests nor sends anything, while even one that only watches sends ICE checks and reports.
 */
export class Reaper {
  #rooms;
  #idleMs;
  #log;
  #timer;
  /** Bytes received from each peer as of the last look. @type {WeakMap<object, number>} */
  #received = new WeakMap();

  /** @param {{rooms: import('./rooms.js').Rooms, idleMs: number, log: import('pino').Logger}} parts */
  constructor({ rooms, idleMs, log }) {
    this.#rooms = rooms;
    this.#idleMs = idleMs;
    this.#log = log;
  }

  start() {
    if (this.#idleMs > 0) this.#timer = setTimeout(() => this.#look(), this.#idleMs / LOOKS);
  }

  stop() {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  async #look() {
    for (const room of this.#rooms.all()) {
      for (const peer of room.peers()) await this.#lookAt(room, peer);
    }
    this.#timer?.refresh();
  }

  async #lookAt(room, peer) {
    // A peer that leaves meanwhile has no statistics any more.
    const received = await peer.bytesReceived().catch(() => undefined);
    if (received !== undefined && received !== this.#received.get(peer)) {
      if (this.#received.has(peer) || received > 0) peer.touch();
      this.#received.set(peer, received);
    }
    if (Date.now() - peer.lastSeen < this.#idleMs || !room.has(peer)) return;
    room.remove(peer.id);
    this.#log.warn({ roomId: room.id, peerId: peer.id }, 'peer removed: neither requests nor media');
  }
}
