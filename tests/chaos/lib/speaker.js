import { lasting } from '../../cluster/lib/faults.js';

const RETRY_MS = 150;

/** What a user says to its room, each message again until it is acknowledged, and what it hears. */
export class Speaker {
  /** clientMessageId → what is known of it. @type {Map<string, {id: string, roomId: string}>} */
  acked = new Map();
  /** Ids that were heard, each with the number of the connection and the time. @type {Map<string, [number, string]>} */
  #heard = new Map();
  #said = 0;

  /** @param {import('./user.js').User} user */
  constructor(user) {
    this.user = user;
  }

  /**
   * Says one more, unless the room changes before it is acknowledged.
   * @returns {Promise<string | null>} its id
   */
  async say() {
    const { user, user: { books, membership } } = this;
    const n = (this.#said += 1);
    const name = `${user.sub} ${n}`;
    books.count('chats said');
    for (let tries = 0; user.wanted && user.membership?.roomId === membership.roomId; tries += 1) {
      if (user.here) {
        if (tries) books.count('chats said again');
        const answer = await user.line.chat(name, name);
        if (answer?.status === 'ok') return this.#note(name, { id: answer.id, roomId: membership.roomId });
        if (answer) books.count(`refused ${answer.code}`);
      }
      await lasting(RETRY_MS);
    }
    books.count('chats given up');
    return null;
  }

  #note(name, message) {
    this.user.books.count('chats acked');
    this.acked.set(name, message);
    return message.id;
  }

  /** @param {{id: string}} told */
  hear({ id }) {
    const { lines, sub, books, world } = this.user;
    books.count('chats heard');
    const before = this.#heard.get(id);
    // Who moves to another node when its own dies may hear the last messages once more.
    const now = new Date().toISOString().slice(14, 23);
    if (before?.[0] === lines) books.wrong('chat heard twice', `${sub} heard ${id} twice on connection ${lines}, at ${before[1]} and ${now}`, world.wasTroubled());
    else if (before) books.count('chats heard again after a move');
    this.#heard.set(id, [lines, now]);
  }

  /** Whether it has heard that message. @param {string} id */
  has(id) {
    return this.#heard.has(id);
  }
}
