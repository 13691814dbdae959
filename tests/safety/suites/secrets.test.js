// Everything worth hiding goes through the gateway, which logs all that it can; then it is looked for.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { connect, PLAIN_KINDS, refusal } from '../../clients/lib/client.js';
import { expectAnyEvents } from '../../clients/lib/contract.js';
import { RawSocket } from '../../clients/lib/raw.js';
import { join, party, settle } from '../../clients/lib/rooms.js';
import { until } from '../../clients/lib/wait.js';
import { connectRaw } from '../../clients/lib/websocket.js';
import { Cluster } from '../../cluster/lib/cluster.js';
import { Redis } from '../../cluster/lib/redis.js';
import { apiUrl, ask, disconnect, publish } from '../../events/lib/api.js';
import { metricsOf } from '../../sfu/lib/admin.js';
import { MediaStub } from '../../sfu/lib/media-stub.js';
import { RoomService } from '../../sfu/lib/room-service.js';
import { ok, publish as send, subscribe as receive } from '../../sfu/lib/session.js';
import { forTheSuite, mediaAvailable } from '../../sfu/lib/stage.js';
import { StandIn } from '../../sfu/lib/stand-in.js';
import { assertResumed, comeBack, gatherLossy, KINDS } from '../../websocket/lib/parties.js';
import { SocketGuest } from '../../websocket/lib/socketio.js';
import { Marks } from '../lib/marks.js';

// Backends call their events as they like.
expectAnyEvents();

const KEY = 'shop-secret-0123456789';
const marks = new Marks({
  'the password of Redis': 'secret-of-redis-4711',
  'the TURN secret': 'secret-of-turn-servers-4711',
  'an API key': KEY,
  'a wrong API key': 'wrong-key-0123456789abcdef',
  'the password of operators': 'secret-of-operators-4711',
  'a wrong password': 'wrong-password-4711',
  'a description': 'v=0-secret-session-description',
  'an ICE password': 'icepwd-secret-asd88fgpdd777uzjYhagZg',
  'a candidate': '2001:db8:5ec:2e7::77',
  'what was said': 'secret words between friends',
  'a refused payload': 'secret-in-a-refused-payload',
  'what a backend tells': 'secret-of-a-backend',
  'what a service complains of': 'secret-complaint-of-a-service',
  'a foreign cookie': 'secret-cookie-of-another-app',
  'a token in a query': 'secret-token-in-a-query',
  "a person's name": 'Secretive Name Of A Person',
  'a media address': '198.51.100.77',
  'a DTLS fingerprint': '5E:C2:E7:00:36:C3:0A:DE:AF:E7:32:43',
});
const text = (what) => TEXTS[what];
const TEXTS = {
  sdp: 'v=0-secret-session-description a=ice-pwd:icepwd-secret-asd88fgpdd777uzjYhagZg',
  candidate: 'candidate:1 1 udp 2122260223 2001:db8:5ec:2e7::77 61665 typ host',
  chat: 'secret words between friends',
  junk: 'secret-in-a-refused-payload',
  told: 'secret-of-a-backend',
  complaint: 'secret-complaint-of-a-service',
  name: 'Secretive Name Of A Person',
};

/** A Chat Service that refuses some of what it gets, and repeats it in its complaint. */
class Grumbler extends StandIn {
  constructor() {
    super([['store', 'POST', '/internal/messages'], ['history', 'GET', '/internal/rooms/:room/messages']]);
  }

  answer({ route, body }) {
    if (route === 'history') return { status: 500, text: JSON.stringify({ message: text('complaint') }) };
    return body.includes('poison') ? { status: 400, text: JSON.stringify({ message: `${text('complaint')}: ${body}` }) } : { text: '{}' };
  }
}

