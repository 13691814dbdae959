import { once } from 'node:events';
import { createServer } from 'node:http';

/** An HTTP server with a key set, whose keys and health a test changes at will. */
export class KeyServer {
  /** @type {object[]} */
  keys = [];
  /** Answers so slowly that requests pile up. */
  delayMs = 0;
  healthy = true;
  requests = 0;

  /** @param {...import('./identity.js').Identity} identities */
  static async start(...identities) {
    const server = new KeyServer();
    await server.serve(...identities);
    server.http = createServer((_, res) => server.#answer(res));
    server.http.listen(0, '127.0.0.1');
    await once(server.http, 'listening');
    return server;
  }

  get url() {
    return `http://127.0.0.1:${this.http.address().port}/keys.json`;
  }

  /** Replaces the set. @param {...import('./identity.js').Identity} identities */
  async serve(...identities) {
    this.keys = await Promise.all(identities.map((identity) => identity.jwk()));
  }

  #answer(res) {
    this.requests += 1;
    setTimeout(() => {
      if (!this.healthy) return res.writeHead(503).end('away');
      res.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ keys: this.keys }));
    }, this.delayMs);
  }

  stop() {
    this.http.closeAllConnections();
    this.http.close();
  }
}
