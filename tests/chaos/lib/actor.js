import { lasting } from '../../cluster/lib/faults.js';
import { rtpParameters } from '../../sfu/lib/parameters.js';

/** @typedef {import('./user.js').User} User */

/** How much each thing is done, among those that are possible. */
const WEIGHTS = { relay: 50, sfu: 16, appoint: 4, kick: 1, goTo: 4, comeAnew: 1, vanish: 3, heartbeat: 2 };

/** Longer than the window in which a lost peer may come back, at times. */
const LONGEST_ABSENCE_MS = 4_000;

/** A user who does one thing after another, and chats meanwhile. */
export class Actor {
  over = false;
  #running = true;
  /** What it is at, for who looks for a mistake. @type {Set<string>} */
  #doing = new Set();

  /** @param {User} user @param {{paceMs: number, chatPaceMs: number}} pace */
  constructor(user, pace) {
    Object.assign(this, { user, ...pace });
    this.finished = Promise.all([
      this.#again(paceMs(this.paceMs), () => this.#act()),
      this.#again(paceMs(this.chatPaceMs), () => this.#doingSo('say', () => user.speaker.say())),
    ]).then(() => (this.over = true));
  }

  toString() {
    return `${this.user}, at ${[...this.#doing].join(' and ') || 'nothing'}`;
  }

  async #doingSo(name, work) {
    this.#doing.add(name);
    await work();
    this.#doing.delete(name);
  }

  /** Ends what it does, and resolves when it has. */
  stop() {
    this.#running = false;
    return this.finished;
  }

  async #again(pause, work) {
    while (this.#running) {
      await lasting(pause(this.user.random));
      if (this.user.here && this.#running) await work();
    }
  }

  #act() {
    const { user, user: { membership } } = this;
    const hosts = membership.host === membership.peerId;
    const alone = membership.others.length === 0;
    const full = user.line.protocol.startsWith('Socket.IO');
    const possible = Object.keys(WEIGHTS).filter((name) => {
      if (name === 'appoint' || name === 'kick') return hosts && !alone;
      if (name === 'heartbeat') return full;
      if (name === 'sfu') return full && membership.mode === 'sfu';
      return name !== 'relay' || !alone;
    });
    let share = user.random() * possible.reduce((sum, name) => sum + WEIGHTS[name], 0);
    const name = possible.find((each) => (share -= WEIGHTS[each]) < 0) ?? possible[0];
    return this.#doingSo(name, () => this[`_${name}`](user));
  }

  _relay(user) {
    const { peerId, others } = user.membership;
    const target = user.pick(others);
    for (const what of ['offer', 'ice', 'ice', 'answer'].slice(0, 1 + Math.floor(user.random() * 4))) {
      user.line.signal(what, target, user.letters.write(what, peerId, target, user.lines));
    }
  }

  async _heartbeat(user) {
    await user.line.ask('heartbeat');
  }

  _appoint(user) {
    user.books.count('hosts appointed');
    user.line.appoint(user.pick(user.membership.others));
  }

  _kick(user) {
    user.line.kick(user.pick(user.membership.others));
  }

  async _goTo(user) {
    user.books.count('moves to another room');
    await user.goTo(user.pick(user.codes));
  }

  _comeAnew(user) {
    return user.comeAnew();
  }

  _vanish(user) {
    return user.vanish(user.random() ** 2 * LONGEST_ABSENCE_MS);
  }

  async _sfu(user) {
    const { transports, books } = user;
    const request = transports.length && user.random() < 0.7
      ? user.pick([
        ['sfu_produce', { transportId: transports[0], kind: 'audio', rtpParameters: rtpParameters('audio') }],
        ['sfu_restart_ice', { transportId: transports[0] }],
        ['sfu_get_producers'],
      ]) : ['sfu_create_transport', { direction: 'send' }];
    const answer = await user.line.sfu(...request);
    if (answer?.status === 'ok') {
      books.count('SFU requests done');
      if (request[0] === 'sfu_create_transport' && transports === user.transports) transports.unshift(answer.id);
    } else {
      books.count(`SFU requests refused ${answer?.code ?? 'unanswered'}`);
      if (answer?.code === 'FORBIDDEN') user.transports = [];
    }
  }
}

/** A pause of about so long. */
const paceMs = (mean) => (random) => mean * (0.5 + random());
