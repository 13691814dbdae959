import assert from 'node:assert/strict';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { dirname, join as joinPath } from 'node:path';
import { after, describe, test } from 'node:test';
import { connect } from '../lib/client.js';
import { runToExit, startGateway } from '../lib/gateway.js';
import { Identity } from '../lib/identity.js';
import { freePort } from '../lib/processes.js';

const MISUSE = 64;
const identity = new Identity();
const key = { JWT_PUBLIC_KEY_FILE: identity.publicPemFile };
const local = { HOST: '127.0.0.1', PORT: '0', ADMIN_PORT: '0' };

/** One mistake each, and the name that must be told. */
const MISTAKES = {
  'no key at all': [{}, /JWT_PUBLIC_KEY|JWKS_URL/],
  'a key file that is not there': [{ JWT_PUBLIC_KEY_FILE: '/nowhere/key.pem' }, /JWT_PUBLIC_KEY_FILE/],
  'a key that is none': [{ JWT_PUBLIC_KEY: 'not a key' }, /JWT_PUBLIC_KEY/],
  'a key URL that is none': [{ JWKS_URL: 'not a url' }, /JWKS_URL/],
  'a port that is no number': [{ ...key, PORT: 'http' }, /PORT/],
  'a port out of range': [{ ...key, PORT: '70000' }, /PORT/],
  'a host that is none': [{ ...key, HOST: 'not a host' }, /HOST/],
  'an origin that is none': [{ ...key, CLIENT_URL: 'app.example' }, /CLIENT_URL/],
  'an origin with a path': [{ ...key, CLIENT_URL: 'http://app.example/login' }, /CLIENT_URL/],
  'any origin': [{ ...key, CLIENT_URL: '*' }, /CLIENT_URL/],
  'an unknown parser': [{ ...key, SOCKET_PARSER: 'xml' }, /SOCKET_PARSER/],
  'a window that is no number': [{ ...key, RECONNECT_WINDOW_MS: '5s' }, /RECONNECT_WINDOW_MS/],
  'a negative interval': [{ ...key, PING_INTERVAL_MS: '-1' }, /PING_INTERVAL_MS/],
  'a switch that is neither on nor off': [{ ...key, REQUIRE_ORIGIN: 'perhaps' }, /REQUIRE_ORIGIN/],
};

describe('a mistaken configuration', () => {
  for (const [name, [env, told]] of Object.entries(MISTAKES)) {
    test(`${name} is told by name`, async () => {
      const { code, stderr } = await runToExit({ ...local, ...env });
      assert.equal(code, MISUSE, stderr);
      assert.match(stderr, told);
    });
  }

  test('all mistakes are told at once', async () => {
    const wrong = { PORT: 'x', CLIENT_URL: 'y', SOCKET_PARSER: 'z', MAX_PAYLOAD_BYTES: '-1', RECONNECT_WINDOW_MS: 'w',
      PING_TIMEOUT_MS: 'v', JWT_PUBLIC_KEY_FILE: '/nowhere/key.pem', MAX_P2P_PEERS: 'many', SHUTDOWN_GRACE_MS: 'soon' };
    const { code, stderr } = await runToExit(wrong);
    assert.equal(code, MISUSE, stderr);
    for (const name of Object.keys(wrong)) assert.ok(stderr.includes(name), `${name} in:\n${stderr}`);
  });

  test('a private key in the place of the public one is refused and not shown', async () => {
    const pem = identity.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
    const { code, stdout, stderr } = await runToExit({ ...local, JWT_PUBLIC_KEY: pem });
    assert.equal(code, MISUSE, stderr);
    assert.ok(!`${stdout}${stderr}`.includes(pem.split('\n')[2]));
  });
});

describe('the address', () => {
  test('a port in use ends the start with a failure that names it', async (t) => {
    const holder = createServer().listen(0, '127.0.0.1');
    await once(holder, 'listening');
    t.after(() => holder.close());
    const { port } = holder.address();
    const { code, stdout, stderr } = await runToExit({ ...local, ...key, PORT: `${port}`, LOG_FORMAT: 'json' });
    assert.ok(code !== 0 && code !== null, `exit code ${code}`);
    assert.ok(`${stdout}${stderr}`.includes(`${port}`), `${stdout}${stderr}`);
  });

  test('a given port is taken', async (t) => {
    const port = await freePort();
    const gateway = await startGateway({ PORT: `${port}` }, identity);
    t.after(() => gateway.kill());
    assert.equal(gateway.port, port);
  });
});

describe('the key', () => {
  test('may be given in the environment itself', async (t) => {
    const gateway = await startGateway({ JWT_PUBLIC_KEY_FILE: undefined, JWT_PUBLIC_KEY: identity.publicPem }, identity);
    t.after(() => gateway.kill());
    await connect(t, gateway);
  });

  test('may end in blank lines in its file', async (t) => {
    const file = joinPath(dirname(identity.publicPemFile), 'blank.pem');
    writeFileSync(file, `${identity.publicPem}\n\n`);
    const gateway = await startGateway({ JWT_PUBLIC_KEY_FILE: file }, identity);
    t.after(() => gateway.kill());
    await connect(t, gateway);
  });
});

test('help lists the settings', async () => {
  const { code, stdout } = await runToExit({}, ['--help']);
  assert.equal(code, 0);
  for (const name of ['PORT', 'CLIENT_URL', 'JWKS_URL', 'RECONNECT_WINDOW_MS']) assert.ok(stdout.includes(name), name);
});
