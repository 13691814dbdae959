import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { smallCamera } from './lib/browser.mjs';
import { until } from './lib/guest.mjs';
import { freshRoom, house } from './lib/house.mjs';
import { sfuPlace, withoutMedia } from './lib/sfuPlace.mjs';

const NAMES = ['Ada', 'Bob', 'Cleo', 'Dan', 'Eve'];

/** Picture and sound of each come to each of the others. */
async function allSeeAll(guests) {
  await Promise.all(guests.map((guest) => guest.seesAndHears(guests.filter((g) => g !== guest).map(({ name }) => name))));
}

const onAll = (guests, work) => Promise.all(guests.map(work));

/** How many calls each has made. One after the other, since each looks at its event log. */
async function offersOf(guests) {
  const offers = [];
  for (const guest of guests) offers.push(await guest.events('webrtc:offer', 'out'));
  return offers;
}

/** That many guests in one room, who came one after the other; `nodes` is on how many gateways. */
async function gather(arrive, code, count, nodes = 1) {
  const guests = await Promise.all(NAMES.slice(0, count).map((name, index) => arrive(name, { node: index % nodes, init: [smallCamera] })));
  await onAll(guests, (guest) => guest.login());
  for (const guest of guests) await guest.join(code);
  return guests;
}

describe('a room with a media server', { timeout: 400_000 }, () => {
  const { place, withGuests } = house([{}], sfuPlace);

  test(
    'carries a call of two, whose switches show on the other side',
    withGuests(async (arrive) => {
      const [ada, bob] = await gather(arrive, freshRoom('sfu-two'), 2);
      await onAll([ada, bob], (guest) => guest.usesMediaServer());
      await allSeeAll([ada, bob]);
      const tile = bob.tile('Ada');

      await ada.get('toggle-mic').click();
      await tile.getByTestId('muted').waitFor();
      await ada.get('toggle-mic').click();
      await tile.getByTestId('muted').waitFor({ state: 'detached' });

      await ada.get('toggle-cam').click();
      await tile.locator('.tile-initials').waitFor();
      await ada.get('toggle-cam').click();
      await tile.locator('.tile-initials').waitFor({ state: 'detached' });
      await allSeeAll([ada, bob]);

      await ada.get('toggle-screen').click();
      await bob.page.locator('[data-testid=tile][data-screen=true]').waitFor();
      await allSeeAll([ada, bob]);
      await ada.get('toggle-screen').click();
      await bob.page.locator('[data-testid=tile][data-screen=false]').waitFor();
      await allSeeAll([ada, bob]);

      assert.equal(await ada.get('reactions').count(), 0, 'reactions have no way to the others');
      await onAll([ada, bob], async (guest) => assert.equal((await guest.connections()).up, 2, 'one connection each way, whatever was switched'));
    }),
  );

  test(
    'takes somebody muted, who is heard from the first time the mic is on',
    withGuests(async (arrive) => {
      const code = freshRoom('sfu-muted');
      const ada = await arrive('Ada', { init: [smallCamera] });
      await ada.login();
      await ada.get('toggle-mic').click();
      await ada.join(code);
      const bob = await arrive('Bob', { init: [smallCamera] });
      await bob.enter(code);
      await bob.tile('Ada').getByTestId('muted').waitFor();
      await ada.get('toggle-mic').click();
      await allSeeAll([ada, bob]);
      await bob.tile('Ada').getByTestId('muted').waitFor({ state: 'detached' });
    }),
  );

  test(
    'gets three sizes of a picture, and the network panel says which one arrives',
    withGuests(async (arrive) => {
      const code = freshRoom('sfu-layers');
      const [ada, bob] = [await arrive('Ada'), await arrive('Bob')];
      for (const guest of [ada, bob]) await guest.enter(code);
      await allSeeAll([ada, bob]);
      await bob.panel('network');
      await bob.get('sfu-send').filter({ hasText: /connected, \d/ }).waitFor();
      await bob.get('sfu-recv').filter({ hasText: /connected, \d/ }).waitFor();
      const sent = bob.page.locator('[data-testid=sfu-encoding][data-active=true]');
      for (const [row, size] of ['320×180', '640×360', '1280×720'].entries()) await sent.nth(row).filter({ hasText: new RegExp(`r${row}${size} @ \\d+[\\d.]+ .bit/s`) }).waitFor();
      await bob.get('sfu-mic').filter({ hasText: /opus, \d+ kbit\/s, \d+ lost/ }).waitFor();
      await bob.get('sfu-cam').filter({ hasText: /VP8, [\d.]+ .bit\/s, \d+ lost/ }).waitFor();
      const arrives = /(320×180 @ \d+, S0|640×360 @ \d+, S1|1280×720 @ \d+, S2) T[012] of S3T3/;
      await bob.get('sfu-cam-layer').filter({ hasText: arrives }).waitFor();
    }),
  );

  test(
    'carries a call of five, and lets go of who leaves',
    withGuests(async (arrive) => {
      const guests = await gather(arrive, freshRoom('sfu-five'), 5);
      await allSeeAll(guests);
      await onAll(guests, async (guest) => assert.equal(await guest.tracksReceived(), 8));

      const [leaver, ...rest] = guests;
      await leaver.get('leave').click();
      await leaver.get('view-lobby').waitFor();
      await onAll(rest, (guest) => guest.tile(leaver.name).waitFor({ state: 'detached' }));
      await onAll(rest, (guest) => until(`${guest.name} to receive of three`, async () => (await guest.tracksReceived()) === 6));
      await allSeeAll(rest);
      assert.equal((await leaver.connections()).up, 0);
    }),
  );

  test(
    'is what a room becomes, live, when one more comes than can talk directly',
    withGuests(async (arrive) => {
      const code = freshRoom('grows');
      const [ada, bob] = await gather(arrive, code, 2);
      await allSeeAll([ada, bob]);
      await onAll([ada, bob], (guest) => guest.usesMediaServer(false));
      const before = await onAll([ada, bob], (guest) => guest.peerId());

      const cleo = await arrive('Cleo', { init: [smallCamera] });
      await cleo.enter(code);
      const all = [ada, bob, cleo];
      await onAll(all, (guest) => guest.usesMediaServer());
      await allSeeAll(all);
      await onAll(all, (guest) => guest.hasConnections(2));
      assert.deepEqual(await onAll([ada, bob], (guest) => guest.peerId()), before);
      assert.equal(await ada.events('room:mode'), 1);
    }),
  );

  test(
    'keeps its session when the line to the gateway is cut, and takes in what came meanwhile',
    withGuests(async (arrive) => {
      const [ada, bob] = await gather(arrive, freshRoom('sfu-cut'), 2);
      await allSeeAll([ada, bob]);
      const { made } = await ada.connections();
      await ada.panel('network');
      await ada.get('cut-delay').selectOption('2000');
      await ada.get('cut').click();
      await ada.get('banner').waitFor();
      await bob.get('toggle-cam').click();
      await bob.get('toggle-screen').click();
      await ada.get('toggle-mic').click();
      await ada.get('toasts').filter({ hasText: 'Connection resumed' }).waitFor();

      await ada.page.locator('[data-testid=tile][data-screen=true]').waitFor();
      await bob.tile('Ada').getByTestId('muted').waitFor();
      await ada.get('toggle-mic').click();
      await allSeeAll([ada, bob]);
      assert.deepEqual(await ada.connections(), { made, up: 2 });
      assert.equal(await bob.events('peer:left'), 0);
    }),
  );

  test(
    'takes back who comes too late to be the same peer',
    withGuests(async (arrive) => {
      const [ada, bob] = await gather(arrive, freshRoom('sfu-late'), 2);
      await allSeeAll([ada, bob]);
      const peerId = await ada.peerId();
      await ada.get('cut-delay').selectOption('');
      await ada.get('cut').click();
      await bob.get('tile').waitFor({ state: 'detached' });
      await ada.get('restore').click();
      await bob.tile('Ada').waitFor();
      await allSeeAll([ada, bob]);
      assert.notEqual(await ada.peerId(), peerId);
    }),
  );

  test(
    'is gone back to by the same peer after a reload of the page',
    withGuests(async (arrive) => {
      const [ada, bob] = await gather(arrive, freshRoom('sfu-reload'), 2);
      await allSeeAll([ada, bob]);
      const peerId = await ada.peerId();
      await ada.page.reload();
      await ada.get('view-call').waitFor();
      await allSeeAll([ada, bob]);
      assert.equal(await ada.peerId(), peerId);
      assert.equal(await bob.events('peer:left'), 0);
    }),
  );

  test(
    'gets new ICE parameters for a way that broke, and keeps all that goes over it',
    withGuests(async (arrive) => {
      const [ada, bob] = await gather(arrive, freshRoom('sfu-ice'), 2);
      await allSeeAll([ada, bob]);
      const { made } = await ada.connections();
      await place().media.frozen(() => until('Ada to ask for new parameters', async () => (await ada.events('sfu_restart_ice', 'out')) > 0));
      await ada.page.locator('[data-testid=event][data-name=sfu_restart_ice][data-direction=ack]').filter({ hasText: '"status":"ok"' }).first().waitFor();
      await allSeeAll([ada, bob]);
      assert.deepEqual(await ada.connections(), { made, up: 2 });
    }),
  );

  test(
    'goes back to a mesh of three when the media server dies',
    withGuests(async (arrive) => {
      const guests = await gather(arrive, freshRoom('sfu-dies'), 3);
      const [ada, bob] = guests;
      // So that it has to remember who came before it.
      await bob.page.reload();
      await allSeeAll(guests);
      await withoutMedia(place(), async () => {
        await onAll(guests, (guest) => guest.usesMediaServer(false));
        await onAll(guests, (guest) => guest.hasConnections(2));
        await allSeeAll(guests);
        assert.deepEqual(await offersOf(guests), [0, 1, 2], 'the newer of each pair calls');
        await ada.get('reactions').click();
        await ada.page.getByLabel('React with 👍').click();
        await bob.tile('Ada').getByTestId('reaction').waitFor();
      });
    }),
  );

  test(
    'of four waits for a media server that was killed, and goes on through it',
    withGuests(async (arrive) => {
      const guests = await gather(arrive, freshRoom('sfu-back'), 4);
      await allSeeAll(guests);
      await withoutMedia(place(), async () => {
        await onAll(guests, (guest) => until(`${guest.name} to notice`, async () => (await guest.connections()).up === 0));
        await onAll(guests, (guest) => guest.usesMediaServer());
      });
      await allSeeAll(guests);
      await onAll(guests, (guest) => guest.usesMediaServer());
    }),
  );
});

