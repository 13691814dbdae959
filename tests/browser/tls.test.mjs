import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Certificate } from '../safety/lib/certificates.js';
import { freshRoom, house, oneGateway } from './lib/house.mjs';

const { withGuests } = house([{}], oneGateway(new Certificate().env));

describe('over TLS', { timeout: 200_000 }, () => {
  test(
    'two peers call each other, by WebSocket, and the cookie goes over nothing else',
    withGuests(async (arrive) => {
      const code = freshRoom('tls');
      // The certificate signs itself.
      const trusting = { context: { ignoreHTTPSErrors: true } };
      const [ada, bob] = [await arrive('Ada', trusting), await arrive('Bob', trusting)];
      const sockets = [];
      ada.page.on('websocket', (socket) => sockets.push(socket.url()));
      for (const guest of [ada, bob]) await guest.enter(code);
      await Promise.all([ada, bob].map((guest) => guest.seesVideo()));
      assert.ok(sockets.some((url) => url.startsWith('wss://')), `${sockets}`);
      const cookies = await ada.context.cookies();
      assert.deepEqual(cookies.map(({ name, secure, httpOnly }) => [name, secure, httpOnly]), [['access_token', true, true]]);
    }),
  );
});
