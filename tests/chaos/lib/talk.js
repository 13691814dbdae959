import { until } from '../../clients/lib/wait.js';
import { BOUND_MS } from './world.js';

/** @typedef {import('./world.js').World} World */
/** @typedef {import('./user.js').User} User */

const roommates = (users, user) =>
  users.filter((other) => other !== user && other.membership.roomId === user.membership.roomId);

/**
 * When nothing fails all must be heard: each says something to its room and to each in it.
 * @param {World} world @param {User[]} users
 */
export async function checkTalk({ books }, users) {
  const letters = users.flatMap((user) => roommates(users, user).map((other) => {
    const [from, to] = [user.membership.peerId, other.membership.peerId];
    user.line.signal('offer', to, user.letters.write('offer', from, to, user.lines));
    return { other, from, to, n: user.letters.written(from, to) };
  }));
  const words = await Promise.all(users.map(async (user) => ({ user, id: await user.speaker.say() })));
  const unread = () => letters.filter(({ other, from, to, n }) => !other.letters.has(from, to, n));
  const unheard = () => words.flatMap(({ user, id }) =>
    [user, ...roommates(users, user)].filter(({ speaker }) => !speaker.has(id)).map(({ sub }) => `${sub} never heard ${user.sub}`));
  const all = () => unread().length === 0 && unheard().length === 0;
  await until(all, 'all are heard', BOUND_MS).catch(() => {
    for (const { other, from } of unread()) books.wrong('not heard', `${other.sub} got no relay of ${from}`);
    for (const each of unheard()) books.wrong('not heard', each);
  });
  books.count('last words', letters.length + words.length);
}

/** What became of all that was said: stored once, in order. @param {World} world @param {User[]} users */
export function checkChat(world, users) {
  const { books, chat } = world;
  const acked = new Map(users.flatMap(({ speaker }) => [...speaker.acked]));
  for (const [name, { id, roomId }] of acked) {
    if (!chat.rooms.get(roomId)?.has(id)) books.wrong('chat lost', `${name}, which was acknowledged as ${id} in ${roomId}`);
  }
  const times = new Map();
  for (const room of chat.rooms.values()) {
    for (const message of room.values()) times.set(message.clientMessageId, [...times.get(message.clientMessageId) ?? [], message]);
  }
  books.counts.set('chats stored', chat.count);
  for (const [name, messages] of times) {
    if (messages.length === 1) continue;
    const at = messages.map(({ timestamp }) => timestamp);
    // A node cannot know of what is said to another while one of them is without Redis.
    books.wrong('chat stored twice', `${name} as ${messages.map(({ id }) => id)}`, world.troubled(Math.min(...at), Math.max(...at)));
  }
  checkOrder(world);
}

/** That each sender's messages are stored in the order in which they were said. */
function checkOrder(world) {
  const { books, chat } = world;
  for (const [roomId, room] of chat.rooms) {
    const last = new Map();
    for (const { senderId, content, timestamp } of room.values()) {
      const n = Number(content.slice(senderId.length + 1));
      const before = last.get(senderId);
      if (before && n < before.n) {
        const words = `${content} (${timestamp}) after ${before.n} (${before.timestamp}) in ${roomId}`;
        // What waits in a node that is without Redis is overtaken by what its sender says elsewhere.
        books.wrong('chat out of order', words, world.troubled(timestamp, before.timestamp));
      }
      last.set(senderId, { n, timestamp });
    }
  }
}
