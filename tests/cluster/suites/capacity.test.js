import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { connect } from '../../clients/lib/client.js';
import { assertRefused, freshCode, join, toldLeft } from '../../clients/lib/rooms.js';
import { mapLimited, until } from '../../clients/lib/wait.js';
import { sharedCluster } from '../lib/fixture.js';
import { assertSameRoom, spread, spreadWithProxy, untilAgreed } from '../lib/peers.js';

const CAPACITY = 10;
const RACERS = 1_000;

const { cluster } = await sharedCluster({ env: { RECONNECT_WINDOW_MS: '500' } });

const names = (count) => Array.from({ length: count }, (_, n) => `peer ${n}`);
const crowd = (t, count) => mapLimited(names(count), 25, (username, index) => connect(t, cluster.nodes[index % 3], { username }));

/** All ask at once; returns who got in and who did not. */
async function race(clients, code) {
  const answers = await Promise.all(clients.map((client) => client.ask('join:room', { roomCode: code })));
  const admitted = [];
  const refused = [];
  for (const [index, answer] of answers.entries()) {
    if (answer.status === 'ok') admitted.push(Object.assign(clients[index], { peerId: answer.peerId }));
    else refused.push({ client: clients[index], answer });
  }
  return { admitted, refused };
}

/** Tries until the room has a place; it gets free a moment after the others have heard of it. */
const getsIn = (client, code) => until(async () => {
  const answer = await client.ask('join:room', { roomCode: code });
  if (answer.status === 'ok') client.peerId = answer.peerId;
  return answer.status === 'ok';
}, 'a place is free');

describe(`a room of ${CAPACITY} places over three nodes`, () => {
  test(`${RACERS} joins at once admit exactly ${CAPACITY}, who all see each other`, async (t) => {
    const code = freshCode();
    const { admitted, refused } = await race(await crowd(t, RACERS), code);
    assert.equal(admitted.length, CAPACITY);
    for (const { answer } of refused) assertRefused(answer, 'ROOM_FULL');
    await untilAgreed(admitted);
    await assertSameRoom(admitted, code);
  });

  test('many small rooms filled at once each admit as many', async (t) => {
    const rooms = await Promise.all(Array.from({ length: 5 }, async () => {
      const code = freshCode();
      return { code, ...await race(await crowd(t, 24), code) };
    }));
    for (const { admitted, code } of rooms) {
      assert.equal(admitted.length, CAPACITY);
      await untilAgreed(admitted);
      await assertSameRoom(admitted, code);
    }
  });

  test('is full on every node, and not for those within', async (t) => {
    const code = freshCode();
    const clients = await spread(t, cluster, names(CAPACITY), { code });
    for (const node of cluster.nodes) {
      assertRefused(await (await connect(t, node)).ask('join:room', { roomCode: code }), 'ROOM_FULL');
    }
    assert.equal((await join(clients[4], code)).peerId, clients[4].peerId);
  });
});

describe('a place in a full room over three nodes', () => {
  test('a place that is left can be taken on another node, by one', async (t) => {
    const code = freshCode();
    const clients = await spread(t, cluster, names(CAPACITY), { code });
    const staying = clients.filter((client) => client !== clients[1]);
    await clients[1].ask('leave:room');
    await toldLeft(staying, clients[1]);
    const { admitted } = await race(await crowd(t, 9), code);
    assert.equal(admitted.length, 1);
    await untilAgreed([...staying, ...admitted]);
  });

  test('a place of a kicked peer can be taken on another node', async (t) => {
    const code = freshCode();
    const [host, ...guests] = await spread(t, cluster, names(CAPACITY), { code });
    await host.ask('peer:kick', { targetPeerId: guests[0].peerId });
    await guests[0].event('room:kicked');
    await getsIn(await connect(t, cluster.nodes[2]), code);
  });

  test('a lost peer keeps its place through its window, then it can be taken on another node', async (t) => {
    const code = freshCode();
    const { proxy, others } = await spreadWithProxy(t, cluster, names(CAPACITY), { code });
    const late = await connect(t, cluster.nodes[1]);
    assertRefused(await late.ask('join:room', { roomCode: code }), 'ROOM_FULL');
    await proxy.cut();
    await getsIn(late, code);
    await untilAgreed([...others, late]);
    for (const other of others) assert.equal(other.recorder.all('peer:left').length, 1);
  });

  test('a refused join leaves nothing behind', async (t) => {
    const code = freshCode();
    const clients = await spread(t, cluster, names(CAPACITY), { code });
    const late = await connect(t, cluster.nodes[0]);
    for (let n = 0; n < 30; n += 1) assertRefused(await late.ask('join:room', { roomCode: code }), 'ROOM_FULL');
    await Promise.all(clients.slice(1).map((client) => client.ask('leave:room')));
    await getsIn(late, code);
    await untilAgreed([clients[0], late]);
  });
});
