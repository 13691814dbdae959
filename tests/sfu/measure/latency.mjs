/**
 * What the gateway adds to a request that it passes on to the Media Service: the time a client waits, less the time
 * that the service had it. Beside it the same of a client that calls the service by itself.
 */
import { Agent, request } from 'node:http';
import { party } from '../../clients/lib/rooms.js';
import { Scene } from '../../cluster/measure/lib.mjs';
import { ROUTER_CAPABILITIES } from '../lib/parameters.js';
import { ok, openTransport, publish } from '../lib/session.js';
import { Stage } from '../lib/stage.js';

/** Fewer than a peer may have consumers. */
const REQUESTS = 1_500;
const WARM_UP = 300;
const SHARES = [0.5, 0.99];

/** Asks one after another; returns what is above the service's own time, in milliseconds, in order of size. */
async function added(stub, route, ask) {
  const times = [];
  for (let n = 0; n < WARM_UP + REQUESTS; n += 1) {
    const began = performance.now();
    await ask();
    const whole = performance.now() - began;
    const { spentMs } = stub.requests.findLast((seen) => seen.route === route && seen.at >= began);
    if (n >= WARM_UP) times.push(whole - spentMs);
  }
  return times.sort((a, b) => a - b);
}

/** A call of the service on a connection that is kept; resolves with its parsed answer, as a client would want it. */
function direct(agent, method, url, body = '') {
  return new Promise((resolve, reject) => {
    const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) };
    const req = request(url, { method, headers, agent }, async (res) => {
      const chunks = [];
      for await (const chunk of res) chunks.push(chunk);
      resolve(JSON.parse(Buffer.concat(chunks)));
    });
    req.on('error', reject).end(body);
  });
}

function row(what, times) {
  const figures = SHARES.map((share) => times[Math.floor(share * times.length)].toFixed(2).padStart(8));
  console.log(`  ${what.padEnd(52)}${figures.join('')}`);
}

const t = new Scene();
try {
  const stage = await Stage.set(t);
  const { gateway, stub } = stage;
  const [anna, bert] = await party(t, gateway, ['anna', 'bert'], { code: stage.sfuCode() });
  const [{ roomId }] = anna.recorder.all('room:joined');
  const { transportId, producerId } = await publish(anna);
  const recvId = await openTransport(bert, 'recv');
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const room = `${stub.url}/rooms/${encodeURIComponent(roomId)}`;
  const consume = { transportId: recvId, producerId, rtpCapabilities: ROUTER_CAPABILITIES };
  const rows = [
    ['sfu_restart_ice', 'restartIce', () => ok(anna, 'sfu_restart_ice', { transportId })],
    ['  past the gateway', 'restartIce', () =>
      direct(agent, 'POST', `${room}/broadcasters/${anna.peerId}/transports/${transportId}/restart-ice`, '{}')],
    ['sfu_get_router_capabilities (2 kB back)', 'capabilities', () => ok(anna, 'sfu_get_router_capabilities')],
    ['  past the gateway', 'capabilities', () => direct(agent, 'GET', room)],
    ['sfu_consume (2 kB there, 1 kB back)', 'consume', () => ok(bert, 'sfu_consume', consume)],
    ['  past the gateway', 'consume', () => direct(agent, 'POST',
      `${room}/broadcasters/${bert.peerId}/transports/${recvId}/consume?producerId=${encodeURIComponent(producerId)}`,
      JSON.stringify({ rtpCapabilities: ROUTER_CAPABILITIES }))],
  ];
  console.log(`Added to each of ${REQUESTS} requests, one after another, in ms     p50     p99`);
  for (const [what, route, ask] of rows) row(what, await added(stub, route, ask));
  agent.destroy();
} finally {
  await t.end();
}
process.exit(0);
