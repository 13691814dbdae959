import { within } from './wait.js';

/**
 * @typedef {{event: string, args: any[]}} Entry one thing a client saw, in order of arrival
 */

/** Everything one client saw, in order; lets tests wait for a part of it. */
export class Recorder {
  /** @type {Entry[]} */
  entries = [];
  #waiters = new Set();

  /** @param {string} owner named in failures */
  constructor(owner) {
    this.owner = owner;
  }

  /** @param {string} event @param {any[]} args */
  add(event, args) {
    const entry = { event, args };
    this.entries.push(entry);
    for (const waiter of [...this.#waiters]) waiter(entry);
  }

  /** A place in the record, to look only at what comes later. */
  mark() {
    return this.entries.length;
  }

  /** @param {number} mark */
  since(mark) {
    return this.entries.slice(mark);
  }

  /** First arguments of all `event`s. @param {string} event @param {number} [mark] */
  all(event, mark = 0) {
    return this.since(mark).filter((e) => e.event === event).map((e) => e.args[0]);
  }

  /**
   * First argument of the first such event, past or to come.
   * @param {string} event
   * @param {(payload: any) => boolean} [matches]
   * @param {number} [mark]
   */
  async wait(event, matches = () => true, mark = 0) {
    const fits = (entry) => entry.event === event && matches(entry.args[0]);
    const known = this.since(mark).find(fits);
    if (known) return known.args[0];
    let waiter;
    const arrival = new Promise((resolve) => {
      waiter = (entry) => fits(entry) && resolve(entry.args[0]);
      this.#waiters.add(waiter);
    });
    try {
      return await within(arrival, () => `"${event}" at ${this.owner}; it saw ${this.summary(mark)}`);
    } finally {
      this.#waiters.delete(waiter);
    }
  }

  summary(mark = 0) {
    const text = JSON.stringify(this.since(mark).slice(-12));
    return text.length > 1500 ? `${text.slice(0, 1500)}…` : text;
  }
}
