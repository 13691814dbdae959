import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { connect } from '../../clients/lib/client.js';
import { assertResumed, comeBackAs } from '../../clients/lib/resume.js';
import { join, sawSince } from '../../clients/lib/rooms.js';
import { until } from '../../clients/lib/wait.js';
import { departures, settleAll, untilAgreed } from '../../cluster/lib/peers.js';
import { ClusteredStage } from '../lib/clustered.js';
import { consume, modesSeenBy, modeChanged, ok, produce, producersSeenBy, publish, subscribe } from '../lib/session.js';
import { mediaFound, mediaMissed } from '../lib/stage.js';

const DOWN = { mode: 'p2p', reason: 'media-unavailable' };
const MOVED = { mode: 'sfu', reason: 'media-moved' };

/** Peers on three nodes, each of whom publishes. */
async function playing(t, own, names = ['anna', 'bert', 'carl']) {
  const code = own.sfuCode();
  const clients = await own.spread(t, names, { code });
  const sent = new Map();
  for (const client of clients) sent.set(client, await publish(client));
  for (const client of clients) {
    for (const other of clients.filter((each) => each !== client)) {
      await client.event('sfu_new_producer', ({ producerId }) => producerId === sent.get(other).producerId);
    }
  }
  return { code, clients, sent };
}

const deletions = ({ stub }, { peerId }) => stub.calls('deleteBroadcaster', ({ params }) => params.peerId === peerId);

describe('a node that is killed', { concurrency: 3 }, () => {
  test('its peers\' producers are told closed, they are told lost, and their broadcasters deleted by who survives', async (t) => {
    const own = await ClusteredStage.set(t, { env: { RECONNECT_WINDOW_MS: '2000' } });
    const { clients: [anna, bert, carl], sent } = await playing(t, own);
    const marks = [bert, carl].map((client) => client.mark());
    await own.nodes[0].kill();
    await anna.disconnected();
    for (const client of [bert, carl]) {
      await client.event('peer:left', ({ peerId, reason }) => peerId === anna.peerId && reason === 'node-lost');
    }
    await settleAll([bert, carl]);
    [bert, carl].forEach((client, index) => {
      const told = sawSince(client, marks[index]).filter(({ event }) => event !== 'host:changed');
      assert.deepEqual(told.map(({ event }) => event), ['sfu_producer_closed', 'peer:left']);
      assert.deepEqual(told[0].args[0], { producerId: sent.get(anna).producerId, peerId: anna.peerId });
    });
    await until(() => !own.stub.knows(anna.peerId), 'its broadcaster is deleted');
    await ok(bert, 'sfu_restart_ice', { transportId: sent.get(bert).transportId });
    await subscribe(carl, sent.get(bert).producerId);
  });

  test('a peer that comes back elsewhere in time keeps what it had', async (t) => {
    const own = await ClusteredStage.set(t, { env: { RECONNECT_WINDOW_MS: '60000' } });
    const { code, clients: [anna, bert, carl], sent } = await playing(t, own);
    const { transportId: recvId } = await subscribe(anna, sent.get(bert).producerId);
    await settleAll([anna, bert, carl]);
    const marks = [bert, carl].map((client) => client.mark());
    await own.nodes[0].kill();
    await anna.disconnected();
    const back = await comeBackAs(t, own.nodes[1], anna);
    const resumed = await assertResumed(back, anna);
    assert.equal(resumed.mode, 'sfu');
    assert.deepEqual(resumed.producers.map(({ producerId }) => producerId).sort(), [bert, carl].map((each) => sent.get(each).producerId).sort());
    const { transportId, producerId } = sent.get(anna);
    await ok(back, 'sfu_restart_ice', { transportId });
    await ok(back, 'sfu_restart_ice', { transportId: recvId });
    await ok(back, 'sfu_pause_producer', { producerId });
    const added = await produce(back, transportId, 'video');
    for (const client of [bert, carl]) await client.event('sfu_new_producer', (told) => told.producerId === added);
    // Who is still expected when the window of its dead node ends must not be taken for lost.
    await until(async () => !(await own.redis.exists('node:{n1}')), 'the node is known to be dead');
    const late = await connect(t, own.nodes[2]);
    const { producers } = await join(late, code);
    assert.deepEqual(producers.filter(({ peerId }) => peerId === anna.peerId).map((each) => each.producerId).sort(), [producerId, added].sort());
    await settleAll([bert, carl, back]);
    [bert, carl].forEach((client, index) => {
      const told = sawSince(client, marks[index]).map(({ event }) => event).filter((event) => !['peer:joined', 'host:changed'].includes(event));
      assert.deepEqual(told, ['sfu_new_producer']);
    });
    assert.deepEqual(deletions(own, anna), []);
    // Consumers are nowhere but in the memory of their node: a client that still has one paused asks for another.
    const again = await consume(back, recvId, sent.get(bert).producerId);
    await ok(back, 'sfu_resume_consumer', { consumerId: again });
  });

  test('while it has to close what a peer left behind: another closes it, and nothing of others', async (t) => {
    const own = await ClusteredStage.set(t);
    const { clients: [anna, bert], sent } = await playing(t, own, ['anna', 'bert']);
    own.stub.fail('status', { status: 500, routes: ['deleteBroadcaster'] });
    await ok(anna, 'leave:room');
    await until(() => deletions(own, anna).length > 1, 'its node tries in vain');
    await until(() => own.redis.exists('media:releases'), 'and has written it down');
    await own.nodes[0].kill();
    own.stub.heal();
    await until(() => !own.stub.knows(anna.peerId), 'another closes it');
    await until(async () => !(await own.redis.exists('media:releases')), 'nothing is left to be closed');
    assert.deepEqual(deletions(own, bert), []);
    await ok(bert, 'sfu_restart_ice', { transportId: sent.get(bert).transportId });
  });

  test('and was alone in the room: nothing is left in the media service', async (t) => {
    const own = await ClusteredStage.set(t, { env: { RECONNECT_WINDOW_MS: '1000' } });
    const code = own.sfuCode();
    const lost = await own.spread(t, ['anna', 'bert'], { code, at: [0, 0] });
    for (const client of lost) await publish(client);
    const [outsider] = await own.spread(t, ['carl'], { at: [1] });
    await publish(outsider);
    await own.nodes[0].kill();
    await until(() => lost.every(({ peerId }) => !own.stub.knows(peerId)), 'their broadcasters are deleted');
    assert.ok(own.stub.knows(outsider.peerId));
  });
});

