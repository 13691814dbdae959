import assert from 'node:assert/strict';
import { startNode } from '../../clients/lib/gateway.js';
import { Identity } from '../../clients/lib/identity.js';

/** Addresses where nobody listens, for tests that ask nobody. */
export const NOWHERE = 'turn:127.0.0.1:9?transport=udp,stun:127.0.0.1:9,turns:turn.example?transport=tcp';

/**
 * A gateway that knows TURN servers.
 * @param {{after: (work: () => unknown) => void}} t @param {Record<string, string | undefined>} [env]
 */
export async function gatewayWith(t, env = {}) {
  const gateway = await startNode({ TURN_URIS: NOWHERE, TURN_SECRET: 'north-of-the-border', RECONNECT_WINDOW_MS: '60000', ...env }, new Identity());
  t.after(() => gateway.kill());
  return gateway;
}

/** Asks for credentials as a user. @param {import('../../clients/lib/gateway.js').Gateway} gateway */
export async function credentialsOf(gateway, sub) {
  const headers = { authorization: `Bearer ${await gateway.identity.token({ sub })}` };
  const answer = await gateway.http('/turn-credentials', { headers });
  assert.equal(answer.status, 200, answer.text);
  return answer.json();
}

/** The credentials in a list for browsers. */
export function credentialsIn(iceServers) {
  const { username, credential } = iceServers.find((server) => server.username);
  return { username, password: credential };
}

export const seconds = () => Date.now() / 1000;

/** When credentials expire, in seconds since the epoch. */
export const expiryOf = ({ username }) => Number(username.split(':')[0]);
