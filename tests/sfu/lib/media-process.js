import { createInterface } from 'node:readline';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { end, spawnOwned } from '../../clients/lib/processes.js';
import { within } from '../../clients/lib/wait.js';

const CHILD = fileURLToPath(new URL('./media-child.js', import.meta.url));

/** A Media Service that is a process, and can be frozen and killed as one. */
export class MediaProcess {
  /** Ends with the test. @param {{after: (work: () => unknown) => void}} t */
  static async start(t) {
    const media = new MediaProcess();
    media.child = spawnOwned(process.execPath, [CHILD]);
    media.child.stderr.pipe(process.stderr);
    t.after(() => media.kill());
    const lines = createInterface({ input: media.child.stdout });
    [media.url] = await within(once(lines, 'line'), 'the media process to listen');
    return media;
  }

  /** It accepts what the kernel accepts for it, and says nothing. */
  freeze() {
    this.child.kill('SIGSTOP');
  }

  thaw() {
    this.child.kill('SIGCONT');
  }

  kill() {
    return end(this.child);
  }
}
