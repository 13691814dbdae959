import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect as connectTcp } from 'node:net';
import { after, describe, test } from 'node:test';
import { connect as connectTls } from 'node:tls';
import { connect, kindName, PLAIN_KINDS } from '../../clients/lib/client.js';
import { runToExit, startNode } from '../../clients/lib/gateway.js';
import { Identity } from '../../clients/lib/identity.js';
import { assertResumed, comeBackAs } from '../../clients/lib/resume.js';
import { description, freshCode, party, settle } from '../../clients/lib/rooms.js';
import { until, within } from '../../clients/lib/wait.js';
import { connectRaw } from '../../clients/lib/websocket.js';
import { Certificate } from '../lib/certificates.js';

const identity = new Identity();
const certificate = new Certificate();
const gateway = await startNode(certificate.env, identity);
after(() => gateway.kill());

/** One handshake: what was agreed, or the error. @param {{port: number, ca?: Buffer}} node @param {import('node:tls').ConnectionOptions} [options] */
function handshake(node, options = {}) {
  const socket = connectTls({ host: '127.0.0.1', port: node.port, ca: node.ca, ...options });
  const result = new Promise((resolve, reject) => {
    socket.once('secureConnect', () => resolve({
      version: socket.getProtocol(), alpn: socket.alpnProtocol, fingerprint: socket.getPeerCertificate().fingerprint256,
    }));
    socket.once('error', reject);
  });
  return within(result, 'a handshake').finally(() => socket.destroy());
}

describe('clients over TLS', { concurrency: 4 }, () => {
  for (const kind of PLAIN_KINDS) {
    test(`meet and call: ${kindName(kind)}`, async (t) => {
      const [anna, bert] = await party(t, gateway, ['anna', 'bert'], { kind });
      const offer = description('offer', { padding: 'x'.repeat(60_000) });
      assert.equal((await anna.ask('webrtc:offer', { targetPeerId: bert.peerId, offer })).status, 'ok');
      assert.deepEqual((await bert.event('webrtc:offer')).offer, offer);
      await settle(bert, anna);
    });
  }

  test('of the raw protocols are in the same rooms', async (t) => {
    const code = freshCode();
    const [anna] = await party(t, gateway, ['anna'], { code });
    const raw = await connectRaw(t, gateway, '/ws', { token: null, protocols: ['bearer', await identity.token()] });
    raw.send({ type: 'join', room: code, sender: 'camera' });
    await raw.frame('joined');
    raw.send({ type: 'chat', room: code, sender: 'camera', payload: { content: 'hello' } });
    assert.equal((await anna.event('chat_message')).content, 'hello');
  });

  test('come back as who they were, and get what they missed', async (t) => {
    const [anna, bert] = await party(t, gateway, ['anna', 'bert']);
    bert.terminate();
    await bert.disconnected();
    for (let n = 0; n < 20; n += 1) await anna.ask('chat_message', { content: `${n}` });
    const back = await comeBackAs(t, gateway, bert);
    await assertResumed(back, bert);
    await settle(anna, back);
    const heard = [...bert.recorder.all('chat_message'), ...back.recorder.all('chat_message')].map(({ content }) => content);
    assert.deepEqual(heard.filter((content) => /^\d+$/.test(content)), Array.from({ length: 20 }, (_, n) => `${n}`));
  });
});

describe('the handshake', { concurrency: 4 }, () => {
  for (const version of ['TLSv1.2', 'TLSv1.3']) {
    test(`speaks ${version}, and HTTP/1.1 in it`, async () => {
      const agreed = await handshake(gateway, { minVersion: version, maxVersion: version, ALPNProtocols: ['h2', 'http/1.1'] });
      assert.deepEqual([agreed.version, agreed.alpn], [version, 'http/1.1']);
    });
  }

  test('refuses what is older, and who wants to speak something else', async () => {
    const old = { minVersion: 'TLSv1.1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' };
    await assert.rejects(handshake(gateway, old), /alert|protocol/i);
    await assert.rejects(handshake(gateway, { ALPNProtocols: ['h2'] }), /alert|protocol/i);
  });

  test('takes an RSA key too', async (t) => {
    const node = await startNode(new Certificate('rsa').env, identity);
    t.after(() => node.kill());
    assert.equal((await node.http('/livez')).status, 200);
  });

  for (const [name, bytes] of Object.entries({ 'HTTP without TLS': 'GET /livez HTTP/1.1\r\nHost: x\r\n\r\n', 'noise': '\x16\x03\x01\xff\xff' + '\xee'.repeat(70_000), nothing: '' })) {
    test(`ends with who sends ${name}`, async (t) => {
      const socket = connectTcp(gateway.port, '127.0.0.1');
      t.after(() => socket.destroy());
      let answer = '';
      socket.on('data', (data) => (answer += data.toString('latin1')));
      socket.on('error', () => {});
      socket.write(Buffer.from(bytes, 'latin1'));
      await within(once(socket, 'close'), 'the end of the connection', 60_000);
      assert.doesNotMatch(answer, /HTTP/);
    });
  }
});

