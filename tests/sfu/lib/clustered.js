import { freshCode } from '../../clients/lib/rooms.js';
import { ownCluster } from '../../cluster/lib/fixture.js';
import { spread } from '../../cluster/lib/peers.js';
import { MediaStub } from './media-stub.js';
import { RoomService } from './room-service.js';
import { identity, mediaFound } from './stage.js';

/** Several gateways on one Redis, with services of their own, which a test may break. */
export class ClusteredStage {
  /**
   * Ends with the test; every node has found every Media Service when it returns.
   * @param {{after: (work: () => unknown) => void}} t
   * @param {import('../../cluster/lib/fixture.js').Settings & {media?: number}} [settings]
   */
  static async set(t, { media: count = 1, env = {}, ...settings } = {}) {
    const stage = new ClusteredStage();
    stage.rooms = await RoomService.start(t);
    stage.media = await Promise.all(Array.from({ length: count }, () => MediaStub.start(t)));
    const services = { ROOM_SERVICE_URL: stage.rooms.url, MEDIA_SERVICE_URL: stage.media.map(({ url }) => url).join() };
    Object.assign(stage, await ownCluster(t, { identity, ...settings, env: { ...services, ...env } }));
    await Promise.all(stage.nodes.map((node) => mediaFound(node)));
    return stage;
  }

  get nodes() {
    return this.cluster.nodes;
  }

  get stub() {
    return this.media[0];
  }

  /** The code of a new room, which the Room Service wants on the Media Service. */
  sfuCode(entry = {}) {
    return this.rooms.define(freshCode('sfu'), { mode: 'sfu', ...entry });
  }

  /** The code of a new room that starts without. */
  p2pCode(entry = {}) {
    return this.rooms.define(freshCode('p2p'), entry);
  }

  /** Clients in an sfu room, each on another node than the one before, or where `at` says. */
  spread(t, names, { code = this.sfuCode(), ...options } = {}) {
    return spread(t, this.cluster, names, { code, ...options });
  }
}
