import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { after, describe, test } from 'node:test';
import { connect } from '../../clients/lib/client.js';
import { freshCode, join } from '../../clients/lib/rooms.js';
import { until } from '../../clients/lib/wait.js';
import { Coturn, relays } from '../lib/coturn.js';
import { credentialsIn, credentialsOf, expiryOf, gatewayWith, seconds } from '../lib/house.js';

const NEW = 'new-secret-0123456789';
const OLD = 'old-secret-0123456789';

const late = { after };
const coturn = await Coturn.start(late, { secrets: [NEW, OLD] });
const gateway = await gatewayWith(late, { TURN_URIS: coturn.uris, TURN_SECRET: `${NEW},${OLD}` });

const sign = (username, secret) => createHmac('sha1', secret).update(username).digest('base64');

describe('a real coturn', { concurrency: 3 }, () => {
  test('relays for whoever has the gateway\'s credentials, by UDP and by TCP', async () => {
    const answer = await credentialsOf(gateway, 'ann');
    assert.equal(answer.uris.length, 2);
    for (const uri of answer.uris) assert.equal(await relays(uri, answer), true, uri);
    assert.ok(coturn.log.includes(`user <${answer.username}>`));
  });

  test('relays for those that came with a room', async (t) => {
    const client = await connect(t, gateway, { sub: 'bob' });
    const { iceServers } = await join(client, freshCode());
    assert.equal(await relays(iceServers[0].urls[0], credentialsIn(iceServers)), true);
  });

  test('relays for users with unusual and with long ids', async () => {
    for (const sub of ['a:b:c', 'auth0|5f7c8ec7c33c6c004bbafe82', 'zoë@☃.example', 'x'.repeat(256)]) {
      const answer = await credentialsOf(gateway, sub);
      assert.equal(await relays(answer.uris[0], answer), true, sub);
    }
  });

  test('refuses a changed user, a changed time, a changed password and another secret', async () => {
    const { username, password, uris: [uri] } = await credentialsOf(gateway, 'ann');
    const later = `${expiryOf({ username }) + 1}:ann`;
    const wrong = [
      { username: username.replace('ann', 'eve'), password },
      { username: later, password },
      { username: 'ann', password },
      { username, password: password.replace(/^./, (first) => (first === 'A' ? 'B' : 'A')) },
      { username, password: sign(username, 'another-secret-0123') },
    ];
    for (const credentials of wrong) assert.equal(await relays(uri, credentials), false, JSON.stringify(credentials));
    // It was not down meanwhile.
    assert.equal(await relays(uri, { username, password }), true);
  });

  test('refuses credentials that have expired, and takes those that the gateway sent in time', async (t) => {
    const brief = await gatewayWith(t, { TURN_URIS: coturn.uris, TURN_SECRET: NEW, TURN_TTL_S: '30' });
    const client = await connect(t, brief, { sub: 'ann' });
    const { iceServers } = await join(client, freshCode());
    const first = credentialsIn(iceServers);
    const [uri] = iceServers[0].urls;
    assert.equal(await relays(uri, first), true);
    await until(() => seconds() > expiryOf(first) + 1, 'they expire');
    assert.equal(await relays(uri, first), false);
    const newest = credentialsIn(client.recorder.all('ice:servers').at(-1).iceServers);
    assert.ok(expiryOf(newest) > seconds());
    assert.equal(await relays(uri, newest), true);
  });

  test('with two secrets takes what gateways sign with either', async (t) => {
    const behind = await gatewayWith(t, { TURN_URIS: coturn.uris, TURN_SECRET: OLD });
    for (const node of [gateway, behind]) {
      const answer = await credentialsOf(node, 'ann');
      assert.equal(answer.password, sign(answer.username, node === behind ? OLD : NEW));
      assert.equal(await relays(answer.uris[0], answer), true);
    }
  });

  test('changes its secret without a restart and without a gap', async (t) => {
    const live = await Coturn.start(t);
    await live.addSecret(OLD);
    const [before, afterwards] = await Promise.all([OLD, `${NEW},${OLD}`].map((secret) =>
      gatewayWith(t, { TURN_URIS: live.uris, TURN_SECRET: secret })));
    const former = await credentialsOf(before, 'ann');
    const newer = await credentialsOf(afterwards, 'ann');
    const [uri] = former.uris;
    assert.deepEqual([await relays(uri, former), await relays(uri, newer)], [true, false]);
    await live.addSecret(NEW);
    assert.deepEqual([await relays(uri, former), await relays(uri, newer)], [true, true]);
    await live.removeSecret(OLD);
    assert.deepEqual([await relays(uri, former), await relays(uri, newer)], [false, true]);
  });
});
