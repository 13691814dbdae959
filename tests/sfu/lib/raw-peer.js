import assert from 'node:assert/strict';
import { RawSocket } from '../../clients/lib/raw.js';

let users = 0;

/** A peer that writes its frames by hand, and reads them as they came. */
export class RawPeer {
  #acks = 0;
  peerId = '';

  /**
   * Connects and joins.
   * @param {{after: (work: () => void) => void}} t
   * @param {import('../../clients/lib/gateway.js').Gateway} gateway @param {string} code
   */
  static async join(t, gateway, code) {
    users += 1;
    const peer = new RawPeer();
    peer.socket = await RawSocket.connected(gateway, { token: await gateway.identity.token({ sub: `raw-${process.pid}-${users}` }) });
    t.after(() => peer.socket.close());
    const answer = JSON.parse(await peer.ask('join:room', JSON.stringify({ roomCode: code })));
    assert.equal(answer.status, 'ok', JSON.stringify(answer));
    peer.peerId = answer.peerId;
    return peer;
  }

  /** Sends an event with an ack. @param {string} event @param {string} payload its text @returns {number} the id of the ack */
  send(event, payload) {
    this.#acks += 1;
    this.socket.send(`42${this.#acks}["${event}",${payload}]`);
    return this.#acks;
  }

  /** The text of an answer, past or to come. @param {number} id */
  async answer(id) {
    const start = `43${id}[`;
    const frame = await this.socket.frame((text) => text.startsWith(start));
    return frame.slice(start.length, -1);
  }

  /** Sends, and returns the text of the answer. @param {string} event @param {string} payload */
  ask(event, payload) {
    return this.answer(this.send(event, payload));
  }

  /** As {@link ask}, checked to be well. */
  async ok(event, payload) {
    const text = await this.ask(event, payload);
    const answer = JSON.parse(text);
    assert.equal(answer.status, 'ok', text);
    return answer;
  }

  /** How many answers came to one request. @param {number} id */
  answers(id) {
    return this.socket.frames.filter((frame) => typeof frame === 'string' && frame.startsWith(`43${id}[`)).length;
  }

  /** The text of the first such event, past or to come. @param {string} event @param {(text: string) => boolean} [fits] */
  event(event, fits = () => true) {
    return this.socket.frame((text) => text.startsWith(`42["${event}"`) && fits(text));
  }
}
