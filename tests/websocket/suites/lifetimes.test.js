import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, describe, test } from 'node:test';
import { startNode } from '../../clients/lib/gateway.js';
import { Identity } from '../../clients/lib/identity.js';
import { Proxy } from '../../clients/lib/proxy.js';
import { freshCode } from '../../clients/lib/rooms.js';
import { until } from '../../clients/lib/wait.js';
import { ownCluster } from '../../cluster/lib/fixture.js';
import { heardSince, settle } from '../lib/guest.js';
import { announced, assertResumed, comeBack, enter, gather, KINDS, RAW_KINDS } from '../lib/parties.js';
import { SignalGuest } from '../lib/signal.js';
import { SocketGuest } from '../lib/socketio.js';
import { frame, OPCODE, TcpSocket } from '../lib/tcp.js';
import { refusedAnswer, Wire } from '../lib/wire.js';
import { WsGuest } from '../lib/ws.js';

/** Long enough for a client on a busy machine. */
const [INTERVAL, TIMEOUT] = [300, 2500];
const beating = await startNode({ PING_INTERVAL_MS: `${INTERVAL}`, PING_TIMEOUT_MS: `${TIMEOUT}`, RECONNECT_WINDOW_MS: '300' }, new Identity());
/** So many pings take longer than a client may be silent. */
const ENOUGH = Math.ceil((INTERVAL + TIMEOUT) / INTERVAL) + 1;
const gateway = await startNode({}, new Identity());
after(() => Promise.all([beating.kill(), gateway.kill()]));

/** Opens a connection of a guest's kind by hand, in its room. */
async function byHand(t, node, kind, code, options = {}) {
  const token = await node.identity.token({ sub: 'by hand' });
  const wire = await Wire.open(t, node, kind === SignalGuest ? `/signal/${code}` : '/ws', { token, ...options });
  if (kind === WsGuest) wire.send({ type: 'join', room: code, sender: 'by hand' });
  wire.peerId = (await wire.frame('joined')).peerId;
  return wire;
}

/** Waits until a connection has lived for longer than it may be silent. @param {Wire} wire @param {() => void} [live] */
async function outlives(wire, live = () => {}) {
  await until(() => {
    assert.equal(wire.closed, null);
    live(wire);
    return wire.pings.length >= ENOUGH;
  }, 'it was pinged for longer than it may be silent');
}

describe('signs of life', { concurrency: 16 }, () => {
  for (const kind of RAW_KINDS) {
    test(`the server pings, and who answers stays: ${kind.kind}`, async (t) => {
      const [anna] = await gather(t, beating, [[SocketGuest, 'anna']]);
      const wire = await byHand(t, beating, kind, anna.code);
      await outlives(wire);
      await settle([anna]);
      assert.deepEqual(anna.heard.all('peer-left'), []);
    });

    test(`who is silent is lost: ${kind.kind}`, async (t) => {
      const [anna] = await gather(t, beating, [[SocketGuest, 'anna']]);
      const wire = await byHand(t, beating, kind, anna.code, { autoPong: false });
      await wire.code();
      assert.ok(wire.pings.length >= 2 && wire.pings.length <= ENOUGH, `${wire.pings.length} pings`);
      assert.deepEqual(await anna.hears('peer-left'), { peerId: wire.peerId, called: wire.peerId, reason: 'disconnected' });
    });

    test(`who is beyond a network that swallows everything is lost: ${kind.kind}`, async (t) => {
      const via = await Proxy.start(t, beating);
      const [anna, guest] = await gather(t, beating, [[SocketGuest, 'anna'], [kind, 'guest', { via }]]);
      via.blackHole();
      assert.equal((await anna.hears('peer-left')).peerId, guest.peerId);
      await via.releasedByGateway();
    });

    for (const [what, live] of Object.entries({
      frames: (wire) => wire.send('{"type":"ice"}'), pings: (wire) => wire.ws.ping(), 'pongs of its own': (wire) => wire.ws.pong('mine'),
    })) {
      test(`who sends ${what} and no answers to pings lives: ${kind.kind}`, async (t) => {
        const [anna] = await gather(t, beating, [[SocketGuest, 'anna']]);
        const wire = await byHand(t, beating, kind, anna.code, { autoPong: false });
        await outlives(wire, live);
      });
    }
  }

  test('a connection that waits on /ws without joining lives as well', async (t) => {
    const wire = await Wire.open(t, beating, '/ws', { token: await beating.identity.token() });
    await outlives(wire);
  });

  test('presence in Redis is kept up by answers to pings', async (t) => {
    const env = { PING_INTERVAL_MS: '150', PRESENCE_TTL_MS: '2000' };
    const { redis, cluster } = await ownCluster(t, { size: 1, env });
    const [anna, bert] = await gather(t, cluster, [[SignalGuest, 'anna'], [WsGuest, 'bert']]);
    const seen = anna.wire.pings.length;
    await until(() => anna.wire.pings.length > seen + 20, 'more time passes than presence lasts');
    const keys = await redis.keys('presence:*');
    for (const { userId } of [anna, bert]) assert.ok(keys.some((key) => key.includes(userId)), `${userId} in ${keys}`);
  });
});

