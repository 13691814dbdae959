import { limitReached } from './errors.js';

/** Things by id, at most so many of them; those still being made count as well. */
export class Bounded {
  #items = new Map();
  #opening = 0;
  #limit;
  #what;

  /** @param {number} limit @param {string} what the items, for the message of a refusal */
  constructor(limit, what) {
    this.#limit = limit;
    this.#what = what;
  }

  get size() {
    return this.#items.size;
  }

  get(id) {
    return this.#items.get(id);
  }

  delete(id) {
    this.#items.delete(id);
  }

  clear() {
    this.#items.clear();
  }

  values() {
    return this.#items.values();
  }

  /** Whether one more may come. Throws LIMIT_REACHED if not. */
  check() {
    if (this.#items.size + this.#opening >= this.#limit) throw limitReached(this.#what, this.#limit);
  }

  /** Takes in what is there already. Throws LIMIT_REACHED. */
  add(id, item) {
    this.check();
    this.#items.set(id, item);
  }

  /**
   * Makes one and keeps it under its id. Rejects with LIMIT_REACHED before anything is made.
   * @template {{id: string}} T
   * @param {() => Promise<T>} make
   * @returns {Promise<T>}
   */
  async open(make) {
    this.check();
    this.#opening += 1;
    try {
      const item = await make();
      this.#items.set(item.id, item);
      return item;
    } finally {
      this.#opening -= 1;
    }
  }
}
