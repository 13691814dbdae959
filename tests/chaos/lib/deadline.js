/** How many are named; the rest is counted. */
const NAMED = 10;

/** Several in words. @param {unknown[]} list */
export function named(list) {
  const more = list.length > NAMED ? `; and ${list.length - NAMED} more` : '';
  return list.slice(0, NAMED).join('; ') + more;
}

/** What is not over by then never will be: it says what was awaited, and everything ends. */
export class Deadline {
  /** What is awaited, and since when. @type {Set<{what: string | (() => string), since: number}>} */
  #awaited = new Set();
  #timer;

  /** @param {number} ms @param {(awaited: string[]) => void} strike */
  constructor(ms, strike) {
    this.#timer = setTimeout(() => strike(this.awaited), ms);
  }

  /**
   * The outcome of some work, which is known to be awaited meanwhile.
   * @template T
   * @param {string | (() => string)} what a function is asked when the deadline strikes
   * @param {() => T | Promise<T>} work
   * @returns {Promise<T>}
   */
  async during(what, work) {
    const wait = { what, since: performance.now() };
    this.#awaited.add(wait);
    try {
      return await work();
    } finally {
      this.#awaited.delete(wait);
    }
  }

  /** All that is awaited at this moment, in words, what began first before the rest. */
  get awaited() {
    return [...this.#awaited].map(({ what, since }) => {
      const seconds = Math.round((performance.now() - since) / 1000);
      return `${typeof what === 'function' ? what() : what}, for ${seconds} s`;
    });
  }

  /** It is over in time. */
  stop() {
    clearTimeout(this.#timer);
  }
}
