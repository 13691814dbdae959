import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { connect, PLAIN_KINDS, refusal } from '../lib/client.js';
import { startGateway } from '../lib/gateway.js';
import { lose, comeBackAs, assertResumed, partyWithProxy } from '../lib/resume.js';
import { party, settle } from '../lib/rooms.js';

const MARKS = {
  sdp: 'v=0-secret-session-description',
  candidate: 'candidate-secret-192.0.2.77',
  chat: 'secret words between friends',
  name: 'Secretive-Name-Of-A-Person',
  junk: 'secret-in-a-refused-payload',
};

/** Says everything worth hiding, by every way a client can. */
async function talk(t, gateway, kind) {
  const [anna, bert] = await party(t, gateway, [MARKS.name, 'bert'], { kind });
  const targetPeerId = bert.peerId;
  await anna.ask('webrtc:offer', { targetPeerId, offer: { type: 'offer', sdp: MARKS.sdp } });
  await anna.ask('webrtc:answer', { targetPeerId, answer: { type: 'answer', sdp: MARKS.sdp } });
  await anna.ask('webrtc:ice', { targetPeerId, candidate: MARKS.candidate });
  await anna.ask('chat_message', { content: MARKS.chat });
  await anna.ask('chat_history', {});
  await anna.ask('chat_message', { content: [MARKS.junk] });
  await anna.ask('join:room', { roomCode: `${MARKS.junk} is no code` });
  await anna.ask('webrtc:offer', { targetPeerId: 'nobody', offer: { sdp: MARKS.sdp } });
  await anna.ask('auth:refresh', { token: MARKS.junk });
  await anna.ask('no:such:event', { note: MARKS.junk });
  await settle(anna, bert);
}

async function resume(t, gateway) {
  const { proxy, lossy, others: [anna] } = await partyWithProxy(t, gateway, ['anna', 'lossy']);
  await lose(proxy);
  await anna.ask('chat_message', { content: MARKS.chat });
  await anna.ask('webrtc:offer', { targetPeerId: lossy.peerId, offer: { sdp: MARKS.sdp } });
  const back = await comeBackAs(t, gateway, lossy);
  const { resumeToken } = await assertResumed(back, lossy);
  await settle(anna, back);
  return [lossy.resumeToken, resumeToken];
}

/** Signs in by each way, well and badly; returns the tokens used. */
async function signIn(t, gateway) {
  const tokens = await Promise.all(Array.from({ length: 5 }, () => gateway.identity.token()));
  const [cookie, bearer, auth, expired, fresh] = tokens;
  await connect(t, gateway, { token: cookie });
  await connect(t, gateway, { token: null, headers: { authorization: `Bearer ${bearer}` } });
  await connect(t, gateway, { token: null, auth: { token: auth } });
  await refusal(t, gateway, { token: `${expired}x` });
  const client = await connect(t, gateway);
  await client.ask('auth:refresh', { token: fresh });
  return tokens;
}

describe('the log', () => {
  for (const level of ['info', 'debug', 'trace']) {
    test(`at ${level} holds no token, no signalling, no chat`, async (t) => {
      const gateway = await startGateway({ RUST_LOG: level, RECONNECT_WINDOW_MS: '60000', SHUTDOWN_GRACE_MS: '2000' });
      t.after(() => gateway.kill());
      for (const kind of PLAIN_KINDS.filter(({ version }) => version !== 3)) await talk(t, gateway, kind);
      const resumeTokens = await resume(t, gateway);
      const tokens = await signIn(t, gateway);
      gateway.signal('SIGTERM');
      await gateway.exited();
      const secrets = { ...MARKS, ...Object.fromEntries([...resumeTokens, ...tokens].map((token, n) => [`token ${n}`, token])) };
      for (const [name, secret] of Object.entries(secrets)) {
        const line = gateway.lines.find((candidate) => candidate.includes(secret));
        assert.equal(line, undefined, `${name} is in the log`);
      }
      // Two parts of a JSON Web Token: three letters alone turn up in random ids.
      assert.doesNotMatch(gateway.log, /eyJ[\w-]{8,}\.[\w-]{8,}/, 'nothing looks like a token');
    });
  }

  test('is one JSON object per line', async (t) => {
    const gateway = await startGateway({ RUST_LOG: 'debug' });
    t.after(() => gateway.kill());
    await party(t, gateway, ['anna', 'bert']);
    await refusal(t, gateway, { token: 'garbage' });
    gateway.signal('SIGTERM');
    await gateway.exited();
    for (const line of gateway.lines) assert.equal(typeof JSON.parse(line), 'object', line);
  });

  test('says why a client was refused, which the client is not told', async (t) => {
    const gateway = await startGateway();
    t.after(() => gateway.kill());
    const token = await gateway.identity.token({ exp: 1 });
    await refusal(t, gateway, { token });
    gateway.signal('SIGTERM');
    await gateway.exited();
    assert.match(gateway.log, /expired/i);
  });
});
