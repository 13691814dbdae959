import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { connect } from '../../clients/lib/client.js';
import { announced, assertRefused, join, party, settle } from '../../clients/lib/rooms.js';
import { until } from '../../clients/lib/wait.js';
import { modesSeenBy, ok, openTransport, producersSeenBy, publish, subscribe } from '../lib/session.js';
import { forTheSuite, mediaAvailable, mediaMissed, Stage } from '../lib/stage.js';

const suite = forTheSuite();
/** A fourth is one too many. */
const small = await Stage.set(suite, { env: { MAX_P2P_PEERS: '3' } });

const TO_SFU = { mode: 'sfu', reason: 'capacity' };
const names = (count) => Array.from({ length: count }, (_, n) => `peer ${n}`);

/** Checks that a client was told of the change once, and before it was told of anybody beyond the limit. */
function assertToldBefore(client, limit) {
  const { entries } = client.recorder;
  const [{ peers }] = client.recorder.all('room:joined');
  const change = entries.findIndex(({ event }) => event === 'room:mode');
  assert.deepEqual(modesSeenBy(client), [TO_SFU], client.username);
  const known = 1 + peers.length + entries.slice(0, change).filter(({ event }) => event === 'peer:joined').length;
  assert.ok(known <= limit, `${client.username} knew ${known} before it was told`);
}

describe('one peer more than a p2p room holds', { concurrency: 4 }, () => {
  test('turns it sfu: those inside are told before they are told of the newcomer, once; the newcomer finds it so', async (t) => {
    const code = small.p2pCode();
    const inside = await small.party(t, names(3), { code });
    for (const client of inside) assert.equal(client.recorder.all('room:joined')[0].mode, 'p2p');
    const [late] = await small.party(t, ['late'], { code });
    for (const client of inside) await announced(late, [client]);
    const joined = await late.event('room:joined');
    assert.equal(joined.mode, 'sfu');
    assert.deepEqual(joined.producers, []);
    await settle(late, late, ...inside);
    for (const client of inside) assertToldBefore(client, 3);
    assert.equal(inside[0].recorder.all('room:mode')[0].roomId, joined.roomId);
    assert.deepEqual(modesSeenBy(late), []);
    const { producerId } = await publish(inside[0]);
    await late.event('sfu_new_producer');
    await subscribe(late, producerId);
  });

  test('is the eleventh, if nothing else is said', async (t) => {
    const own = await Stage.set(t);
    const code = own.p2pCode();
    const inside = await own.party(t, names(10), { code });
    for (const client of inside) assert.deepEqual(modesSeenBy(client), []);
    const [late] = await own.party(t, ['late'], { code });
    assert.equal(late.recorder.all('room:joined')[0].mode, 'sfu');
    await settle(late, late, ...inside);
    for (const client of inside) assertToldBefore(client, 10);
  });

  test('is one of many at once: everybody is told once, or finds it so', async (t) => {
    const code = small.p2pCode();
    const clients = await Promise.all(names(12).map((username) => connect(t, small.gateway, { username })));
    const answers = await Promise.all(clients.map((client) => join(client, code)));
    await until(() => clients.every((client) => {
      const [{ peers }] = client.recorder.all('room:joined');
      return peers.length + client.recorder.all('peer:joined').length === 11;
    }), 'everybody knows everybody');
    await settle(clients[0], ...clients);
    assert.equal(answers.filter(({ mode }) => mode === 'p2p').length, 3);
    for (const [index, client] of clients.entries()) {
      if (answers[index].mode === 'p2p') assertToldBefore(client, 3);
      else assert.deepEqual(modesSeenBy(client), []);
    }
    const [first, ...rest] = clients;
    const { producerId } = await publish(first);
    for (const client of rest) await client.event('sfu_new_producer', (told) => told.producerId === producerId);
  });

  test('does not turn it back when it goes: the room stays where it is', async (t) => {
    const code = small.p2pCode();
    const clients = await small.party(t, names(4), { code });
    await ok(clients[3], 'leave:room');
    await clients[0].event('peer:left');
    await settle(clients[0], ...clients.slice(0, 3));
    for (const client of clients.slice(0, 3)) assert.deepEqual(modesSeenBy(client), [TO_SFU]);
    assert.equal((await join(clients[1], code)).mode, 'sfu');
    await openTransport(clients[1], 'send');
  });

  test('begins p2p again once the room has been empty', async (t) => {
    const code = small.p2pCode();
    const clients = await small.party(t, names(4), { code });
    for (const client of clients) await ok(client, 'leave:room');
    const [again] = await small.party(t, ['again'], { code });
    assert.equal(again.recorder.all('room:joined')[0].mode, 'p2p');
  });

  test('is refused while there is no media service: ROOM_FULL, and nobody is told', async (t) => {
    const own = await Stage.set(t, { env: { MAX_P2P_PEERS: '3' } });
    const code = own.p2pCode();
    const inside = await own.party(t, names(3), { code });
    const late = await connect(t, own.gateway);
    await own.stub.close();
    await mediaMissed(own.gateway);
    assertRefused(await late.ask('join:room', { roomCode: code }), 'ROOM_FULL');
    await settle(inside[0], ...inside);
    for (const client of inside) {
      assert.deepEqual(modesSeenBy(client), []);
      assert.equal(client.recorder.all('room:joined')[0].mode, 'p2p');
    }
    await own.stub.open();
    await mediaAvailable(own.gateway);
    assert.equal((await join(late, code)).mode, 'sfu');
  });

  test('is refused where there is none at all', async (t) => {
    const own = await Stage.set(t, { media: 0, env: { MAX_P2P_PEERS: '3', MEDIA_SERVICE_URL: undefined } });
    const code = own.p2pCode();
    await own.party(t, names(3), { code });
    const late = await connect(t, own.gateway);
    assertRefused(await late.ask('join:room', { roomCode: code }), 'ROOM_FULL');
  });

  test('needs no Room Service', async (t) => {
    const own = await Stage.set(t, { env: { MAX_P2P_PEERS: '3', ROOM_SERVICE_URL: undefined } });
    const clients = await party(t, own.gateway, names(4));
    await settle(clients[0], ...clients);
    for (const client of clients.slice(0, 3)) assertToldBefore(client, 3);
    await openTransport(clients[3], 'send');
  });
});