/** Resident memory of a gateway, in MiB. */
const memory = ({ child }) => Number(/VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${child.pid}/status`, 'utf8'))[1]) / 1024;

describe('a reader that is too slow', { concurrency: 1 }, () => {
  for (const kind of RAW_KINDS) {
    test(`is cut, memory stays bounded, and nobody else notices: ${kind.kind}`, async (t) => {
      const code = freshCode();
      const [anna, bert] = await gather(t, gateway, [[WsGuest, 'anna'], [SocketGuest, 'bert']], code);
      const path = kind === SignalGuest ? `/signal/${code}` : '/ws';
      const tcp = await TcpSocket.open(t, gateway, path, await gateway.identity.token({ sub: 'slow' }));
      if (kind === WsGuest) tcp.say({ type: 'join', room: code, sender: 'slow' });
      const { peerId } = await tcp.hears('joined');
      tcp.socket.pause();
      const before = memory(gateway);
      let peak = before;
      const body = 'x'.repeat(90_000);
      for (let n = 0; n < 400; n += 1) {
        anna.signal('ice', peerId, body);
        if (n % 20) continue;
        await anna.say(`${n}`);
        peak = Math.max(peak, memory(gateway));
      }
      assert.ok(peak - before < 20, `memory grew from ${before} to ${peak} MiB, of 36 that were sent`);
      await bert.hears('peer-left', (left) => left.peerId === peerId);
      await bert.hears('chat', ({ content }) => content === '380');
      assert.deepEqual(bert.heard.all('chat').map(({ content }) => content), Array.from({ length: 20 }, (_, n) => `${n * 20}`));
      tcp.socket.resume();
      await tcp.code();
    });
  }

  test('that pings all the time and reads no answer is held back, and gets all answers when it reads', async (t) => {
    const token = await gateway.identity.token({ sub: 'pinging' });
    const tcp = await TcpSocket.open(t, gateway, '/ws', token);
    tcp.socket.pause();
    const before = memory(gateway);
    const [count, width] = [40_000, 100];
    for (let n = 0; n < count; n += 1000) {
      tcp.write(Buffer.concat(Array.from({ length: 1000 }, (_, m) => frame(OPCODE.ping, `${n + m}`.padStart(width, '0')))));
    }
    const anna = await enter(t, gateway, SocketGuest, 'anna');
    await settle([anna]);
    assert.ok(memory(gateway) - before < 3, `memory grew from ${before} to ${memory(gateway)} MiB, of ${(count * width) / 2 ** 20} that were sent`);
    tcp.socket.resume();
    await tcp.frame(OPCODE.pong, (payload) => Number(payload) === count - 1);
    const answers = tcp.frames.filter(({ opcode }) => opcode === OPCODE.pong).map(({ payload }) => Number(payload));
    assert.ok(answers.length <= count && answers.every((n, index) => index === 0 || n > answers[index - 1]), 'in their order');
  });

  test('that is only somewhat slow loses nothing', async (t) => {
    const code = freshCode();
    const [anna] = await gather(t, gateway, [[WsGuest, 'anna']], code);
    const tcp = await TcpSocket.open(t, gateway, `/signal/${code}`, await gateway.identity.token({ sub: 'slow' }));
    await tcp.hears('joined');
    tcp.socket.pause();
    const bodies = Array.from({ length: 20 }, (_, n) => `${n} ${'x'.repeat(90_000)}`);
    for (const body of bodies) anna.signal('ice', null, body);
    await anna.say('all is sent');
    tcp.socket.resume();
    await tcp.hears('chat');
    assert.deepEqual(tcp.told.filter(({ type }) => type === 'ice').map(({ candidate }) => candidate), bodies);
    assert.equal(tcp.frames.filter(({ opcode }) => opcode === OPCODE.close).length, 0);
  });
});

describe('a node that is told to end', { concurrency: 4 }, () => {
  test('tells all when to come back, closes them with 1012, and takes nobody new', async (t) => {
    const node = await startNode({ SHUTDOWN_GRACE_MS: '2000' }, new Identity());
    t.after(() => node.kill());
    const guests = await gather(t, node, [[SignalGuest, 'anna'], [WsGuest, 'bert'], [SocketGuest, 'carl'], [SignalGuest, 'dora'], [WsGuest, 'emil']]);
    const idle = await Wire.open(t, node, '/ws', { token: await node.identity.token() });
    node.signal('SIGTERM');
    for (const guest of guests) {
      const { reconnectAfterMs } = await guest.hears('draining');
      assert.ok(Number.isInteger(reconnectAfterMs) && reconnectAfterMs >= 0, `${reconnectAfterMs}`);
    }
    await idle.frame('draining');
    for (const path of ['/ws', '/signal/late']) {
      const { status, headers } = await refusedAnswer(t, node, path, { token: await node.identity.token() });
      assert.equal(status, 503);
      assert.match(headers['retry-after'], /^\d+$/);
    }
    for (const guest of guests) {
      const end = await guest.gone();
      if (guest.wire) assert.equal(end.code, 1012);
      assert.equal(guest.heard.all('draining').length, 1);
    }
    assert.equal(await idle.code(), 1012);
    assert.deepEqual(await node.exited(), { code: 0, signal: null });
  });

  test('loses nobody: all come back to another node, and nobody is told', async (t) => {
    const { cluster } = await ownCluster(t, { size: 2, env: { SHUTDOWN_GRACE_MS: '1000', RECONNECT_WINDOW_MS: '60000' } });
    const [first, second] = cluster.nodes;
    const code = freshCode();
    const [anna, ...moving] = await gather(t, cluster, [[SocketGuest, 'anna', { node: second }],
      ...KINDS.map((kind) => [kind, kind.kind, { node: first }])], code);
    await settle([anna, ...moving]);
    const mark = anna.mark();
    first.signal('SIGTERM');
    const backs = await Promise.all(moving.map(async (guest) => {
      await guest.gone();
      const back = await comeBack(t, cluster, guest, { node: second });
      await assertResumed(back, guest);
      return back;
    }));
    assert.deepEqual(await first.exited(), { code: 0, signal: null });
    for (const back of backs) back.signal('ice', anna, back.username);
    await settle([anna, ...backs]);
    const heard = heardSince(anna, mark);
    assert.deepEqual(heard.map(([what, { from }]) => [what, from]).sort(), backs.map(({ peerId }) => ['ice', peerId]).sort());
  });
});

describe('a node that is killed', { concurrency: 4 }, () => {
  test('its raw clients come back to another one, and are the same peers', async (t) => {
    const { cluster } = await ownCluster(t, { size: 2, env: { RECONNECT_WINDOW_MS: '60000' } });
    const [first, second] = cluster.nodes;
    const code = freshCode();
    const [anna, ...moving] = await gather(t, cluster, [[SocketGuest, 'anna', { node: second }],
      ...KINDS.map((kind) => [kind, kind.kind, { node: first }])], code);
    await settle([anna, ...moving]);
    await first.kill();
    const backs = await Promise.all(moving.map(async (guest) => {
      await guest.gone();
      const back = await comeBack(t, cluster, guest, { node: second });
      const { peers } = await assertResumed(back, guest);
      assert.equal(peers.length, moving.length);
      return back;
    }));
    for (const back of backs) back.signal('ice', anna, back.username);
    for (const back of backs) assert.equal((await anna.hears('ice', ({ from }) => from === back.peerId)).body, back.username);
    await settle([anna, ...backs]);
    assert.deepEqual([anna.heard.all('peer-left'), anna.heard.all('host')], [[], []]);
  });

  test('those who do not come back are gone in time, told with the reason', async (t) => {
    const { cluster } = await ownCluster(t, { size: 2, env: { RECONNECT_WINDOW_MS: '500' } });
    const [first, second] = cluster.nodes;
    const [lost, anna, bert] = await gather(t, cluster, [[WsGuest, 'lost', { node: first }], [SignalGuest, 'anna', { node: second }], [WsGuest, 'bert', { node: second }]]);
    await first.kill();
    for (const guest of [anna, bert]) {
      assert.deepEqual(await guest.hears('peer-left'), { peerId: lost.peerId, called: guest.calls(lost), reason: 'node-lost' });
      assert.equal((await guest.hears('host')).peerId, anna.peerId);
    }
    const late = await enter(t, cluster, WsGuest, 'late', { code: lost.code, alias: lost.alias, node: second });
    await announced(late, [anna, bert]);
  });
});
