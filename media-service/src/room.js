import { Bounded } from './bounded.js';
import { Broadcaster } from './broadcaster.js';
import { peerExists, peerNotFound } from './errors.js';

/** A router and the peers that use it. It ends with its last peer, or with its worker. */
export class Room {
  #peers;
  #limits;
  #onClose;

  /**
   * @param {string} id
   * @param {{engine: import('./media/engine.js').Engine, router: object, limits: object, onClose: () => void}} parts
   */
  constructor(id, { engine, router, limits, onClose }) {
    this.id = id;
    this.engine = engine;
    this.router = router;
    this.closed = false;
    this.#limits = limits;
    this.#onClose = onClose;
    this.#peers = new Bounded(limits.maxPeersPerRoom, 'peers per room');
    router.once('workerclose', () => this.close());
  }

  get load() {
    return 1 + this.peers().reduce((sum, peer) => sum + peer.load, 0);
  }

  peers() {
    return [...this.#peers.values()];
  }

  /** Takes a peer in and tells who else is there. Throws PEER_EXISTS and LIMIT_REACHED. */
  add(description) {
    if (this.#peers.get(description.id)) throw peerExists();
    const others = this.peers().map((peer) => peer.describe());
    this.#peers.add(description.id, new Broadcaster(this, description, this.#limits));
    return others;
  }

  /** @returns {Broadcaster} */
  peer(id) {
    const peer = this.#peers.get(id);
    if (!peer) throw peerNotFound();
    return peer;
  }

  has(peer) {
    return this.#peers.get(peer.id) === peer;
  }

  producer(id) {
    return this.peers().map((peer) => peer.producer(id)).find(Boolean);
  }

  remove(id) {
    this.peer(id).close();
    this.#peers.delete(id);
    this.closeIfEmpty();
  }

  closeIfEmpty() {
    if (this.#peers.size === 0) this.close();
  }

  close() {
    if (this.closed) return;
    this.closed = true;
    for (const peer of this.peers()) peer.close();
    this.#peers.clear();
    this.router.close();
    this.#onClose();
  }
}
