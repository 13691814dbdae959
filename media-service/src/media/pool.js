import { noWorker } from '../errors.js';

const FIRST_DELAY_MS = 100;
/** Often enough to be back soon after the cause is gone, rare enough to cost nothing. */
const LONGEST_DELAY_MS = 30_000;
/** A worker that lived this long did not fail because of how it was started. */
const STABLE_MS = 60_000;

/**
 * One place for a worker. @typedef {object} Seat
 * @property {number} index
 * @property {object | null} worker null while there is none
 * @property {Set<import('../room.js').Room>} rooms
 * @property {number} opening rooms in the making
 * @property {number} failures starts and early deaths in a row
 */

/** Worker processes, each started again when it dies. */
export class WorkerPool {
  /** @type {Seat[]} */
  #seats;
  #engine;
  #log;
  #timers = new Set();
  #retired = false;

  /** @param {{engine: import('./engine.js').Engine, count: number, log: import('pino').Logger}} parts */
  constructor({ engine, count, log }) {
    this.#engine = engine;
    this.#log = log;
    this.#seats = Array.from({ length: count }, (_, index) => (
      { index, worker: null, rooms: new Set(), opening: 0, failures: 0 }
    ));
  }

  get size() {
    return this.#seats.length;
  }

  get alive() {
    return this.#seats.filter(({ worker }) => worker).length;
  }

  /** Starts all workers. Rejects when one does not come up: then none would later. */
  async start() {
    await Promise.all(this.#seats.map((seat) => this.#fill(seat)));
  }

  /** The place for the next room. Throws NO_WORKER. @returns {Seat} */
  leastLoaded() {
    const load = (seat) => [...seat.rooms].reduce((sum, room) => sum + room.load, seat.opening);
    const seats = this.#seats.filter(({ worker }) => worker).map((seat) => ({ seat, load: load(seat) }));
    if (seats.length === 0) throw noWorker();
    return seats.reduce((best, next) => (next.load < best.load ? next : best)).seat;
  }

  /** From now on, no worker is started in place of one that dies. */
  retire() {
    this.#retired = true;
    for (const timer of this.#timers) clearTimeout(timer);
  }

  close() {
    this.retire();
    for (const { worker } of this.#seats) worker?.close();
  }

  async #fill(seat) {
    const worker = await this.#engine.createWorker();
    if (this.#retired) return worker.close();
    const since = Date.now();
    seat.worker = worker;
    this.#log.info({ worker: seat.index, pid: worker.pid }, 'worker started');
    worker.once('died', () => {
      seat.worker = null;
      if (Date.now() - since >= STABLE_MS) seat.failures = 0;
      this.#log.error({ worker: seat.index, pid: worker.pid }, 'worker died, its rooms are gone');
      this.#refillLater(seat);
    });
  }

  #refillLater(seat) {
    if (this.#retired) return;
    const delay = Math.min(FIRST_DELAY_MS * 2 ** seat.failures, LONGEST_DELAY_MS);
    seat.failures += 1;
    const timer = setTimeout(async () => {
      this.#timers.delete(timer);
      try {
        await this.#fill(seat);
      } catch (error) {
        this.#log.error({ worker: seat.index, reason: error.message }, 'worker did not start');
        this.#refillLater(seat);
      }
    }, delay);
    this.#timers.add(timer);
  }
}
