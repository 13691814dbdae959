import { until } from '../../clients/lib/wait.js';
import { lasting } from './faults.js';

/** @typedef {import('../../clients/lib/client.js').Client} Client */

/** Ten milliseconds between messages: 100 a second. */
const PACE_MS = 10;

/** Numbered messages at a steady pace, chats and signals by turns, from one peer to another. */
export class Stream {
  sent = 0;
  #running = true;
  #held = false;

  /** @param {Client} sender @param {string} targetPeerId */
  constructor(sender, targetPeerId) {
    Object.assign(this, { sender, targetPeerId, label: `from ${sender.username} ` });
    this.finished = this.#run();
  }

  async #run() {
    while (this.#running) {
      if (!this.#held) this.next();
      await lasting(PACE_MS);
    }
  }

  /** Sends one more. */
  next() {
    const text = this.label + this.sent;
    if (this.sent % 2) this.sender.send('chat_message', { content: text });
    else this.sender.send('webrtc:ice', { targetPeerId: this.targetPeerId, candidate: text });
    this.sent += 1;
  }

  /** Waits until so many more were sent. @param {number} count */
  more(count) {
    const goal = this.sent + count;
    return until(() => this.sent >= goal, `${count} more messages are sent`);
  }

  /**
   * Holds its breath until all that was sent has arrived: so that nothing is on the wire,
   * where a cut would lose what no server can know of.
   * @param {Client} receiver
   */
  async hold(receiver) {
    this.#held = true;
    await until(() => this.seenBy(receiver).at(-1) === this.sent - 1, 'all that was sent has arrived');
  }

  goOn() {
    this.#held = false;
  }

  async stop() {
    this.#running = false;
    await this.finished;
  }

  /** The numbers that clients saw, in order of arrival. @param {...Client} clients one after another */
  seenBy(...clients) {
    return clients.flatMap(({ recorder }) => recorder.entries.flatMap(({ event, args: [told] }) => {
      const text = event === 'chat_message' ? told.content : event === 'webrtc:ice' ? told.candidate : null;
      return typeof text === 'string' && text.startsWith(this.label) ? [Number(text.slice(this.label.length))] : [];
    }));
  }

  /** What should be seen at the end. */
  get all() {
    return Array.from({ length: this.sent }, (_, n) => n);
  }
}
