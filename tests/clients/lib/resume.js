import assert from 'node:assert/strict';
import { connect } from './client.js';
import { announced, freshCode, party } from './rooms.js';
import { Proxy } from './proxy.js';
import { until } from './wait.js';

/**
 * A room in which the last one named reaches the gateway through a proxy.
 * @param {{after: (work: () => void) => void}} t
 * @param {import('./gateway.js').Gateway} gateway
 * @param {string[]} names
 * @param {import('./rooms.js').PartyOptions} [options] `nodes` are for the others, the rest for the one behind the proxy
 */
export async function partyWithProxy(t, gateway, names, { code = freshCode('lossy'), nodes, ...options } = {}) {
  const proxy = await Proxy.start(t, gateway);
  const others = await party(t, gateway, names.slice(0, -1), { code, nodes });
  const [lossy] = await party(t, gateway, names.slice(-1), { ...options, code, via: proxy });
  await announced(lossy, others);
  return { proxy, code, others, lossy };
}

/** Cuts a client off without a word, and returns when its gateway has noticed. @param {Proxy} proxy */
export async function lose(proxy) {
  await proxy.cut();
  for (let n = 0; n < 5; n += 1) await proxy.node.http('/livez');
}

/**
 * The same user on a new connection; of several nodes to another than before.
 * @param {{after: (work: () => void) => void}} t
 * @param {import('./gateway.js').Gateway} gateway
 * @param {import('./client.js').Client} former
 * @param {import('./client.js').Options} [options]
 */
export function comeBack(t, gateway, former, options = {}) {
  const { userId: sub, username, kind } = former;
  return connect(t, gateway.next(former.node), { sub, username, kind, ...options });
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

/**
 * Checks how much was made up for. If the peer was on another node than those who spoke, that node
 * may have heard their last words when the peer was already back, and it was told them then.
 * @param {{missed: number}} resumed @param {number} count @param {{node: import('./gateway.js').Gateway}[]} clients
 */
export function assertMissed({ missed }, count, clients) {
  const across = new Set(clients.map(({ node }) => node)).size > 1;
  assert.ok(across ? missed <= count : missed === count, `${missed} of ${count} were missed`);
}

/** Checks that a client starts anew: what comes before its first ack is nothing. */
export async function assertFresh(client) {
  assert.equal((await client.ask('heartbeat')).status, 'ok');
  assert.deepEqual(client.recorder.all('room:resumed'), []);
}

/**
 * Of connections that raced for one peer, waits for the one that holds it; the others are closed,
 * or of somebody outside the room.
 * @param {import('./client.js').Client[]} backs @param {import('./client.js').Client} former
 */
export async function theOneHolder(backs, former) {
  const holds = async (back) => {
    if (!back.socket.connected) return false;
    // It is answered when it is decided who the peer is: outside a room nobody can be unknown.
    const answer = await back.ask('webrtc:ice', { targetPeerId: 'nobody', candidate: null }).catch(() => null);
    const resumed = back.recorder.all('room:resumed').some(({ peerId }) => peerId === former.peerId);
    return resumed && back.socket.connected && answer?.code === 'PEER_NOT_FOUND';
  };
  const [holder] = await until(async () => {
    const holding = await Promise.all(backs.map(holds));
    const holders = backs.filter((_, index) => holding[index]);
    return holders.length === 1 ? holders : null;
  }, 'exactly one holds the peer');
  holder.peerId = former.peerId;
  return holder;
}
