import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { party } from '../../clients/lib/rooms.js';
import { until } from '../../clients/lib/wait.js';

/** Time between two relays. */
const BEAT_MS = 10;

/** Two in a room who do nothing wrong, one of whom sends candidates to the other all the time. */
export class HealthyPair {
  sent = 0;
  #going = true;

  /** @param {import('../../clients/lib/gateway.js').Gateway} gateway */
  static async meet(t, gateway) {
    const pair = new HealthyPair();
    [pair.anna, pair.bert] = await party(t, gateway, ['anna', 'bert']);
    pair.mark = pair.bert.mark();
    pair.talking = pair.#talk();
    t.after(() => { pair.#going = false; });
    return pair;
  }

  async #talk() {
    while (this.#going) {
      this.anna.send('webrtc:ice', { targetPeerId: this.bert.peerId, candidate: `${this.sent}` });
      this.sent += 1;
      await sleep(BEAT_MS);
    }
  }

  /** Ends it, and checks that all that was sent has come, in order, and that both are still there. */
  async part() {
    this.#going = false;
    await this.talking;
    const heard = () => this.bert.recorder.all('webrtc:ice', this.mark).map(({ candidate }) => Number(candidate));
    await until(() => heard().length >= this.sent, 'all relays of the healthy pair have come');
    assert.deepEqual(heard(), Array.from({ length: this.sent }, (_, index) => index));
    assert.ok(this.anna.socket.connected && this.bert.socket.connected);
    return this.sent;
  }
}
