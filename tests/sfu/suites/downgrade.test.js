import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { assertRefused, join, settle } from '../../clients/lib/rooms.js';
import { assertResumed, comeBackAs, lose, partyWithProxy } from '../../clients/lib/resume.js';
import { until } from '../../clients/lib/wait.js';
import { modeChanged, modesSeenBy, ok, openTransport, producersSeenBy, publish, subscribe, unavailable } from '../lib/session.js';
import { mediaAvailable, mediaMissed, Stage } from '../lib/stage.js';

const THREE = ['anna', 'bert', 'carl'];
const FOUR = [...THREE, 'dora'];
const DOWN = { mode: 'p2p', reason: 'media-unavailable' };
const MOVED = { mode: 'sfu', reason: 'media-moved' };

/** Waits until all were told, and checks that it was once. */
async function allToldOnce(clients, expected) {
  for (const client of clients) await modeChanged(client, expected.reason);
  await settle(clients[0], ...clients);
  const others = ({ reason }) => reason !== 'capacity';
  for (const client of clients) assert.deepEqual(modesSeenBy(client).filter(others), [expected], client.username);
}

/** A room of three that turned sfu because a fourth came, who has left. */
async function threeOfFour(t, own) {
  const code = own.p2pCode();
  const clients = await own.party(t, FOUR, { code });
  const leaver = clients.pop();
  await ok(leaver, 'leave:room');
  for (const client of clients) await client.event('peer:left');
  return { clients, code };
}

describe('a room of three whose media service goes', { concurrency: 8 }, () => {
  test('is told once, all of it, that it is p2p, with the room; and may signal', async (t) => {
    const own = await Stage.set(t);
    const code = own.sfuCode();
    const clients = await own.party(t, THREE, { code });
    const [anna, bert] = clients;
    const [{ roomId }] = anna.recorder.all('room:joined');
    await publish(anna);
    await own.stub.close();
    await allToldOnce(clients, DOWN);
    assert.deepEqual(anna.recorder.all('room:mode'), [{ roomId, ...DOWN }]);
    await ok(anna, 'webrtc:offer', { targetPeerId: bert.peerId, offer: { type: 'offer', sdp: 'v=0\r\n' } });
    await bert.event('webrtc:offer');
    const joined = await join(anna, code);
    assert.equal(joined.mode, 'p2p');
    assert.ok(!('producers' in joined));
    for (const client of clients) await unavailable(client, 'sfu_create_transport', { direction: 'send' });
  });

  test('by what a request finds out just as by a health check', async (t) => {
    const own = await Stage.set(t);
    const clients = await own.party(t, THREE);
    const { transportId } = await publish(clients[0]);
    own.stub.fail('reset', { routes: ['restartIce', 'readyz'] });
    await unavailable(clients[0], 'sfu_restart_ice', { transportId });
    await allToldOnce(clients, DOWN);
  });

  test('stays p2p when it is back, and what it had there is deleted', async (t) => {
    const own = await Stage.set(t, { env: { MAX_P2P_PEERS: '3' } });
    const { clients } = await threeOfFour(t, own);
    await publish(clients[0]);
    await subscribe(clients[1]);
    await own.stub.close();
    await allToldOnce(clients, DOWN);
    await own.stub.open();
    await mediaAvailable(own.gateway);
    await own.stub.probed(3);
    await settle(clients[0], ...clients);
    for (const client of clients) {
      assert.deepEqual(modesSeenBy(client).at(-1), DOWN);
      assertRefused(await client.ask('sfu_create_transport', { direction: 'send' }), 'FORBIDDEN');
    }
    await until(() => clients.every(({ peerId }) => !own.stub.knows(peerId)), 'nothing of the room is left there');
  });

  test('may turn sfu again by a fourth, with nothing of before', async (t) => {
    const own = await Stage.set(t, { env: { MAX_P2P_PEERS: '3' } });
    const { clients, code } = await threeOfFour(t, own);
    const { transportId } = await publish(clients[0]);
    await own.stub.close();
    for (const client of clients) await modeChanged(client, 'media-unavailable');
    await own.stub.open();
    await mediaAvailable(own.gateway);
    const marks = clients.map((client) => client.mark());
    const [erna] = await own.party(t, ['erna'], { code });
    assert.deepEqual((await erna.event('room:joined')).producers, []);
    for (const [index, client] of clients.entries()) await modeChanged(client, 'capacity', marks[index]);
    assertRefused(await clients[0].ask('sfu_restart_ice', { transportId }), 'FORBIDDEN');
    const { producerId } = await publish(clients[0]);
    await subscribe(erna, producerId);
  });

  test('and turns sfu again has the end of what was behind it: what it has now is not deleted by mistake', async (t) => {
    const own = await Stage.set(t, { env: { MAX_P2P_PEERS: '3' } });
    const { clients, code } = await threeOfFour(t, own);
    for (const client of clients) await publish(client);
    await own.stub.close();
    for (const client of clients) await modeChanged(client, 'media-unavailable');
    own.stub.fail('slow', { ms: 700, routes: ['deleteBroadcaster'] });
    await own.stub.open();
    await mediaAvailable(own.gateway);
    const marks = clients.map((client) => client.mark());
    await own.party(t, ['erna'], { code });
    for (const [index, client] of clients.entries()) await modeChanged(client, 'capacity', marks[index]);
    const sent = [];
    for (const client of clients) sent.push(await publish(client));
    await own.stub.idle();
    await own.stub.probed(2);
    for (const [index, client] of clients.entries()) await ok(client, 'sfu_restart_ice', { transportId: sent[index].transportId });
  });

  test('while a producer is being made: that is not announced, and nothing is left of it', async (t) => {
    const own = await Stage.set(t);
    const [anna, ...others] = await own.party(t, THREE);
    const transportId = await openTransport(anna, 'send');
    own.stub.fail('slow', { ms: 2_000, routes: ['produce'] });
    own.stub.fail('status', { status: 503, routes: ['readyz', 'createTransport'] });
    const producing = anna.ask('sfu_produce', { transportId, kind: 'audio', rtpParameters: {} });
    await own.stub.called('produce');
    await unavailable(others[0], 'sfu_create_transport', { direction: 'send' });
    await allToldOnce([anna, ...others], DOWN);
    const answer = await producing;
    assert.equal(answer.status, 'error', JSON.stringify(answer));
    await settle(anna, ...others);
    for (const other of others) assert.deepEqual(other.recorder.all('sfu_new_producer'), []);
    own.stub.heal();
    await until(() => !own.stub.knows(anna.peerId), 'nothing of it is left there');
  });

  for (const [name, room] of [
    ['that the Room Service wants there', async (t, own) => own.party(t, THREE)],
    ['that came there by its size', async (t, own) => (await threeOfFour(t, own)).clients],
  ]) {
    test(`${name}, and comes and goes: everybody is told the same, in the same order, and each change once`, async (t) => {
      const own = await Stage.set(t, { env: { MAX_P2P_PEERS: '3' } });
      const clients = await room(t, own);
      const marks = clients.map((client) => client.mark());
      for (let round = 0; round < 3; round += 1) {
        await own.stub.close();
        await mediaMissed(own.gateway);
        await own.stub.open();
        await mediaAvailable(own.gateway);
      }
      own.stub.fail('flap', { routes: ['*'] });
      for (let n = 0; n < 6; n += 1) await clients[0].ask('sfu_create_transport', { direction: 'send' });
      await own.stub.probed(4);
      own.stub.heal();
      await mediaAvailable(own.gateway);
      await own.stub.probed(2);
      await settle(clients[0], ...clients);
      const views = clients.map((client, index) => modesSeenBy(client, marks[index]));
      for (const view of views) assert.deepEqual(view, [DOWN]);
    });
  }
});

