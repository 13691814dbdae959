import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { connect } from '../../clients/lib/client.js';
import { description, freshCode, join, sawSince } from '../../clients/lib/rooms.js';
import { sharedCluster } from '../lib/fixture.js';
import { assertSameRoom, roomIdOf, settleAll, spread, untilAgreed } from '../lib/peers.js';

const { cluster } = await sharedCluster();

const names = (count) => Array.from({ length: count }, (_, n) => `peer ${n}`);

describe('what all nodes agree on', { concurrency: 4 }, () => {
  test('newcomers find those of every node, oldest first, and are announced on every node', async (t) => {
    const code = freshCode();
    const clients = await spread(t, cluster, names(7), { code });
    for (const [index, client] of clients.entries()) {
      const [{ roomId, hostId, peers, mode }] = client.recorder.all('room:joined');
      assert.deepEqual(peers, clients.slice(0, index).map(({ asPeer }) => asPeer));
      assert.deepEqual([roomId, hostId, mode], [roomIdOf(code), clients[0].peerId, 'p2p']);
      const told = client.recorder.all('peer:joined');
      assert.deepEqual(told, clients.slice(index + 1).map(({ peerId, asPeer: { userId, userInfo } }) => ({ peerId, userId, userInfo })));
    }
    assert.equal(await assertSameRoom(clients, code), clients[0].peerId);
  });

  test('many who join at once from every node come to see each other', async (t) => {
    const code = freshCode();
    const clients = await Promise.all(names(9).map((username, index) => connect(t, cluster.nodes[index % 3], { username })));
    await Promise.all(clients.map((client) => join(client, code)));
    await untilAgreed(clients);
    await assertSameRoom(clients, code);
  });

  test('who leaves is announced left once, on every node', async (t) => {
    const code = freshCode();
    const [anna, bert, ...rest] = await spread(t, cluster, names(6), { code });
    const staying = [anna, ...rest];
    assert.equal((await bert.ask('leave:room')).status, 'ok');
    await untilAgreed(staying);
    await settleAll(staying);
    for (const client of staying) {
      assert.deepEqual(client.recorder.all('peer:left'), [{ peerId: bert.peerId, reason: 'left' }]);
    }
    await assertSameRoom(staying, code);
  });

  for (const [how, go] of [['leaves', (host) => host.ask('leave:room')], ['disconnects', (host) => host.close()]]) {
    test(`when the host ${how}, the longest present takes over`, async (t) => {
      const code = freshCode();
      const [host, second, third, fourth] = await spread(t, cluster, ['host', 'second', 'third', 'fourth'], { code });
      await go(host);
      const rest = [second, third, fourth];
      for (const client of rest) assert.deepEqual(await client.event('host:changed'), { hostId: second.peerId });
      assert.equal(await assertSameRoom(rest, code), second.peerId);
      await settleAll(rest);
      for (const client of rest) assert.equal(client.recorder.all('host:changed').length, 1);
      assert.equal((await second.ask('peer:kick', { targetPeerId: fourth.peerId })).status, 'ok');
      await fourth.event('room:kicked');
    });
  }
});

describe('chat across nodes', { concurrency: 4 }, () => {
  test('history is the same on every node, whoever said it where', async (t) => {
    const code = freshCode();
    const clients = await spread(t, cluster, ['anna', 'bert'], { code });
    const sent = [];
    for (let n = 0; n < 6; n += 1) {
      const { id } = await clients[n % 2].ask('chat_message', { content: `${n}` });
      await Promise.all(clients.map((client) => client.event('chat_message', (chat) => chat.id === id)));
      sent.push(id);
    }
    clients.push(...await spread(t, cluster, ['late'], { code, at: [2] }));
    for (const client of clients) {
      const { status, messages } = await client.ask('chat_history', {});
      assert.equal(status, 'ok');
      assert.deepEqual(messages.map(({ id }) => id), sent, client.username);
      assert.deepEqual(messages.map(({ content }) => content), ['0', '1', '2', '3', '4', '5']);
      const page = await client.ask('chat_history', { before: sent[3], limit: 2 });
      assert.deepEqual(page.messages.map(({ id }) => id), [sent[1], sent[2]]);
    }
  });

  test('a message sent again through another node is heard once, under the same id', async (t) => {
    const code = freshCode();
    const [anna] = await spread(t, cluster, ['anna'], { code });
    const [tab1, tab2] = await spread(t, cluster, ['tab', 'tab'], { code, sub: 'user-who-repeats', at: [1, 2] });
    const message = { content: 'once only', clientMessageId: 'retry-1' };
    const first = await tab1.ask('chat_message', message);
    await tab2.event('chat_message');
    const again = await tab2.ask('chat_message', message);
    assert.deepEqual([again.status, again.id], ['ok', first.id]);
    await settleAll([anna, tab1, tab2]);
    for (const client of [anna, tab1, tab2]) {
      assert.equal(client.recorder.all('chat_message').filter(({ content }) => content === 'once only').length, 1);
    }
  });
});

describe('order across nodes', () => {
  test('a newcomer is announced before its offer, and may be answered at once', async (t) => {
    for (let round = 0; round < 20; round += 1) {
      const code = freshCode();
      const [anna] = await spread(t, cluster, ['anna'], { code, at: [round % 3] });
      const bert = await connect(t, cluster.nodes[(round + 1) % 3]);
      anna.socket.on('webrtc:offer', ({ from }) => anna.send('webrtc:answer', { targetPeerId: from, answer: description('answer') }));
      bert.send('join:room', { roomCode: code });
      bert.send('webrtc:offer', { targetPeerId: anna.peerId, offer: description('offer') });
      await bert.event('webrtc:answer');
      const told = sawSince(anna, 0).map(({ event }) => event).filter((event) => event !== 'room:joined');
      assert.deepEqual(told, ['peer:joined', 'webrtc:offer']);
      assert.deepEqual(bert.recorder.all('error'), []);
    }
  });
});
