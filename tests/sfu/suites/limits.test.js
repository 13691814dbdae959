import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { assertRefused, party, settle } from '../../clients/lib/rooms.js';
import { mapLimited, until } from '../../clients/lib/wait.js';
import { rtpParameters } from '../lib/parameters.js';
import { RawPeer } from '../lib/raw-peer.js';
import { ok, openTransport, publish } from '../lib/session.js';
import { forTheSuite, Stage } from '../lib/stage.js';

const suite = forTheSuite();
const stage = await Stage.set(suite);

/** Well below what may wait of one client. */
const AT_ONCE = 64;
const WAITING = 512;
const READING = 16;

/** How many answers there are of each kind. */
function tally(answers) {
  const counts = {};
  for (const { status, code = status } of answers) counts[code] = (counts[code] ?? 0) + 1;
  return counts;
}

const many = (count, work) => mapLimited(Array.from({ length: count }, (_, n) => n), AT_ONCE, work);

describe('a peer', { concurrency: 4 }, () => {
  test('that wants 1,000 transports gets 16', async (t) => {
    const [anna, bert] = await stage.party(t, ['anna', 'bert']);
    const answers = await many(1_000, () => anna.ask('sfu_create_transport', { direction: 'send' }));
    assert.deepEqual(tally(answers), { ok: 16, MEDIA_REJECTED: 984 });
    assert.equal(stage.stub.calls('createTransport', ({ params }) => params.peerId === anna.peerId).length, 16);
    await openTransport(bert, 'send');
  });

  test('that wants 100 producers gets 32, and more when it closes some', async (t) => {
    const [anna] = await stage.party(t, ['anna']);
    const transportId = await openTransport(anna, 'send');
    const track = { transportId, kind: 'audio', rtpParameters: rtpParameters('audio') };
    const answers = await many(100, () => anna.ask('sfu_produce', track));
    assert.deepEqual(tally(answers), { ok: 32, MEDIA_REJECTED: 68 });
    for (const { id } of answers.filter(({ status }) => status === 'ok').slice(0, 2)) await ok(anna, 'sfu_close_producer', { producerId: id });
    assert.deepEqual(tally(await many(5, () => anna.ask('sfu_produce', track))), { ok: 2, MEDIA_REJECTED: 3 });
    assert.equal(stage.stub.calls('produce', ({ params }) => params.peerId === anna.peerId).length, 34);
  });

  test('that wants 2,100 consumers gets 2,048', async (t) => {
    const own = await Stage.set(t);
    const [anna, bert] = await own.party(t, ['anna', 'bert']);
    const { producerId } = await publish(anna);
    const transportId = await openTransport(bert, 'recv');
    const answers = await many(2_100, () => bert.ask('sfu_consume', { transportId, producerId, rtpCapabilities: {} }));
    assert.deepEqual(tally(answers), { ok: 2_048, MEDIA_REJECTED: 52 });
    assert.equal(own.stub.calls('consume').length, 2_048);
  });
});

describe('a burst of 700 requests', { concurrency: 4 }, () => {
  /** Sends them all at once while nothing moves, lets go, and returns the answers; each request has exactly one. */
  async function burst(peer, event, payload, held) {
    const ids = Array.from({ length: 700 }, () => peer.send(event, payload));
    await peer.ok('heartbeat', '{}');
    held.heal();
    const answers = await Promise.all(ids.map((id) => peer.answer(id)));
    await peer.ok('heartbeat', '{}');
    assert.ok(ids.every((id) => peer.answers(id) === 1), 'each is answered once');
    return tally(answers.map((text) => JSON.parse(text)));
  }

  test('that change state: 512 wait, the rest is RATE_LIMITED; others are served meanwhile', async (t) => {
    const own = await Stage.set(t);
    const code = own.sfuCode();
    const anna = await RawPeer.join(t, own.gateway, code);
    const [bert] = await party(t, own.gateway, ['bert'], { code });
    const { id } = await anna.ok('sfu_create_transport', '{"direction":"send"}');
    own.stub.fail('slow', { ms: 1_200, routes: ['restartIce'] });
    const burstOf = burst(anna, 'sfu_restart_ice', `{"transportId":"${id}"}`, own.stub);
    await own.stub.called('restartIce');
    await openTransport(bert, 'send');
    await settle(bert, bert);
    const counts = await burstOf;
    assert.ok(counts.RATE_LIMITED >= 700 - WAITING - 2 && counts.ok >= WAITING, JSON.stringify(counts));
    assert.equal(counts.ok + counts.RATE_LIMITED, 700);
    assert.equal(own.stub.calls('restartIce').length, counts.ok);
    assert.equal(own.stub.mostAtOnce.get('restartIce'), 1);
    await anna.ok('sfu_restart_ice', `{"transportId":"${id}"}`);
  });

  test('that only read: the same, 16 at a time', async (t) => {
    const own = await Stage.set(t);
    const anna = await RawPeer.join(t, own.gateway, own.sfuCode());
    await anna.ok('sfu_create_transport', '{"direction":"send"}');
    own.stub.fail('slow', { ms: 400, routes: ['capabilities'] });
    const counts = await burst(anna, 'sfu_get_router_capabilities', '{}', own.stub);
    assert.ok(counts.ok >= WAITING, JSON.stringify(counts));
    assert.equal(counts.ok + (counts.RATE_LIMITED ?? 0), 700);
    assert.ok(own.stub.mostAtOnce.get('capabilities') <= READING, `${own.stub.mostAtOnce.get('capabilities')} at once`);
  });

  test('to a media service that hangs is answered to the last one, and the connection lives', async (t) => {
    const own = await Stage.set(t);
    const anna = await RawPeer.join(t, own.gateway, own.sfuCode());
    const { id } = await anna.ok('sfu_create_transport', '{"direction":"send"}');
    own.stub.fail('hang', { routes: ['*'] });
    const counts = await burst(anna, 'sfu_restart_ice', `{"transportId":"${id}"}`, { heal() {} });
    assert.equal((counts.MEDIA_UNAVAILABLE ?? 0) + (counts.FORBIDDEN ?? 0) + (counts.RATE_LIMITED ?? 0), 700, JSON.stringify(counts));
    assert.ok(own.stub.calls('restartIce').length <= READING, 'few of them reached it');
  });

  test('with nobody who wants the answers does no harm', async (t) => {
    const own = await Stage.set(t);
    const [anna, bert] = await own.party(t, ['anna', 'bert']);
    const transportId = await openTransport(anna, 'send');
    own.stub.fail('slow', { ms: 20 });
    for (let n = 0; n < 700; n += 1) anna.send('sfu_restart_ice', { transportId });
    await settle(anna, anna, bert);
    const errors = () => anna.recorder.all('error');
    assert.ok(errors().length >= 700 - WAITING - 50 && errors().every(({ code }) => code === 'RATE_LIMITED'), `${errors().length}`);
    anna.close();
    await bert.event('peer:left');
    own.stub.heal();
    await until(() => !own.stub.knows(anna.peerId), 'nothing of it is left');
    assert.ok(own.stub.calls('restartIce').length < 700);
    assertRefused(await bert.ask('sfu_restart_ice', { transportId }), 'FORBIDDEN');
  });
});
