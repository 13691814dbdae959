import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { connect } from '../../clients/lib/client.js';
import { connectRaw } from '../../clients/lib/websocket.js';
import { RawSocket } from '../../clients/lib/raw.js';
import { assertRefused, description, freshCode, join, party } from '../../clients/lib/rooms.js';
import { until, within } from '../../clients/lib/wait.js';
import { count, limited, times, waitFor } from '../lib/house.js';

/** How to use up each class, in a room or not. @type {Record<string, (client: any, other: any) => Promise<any>>} */
const CLASSES = {
  RATE_RELAY: (client, other) => client.ask('webrtc:ice', { targetPeerId: other.peerId, candidate: null }),
  RATE_CHAT: (client) => client.ask('chat_message', { content: 'x' }),
  RATE_HISTORY: (client) => client.ask('chat_history', {}),
  RATE_JOIN: (client) => client.ask('leave:room'),
  RATE_SFU: (client) => client.ask('sfu_get_producers'),
  RATE_OTHER: (client) => client.ask('heartbeat'),
};

/** A value that is nested so deep. @param {number} levels */
const deep = (levels) => `${'['.repeat(levels)}${']'.repeat(levels)}`;

const isLimited = ({ code }) => code === 'RATE_LIMITED';

describe('a client that sends too much of one kind', { concurrency: 4 }, () => {
  for (const [name, send] of Object.entries(CLASSES)) {
    test(`is refused that, told when to go on, and nothing else is: ${name}`, async (t) => {
      const gateway = await limited(t, { [name]: '1:3', RATE_REFUSED: '1:1000' });
      const [anna, bert] = await party(t, gateway, ['anna', 'bert']);
      const answers = await Promise.all(times(40, () => send(anna, bert)));
      const refused = answers.filter(isLimited);
      assert.ok(refused.length > 0 && refused.length < 40, `${refused.length} of 40`);
      for (const refusal of refused) {
        assertRefused(refusal, 'RATE_LIMITED');
        assert.ok(refusal.retryable && Number.isInteger(refusal.retryAfterMs) && refusal.retryAfterMs > 0, JSON.stringify(refusal));
      }
      for (const [other, go] of Object.entries(CLASSES)) {
        if (other !== name) assert.ok(!isLimited(await go(anna, bert)), other);
      }
      const last = await until(async () => {
        const answer = await send(anna, bert);
        return isLimited(answer) && answer;
      }, 'it is refused once more');
      await waitFor(last);
      assert.ok(!isLimited(await send(anna, bert)), 'after the time that it was told there is room');
    });
  }

  test('gets it in the error event where it asked for no acknowledgement', async (t) => {
    const gateway = await limited(t, { RATE_CHAT: '1:1' });
    const [anna] = await party(t, gateway, ['anna']);
    for (let n = 0; n < 20; n += 1) anna.send('chat_message', { content: 'x' });
    const error = await anna.event('error');
    assert.deepEqual([error.code, error.event, error.retryable], ['RATE_LIMITED', 'chat_message', true]);
    assert.ok(error.retryAfterMs > 0);
    assert.ok(await count(gateway, 'switchboard_rate_limited_total', 'limit="chat_message"') > 0);
  });

  test('gets it in an error frame of /ws and of /signal', async (t) => {
    const gateway = await limited(t, { RATE_CHAT: '1:1' });
    const room = freshCode();
    const ws = await connectRaw(t, gateway, '/ws');
    ws.send({ type: 'join', room, sender: 'ws' });
    await ws.frame('joined');
    const signal = await connectRaw(t, gateway, `/signal/${room}`);
    await signal.frame('joined');
    for (let n = 0; n < 20; n += 1) {
      ws.send({ type: 'chat', room, sender: 'ws', payload: 'x' });
      signal.send({ type: 'chat', senderId: signal.userId, content: 'x' });
    }
    for (const client of [ws, signal]) {
      const error = await client.frame('error');
      assert.deepEqual([error.code, error.frame, error.retryable], ['RATE_LIMITED', 'chat', true]);
      assert.ok(error.retryAfterMs > 0);
    }
  });
});

describe('rooms', { concurrency: 4 }, () => {
  test('are joined so many in a minute; joining the same one again costs none', async (t) => {
    const gateway = await limited(t, { ROOMS_PER_MIN: '2' });
    const anna = await connect(t, gateway);
    const [first, second, third] = times(3, () => freshCode());
    await join(anna, first);
    await join(anna, second);
    for (let n = 0; n < 5; n += 1) await join(anna, second);
    const refusal = await anna.ask('join:room', { roomCode: third });
    assertRefused(refusal, 'RATE_LIMITED');
    assert.ok(refusal.retryAfterMs > 0 && refusal.retryAfterMs <= 30_000, `${refusal.retryAfterMs}`);
    await join(anna, second);
  });

  test('are refused to /signal with the close code that says to come again', async (t) => {
    const gateway = await limited(t, { ROOMS_PER_MIN: '1' });
    const first = await connectRaw(t, gateway, `/signal/${freshCode()}`, { sub: 'anna' });
    await first.frame('joined');
    await first.close();
    const second = await connectRaw(t, gateway, `/signal/${freshCode()}`, { sub: 'anna' });
    const error = await second.frame('error');
    assert.deepEqual([error.code, error.retryAfterMs > 0], ['RATE_LIMITED', true]);
    assert.equal((await within(second.closed, 'the close')).code, 1013);
  });
});

