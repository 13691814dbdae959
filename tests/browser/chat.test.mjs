import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { freshRoom, house, oneGateway } from './lib/house.mjs';
import { until } from './lib/guest.mjs';

const MESSAGES = 120;

const { withGuests } = house([{}, {}], oneGateway({ RATE_LIMITS: 'off' }));

const delivered = (guest, state) => guest.page.locator(`[data-testid=message][data-delivery=${state}]`);
const scroll = (guest, top) => guest.get('messages').evaluate((list, to) => (list.scrollTop = to ?? list.scrollHeight), top);
const distanceToTop = (guest, text) => guest.message(text).evaluate((message) =>
  Math.round(message.getBoundingClientRect().top - message.closest('[data-testid=messages]').getBoundingClientRect().top));

describe('the chat panel', { timeout: 400_000 }, () => {
  test(
    'loads earlier messages when one scrolls to the top, and keeps the place where one reads',
    withGuests(async (arrive) => {
      const code = freshRoom('scroll');
      const ada = await arrive('Ada', { browser: 0 });
      await ada.enter(code);
      for (let n = 0; n < MESSAGES; n += 1) await ada.say(`number ${n}.`);
      await until('all are sent', async () => (await delivered(ada, 'sent').count()) === MESSAGES);

      const bob = await arrive('Bob', { browser: 1 });
      await bob.enter(code);
      await bob.panel('chat');
      await bob.message(`number ${MESSAGES - 1}.`).waitFor();
      assert.equal(await bob.get('message').count(), 50, 'a page of the newest');
      const oldest = `number ${MESSAGES - 50}.`;

      await scroll(bob, 0);
      await until('another page is there', async () => (await bob.get('message').count()) === 100);
      assert.ok(await distanceToTop(bob, oldest) >= 0, 'what was read is still in view');
      assert.ok(await distanceToTop(bob, oldest) < 200, 'and where it was');

      await scroll(bob, 0);
      await bob.message('number 0.').waitFor();
      await bob.get('history-state').filter({ hasText: 'beginning of the chat' }).waitFor();
      const texts = await bob.get('message').locator('.message-text').allTextContents();
      assert.deepEqual(texts, Array.from({ length: MESSAGES }, (_, n) => `number ${n}.`));

      // Whoever reads further up is left there; whoever is at the end follows.
      await scroll(bob, 0);
      await ada.say('meanwhile below');
      await bob.message('meanwhile below').waitFor({ state: 'attached' });
      assert.equal(await bob.get('messages').evaluate((list) => list.scrollTop < list.scrollHeight / 2), true);
      await scroll(bob);
      await ada.say('at the very end');
      await bob.message('at the very end').waitFor();
      await until('the newest is in view', () => bob.get('messages').evaluate((list) =>
        list.scrollHeight - list.scrollTop - list.clientHeight < 4));
    }),
  );

  test(
    'shows what is not sent as pending, and sends it once when the connection is back',
    withGuests(async (arrive) => {
      const code = freshRoom('pending');
      const ada = await arrive('Ada', { browser: 0 });
      const bob = await arrive('Bob', { browser: 1 });
      await ada.enter(code);
      await bob.enter(code);
      await ada.panel('network');
      await ada.get('transport').filter({ hasText: 'websocket' }).waitFor();
      await ada.get('cut-delay').selectOption('2000');
      await ada.get('cut').click();
      await ada.get('banner').waitFor();
      await ada.say('Written in a tunnel');
      await delivered(ada, 'pending').filter({ hasText: 'Written in a tunnel' }).waitFor();
      await ada.get('pending').waitFor();
      assert.equal(await bob.message('Written in a tunnel').count(), 0);

      await delivered(ada, 'sent').filter({ hasText: 'Written in a tunnel' }).waitFor();
      await bob.message('Written in a tunnel').waitFor();
      for (const guest of [ada, bob]) assert.equal(await guest.get('message').count(), 1);
    }),
  );
});
