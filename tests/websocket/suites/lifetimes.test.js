import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, describe, test } from 'node:test';
import { startNode } from '../../clients/lib/gateway.js';
import { Identity } from '../../clients/lib/identity.js';
import { freshCode } from '../../clients/lib/rooms.js';
import { mapLimited } from '../../clients/lib/wait.js';
import { ownCluster } from '../../cluster/lib/fixture.js';
import { heardSince, settle } from '../lib/guest.js';
import { announced, assertResumed, comeBack, enter, freshUser, gather, KINDS, RAW_KINDS } from '../lib/parties.js';
import { SignalGuest } from '../lib/signal.js';
import { SocketGuest } from '../lib/socketio.js';
import { frame, OPCODE, TcpSocket } from '../lib/tcp.js';
import { refusedAnswer, Wire } from '../lib/wire.js';
import { WsGuest } from '../lib/ws.js';

const identity = new Identity();
const gateway = await startNode({}, identity);
after(() => gateway.kill());

/** Resident memory of a gateway, in MiB. */
const memory = ({ child }) => Number(/VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${child.pid}/status`, 'utf8'))[1]) / 1024;

describe('a reader that is too slow', { concurrency: 1 }, () => {
  for (const kind of RAW_KINDS) {
    test(`is cut, memory stays bounded, and nobody else notices: ${kind.kind}`, async (t) => {
      const code = freshCode();
      const [anna, bert] = await gather(t, gateway, [[WsGuest, 'anna'], [SocketGuest, 'bert']], code);
      const path = kind === SignalGuest ? `/signal/${code}` : '/ws';
      const tcp = await TcpSocket.open(t, gateway, path, await gateway.identity.token({ sub: freshUser('slow') }));
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
    const token = await gateway.identity.token({ sub: freshUser('pinging') });
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
    const tcp = await TcpSocket.open(t, gateway, `/signal/${code}`, await gateway.identity.token({ sub: freshUser('slow') }));
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
    const node = await startNode({ SHUTDOWN_GRACE_MS: '60000' }, identity);
    t.after(() => node.kill());
    // So many that sending them away takes the node a while, in which it can be asked.
    await mapLimited(Array.from({ length: 200 }), 20, async () => Wire.open(t, node, '/ws', { token: await identity.token() }));
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
    const { cluster } = await ownCluster(t, { size: 2, identity, env: { SHUTDOWN_GRACE_MS: '30000', RECONNECT_WINDOW_MS: '60000' } });
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
    const { cluster } = await ownCluster(t, { size: 2, identity, env: { RECONNECT_WINDOW_MS: '60000' } });
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
    const { cluster } = await ownCluster(t, { size: 2, identity, env: { RECONNECT_WINDOW_MS: '500' } });
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
