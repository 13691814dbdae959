import assert from 'node:assert/strict';
import { request } from 'node:http';
import { within } from '../../clients/lib/wait.js';
import { adminPort } from '../../sfu/lib/admin.js';

/** @typedef {import('../../clients/lib/gateway.js').Gateway} Gateway */

/** The keys of the tests' gateways, by who has them. */
export const KEYS = { shop: 'shop-0123456789abcdef', game: 'game-0123456789abcdef' };

/** As `API_KEY` wants them. */
export const API_KEY = Object.entries(KEYS).map(([name, key]) => `${name}:${key}`).join(',');

/** Where a node's API is. @param {Gateway} node */
export const apiUrl = (node) => `http://127.0.0.1:${adminPort(node)}`;

/**
 * One request to a node's admin listener. An error is checked to be a problem of RFC 9457.
 * @param {Gateway} node @param {string} path
 * @param {{method?: string, body?: unknown, key?: string | null, headers?: Record<string, string>}} [options]
 * @returns {Promise<{status: number, headers: import('node:http').IncomingHttpHeaders, text: string, body: any}>}
 */
export async function ask(node, path, { method = 'GET', body, key = KEYS.shop, headers = {} } = {}) {
  const all = {
    ...(key === null ? {} : { authorization: `Bearer ${key}` }),
    ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    ...headers,
  };
  const answer = new Promise((resolve, reject) => {
    const req = request(`${apiUrl(node)}${path}`, { method, headers: all, agent: false }, async (res) => {
      const chunks = [];
      for await (const chunk of res) chunks.push(chunk);
      const text = Buffer.concat(chunks).toString();
      resolve({ status: res.statusCode, headers: res.headers, text, body: text ? JSON.parse(text) : undefined });
    });
    req.on('error', reject);
    req.end(body === undefined ? undefined : typeof body === 'string' ? body : JSON.stringify(body));
  });
  const { status, headers: given, text, body: told } = await within(answer, `${method} ${path}`);
  if (status >= 400) {
    assert.equal(given['content-type'], 'application/problem+json', text);
    assert.equal(told.status, status);
    for (const field of ['type', 'title', 'detail', 'code']) assert.equal(typeof told[field], 'string', text);
  }
  return { status, headers: given, text, body: told };
}

/** @param {Gateway} node @param {object} event @param {object} [options] */
export const publish = (node, event, options = {}) =>
  ask(node, '/api/v1/publish', { method: 'POST', body: event, ...options });

/** @param {Gateway} node @param {string} user */
export const disconnect = (node, user, options = {}) =>
  ask(node, '/api/v1/disconnect', { method: 'POST', body: { user }, ...options });

/** Publishes, which must go well. */
export async function published(node, event, options) {
  const answer = await publish(node, event, options);
  assert.equal(answer.status, 202, answer.text);
  return answer;
}

/** A refusal as status and code. */
export const refusal = ({ status, body }) => [status, body?.code];

/** All rooms, page by page. @param {Gateway} node @param {number} limit */
export async function allRooms(node, limit) {
  const rooms = [];
  let cursor;
  do {
    const query = new URLSearchParams({ limit, ...(cursor === undefined ? {} : { cursor }) });
    const { status, body } = await ask(node, `/api/v1/rooms?${query}`);
    assert.equal(status, 200);
    assert.ok(body.rooms.length <= limit, 'no page is longer than asked for');
    rooms.push(...body.rooms);
    cursor = body.nextCursor;
  } while (cursor !== undefined);
  return rooms;
}

/** The lines that nodes wrote of who did what. @param {Gateway[]} nodes */
export const audit = (nodes) => nodes.flatMap(({ lines }) => lines).map((line) => JSON.parse(line))
  .filter(({ target }) => target === 'switchboard::audit').map(({ fields, ...rest }) => fields ?? rest);
