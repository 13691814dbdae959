import assert from 'node:assert/strict';
import { recordConnections } from './browser.mjs';

/** A generous bound for anything to happen; nothing is expected to come near it. */
export const WAIT_MS = 60_000;

/** Asks again and again until the answer is truthy, and returns it. */
export async function until(what, ask, waitMs = WAIT_MS) {
  const end = Date.now() + waitMs;
  for (;;) {
    const answer = await ask();
    if (answer) return answer;
    if (Date.now() > end) throw new Error(`waited ${waitMs} ms for: ${typeof what === 'function' ? what() : what}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

/** One person in front of the demo: a page with a cookie jar of its own. */
export class Guest {
  problems = [];

  static async arrive(browser, url, name, { context = {}, init } = {}) {
    const guest = new Guest();
    guest.name = name;
    guest.url = url;
    guest.context = await browser.newContext({ viewport: { width: 1280, height: 800 }, reducedMotion: 'reduce', ...context });
    guest.page = await guest.context.newPage();
    guest.page.setDefaultTimeout(WAIT_MS);
    await guest.page.addInitScript(recordConnections);
    if (init) await guest.page.addInitScript(...init);
    guest.page.on('console', (message) => {
      if (['error', 'warning'].includes(message.type())) guest.problems.push(`${message.type()}: ${message.text()} (${message.location().url})`);
    });
    guest.page.on('pageerror', (error) => guest.problems.push(`page error: ${error.stack}`));
    return guest;
  }

  get(testId) {
    return this.page.getByTestId(testId);
  }

  async login(url = this.url) {
    await this.page.goto(url);
    await this.get('username').fill(this.name);
    await this.get('login').click();
    await this.get('view-lobby').waitFor();
  }

  async join(code) {
    if (code) await this.get('room-input').fill(code);
    await this.get('join').click();
    await this.get('view-call').waitFor();
  }

  async enter(code) {
    await this.login();
    await this.join(code);
  }

  async panel(name) {
    const tab = this.get(`tab-${name}`);
    if (!(await tab.isVisible())) await this.get(`panel-${name}`).click();
    else await tab.click();
  }

  tile(name) {
    return this.get('tile').filter({ hasText: name });
  }

  async say(text) {
    await this.panel('chat');
    await this.get('chat-input').fill(text);
    await this.get('chat-send').click();
  }

  message(text) {
    return this.get('message').filter({ hasText: text });
  }

  /** The events of a name that the inspector shows. */
  async events(name, direction = 'in') {
    await this.panel('events');
    return this.page.locator(`[data-testid=event][data-name="${name}"][data-direction="${direction}"]`).count();
  }

  async peerId() {
    await this.panel('network');
    return this.get('self-id').textContent();
  }

  /** How many connections were ever made, and how many of them are up. */
  connections() {
    return this.page.evaluate(() => ({
      made: window.connections.length,
      up: window.connections.filter((pc) => pc.connectionState === 'connected').length,
    }));
  }

  /** The candidate pairs in use by the connections that are up, as types of candidates: `relay ↔ prflx`. */
  paths() {
    return this.page.evaluate(async () => {
      const paths = [];
      for (const pc of window.connections.filter((c) => c.connectionState === 'connected')) {
        const report = await pc.getStats();
        report.forEach((s) => {
          const pair = s.type === 'transport' ? report.get(s.selectedCandidatePairId) : undefined;
          if (pair) paths.push(`${report.get(pair.localCandidateId)?.candidateType} ↔ ${report.get(pair.remoteCandidateId)?.candidateType}`);
        });
      }
      return paths;
    });
  }

  /** Each connection that is up goes through a TURN server of this side, or none does. */
  async isRelayed(is = true) {
    let paths = [];
    await until(
      () => `${this.name} ${is ? 'to be relayed' : 'to go directly'}; it goes ${paths}`,
      async () => {
        paths = await this.paths();
        return paths.length > 0 && paths.every((path) => path.startsWith('relay') === is);
      },
    );
  }

  /** Switches all ways off, or on, but that through a TURN server. */
  async relayOnly(on = true) {
    await this.panel('network');
    await this.get('relay-only').setChecked(on);
  }

  /** Sums over the connections that are up. */
  received() {
    return this.page.evaluate(async () => {
      const sums = { frames: 0, audioBytes: 0, audioEnergy: 0 };
      for (const pc of window.connections.filter((c) => c.connectionState === 'connected')) {
        (await pc.getStats()).forEach((s) => {
          if (s.type !== 'inbound-rtp') return;
          if (s.kind === 'video') sums.frames += s.framesDecoded ?? 0;
          else {
            sums.audioBytes += s.bytesReceived ?? 0;
            sums.audioEnergy += s.totalAudioEnergy ?? 0;
          }
        });
      }
      return sums;
    });
  }

  /** What came so far of each of the others, by the name on the tile: frames decoded of its picture, bytes of its sound. */
  receivedByName() {
    return this.page.evaluate(async () => {
      const came = new Map();
      for (const pc of window.connections.filter((c) => c.connectionState === 'connected')) {
        (await pc.getStats()).forEach((s) => {
          if (s.type === 'inbound-rtp') came.set(s.trackIdentifier, s.kind === 'video' ? s.framesDecoded : s.bytesReceived);
        });
      }
      const tiles = [...document.querySelectorAll('[data-testid=tile]')].map((tile) => {
        const stream = tile.querySelector('video')?.srcObject;
        const of = (tracks) => came.get(tracks?.[0]?.id) ?? 0;
        return [tile.querySelector('.tile-name').textContent, { frames: of(stream?.getVideoTracks()), bytes: of(stream?.getAudioTracks()) }];
      });
      return Object.fromEntries(tiles);
    });
  }

  /** Picture and sound of each of these come in, and go on coming in. */
  async seesAndHears(names, frames = 5) {
    const before = {};
    const flows = (name, now) => {
      before[name] ??= now;
      // Another connection counts from the beginning.
      if (now.frames < before[name].frames || now.bytes < before[name].bytes) before[name] = now;
      return now.frames >= before[name].frames + frames && now.bytes > before[name].bytes;
    };
    let now;
    await until(
      () => `${this.name} to see and hear ${names}; it came ${JSON.stringify(now)}, at first ${JSON.stringify(before)}`,
      async () => {
        now = await this.receivedByName();
        return names.map((name) => name in now && flows(name, now[name])).every(Boolean);
      },
    );
  }

  /** How many tracks the page receives of a media server. */
  tracksReceived() {
    return this.page.evaluate(() => {
      const receiving = ({ mid, currentDirection }) => mid !== 'probator' && ['recvonly', 'sendrecv'].includes(currentDirection);
      return window.connections.filter((c) => c.connectionState === 'connected').flatMap((pc) => pc.getTransceivers()).filter(receiving).length;
    });
  }

  /** The room has a media server, or not, and the page has acted on it. */
  async usesMediaServer(is = true) {
    await this.get('sfu-badge').waitFor({ state: is ? 'visible' : 'detached' });
  }

  async hasConnections(count) {
    await until(`${this.name} to have ${count} connections up`, async () => (await this.connections()).up === count);
  }

  async seesVideo(frames = 10) {
    await this.receives(`${frames} more frames`, (now, before) => now.frames >= before.frames + frames);
  }

  async hearsSound() {
    await this.receives('more sound', (now, before) => now.audioBytes > before.audioBytes && now.audioEnergy > before.audioEnergy);
  }

  async receives(what, enough) {
    let before = await this.received();
    await until(`${this.name} to receive ${what}`, async () => {
      const now = await this.received();
      // A connection was replaced, and its counters with it.
      if (now.frames < before.frames || now.audioBytes < before.audioBytes) before = now;
      return enough(now, before);
    });
  }

  async sawNoProblem() {
    assert.deepEqual(this.problems, [], `console of ${this.name}`);
  }

  /** Leaves by the button, so that the next test's guest of this name does not resume as this one. */
  async go() {
    if (!this.page.isClosed() && (await this.get('leave').isVisible())) {
      // Dispatched, as a dialog or sheet may lie over the button.
      await this.get('leave').dispatchEvent('click');
      await this.get('view-lobby').waitFor();
    }
    await this.context.close();
  }
}

/** Runs a test with a way to bring guests in; sees them out and checks their consoles at the end. */
export function withGuests(bring) {
  return (body) => async () => {
    const guests = [];
    const arrive = async (...args) => {
      const guest = await bring(...args);
      guests.push(guest);
      return guest;
    };
    try {
      await body(arrive);
      await Promise.all(guests.map((guest) => guest.sawNoProblem()));
    } finally {
      await Promise.allSettled(guests.map((guest) => guest.go()));
    }
  };
}
