/** Much, as a description of a call is. */
const PADDING = 'a=candidate:1 1 udp 2122260223 192.0.2.1 61665 typ host generation 0\r\n'.repeat(20);

/** What a user says to single peers, and hears from them: each says from whom it is and which one it is. */
export class Letters {
  /** How many were sent, by sender and target. @type {Map<string, number>} */
  #sent = new Map();
  /** What came, by sender and target; how each came. @type {Map<string, {last: number, seen: Map<number, string>, way: string}>} */
  #heard = new Map();

  /** @param {import('./world.js').World} world @param {string} who */
  constructor(world, who) {
    Object.assign(this, { world, books: world.books, who });
  }

  /** The next one. @param {string} what @param {string} from @param {string} to @param {number} line the sender's connection */
  write(what, from, to, line) {
    const n = (this.#sent.get(`${from} ${to}`) ?? 0) + 1;
    this.#sent.set(`${from} ${to}`, n);
    this.books.count('relays sent');
    const words = JSON.stringify({ from, to, n, line });
    if (what === 'ice') return { candidate: words, sdpMid: '0' };
    return { type: what, sdp: `${words}\n${what === 'offer' ? PADDING : ''}` };
  }

  /**
   * One that came: once, in order, to the right one, from whom it says.
   * @param {{from: string, body: any}} told @param {string} self the peer that it came to @param {number} line its connection
   */
  read({ from, body }, self, line) {
    const letter = JSON.parse((body.candidate ?? body.sdp).split('\n')[0]);
    this.books.count('relays heard');
    if (letter.from !== from) this.books.wrong('relay from another', `${this.who} was told ${from} for ${letter.from}`);
    if (letter.to !== self) this.books.wrong('relay to another', `${this.who} is ${self} and got what was for ${letter.to}`);
    const key = `${from} ${self}`;
    const way = `${letter.line} ${line}`;
    const heard = this.#heard.get(key) ?? { last: 0, seen: new Map(), way };
    this.#heard.set(key, heard);
    const how = `connection ${line}, ${new Date().toISOString().slice(14, 23)}`;
    if (heard.seen.has(letter.n)) this.#twice(letter, `${how}, at ${heard.last}; before on ${heard.seen.get(letter.n)}`);
    else if (letter.n < heard.last) this.#late(letter, heard, way);
    heard.seen.set(letter.n, how);
    if (letter.n > heard.last) Object.assign(heard, { last: letter.n, way });
  }

  #twice({ n, from, to, line }, how) {
    const words = `${this.who}, ${to}, heard ${n} of ${from} (connection ${line}) again on ${how}`;
    // Nodes know how many others got what was said, and not which: it is said again for the peers of one that is lost.
    this.books.wrong('relay twice', words, this.world.wasTroubled() || this.world.hasLost());
  }

  /** Order is promised while both stay. */
  #late({ n, from }, { last, way: before }, way) {
    const words = `${this.who} heard ${n} of ${from} after ${last}`;
    // What is said again since a node seemed to be lost comes after what followed it.
    if (way === before) this.books.wrong('relay out of order', words, this.world.wasTroubled());
    else this.books.count('relays late after a move');
  }

  /** Whether that one came. @param {string} from @param {string} self @param {number} n */
  has(from, self, n) {
    return this.#heard.get(`${from} ${self}`)?.seen.has(n) ?? false;
  }

  /** How many were written. */
  written(from, to) {
    return this.#sent.get(`${from} ${to}`) ?? 0;
  }
}
