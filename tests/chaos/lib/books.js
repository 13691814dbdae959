/** More of one kind are counted and not told. */
const TOLD_OF_A_KIND = 10;

/** What happened, counted, and what must not have happened, in words. */
export class Books {
  /** @type {Map<string, number>} */
  counts = new Map();
  /** What is wrong, by kind. @type {Map<string, string[]>} */
  wrongs = new Map();

  /** @param {string} what @param {number} [many] */
  count(what, many = 1) {
    this.counts.set(what, this.of(what) + many);
  }

  /** @param {string} what */
  of(what) {
    return this.counts.get(what) ?? 0;
  }

  /**
   * @param {string} kind @param {string} words
   * @param {boolean} [excused] it is not promised in these circumstances: it is counted, and not wrong
   */
  wrong(kind, words, excused = false) {
    if (excused) {
      this.count(`excused ${kind}`);
      return;
    }
    this.wrongs.set(kind, [...this.wrongs.get(kind) ?? [], `${new Date().toISOString().slice(11, 23)} ${words}`]);
  }

  /** Of what begins with this, the rest and how many. @param {string} prefix @returns {[string, number][]} */
  under(prefix) {
    return [...this.counts].filter(([what]) => what.startsWith(prefix))
      .map(([what, many]) => /** @type {[string, number]} */ ([what.slice(prefix.length), many])).sort(([one], [other]) => (one < other ? -1 : 1));
  }

  /** All that is wrong, as lines. */
  get complaints() {
    return [...this.wrongs].flatMap(([kind, words]) => [
      `${kind}: ${words.length}`,
      ...words.slice(0, TOLD_OF_A_KIND).map((each) => `  ${each}`),
    ]);
  }
}
