import assert from 'node:assert/strict';
import { Agent, get } from 'node:http';
import { once } from 'node:events';
import { after, describe, test } from 'node:test';
import { connect, DEFAULT_KIND, PLAIN_KINDS } from '../lib/client.js';
import { startGateway } from '../lib/gateway.js';
import { Proxy } from '../lib/proxy.js';
import { RawPolling, RawSocket } from '../lib/raw.js';
import { assertMissed, assertResumed, comeBackAs, lose, resumesAtLast } from '../lib/resume.js';
import { announced, freshCode, join, party, sawSince, settle } from '../lib/rooms.js';
import { within } from '../lib/wait.js';

const gateway = await startGateway({ RECONNECT_WINDOW_MS: '60000' });
after(() => gateway.kill());

let users = 0;

/** A user for a raw client. */
async function rawUser() {
  users += 1;
  const userId = `raw-${users}`;
  const username = `name of ${userId}`;
  return { userId, username, token: await gateway.identity.token({ sub: userId, username }) };
}

/** Brings a raw client into a room, where the others have heard of it; the result can come back as any other. */
async function rawPeer(raw, user, code, others = []) {
  const { status, peerId, resumeToken } = await raw.ask(1, JSON.stringify(['join:room', { roomCode: code }]));
  assert.equal(status, 'ok');
  const peer = { ...user, peerId, resumeToken, node: raw.node };
  await announced(peer, others);
  return peer;
}

/** Has a client send numbered candidates; returns when the gateway has dealt with them. */
async function signal(sender, targetPeerId, candidates) {
  for (const candidate of candidates) sender.send('webrtc:ice', { targetPeerId, candidate });
  await sender.ask('heartbeat');
}

/** Checks that a client comes back as the peer it was, and is told exactly these candidates. */
async function assertReplayed(t, former, witness, candidates) {
  const back = await comeBackAs(t, gateway, former);
  const resumed = await assertResumed(back, former);
  await settle(witness, back);
  assert.deepEqual(sawSince(back, 1).map(({ args: [{ candidate }] }) => candidate), candidates);
  assertMissed(resumed, candidates.length, [witness, former]);
}

const series = (name, count) => Array.from({ length: count }, (_, n) => `${name} ${n}`);

/** Chats numbers, one after another, until told to stop. */
function counting(speaker) {
  let going = true;
  let count = 0;
  const counted = (async () => {
    for (; going; count += 1) await speaker.ask('chat_message', { content: `${count}` });
  })();
  return { get count() { return count; }, stop: () => { going = false; return counted; } };
}

/** A client that joins by polling, and upgrades once it is told things. */
async function joinThenUpgrade(t, proxy, kind, roomCode) {
  proxy.hold();
  const prepare = (socket, recorder) => {
    socket.on('connect', () => socket.emit('join:room', { roomCode }));
    recorder.wait('chat_message').then(() => proxy.release());
  };
  const client = await connect(t, gateway, { kind, via: proxy, prepare });
  const { peerId, resumeToken } = await client.event('room:joined');
  return Object.assign(client, { peerId, resumeToken });
}

const numbers = (client) => client.recorder.all('chat_message').map(({ content }) => content)
  .filter((content) => !content.startsWith('barrier')).map(Number);

/** One client upgrades under traffic, is lost, and comes back. */
async function upgradeAndLose(t, speaker, code, kind) {
  const proxy = await Proxy.start(t, gateway);
  const traffic = counting(speaker);
  const lossy = await joinThenUpgrade(t, proxy, kind, code);
  await traffic.stop();
  await settle(speaker, lossy);
  await lose(proxy);
  const arrived = numbers(lossy);
  for (const content of ['-1', '-2', '-3']) await speaker.ask('chat_message', { content });
  const back = await comeBackAs(t, gateway, lossy, { kind: DEFAULT_KIND });
  const resumed = await assertResumed(back, lossy);
  await settle(speaker, back);
  assert.deepEqual(numbers(back), [-1, -2, -3]);
  assertMissed(resumed, 3, [speaker, lossy]);
  const first = arrived[0] ?? traffic.count;
  assert.deepEqual(arrived, Array.from({ length: traffic.count - first }, (_, n) => first + n));
  await back.ask('leave:room');
}

describe('a loss after an upgrade from polling', () => {
  test('under traffic costs nothing and repeats nothing', async (t) => {
    const code = freshCode();
    const [anna] = await party(t, gateway, ['anna'], { code });
    const kinds = PLAIN_KINDS.filter(({ transport }) => transport === 'upgrade');
    for (let round = 0; round < 15; round += 1) await upgradeAndLose(t, anna, code, kinds[round % kinds.length]);
  });

  test('repeats nothing of the last poll, which no other poll confirmed', async (t) => {
    const code = freshCode();
    const [anna] = await party(t, gateway, ['anna'], { code });
    const user = await rawUser();
    const polling = await RawPolling.connected(gateway, user.token);
    const peer = await rawPeer(polling, user, code, [anna]);
    await signal(anna, peer.peerId, series('polled', 3));
    await polling.frame((text) => text.includes('polled 2'));
    const proxy = await Proxy.start(t, polling.node);
    const raw = await polling.upgraded(proxy);
    await signal(anna, peer.peerId, series('pushed', 6));
    await raw.frame((text) => text.includes('pushed 5'));
    await lose(proxy);
    await signal(anna, peer.peerId, series('late', 2));
    await assertReplayed(t, peer, anna, series('late', 2));
  });
});