describe('a node that is stopped', { concurrency: 2 }, () => {
  test('its peers move, keep what they have, and nobody is told', async (t) => {
    const own = await ClusteredStage.set(t, { env: { SHUTDOWN_GRACE_MS: '30000', RECONNECT_WINDOW_MS: '60000' } });
    const { clients: [anna, bert, carl], sent } = await playing(t, own);
    await settleAll([anna, bert, carl]);
    const marks = [bert, carl].map((client) => client.mark());
    own.nodes[0].signal('SIGTERM');
    await anna.event('server:draining');
    await anna.disconnected();
    const back = await comeBackAs(t, own.nodes[2], anna);
    await assertResumed(back, anna);
    const { transportId, producerId } = sent.get(anna);
    await ok(back, 'sfu_restart_ice', { transportId });
    assert.deepEqual(await own.nodes[0].exited(), { code: 0, signal: null });
    await ok(back, 'sfu_pause_producer', { producerId });
    await subscribe(back, sent.get(bert).producerId);
    await settleAll([bert, carl, back]);
    [bert, carl].forEach((client, index) => assert.deepEqual(sawSince(client, marks[index]), []));
    assert.deepEqual(deletions(own, anna), []);
    assert.ok(own.stub.knows(anna.peerId));
  });

  test('those who do not come back are deleted by the others, after their window', async (t) => {
    const own = await ClusteredStage.set(t, { env: { SHUTDOWN_GRACE_MS: '300', RECONNECT_WINDOW_MS: '1500' } });
    const { clients: [anna, bert, carl], sent } = await playing(t, own);
    own.nodes[0].signal('SIGTERM');
    assert.deepEqual(await own.nodes[0].exited(), { code: 0, signal: null });
    for (const client of [bert, carl]) {
      await client.event('sfu_producer_closed', ({ producerId }) => producerId === sent.get(anna).producerId);
      await client.event('peer:left', ({ peerId }) => peerId === anna.peerId);
    }
    await until(() => !own.stub.knows(anna.peerId), 'its broadcaster is deleted');
    await settleAll([bert, carl]);
    for (const client of [bert, carl]) assert.equal(departures(client, anna).length, 1);
  });
});

