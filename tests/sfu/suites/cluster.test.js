import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { connect } from '../../clients/lib/client.js';
import { assertResumed, comeBackAs, lose } from '../../clients/lib/resume.js';
import { assertRefused, join, sawSince } from '../../clients/lib/rooms.js';
import { mapLimited, until } from '../../clients/lib/wait.js';
import { othersSeenBy, roomIdOf, settleAll, spreadWithProxy, untilAgreed } from '../../cluster/lib/peers.js';
import { ClusteredStage } from '../lib/clustered.js';
import { consume, modeChanged, modesSeenBy, ok, openTransport, produce, producersSeenBy, publish, subscribe } from '../lib/session.js';
import { forTheSuite } from '../lib/stage.js';

const suite = forTheSuite();
const stage = await ClusteredStage.set(suite, { env: { RECONNECT_WINDOW_MS: '60000', MAX_P2P_PEERS: '4' } });
const { cluster, redis, stub } = stage;

const TO_SFU = { mode: 'sfu', reason: 'capacity' };
const byId = (list) => [...list].sort((a, b) => (a.producerId < b.producerId ? -1 : 1));

describe('peers on three nodes', { concurrency: 4 }, () => {
  test('hear of each other\'s producers, consume them, and hear of their end', async (t) => {
    const clients = await stage.spread(t, ['anna', 'bert', 'carl']);
    const [anna, bert, carl] = clients;
    const { producerIds: [audio, video] } = await publish(anna, 'audio', 'video');
    for (const other of [bert, carl]) {
      for (const producerId of [audio, video]) {
        const told = await other.event('sfu_new_producer', (each) => each.producerId === producerId);
        assert.equal(told.peerId, anna.peerId);
      }
      await subscribe(other, audio, video);
    }
    await ok(anna, 'sfu_close_producer', { producerId: audio });
    for (const other of [bert, carl]) assert.deepEqual(await other.event('sfu_producer_closed'), { producerId: audio, peerId: anna.peerId });
    await ok(anna, 'leave:room');
    for (const other of [bert, carl]) {
      await other.event('peer:left');
      const told = other.recorder.entries.map(({ event }) => event);
      assert.ok(told.lastIndexOf('sfu_producer_closed') < told.indexOf('peer:left'), 'closed first, then left');
      assert.deepEqual(other.recorder.all('sfu_producer_closed').map(({ producerId }) => producerId), [audio, video]);
    }
    await settleAll([bert, carl]);
    assert.equal(stub.calls('deleteBroadcaster', ({ params }) => params.peerId === anna.peerId).length, 1);
    assert.deepEqual(anna.recorder.all('sfu_new_producer'), []);
  });

  test('come late and find all producers, of all nodes, as they are', async (t) => {
    const code = stage.sfuCode();
    const clients = await stage.spread(t, ['anna', 'bert', 'carl'], { code });
    const appData = { source: 'mic', ключ: [1, { z: null }] };
    const expected = [];
    for (const client of clients) {
      const transportId = await openTransport(client, 'send');
      const producerId = await produce(client, transportId, 'audio', appData);
      await ok(client, 'sfu_pause_producer', { producerId });
      expected.push({ producerId, peerId: client.peerId, kind: 'audio', appData, paused: true });
    }
    // What each has done is known on its own node at once, and on the others when they have heard of it.
    for (const client of clients) {
      const others = expected.filter(({ peerId }) => peerId !== client.peerId);
      await until(async () => JSON.stringify(byId(await producersSeenBy(client))) === JSON.stringify(byId(others)), `${client.username} knows of all others`);
    }
    for (const node of stage.nodes) {
      const late = await connect(t, node);
      const [{ producers, mode }] = [await join(late, code)];
      assert.equal(mode, 'sfu');
      assert.deepEqual(byId(producers), byId(expected));
      await until(async () => JSON.stringify(byId(await producersSeenBy(late))) === JSON.stringify(byId(expected)), 'the list is the same when asked for');
      await subscribe(late, ...expected.map(({ producerId }) => producerId));
    }
  });

  test('see a pause on another node', async (t) => {
    const [anna, bert] = await stage.spread(t, ['anna', 'bert']);
    const { producerId } = await publish(anna);
    await bert.event('sfu_new_producer');
    for (const [event, paused] of [['sfu_pause_producer', true], ['sfu_resume_producer', false]]) {
      await ok(anna, event, { producerId });
      await until(async () => (await producersSeenBy(bert))[0]?.paused === paused, `${event} is seen`);
    }
  });

  test('cannot touch what belongs to one on another node', async (t) => {
    const [anna, bert] = await stage.spread(t, ['anna', 'bert']);
    const { transportId, producerId } = await publish(anna);
    await bert.event('sfu_new_producer');
    const { consumerId } = await subscribe(bert, producerId);
    assertRefused(await bert.ask('sfu_restart_ice', { transportId }), 'FORBIDDEN');
    assertRefused(await bert.ask('sfu_close_producer', { producerId }), 'FORBIDDEN');
    assertRefused(await anna.ask('sfu_resume_consumer', { consumerId }), 'FORBIDDEN');
  });

  test('say what they have in Redis, and which room is where', async (t) => {
    const code = stage.sfuCode({ id: 'in-redis' });
    const [anna] = await stage.spread(t, ['anna'], { code });
    const { transportId, producerId } = await publish(anna);
    const record = async () => JSON.parse((await redis.hash('room:{in-redis}:peers'))[anna.peerId] ?? '{}');
    await until(async () => {
      const text = JSON.stringify((await record()).media ?? {});
      return text.includes(transportId) && text.includes(producerId);
    }, 'the record has the transport and the producer');
    const { mode, media, epoch } = JSON.parse(await redis.command('GET', 'room:{in-redis}:mode'));
    assert.equal(mode, 'sfu');
    assert.equal(new URL(media).host, new URL(stub.url).host);
    assert.equal(typeof epoch, 'number');
    await ok(anna, 'leave:room');
    await until(async () => (await redis.keys('room:{in-redis}:*')).length === 0, 'nothing of the room stays');
  });
});

