import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { ALLOWED_ORIGIN, startNode } from '../../clients/lib/gateway.js';
import { Identity } from '../../clients/lib/identity.js';
import { freshCode } from '../../clients/lib/rooms.js';
import { freshUser, gather } from '../lib/parties.js';
import { SocketGuest } from '../lib/socketio.js';
import { Wscat } from '../lib/wscat.js';

const gateway = await startNode({ PING_INTERVAL_MS: '500', RECONNECT_WINDOW_MS: '300' }, new Identity());
after(() => gateway.kill());

const address = (path) => `ws://127.0.0.1:${gateway.port}${path}`;
const cookie = async (sub = freshUser('typist')) => ['--header', `Cookie: access_token=${await gateway.identity.token({ sub, username: sub })}`];

describe('wscat', { concurrency: 3 }, () => {
  test('joins by hand on /ws, signals and chats with Socket.IO, and leaves', async (t) => {
    const [anna] = await gather(t, gateway, [[SocketGuest, 'anna']]);
    const wscat = await Wscat.connect(t, address('/ws'), await cookie());
    const own = { room: anna.code, sender: 'cat' };
    wscat.type({ type: 'join', ...own });
    const joined = await wscat.heard.wait('joined');
    assert.deepEqual(joined.peers, [{ sender: anna.userId, peerId: anna.peerId, userId: anna.userId, username: 'anna' }]);
    wscat.type({ type: 'offer', ...own, recipient: anna.userId, payload: { type: 'offer', sdp: 'ü 👋' } });
    assert.deepEqual(await anna.hears('offer'), { from: joined.peerId, called: joined.peerId, to: anna.peerId, body: { type: 'offer', sdp: 'ü 👋' } });
    anna.client.send('webrtc:answer', { targetPeerId: joined.peerId, answer: 'y' });
    assert.equal((await wscat.heard.wait('answer')).payload, 'y');
    wscat.type({ type: 'chat', ...own, payload: 'meow' });
    assert.equal((await anna.hears('chat')).content, 'meow');
    wscat.type('not JSON');
    assert.equal((await wscat.heard.wait('error')).code, 'INVALID_PAYLOAD');
    await wscat.heard.wait('Received ping');
    wscat.type('/close 1000 bye');
    assert.equal((await anna.hears('peer-left')).reason, 'left');
    assert.equal(await wscat.ended(), 0);
  });

  test('joins by connecting to /signal, with its token among the subprotocols', async (t) => {
    const code = freshCode();
    const sub = freshUser('typist');
    const token = await gateway.identity.token({ sub });
    const wscat = await Wscat.connect(t, address(`/signal/${code}`), ['--subprotocol', 'bearer', '--subprotocol', token]);
    assert.equal((await wscat.heard.wait('joined')).senderId, sub);
    const [anna] = await gather(t, gateway, [[SocketGuest, 'anna']], code);
    await wscat.heard.wait('peer-joined');
    wscat.type({ type: 'kick', senderId: sub, targetId: anna.userId, reason: 'scratch' });
    assert.deepEqual(await anna.hears('kicked'), { reason: 'scratch' });
    assert.equal((await wscat.heard.wait('peer-left')).peerId, anna.peerId);
  });

  test('that is killed is lost', async (t) => {
    const [anna] = await gather(t, gateway, [[SocketGuest, 'anna']]);
    const wscat = await Wscat.connect(t, address(`/signal/${anna.code}`), await cookie());
    await anna.hears('peer-joined');
    wscat.child.kill('SIGKILL');
    assert.equal((await anna.hears('peer-left')).reason, 'disconnected');
  });

  test('is refused without a token, and with a foreign origin', async (t) => {
    const refused = async (options) => {
      const wscat = Wscat.run(t, address('/ws'), options);
      assert.notEqual(await wscat.ended(), 0);
      return wscat.errors;
    };
    assert.match(await refused([]), /401/);
    assert.match(await refused([...await cookie(), '--origin', 'http://evil.example']), /403/);
    await Wscat.connect(t, address('/ws'), [...await cookie(), '--origin', ALLOWED_ORIGIN]);
  });
});
