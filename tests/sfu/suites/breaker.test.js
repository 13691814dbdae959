import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { connect } from '../../clients/lib/client.js';
import { join, settle } from '../../clients/lib/rooms.js';
import { until } from '../../clients/lib/wait.js';
import { breakerState, metricsOf } from '../lib/admin.js';
import { FITTING } from '../lib/junk.js';
import { modesSeenBy, ok, openTransport, publish, unavailable } from '../lib/session.js';
import { mediaAvailable, mediaFound, mediaHealth, mediaMissed, Stage } from '../lib/stage.js';

const FOUR = ['anna', 'bert', 'carl', 'dora'];

/** What an open breaker is called while a probe is under way, and while none is. */
const NOT_CLOSED = ['open', 'half-open'];

describe('while the breaker is open', { concurrency: 8 }, () => {
  test('everything is refused without a call; only health checks go on', async (t) => {
    const own = await Stage.set(t);
    const clients = await own.party(t, FOUR);
    const { transportId } = await publish(clients[0]);
    own.stub.fail('hang', { routes: ['*'] });
    await unavailable(clients[0], 'sfu_restart_ice', { transportId });
    await mediaMissed(own.gateway);
    const before = own.stub.work.length;
    for (let n = 0; n < 20; n += 1) {
      await unavailable(clients[0], 'sfu_restart_ice', { transportId });
      await unavailable(clients[1], 'sfu_create_transport', { direction: 'send' });
    }
    await own.stub.probed();
    await unavailable(clients[2], 'sfu_get_router_capabilities');
    assert.deepEqual(own.stub.work.slice(before).map(({ url }) => url), []);
    assert.ok(own.stub.mostAtOnce.get('readyz') <= 2, 'health checks do not pile up');
  });

  test('which of two reasons comes first: it is open, then whose the ids are', async (t) => {
    const own = await Stage.set(t);
    const clients = await own.party(t, FOUR);
    await publish(clients[0]);
    await own.stub.close();
    await mediaMissed(own.gateway);
    for (const [event, payload] of FITTING.filter(([name]) => name !== 'sfu_get_producers')) await unavailable(clients[0], event, payload);
  });

  test('in a p2p room too it is MEDIA_UNAVAILABLE', async (t) => {
    const own = await Stage.set(t);
    const [anna] = await own.party(t, ['anna'], { code: own.p2pCode() });
    await own.stub.close();
    await mediaMissed(own.gateway);
    for (const [event, payload] of FITTING) await unavailable(anna, event, payload);
    assert.deepEqual(modesSeenBy(anna), []);
    await own.stub.open();
    await mediaAvailable(own.gateway);
    assert.equal((await anna.ask('sfu_get_producers')).code, 'FORBIDDEN');
  });

  test('peers come, talk and go; what they leave is deleted when the service is back', async (t) => {
    const own = await Stage.set(t);
    const code = own.sfuCode();
    const [anna, ...others] = await own.party(t, FOUR, { code });
    await publish(anna);
    await own.stub.close();
    await mediaMissed(own.gateway);
    await ok(anna, 'leave:room');
    for (const other of others) await other.event('peer:left');
    await settle(others[0], ...others);
    await own.stub.open();
    await until(() => !own.stub.knows(anna.peerId), 'its broadcaster is deleted');
  });
});

