import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { freshRoom, house, oneGateway } from './lib/house.mjs';

/** Longer than it takes a busy machine to load the page again. */
const WINDOW_MS = 12_000;

/** More of them than come within the window, at ten a second. */
const BEYOND_WINDOW = WINDOW_MS / 100 + 10;

const { url, withGuests } = house(undefined, oneGateway({ RECONNECT_WINDOW_MS: `${WINDOW_MS}` }));

async function callOfTwo(arrive, name) {
  const code = freshRoom(name);
  const ada = await arrive('Ada', { browser: 0 });
  const bob = await arrive('Bob', { browser: 1 });
  await ada.enter(code);
  await bob.enter(code);
  await Promise.all([ada.hasConnections(1), bob.hasConnections(1)]);
  return { ada, bob, code };
}

describe('a call of two browsers', { timeout: 400_000 }, () => {
  test(
    'who joins by code and who opens the shared link see and hear each other, chat and react',
    withGuests(async (arrive) => {
      const code = freshRoom('two');
      const ada = await arrive('Ada', { browser: 0 });
      const bob = await arrive('Bob', { browser: 1 });
      await ada.enter(code);
      const link = await ada.get('copy-link').getAttribute('data-link');
      assert.equal(link, `${url()}?room=${code}`);
      await bob.login(link);
      await bob.join();

      await Promise.all([ada.hasConnections(1), bob.hasConnections(1)]);
      await Promise.all([ada.seesVideo(), bob.seesVideo()]);
      await Promise.all([ada.hearsSound(), bob.hearsSound()]);

      await ada.say('Can you hear me?');
      await bob.message('Can you hear me?').waitFor();
      await ada.page.locator('[data-testid=message][data-delivery=sent]').waitFor();

      await bob.get('reactions').click();
      await bob.page.getByLabel('React with 👍').click();
      await ada.tile('Bob').getByTestId('reaction').waitFor();

      await bob.tile('Ada').getByTestId('host-badge').waitFor();
      await bob.panel('people');
      assert.match(await bob.get('person').filter({ hasText: 'Ada' }).textContent(), /Host.*Connected/);
      assert.equal(await bob.get('kick').count(), 0, 'only the host can remove somebody');
    }),
  );

  test(
    'a message that is refused says so and, tried again, arrives once under the same id',
    withGuests(async (arrive) => {
      const code = freshRoom('retry');
      const ada = await arrive('Ada', { browser: 0 });
      const bob = await arrive('Bob', { browser: 1 });
      const sent = await refuseFirstMessage(ada.page);
      await ada.enter(code);
      await bob.enter(code);
      await ada.panel('network');
      await ada.get('transport').filter({ hasText: 'websocket' }).waitFor();
      await ada.say('Once is enough');
      await ada.page.locator('[data-testid=message][data-delivery=failed]').filter({ hasText: 'a little fast' }).waitFor();
      assert.equal(await bob.message('Once is enough').count(), 0);
      await ada.get('retry').click();
      await ada.page.locator('[data-testid=message][data-delivery=sent]').waitFor();
      await bob.message('Once is enough').waitFor();
      assert.equal(await ada.get('message').count(), 1);
      assert.equal(sent.length, 2);
      assert.equal(sent[0].clientMessageId, sent[1].clientMessageId);
    }),
  );

  test(
    'who comes later reads what was said before',
    withGuests(async (arrive) => {
      const code = freshRoom('history');
      const ada = await arrive('Ada', { browser: 0 });
      await ada.enter(code);
      await ada.say('Said early');
      await ada.page.locator('[data-testid=message][data-delivery=sent]').waitFor();
      const bob = await arrive('Bob', { browser: 1 });
      await bob.enter(code);
      await bob.message('Said early').waitFor();
      assert.equal(await bob.get('message').count(), 1);
    }),
  );

  test(
    'the network panel shows the transport, the round trip and what flows',
    withGuests(async (arrive) => {
      const { ada } = await callOfTwo(arrive, 'network');
      await ada.panel('network');
      await ada.get('transport').filter({ hasText: 'websocket' }).waitFor();
      await ada.get('rtt').filter({ hasText: /\d ms/ }).waitFor();
      await ada.get('rate-in').filter({ hasText: /[1-9]\d* kbit|Mbit/ }).waitFor();
      await ada.get('peer-stats').filter({ hasText: /(VP8|VP9|H264|AV1) \d+×\d+/ }).waitFor();
      await ada.get('peer-stats').filter({ hasText: /(host|prflx) ↔ (host|prflx), udp/ }).waitFor();
    }),
  );

  test(
    'when one leaves, its tile goes and the host moves on',
    withGuests(async (arrive) => {
      const { ada, bob } = await callOfTwo(arrive, 'leave');
      await ada.get('leave').click();
      await ada.get('view-lobby').waitFor();
      await bob.get('tile').waitFor({ state: 'detached' });
      await bob.get('tile-self').getByTestId('host-badge').waitFor();
      assert.equal(await bob.events('peer:left'), 1);
      assert.equal((await ada.connections()).up, 0);
    }),
  );

  test(
    'a connection cut for two seconds is nobody’s leave: the call stays up and what was missed is replayed',
    withGuests(async (arrive) => {
      const { ada, bob } = await callOfTwo(arrive, 'cut');
      const peerId = await ada.peerId();
      await ada.get('transport').filter({ hasText: 'websocket' }).waitFor();
      await ada.get('cut-delay').selectOption('2000');
      await ada.get('cut').click();
      await ada.get('banner').waitFor();
      await bob.say('Said while Ada was away');
      await bob.page.locator('[data-testid=message][data-delivery=sent]').waitFor();
      await ada.say('Written while away');

      await ada.get('toasts').filter({ hasText: 'Connection resumed' }).waitFor();
      await ada.get('toasts').filter({ hasText: '1 missed event was replayed' }).waitFor();
      await ada.message('Said while Ada was away').waitFor();
      await bob.message('Written while away').waitFor();
      // Long enough for a window that wrongly went on to run out.
      await Promise.all([ada.seesVideo(BEYOND_WINDOW), bob.seesVideo(BEYOND_WINDOW)]);

      assert.equal(await ada.peerId(), peerId);
      assert.equal(await bob.events('peer:left'), 0);
      assert.equal(await bob.events('peer:joined'), 0);
      assert.equal(await ada.events('chat_message'), 2);
      await ada.panel('chat');
      assert.equal(await ada.get('message').count(), 2);
      for (const guest of [ada, bob]) assert.deepEqual(await guest.connections(), { made: 1, up: 1 });
    }),
  );

  test(
    'a connection cut by hand comes back by hand',
    withGuests(async (arrive) => {
      const { ada, bob } = await callOfTwo(arrive, 'hand');
      await ada.panel('network');
      await ada.get('cut-delay').selectOption('');
      await ada.get('cut').click();
      await ada.page.locator('[data-testid=link-state][data-state=cut]').waitFor();
      await ada.get('restore').click();
      await ada.page.locator('[data-testid=link-state][data-state=online]').waitFor();
      await ada.get('toasts').filter({ hasText: 'Connection resumed' }).waitFor();
      assert.equal(await bob.events('peer:left'), 0);
      assert.deepEqual(await bob.connections(), { made: 1, up: 1 });
    }),
  );

  test(
    'after the window the others see a leave, and coming back is a new join with a new call',
    withGuests(async (arrive) => {
      const { ada, bob } = await callOfTwo(arrive, 'late');
      const peerId = await ada.peerId();
      await ada.get('cut-delay').selectOption('');
      await ada.get('cut').click();
      await bob.get('tile').waitFor({ state: 'detached' });
      await ada.get('restore').click();
      await bob.tile('Ada').waitFor();
      await Promise.all([ada.hasConnections(1), bob.hasConnections(1)]);
      await Promise.all([ada.seesVideo(), bob.seesVideo()]);
      assert.notEqual(await ada.peerId(), peerId);
    }),
  );

  test(
    'who closes the tab and at once joins another room is there, and gone from the first',
    withGuests(async (arrive) => {
      const { ada, bob } = await callOfTwo(arrive, 'former');
      await ada.page.close();
      const again = await arrive('Ada', { browser: 0 });
      await again.enter(freshRoom('other'));
      await bob.get('tile').waitFor({ state: 'detached' });
      assert.equal(await again.get('tile').count(), 0);
      await again.get('tile-self').getByTestId('host-badge').waitFor();
      assert.equal(await again.get('toasts').filter({ hasText: 'resumed' }).count(), 0);
    }),
  );

  test(
    'who closes the tab and at once comes back to the same room is put through again',
    withGuests(async (arrive) => {
      const { ada, bob, code } = await callOfTwo(arrive, 'again');
      await ada.page.close();
      const again = await arrive('Ada', { browser: 0 });
      await again.enter(code);
      await Promise.all([again.seesVideo(), bob.seesVideo()]);
      assert.equal(await bob.get('tile').count(), 1);
    }),
  );

  for (const [who, other] of [
    ['ada', 'bob'],
    ['bob', 'ada'],
  ]) {
    test(
      `when ${who === 'ada' ? 'the first' : 'the second'} to come reloads the page, it is the same peer and the call comes back`,
      withGuests(async (arrive) => {
        const guests = await callOfTwo(arrive, 'reload');
        const reloader = guests[who];
        const witness = guests[other];
        const peerId = await reloader.peerId();
        await reloader.page.reload();
        await reloader.get('view-call').waitFor();
        await Promise.all([reloader.hasConnections(1), witness.hasConnections(1)]);
        await bothWays(reloader, witness);
        assert.equal(await reloader.peerId(), peerId);
        assert.equal(await witness.events('peer:left'), 0);
        assert.equal(await witness.get('tile').getAttribute('data-peer'), peerId);
      }),
    );
  }
});

/** Stands in for the gateway once: answers the first chat message with a refusal. */
async function refuseFirstMessage(page) {
  const sent = [];
  await page.routeWebSocket(/socket\.io/, (client) => {
    const server = client.connectToServer();
    client.onMessage((frame) => {
      const [, ack, packet] = /^42(\d+)(\["chat_message".*)$/.exec(frame) ?? [];
      if (packet) sent.push(JSON.parse(packet)[1]);
      if (packet && sent.length === 1) {
        client.send(`43${ack}${JSON.stringify([{ status: 'error', code: 'RATE_LIMITED', message: 'slow down', retryable: true }])}`);
      } else {
        server.send(frame);
      }
    });
  });
  return sent;
}

async function bothWays(reloader, witness) {
  await Promise.all([reloader.seesVideo(), witness.seesVideo()]);
  await Promise.all([reloader.hearsSound(), witness.hearsSound()]);
}