describe('a room with a media server, on two nodes', { timeout: 400_000 }, () => {
  const { place, withGuests } = house([{}], () => sfuPlace(2));

  test(
    'lets peers see and hear those on the other node, and lets go of them',
    withGuests(async (arrive) => {
      const guests = await gather(arrive, freshRoom('sfu-nodes'), 3, 2);
      await allSeeAll(guests);
      const [ada, bob, cleo] = guests;
      await bob.get('toggle-cam').click();
      await onAll([ada, cleo], (guest) => guest.tile('Bob').locator('.tile-initials').waitFor());
      await bob.get('leave').click();
      await onAll([ada, cleo], (guest) => guest.tile('Bob').waitFor({ state: 'detached' }));
      await allSeeAll([ada, cleo]);
    }),
  );

  test(
    'is what a room becomes on both when it grows, and ceases to be when the media server dies',
    withGuests(async (arrive) => {
      const code = freshRoom('grows-nodes');
      const guests = await gather(arrive, code, 2, 2);
      await allSeeAll(guests);
      const cleo = await arrive('Cleo', { init: [smallCamera] });
      await cleo.enter(code);
      guests.push(cleo);
      await onAll(guests, (guest) => guest.usesMediaServer());
      await allSeeAll(guests);
      const before = await offersOf(guests);
      await withoutMedia(place(), async () => {
        await onAll(guests, (guest) => guest.usesMediaServer(false));
        await onAll(guests, (guest) => guest.hasConnections(2));
        await allSeeAll(guests);
        const after = await offersOf(guests);
        assert.deepEqual(after.map((count, index) => count - before[index]), [0, 1, 2], 'the newer of each pair calls');
      });
    }),
  );
});
