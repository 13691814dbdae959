import assert from 'node:assert/strict';
import { connect } from './client.js';

/** @typedef {import('./client.js').Client} Client */

let counter = 0;

/** A room code no other test of this process uses. */
export function freshCode(prefix = 'room') {
  counter += 1;
  return `${prefix}-${process.pid}-${counter}`;
}

/** Joins, checks that it went well, and keeps the peer's id. @param {Client} client */
export async function join(client, roomCode) {
  const answer = await client.ask('join:room', { roomCode });
  assert.equal(answer.status, 'ok', JSON.stringify(answer));
  client.peerId = answer.peerId;
  client.resumeToken = answer.resumeToken;
  return answer;
}

/** Resolves when each of `earlier` has heard of the newcomer. @param {Client} newcomer @param {Client[]} earlier */
export const announced = (newcomer, earlier) => Promise.all(earlier.map((client) =>
  client.event('peer:joined', ({ peerId }) => peerId === newcomer.peerId)));

/**
 * Resolves when each of `clients` has heard that this one left: what one node decided the others hear later.
 * @param {Client[]} clients @param {{peerId: string}} gone
 */
export const toldLeft = (clients, gone) => Promise.all(clients.map((client) =>
  client.event('peer:left', ({ peerId }) => peerId === gone.peerId)));

/**
 * @typedef {import('./client.js').Options & {code?: string, nodes?: import('./gateway.js').Gateway[]}} PartyOptions
 * `nodes`: one for each name, where it matters who is on which
 */

/**
 * Connects one client per name and brings them into one room, in that order;
 * all have seen all when this returns.
 * @param {{after: (work: () => void) => void}} t
 * @param {import('./gateway.js').Gateway} gateway
 * @param {string[]} names
 * @param {PartyOptions} [options]
 * @returns {Promise<Client[]>}
 */
export async function party(t, gateway, names, { code = freshCode(), nodes = [], ...options } = {}) {
  const clients = await Promise.all(names.map((username, index) =>
    connect(t, nodes[index] ?? gateway, { ...options, username })));
  for (const [index, client] of clients.entries()) {
    await join(client, code);
    await announced(client, clients.slice(0, index));
  }
  return clients;
}

/**
 * Waits until all that was sent to `listeners` before has reached them: a chat takes the same path.
 * Nodes keep an order among what comes from one of them, so if there are several each client speaks.
 * @param {Client} speaker @param {Client[]} listeners
 */
export async function settle(speaker, ...listeners) {
  const clients = new Set([speaker, ...listeners]);
  const nodes = new Set([...clients].map(({ node }) => node));
  await Promise.all(nodes.size === 1 ? [barrier(speaker, listeners)] : [...clients].map((client) => barrier(client, listeners)));
}

async function barrier(speaker, listeners) {
  counter += 1;
  const content = `barrier ${process.pid} ${counter}`;
  const answer = await speaker.ask('chat_message', { content });
  assert.equal(answer.status, 'ok', JSON.stringify(answer));
  await Promise.all(listeners.map((listener) => listener.event('chat_message', (chat) => chat.content === content)));
}

/** Entries that are no barrier. @param {Client} client @param {number} mark */
export function sawSince(client, mark) {
  return client.recorder.since(mark).filter(({ event, args }) =>
    !event.startsWith('ack ') && !(event === 'chat_message' && String(args[0]?.content).startsWith('barrier ')));
}

/**
 * Does something and checks that the listeners are told nothing of it.
 * @param {Client} speaker someone in the listeners' room
 * @param {Client[]} listeners
 * @param {() => Promise<unknown>} action
 */
export async function unnoticed(speaker, listeners, action) {
  const marks = listeners.map((listener) => listener.mark());
  await action();
  await settle(speaker, ...listeners);
  listeners.forEach((listener, index) => assert.deepEqual(sawSince(listener, marks[index]), []));
}

/**
 * Checks a refusal in an ack.
 * @param {any} answer @param {string} code @param {RegExp} [message]
 */
export function assertRefused(answer, code, message = /./) {
  assert.equal(answer?.status, 'error', JSON.stringify(answer));
  assert.equal(answer.code, code, JSON.stringify(answer));
  assert.match(answer.message, message);
  assert.equal(typeof answer.retryable, 'boolean');
}

/** An `sdp` body of a realistic shape. */
export const description = (type, extra = {}) => ({ type, sdp: 'v=0\r\no=- 46117 2 IN IP4 0.0.0.0\r\ns=-\r\n', ...extra });