describe('an upgrade from polling', () => {
  test('brings along what did not fit into the answer of the last poll', async (t) => {
    const code = freshCode();
    const [anna] = await party(t, gateway, ['anna'], { code });
    const user = await rawUser();
    const polling = await RawPolling.connected(gateway, user.token);
    const peer = await rawPeer(polling, user, code, [anna]);
    // Any two of them are too much for one answer.
    const large = series('large', 3).map((name) => `${name} ${'x'.repeat(60_000)}`);
    await signal(anna, peer.peerId, large);
    await polling.frame((text) => text.includes('large 0'));
    assert.ok(!polling.frames.some((text) => text.includes('large 1')));
    const raw = await polling.upgraded();
    for (const name of ['large 1', 'large 2']) await raw.frame((text) => text.includes(name));
    const order = raw.frames.flatMap((text) => text.match(/large \d/) ?? []);
    assert.deepEqual(order, ['large 1', 'large 2']);
  });
});

/** A WebSocket request that cannot succeed; resolves with the connection it leaves behind. */
async function failToUpgrade(port, agent) {
  const request = get({ host: '127.0.0.1', port, path: '/socket.io/?EIO=4&transport=websocket', agent });
  const [response] = await within(once(request, 'response'), 'an answer to the bad request');
  const { socket } = response;
  assert.equal(response.statusCode, 400);
  response.resume();
  await within(once(response, 'end'), 'the end of the answer');
  return socket;
}

describe('a connection that clients share one after another, as behind a proxy', () => {
  test('carries nothing over from a failed upgrade to the next client', async (t) => {
    const code = freshCode();
    const [anna] = await party(t, gateway, ['anna'], { code });
    const proxy = await Proxy.start(t, gateway);
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    t.after(() => agent.destroy());
    const used = await failToUpgrade(proxy.port, agent);
    const user = await rawUser();
    const raw = new RawSocket(proxy, { token: user.token, agent });
    const [response] = await within(once(raw.ws, 'upgrade'), 'the upgrade');
    assert.equal(response.socket, used, 'it is the same connection');
    raw.send('40');
    await raw.frame((text) => text.startsWith('40{'));
    const peer = await rawPeer(raw, user, code, [anna]);
    await signal(anna, peer.peerId, series('pushed', 6));
    await raw.frame((text) => text.includes('pushed 5'));
    await lose(proxy);
    await signal(anna, peer.peerId, series('late', 2));
    await assertReplayed(t, peer, anna, series('late', 2));
  });
});

describe("the server's own answers", () => {
  for (const refusals of [1, 5, 12]) {
    test(`${refusals} of them are not taken for events that arrived`, async (t) => {
      const code = freshCode();
      const [anna] = await party(t, gateway, ['anna'], { code });
      const user = await rawUser();
      const raw = await RawPolling.connected(gateway, user.token);
      const peer = await rawPeer(raw, user, code, [anna]);
      for (let n = 0; n < refusals; n += 1) await raw.send('40/admin,');
      await raw.frame((text) => text.startsWith('44/admin,'));
      for (const id of [2, 3]) await raw.ask(id, '["heartbeat"]');
      await signal(anna, peer.peerId, series('waiting', 5));
      await assertReplayed(t, peer, anna, series('waiting', 5));
    });
  }
});

describe('a takeover closes the former connection', () => {
  test('when its request named two transports', async (t) => {
    const user = await rawUser();
    const query = 'EIO=4&transport=websocket&transport=polling';
    const raw = await RawSocket.connected(gateway, { token: user.token, query });
    const peer = await rawPeer(raw, user, freshCode());
    await assertResumed(await comeBackAs(t, gateway, peer), peer);
    await raw.ended();
  });

  test('when a second WebSocket tried to enter its session', async (t) => {
    const user = await rawUser();
    const polling = await RawPolling.opened(gateway, user.token);
    const raw = await polling.upgraded();
    raw.send('40');
    await raw.frame((text) => text.startsWith('40{'));
    const peer = await rawPeer(raw, user, freshCode());
    const query = `EIO=4&transport=websocket&sid=${polling.sid}`;
    const second = new RawSocket(gateway, { token: user.token, query });
    await second.ended();
    assert.equal((await raw.ask(2, '["heartbeat"]')).status, 'ok');
    await assertResumed(await comeBackAs(t, gateway, peer), peer);
    await raw.ended();
  });
});

describe('what was said in a room that was left', () => {
  test('does not follow into the next', async (t) => {
    const codes = [freshCode(), freshCode()];
    const [anna] = await party(t, gateway, ['anna'], { code: codes[0] });
    const [friend] = await party(t, gateway, ['friend'], { code: codes[1] });
    const lossy = await connect(t, gateway);
    await join(lossy, codes[0]);
    await announced(lossy, [anna]);
    lossy.engine.transport.ws.pause();
    await signal(anna, lossy.peerId, series('x'.repeat(50_000), 30));
    lossy.send('join:room', { roomCode: codes[1] });
    const { peerId } = await friend.event('peer:joined');
    await signal(friend, peerId, ['next']);
    lossy.terminate();
    const back = await resumesAtLast(t, gateway, lossy);
    const resumed = await assertResumed(back, { peerId });
    await settle(friend, back);
    const told = sawSince(back, 1).map(({ args: [{ from, candidate }] }) => [from, candidate.slice(0, 20)]);
    assert.deepEqual(told, [[friend.peerId, 'next']]);
    assertMissed(resumed, 1, [friend, lossy]);
  });
});
