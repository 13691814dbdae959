/** @typedef {import('./world.js').World} World */
/** @typedef {{here: boolean, sure: boolean, told: string[]}} Known `told`: how that came to be known, for who looks for a mistake */

const now = () => new Date().toISOString().slice(14, 23);

/**
 * One peer's time in one room, through all its connections: what it was told of the others, and whether that makes
 * sense. Somebody must be there to leave, and must have left to come again.
 *
 * A return brings the whole room, and then what was missed, which led to that. Where the room differs from what was told
 * before, the news may be among that, or was lost with the connection: one more word that agrees is allowed. Who left
 * may have come in a word that was lost.
 */
export class Membership {
  /** By peer id. @type {Map<string, Known>} */
  #others = new Map();
  /** How much of what comes was said before the room was told. */
  #missed = 0;

  /**
   * @param {World} world @param {string} who
   * @param {{peerId: string, roomId: string, peers: {peerId: string}[], host: string, mode: string, missed?: number}} told
   *   with `missed` if it comes back, and its first words were lost with its connection
   */
  constructor(world, who, told) {
    Object.assign(this, { world, books: world.books, who, peerId: told.peerId, roomId: told.roomId, host: told.host, mode: told.mode });
    this.#missed = told.missed ?? 0;
    for (const { peerId } of told.peers) this.#note(peerId, true, told.missed === undefined, 'in the room');
    this.#notOneself(told.peers);
  }

  #note(peerId, here, sure, how) {
    const told = [...this.#others.get(peerId)?.told ?? [], `${how} ${now()}`];
    this.#others.set(peerId, { here, sure, told });
  }

  /** The whole room, told again to the same peer. @param {string} how */
  refresh(told, how) {
    this.host = told.host;
    this.mode = told.mode;
    this.#missed = told.missed ?? this.#missed;
    this.#notOneself(told.peers);
    const here = new Set(told.peers.map(({ peerId }) => peerId));
    for (const peerId of new Set([...here, ...this.#others.keys()])) {
      const known = this.#others.get(peerId);
      if (known?.here !== here.has(peerId)) this.#note(peerId, here.has(peerId), false, `${how}, with ${here.size}`);
      else known.told.push(`${how}, the same, ${now()}`);
    }
  }

  #notOneself(peers) {
    if (peers.some(({ peerId }) => peerId === this.peerId)) this.books.wrong('told of oneself', `${this.who} is among its own others`);
  }

  /** Something came, whatever it is; what is about others is told after. */
  tick() {
    this.late = this.#missed > 0;
    if (this.late) this.#missed -= 1;
  }

  came({ peerId }) {
    const known = this.#others.get(peerId);
    if (peerId === this.peerId) this.books.wrong('told of oneself', `${this.who} was told that it came itself`);
    else if (known?.here && known.sure) this.#wrong('joined twice', `${peerId} came`, known);
    this.#note(peerId, true, true, 'came');
  }

  left({ peerId, reason }) {
    const known = this.#others.get(peerId);
    if (known ? !known.here && known.sure : !this.late) this.#wrong('left twice', `${peerId} left (${reason})`, known);
    this.#note(peerId, false, true, `left (${reason})`);
  }

  #wrong(kind, what, known) {
    this.books.wrong(kind, `${this.who}, ${this.peerId}, was told that ${what}; before: ${known?.told.join(', ') ?? 'nothing'}`,
      this.world.wasTroubled());
  }

  /** Peer ids of those who are there, by what was told. */
  get others() {
    return [...this.#others].flatMap(([peerId, { here }]) => (here ? [peerId] : []));
  }
}
