import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { Proxy } from '../../clients/lib/proxy.js';
import { lose } from '../../clients/lib/resume.js';
import { freshCode } from '../../clients/lib/rooms.js';
import { SignalGuest } from './signal.js';
import { SocketGuest } from './socketio.js';
import { WsGuest } from './ws.js';

/** @typedef {import('./guest.js').Guest} Guest */
/** @typedef {typeof SocketGuest | typeof SignalGuest | typeof WsGuest} Kind */

/** All protocols. @type {Kind[]} */
export const KINDS = [SocketGuest, SignalGuest, WsGuest];

/** Those without Socket.IO. @type {Kind[]} */
export const RAW_KINDS = [SignalGuest, WsGuest];

/**
 * @typedef {object} Place
 * @property {import('../../clients/lib/gateway.js').Gateway} [node]
 * @property {string} [code]
 * @property {Proxy} [via]
 * @property {string} [userId]
 * @property {string} [alias]
 */

/** A user that no other test has: one that waits for its client somewhere would be taken for it. @param {string} name */
export const freshUser = (name) => `${name}-${randomUUID()}`;

/** Brings one guest into a room. @param {Kind} kind @param {string} username @param {Place} [place] @returns {Promise<Guest>} */
export async function enter(t, gateway, kind, username, { node, code = freshCode(), via, userId, alias } = {}) {
  const who = { userId: userId ?? freshUser(username), username, ...(alias === undefined ? {} : { alias }) };
  const guest = await kind.arrive(t, node ?? gateway, who, { code, via });
  await guest.hears('joined');
  return guest;
}

/** Resolves when each has heard of the newcomer. @param {Guest} newcomer @param {Guest[]} earlier */
export const announced = (newcomer, earlier) => Promise.all(earlier.map((guest) =>
  guest.hears('peer-joined', ({ peerId }) => peerId === newcomer.peerId)));

/**
 * Brings guests into one room, one after another; all have seen all when this returns.
 * @param {[Kind, string, Place?][]} list
 * @param {string} [code]
 * @returns {Promise<Guest[]>}
 */
export async function gather(t, gateway, list, code = freshCode()) {
  const guests = [];
  for (const [kind, username, place = {}] of list) {
    const guest = await enter(t, gateway, kind, username, { code, ...place });
    await announced(guest, guests);
    guests.push(guest);
  }
  return guests;
}

/** As {@link gather}, the last one being behind a proxy. */
export async function gatherLossy(t, gateway, list, code = freshCode()) {
  const [kind, username, place = {}] = list.at(-1);
  const via = await Proxy.start(t, place.node ?? gateway);
  const guests = await gather(t, gateway, [...list.slice(0, -1), [kind, username, { ...place, via }]], code);
  return { code, others: guests.slice(0, -1), lossy: guests.at(-1), lose: () => lose(via), proxy: via };
}

/**
 * The same user on a new connection of the same kind; of several nodes on another than before.
 * @param {Guest} former
 * @param {{by?: 'query' | 'frame' | 'nothing', token?: string, node?: any, via?: Proxy, await?: boolean}} [how]
 * @returns {Promise<Guest>} one that has been told whether it is the former peer
 */
export async function comeBack(t, gateway, former, { by = 'query', token = former.resumeToken, node, via } = {}) {
  const { userId, username, alias, code } = former;
  const who = { userId, username, ...(alias === undefined ? {} : { alias }) };
  const resume = { by, token: by === 'nothing' ? undefined : token };
  const kind = /** @type {Kind} */ (former.constructor);
  return kind.arrive(t, node ?? gateway.next(former.node), who, { code, via, resume });
}

/** Checks that a guest is the peer it was, and was told this first. @param {Guest} guest @param {Guest} former */
export async function assertResumed(guest, former) {
  const resumed = await guest.hears('resumed');
  assert.equal(resumed.peerId, former.peerId);
  assert.equal(resumed.roomId, former.roomId);
  assert.equal(guest.heard.entries[0].event, 'resumed', 'it is the first thing told');
  return resumed;
}

/** A description of some length, with what tends to get lost on the way. @param {string} type @param {number} [bytes] */
export function description(type, bytes = 0) {
  const line = 'a=candidate:1 1 udp 2122260223 192.0.2.1 61665 typ host generation 0\r\n';
  const sdp = `v=0\r\no=- 46117 2 IN IP4 0.0.0.0\r\ns=Zoë 👩‍🚀 \u2028 שלום "quoted" \\ \u0001\r\n${line.repeat(Math.ceil(bytes / line.length))}`;
  return { type, sdp, extra: { n: 1.5e300, big: 9007199254740993n.toString(), list: [null, true, { '': '' }], 'ключ': '値' } };
}