describe('Redis', { concurrency: 3 }, () => {
  test('that loses everything gets it back; sessions go on, late comers find all producers', async (t) => {
    const own = await ClusteredStage.set(t, { env: { PRESENCE_TTL_MS: '3000' } });
    const { code, clients, sent } = await playing(t, own);
    const [{ roomId }] = clients[0].recorder.all('room:joined');
    await settleAll(clients);
    const marks = clients.map((client) => client.mark());
    await own.redis.command('FLUSHALL');
    for (const client of clients) await ok(client, 'sfu_restart_ice', { transportId: sent.get(client).transportId });
    await until(async () => Object.keys(await own.redis.hash(`room:{${roomId}}:peers`)).length === 3, 'the records are back');
    await until(() => own.redis.exists(`room:{${roomId}}:mode`), 'the mode is back');
    await settleAll(clients);
    clients.forEach((client, index) => assert.deepEqual(sawSince(client, marks[index]), []));
    for (const node of own.nodes) {
      const late = await connect(t, node);
      const { mode, producers } = await join(late, code);
      assert.equal(mode, 'sfu');
      assert.deepEqual(producers.map(({ producerId }) => producerId).sort(), clients.map((each) => sent.get(each).producerId).sort());
    }
  });

  for (const [how, env, codeOf] of [
    ['that the Room Service wants sfu', {}, (own) => own.sfuCode()],
    ['that turned sfu by its size', { MAX_P2P_PEERS: '3' }, (own) => own.p2pCode()],
  ]) {
    test(`that loses everything a moment before somebody comes to a room ${how}, on a node that does not know it: who is inside goes on`, async (t) => {
      const own = await ClusteredStage.set(t, { size: 2, env: { PRESENCE_TTL_MS: '3000', ...env } });
      const code = codeOf(own);
      const clients = await own.spread(t, ['anna', 'bert', 'carl', 'dora'], { code, at: [0, 0, 0, 0] });
      const sent = [];
      for (const client of clients) sent.push(await publish(client));
      await settleAll(clients);
      const marks = clients.map((client) => client.mark());
      await own.redis.command('FLUSHALL');
      const late = await connect(t, own.nodes[1], { username: 'late' });
      await join(late, code);
      await untilAgreed([...clients, late]);
      await until(async () => (await join(late, code)).producers?.length === 4, 'the newcomer finds all producers');
      await settleAll([...clients, late]);
      clients.forEach((client, index) => assert.deepEqual(modesSeenBy(client, marks[index]), [], client.username));
      for (const [index, client] of clients.entries()) await ok(client, 'sfu_restart_ice', { transportId: sent[index].transportId });
      await publish(late);
      for (const client of [...clients, late]) await ok(client, 'leave:room');
      await until(() => own.stub.rooms.size === 0, 'nothing is left in the media service');
    });
  }

  test('that is away: each node\'s sessions go on; back, all know all', async (t) => {
    const own = await ClusteredStage.set(t);
    const { clients, sent } = await playing(t, own);
    const [anna, bert, carl] = clients;
    await own.redis.kill();
    const added = new Map();
    for (const client of clients) {
      await ok(client, 'sfu_restart_ice', { transportId: sent.get(client).transportId });
      added.set(client, await produce(client, sent.get(client).transportId, 'video'));
    }
    await subscribe(anna, sent.get(bert).producerId);
    await ok(carl, 'sfu_close_producer', { producerId: sent.get(carl).producerId });
    await own.redis.restartEmpty();
    for (const client of clients) {
      const others = clients.filter((each) => each !== client);
      const expected = others.flatMap((each) => [...(each === carl ? [] : [sent.get(each).producerId]), added.get(each)]).sort();
      await until(async () => (await producersSeenBy(client)).map(({ producerId }) => producerId).sort().join() === expected.join(),
        `${client.username} knows all producers`);
      for (const other of others) await client.event('sfu_new_producer', ({ producerId }) => producerId === added.get(other));
    }
    for (const client of [anna, bert]) await client.event('sfu_producer_closed', ({ producerId }) => producerId === sent.get(carl).producerId);
    await settleAll(clients);
    for (const client of clients) {
      assert.deepEqual(modesSeenBy(client), []);
      const told = client.recorder.all('sfu_new_producer').map(({ producerId }) => producerId);
      assert.equal(new Set(told).size, told.length, 'each is told once');
      assert.deepEqual(client.recorder.all('peer:left'), []);
    }
    assert.deepEqual(own.stub.calls('deleteBroadcaster'), []);
  });
});

