/** What must hold between clients, gateways and Media Services when nothing fails and nobody does anything. */

/** @typedef {import('./player.js').Player} Player */

const sorted = (ids) => [...ids].sort().join();

/** What a player is told of its room, and whether it can use it; a player that has to makes a new session. @returns {Promise<object | string>} or what is wrong */
async function viewOf(player) {
  if (!player.client.socket.connected) {
    await player.comeBack();
    return `${player.username} was not connected`;
  }
  const room = await player.enter(player.code);
  if (!room) return `${player.username} cannot join`;
  if (room.mode === 'sfu') {
    const [transportId] = player.transports.slice(-1);
    const { status } = transportId
      ? await player.ask('sfu_restart_ice', { transportId })
      : await player.ask('sfu_create_transport', { direction: 'send' }).then((made) => {
        if (made.status === 'ok') player.transports.push(made.id);
        return made.message === 'too many transports' ? { status: 'ok' } : made;
      });
    if (status !== 'ok') {
      player.transports = [];
      return `${player.username} cannot use its session`;
    }
  }
  return { player, ...room, peerIds: room.peers.map(({ id }) => id), producers: room.producers ?? [] };
}

/** What is wrong with one room, in words. @param {any[]} views @param {import('./media-stub.js').MediaStub[]} media */
function* disorderIn(views, media) {
  if (new Set(views.map(({ mode }) => mode)).size > 1) yield `modes differ in ${views[0].roomCode}`;
  const all = new Map(views.flatMap(({ producers }) => producers.map((each) => [each.producerId, each])));
  for (const { player, peerIds, producers } of views) {
    const others = views.map((view) => view.player.client.peerId).filter((id) => id !== player.client.peerId);
    if (sorted(others) !== sorted(peerIds)) yield `${player.username} sees other peers than are there`;
    const expected = [...all.values()].filter(({ peerId }) => peerId !== player.client.peerId);
    if (sorted(expected.map((each) => each.producerId)) !== sorted(producers.map((each) => each.producerId))) {
      yield `${player.username} sees other producers than others do`;
    }
  }
  for (const { producerId, peerId } of all.values()) {
    const places = media.filter(({ rooms }) => rooms.get(views[0].roomId)?.get(peerId)?.producers.has(producerId));
    if (places.length !== 1) yield `${producerId} of ${peerId} is at ${places.length} media services`;
  }
}

/** Broadcasters that nobody has, or has elsewhere. */
function* strays(views, media) {
  const owners = new Map(views.map((view) => [view.player.client.peerId, view]));
  const seen = new Set();
  for (const { rooms } of media) {
    for (const [roomId, room] of rooms) {
      for (const peerId of room.keys()) {
        const owner = owners.get(peerId);
        if (owner?.roomId !== roomId || owner.mode !== 'sfu') yield `the broadcaster of ${peerId} in ${roomId} is nobody's`;
        if (seen.has(peerId)) yield `${peerId} has two broadcasters`;
        seen.add(peerId);
      }
    }
  }
}

/**
 * Everything that is not as it should be.
 * @param {Player[]} players @param {import('./media-stub.js').MediaStub[]} media @returns {Promise<string[]>}
 */
export async function disorder(players, media) {
  const told = [];
  for (const player of players.filter(({ code }) => code)) told.push(await viewOf(player));
  const views = told.filter((each) => typeof each !== 'string');
  const rooms = new Map();
  for (const view of views) rooms.set(view.roomId, [...rooms.get(view.roomId) ?? [], view]);
  return [
    ...told.filter((each) => typeof each === 'string'),
    ...[...rooms.values()].flatMap((each) => [...disorderIn(each, media)]),
    ...strays(views, media),
  ];
}