describe('a breaker', { concurrency: 8 }, () => {
  test('opens when nobody asks either, and closes by itself: a health check finds out', async (t) => {
    const own = await Stage.set(t);
    const clients = await own.party(t, FOUR);
    await own.stub.close();
    await mediaMissed(own.gateway);
    await own.stub.open();
    await mediaAvailable(own.gateway);
    const transportId = await openTransport(clients[0], 'send');
    await ok(clients[0], 'sfu_restart_ice', { transportId });
    assert.equal(own.stub.calls('unknown').length, 0);
  });

  test('does not open for calls that fail while the health check passes', async (t) => {
    const own = await Stage.set(t);
    const [anna] = await own.party(t, FOUR);
    const { transportId } = await publish(anna);
    own.stub.fail('status', { status: 500, routes: ['restartIce'] });
    for (let n = 0; n < 5; n += 1) await unavailable(anna, 'sfu_restart_ice', { transportId });
    assert.equal(own.stub.calls('restartIce').length, 5, 'each is tried');
    await openTransport(anna, 'recv');
    await mediaFound(own.gateway);
  });

  test('looks at once whether a service that answers 500 is well, and opens if that is 500 too', async (t) => {
    const own = await Stage.set(t);
    const [anna] = await own.party(t, FOUR);
    const { transportId } = await publish(anna);
    own.stub.fail('status', { status: 503, routes: ['restartIce', 'readyz'] });
    await unavailable(anna, 'sfu_restart_ice', { transportId });
    await mediaMissed(own.gateway);
    await unavailable(anna, 'sfu_create_transport', { direction: 'send' });
    own.stub.heal();
    await mediaAvailable(own.gateway);
    await ok(anna, 'sfu_restart_ice', { transportId });
  });

  for (const status of [200, 204, 301, 401, 404, 405, 499]) {
    test(`takes a service for alive whose health check is answered ${status}`, async (t) => {
      const own = await Stage.set(t);
      const [anna] = await own.party(t, ['anna']);
      own.stub.fail('status', { status, routes: ['readyz'], body: status === 204 ? '' : 'not found' });
      await own.stub.probed(2);
      await openTransport(anna, 'send');
      assert.equal((await mediaHealth(own.gateway)).available, true);
      assert.deepEqual(modesSeenBy(anna), []);
    });
  }

  test('is told by /readyz, which stays 200, and by the metrics of the admin listener', async (t) => {
    const own = await Stage.set(t);
    await own.party(t, FOUR);
    const health = await mediaHealth(own.gateway);
    assert.equal(health.available, true);
    assert.equal(health.services.length, 1);
    assert.equal(new URL(health.services[0].url).host, new URL(own.stub.url).host);
    assert.equal(health.services[0].state, 'closed');
    assert.equal(await breakerState(own.gateway, own.stub), 'closed');
    await own.stub.close();
    await mediaMissed(own.gateway);
    assert.ok(NOT_CLOSED.includes((await mediaHealth(own.gateway)).services[0].state));
    assert.ok(NOT_CLOSED.includes(await breakerState(own.gateway, own.stub)));
    await own.stub.open();
    await mediaFound(own.gateway);
    assert.equal(await breakerState(own.gateway, own.stub), 'closed');
    const { text, headers } = await metricsOf(own.gateway);
    assert.match(headers['content-type'], /^text\/plain/);
    for (const line of text.split('\n')) assert.match(line, /^(#.*|[a-zA-Z_:][\w:]*(\{.*\})? -?[\d.eE+-]+|[a-zA-Z_:][\w:]*(\{.*\})? (NaN|\+Inf))?$/);
  });
});

describe('a media service that is away when the gateway starts', { concurrency: 8 }, () => {
  test('does not keep it from starting, and is found when it comes', async (t) => {
    const own = await Stage.set(t, { env: { RECONNECT_WINDOW_MS: '60000' } });
    await own.stub.close();
    const late = await Stage.set(t, { media: 0, env: { MEDIA_SERVICE_URL: own.stub.url } });
    assert.equal((await mediaHealth(late.gateway)).available, false);
    const [anna, bert] = await late.party(t, ['anna', 'bert'], { code: late.p2pCode() });
    await settle(anna, bert);
    await own.stub.open();
    await mediaAvailable(late.gateway);
    const [carl] = await late.party(t, ['carl']);
    await openTransport(carl, 'send');
  });

  test('leaves small rooms to their peers; the first who comes is told p2p', async (t) => {
    const own = await Stage.set(t);
    await own.stub.close();
    await mediaMissed(own.gateway);
    const client = await connect(t, own.gateway);
    const { mode } = await join(client, own.sfuCode());
    assert.equal(mode, 'p2p');
  });
});
