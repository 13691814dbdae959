import { once } from 'node:events';
import { connect, createServer } from 'node:net';

/** How often a slow direction lets something through. */
const DRIP_MS = 50;

/** One direction of one connection. */
class Stream {
  /** Swallows what comes: the other side is never told. */
  dark = false;
  /** Keeps what comes, and makes the sender wait. */
  held = false;
  /** Bytes per second; null lets all through. @type {number | null} */
  rate = null;
  #pieces = [];
  #ended = false;
  #timer = null;

  /** @param {FaultPath} path @param {import('node:net').Socket} from @param {import('node:net').Socket} to */
  constructor(path, from, to) {
    Object.assign(this, { path, from, to });
    from.on('data', (data) => this.#take(data));
    from.on('end', () => { this.#ended = true; this.move(); });
    to.on('drain', () => this.move());
  }

  #take(data) {
    if (this.dark) return;
    this.#pieces.push({ data, due: performance.now() + this.path.delayMs });
    this.move();
  }

  /** Lets through what may go by now. */
  move() {
    while (this.#mayMove()) this.#write(this.#pieces.shift());
    if (this.#pieces.length === 0 && this.#ended && !this.dark && !this.held) this.to.end();
    if (this.#pieces.length > 0 || this.held) this.from.pause();
    else this.from.resume();
  }

  #mayMove() {
    if (this.held || this.#pieces.length === 0 || this.to.destroyed || this.to.writableNeedDrain) return false;
    const wait = this.#pieces[0].due - performance.now();
    if (wait > 0) this.#later(wait);
    return wait <= 0 && this.#timer === null;
  }

  #write({ data, due }) {
    const most = this.rate === null ? data.length : Math.max(1, Math.floor((this.rate * DRIP_MS) / 1000));
    this.to.write(data.subarray(0, most));
    if (data.length > most) this.#pieces.unshift({ data: data.subarray(most), due });
    if (this.rate !== null) this.#later(DRIP_MS);
  }

  #later(ms) {
    this.#timer ??= setTimeout(() => {
      this.#timer = null;
      this.move();
    }, ms);
  }

  /** Forgets what is on its way. */
  stop() {
    clearTimeout(this.#timer);
    this.#pieces = [];
  }
}

/**
 * What stands between somebody and a server, and fails in the ways that networks do. Connections carry on through a
 * fault, or do not, as they would with a real one; where the server is may change.
 */
export class FaultPath {
  /** @type {Set<{near: import('node:net').Socket, far: import('node:net').Socket, out: Stream, back: Stream}>} */
  #links = new Set();
  #refuses = false;
  #holds = false;
  #rate = null;
  /** How long everything takes, each way. */
  delayMs = 0;

  /** @param {{after: (work: () => unknown) => void}} scope @param {{port: number}} target its port may change later */
  static async to(scope, target) {
    const path = new FaultPath();
    path.target = target;
    path.server = createServer({ allowHalfOpen: true, noDelay: true }, (near) => path.#link(near));
    path.server.listen(0, '127.0.0.1');
    await once(path.server, 'listening');
    path.port = path.server.address().port;
    scope.after(() => path.stop());
    return path;
  }

  /** @param {string} [scheme] */
  url(scheme = 'http') {
    return `${scheme}://127.0.0.1:${this.port}`;
  }

  /** How many connections lead through it. */
  get size() {
    return this.#links.size;
  }

  #link(near) {
    near.on('error', () => {});
    if (this.#refuses) {
      near.resetAndDestroy();
      return;
    }
    const far = connect({ port: this.target.port, host: '127.0.0.1', allowHalfOpen: true, noDelay: true });
    far.on('error', () => {});
    const link = { near, far, out: new Stream(this, near, far), back: new Stream(this, far, near) };
    this.#links.add(link);
    for (const stream of [link.out, link.back]) Object.assign(stream, { held: this.#holds, rate: this.#rate });
    for (const stream of [link.out, link.back]) stream.move();
    for (const [one, other] of [[near, far], [far, near]]) {
      one.on('close', () => {
        this.#links.delete(link);
        link.out.stop();
        link.back.stop();
        other.destroy();
      });
    }
  }

  /** Some of the connections, or all. @param {number} share of 1 @param {() => number} random */
  #some(share, random) {
    return [...this.#links].filter(() => random() < share);
  }

  /** Breaks connections; new ones are taken. */
  cut(share = 1, random = Math.random) {
    for (const { near, far } of this.#some(share, random)) {
      near.resetAndDestroy();
      far.resetAndDestroy();
    }
  }

  /** Breaks all connections, and refuses new ones until {@link restore}. */
  sever() {
    this.#refuses = true;
    this.cut();
  }

  /** Nothing gets through any more on these connections, and neither side is told, until they end at {@link restore}. */
  blackHole(share = 1, random = Math.random) {
    for (const { out, back } of this.#some(share, random)) {
      out.dark = true;
      back.dark = true;
    }
  }

  /** Ends one direction of connections and leaves the other open. @param {'out' | 'back'} which `out`: towards the server */
  halfClose(which, share = 1, random = Math.random) {
    for (const link of this.#some(share, random)) {
      link[which].dark = true;
      (which === 'out' ? link.far : link.near).end();
    }
  }

  /** Packets are lost: connections stay and nothing passes, until {@link restore}. */
  hold() {
    this.#holds = true;
    this.#each((stream) => (stream.held = true));
  }

  /** So many bytes a second pass, on each connection and each way. @param {number} rate */
  slow(rate) {
    this.#rate = rate;
    this.#each((stream) => (stream.rate = rate));
  }

  #each(change) {
    for (const { out, back } of this.#links) {
      for (const stream of [out, back]) {
        change(stream);
        stream.move();
      }
    }
  }

  /** All is well again. A connection that swallowed something ends: no network makes up for that. */
  restore() {
    Object.assign(this, { delayMs: 0 });
    this.#refuses = false;
    this.#holds = false;
    this.#rate = null;
    for (const { near, far, out, back } of this.#links) {
      if (!out.dark && !back.dark) continue;
      near.resetAndDestroy();
      far.resetAndDestroy();
    }
    this.#each((stream) => Object.assign(stream, { held: false, rate: null }));
  }

  stop() {
    this.sever();
    this.server.close();
  }
}
