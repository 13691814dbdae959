import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { smallCamera } from './lib/browser.mjs';
import { until } from './lib/guest.mjs';
import { freshRoom, house } from './lib/house.mjs';
import { fits, isAccessible, PHONE, picture } from './lib/looks.mjs';
import { turnPlace } from './lib/turnPlace.mjs';

const { url, withGuests } = house([{}], turnPlace);

let people = 0;

/** Somebody whom no other test knows: a page that is closed without a goodbye is waited for, and its user would come back. */
const somebody = (name) => `${name}${++people}`;

async function openConsole(guest) {
  await guest.page.goto(`${url()}console.html`);
  await guest.get('username').fill(guest.name);
  await guest.get('login').click();
  await guest.get('console-ready').waitFor();
}

async function connect(guest, protocol, room) {
  await guest.get('protocol').selectOption(protocol);
  await guest.get('console-room').fill(room);
  await guest.get('connect').click();
  await guest.page.locator('[data-testid=socket-state][data-state=online]').waitFor();
}

async function send(guest, template) {
  await guest.get(`template-${template}`).click();
  await guest.get('send').click();
}

const frames = (guest, type, direction = 'in') => guest.page.locator(`[data-testid=event][data-name="${type}"][data-direction="${direction}"]`);

/** Presses Tab until the element has the focus. */
async function tabTo(guest, testId) {
  for (let press = 0; press < 60; press++) {
    if ((await guest.page.evaluate(() => document.activeElement?.getAttribute('data-testid'))) === testId) return;
    await guest.page.keyboard.press('Tab');
  }
  assert.fail(`Tab does not reach ${testId}`);
}

