import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { assertRefused, settle } from '../../clients/lib/rooms.js';
import { until } from '../../clients/lib/wait.js';
import { metric } from '../lib/admin.js';
import { modeChanged, modesSeenBy, ok, producersSeenBy, publish, subscribe, unavailable } from '../lib/session.js';
import { mediaAvailable, mediaFound, mediaHealth, mediaMissed, Stage } from '../lib/stage.js';

const ROOMS = 12;
const PAIR = ['anna', 'bert'];
const MOVED = { mode: 'sfu', reason: 'media-moved' };

/** Rooms of two on two media services; in each the first publishes. */
async function spreadRooms(t, own) {
  const rooms = [];
  for (let n = 0; n < ROOMS; n += 1) {
    const clients = await own.party(t, PAIR);
    const [{ roomId }] = clients[0].recorder.all('room:joined');
    const sent = await publish(clients[0]);
    await subscribe(clients[1], sent.producerId);
    rooms.push({ roomId, clients, ...sent });
  }
  const of = (stub) => rooms.filter(({ roomId }) => stub.rooms.has(roomId));
  return { rooms, of };
}

describe('two media services', { concurrency: 4 }, () => {
  test('share the rooms; one room is on one of them, all of it', async (t) => {
    const own = await Stage.set(t, { media: 2 });
    const { rooms, of } = await spreadRooms(t, own);
    const [first, second] = own.media.map(of);
    assert.equal(first.length + second.length, ROOMS, 'each room is on one');
    assert.ok(first.length > 0 && second.length > 0, `${first.length} and ${second.length}`);
    for (const { roomId, clients } of rooms) {
      const stub = own.media.find(({ rooms: known }) => known.has(roomId));
      assert.deepEqual([...stub.rooms.get(roomId).keys()].sort(), clients.map(({ peerId }) => peerId).sort());
    }
    assert.equal((await mediaHealth(own.gateway)).services.length, 2);
  });

  test('of which one dies: its rooms move to the other and are told, the others notice nothing', async (t) => {
    const own = await Stage.set(t, { media: 2 });
    const { of } = await spreadRooms(t, own);
    const [dying, living] = own.media;
    const [moving, staying] = [of(dying), of(living)];
    await dying.close();
    for (const { clients } of moving) for (const client of clients) await modeChanged(client, 'media-moved');
    for (const { clients: [anna, bert], transportId } of moving) {
      assertRefused(await anna.ask('sfu_restart_ice', { transportId }), 'FORBIDDEN');
      assert.deepEqual(await producersSeenBy(bert), []);
      const { producerId } = await publish(anna);
      await subscribe(bert, producerId);
    }
    for (const { clients: [anna, bert], transportId, producerId } of staying) {
      await ok(anna, 'sfu_restart_ice', { transportId });
      await subscribe(bert, producerId);
    }
    const health = await mediaHealth(own.gateway);
    assert.equal(health.available, true, 'one is enough');
    await dying.open();
    await mediaFound(own.gateway);
    await until(() => dying.rooms.size === 0, 'what was left behind is deleted');
    for (const { clients } of [...moving, ...staying]) {
      await settle(clients[0], ...clients);
      for (const client of clients) assert.deepEqual(modesSeenBy(client), moving.some((room) => room.clients === clients) ? [MOVED] : []);
    }
    assert.equal(of(living).length, ROOMS, 'rooms do not move back');
    for (const [stub, state] of [[dying, 0], [living, 0]]) {
      assert.equal(await metric(own.gateway, 'switchboard_media_breaker_state', new URL(stub.url).host), state);
    }
  });

  test('of which one dies: new rooms go to the other, and none is refused', async (t) => {
    const own = await Stage.set(t, { media: 2 });
    await own.media[0].close();
    await mediaMissed(own.gateway, own.media[0]);
    const { of } = await spreadRooms(t, own);
    assert.equal(of(own.media[1]).length, ROOMS);
  });

  test('of which one hangs: only who is on it waits', async (t) => {
    const own = await Stage.set(t, { media: 2 });
    const { of } = await spreadRooms(t, own);
    const [hanging, living] = own.media;
    const [slow] = of(hanging);
    const [quick] = of(living);
    hanging.fail('hang', { routes: ['*'] });
    const waiting = slow.clients[0].ask('sfu_restart_ice', { transportId: slow.transportId });
    await hanging.called('restartIce');
    for (let n = 0; n < 10; n += 1) await ok(quick.clients[0], 'sfu_restart_ice', { transportId: quick.transportId });
    assert.equal((await waiting).code, 'MEDIA_UNAVAILABLE');
    await modeChanged(slow.clients[1], 'media-moved');
    await publish(slow.clients[1]);
    assert.deepEqual(modesSeenBy(quick.clients[0]), []);
  });

  test('that both die: small rooms go back to p2p, once', async (t) => {
    const own = await Stage.set(t, { media: 2 });
    const { rooms } = await spreadRooms(t, own);
    await Promise.all(own.media.map((stub) => stub.close()));
    for (const { clients } of rooms) {
      for (const client of clients) {
        await modeChanged(client, 'media-unavailable');
        await settle(client, ...clients);
        assert.deepEqual(modesSeenBy(client).filter(({ mode }) => mode === 'p2p').length, 1);
        assert.equal(modesSeenBy(client).at(-1).mode, 'p2p');
        await unavailable(client, 'sfu_get_router_capabilities');
      }
    }
    await own.media[1].open();
    await mediaAvailable(own.gateway);
    const [anna] = await own.party(t, ['anna']);
    await publish(anna);
  });

  test('written with blanks and slashes are the same two', async (t) => {
    const own = await Stage.set(t, { media: 2 });
    const urls = own.media.map(({ url }) => url);
    const other = await Stage.set(t, { media: 0, env: { MEDIA_SERVICE_URL: ` ${urls[0]}/ , ${urls[1]}` } });
    await mediaAvailable(other.gateway);
    assert.equal((await mediaHealth(other.gateway)).services.length, 2);
    const [anna] = await other.party(t, ['anna']);
    await publish(anna);
    assert.deepEqual(own.media.flatMap((stub) => stub.calls('unknown').map(({ url }) => url)), []);
  });
});