describe('nodes that do not hear of each other', { concurrency: 3 }, () => {
  /** What all are told and find once Redis is back. */
  async function agree(t, own, code, clients, expected) {
    for (const client of clients) {
      await until(() => JSON.stringify(modesSeenBy(client)) === JSON.stringify(expected), `${client.username} is told ${JSON.stringify(expected)}`)
        .catch((error) => { throw new Error(`${error.message}; it was told ${JSON.stringify(modesSeenBy(client))}`); });
    }
    for (const node of own.nodes) {
      const late = await connect(t, node);
      assert.equal((await join(late, code)).mode, expected.at(-1).mode);
      await late.ask('leave:room');
    }
    await settleAll(clients);
    for (const client of clients) assert.deepEqual(modesSeenBy(client), expected, client.username);
  }

  test('and lose the media service: each tells its own, once; together again, nobody is told more', async (t) => {
    const own = await ClusteredStage.set(t, { env: { READY_WITHOUT_REDIS: 'true' } });
    const { code, clients } = await playing(t, own);
    await own.redis.kill();
    await own.stub.close();
    for (const client of clients) await modeChanged(client, 'media-unavailable');
    await own.redis.restartEmpty();
    await Promise.all(own.nodes.map((_, index) => own.cluster.ready(index)));
    await own.stub.open();
    await Promise.all(own.nodes.map((node) => mediaFound(node)));
    await agree(t, own, code, clients, [DOWN]);
  });

  for (const [how, comeBack] of [['empty', (redis) => redis.restartEmpty()], ['with its log', (redis) => redis.restartWithData()]]) {
    test(`and of which one turns a room sfu: when Redis is back (${how}), all have it so, each told once`, async (t) => {
      const own = await ClusteredStage.set(t, { size: 2, env: { READY_WITHOUT_REDIS: 'true', MAX_P2P_PEERS: '4' } });
      const code = own.p2pCode();
      const clients = await own.spread(t, ['anna', 'bert', 'carl', 'dora'], { code });
      await settleAll(clients);
      await own.redis.kill();
      const late = await connect(t, own.nodes[0], { username: 'late' });
      assert.equal((await join(late, code)).mode, 'sfu');
      await modeChanged(clients[0], 'capacity');
      const { producerId } = await publish(clients[0]);
      await comeBack(own.redis);
      await Promise.all(own.nodes.map((_, index) => own.cluster.ready(index)));
      await untilAgreed([...clients, late]);
      await agree(t, own, code, clients, [{ mode: 'sfu', reason: 'capacity' }]);
      for (const client of clients.slice(1)) {
        await until(async () => (await producersSeenBy(client)).some((each) => each.producerId === producerId), `${client.username} knows the producer`);
      }
      await subscribe(clients[1], producerId);
    });
  }
});