const suite = forTheSuite();
const redis = await Redis.start({ options: ['--user', 'gateway', 'on', '>secret-of-redis-4711', '~*', '&*', '+@all'] });
suite.after(() => redis.stop());
const [chat, rooms, media] = [new Grumbler(), await RoomService.start(suite), await MediaStub.start(suite)];
await chat.open();
suite.after(() => chat.close());
const cluster = await Cluster.start({ url: `redis://gateway:secret-of-redis-4711@127.0.0.1:${redis.port}` }, {
  size: 2,
  env: {
    RUST_LOG: 'trace', API_KEY: `shop:${KEY}`, RECONNECT_WINDOW_MS: '60000',
    TURN_URIS: 'turn:turn.example', TURN_SECRET: 'secret-of-turn-servers-4711',
    ADMIN_UI_USER: 'admin', ADMIN_UI_PASSWORD: 'secret-of-operators-4711', ADMIN_UI_READONLY: 'false',
    CHAT_SERVICE_URL: chat.url, ROOM_SERVICE_URL: rooms.url, MEDIA_SERVICE_URL: media.url,
  },
});
suite.after(() => cluster.stop());
// What the suite itself looks at needs no password.
cluster.redis = redis;
const [first, second] = cluster.nodes;
await Promise.all(cluster.nodes.map(mediaAvailable));
let room = 0;
const freshRoom = (entry) => rooms.define(`room-${room += 1}`, entry);

/** A token, which is marked. */
async function token(claims) {
  const made = await cluster.identity.token(claims);
  marks.add(`token of ${JSON.stringify(claims)} ${room}`, made);
  return made;
}

/** What was answered to mistakes. @type {string[]} */
const answers = [];