describe('the console for raw WebSockets', { timeout: 400_000 }, () => {
  test(
    'on /signal is a peer of the same room as the demo, which it hears and is heard by',
    withGuests(async (arrive) => {
      const ada = await arrive(somebody('Ada'));
      const bob = await arrive(somebody('Bob'), { init: [smallCamera] });
      const room = freshRoom('signal');
      await openConsole(ada);
      await connect(ada, 'signal', room);
      await frames(ada, 'joined').waitFor();
      await frames(ada, 'joined').getByRole('button').click();
      await frames(ada, 'joined').filter({ hasText: '"turn:127.0.0.1' }).filter({ hasText: '"credential": "[hidden]"' }).waitFor();

      await bob.enter(room);
      await bob.tile(ada.name).waitFor();
      await frames(ada, 'peer-joined').filter({ hasText: bob.name }).waitFor();
      await frames(ada, 'sdp').first().waitFor();
      await ada.get('target').selectOption(bob.name);
      await send(ada, 'chat');
      await frames(ada, 'chat-ack').waitFor();
      await bob.panel('chat');
      await bob.message('Hello').waitFor();
      await bob.say('And hello to you');
      await frames(ada, 'chat').filter({ hasText: 'And hello to you' }).waitFor();

      await ada.get('disconnect').click();
      await ada.get('ending').filter({ hasText: '1000' }).waitFor();
      await bob.get('tile').waitFor({ state: 'detached' });
    }),
  );

  test(
    'shows what was wrong with a frame, and stays connected',
    withGuests(async (arrive) => {
      const ada = await arrive(somebody('Ada'));
      await openConsole(ada);
      await connect(ada, 'signal', freshRoom('wrong'));
      await frames(ada, 'joined').waitFor();
      await send(ada, 'unknown');
      await ada.get('frame-error').filter({ hasText: 'UNKNOWN_EVENT' }).filter({ hasText: 'no-such-type' }).waitFor();
      await ada.get('draft').fill('{"type":"chat"');
      await ada.get('draft-problem').filter({ hasText: 'Not JSON' }).waitFor();
      await ada.get('send').click();
      await ada.get('frame-error').filter({ hasText: 'INVALID_PAYLOAD' }).waitFor();
      await ada.get('template-chat').click();
      await ada.get('draft').fill((await ada.get('draft').inputValue()).replace(ada.name, 'Eve'));
      await ada.get('send').click();
      await ada.get('frame-error').filter({ hasText: 'FORBIDDEN' }).filter({ hasText: 'field senderId' }).waitFor();
      await isAccessible(ada, 'an error in the console');
      await picture(ada, 'console-error.png');
      await send(ada, 'chat');
      await frames(ada, 'chat-ack').waitFor();
      await ada.get('frame-error').waitFor({ state: 'detached' });
    }),
  );

  test(
    'comes back as the same peer after a loss',
    withGuests(async (arrive) => {
      const ada = await arrive(somebody('Ada'));
      const bob = await arrive(somebody('Bob'), { init: [smallCamera] });
      const room = freshRoom('back');
      await bob.enter(room);
      await openConsole(ada);
      for (const protocol of ['signal', 'ws']) {
        await connect(ada, protocol, room);
        if (protocol === 'ws') await send(ada, 'join');
        await frames(ada, 'joined').first().waitFor();
        const peer = await bob.get('tile').getAttribute('data-peer');
        await ada.get('drop').click();
        await ada.get('ending').filter({ hasText: '4000' }).waitFor();
        await ada.get('come-back').check();
        await ada.get('connect').click();
        await frames(ada, 'resumed').waitFor();
        assert.equal(await bob.get('tile').getAttribute('data-peer'), peer);
        await ada.get('disconnect').click();
        await ada.get('ending').filter({ hasText: '1000' }).waitFor();
        await bob.get('tile').waitFor({ state: 'detached' });
        await ada.get('events-clear').click();
      }
      assert.equal(await bob.events('peer:joined'), 2);
      assert.equal(await bob.events('peer:left'), 2);
    }),
  );

  test(
    'on /ws can be used without a mouse',
    withGuests(async (arrive) => {
      const ada = await arrive(somebody('Ada'));
      const room = freshRoom('keys');
      await ada.page.goto(`${url()}console.html#protocol=ws&room=${room}`);
      await ada.page.locator('[data-testid=username]:focus').waitFor();
      await ada.page.keyboard.type(ada.name);
      await ada.page.keyboard.press('Enter');
      await ada.get('console-ready').waitFor();
      assert.equal(await ada.get('protocol').inputValue(), 'ws');
      await tabTo(ada, 'console-name');
      await ada.page.keyboard.press('End');
      await ada.page.keyboard.type(' at the keys');
      await ada.page.keyboard.press('Enter');
      await ada.page.locator('[data-testid=socket-state][data-state=online]').waitFor();
      await tabTo(ada, 'template-join');
      await ada.page.keyboard.press('Enter');
      await ada.page.keyboard.press('Control+Enter');
      await frames(ada, 'joined').filter({ hasText: `${ada.name} at the keys` }).waitFor();
      await tabTo(ada, 'template-leave');
      await ada.page.keyboard.press('Enter');
      await ada.page.keyboard.press('Control+Enter');
      await frames(ada, 'left').waitFor();
    }),
  );

  test(
    'has an example of each frame of /ws that the gateway takes',
    withGuests(async (arrive) => {
      const ada = await arrive(somebody('Ada'));
      const bob = await arrive(somebody('Bob'));
      const room = freshRoom('examples');
      for (const guest of [ada, bob]) {
        await openConsole(guest);
        await connect(guest, 'ws', room);
        await send(guest, 'join');
        await frames(guest, 'joined').waitFor();
      }
      await ada.get('target').selectOption(bob.name);
      for (const type of ['offer', 'answer', 'ice-candidate']) {
        await send(ada, type);
        await frames(bob, type).filter({ hasText: `"recipient":"${bob.name}"` }).waitFor();
      }
      await send(ada, 'chat');
      await frames(bob, 'chat').waitFor();
      await send(ada, 'host-change');
      await frames(bob, 'host-change').waitFor();
      await bob.get('target').selectOption(ada.name);
      await send(bob, 'kick');
      await frames(ada, 'kicked').waitFor();
      await until('nothing to be refused', async () => (await frames(ada, 'error').count()) + (await frames(bob, 'error').count()) === 0);
    }),
  );

  for (const colorScheme of ['light', 'dark']) {
    test(
      `passes the accessibility check in ${colorScheme} colours, and fits a phone`,
      withGuests(async (arrive) => {
        const ada = await arrive(somebody('Ada'), { context: { colorScheme } });
        await ada.page.goto(`${url()}console.html`);
        await ada.get('console-login').waitFor();
        await isAccessible(ada, 'sign-in of the console');
        await openConsole(ada);
        await isAccessible(ada, 'console');
        await connect(ada, 'ws', freshRoom('looks'));
        await send(ada, 'join');
        await frames(ada, 'joined').waitFor();
        await send(ada, 'chat');
        await frames(ada, 'chat-ack').waitFor();
        await isAccessible(ada, 'console, connected');
        await picture(ada, `console-${colorScheme}.png`);
        const bob = await arrive(somebody('Bob'), { context: { ...PHONE, colorScheme } });
        await openConsole(bob);
        await connect(bob, 'signal', freshRoom('phone'));
        await frames(bob, 'joined').waitFor();
        await fits(bob, 'the console');
        await picture(bob, `phone-console-${colorScheme}.png`);
      }),
    );
  }
});
