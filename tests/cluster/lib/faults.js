import { once } from 'node:events';
import { connect, createServer } from 'node:net';

/** How long a fault lasts. Never used to wait for something to happen. @param {number} ms */
export const lasting = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** What stands between a gateway and Redis, and fails in the ways that networks do. */
export class FaultyPath {
  #links = new Set();
  #delay = 0;
  #severed = false;
  #stalled = false;
  /** Bytes that came from Redis, as long as anybody wants to know. @type {Buffer[] | null} */
  #heard = null;

  /** @param {{after: (work: () => void) => void}} t @param {{port: number}} redis */
  static async to(t, redis) {
    const path = new FaultyPath();
    path.server = createServer((near) => path.#link(near, redis.port));
    path.server.listen(0, '127.0.0.1');
    await once(path.server, 'listening');
    t.after(() => path.stop());
    return path;
  }

  get url() {
    return `redis://127.0.0.1:${this.server.address().port}`;
  }

  #link(near, port) {
    near.on('error', () => {});
    if (this.#severed) {
      near.destroy();
      return;
    }
    const far = connect({ port, host: '127.0.0.1' });
    far.on('error', () => {});
    const link = { near, far };
    this.#links.add(link);
    this.#carry(near, far);
    this.#carry(far, near);
    far.on('data', (data) => this.#heard?.push(data));
    if (this.#stalled) pause(link);
    for (const socket of [near, far]) {
      socket.on('close', () => {
        this.#links.delete(link);
        near.destroy();
        far.destroy();
      });
    }
  }

  /** In order, each piece as late as the delay of its arrival says. */
  #carry(from, to) {
    let last = Promise.resolve();
    from.on('data', (data) => {
      const due = this.#delay ? lasting(this.#delay) : null;
      last = last.then(() => due).then(() => { if (!to.destroyed) to.write(data); });
    });
  }

  /** What the gateway is told by Redis while something happens. @param {() => Promise<unknown>} action */
  async overheard(action) {
    this.#heard = [];
    try {
      await action();
      return Buffer.concat(this.#heard).toString('latin1');
    } finally {
      this.#heard = null;
    }
  }

  /** Everything takes so long from now on, each way. @param {number} ms */
  delay(ms) {
    this.#delay = ms;
  }

  /** Packets get lost: connections stay, nothing passes until {@link restore}. */
  drop() {
    this.#stalled = true;
    for (const link of this.#links) pause(link);
  }

  /** Connections break, and new ones are refused until {@link restore}. */
  cut() {
    this.#severed = true;
    for (const { near, far } of this.#links) {
      near.destroy();
      far.destroy();
    }
  }

  restore() {
    this.#severed = false;
    this.#stalled = false;
    this.#delay = 0;
    for (const { near, far } of this.#links) {
      near.resume();
      far.resume();
    }
  }

  stop() {
    this.cut();
    this.server.close();
  }
}

function pause({ near, far }) {
  near.pause();
  far.pause();
}