describe('what passes through', { concurrency: 3 }, () => {
  for (const kind of PLAIN_KINDS.filter(({ version }) => version !== 3)) {
    test(`calls and chat of client ${kind.version} by ${kind.transport}`, async (t) => {
      const [anna, bert] = await party(t, cluster, [text('name'), 'bert'], { kind, code: freshRoom(), nodes: [first, second], headers: { 'x-custom': text('junk') } });
      marks.add('resume token', anna.resumeToken);
      const targetPeerId = bert.peerId;
      await ok(anna, 'webrtc:offer', { targetPeerId, offer: { type: 'offer', sdp: text('sdp') } });
      await ok(anna, 'webrtc:ice', { targetPeerId, candidate: { candidate: text('candidate'), sdpMid: '0' } });
      await ok(anna, 'chat_message', { content: text('chat') });
      await ok(anna, 'chat_message', { content: `poison ${text('chat')}`, clientMessageId: 'secret-in-a-refused-payload' });
      await anna.ask('chat_history', {});
      for (const [event, payload] of [
        ['chat_message', { content: [text('junk')] }], ['join:room', { roomCode: `${text('junk')} is no code` }],
        ['webrtc:offer', { targetPeerId: text('junk'), offer: { sdp: text('sdp') } }], ['auth:refresh', { token: text('junk') }],
        ['auth:refresh', { token: await token({ sub: 'somebody else' }) }], ['subscribe', { channel: text('junk') }],
        ['peer:kick', { targetPeerId, reason: [text('junk')] }], ['sfu_produce', { transportId: text('junk'), rtpParameters: text('sdp') }],
        ['no:such:event', { note: text('junk') }], [text('junk'), {}],
      ]) await anna.ask(event, payload);
      await ok(anna, 'auth:refresh', { token: await token({ sub: anna.userId }) });
      await settle(bert, anna);
    });
  }

  for (const kind of KINDS) {
    test(`a loss and a return by ${kind.kind}`, async (t) => {
      const { lossy, others: [anna], lose } = await gatherLossy(t, cluster, [[SocketGuest, 'anna', { node: second }], [kind, 'lossy', { node: first }]], freshRoom());
      marks.add(`resume token of ${kind.kind}`, lossy.resumeToken);
      await lose();
      await cluster.knowsAway(lossy);
      anna.signal('offer', lossy, { type: 'offer', sdp: text('sdp') });
      await anna.say(text('chat'));
      const back = await comeBack(t, cluster, lossy, { node: second });
      await assertResumed(back, lossy);
      marks.add(`second resume token of ${kind.kind}`, back.resumeToken);
      back.signal('ice', anna, text('candidate'));
      await anna.hears('ice');
      await comeBack(t, cluster, lossy, { node: first, token: `${lossy.resumeToken}x` });
    });
  }

  test('frames that are no frames', async (t) => {
    const raw = await RawSocket.connected(first, { token: await token({ sub: 'raw' }) });
    t.after(() => raw.close());
    for (const junk of [`42["chat_message",{"content":"${text('chat')}"`, `42${text('junk')}`, `4299999[${text('junk')}`]) raw.send(junk);
    const ws = await connectRaw(t, second, '/ws', { token: await token({ sub: 'ws' }) });
    for (const junk of [text('junk'), `{"type":"${text('junk')}"}`, `{"type":"auth","token":"${text('junk')}"}`, `{"type":"join","room":"${text('junk')} !","sender":"x"}`]) ws.send(junk);
    await until(() => ws.recorder.all('error').length >= 4, 'all are refused');
    const broken = await RawSocket.connected(second, { token: await token({ sub: 'broken' }) });
    t.after(() => broken.close());
    broken.send(Buffer.from(text('junk')));
  });

  test('media sessions, and a Media Service that complains', async (t) => {
    media.texts.set('createTransport', (id) => JSON.stringify({
      id, iceParameters: { usernameFragment: 'u', password: 'icepwd-secret-asd88fgpdd777uzjYhagZg' },
      iceCandidates: [{ foundation: 'f', priority: 1, ip: '198.51.100.77', port: 40_000, type: 'host', protocol: 'udp' }],
      dtlsParameters: { role: 'auto', fingerprints: [{ algorithm: 'sha-256', value: '5E:C2:E7:00:36:C3:0A:DE:AF:E7:32:43' }] },
    }));
    const [anna, bert] = await party(t, cluster, ['anna', 'bert'], { code: freshRoom({ mode: 'sfu' }), nodes: [first, second] });
    const { producerId } = await send(anna, 'audio');
    await bert.event('sfu_new_producer');
    await receive(bert, producerId);
    media.fail('status', { status: 400, body: JSON.stringify({ message: text('complaint') }), routes: ['produce', 'createTransport'] });
    await anna.ask('sfu_create_transport', { direction: 'send' });
    media.heal();
  });

  test('tokens, by every way and of every kind', async (t) => {
    const good = () => token({ sub: 'somebody' });
    await connect(t, first, { token: await good() });
    await connect(t, first, { token: null, headers: { authorization: `Bearer ${await good()}`, cookie: 'other=secret-cookie-of-another-app' } });
    await connect(t, second, { token: null, auth: { token: await good() } });
    await connectRaw(t, second, '/ws?token=secret-token-in-a-query', { token: null, protocols: ['bearer', await good()] });
    for (const bad of [await token({ sub: 'late', exp: 1 }), `${await token({ sub: 'forged' })}x`, text('junk'), await token({ exp: text('junk') })]) {
      await refusal(t, first, { token: bad });
      await connectRaw(t, second, '/ws', { token: bad }).catch(({ status, body }) => answers.push(`${status} ${body}`));
    }
    const cookie = `access_token=${await good()}; other=secret-cookie-of-another-app`;
    const credentials = (await first.http('/turn-credentials', { headers: { cookie } })).json();
    marks.add('the password for TURN', credentials.password);
    for (const path of ['/turn-credentials?token=secret-token-in-a-query', '/socket.io/?EIO=4&transport=polling&token=secret-token-in-a-query', '/ws?resumeToken=secret-token-in-a-query', '/nowhere?token=secret-token-in-a-query']) {
      await first.http(path, { headers: { cookie, origin: 'http://evil.example' } });
      answers.push((await first.http(path, { headers: { cookie: 'access_token=secret-in-a-refused-payload' } })).text);
    }
  });

  test('backends and operators', async (t) => {
    const anna = await connect(t, second, { sub: 'anna' });
    await join(anna, freshRoom());
    await ok(anna, 'subscribe', { channel: 'leaderboard' }).catch(() => {});
    assert.equal((await publish(first, { user: 'anna', event: 'note', data: { text: text('told') } }, { key: KEY })).status, 202);
    await anna.event('note');
    for (const body of [{ user: 'anna', event: 'connect', data: text('told') }, `{"user":"anna","data":"${text('told')}"`, { note: text('told') }]) {
      answers.push((await publish(first, body, { key: KEY })).text);
    }
    answers.push((await publish(first, { user: 'anna', event: 'x', data: 1 }, { key: 'wrong-key-0123456789abcdef' })).text);
    for (const said of [{ type: 'rating_changed', data: { userId: 'anna', text: text('told') }, serverId: 's', timestamp: Date.now() }, text('told')]) {
      await redis.command('PUBLISH', 'player:notifications', typeof said === 'string' ? said : JSON.stringify(said));
    }
    await redis.command('PUBLISH', 'socket.io#/#anna#', text('told'));
    await anna.event('rating_changed');
    for (const password of ['wrong-password-4711', 'secret-of-operators-4711']) await operator(t, password);
    await disconnect(first, 'anna', { key: KEY });
    await anna.disconnected();
  });
});

