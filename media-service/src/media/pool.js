import { noWorker } from '../errors.js';

const FIRST_DELAY_MS = 100;
/** Often enough to be back soon after the cause is gone, rare enough to cost nothing. */
const LONGEST_DELAY_MS = 30_000;
/** A worker that lived this long did not fail because of how it was started. */
const STABLE_MS = 60_000;
/** A worker is asked for a sign of life this often within the time it has to give one. */
const LOOKS = 3;
/** What a room in the making will weigh: itself and its first peer. */
const OPENING_LOAD = 2;

/**
 * One place for a worker. @typedef {object} Seat
 * @property {number} index
 * @property {object | null} worker null while there is none
 * @property {Set<import('../room.js').Room>} rooms
 * @property {number} opening rooms in the making
 * @property {number} failures starts and early deaths in a row
 */

/** Worker processes, each started again when it dies, and killed when it hangs. */
export class WorkerPool {
  /** @type {Seat[]} */
  #seats;
  #engine;
  #timeoutMs;
  #log;
  #timers = new Set();
  #retired = false;

  /**
   * @param {{engine: import('./engine.js').Engine, count: number, timeoutMs: number,
   *   log: import('pino').Logger}} parts
   */
  constructor({ engine, count, timeoutMs, log }) {
    this.#engine = engine;
    this.#timeoutMs = timeoutMs;
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
    const load = (seat) => [...seat.rooms].reduce((sum, room) => sum + room.load, seat.opening * OPENING_LOAD);
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
    this.#watch(seat, worker);
  }

  /** A worker that hangs would keep its rooms for ever, and they would be of no use. */
  #watch(seat, worker) {
    this.#later(this.#timeoutMs / LOOKS, async () => {
      // Twice, since it is this process that was asleep if a pause of the machine ends here.
      const alive = await answers(worker, this.#timeoutMs) || await answers(worker, this.#timeoutMs);
      if (seat.worker !== worker || worker.closed) return;
      if (alive) return this.#watch(seat, worker);
      this.#log.error({ worker: seat.index, pid: worker.pid }, 'worker hangs, killing it');
      process.kill(worker.pid, 'SIGKILL');
    });
  }

  #refillLater(seat) {
    const delay = Math.min(FIRST_DELAY_MS * 2 ** seat.failures, LONGEST_DELAY_MS);
    seat.failures += 1;
    this.#later(delay, async () => {
      try {
        await this.#fill(seat);
      } catch (error) {
        this.#log.error({ worker: seat.index, reason: error.message }, 'worker did not start');
        this.#refillLater(seat);
      }
    });
  }

  #later(delay, action) {
    if (this.#retired) return;
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      action();
    }, delay);
    this.#timers.add(timer);
  }
}

/** Whether a worker says anything in time, be it an error. */
async function answers(worker, timeoutMs) {
  let timer;
  const silence = new Promise((resolve) => {
    timer = setTimeout(resolve, timeoutMs, false);
  });
  const answer = worker.getResourceUsage().then(() => true, () => true);
  return Promise.race([answer, silence]).finally(() => clearTimeout(timer));
}
