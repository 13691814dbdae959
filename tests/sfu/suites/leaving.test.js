import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { assertResumed, comeBackAs, lose, partyWithProxy } from '../../clients/lib/resume.js';
import { assertRefused, join, sawSince, settle } from '../../clients/lib/rooms.js';
import { until } from '../../clients/lib/wait.js';
import { rtpParameters } from '../lib/parameters.js';
import { consume, ok, openTransport, produce, producersSeenBy, publish, subscribe } from '../lib/session.js';
import { forTheSuite, Stage } from '../lib/stage.js';

const WINDOW_MS = 1_500;
const suite = forTheSuite();
const stage = await Stage.set(suite, { env: { RECONNECT_WINDOW_MS: `${WINDOW_MS}` } });
const patient = await Stage.set(suite, { env: { RECONNECT_WINDOW_MS: '60000' } });

const deletions = ({ stub }, { peerId }) => stub.calls('deleteBroadcaster', ({ params }) => params.peerId === peerId);

/** Waits until the broadcaster is gone, and checks that it was deleted once. */
async function deletedOnce(own, peer) {
  await until(() => deletions(own, peer).length > 0, 'the broadcaster is deleted');
  assert.equal(deletions(own, peer).length, 1);
  assert.ok(!own.stub.knows(peer.peerId));
}

/** What a witness was told of a peer that left: each producer closed, once, and then that it left. */
function assertToldInOrder(witness, { peerId }, producerIds, mark) {
  const told = sawSince(witness, mark).filter(({ event }) => event !== 'host:changed');
  const closings = told.slice(0, -1);
  assert.deepEqual(closings.map(({ event }) => event), producerIds.map(() => 'sfu_producer_closed'), witness.recorder.summary(mark));
  assert.deepEqual(closings.map(({ args: [{ producerId }] }) => producerId).sort(), [...producerIds].sort());
  assert.ok(closings.every(({ args: [closed] }) => closed.peerId === peerId));
  assert.deepEqual([told.at(-1).event, told.at(-1).args[0].peerId], ['peer:left', peerId]);
}

/** A room in which the first publishes, and the second consumes that. */
async function playing(t, own = stage) {
  const code = own.sfuCode();
  const [anna, bert, carl] = await own.party(t, ['anna', 'bert', 'carl'], { code });
  const { transportId, producerIds } = await publish(anna, 'audio', 'video');
  await subscribe(bert, ...producerIds);
  await settle(anna, anna, bert, carl);
  return { code, anna, bert, carl, transportId, producerIds };
}

const WAYS = {
  'leaves the room': (anna) => ok(anna, 'leave:room'),
  'disconnects in due form': (anna) => anna.close(),
  'is kicked': async (anna, bert) => {
    await ok(bert, 'peer:kick', { targetPeerId: anna.peerId });
    await anna.event('room:kicked');
  },
};

