import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { end, spawnOwned } from '../../clients/lib/processes.js';
import { within } from '../../clients/lib/wait.js';

const MAIN = fileURLToPath(new URL('../../../media-service/src/main.js', import.meta.url));

/** The project's own Media Service, with a real mediasoup worker; media on the loopback address only. */
export class MediaService {
  /** Ends with the test. @param {{after: (work: () => unknown) => void}} t @param {Record<string, string>} [env] */
  static async start(t, env = {}) {
    const service = new MediaService();
    const { PATH, HOME, MEDIASOUP_WORKER_BIN } = process.env;
    service.child = spawnOwned(process.execPath, [MAIN], {
      PATH, HOME, ...(MEDIASOUP_WORKER_BIN ? { MEDIASOUP_WORKER_BIN } : {}), PORT: '0', LISTEN_IP: '127.0.0.1', MEDIA_WORKERS: '1', ...env,
    });
    t.after(() => service.kill());
    service.url = `http://${await within(service.#listening(), 'the media service to listen')}`;
    return service;
  }

  #listening() {
    return new Promise((resolve, reject) => {
      const read = (line) => {
        const { message, address } = JSON.parse(line);
        if (message === 'listening') resolve(address);
      };
      createInterface({ input: this.child.stdout }).on('line', read);
      this.child.stderr.pipe(process.stderr);
      this.child.once('exit', (code) => reject(new Error(`the media service ended with ${code}`)));
    });
  }

  /** @param {NodeJS.Signals} name */
  signal(name) {
    this.child.kill(name);
  }

  kill() {
    return end(this.child);
  }

  /** What it answers to a request made past the gateway. @param {string} path */
  async get(path) {
    const answer = await fetch(this.url + path);
    return { status: answer.status, body: await answer.json() };
  }
}