describe('the change of mode on three nodes', { concurrency: 2 }, () => {
  test('is told once to each, before the newcomer, whichever node that is on', async (t) => {
    for (const place of [0, 1, 2]) {
      const code = stage.p2pCode();
      const inside = await stage.spread(t, ['anna', 'bert', 'carl', 'dora'], { code });
      const [late] = await stage.spread(t, ['late'], { code, at: [place] });
      assert.equal(late.recorder.all('room:joined')[0].mode, 'sfu');
      await settleAll([late, ...inside]);
      for (const client of inside) {
        assert.deepEqual(modesSeenBy(client), [TO_SFU]);
        const told = client.recorder.entries.filter(({ event, args: [each] }) => event === 'room:mode' || (event === 'peer:joined' && each.peerId === late.peerId));
        assert.deepEqual(told.map(({ event }) => event), ['room:mode', 'peer:joined'], client.username);
      }
      const { producerId } = await publish(inside[place]);
      await late.event('sfu_new_producer');
      await subscribe(late, producerId);
    }
  });

  test('is made once where many come at once, on all nodes', async (t) => {
    const code = stage.p2pCode();
    const clients = await Promise.all(Array.from({ length: 15 }, (_, n) => connect(t, stage.nodes[n % 3], { username: `peer ${n}` })));
    const joined = await Promise.all(clients.map((client) => join(client, code)));
    await untilAgreed(clients);
    await settleAll(clients);
    const early = clients.filter((_, index) => joined[index].mode === 'p2p');
    assert.ok(early.length <= 4, `${early.length} found it p2p`);
    for (const client of clients) {
      const found = client.recorder.all('room:joined')[0].mode;
      assert.deepEqual(modesSeenBy(client), found === 'p2p' ? [TO_SFU] : [], client.username);
    }
    for (const client of clients) assert.equal((await join(client, code)).mode, 'sfu');
    const on = [...stub.rooms].filter(([roomId]) => roomId === joined[0].roomId);
    const { producerId } = await publish(clients[0]);
    await mapLimited(clients.slice(1), 5, (client) => client.event('sfu_new_producer', (told) => told.producerId === producerId));
    assert.ok(on.length <= 1);
  });

  test('comes before anybody too many, for all who see them come', async (t) => {
    const code = stage.p2pCode();
    const witnesses = await stage.spread(t, ['anna', 'bert', 'carl'], { code });
    const marks = witnesses.map((client) => client.mark());
    const comers = await Promise.all(Array.from({ length: 6 }, (_, n) => connect(t, stage.nodes[n % 3])));
    await Promise.all(comers.map((client) => join(client, code)));
    await untilAgreed([...witnesses, ...comers]);
    await settleAll([...witnesses, ...comers]);
    const views = witnesses.map((client, index) => sawSince(client, marks[index])
      .map(({ event, args: [told] }) => (event === 'room:mode' ? 'mode' : `${event} ${told.peerId}`)));
    for (const view of views) {
      assert.deepEqual([...view].sort(), [...views[0]].sort());
      assert.equal(view.filter((each) => each === 'mode').length, 1);
      assert.ok(view.indexOf('mode') <= 1, `one more fits, then it changes: ${view}`);
    }
  });
});