describe('a peer that goes', { concurrency: 4 }, () => {
  for (const [way, go] of Object.entries(WAYS)) {
    test(`when it ${way}: its producers are told closed, then that it left; its broadcaster is deleted once`, async (t) => {
      const code = stage.sfuCode();
      const [host, anna, bert] = await stage.party(t, ['host', 'anna', 'bert'], { code });
      const { producerIds } = await publish(anna, 'audio', 'video');
      await settle(anna, host, anna, bert);
      const marks = [host, bert].map((witness) => witness.mark());
      await go(anna, host);
      for (const witness of [host, bert]) await witness.event('peer:left');
      await settle(host, host, bert);
      [host, bert].forEach((witness, index) => assertToldInOrder(witness, anna, producerIds, marks[index]));
      await deletedOnce(stage, anna);
      for (const witness of [host, bert]) assert.deepEqual(await producersSeenBy(witness), []);
      assert.deepEqual((await (await stage.party(t, ['late'], { code }))[0].event('room:joined')).producers, []);
      assert.ok(stage.stub.knows(anna.peerId) === false);
    });
  }

  test('may have no place in the media service: then there is nothing to delete, and nothing breaks', async (t) => {
    const [anna, bert] = await stage.party(t, ['anna', 'bert']);
    const made = () => stage.stub.calls('createBroadcaster', ({ body }) => JSON.parse(body).id === anna.peerId).length;
    await ok(anna, 'leave:room');
    await bert.event('peer:left');
    await settle(bert, bert);
    await until(() => deletions(stage, anna).length >= made(), 'what was made is deleted');
    assert.ok(!stage.stub.knows(anna.peerId));
  });

  test('while its requests are still under way leaves nothing behind', async (t) => {
    const own = await Stage.set(t);
    const [anna, bert] = await own.party(t, ['anna', 'bert']);
    const transportId = await openTransport(anna, 'send');
    own.stub.fail('slow', { ms: 200, routes: ['createTransport', 'produce'] });
    for (let n = 0; n < 5; n += 1) {
      anna.send('sfu_produce', { transportId, kind: 'audio', rtpParameters: rtpParameters('audio') });
      anna.send('sfu_create_transport', { direction: 'recv' });
    }
    await own.stub.called('produce');
    assert.equal((await anna.ask('leave:room')).status, 'ok');
    await bert.event('peer:left');
    await until(() => deletions(own, anna).length > 0 && !own.stub.knows(anna.peerId), 'nothing of it is left');
    await settle(bert, bert);
    const told = (event) => bert.recorder.all(event).map(({ producerId }) => producerId);
    assert.deepEqual(told('sfu_new_producer').sort(), told('sfu_producer_closed').sort(), 'no producer stays');
    assert.deepEqual(await producersSeenBy(bert), []);
    own.stub.heal();
    await ok(bert, 'sfu_get_router_capabilities');
    assert.ok(!own.stub.knows(anna.peerId), 'and nothing comes later');
  });

  for (const [what, how] of [['fails', ['status', { status: 500 }]], ['is not answered', ['hang', {}]], ['is answered in part', ['half', {}]]]) {
    test(`is deleted in the end, where deleting ${what} at first`, async (t) => {
      const own = await Stage.set(t);
      const [anna, bert] = await own.party(t, ['anna', 'bert', 'carl', 'dora']);
      await publish(anna);
      own.stub.fail(how[0], { routes: ['deleteBroadcaster'], ...how[1] });
      await ok(anna, 'leave:room');
      await bert.event('peer:left');
      await own.stub.called('deleteBroadcaster');
      own.stub.heal();
      await until(() => !own.stub.knows(anna.peerId), 'it is deleted');
    });
  }

  test('while its broadcaster is being made leaves nothing behind', async (t) => {
    const own = await Stage.set(t);
    const [anna, bert] = await own.party(t, ['anna', 'bert']);
    own.stub.fail('slow', { ms: 300, routes: ['createBroadcaster'] });
    anna.send('sfu_create_transport', { direction: 'send' });
    await own.stub.called('createBroadcaster', ({ body }) => JSON.parse(body).id === anna.peerId);
    await ok(anna, 'leave:room');
    await bert.event('peer:left');
    await until(() => deletions(own, anna).some(({ spentMs }) => spentMs) && !own.stub.knows(anna.peerId), 'it is deleted after all');
  });

  test('and comes again is another one, with a broadcaster of its own', async (t) => {
    const { code, anna, bert } = await playing(t);
    const former = anna.peerId;
    await ok(anna, 'leave:room');
    await deletedOnce(stage, { peerId: former });
    await join(anna, code);
    assert.notEqual(anna.peerId, former);
    const { producerId } = await publish(anna);
    await bert.event('sfu_new_producer', (told) => told.producerId === producerId && told.peerId === anna.peerId);
    assert.ok(stage.stub.knows(anna.peerId));
  });

  test('to another room is deleted in the first and made in the second', async (t) => {
    const { anna, bert, transportId, producerIds } = await playing(t);
    const mark = bert.mark();
    const former = anna.peerId;
    const next = stage.sfuCode();
    const { roomId } = await join(anna, next);
    await bert.event('peer:left');
    assertToldInOrder(bert, { peerId: former }, producerIds, mark);
    await deletedOnce(stage, { peerId: former });
    assertRefused(await anna.ask('sfu_produce', { transportId, kind: 'audio', rtpParameters: {} }), 'FORBIDDEN');
    await publish(anna);
    assert.ok(stage.stub.rooms.get(roomId).has(anna.peerId));
  });

  test('not, but joins its own room again, keeps all it has', async (t) => {
    const { code, anna, transportId } = await playing(t);
    const former = anna.peerId;
    await join(anna, code);
    assert.equal(anna.peerId, former);
    await produce(anna, transportId);
    assert.deepEqual(deletions(stage, anna), []);
  });

  test('as the last one leaves no room behind', async (t) => {
    const { anna, bert, carl } = await playing(t);
    const [{ roomId }] = anna.recorder.all('room:joined');
    for (const client of [anna, bert, carl]) await ok(client, 'leave:room');
    await until(() => !stage.stub.rooms.has(roomId), 'the media service has no such room any more');
  });
});

