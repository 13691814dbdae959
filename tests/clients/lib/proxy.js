import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { within } from './wait.js';

/** A TCP proxy between clients and a gateway, to lose connections in the ways networks do. */
export class Proxy {
  #links = new Set();
  #dark = false;
  /** What lets held WebSockets through; null while none are held. @type {(() => void)[] | null} */
  #held = null;

  /** @param {{after: (work: () => void) => void}} t @param {import('./gateway.js').Gateway} gateway or several, of which it takes one */
  static async start(t, gateway) {
    const proxy = new Proxy();
    proxy.node = gateway.next();
    proxy.server = createServer({ allowHalfOpen: true }, (near) => proxy.#link(near, proxy.node.port));
    proxy.server.listen(0, '127.0.0.1');
    await once(proxy.server, 'listening');
    t.after(() => proxy.stop());
    return proxy;
  }

  get port() {
    return this.server.address().port;
  }

  get url() {
    return `http://127.0.0.1:${this.port}`;
  }

  /** It leads to one node always. */
  next() {
    return this;
  }

  #link(near, port) {
    const far = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
    const link = { near, far };
    this.#links.add(link);
    near.on('data', (data) => this.#dark || this.#keeps(near, far, data) || far.write(data));
    far.on('data', (data) => this.#dark || near.write(data));
    near.on('end', () => this.#dark || far.end());
    far.on('end', () => this.#dark || near.end());
    for (const socket of [near, far]) {
      socket.on('error', () => {});
      socket.on('close', () => { if (near.destroyed && far.destroyed) this.#links.delete(link); });
    }
  }

  /** Lets no new WebSocket through until {@link Proxy.release}. */
  hold() {
    this.#held = [];
  }

  /** Lets the WebSockets through that were held. */
  release() {
    for (const pass of this.#held ?? []) pass();
    this.#held = null;
  }

  #keeps(near, far, data) {
    if (!this.#held || !data.includes('&transport=websocket')) return false;
    near.pause();
    this.#held.push(() => {
      far.write(data);
      near.resume();
    });
    return true;
  }

  /** Swallows everything from now on, in both directions, and keeps the connections open. */
  blackHole() {
    this.#dark = true;
  }

  /** Cuts every connection; resolves when the gateway has seen it and let go of its end. */
  async cut() {
    const links = [...this.#links];
    await Promise.all(links.map(async ({ near, far }) => {
      near.destroy();
      if (far.destroyed) return;
      const released = once(far, 'close');
      far.on('end', () => far.destroy());
      far.end();
      await within(released, 'the gateway to let go of a cut connection');
    }));
  }

  /** Resolves when the gateway has ended every connection by itself. */
  async releasedByGateway() {
    await Promise.all([...this.#links].map(({ far }) =>
      far.readableEnded || far.destroyed || within(once(far, 'end'), 'the gateway to end the old connection')));
  }

  stop() {
    for (const { near, far } of this.#links) {
      near.destroy();
      far.destroy();
    }
    this.server.close();
  }
}
