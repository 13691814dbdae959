import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { startNode } from '../../clients/lib/gateway.js';
import { Identity } from '../../clients/lib/identity.js';
import { until } from '../../clients/lib/wait.js';
import { API_KEY } from '../../events/lib/api.js';
import { adminPort } from '../../sfu/lib/admin.js';
import { ByteClient, CANARY } from '../lib/bytes.js';

const gateway = await startNode({ DEV: 'true', API_KEY }, new Identity());
after(() => gateway.kill());

const get = (...lines) => ['GET /livez HTTP/1.1', 'Host: x', ...lines, '', ''].join('\r\n');
const post = (lines, body) => ['POST /dev/login HTTP/1.1', 'Host: x', 'Content-Type: application/json', ...lines, '', body].join('\r\n');
const chunked = (body, ...more) => post(['Transfer-Encoding: chunked', ...more], body);
const LOGIN = '{"username":"Ada"}';
const CHUNKS = `12\r\n${LOGIN}\r\n0\r\n\r\n`;

/**
 * What leaves it open where a request ends. It is refused, or at least nothing is read after it: who is
 * in front of the gateway may have seen another end.
 */
const DOUBTFUL = {
  'two lengths that differ': post(['Content-Length: 18', 'Content-Length: 19'], LOGIN),
  'a list of lengths': post(['Content-Length: 18, 18'], LOGIN),
  'a length with a sign': post(['Content-Length: +18'], LOGIN),
  'a negative length': post(['Content-Length: -1'], LOGIN),
  'a length in hexadecimal': post(['Content-Length: 0x12'], LOGIN),
  'a length beyond all numbers': post(['Content-Length: 99999999999999999999'], LOGIN),
  'an empty length': post(['Content-Length:'], LOGIN),
  'a coding that nobody knows': post(['Transfer-Encoding: xchunked'], CHUNKS),
  'the identity coding': post(['Transfer-Encoding: identity'], LOGIN),
  'a coding after chunked': post(['Transfer-Encoding: chunked, identity'], CHUNKS),
  'two codings in two headers': post(['Transfer-Encoding: chunked', 'Transfer-Encoding: identity'], CHUNKS),
  'a coding in HTTP/1.0': `POST /dev/login HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n${CHUNKS}`,
  'a folded header': get('X-A: b\r\n c'),
  'a folded coding': post(['Transfer-Encoding:\r\n chunked'], CHUNKS),
  'a blank before a colon': get('X-A : b'),
  'a blank before the colon of a coding': post(['Transfer-Encoding : chunked', 'Content-Length: 5'], CHUNKS),
  'a blank before the first header': 'GET /livez HTTP/1.1\r\n Host: x\r\n\r\n',
  'a CR alone': get('X-A: b\rc'),
  'a NUL': get('X-A: b\0c'),
  'a header that is no name': get('X-\xe9: a'),
  'a request line with tabs': 'GET\t/livez\tHTTP/1.1\r\nHost: x\r\n\r\n',
  'a request line with two blanks': 'GET  /livez HTTP/1.1\r\nHost: x\r\n\r\n',
  'a target that is not ASCII': 'GET /liv\xe9z HTTP/1.1\r\nHost: x\r\n\r\n',
  'a method with a CR': 'GE\rT /livez HTTP/1.1\r\nHost: x\r\n\r\n',
  'HTTP/2.0': 'GET /livez HTTP/2.0\r\nHost: x\r\n\r\n',
  'HTTP/1.2': 'GET /livez HTTP/1.2\r\nHost: x\r\n\r\n',
  'HTTP/0.9': 'GET /livez\r\n',
  'no host': 'GET /livez HTTP/1.1\r\n\r\n',
  'two hosts': get('Host: y'),
  'too many headers': get(...Array.from({ length: 200 }, (_, n) => `X-${n}: a`)),
  'a header that is too long': get(`X-A: ${'a'.repeat(300_000)}`),
  'a target that is too long': `GET /${'a'.repeat(70_000)} HTTP/1.1\r\nHost: x\r\n\r\n`,
  'a chunk with no size': chunked(`zz\r\n${LOGIN}\r\n0\r\n\r\n`),
  'a chunk with a size in C': chunked(`0x12\r\n${LOGIN}\r\n0\r\n\r\n`),
  'a chunk with a size beyond all numbers': chunked(`fffffffffffffffff\r\n${LOGIN}\r\n0\r\n\r\n`),
  'a chunk longer than its size': chunked(`12\r\n${LOGIN}xx\r\n0\r\n\r\n`),
  'chunks with LF alone': chunked(`12\n${LOGIN}\n0\n\n`),
  'a chunk with endless extensions': chunked(`12;${'a'.repeat(70_000)}\r\n${LOGIN}\r\n0\r\n\r\n`),
};

