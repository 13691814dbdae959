/** @typedef {import('./world.js').World} World */

const MIB = 1024;

const list = (pairs) => pairs.map(([what, many]) => `${what} ${many}`).join(', ') || 'none';
const mib = (kib) => kib.map((each) => Math.round(each / MIB)).join(' / ');
/** What was wrong, by kind; and in brackets what was excused. */
function wrongs(books, ...kinds) {
  const wrong = kinds.reduce((sum, kind) => sum + (books.wrongs.get(kind)?.length ?? 0), 0);
  const excused = kinds.reduce((sum, kind) => sum + books.of(`excused ${kind}`), 0);
  return excused ? `${wrong} (a node having been without Redis, or lost: ${excused})` : `${wrong}`;
}

/** Clients by what they speak. @param {World} world */
function byProtocol({ users }) {
  const counts = new Map();
  for (const { Line: { protocol } } of users) counts.set(protocol, (counts.get(protocol) ?? 0) + 1);
  return list([...counts]);
}

/** What happened, as a table. @param {World} world @param {{memory: import('./census.js').Memory[], seconds: number}} more */
export function report(world, { memory, seconds }) {
  const { books } = world;
  const of = (what) => books.of(what);
  const rows = [
    ['seconds', seconds],
    ['clients', byProtocol(world)],
    ['faults', list(books.under('fault '))],
    ['connections', `${of('connections')}, again ${of('connections again')}, of which cut by the client ${of('cut by itself')}, failed ${of('arrivals failed')}`],
    ['joins, resumes', `${of('joins')}, ${of('resumes')}`],
    ['farewells, kicks, hosts made', `${of('farewells')}, ${of('kicked')}, ${of('hosts appointed')}`],
    ['relays sent, heard', `${of('relays sent')}, ${of('relays heard')} (late after a move ${of('relays late after a move')})`],
    ['relays twice, out of order, of or to another', `${wrongs(books, 'relay twice')}, ${wrongs(books, 'relay out of order')}, ${wrongs(books, 'relay from another', 'relay to another')}`],
    ['chats said, again, acked, stored', `${of('chats said')}, ${of('chats said again')}, ${of('chats acked')}, ${of('chats stored')}`],
    ['chats lost, twice, out of order', `${wrongs(books, 'chat lost')}, ${wrongs(books, 'chat stored twice')}, ${wrongs(books, 'chat out of order')}`],
    ['chats heard, again after a move, twice', `${of('chats heard')}, ${of('chats heard again after a move')}, ${wrongs(books, 'chat heard twice')}`],
    ['SFU requests done, refused', `${of('SFU requests done')}; ${list(books.under('SFU requests refused '))}`],
    ['refused', list(books.under('refused '))],
    ['last words, not heard', `${of('last words')}, ${wrongs(books, 'not heard')}`],
    ['ghosts', wrongs(books, 'ghosts', 'ghosts when asked again', 'left in Redis')],
    ['broadcasters left at the Media Service', of('broadcasters left')],
    ['joined twice, left twice', `${wrongs(books, 'joined twice')}, ${wrongs(books, 'left twice')}`],
    ['stuck sockets and sessions', wrongs(books, 'stuck')],
    ['errors in logs, warnings', `${wrongs(books, 'logs')}, ${of('warnings')}`],
    ...memory.map(({ before, during, after }, n) => [
      `MiB of each node in act ${n + 1}`, `${mib(before)} before faults, ${mib(during)} after, ${mib(after)} without clients`,
    ]),
  ];
  return ['| | |', '|---|---|', ...rows.map((cells) => `| ${cells.join(' | ')} |`)].join('\n');
}