describe('a peer that is lost', { concurrency: 4 }, () => {
  /** As {@link playing}, the first one being behind a proxy. */
  async function playingBehind(t, own) {
    const code = own.sfuCode();
    const { proxy, lossy, others } = await partyWithProxy(t, own.gateway, ['anna', 'bert', 'lossy'], { code });
    const { transportId, producerIds } = await publish(lossy, 'audio', 'video');
    await settle(lossy, lossy, ...others);
    return { proxy, code, lossy, others, transportId, producerIds };
  }

  test('for longer than its window: only then its producers are told closed, it left, and its broadcaster is deleted', async (t) => {
    const { proxy, lossy, others, producerIds } = await playingBehind(t, stage);
    const marks = others.map((witness) => witness.mark());
    const lost = performance.now();
    await lose(proxy);
    for (const witness of others) await witness.event('peer:left', ({ reason }) => reason === 'disconnected');
    await settle(others[0], ...others);
    others.forEach((witness, index) => assertToldInOrder(witness, lossy, producerIds, marks[index]));
    await deletedOnce(stage, lossy);
    const [{ at }] = deletions(stage, lossy);
    assert.ok(at - lost >= WINDOW_MS, `${at - lost} ms after the loss`);
  });

  test('and is back in time keeps transports, producers and consumers; nobody is told', async (t) => {
    const { proxy, lossy, others: [anna, bert], transportId, producerIds } = await playingBehind(t, patient);
    const { producerId: ofAnna } = await publish(anna);
    const { transportId: recvId, consumerId } = await subscribe(lossy, ofAnna);
    const marks = [anna, bert].map((witness) => witness.mark());
    await settle(anna, anna, bert, lossy);
    await lose(proxy);
    const back = await comeBackAs(t, patient.gateway, lossy);
    const resumed = await assertResumed(back, lossy);
    assert.equal(resumed.mode, 'sfu');
    assert.deepEqual(resumed.producers.map(({ producerId, peerId }) => [producerId, peerId]), [[ofAnna, anna.peerId]]);
    await ok(back, 'sfu_pause_producer', { producerId: producerIds[0] });
    await ok(back, 'sfu_resume_consumer', { consumerId });
    await ok(back, 'sfu_restart_ice', { transportId });
    await ok(back, 'sfu_close_producer', { producerId: producerIds[1] });
    const added = await produce(back, transportId);
    await consume(back, recvId, ofAnna);
    await settle(anna, anna, bert, back);
    [anna, bert].forEach((witness, index) => assert.deepEqual(
      sawSince(witness, marks[index]).map(({ event, args: [told] }) => [event, told.producerId]),
      [['sfu_producer_closed', producerIds[1]], ['sfu_new_producer', added]]));
    assert.deepEqual(deletions(patient, lossy), []);
    const made = patient.stub.calls('createBroadcaster', ({ body }) => JSON.parse(body).id === lossy.peerId);
    assert.equal(made.length, 1);
  });

  test('is made up for what came and went meanwhile, in order and once', async (t) => {
    const { proxy, lossy, others: [anna] } = await playingBehind(t, patient);
    const before = await publish(anna);
    await lossy.event('sfu_new_producer');
    await lose(proxy);
    await ok(anna, 'sfu_close_producer', { producerId: before.producerId });
    const added = await produce(anna, before.transportId, 'video', { source: 'screen' });
    const passing = await produce(anna, before.transportId);
    await ok(anna, 'sfu_close_producer', { producerId: passing });
    const back = await comeBackAs(t, patient.gateway, lossy);
    const { producers } = await assertResumed(back, lossy);
    assert.deepEqual(producers.map(({ producerId }) => producerId), [added]);
    await settle(anna, back);
    const told = back.recorder.entries.filter(({ event }) => event.startsWith('sfu_')).map(({ event, args: [{ producerId }] }) => [event, producerId]);
    assert.deepEqual(told, [
      ['sfu_producer_closed', before.producerId], ['sfu_new_producer', added],
      ['sfu_new_producer', passing], ['sfu_producer_closed', passing],
    ]);
  });

  test('while it waits for an answer: what was asked is done, and known when it is back', async (t) => {
    const own = await Stage.set(t, { env: { RECONNECT_WINDOW_MS: '60000' } });
    const { proxy, lossy, others: [anna], transportId } = await playingBehind(t, own);
    own.stub.fail('slow', { ms: 300, routes: ['produce'] });
    const mark = own.stub.work.length;
    lossy.send('sfu_produce', { transportId, kind: 'video', rtpParameters: rtpParameters('video'), appData: { late: true } });
    await until(() => own.stub.work.slice(mark).some(({ route }) => route === 'produce'), 'it is under way');
    await lose(proxy);
    const { producerId } = await anna.event('sfu_new_producer', ({ appData }) => appData?.late === true);
    const back = await comeBackAs(t, own.gateway, lossy);
    await assertResumed(back, lossy);
    await ok(back, 'sfu_close_producer', { producerId });
  });
});

describe('a node that is stopped', { concurrency: 2 }, () => {
  test('and is alone leaves no broadcaster behind', async (t) => {
    const own = await Stage.set(t, { env: { SHUTDOWN_GRACE_MS: '300', RECONNECT_WINDOW_MS: '500' } });
    const clients = await own.party(t, ['anna', 'bert', 'carl']);
    for (const client of clients) await publish(client);
    own.gateway.signal('SIGTERM');
    for (const client of clients) await client.event('server:draining');
    assert.deepEqual(await own.gateway.exited(), { code: 0, signal: null });
    await until(() => own.stub.rooms.size === 0, 'the media service has no room any more');
  });

  test('ends in time although the media service hangs', async (t) => {
    const own = await Stage.set(t, { env: { SHUTDOWN_GRACE_MS: '300' } });
    const clients = await own.party(t, ['anna', 'bert']);
    for (const client of clients) await publish(client);
    own.stub.fail('hang', { routes: ['*'] });
    clients[0].send('sfu_create_transport', { direction: 'recv' });
    own.gateway.signal('SIGTERM');
    for (const client of clients) await client.disconnected();
    assert.deepEqual(await own.gateway.exited(), { code: 0, signal: null });
  });
});
