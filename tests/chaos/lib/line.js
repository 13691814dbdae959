/**
 * @typedef {object} Way how a connection reaches a node, and who it is
 * @property {number} port
 * @property {string} token
 * @property {string} sub
 * @property {string} alias a name of its own, where the protocol has such
 * @property {string} who named in failures
 * @property {import('../../clients/lib/contract.js').Contract | null} contract
 * @property {number} patienceMs how long it waits for an answer
 * @property {number} silenceMs after which a server that said nothing is taken for lost
 */

/**
 * One connection of one client, whatever it speaks; what it is told comes in the common words (see `Heard` in
 * `tests/websocket/lib/guest.js`). Nothing that is asked waits for ever: an answer that does not come is `null`.
 */
export class Line {
  /** Called with what it is told. @type {(word: string, told: any) => void} */
  onWord = () => {};
  /** Called once, when it is over. @type {() => void} */
  onEnd = () => {};
  over = false;
  #waiting = new Map();
  #firsts = new Set();

  /** @param {Way} way */
  constructor(way) {
    this.way = way;
    this.ended = new Promise((resolve) => (this.markEnded = resolve));
  }

  get protocol() {
    return this.constructor.protocol;
  }

  /** What it was told. */
  tell(word, told) {
    this.onWord(word, told);
    for (const first of [...this.#firsts]) first(word);
  }

  /** Which of these words comes first; null if none does. @param {string[]} words @returns {Promise<string | null>} */
  first(words) {
    return this.#bounded((resolve) => {
      const hear = (word) => words.includes(word) && resolve(word);
      this.#firsts.add(hear);
      return () => this.#firsts.delete(hear);
    });
  }

  /** The answer to something that has a name; null if there is none. @param {string} name @returns {Promise<any>} */
  await(name) {
    return this.#bounded((resolve) => {
      this.#waiting.set(name, resolve);
      return () => this.#waiting.delete(name);
    });
  }

  /** An answer came. @param {string | null} name null: to all that wait @param {any} answer */
  answered(name, answer) {
    if (name === null) for (const resolve of this.#waiting.values()) resolve(answer);
    else this.#waiting.get(name)?.(answer);
  }

  /** What comes in time and while the connection lasts. @param {(resolve: (value: any) => void) => () => void} begin returns what ends it */
  #bounded(begin) {
    return new Promise((resolve) => {
      const timer = setTimeout(() => settle(null), this.way.patienceMs);
      const settle = (value) => {
        clearTimeout(timer);
        forget();
        resolve(value);
      };
      const forget = begin(settle);
      this.ended.then(() => settle(null));
    });
  }

  /** The connection is over. */
  end() {
    if (this.over) return;
    this.over = true;
    this.markEnded();
    this.onEnd();
  }
}
