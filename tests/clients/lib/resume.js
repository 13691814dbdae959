import assert from 'node:assert/strict';
import { connect } from './client.js';
import { party } from './rooms.js';
import { Proxy } from './proxy.js';
import { until } from './wait.js';

/**
 * A room in which the last one named reaches the gateway through a proxy.
 * @param {{after: (work: () => void) => void}} t
 * @param {import('./gateway.js').Gateway} gateway
 * @param {string[]} names
 * @param {import('./client.js').Options & {code?: string}} [options] for the one behind the proxy
 */
export async function partyWithProxy(t, gateway, names, options = {}) {
  const proxy = await Proxy.start(t, gateway);
  const code = options.code ?? `lossy-${proxy.url.split(':').at(-1)}-${process.pid}`;
  const others = await party(t, gateway, names.slice(0, -1), { code });
  const [lossy] = await party(t, gateway, names.slice(-1), { ...options, code, url: proxy.url });
  await Promise.all(others.map((other) => other.event('peer:joined', ({ peerId }) => peerId === lossy.peerId)));
  return { proxy, code, others, lossy };
}

/**
 * Cuts a client off without a word, and returns when the gateway has noticed.
 * @param {Proxy} proxy @param {import('./client.js').Client} witness another client of the gateway
 */
export async function lose(proxy, witness) {
  await proxy.cut();
  for (let beat = 0; beat < 5; beat += 1) await witness.ask('heartbeat');
}

/**
 * The same user on a new connection.
 * @param {{after: (work: () => void) => void}} t
 * @param {import('./gateway.js').Gateway} gateway
 * @param {import('./client.js').Client} former
 * @param {import('./client.js').Options} [options]
 */
export function comeBack(t, gateway, former, options = {}) {
  return connect(t, gateway, { sub: former.userId, username: former.username, kind: former.kind, ...options });
}

/** As {@link comeBack}, with the token that names the peer. */
export const comeBackAs = (t, gateway, former, options = {}) =>
  comeBack(t, gateway, former, { ...options, auth: { resumeToken: former.resumeToken } });

/** Tries without a token until the gateway has noticed the loss, and a waiting peer is found. */
export function resumesAtLast(t, gateway, former) {
  return until(async () => {
    const back = await comeBack(t, gateway, former);
    await back.ask('heartbeat');
    if (back.recorder.all('room:resumed').length) return back;
    back.close();
    return null;
  }, 'the lost connection is noticed');
}

/**
 * Checks that a client is the peer it was, and returns what it was told.
 * @param {import('./client.js').Client} client @param {import('./client.js').Client} former
 */
export async function assertResumed(client, former) {
  const resumed = await client.event('room:resumed');
  assert.equal(resumed.peerId, former.peerId);
  assert.equal(client.recorder.entries[0].event, 'room:resumed', 'it is the first thing told');
  client.peerId = resumed.peerId;
  client.resumeToken = resumed.resumeToken;
  return resumed;
}

/** Checks that a client starts anew: what comes before its first ack is nothing. */
export async function assertFresh(client) {
  assert.equal((await client.ask('heartbeat')).status, 'ok');
  assert.deepEqual(client.recorder.all('room:resumed'), []);
}