/** Enters the namespace of the Admin UI, by hand. */
async function operator(t, password) {
  const raw = new RawSocket(first);
  t.after(() => raw.close());
  await raw.frame((frame) => frame.startsWith('0{'));
  raw.send(`40/admin,${JSON.stringify({ username: 'admin', password })}`);
  await raw.frame((frame) => /^4[04]\/admin,/.test(frame));
}

test('what is looked for would be found, however it is written', () => {
  const secret = 'secret "with" a/slash';
  const looked = new Marks({ it: secret });
  const forms = [secret, JSON.stringify({ secret }), `?q=${encodeURIComponent(secret)}`, Buffer.from(secret).toString('base64'),
    JSON.stringify([...Buffer.from(secret)]), `[${[...Buffer.from(secret)].join(', ')}]`];
  for (const form of forms) assert.equal(looked.in(`before ${form} after`).length, 1, form);
  assert.deepEqual(looked.in('nothing of it'), []);
});

describe('is found', () => {
  test('in no answer to a mistake', () => marks.absent('answers', answers));

  test('in no figure, and in nothing that a node says of itself', async () => {
    for (const node of cluster.nodes) {
      const pages = await Promise.all(['/healthz', '/readyz', '/livez', '/asyncapi.json'].map((path) => node.http(path)));
      marks.absent('the public listener', pages.map(({ text: page }) => page));
      marks.absent('the metrics', [(await metricsOf(node)).text]);
      const views = await Promise.all(['/api/v1/nodes', '/api/v1/rooms', '/api/v1/pubsub', '/openapi.json'].map((path) => ask(node, path, { key: KEY })));
      marks.absent(apiUrl(node), views.map(({ text: page }) => page));
    }
  });

  test('in no log, also when Redis is lost and all ends', async () => {
    await redis.kill();
    await Promise.all([0, 1].map((index) => cluster.unready(index)));
    await redis.run();
    await Promise.all([0, 1].map((index) => cluster.ready(index)));
    cluster.signal('SIGTERM');
    await cluster.exited();
    for (const node of cluster.nodes) {
      assert.ok(node.lines.some((line) => line.includes('"level":"TRACE"') || line.includes('"level":"DEBUG"')), 'it logs in detail');
      marks.absent('the log', node.lines);
      // Two parts of a JSON Web Token: three letters alone turn up in random ids.
      assert.doesNotMatch(node.log, /eyJ[\w-]{8,}\.[\w-]{8,}/, 'nothing looks like a token');
    }
  });
});
