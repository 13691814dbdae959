import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { freshRoom, house } from './lib/house.mjs';
import { until } from './lib/guest.mjs';

const { withGuests } = house([{}, {}, { devices: false }]);

describe('a room', { timeout: 400_000 }, () => {
  test(
    'three peers all see each other, and whom the host removes is told why',
    withGuests(async (arrive) => {
      const code = freshRoom('three');
      const ada = await arrive('Ada', { browser: 0 });
      const bob = await arrive('Bob', { browser: 1 });
      const cleo = await arrive('Cleo', { browser: 1 });
      for (const guest of [ada, bob, cleo]) await guest.enter(code);
      await Promise.all([ada, bob, cleo].map((guest) => guest.hasConnections(2)));
      await Promise.all([ada, bob, cleo].map((guest) => guest.seesVideo()));

      await ada.panel('people');
      await ada.get('person').filter({ hasText: 'Cleo' }).getByTestId('kick').click();
      await ada.get('kick-reason').fill('wrong meeting');
      await ada.get('kick-confirm').click();

      await cleo.get('view-lobby').waitFor();
      await cleo.get('end-notice').filter({ hasText: 'wrong meeting' }).waitFor();
      await Promise.all([ada, bob].map((guest) => guest.tile('Cleo').waitFor({ state: 'detached' })));
      await Promise.all([ada, bob].map((guest) => guest.hasConnections(1)));
      await ada.get('toasts').filter({ hasText: 'Cleo was removed by the host' }).waitFor();
    }),
  );

  test(
    'switching microphone and camera off and on shows on the other side',
    withGuests(async (arrive) => {
      const code = freshRoom('switches');
      const ada = await arrive('Ada', { browser: 0 });
      const bob = await arrive('Bob', { browser: 1 });
      await ada.enter(code);
      await bob.enter(code);
      await bob.seesVideo();
      const tile = bob.tile('Ada');

      await ada.get('toggle-mic').click();
      await tile.getByTestId('muted').waitFor();
      await ada.get('toggle-mic').click();
      await tile.getByTestId('muted').waitFor({ state: 'detached' });
      await bob.hearsSound();

      await ada.get('toggle-cam').click();
      await tile.locator('.tile-initials').waitFor();
      await ada.get('toggle-cam').click();
      await tile.locator('.tile-initials').waitFor({ state: 'detached' });
      await bob.seesVideo();
      assert.deepEqual(await bob.connections(), { made: 1, up: 1 });
    }),
  );

  test(
    'a shared screen takes the place of the camera until it is ended',
    withGuests(async (arrive) => {
      const code = freshRoom('screen');
      const ada = await arrive('Ada', { browser: 0 });
      const bob = await arrive('Bob', { browser: 1 });
      await ada.enter(code);
      await bob.enter(code);
      await bob.seesVideo();
      await ada.get('toggle-screen').click();
      await bob.page.locator('[data-testid=tile][data-screen=true]').waitFor();
      await bob.seesVideo();
      await ada.get('toggle-screen').click();
      await bob.page.locator('[data-testid=tile][data-screen=false]').waitFor();
      await bob.seesVideo();
    }),
  );

  test(
    'somebody without camera and microphone is told so, and can watch, listen and chat',
    withGuests(async (arrive) => {
      const code = freshRoom('bare');
      const ada = await arrive('Ada', { browser: 0 });
      const bare = await arrive('Bare', { browser: 2 });
      await bare.login();
      await bare.get('device-notice').filter({ hasText: 'No camera or microphone was found' }).waitFor();
      await bare.join(code);
      await ada.enter(code);
      await bare.seesVideo();
      await bare.hearsSound();
      await ada.tile('Bare').getByTestId('muted').waitFor();
      await bare.say('I can see you');
      await ada.message('I can see you').waitFor();
    }),
  );

  test(
    'two tabs of one person are two peers',
    withGuests(async (arrive) => {
      const code = freshRoom('tabs');
      const ada = await arrive('Ada', { browser: 0 });
      await ada.enter(code);
      const twin = await arrive('Ada', { browser: 1 });
      await twin.enter(code);
      await Promise.all([ada.hasConnections(1), twin.hasConnections(1)]);
      assert.notEqual(await ada.peerId(), await twin.peerId());
    }),
  );

  test(
    'when both sides restart ICE at once the crossing offers are sorted out',
    withGuests(async (arrive) => {
      const code = freshRoom('glare');
      const ada = await arrive('Ada', { browser: 0 });
      const bob = await arrive('Bob', { browser: 1 });
      await ada.enter(code);
      await bob.enter(code);
      await Promise.all([ada.hasConnections(1), bob.hasConnections(1)]);
      const ufrag = (guest) => guest.page.evaluate(() => /a=ice-ufrag:(\S+)/.exec(window.connections[0].currentLocalDescription.sdp)[1]);
      const before = await Promise.all([ufrag(ada), ufrag(bob)]);
      await Promise.all([ada, bob].map((guest) => guest.page.evaluate(() => window.connections[0].restartIce())));
      await until('both to use new ICE credentials', async () => (await ufrag(ada)) !== before[0] && (await ufrag(bob)) !== before[1]);
      await Promise.all([ada.seesVideo(), bob.seesVideo()]);
      for (const guest of [ada, bob]) assert.deepEqual(await guest.connections(), { made: 1, up: 1 });
    }),
  );

  test(
    'the inspector filters, pauses, clears and hides what must stay secret',
    withGuests(async (arrive) => {
      const ada = await arrive('Ada', { browser: 0 });
      await ada.enter(freshRoom('inspect'));
      assert.equal(await ada.events('join:room', 'out'), 1);
      assert.equal(await ada.events('join:room', 'ack'), 1);
      await ada.page.locator('[data-testid=event][data-name="room:joined"] button').first().click();
      const detail = await ada.page.locator('.event-detail pre').textContent();
      assert.match(detail, /"resumeToken": "\[hidden\]"/);

      await ada.get('events-filter').fill('out join');
      await ada.get('events-count').filter({ hasText: /^1 of/ }).waitFor();
      await ada.get('events-filter').fill('');
      await ada.get('events-pause').click();
      await ada.get('events-clear').click();
      await ada.say('not recorded');
      await ada.page.locator('[data-testid=message][data-delivery=sent]').waitFor();
      assert.equal(await ada.events('chat_message'), 0);
    }),
  );
});
