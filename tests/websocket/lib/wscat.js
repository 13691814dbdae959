import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { spawnOwned } from '../../clients/lib/processes.js';
import { Recorder } from '../../clients/lib/recorder.js';
import { within } from '../../clients/lib/wait.js';

const WSCAT = fileURLToPath(new URL('../node_modules/wscat/bin/wscat', import.meta.url));

/** The command-line client, driven as a person would: a line is a frame. */
export class Wscat {
  /** @param {import('node:child_process').ChildProcess} child @param {string} owner */
  constructor(child, owner) {
    this.child = child;
    this.heard = new Recorder(owner);
    this.errors = '';
    createInterface({ input: child.stdout }).on('line', (line) => this.#read(line));
    child.stderr.on('data', (data) => (this.errors += data));
    this.exit = new Promise((resolve) => child.once('exit', (code) => resolve(code)));
  }

  /** @param {{after: (work: () => void) => void}} t @param {string} url @param {string[]} options of the command line */
  static run(t, url, options = []) {
    const child = spawnOwned(process.execPath, [WSCAT, '--connect', url, '--slash', '--show-ping-pong', ...options], process.env, 'pipe');
    t.after(() => child.kill('SIGKILL'));
    return new Wscat(child, 'wscat');
  }

  /** Runs it, and resolves when it is connected. */
  static async connect(t, url, options) {
    const wscat = Wscat.run(t, url, options);
    await wscat.answersPings();
    return wscat;
  }

  #read(line) {
    // It prompts also where nobody looks.
    const text = line.replace(/^(> )+/, '');
    if (!text.startsWith('{')) {
      this.heard.add(text.split(' (')[0], [text]);
      return;
    }
    const frame = JSON.parse(text);
    this.heard.add(frame.type, [frame]);
  }

  /** What is typed before it is connected goes nowhere, and it says nothing then: so type until there is an answer. */
  async answersPings() {
    const typing = setInterval(() => this.type('/ping hello'), 50);
    try {
      await this.heard.wait('Received pong', (text) => text.includes('"hello"'));
    } catch (error) {
      throw new Error(`${error.message}; it wrote ${this.errors}`);
    } finally {
      clearInterval(typing);
    }
  }

  /** @param {string | object} line */
  type(line) {
    this.child.stdin.write(`${typeof line === 'string' ? line : JSON.stringify(line)}\n`);
  }

  ended() {
    return within(this.exit, 'wscat to end');
  }
}
