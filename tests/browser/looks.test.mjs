import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { drawnCamera } from './lib/browser.mjs';
import { until } from './lib/guest.mjs';
import { freshRoom, house } from './lib/house.mjs';
import { ADA, BOB, fits, isAccessible, PHONE, picture } from './lib/looks.mjs';

const { url, withGuests } = house();

/** Presses Tab until the element has the focus, as somebody without a mouse would. */
async function tabTo(guest, testId) {
  for (let press = 0; press < 40; press++) {
    const focus = await guest.page.evaluate(() => ({
      id: document.activeElement?.getAttribute('data-testid'),
      outline: document.activeElement ? getComputedStyle(document.activeElement).outlineStyle : 'none',
    }));
    if (focus.id === testId) return assert.notEqual(focus.outline, 'none', `${testId} shows its focus`);
    await guest.page.keyboard.press('Tab');
  }
  assert.fail(`Tab does not reach ${testId}`);
}

async function callWithChat(arrive, code, adaContext) {
  const ada = await arrive('Ada Osei', { browser: 0, context: adaContext, init: [drawnCamera, ADA] });
  const bob = await arrive('Bob Lindqvist', { browser: 1, init: [drawnCamera, BOB] });
  await ada.enter(code);
  await bob.enter(code);
  await Promise.all([ada.hasConnections(1), bob.hasConnections(1)]);
  await bob.say('Hi Ada, picture and sound are perfect here.');
  await ada.say('Same on my side. Shall we cut the line and see if anyone notices?');
  await bob.say('Two seconds, go!');
  await ada.message('Two seconds, go!').waitFor();
  // The first frames may be coarse.
  for (const guest of [ada, bob]) await guest.page.waitForFunction(() => document.querySelector('[data-testid=tile] video').videoWidth >= 480);
  return { ada, bob };
}

describe('how the demo looks and handles', { timeout: 400_000 }, () => {
  for (const colorScheme of ['light', 'dark']) {
    test(
      `every view passes the accessibility check in ${colorScheme} colours`,
      withGuests(async (arrive) => {
        const ada = await arrive('Ada', { context: { colorScheme } });
        await ada.page.goto(url());
        await ada.get('view-login').waitFor();
        await isAccessible(ada, 'login');
        await ada.login();
        await isAccessible(ada, 'lobby');
        await ada.page.locator('.preview video').waitFor();
        await picture(ada, `lobby-${colorScheme}.png`);
        await ada.join(freshRoom('axe'));
        const bob = await arrive('Bob', { browser: 1 });
        await bob.enter(await ada.get('room-code').textContent());
        await ada.hasConnections(1);
        await bob.say('Hello');
        for (const panel of ['chat', 'people', 'network', 'events']) {
          await ada.panel(panel);
          await isAccessible(ada, panel);
        }
        await ada.panel('people');
        await ada.get('kick').click();
        await isAccessible(ada, 'dialog');
      }),
    );
  }

  test(
    'everything from signing in to leaving can be done with the keyboard alone',
    withGuests(async (arrive) => {
      const ada = await arrive('Ada');
      const { keyboard } = ada.page;
      await ada.page.goto(url());
      await ada.get('view-login').waitFor();
      await tabTo(ada, 'username');
      await keyboard.type('Ada');
      await keyboard.press('Enter');
      await ada.get('view-lobby').waitFor();
      await tabTo(ada, 'generate');
      await keyboard.press('Enter');
      await tabTo(ada, 'join');
      await keyboard.press('Enter');
      await ada.get('view-call').waitFor();
      await tabTo(ada, 'toggle-mic');
      await keyboard.press('Space');
      await ada.page.locator('[data-testid=toggle-mic][aria-pressed=false]').waitFor();
      await tabTo(ada, 'tab-chat');
      await keyboard.press('ArrowRight');
      await ada.page.locator('[data-testid=tab-people][aria-selected=true]').waitFor();
      await keyboard.press('Escape');
      await ada.get('panel').waitFor({ state: 'detached' });
      await tabTo(ada, 'leave');
      await keyboard.press('Enter');
      await ada.get('view-lobby').waitFor();
    }),
  );

  test(
    'on a phone nothing is wider than the screen',
    withGuests(async (arrive) => {
      const ada = await arrive('Ada Osei', { context: PHONE, init: [drawnCamera, ADA] });
      const bob = await arrive('Bob Lindqvist', { browser: 1, init: [drawnCamera, BOB] });
      await ada.page.goto(url());
      await ada.get('view-login').waitFor();
      await fits(ada, 'login');
      await picture(ada, 'phone-login.png');
      await ada.login();
      await fits(ada, 'lobby');
      const code = freshRoom('a-rather-long-room-code-for-a-small-phone');
      await ada.join(code);
      await bob.enter(code);
      await ada.seesVideo();
      await fits(ada, 'call');
      await picture(ada, 'phone-call.png');
      await bob.say('unbroken'.repeat(20));
      for (const panel of ['chat', 'people', 'network', 'events']) {
        await ada.panel(panel);
        await fits(ada, panel);
        await picture(ada, `phone-${panel}.png`);
      }
    }),
  );

  test(
    'a call with chat is worth a picture, light and dark',
    withGuests(async (arrive) => {
      const { ada, bob } = await callWithChat(arrive, 'mika-zuno-47', { colorScheme: 'light' });
      await picture(ada, 'call-light.png');
      await ada.page.emulateMedia({ colorScheme: 'dark' });
      await picture(ada, 'call-dark.png');
      for (const panel of ['people', 'network', 'events']) {
        await bob.panel(panel);
        if (panel === 'network') await bob.get('rate-in').filter({ hasText: 'bit/s' }).waitFor();
        await picture(bob, `panel-${panel}.png`);
      }
    }),
  );

  test(
    'the chosen colours win over the system’s and are remembered',
    withGuests(async (arrive) => {
      const ada = await arrive('Ada', { context: { colorScheme: 'dark' } });
      const background = () => ada.page.evaluate(() => getComputedStyle(document.body).backgroundColor);
      await ada.page.goto(url());
      const dark = await background();
      await ada.get('theme').click();
      const light = await until('other colours', async () => (await background()) !== dark && background());
      await ada.page.reload();
      await until('the same colours again', async () => (await background()) === light);
    }),
  );
});
