import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { Redis } from '../../cluster/lib/redis.js';
import { scratchDirectory } from '../../clients/lib/processes.js';
import { startGateway } from './gateway.mjs';
import { until } from './guest.mjs';
import { MediaService } from './media.mjs';
import { startRoomService } from './roomService.mjs';

/** The third peer turns a room into one with a media server. */
const MAX_P2P_PEERS = '2';

/**
 * Gateways with a Media Service, and a Room Service by which rooms whose code begins with `sfu` have
 * their media there from the start. More than one of them share a Redis and their users. `more` are
 * variables of their environment.
 */
export async function sfuPlace(nodes = 1, more = {}) {
  const ends = [];
  const owned = (thing) => (ends.unshift(() => thing.stop()), thing);
  const stop = async () => {
    for (const end of ends) await end();
  };
  try {
    const media = owned(await MediaService.start());
    const rooms = owned(await startRoomService());
    const settings = { MAX_P2P_PEERS, MEDIA_SERVICE_URL: media.url, ROOM_SERVICE_URL: rooms.url, ...more };
    if (nodes > 1) {
      const redis = owned(await Redis.start());
      const directory = scratchDirectory('demo-key-');
      ends.unshift(() => rmSync(directory, { recursive: true, force: true }));
      Object.assign(settings, { REDIS_URL: redis.url, DEV_KEY_FILE: join(directory, 'key.pem') });
    }
    const gateways = [];
    for (let node = 0; node < nodes; node++) gateways.push(owned(await startGateway({ ...settings, NODE_ID: `n${node + 1}` })));
    await Promise.all(gateways.map((gateway) => until('a gateway to be ready', async () => (await gateway.readiness()).status === 'ready')));
    return { gateways, media, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** Ends the Media Service as a crash would, for the length of some work, and waits until gateways have it back. */
export async function withoutMedia({ media, gateways }, work) {
  await media.kill();
  try {
    await work();
  } finally {
    await media.run();
    const available = async (gateway) => (await gateway.readiness()).media.available;
    await until('gateways to have the Media Service back', async () => (await Promise.all(gateways.map(available))).every(Boolean));
  }
}
