import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { connect } from '../lib/client.js';
import { startGateway } from '../lib/gateway.js';
import { RawSocket } from '../lib/raw.js';
import { freshCode, join } from '../lib/rooms.js';
import { mapLimited } from '../lib/wait.js';

async function started(t, env) {
  const gateway = await startGateway(env);
  t.after(() => gateway.kill());
  return gateway;
}

describe('health', () => {
  test('all three questions are answered in JSON, without a token', async (t) => {
    const gateway = await started(t);
    for (const path of ['/livez', '/readyz', '/healthz']) {
      const answer = await gateway.http(path);
      assert.equal(answer.status, 200, path);
      assert.match(answer.headers['content-type'], /^application\/json/);
      assert.equal(typeof answer.json(), 'object');
    }
  });
});

describe('a termination signal', () => {
  for (const name of ['SIGTERM', 'SIGINT']) {
    test(`${name} without clients ends the process well`, async (t) => {
      const gateway = await started(t);
      gateway.signal(name);
      assert.deepEqual(await gateway.exited(), { code: 0, signal: null });
    });
  }

  test('tells every client, closes every connection, and ends well', async (t) => {
    const gateway = await started(t, { SHUTDOWN_GRACE_MS: '1500' });
    const kinds = ['websocket', 'polling', 'upgrade'].flatMap((transport) => [4, 3, 2].map((version) => ({ version, transport })));
    const clients = await Promise.all(kinds.map((kind) => connect(t, gateway, { kind })));
    const code = freshCode();
    for (const client of clients) await join(client, code);
    gateway.signal('SIGTERM');
    for (const client of clients) {
      const { reconnectAfterMs } = await client.event('server:draining');
      assert.ok(Number.isInteger(reconnectAfterMs) && reconnectAfterMs >= 0, `${reconnectAfterMs}`);
    }
    await Promise.all(clients.map((client) => client.disconnected()));
    assert.deepEqual(await gateway.exited(), { code: 0, signal: null });
    for (const client of clients) {
      assert.equal(client.recorder.all('server:draining').length, 1);
      assert.deepEqual(client.recorder.all('peer:left'), [], 'nobody is said to have left');
    }
  });

});

describe('who is connected and has not entered yet when the gateway drains', () => {
  test('is not let in any more, and holds nothing up', async (t) => {
    const gateway = await started(t, { SHUTDOWN_GRACE_MS: '600000' });
    const inside = await connect(t, gateway);
    const raw = new RawSocket(gateway, { token: await gateway.identity.token() });
    await raw.frame((text) => text.startsWith('0{'));
    gateway.signal('SIGTERM');
    await inside.event('server:draining');
    raw.send('40');
    raw.send('421["join:room",{"roomCode":"too-late"}]');
    await raw.ended();
    assert.deepEqual(raw.frames.filter((frame) => /^4[023]/.test(frame)), []);
    assert.deepEqual(await gateway.exited(), { code: 0, signal: null });
  });
});

/** So many clients that sending them away takes the gateway a while. */
function crowd(t, gateway) {
  return mapLimited(Array.from({ length: 250 }), 25, () => connect(t, gateway));
}

describe('while the gateway drains', () => {
  test('readiness is off, newcomers are refused, liveness stays on', async (t) => {
    const gateway = await started(t, { SHUTDOWN_GRACE_MS: '60000' });
    const [first] = await crowd(t, gateway);
    gateway.signal('SIGTERM');
    await first.event('server:draining');
    const [ready, live] = await Promise.all([gateway.http('/readyz'), gateway.http('/livez'),
      assert.rejects(connect(t, gateway), 'a newcomer is refused')]);
    assert.equal(ready.status, 503);
    assert.match(ready.text, /drain/i);
    assert.equal(live.status, 200);
  });

  for (const second of ['SIGTERM', 'SIGINT']) {
    test(`a second signal, ${second}, ends the process at once`, async (t) => {
      const gateway = await started(t, { SHUTDOWN_GRACE_MS: '600000' });
      const [first] = await crowd(t, gateway);
      gateway.signal('SIGTERM');
      await first.event('server:draining');
      gateway.signal(second);
      const { code, signal } = await gateway.exited();
      assert.notEqual(code, 0, `signal ${signal}`);
    });
  }
});