describe('coming back', { concurrency: 4 }, () => {
  test('gives nothing that was spent: neither with a resume nor with a new session', async (t) => {
    const gateway = await limited(t, { ROOMS_PER_MIN: '2', RATE_CHAT: '1:200', RATE_REFUSED: '1:1000' });
    const anna = await connect(t, gateway, { sub: 'anna' });
    await join(anna, freshCode());
    await join(anna, freshCode());
    await Promise.all(times(200, () => anna.ask('chat_message', { content: 'x' })));
    anna.terminate();
    const back = await connect(t, gateway, { sub: 'anna', auth: { resumeToken: anna.resumeToken } });
    await back.event('room:resumed');
    const answers = await Promise.all(times(200, () => back.ask('chat_message', { content: 'x' })));
    assert.ok(answers.some(isLimited), 'chat goes on where it was');
    assertRefused(await back.ask('join:room', { roomCode: freshCode() }), 'RATE_LIMITED');
    back.close();
    await back.disconnected();
    const raw = await connectRaw(t, gateway, '/ws', { sub: 'anna' });
    raw.send({ type: 'join', room: freshCode(), sender: 'anna' });
    assert.equal((await raw.frame('error')).code, 'RATE_LIMITED');
    const bert = await connect(t, gateway, { sub: 'bert' });
    await join(bert, freshCode());
  });

  test('to the namespace again and again ends the connection', async (t) => {
    const gateway = await limited(t, { RATE_JOIN: '1:5' });
    const raw = new RawSocket(gateway, { token: await gateway.identity.token() });
    await raw.frame((text) => text.startsWith('0{'));
    for (let n = 0; n < 100 && !raw.closed; n += 1) {
      raw.send('40');
      raw.send('41');
      await new Promise(setImmediate);
    }
    await raw.ended();
    assert.equal((await gateway.http('/livez')).status, 200);
  });
});

describe('a real call', { concurrency: 2 }, () => {
  test('does not meet the defaults: a storm of candidates for a mesh of ten, a chat that catches up, a reload', async (t) => {
    const gateway = await limited(t);
    const peers = await party(t, gateway, times(10, (n) => `peer ${n}`));
    const [anna, ...others] = peers;
    const sent = others.flatMap(({ peerId: targetPeerId }) => [
      anna.ask('webrtc:offer', { targetPeerId, offer: description('offer') }),
      ...times(100, (n) => anna.ask('webrtc:ice', { targetPeerId, candidate: `candidate ${n}` })),
    ]);
    const chat = times(250, (n) => anna.ask('chat_message', { content: `${n}`, clientMessageId: `${n}` }));
    const answers = await Promise.all([...sent, ...chat]);
    assert.deepEqual(answers.filter(({ status }) => status !== 'ok'), []);
    for (const other of others) await other.event('webrtc:ice', ({ candidate }) => candidate === 'candidate 99');
    assert.equal(await count(gateway, 'switchboard_rate_limited_total'), 0);
  });
});

