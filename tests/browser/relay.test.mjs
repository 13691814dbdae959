import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { drawnCamera, smallCamera } from './lib/browser.mjs';
import { until } from './lib/guest.mjs';
import { freshRoom, house } from './lib/house.mjs';
import { ADA, BOB, fits, isAccessible, PHONE, picture } from './lib/looks.mjs';
import { BRIEF, REFUSED, turnAndSfuPlace, turnPlace, WITHOUT_TURN } from './lib/turnPlace.mjs';

const init = [smallCamera];

async function twoOf(arrive, options = {}) {
  const ada = await arrive('Ada', { browser: 0, init, ...options });
  const bob = await arrive('Bob', { browser: 1, init, ...options });
  return [ada, bob];
}

/** A room by oneself, left with the switch on. */
async function chooseRelayBefore(guest) {
  await guest.enter(freshRoom('before'));
  await guest.relayOnly();
  await guest.get('leave').click();
  await guest.get('view-lobby').waitFor();
}

const both = (guests, work) => Promise.all(guests.map(work));

describe('a call through a TURN server', { timeout: 400_000 }, () => {
  const { place, withGuests } = house([{}, {}], turnPlace);

  test(
    'goes through it from the start where nothing else may be used, and comes back so after a reload',
    withGuests(async (arrive) => {
      const guests = await twoOf(arrive, { init: undefined });
      const [ada, bob] = guests;
      await both(guests, chooseRelayBefore);
      const code = freshRoom('relay');
      await ada.join(code);
      await bob.join(code);
      await both(guests, (guest) => guest.isRelayed());
      await both(guests, (guest) => guest.seesVideo());
      await both(guests, (guest) => guest.hearsSound());
      for (const guest of guests) {
        await guest.panel('network');
        await guest.get('path').filter({ hasText: /^relay ↔ (relay|prflx), udp$/ }).waitFor();
        await guest.get('relayed').filter({ hasText: /^yes, at (this end|both ends) \(by (udp|tcp)\)$/ }).waitFor();
        await guest.get('turn-servers').filter({ hasText: 'turn:127.0.0.1' }).waitFor();
        assert.match(place().coturn.log, new RegExp(`user <\\d+:${guest.name}>: incoming packet ALLOCATE processed, success`));
      }
      await isAccessible(ada, 'network, relayed');
      await bob.page.reload();
      await bob.get('view-call').waitFor();
      await both(guests, (guest) => guest.isRelayed());
      await both(guests, (guest) => guest.seesVideo());
    }),
  );

  test(
    'changes over to it and back while it goes on, whichever side asks',
    withGuests(async (arrive) => {
      const guests = await twoOf(arrive);
      const [ada, bob] = guests;
      const code = freshRoom('change');
      await ada.enter(code);
      await bob.enter(code);
      await both(guests, (guest) => guest.isRelayed(false));
      for (const asking of guests) {
        await asking.relayOnly();
        await asking.isRelayed();
        await both(guests, (guest) => guest.seesVideo());
        await asking.relayOnly(false);
        await both(guests, (guest) => guest.isRelayed(false));
        await both(guests, (guest) => guest.seesVideo());
      }
      for (const guest of guests) assert.equal((await guest.connections()).up, 1);
    }),
  );

  test(
    'gets newer credentials before the former expire, and goes on with them',
    withGuests(async (arrive) => {
      const guests = await twoOf(arrive, { node: BRIEF });
      const [ada, bob] = guests;
      const code = freshRoom('renew');
      await ada.enter(code);
      await ada.relayOnly();
      await bob.enter(code);
      await ada.isRelayed();
      const expiry = () => ada.page.evaluate(() => Number(window.connections.at(-1).getConfiguration().iceServers.find(({ username }) => username).username.split(':')[0]));
      const first = await expiry();
      await until('the first credentials to expire', () => Date.now() / 1000 > first + 1);
      await until('newer ones to be in use', async () => (await expiry()) > Date.now() / 1000);
      assert.ok((await ada.events('ice:servers')) > 0);
      for (const guest of guests) assert.deepEqual(await guest.connections(), { made: 1, up: 1 });
      await both(guests, (guest) => guest.seesVideo());
      // Only the newer ones can make another relay.
      await ada.relayOnly(false);
      await ada.isRelayed(false);
      await ada.relayOnly();
      await ada.isRelayed();
      await both(guests, (guest) => guest.seesVideo());
    }),
  );

  test(
    'cannot be had without a server, which is said, and without the switch it is a call as ever',
    withGuests(async (arrive) => {
      const guests = await twoOf(arrive, { node: WITHOUT_TURN });
      const [ada, bob] = guests;
      const code = freshRoom('none');
      await ada.enter(code);
      await ada.panel('network');
      await ada.get('turn-servers').filter({ hasText: 'none configured' }).waitFor();
      assert.equal(await ada.get('relay-missing').count(), 0);
      await ada.relayOnly();
      await ada.get('relay-missing').waitFor();
      await isAccessible(ada, 'relay missing');
      await picture(ada, 'relay-missing.png');
      await bob.enter(code);
      await ada.tile('Bob').waitFor();
      assert.equal((await ada.connections()).up, 0);
      await ada.relayOnly(false);
      await both(guests, (guest) => guest.isRelayed(false));
      await both(guests, (guest) => guest.seesVideo());
    }),
  );

  test(
    'that the server refuses shows what it said',
    withGuests(async (arrive) => {
      const guests = await twoOf(arrive, { node: REFUSED });
      const [ada, bob] = guests;
      const code = freshRoom('refused');
      await ada.enter(code);
      await ada.relayOnly();
      await bob.enter(code);
      await ada.get('relay-problem').filter({ hasText: /turn:127\.0\.0\.1.* refused: 401/ }).waitFor();
    }),
  );

  test(
    'is told of on a small screen too',
    withGuests(async (arrive) => {
      const ada = await arrive('Ada Osei-Lindqvist', { browser: 0, context: PHONE, init: [drawnCamera, ADA] });
      const bob = await arrive('Bob', { browser: 1, init: [drawnCamera, BOB] });
      const code = freshRoom('small');
      await ada.enter(code);
      await bob.enter(code);
      await ada.hasConnections(1);
      await bob.relayOnly();
      await bob.isRelayed();
      await bob.get('relayed').filter({ hasText: 'yes' }).waitFor();
      await picture(bob, 'network-relayed.png');
      await ada.panel('network');
      await picture(ada, 'phone-network-relay.png');
      await fits(ada, 'the network panel');
    }),
  );
});

describe('a room with a media server and a TURN server', { timeout: 400_000 }, () => {
  const { withGuests } = house([{}], turnAndSfuPlace);

  test(
    'sends and receives through the TURN server where nothing else may be used',
    withGuests(async (arrive) => {
      const guests = [await arrive('Ada', { init }), await arrive('Bob', { init })];
      const [ada, bob] = guests;
      const code = freshRoom('sfu-relay');
      await ada.enter(code);
      await bob.enter(code);
      await both(guests, (guest) => guest.usesMediaServer());
      await ada.seesAndHears(['Bob']);
      await ada.relayOnly();
      await ada.isRelayed();
      await ada.seesAndHears(['Bob']);
      await bob.seesAndHears(['Ada']);
      for (const way of ['send', 'recv']) await ada.get(`sfu-${way}-relayed`).filter({ hasText: 'yes, at this end' }).waitFor();
      await bob.isRelayed(false);
    }),
  );
});
