import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { connect, PLAIN_KINDS } from '../lib/client.js';
import { startGateway } from '../lib/gateway.js';
import { announced, freshCode, join } from '../lib/rooms.js';

const ROOMS = 5;
const PEERS_PER_ROOM = 4;
const EVENTS = 500;

const gateway = await startGateway();
after(() => gateway.kill());

const isChat = (n) => n % 5 === 3;

/** A burst in one go: chats to all, offers and candidates to one target. */
function burst(sender, target) {
  for (let n = 0; n < EVENTS; n += 1) {
    if (isChat(n)) sender.send('chat_message', { content: `n ${n}` });
    else if (n % 5 === 0) sender.send('webrtc:offer', { targetPeerId: target.peerId, offer: { type: 'offer', n } });
    else sender.send('webrtc:ice', { targetPeerId: target.peerId, candidate: `n ${n}` });
  }
}

/** The numbers a client saw from one sender, in order of arrival, whatever carried them. */
function numbersFrom(sender, client) {
  const numbers = [];
  for (const { event, args: [payload] } of client.recorder.entries) {
    if (event === 'chat_message' && payload.peerId === sender.peerId) numbers.push(Number(payload.content.slice(2)));
    if (event === 'webrtc:offer' && payload.from === sender.peerId) numbers.push(payload.offer.n);
    if (event === 'webrtc:ice' && payload.from === sender.peerId) numbers.push(Number(payload.candidate.slice(2)));
  }
  return numbers;
}

async function openRoom(t, kinds) {
  const code = freshCode();
  const peers = [];
  for (const kind of kinds) {
    const client = await connect(t, gateway, { kind });
    await join(client, code);
    await announced(client, peers);
    peers.push(client);
  }
  return peers;
}

const nextOf = (peers, index) => peers[(index + 1) % peers.length];

async function burstsArriveInOrder(t, kindsOfRoom) {
  const rooms = await Promise.all(Array.from({ length: ROOMS }, (_, room) => openRoom(t, kindsOfRoom(room))));
  for (const peers of rooms) peers.forEach((peer, index) => burst(peer, nextOf(peers, index)));
  await Promise.all(rooms.flat().map((peer) => peer.ask('chat_message', { content: `n ${EVENTS}` })));

  const all = Array.from({ length: EVENTS + 1 }, (_, n) => n);
  const chats = all.filter((n) => isChat(n) || n === EVENTS);
  for (const peers of rooms) {
    for (const [index, sender] of peers.entries()) {
      for (const receiver of peers) {
        await receiver.event('chat_message', (chat) => chat.peerId === sender.peerId && chat.content === `n ${EVENTS}`);
        const expected = receiver === nextOf(peers, index) ? all : chats;
        assert.deepEqual(numbersFrom(sender, receiver), expected);
      }
    }
  }
}

describe(`${EVENTS} mixed events from each of ${ROOMS * PEERS_PER_ROOM} sockets arrive complete and in order`, () => {
  for (const transport of ['websocket', 'polling', 'upgrade']) {
    test(`all by ${transport}`, (t) =>
      burstsArriveInOrder(t, () => Array(PEERS_PER_ROOM).fill({ version: 4, transport })));
  }

  test('client versions and transports mixed', (t) =>
    burstsArriveInOrder(t, (room) =>
      Array.from({ length: PEERS_PER_ROOM }, (_, peer) => PLAIN_KINDS[(room * PEERS_PER_ROOM + peer) % PLAIN_KINDS.length])));

  test('a burst that starts before the upgrade goes on after it', async (t) => {
    const code = freshCode();
    const receiver = await connect(t, gateway);
    await join(receiver, code);
    const early = (socket) => socket.on('connect', () => {
      socket.emit('join:room', { roomCode: code });
      for (let n = 0; n < EVENTS; n += 1) socket.emit('chat_message', { content: `n ${n}` });
    });
    const sender = await connect(t, gateway, { kind: { version: 4, transport: 'upgrade' }, prepare: early });
    for (let n = EVENTS; n < 2 * EVENTS; n += 1) sender.send('chat_message', { content: `n ${n}` });
    await receiver.event('chat_message', ({ content }) => content === `n ${2 * EVENTS - 1}`);
    sender.peerId = sender.recorder.all('room:joined')[0].peerId;
    assert.deepEqual(numbersFrom(sender, receiver), Array.from({ length: 2 * EVENTS }, (_, n) => n));
  });

  test('a burst towards a client that is just upgrading', async (t) => {
    for (const version of [4, 3, 2]) {
      await Promise.all(Array.from({ length: 5 }, () => burstMeetsUpgrade(t, version)));
    }
  });
});

/** The receiver joins at once, by polling; the burst comes while its upgrade is under way. */
async function burstMeetsUpgrade(t, version) {
  const code = freshCode();
  const sender = await connect(t, gateway);
  await join(sender, code);
  const bursting = sender.event('peer:joined').then(({ peerId }) => burst(sender, { peerId }));
  const early = (socket) => socket.on('connect', () => socket.emit('join:room', { roomCode: code }));
  const receiver = await connect(t, gateway, { kind: { version, transport: 'upgrade' }, prepare: early });
  await bursting;
  await sender.ask('chat_message', { content: `n ${EVENTS}` });
  await receiver.event('chat_message', ({ content }) => content === `n ${EVENTS}`);
  assert.deepEqual(numbersFrom(sender, receiver), Array.from({ length: EVENTS + 1 }, (_, n) => n));
}