describe('a peer that moves to another node', { concurrency: 4 }, () => {
  test('keeps transports, producers and consumers; nobody is told, nothing is deleted', async (t) => {
    const code = stage.sfuCode();
    const { proxy, lossy, others: [bert, carl] } = await spreadWithProxy(t, cluster, ['bert', 'carl', 'lossy'], { code });
    const { transportId, producerIds } = await publish(lossy, 'audio', 'video');
    const { producerId: ofBert } = await publish(bert);
    const { transportId: recvId, consumerId } = await subscribe(lossy, ofBert);
    await settleAll([bert, carl, lossy]);
    const marks = [bert, carl].map((client) => client.mark());
    await lose(proxy);
    let current = lossy;
    for (const node of [stage.nodes[1], stage.nodes[2], stage.nodes[0]]) {
      const back = await comeBackAs(t, node, current);
      const resumed = await assertResumed(back, lossy);
      assert.deepEqual(resumed.producers.map(({ producerId }) => producerId), [ofBert]);
      await ok(back, 'sfu_restart_ice', { transportId });
      await ok(back, 'sfu_pause_producer', { producerId: producerIds[0] });
      await ok(back, 'sfu_resume_producer', { producerId: producerIds[0] });
      await ok(back, 'sfu_resume_consumer', { consumerId });
      await consume(back, recvId, ofBert);
      current = back;
    }
    await settleAll([bert, carl, current]);
    [bert, carl].forEach((client, index) => assert.deepEqual(sawSince(client, marks[index]), []));
    await ok(current, 'sfu_close_producer', { producerId: producerIds[1] });
    for (const client of [bert, carl]) await client.event('sfu_producer_closed');
    const late = await connect(t, stage.nodes[1]);
    assert.deepEqual(byId((await join(late, code)).producers).map(({ producerId }) => producerId), [producerIds[0], ofBert].sort());
    assert.equal(stub.calls('createBroadcaster', ({ body }) => JSON.parse(body).id === lossy.peerId).length, 1);
    assert.deepEqual(stub.calls('deleteBroadcaster', ({ params }) => params.peerId === lossy.peerId), []);
  });

  test('hears of producers that came meanwhile, once', async (t) => {
    const { proxy, lossy, others: [bert, carl] } = await spreadWithProxy(t, cluster, ['bert', 'carl', 'lossy'], { code: stage.sfuCode() });
    const before = await publish(bert);
    await lossy.event('sfu_new_producer');
    await lose(proxy);
    const added = await produce(bert, before.transportId, 'video');
    const { producerId: ofCarl } = await publish(carl);
    await ok(bert, 'sfu_close_producer', { producerId: before.producerId });
    const back = await comeBackAs(t, stage.nodes[1], lossy);
    await assertResumed(back, lossy);
    await settleAll([bert, carl, back]);
    const fresh = back.recorder.all('sfu_new_producer').map(({ producerId }) => producerId);
    assert.deepEqual(fresh.sort(), [added, ofCarl].sort());
    assert.deepEqual(back.recorder.all('sfu_producer_closed').map(({ producerId }) => producerId), [before.producerId]);
    assert.deepEqual((await producersSeenBy(back)).map(({ producerId }) => producerId).sort(), [added, ofCarl].sort());
  });

  test('and turns sfu while it is away knows when it is back', async (t) => {
    const code = stage.p2pCode();
    const { proxy, lossy, others } = await spreadWithProxy(t, cluster, ['anna', 'bert', 'carl', 'lossy'], { code });
    await lose(proxy);
    const [late] = await stage.spread(t, ['late'], { code, at: [1] });
    for (const client of others) await modeChanged(client, 'capacity');
    const back = await comeBackAs(t, stage.nodes[2], lossy);
    assert.equal((await assertResumed(back, lossy)).mode, 'sfu');
    const known = othersSeenBy(lossy);
    await untilAgreed([...others, late, back], new Map([[back, known]]));
    const { producerId } = await publish(back);
    await late.event('sfu_new_producer', (told) => told.producerId === producerId);
  });
});

describe('the Room Service', { concurrency: 2 }, () => {
  test('is asked once for a room, whichever node its peers are on', async (t) => {
    const code = stage.sfuCode();
    await stage.spread(t, ['anna', 'bert', 'carl', 'dora'], { code });
    assert.equal(stage.rooms.asked(code), 1);
  });

  test('is asked once by each node at most where many come at once', async (t) => {
    const code = stage.sfuCode();
    const clients = await mapLimited(Array.from({ length: 30 }), 10, (_, n) => connect(t, stage.nodes[n % 3]));
    await Promise.all(clients.map((client) => join(client, code)));
    assert.ok(stage.rooms.asked(code) <= 3, `${stage.rooms.asked(code)}`);
  });
});

describe('a room without a Room Service', { concurrency: 2 }, () => {
  test('has the id of its code, on all nodes and in the media service', async (t) => {
    const own = await ClusteredStage.set(t, { size: 2, env: { ROOM_SERVICE_URL: undefined, MAX_P2P_PEERS: '2' } });
    const code = 'Without-Service';
    const clients = await own.spread(t, ['anna', 'bert', 'carl'], { code });
    await publish(clients[0]);
    assert.deepEqual([...own.stub.rooms.keys()], [roomIdOf(code)]);
  });
});
