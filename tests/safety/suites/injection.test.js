import assert from 'node:assert/strict';
import { createInterface } from 'node:readline';
import { describe, test } from 'node:test';
import { connect, refusal } from '../../clients/lib/client.js';
import { Gateway, spawnGateway } from '../../clients/lib/gateway.js';
import { Identity } from '../../clients/lib/identity.js';
import { freePort } from '../../clients/lib/processes.js';
import { freshCode, party } from '../../clients/lib/rooms.js';
import { until } from '../../clients/lib/wait.js';
import { connectRaw } from '../../clients/lib/websocket.js';
import { API_KEY, ask } from '../../events/lib/api.js';

const identity = new Identity();

/** What would be a line of its own, clear the screen, hide what follows, or go back over what is written. */
const FORGED = '2026-11-28T00:00:00.000000Z ERROR forged';
const EVIL = `x\r\n${FORGED}\n{"level":"ERROR","message":"forged"}\u2028\u0085\u001b[2J\u001b[8m\u009b31m\b\b\0\u007f`;

/** A gateway that logs in a format all that it can. @param {'json' | 'pretty'} format */
async function logging(t, format) {
  const [port, admin] = [await freePort(), await freePort()];
  const child = spawnGateway({
    HOST: '127.0.0.1', PORT: `${port}`, ADMIN_PORT: `${admin}`, LOG_FORMAT: format, RUST_LOG: 'trace', API_KEY, DEV: 'true',
    ADMIN_UI_USER: 'admin', ADMIN_UI_PASSWORD: 'a password of tests', RATE_LIMITS: 'off', JWT_PUBLIC_KEY_FILE: identity.publicPemFile,
  });
  const gateway = new Gateway(child, identity);
  t.after(() => gateway.kill());
  gateway.port = port;
  for (const stream of [child.stdout, child.stderr]) createInterface({ input: stream }).on('line', (line) => gateway.lines.push(line));
  await until(() => gateway.http('/livez').then(({ status }) => status === 200, () => false), 'the gateway listens');
  return { gateway, api: (path, body) => askAt(admin, path, body) };
}

/** As a backend asks, of a gateway whose log does not say where. */
const askAt = (port, path, body) => ask({ lines: [JSON.stringify({ message: 'listening for operators', address: `127.0.0.1:${port}` })] }, path, { method: 'POST', body });

/** Chooses all that others may choose such that it would break out of a line. */
async function provoke(t, { gateway, api }) {
  const code = freshCode();
  const [anna, bert] = await party(t, gateway, ['anna', 'bert'], { code });
  await connect(t, gateway, { username: EVIL });
  await refusal(t, gateway, { token: await identity.token({ sub: EVIL }) });
  await refusal(t, gateway, { token: await identity.token({ sub: 'x', iss: EVIL, exp: 1 }, { kid: EVIL }) });
  for (const [event, payload] of [
    ['x\u009b31m\u2028\u0085forged', {}], ['join:room', { roomCode: EVIL }], ['subscribe', { channel: EVIL }], ['auth:refresh', { token: EVIL }],
    ['webrtc:offer', { targetPeerId: EVIL, offer: EVIL }], ['webrtc:ice', { targetPeerId: bert.peerId, candidate: EVIL }],
    ['chat_message', { content: EVIL, clientMessageId: EVIL.slice(0, 100) }], ['sfu_produce', { transportId: EVIL }],
  ]) await anna.ask(event, payload);
  // The protocol library gives up on a packet whose event name has escapes in it.
  const hasty = await connect(t, gateway);
  hasty.send(EVIL, {});
  await hasty.disconnected();
  const raw = await connectRaw(t, gateway, '/ws');
  for (const frame of [{ type: EVIL }, { type: 'join', room: EVIL, sender: EVIL }, { type: 'join', room: code, sender: EVIL }]) raw.send(frame);
  await until(() => raw.recorder.all('error').length >= 3, 'all is refused');
  for (const path of [`/signal/${encodeURIComponent(EVIL)}`, `/${encodeURIComponent(EVIL)}`, `/ws?resumeToken=${encodeURIComponent(EVIL)}`]) await gateway.http(path);
  await gateway.http('/livez', { headers: { 'user-agent': `x\u009b31m${FORGED}`, origin: `http://x\u009b31m` } });
  await gateway.http('/dev/login', { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ username: EVIL }) });
  await api('/api/v1/publish', { user: EVIL, event: EVIL, data: EVIL });
  await api('/api/v1/publish', { room: EVIL, event: 'note', data: EVIL, idempotencyKey: EVIL });
  await api('/api/v1/publish', { channel: EVIL, event: EVIL, data: EVIL });
  await api('/api/v1/disconnect', { user: EVIL });
  await anna.ask('peer:kick', { targetPeerId: bert.peerId, reason: EVIL.slice(0, 100) });
  gateway.signal('SIGTERM');
  await gateway.exited();
}

/** Nothing that moves a cursor but the colours of the formatter. */
const CONTROL = /[\u0000-\u0008\u000b-\u001a\u001c-\u001f\u007f-\u009f]|\u001b(?!\[[0-9;]*m)|\u001b\[8m/;

describe('nobody writes lines of the log', { concurrency: true }, () => {
  test('for collectors: each is a JSON object', async (t) => {
    const place = await logging(t, 'json');
    await provoke(t, place);
    for (const line of place.gateway.lines) {
      const { level, message } = JSON.parse(line);
      assert.notEqual(message, 'forged', line);
      assert.ok(level, line);
      assert.doesNotMatch(line, CONTROL);
    }
    assert.ok(place.gateway.log.includes('forged'), 'some of it was logged at all');
  });

  test('for people: each begins with its time and level', async (t) => {
    const place = await logging(t, 'pretty');
    await provoke(t, place);
    for (const line of place.gateway.lines) {
      assert.match(line.replaceAll(/\u001b\[[0-9;]*m/g, ''), /^\d{4}-\d\d-\d\dT[\d:.]+Z +(ERROR|WARN|INFO|DEBUG|TRACE) /);
      assert.ok(!line.startsWith(FORGED), line);
      assert.doesNotMatch(line, CONTROL);
    }
    assert.ok(place.gateway.log.includes('forged'), 'some of it was logged at all');
  });
});
