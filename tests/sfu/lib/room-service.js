import { StandIn } from './stand-in.js';

/**
 * @typedef {object} Entry as the Room Service answers it
 * @property {string} id
 * @property {string} code
 * @property {'p2p' | 'sfu'} mode
 * @property {number} [maxPeers]
 */

/** A real HTTP server in the place of a Room Service. */
export class RoomService extends StandIn {
  /** What it knows, by what it is asked. @type {Map<string, Entry>} */
  entries = new Map();
  /** In place of the usual answer, by what it is asked: the text as it is. @type {Map<string, string>} */
  texts = new Map();

  constructor() {
    super([['room', 'GET', '/internal/rooms/:asked']]);
  }

  /** Ends with the test. @param {{after: (work: () => unknown) => void}} t */
  static async start(t) {
    const service = new RoomService();
    await service.open();
    t.after(() => service.close());
    return service;
  }

  /** Makes a room known. @param {string} code @param {Partial<Entry>} [entry] @returns {string} the code */
  define(code, entry = {}) {
    this.entries.set(code, { id: `id-of-${code}`, code, mode: 'p2p', ...entry });
    return code;
  }

  /** How often it was asked for a room. @param {string} code */
  asked(code) {
    return this.calls('room', ({ params }) => params.asked === code).length;
  }

  answer({ route, params: { asked } }) {
    const text = this.texts.get(asked);
    if (text !== undefined) return { text };
    const entry = route === 'room' && this.entries.get(asked);
    return entry ? { text: JSON.stringify(entry) } : { status: 404, text: '{"code":"not_found","message":"no such room"}' };
  }
}
