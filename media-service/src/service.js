import { setTimeout as sleep } from 'node:timers/promises';
import { createServer } from './http/server.js';
import { Engine } from './media/engine.js';
import { WorkerPool } from './media/pool.js';
import { Reaper } from './reaper.js';
import { Rooms } from './rooms.js';

/** How often it is looked whether the last room has gone while shutting down. */
const DRAIN_STEP_MS = 50;
/** For requests under way at the end; their answers take milliseconds, unless a client stalls. */
const CLOSE_TIMEOUT_MS = 1000;

/**
 * Starts workers and the HTTP API.
 * @param {ReturnType<typeof import('./config.js').loadConfig>} config
 * @param {import('pino').Logger} log
 */
export async function startService(config, log) {
  const engine = await Engine.load(config);
  const pool = new WorkerPool({ engine, count: config.workers, timeoutMs: config.workerTimeoutMs, log });
  try {
    await pool.start();
  } catch (error) {
    throw new Error(`no media worker (${engine.workerBin}): ${error.message}`);
  }
  const rooms = new Rooms({ pool, engine, limits: config, log });
  const reaper = new Reaper({ rooms, idleMs: config.peerIdleS * 1000, log });
  const state = { draining: false };
  const app = createServer({ rooms, pool, state, log, maxBodyBytes: config.maxBodyBytes });
  await app.listen({ host: config.host, port: config.port });
  const { address, port, family } = app.server.address();
  reaper.start();
  log.info({
    address: family === 'IPv6' ? `[${address}]:${port}` : `${address}:${port}`,
    listenIp: config.listenIp,
    announcedAddress: config.announcedAddress,
    workers: pool.size,
    mediasoup: engine.version,
  }, 'listening');
  return { stop: () => stop({ app, pool, reaper, rooms, state, graceMs: config.shutdownGraceMs }) };
}

/**
 * Unready at once, so that gateways take their rooms elsewhere. Calls go on until they have, or
 * until the time of grace is over.
 */
async function stop({ app, pool, reaper, rooms, state, graceMs }) {
  state.draining = true;
  pool.retire();
  reaper.stop();
  const end = Date.now() + graceMs;
  while (rooms.size > 0 && Date.now() < end) await sleep(DRAIN_STEP_MS);
  await Promise.race([app.close(), sleep(CLOSE_TIMEOUT_MS)]);
  pool.close();
}
