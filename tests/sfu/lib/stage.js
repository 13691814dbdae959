import { after } from 'node:test';
import { startGateway } from '../../clients/lib/gateway.js';
import { Identity } from '../../clients/lib/identity.js';
import { freshCode, party } from '../../clients/lib/rooms.js';
import { until } from '../../clients/lib/wait.js';
import { MediaStub } from './media-stub.js';
import { RoomService } from './room-service.js';

/** @typedef {import('../../clients/lib/gateway.js').Gateway} Gateway */

/** One key for all gateways of a file: making one takes a while, in which the stand-ins of other tests would not answer. */
export const identity = new Identity();

/**
 * @typedef {object} Settings
 * @property {number} [media] how many Media Services
 * @property {Record<string, string | undefined>} [env] of the gateway
 */

/** Ends what it is given when all tests of the file have ended, the last first. */
export function forTheSuite() {
  const ends = [];
  after(async () => { for (const end of ends.reverse()) await end(); });
  return { after: (end) => ends.push(end) };
}

/** A gateway with services of its own, which a test may break. */
export class Stage {
  /** @param {{gateway: Gateway, media: MediaStub[], rooms: RoomService}} parts */
  constructor(parts) {
    Object.assign(this, parts);
  }

  /**
   * Ends with the test; media is available when it returns.
   * @param {{after: (work: () => unknown) => void}} t @param {Settings} [settings]
   */
  static async set(t, { media: count = 1, env = {} } = {}) {
    const rooms = await RoomService.start(t);
    const media = await Promise.all(Array.from({ length: count }, () => MediaStub.start(t)));
    const gateway = await startGateway({ ROOM_SERVICE_URL: rooms.url, MEDIA_SERVICE_URL: media.map(({ url }) => url).join(), ...env }, identity);
    t.after(() => gateway.kill());
    const stage = new Stage({ gateway, media, rooms });
    if (count) await mediaAvailable(gateway);
    return stage;
  }

  /** The one Media Service, where there is no other. */
  get stub() {
    return this.media[0];
  }

  /** The code of a new room, which the Room Service wants on the Media Service. @param {Partial<import('./room-service.js').Entry>} [entry] */
  sfuCode(entry = {}) {
    return this.rooms.define(freshCode('sfu'), { mode: 'sfu', ...entry });
  }

  /** The code of a new room that starts without. @param {Partial<import('./room-service.js').Entry>} [entry] */
  p2pCode(entry = {}) {
    return this.rooms.define(freshCode('p2p'), entry);
  }

  /**
   * Clients in an sfu room, in the order of their names.
   * @param {{after: (work: () => void) => void}} t @param {string[]} names
   * @param {import('../../clients/lib/rooms.js').PartyOptions} [options]
   */
  party(t, names, { code = this.sfuCode(), ...options } = {}) {
    return party(t, this.gateway, names, { code, ...options });
  }
}

/** What a gateway says about its Media Services; it is ready whatever that is. @param {Gateway} gateway */
export async function mediaHealth(gateway) {
  const { status, text, json } = await gateway.http('/readyz');
  if (status !== 200) throw new Error(`not ready: ${text}`);
  return json().media;
}

/** @param {Gateway} gateway */
export const mediaAvailable = (gateway) =>
  until(async () => (await mediaHealth(gateway)).available, 'media is available');

/** Whether a report is about that service, or about any. */
const isAbout = (service) => ({ url }) => !service || new URL(url).host === new URL(service.url).host;

/** Waits until the breakers are closed, or are not: those of one service, or all. */
async function breakersAre(gateway, service, wanted, what) {
  let last;
  await until(async () => {
    last = (await mediaHealth(gateway)).services.filter(isAbout(service));
    return last.length > 0 && last.every(({ state }) => (state === 'closed') === wanted);
  }, what).catch((error) => { throw new Error(`${error.message}; ${JSON.stringify(last)}`); });
}

/** Waits until the gateway knows that a service, or each, is away. @param {Gateway} gateway @param {{url: string}} [service] */
export const mediaMissed = (gateway, service) => breakersAre(gateway, service, false, 'media is known to be away');

/** Waits until the gateway knows that a service, or each, is there. @param {Gateway} gateway @param {{url: string}} [service] */
export const mediaFound = (gateway, service) => breakersAre(gateway, service, true, 'media is known to be there');