describe('a room of four whose media service goes', { concurrency: 8 }, () => {
  test('stays sfu, and works again with all it had', async (t) => {
    const own = await Stage.set(t);
    const code = own.sfuCode();
    const clients = await own.party(t, FOUR, { code });
    const { transportId, producerId } = await publish(clients[0]);
    const { transportId: recvId } = await subscribe(clients[1], producerId);
    await own.stub.close();
    await mediaMissed(own.gateway);
    await unavailable(clients[0], 'sfu_restart_ice', { transportId });
    assert.equal((await join(clients[2], code)).mode, 'sfu');
    await own.stub.open();
    await mediaAvailable(own.gateway);
    await ok(clients[0], 'sfu_restart_ice', { transportId });
    await ok(clients[1], 'sfu_restart_ice', { transportId: recvId });
    await subscribe(clients[3], producerId);
    await settle(clients[0], ...clients);
    for (const client of clients) assert.deepEqual(modesSeenBy(client), []);
  });

  test('and shrinks to three meanwhile turns p2p', async (t) => {
    const own = await Stage.set(t);
    const clients = await own.party(t, FOUR);
    await own.stub.close();
    await mediaMissed(own.gateway);
    await settle(clients[0], ...clients);
    for (const client of clients) assert.deepEqual(modesSeenBy(client), []);
    const leaver = clients.pop();
    await ok(leaver, 'leave:room');
    await allToldOnce(clients, DOWN);
    assert.deepEqual(modesSeenBy(leaver), []);
  });

  test('and comes back with nothing is told to begin anew, once', async (t) => {
    const own = await Stage.set(t);
    const code = own.sfuCode();
    const clients = await own.party(t, FOUR, { code });
    const { transportId } = await publish(clients[0]);
    await own.stub.close();
    await mediaMissed(own.gateway);
    own.stub.forget();
    await own.stub.open();
    await allToldOnce(clients, MOVED);
    assertRefused(await clients[0].ask('sfu_restart_ice', { transportId }), 'FORBIDDEN');
    for (const client of clients) assert.deepEqual(await producersSeenBy(client), []);
    const { producerId } = await publish(clients[0]);
    await clients[1].event('sfu_new_producer', (told) => told.producerId === producerId);
    await subscribe(clients[1], producerId);
    assert.deepEqual((await join(clients[2], code)).producers.map((each) => each.producerId), [producerId]);
  });

});