describe('a certificate that is replaced', () => {
  test('is shown to who comes, while others stay; what is of no use is not taken', async (t) => {
    const files = new Certificate();
    const node = await startNode(files.env, identity);
    t.after(() => node.kill());
    const shown = async () => (await handshake(node, { rejectUnauthorized: false })).fingerprint;
    const first = files.fingerprint;
    assert.equal(await shown(), first);
    const [anna, bert] = await party(t, node, ['anna', 'bert']);

    const second = new Certificate('rsa');
    files.become(second);
    await until(async () => (await shown()) === second.fingerprint, 'the new certificate is shown');
    await settle(anna, bert);

    for (const which of ['key', 'cert']) {
      const complaints = () => node.lines.filter((line) => line.includes('of no use')).length;
      const before = complaints();
      files.spoil(which);
      await until(() => complaints() > before, 'the log says that it is of no use');
      assert.equal(await shown(), second.fingerprint);
    }

    const third = new Certificate();
    files.become(third);
    await until(async () => (await shown()) === third.fingerprint, 'the third certificate is shown');
    node.ca = undefined;
    await settle(anna, bert);
    assert.doesNotMatch(node.log, /BEGIN|PRIVATE/);
  });
});

describe('a gateway that speaks TLS in development', () => {
  test('gives cookies that go over nothing else, and is an origin with https', async (t) => {
    const node = await startNode({ ...certificate.env, DEV: 'true' }, identity);
    t.after(() => node.kill());
    const login = (origin) => node.http('/dev/login', {
      method: 'POST', headers: { 'content-type': 'application/json', origin }, body: '{"username":"Ada"}',
    });
    const host = `127.0.0.1:${node.port}`;
    const { status, headers } = await login(`https://${host}`);
    assert.equal(status, 200);
    assert.match(headers['set-cookie'][0], /; Secure/);
    assert.equal((await login(`http://${host}`)).status, 403);
  });
});

test('the health check of the binary finds a gateway that speaks TLS', async () => {
  const env = { ...certificate.env, JWT_PUBLIC_KEY_FILE: identity.publicPemFile, HOST: '127.0.0.1', PORT: `${gateway.port}` };
  const { code, stdout, stderr } = await runToExit(env, ['health', '--timeout-ms', '20000']);
  assert.equal(code, 0, stderr);
  assert.match(stdout, /ok/);
});

describe('at start', { concurrency: 3 }, () => {
  const other = new Certificate();
  const cases = {
    'a certificate without a key': [{ TLS_CERT: certificate.cert }, /^TLS_KEY: is missing/m],
    'a key without a certificate': [{ TLS_KEY: certificate.key }, /^TLS_CERT: is missing/m],
    'a file that is not there': [{ ...certificate.env, TLS_CERT: '/not/there' }, /^TLS_CERT: the file cannot be read/m],
    'a key in the place of the certificate': [{ TLS_CERT: certificate.key, TLS_KEY: certificate.key }, /^TLS_CERT: the file holds no certificate/m],
    'a certificate in the place of the key': [{ TLS_CERT: certificate.cert, TLS_KEY: certificate.cert }, /^TLS_KEY: the file holds no private key/m],
    'the key of another certificate': [{ TLS_CERT: certificate.cert, TLS_KEY: other.key }, /^TLS_KEY: the private key is not the one/m],
  };
  for (const [name, [env, problem]] of Object.entries(cases)) {
    test(`${name} is a mistake`, async () => {
      const { code, stderr } = await runToExit({ JWT_PUBLIC_KEY_FILE: identity.publicPemFile, ...env });
      assert.equal(code, 64);
      assert.match(stderr, problem);
      assert.doesNotMatch(stderr, /PRIVATE|tmp/, 'neither content nor path');
    });
  }
});