/** What is clear, if odd, by the number of answers to it and to what comes after. */
const CLEAR = {
  'requests that come at once': [get() + get() + get(), [200, 200, 200]],
  'the same length twice': [post(['Content-Length: 18', 'Content-Length: 18'], LOGIN), [200]],
  'chunks': [chunked(CHUNKS), [200]],
  'chunks with an extension and a trailer': [chunked(`12;a=b\r\n${LOGIN}\r\n0\r\nContent-Length: 50\r\n\r\n`), [200]],
  'empty lines before a request': [`\r\n\r\n${get()}`, [200]],
  // RFC 9112 section 2.2 lets a server take LF for the end of a line.
  'lines that end with LF': ['GET /livez HTTP/1.1\nHost: x\n\n', [200]],
  'a whole URL as target': ['GET http://elsewhere.example/livez HTTP/1.1\r\nHost: x\r\n\r\n', [200]],
  'a body that nobody wants': [get('Content-Length: 5') + 'hello', [200]],
  'a body where the method is wrong': ['PUT /livez HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello', [405]],
  'the body of a refused origin': [post(['Origin: http://evil.example', `Content-Length: ${CANARY.length}`], CANARY), [403]],
  'a tunnel': ['CONNECT elsewhere.example:443 HTTP/1.1\r\nHost: x\r\n\r\n', [404]],
  'an upgrade to HTTP/2': [get('Connection: Upgrade, HTTP2-Settings', 'Upgrade: h2c', 'HTTP2-Settings: AAMAAABkAAQAAP__'), [200]],
  'who waits to be told to go on': [post(['Expect: 100-continue', 'Content-Length: 18'], LOGIN), [100, 200]],
};

const PORTS = { 'the public listener': () => gateway.port, 'the admin listener': () => adminPort(gateway) };

for (const [where, port] of Object.entries(PORTS)) {
  describe(`what leaves it open where a request ends, at ${where}`, { concurrency: 8 }, () => {
    for (const [name, bytes] of Object.entries(DOUBTFUL)) {
      test(`is the last of its connection: ${name}`, async (t) => {
        const client = new ByteClient(t, port());
        client.write(bytes + CANARY + CANARY);
        await client.closed();
        assert.equal(client.statuses.length, 1, client.text);
        assert.ok(client.statuses[0] >= 400, `${client.statuses}`);
      });
    }

    test('is the last of its connection, and is read as chunks: a length and chunks', async (t) => {
      const client = new ByteClient(t, port());
      client.write(post(['Content-Length: 6', 'Transfer-Encoding: chunked'], CHUNKS) + CANARY);
      await client.closed();
      assert.equal(client.statuses.length, 1, client.text);
    });

    test('is answered with nothing: HTTP/2', async (t) => {
      const client = new ByteClient(t, port());
      client.write('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');
      await client.closed();
      assert.deepEqual(client.statuses.filter((status) => status < 400), []);
    });
  });
}

describe('what is clear, if odd', { concurrency: 8 }, () => {
  for (const [name, [bytes, statuses]] of Object.entries(CLEAR)) {
    test(`is answered, and so is what comes after it: ${name}`, async (t) => {
      const client = new ByteClient(t, gateway.port);
      client.write(bytes + CANARY);
      await until(() => client.statuses.length > statuses.length || client.ended, 'all is answered');
      assert.deepEqual(client.statuses, [...statuses, 200], client.text);
    });
  }
});
