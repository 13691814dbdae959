import { limitReached, roomNotFound, workerLost } from './errors.js';
import { MEDIA_CODECS } from './media/codecs.js';
import { mediaFailure } from './media/failure.js';
import { Room } from './room.js';

/** All rooms of this service, each with a router on the worker that had the least to do. */
export class Rooms {
  /** @type {Map<string, Room>} */
  #rooms = new Map();
  /** Rooms in the making: who asks for one meanwhile gets the same. @type {Map<string, Promise<Room>>} */
  #opening = new Map();
  #pool;
  #engine;
  #limits;
  #log;

  /**
   * @param {{pool: import('./media/pool.js').WorkerPool, engine: import('./media/engine.js').Engine,
   *   limits: {maxRooms: number}, log: import('pino').Logger}} parts
   */
  constructor({ pool, engine, limits, log }) {
    this.#pool = pool;
    this.#engine = engine;
    this.#limits = limits;
    this.#log = log;
  }

  get size() {
    return this.#rooms.size;
  }

  all() {
    return [...this.#rooms.values()];
  }

  /** @returns {Room} */
  get(id) {
    const room = this.#rooms.get(id);
    if (!room) throw roomNotFound();
    return room;
  }

  /** Takes a peer into a room, which is made if need be, and tells who else is there. */
  async join(roomId, description) {
    const room = this.#rooms.get(roomId) ?? await this.#open(roomId);
    // Its worker may die, or all others leave, in the moment that the room is there.
    if (room.closed) throw workerLost();
    try {
      return room.add(description);
    } finally {
      room.closeIfEmpty();
    }
  }

  #open(id) {
    const opening = this.#opening.get(id);
    if (opening) return opening;
    const limit = this.#limits.maxRooms;
    if (this.#rooms.size + this.#opening.size >= limit) throw limitReached('rooms', limit);
    const made = this.#make(id).finally(() => this.#opening.delete(id));
    this.#opening.set(id, made);
    return made;
  }

  async #make(id) {
    const seat = this.#pool.leastLoaded();
    seat.opening += 1;
    try {
      const router = await seat.worker.createRouter({ mediaCodecs: structuredClone(MEDIA_CODECS) });
      const onClose = () => {
        this.#rooms.delete(id);
        seat.rooms.delete(room);
        this.#log.info({ roomId: id }, 'room closed');
      };
      const room = new Room(id, { engine: this.#engine, router, limits: this.#limits, onClose });
      if (router.closed) throw workerLost();
      this.#rooms.set(id, room);
      seat.rooms.add(room);
      this.#log.info({ roomId: id, worker: seat.index }, 'room opened');
      return room;
    } catch (error) {
      throw mediaFailure(error, 'roomId');
    } finally {
      seat.opening -= 1;
    }
  }
}