describe('a client that goes on sending what is refused', { concurrency: 4 }, () => {
  const strict = { RATE_CHAT: '1:1', RATE_OTHER: '1:5', RATE_REFUSED: '1:20' };

  test('is disconnected, and has left: socket.io', async (t) => {
    const gateway = await limited(t, strict);
    const [anna, bert] = await party(t, gateway, ['anna', 'bert']);
    const why = new Promise((resolve) => anna.socket.on('disconnect', resolve));
    for (let n = 0; n < 300; n += 1) anna.send('chat_message', { content: `${n}` });
    assert.equal(await within(why, 'the disconnect'), 'io server disconnect');
    const left = await bert.event('peer:left');
    assert.deepEqual([left.peerId, left.reason], [anna.peerId, 'left']);
    assert.ok(gateway.log.includes('a client that goes on sending too much is disconnected'));
    await until(async () => await count(gateway, 'switchboard_abuse_disconnects_total') === 1, 'it is counted');
    await bert.ask('heartbeat');
  });

  const FRAMES = {
    'what cannot be read': (n) => `{"type": ${n}`,
    'unknown types': (n) => JSON.stringify({ type: `x${n}` }),
    'chat that is refused': (n) => JSON.stringify({ type: 'chat', room: 'r', sender: 'anna', payload: `${n}` }),
  };
  for (const [what, make] of Object.entries(FRAMES)) {
    test(`is closed with 1008: ${what}`, async (t) => {
      const gateway = await limited(t, strict);
      const anna = await connectRaw(t, gateway, '/ws');
      const told = () => anna.recorder.all('error').length;
      for (let n = 0; n < 300; n += 1) anna.send(make(n));
      const { code, reason } = await within(anna.closed, 'the close');
      assert.deepEqual([code, reason], [1008, 'too much was sent']);
      assert.ok(told() > 0 && told() < 100, `${told()} answers`);
    });
  }

  test('is closed with 1008 for pings alone', async (t) => {
    const gateway = await limited(t, strict);
    const anna = await connectRaw(t, gateway, '/ws');
    for (let n = 0; n < 300; n += 1) anna.socket.ping();
    assert.equal((await within(anna.closed, 'the close')).code, 1008);
  });

  test('is disconnected for events that cannot be read', async (t) => {
    const gateway = await limited(t, strict);
    const raw = await RawSocket.connected(gateway, { token: await gateway.identity.token() });
    for (let n = 0; n < 300 && !raw.closed; n += 1) raw.send(`42["chat_message",${deep(200)}]`);
    await raw.frame((text) => text === '41');
    await raw.ended();
    assert.ok(raw.frames.some((text) => text.includes('INVALID_PAYLOAD')));
  });

  const NOTHINGS = { pings: '2', 'namespaces that there are not': '40/nowhere,', 'events for them': '42/nowhere,["x"]' };
  for (const [what, frame] of Object.entries(NOTHINGS)) {
    test(`is cut off for frames that are no events: ${what}`, async (t) => {
      const all = Object.fromEntries(Object.keys(CLASSES).map((name) => [name, '5:20']));
      const gateway = await limited(t, { ...all, RATE_REFUSED: '5:20' });
      const raw = await RawSocket.connected(gateway, { token: await gateway.identity.token() });
      for (let n = 0; n < 5_000 && !raw.closed; n += 1) raw.send(frame);
      await raw.ended();
      await until(async () => await count(gateway, 'switchboard_rate_limited_total', 'limit="frames"') > 0, 'it is counted');
    });
  }

  test('is left alone with RATE_LIMITS=off', async (t) => {
    const gateway = await limited(t, { ...strict, RATE_LIMITS: 'off' });
    const [anna] = await party(t, gateway, ['anna']);
    const answers = await Promise.all(times(300, (n) => anna.ask('chat_message', { content: `${n}` })));
    assert.ok(answers.every(({ status }) => status === 'ok'));
  });
});

describe('values that are nested too deep', { concurrency: 2 }, () => {
  test('are refused in all protocols, and the connection stays', async (t) => {
    const gateway = await limited(t);
    const raw = await RawSocket.connected(gateway, { token: await gateway.identity.token() });
    for (const levels of [127, 10_000, 45_000]) {
      const error = await raw.ask(levels, `["webrtc:offer",{"targetPeerId":"x","offer":${deep(levels)}}]`);
      assert.deepEqual([error.code, error.retryable], ['INVALID_PAYLOAD', false]);
      assert.match(error.message, /nested deeper than 128/);
    }
    const allowed = await raw.ask(1, `["webrtc:offer",{"targetPeerId":"x","offer":{"a":${deep(125)}}}]`);
    assert.equal(allowed.code, 'NOT_IN_ROOM');
    const ws = await connectRaw(t, gateway, '/ws');
    ws.send(`{"type":"offer","room":"r","sender":"s","payload":${deep(45_000)}}`);
    const error = await ws.frame('error');
    assert.match(error.message, /nested deeper than 128/);
  });

  test('end no process in MessagePack, before and after the client is let in', async (t) => {
    const gateway = await limited(t, { SOCKET_PARSER: 'msgpack' });
    const arrays = (levels) => Buffer.concat([Buffer.alloc(levels, 0x91), Buffer.from([0x90])]);
    const text = (value) => Buffer.concat([Buffer.from([0xa0 | value.length]), Buffer.from(value)]);
    const packet = (type, data) => Buffer.concat([Buffer.from([0x83]), text('type'), Buffer.from([type]), text('data'), data, text('nsp'), text('/')]);
    for (const levels of [100, 500, 1_000, 1_020, 5_000, 50_000]) {
      const stranger = new RawSocket(gateway);
      await stranger.frame((frame) => frame.startsWith('0{'));
      stranger.send(packet(0, arrays(levels)));
      await until(() => stranger.closed || stranger.frames.length > 1, 'it is answered');
      stranger.close();
      assert.equal((await gateway.http('/livez')).status, 200, `${levels} levels`);
    }
  });
});
