import { setTimeout as sleep } from 'node:timers/promises';
import { createServer } from './http/server.js';
import { Engine } from './media/engine.js';
import { WorkerPool } from './media/pool.js';
import { Rooms } from './rooms.js';

/** How often it is looked whether the last room has gone while shutting down. */
const DRAIN_STEP_MS = 50;

/**
 * Starts workers and the HTTP API.
 * @param {ReturnType<typeof import('./config.js').loadConfig>} config
 * @param {import('pino').Logger} log
 */
export async function startService(config, log) {
  const engine = await Engine.load(config);
  const pool = new WorkerPool({ engine, count: config.workers, log });
  try {
    await pool.start();
  } catch (error) {
    throw new Error(`no media worker (${engine.workerBin}): ${error.message}`);
  }
  const rooms = new Rooms({ pool, engine, limits: config, log });
  const state = { draining: false };
  const app = createServer({ rooms, pool, state, log, maxBodyBytes: config.maxBodyBytes });
  await app.listen({ host: config.host, port: config.port });
  const { address, port, family } = app.server.address();
  log.info({
    address: family === 'IPv6' ? `[${address}]:${port}` : `${address}:${port}`,
    listenIp: config.listenIp,
    announcedAddress: config.announcedAddress,
    workers: pool.size,
    mediasoup: engine.version,
  }, 'listening');
  return { stop: () => stop({ app, pool, rooms, state, graceMs: config.shutdownGraceMs }) };
}

/**
 * Unready at once, so that gateways take their rooms elsewhere; calls go on until then, or until
 * the time of grace is over.
 */
async function stop({ app, pool, rooms, state, graceMs }) {
  state.draining = true;
  pool.retire();
  const end = Date.now() + graceMs;
  while (rooms.size > 0 && Date.now() < end) await sleep(DRAIN_STEP_MS);
  await app.close();
  pool.close();
}
