import assert from 'node:assert/strict';
import { Recorder } from '../../clients/lib/recorder.js';
import { within } from '../../clients/lib/wait.js';

/**
 * @typedef {object} Heard what a guest was told, alike for all protocols; `called` is what its own protocol calls the other
 * `joined` `{roomId, peerId, host, mode, peers: [{peerId, userId, username, called}]}`, `resumed` the same and `missed`,
 * `peer-joined` `{peerId, userId, username, called}`, `peer-left` `{peerId, called, reason}`,
 * `offer`, `answer`, `ice` `{from, called, to, body}`, `host` `{peerId, called}`, `kicked` `{reason}`,
 * `chat` `{id, from, called, userId, username, content, timestamp, clientMessageId}`,
 * `draining` `{reconnectAfterMs}`, `expiring` `{expiresAt}`, `error` `{code, message, retryable, field}`
 */

/**
 * @typedef {object} Who
 * @property {string} userId
 * @property {string} username
 * @property {string} [alias] the name of a `/ws` client
 */

let counter = 0;

/** One client in one room, whatever it speaks. Subclasses say how. */
export class Guest {
  peerId = '';
  roomId = '';
  resumeToken = '';

  /** @param {Who} who @param {{node: any}} where */
  constructor({ userId, username, alias }, { node, code, gateway }) {
    Object.assign(this, { userId, username, alias, node, code, gateway });
    this.heard = new Recorder(`${username} (${this.kind})`);
  }

  get kind() {
    return this.constructor.kind;
  }

  /** Notes what came, in the common words. @param {[string, any] | null} entry */
  note([event, told]) {
    if (event === 'joined' || event === 'resumed') {
      const { resumeToken, ...room } = told;
      Object.assign(this, { peerId: room.peerId, roomId: room.roomId, resumeToken });
      this.heard.add(event, [room]);
      return;
    }
    this.heard.add(event, [told]);
  }

  /** @param {string} event @param {(told: any) => boolean} [fits] @param {number} [mark] */
  hears(event, fits, mark) {
    const lost = this.ended.then((why) => {
      throw new Error(`${this.username} (${this.kind}) was closed (${JSON.stringify(why)}) before "${event}"; ${this.heard.summary(mark)}`);
    });
    lost.catch(() => {});
    return Promise.race([this.heard.wait(event, fits, mark), lost]);
  }

  mark() {
    return this.heard.mark();
  }

  /** What others of this protocol would be told of a newcomer. @param {Guest} other */
  seesAs(other) {
    return { peerId: other.peerId, userId: other.userId, username: other.username, called: this.calls(other) };
  }

  /** Says something to the room and returns the acknowledgement. @returns {Promise<{id: string, timestamp: number}>} */
  async say(content, clientMessageId = `${this.username} ${(counter += 1)}`) {
    return within(this.chat(content, clientMessageId), () => `the ack of chat at ${this.username}; ${this.heard.summary()}`);
  }

  /**
   * Does something that must be refused, and returns the refusal.
   * @param {string} code @param {(guest: Guest) => void} action
   */
  async refused(code, action) {
    const mark = this.mark();
    action(this);
    const error = await this.hears('error', undefined, mark);
    assert.equal(error.code, code, JSON.stringify(error));
    assert.equal(typeof error.retryable, 'boolean');
    assert.ok(error.message.length > 0);
    return error;
  }

  /** Resolves when the connection has ended, with what is known of it. */
  gone() {
    return within(this.ended, `the end of ${this.username}'s connection`);
  }
}

/** Whether it is no barrier, and no answer to one. */
const counts = ({ event, args: [told] }) => !(event === 'chat' && String(told.content).startsWith('barrier '));

/** What a guest heard since, without barriers. @param {Guest} guest @param {number} [mark] @returns {[string, any][]} */
export const heardSince = (guest, mark = 0) =>
  guest.heard.since(mark).filter(counts).map(({ event, args: [told] }) => [event, told]);

/**
 * Waits until all that was sent to these guests before has reached them: a chat takes the same path.
 * Nodes keep an order among what comes from one of them, so each guest speaks.
 * @param {Guest[]} guests of one room
 */
export async function settle(guests) {
  await Promise.all(guests.map(async (speaker) => {
    counter += 1;
    const content = `barrier ${process.pid} ${counter}`;
    await speaker.say(content);
    await Promise.all(guests.map((listener) => listener.hears('chat', (chat) => chat.content === content)));
  }));
}

/**
 * Does something and checks that the listeners are told nothing of it.
 * @param {Guest[]} listeners all in one room
 * @param {() => Promise<unknown>} action
 */
export async function unnoticed(listeners, action) {
  await settle(listeners);
  const marks = listeners.map((listener) => listener.mark());
  await action();
  await settle(listeners);
  listeners.forEach((listener, index) => assert.deepEqual(heardSince(listener, marks[index]), []));
}