describe('a media service that was restarted unnoticed', { concurrency: 8 }, () => {
  /** What everybody of a room has lost is found out by one of them. */
  async function beginsAnew(clients) {
    for (const client of clients) {
      await until(async () => (await client.ask('sfu_create_transport', { direction: 'send' })).status === 'ok', `${client.username} can make transports`);
    }
    const { producerId } = await publish(clients[0]);
    await subscribe(clients.at(-1), producerId);
    await settle(clients[0], ...clients);
    for (const client of clients) assert.ok(modesSeenBy(client).every(({ mode }) => mode === 'sfu'));
  }

  test('is found out by who had something there', async (t) => {
    const own = await Stage.set(t);
    const clients = await own.party(t, FOUR);
    const { transportId } = await publish(clients[0]);
    own.stub.forget();
    await clients[0].ask('sfu_restart_ice', { transportId });
    await beginsAnew(clients);
  });

  test('keeps nothing of those who leave without having begun anew', async (t) => {
    const own = await Stage.set(t);
    const code = own.sfuCode();
    const clients = await own.party(t, FOUR, { code });
    const sent = [];
    for (const client of clients) sent.push(await publish(client));
    own.stub.forget();
    const [late] = await own.party(t, ['late'], { code });
    await openTransport(late, 'send');
    await clients[2].ask('sfu_restart_ice', { transportId: sent[2].transportId });
    for (const client of [...clients, late]) await modeChanged(client, 'media-moved');
    for (const client of [...clients, late]) await ok(client, 'leave:room');
    await own.stub.idle();
    await until(() => own.stub.rooms.size === 0, 'nothing is left there');
  });

  test('is found out although a newcomer was there first', async (t) => {
    const own = await Stage.set(t);
    const code = own.sfuCode();
    const clients = await own.party(t, FOUR, { code });
    for (const client of clients) await publish(client);
    own.stub.forget();
    const [late] = await own.party(t, ['late'], { code });
    await openTransport(late, 'send');
    await beginsAnew([...clients, late]);
  });

  test('is found out although one who had nothing there yet was first', async (t) => {
    const own = await Stage.set(t);
    const [silent, ...others] = await own.party(t, FOUR);
    for (const client of others) await publish(client);
    own.stub.forget();
    await openTransport(silent, 'send');
    await beginsAnew([...others, silent]);
  });
});

describe('who is away while its room changes', { concurrency: 8 }, () => {
  test('is told when it is back', async (t) => {
    const own = await Stage.set(t, { env: { RECONNECT_WINDOW_MS: '60000' } });
    const { proxy, lossy, others } = await partyWithProxy(t, own.gateway, ['anna', 'lossy'], { code: own.sfuCode() });
    await publish(lossy);
    await lose(proxy);
    await own.stub.close();
    await modeChanged(others[0], 'media-unavailable');
    const back = await comeBackAs(t, own.gateway, lossy);
    const resumed = await assertResumed(back, lossy);
    assert.equal(resumed.mode, 'p2p');
    await settle(others[0], back);
    assert.ok(modesSeenBy(back).length <= 1);
    await unavailable(back, 'sfu_get_producers');
  });

  test('is told to begin anew, where nothing else would tell', async (t) => {
    const own = await Stage.set(t, { env: { RECONNECT_WINDOW_MS: '60000' } });
    const { proxy, lossy, others } = await partyWithProxy(t, own.gateway, ['anna', 'bert', 'carl', 'lossy'], { code: own.sfuCode() });
    const { transportId } = await publish(lossy);
    await lose(proxy);
    await own.stub.close();
    await mediaMissed(own.gateway);
    own.stub.forget();
    await own.stub.open();
    await modeChanged(others[0], 'media-moved');
    const back = await comeBackAs(t, own.gateway, lossy);
    assert.equal((await assertResumed(back, lossy)).mode, 'sfu');
    await modeChanged(back, 'media-moved');
    assertRefused(await back.ask('sfu_restart_ice', { transportId }), 'FORBIDDEN');
    await publish(back);
    await settle(others[0], back);
    assert.equal(modesSeenBy(back).length, 1);
  });
});