describe('the media service of a room on three nodes', { concurrency: 3 }, () => {
  test('goes: a room of three is told once, on all nodes', async (t) => {
    const own = await ClusteredStage.set(t);
    const { code, clients } = await playing(t, own);
    await own.stub.close();
    for (const client of clients) await modeChanged(client, 'media-unavailable');
    await Promise.all(own.nodes.map((node) => mediaMissed(node)));
    await settleAll(clients);
    await own.stub.open();
    await Promise.all(own.nodes.map((node) => mediaFound(node)));
    await own.stub.probed(6);
    await settleAll(clients);
    for (const client of clients) assert.deepEqual(modesSeenBy(client), [DOWN], client.username);
    const late = await connect(t, own.nodes[1]);
    assert.equal((await join(late, code)).mode, 'p2p');
    await until(() => clients.every(({ peerId }) => !own.stub.knows(peerId)), 'nothing of it is left there');
  });

  test('goes and comes: a room of four stays, and works again', async (t) => {
    const own = await ClusteredStage.set(t);
    const { clients, sent } = await playing(t, own, ['anna', 'bert', 'carl', 'dora']);
    await own.stub.close();
    await Promise.all(own.nodes.map((node) => mediaMissed(node)));
    await own.stub.open();
    await Promise.all(own.nodes.map((node) => mediaFound(node)));
    for (const client of clients) await ok(client, 'sfu_restart_ice', { transportId: sent.get(client).transportId });
    await settleAll(clients);
    for (const client of clients) assert.deepEqual(modesSeenBy(client), []);
  });

  test('comes back with nothing: a room of four is told once to begin anew', async (t) => {
    const own = await ClusteredStage.set(t);
    const { clients } = await playing(t, own, ['anna', 'bert', 'carl', 'dora']);
    await own.stub.close();
    await Promise.all(own.nodes.map((node) => mediaMissed(node)));
    own.stub.forget();
    await own.stub.open();
    for (const client of clients) await modeChanged(client, 'media-moved');
    await Promise.all(own.nodes.map((node) => mediaFound(node)));
    const marks = clients.map((client) => client.mark());
    const sent = await publish(clients[0]);
    for (const [index, client] of clients.entries()) {
      if (index) await client.event('sfu_new_producer', ({ producerId }) => producerId === sent.producerId, marks[index]);
    }
    await own.stub.probed(6);
    await settleAll(clients);
    for (const client of clients) assert.deepEqual(modesSeenBy(client), [MOVED], client.username);
    await subscribe(clients[1], sent.producerId);
    await ok(clients[0], 'sfu_restart_ice', { transportId: sent.transportId });
  });

  test('is one of two: all nodes agree which, and move together', async (t) => {
    const own = await ClusteredStage.set(t, { media: 2 });
    const codes = Array.from({ length: 6 }, () => own.sfuCode());
    const rooms = [];
    for (const code of codes) {
      const clients = await own.spread(t, ['anna', 'bert', 'carl'], { code });
      for (const client of clients) await publish(client);
      rooms.push({ clients, roomId: clients[0].recorder.all('room:joined')[0].roomId });
    }
    for (const { roomId } of rooms) assert.equal(own.media.filter((stub) => stub.rooms.has(roomId)).length, 1);
    const dying = own.media.find((stub) => stub.rooms.size > 0);
    const living = own.media.find((stub) => stub !== dying);
    const moving = rooms.filter(({ roomId }) => dying.rooms.has(roomId));
    await dying.close();
    for (const { clients, roomId } of moving) {
      for (const client of clients) await modeChanged(client, 'media-moved');
      for (const client of clients) await publish(client);
      assert.equal(living.rooms.get(roomId).size, 3);
      await untilAgreed(clients);
    }
    for (const room of rooms) {
      await settleAll(room.clients);
      for (const client of room.clients) assert.deepEqual(modesSeenBy(client), moving.includes(room) ? [MOVED] : []);
    }
  });
});