describe('the bound that the Room Service sets', { concurrency: 4 }, () => {
  test('holds in a p2p room', async (t) => {
    const code = small.p2pCode({ maxPeers: 2 });
    await small.party(t, names(2), { code });
    const late = await connect(t, small.gateway);
    assertRefused(await late.ask('join:room', { roomCode: code }), 'ROOM_FULL');
  });

  test('holds in an sfu room', async (t) => {
    const code = small.sfuCode({ maxPeers: 5 });
    const clients = await small.party(t, names(5), { code });
    const late = await connect(t, small.gateway);
    assertRefused(await late.ask('join:room', { roomCode: code }), 'ROOM_FULL');
    await ok(clients[0], 'leave:room');
    assert.equal((await join(late, code)).mode, 'sfu');
  });

  test('lets a p2p room turn sfu on the way to it, and no further', async (t) => {
    const code = small.p2pCode({ maxPeers: 5 });
    const clients = await small.party(t, names(5), { code });
    for (const client of clients.slice(0, 3)) assert.deepEqual(modesSeenBy(client), [TO_SFU]);
    const late = await connect(t, small.gateway);
    assertRefused(await late.ask('join:room', { roomCode: code }), 'ROOM_FULL');
  });

  test('holds in a race for the last places', async (t) => {
    const code = small.p2pCode({ maxPeers: 5 });
    const clients = await Promise.all(names(12).map((username) => connect(t, small.gateway, { username })));
    const answers = await Promise.all(clients.map((client) => client.ask('join:room', { roomCode: code })));
    assert.equal(answers.filter(({ status }) => status === 'ok').length, 5);
    for (const answer of answers.filter(({ status }) => status !== 'ok')) assertRefused(answer, 'ROOM_FULL');
  });
});

describe('a room that the Room Service wants on a media service', { concurrency: 4 }, () => {
  test('is sfu from its first peer on, and nobody is told of a change', async (t) => {
    const code = small.sfuCode();
    const clients = await small.party(t, names(5), { code });
    await settle(clients[0], ...clients);
    for (const client of clients) {
      assert.equal(client.recorder.all('room:joined')[0].mode, 'sfu');
      assert.deepEqual(modesSeenBy(client), []);
      assert.deepEqual(await producersSeenBy(client), []);
    }
  });

  test('holds more peers than a p2p room', async (t) => {
    const own = await Stage.set(t);
    const clients = await own.party(t, names(15));
    const { producerId } = await publish(clients[0]);
    await Promise.all(clients.slice(1).map((client) => subscribe(client, producerId)));
  });
});
