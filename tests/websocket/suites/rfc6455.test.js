import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { startNode } from '../../clients/lib/gateway.js';
import { Identity } from '../../clients/lib/identity.js';
import { freshCode } from '../../clients/lib/rooms.js';
import { until } from '../../clients/lib/wait.js';
import { unnoticed } from '../lib/guest.js';
import { enter } from '../lib/parties.js';
import { SocketGuest } from '../lib/socketio.js';
import { acceptOf, closeBody, frame, handshake, OPCODE, TcpSocket } from '../lib/tcp.js';

const MAX_PAYLOAD = 20_000;
const gateway = await startNode({ MAX_PAYLOAD_BYTES: `${MAX_PAYLOAD}`, RECONNECT_WINDOW_MS: '60000' }, new Identity());
after(() => gateway.kill());

const { text, binary, continuation, ping, pong, close } = OPCODE;

/** Ways to be in a room by hand; `chat` is a whole frame's text. */
const PROTOCOLS = {
  async '/signal'(t, code) {
    const sub = `signal ${code}`;
    const tcp = await TcpSocket.open(t, gateway, `/signal/${code}`, await gateway.identity.token({ sub }));
    tcp.chat = (content, more = {}) => JSON.stringify({ type: 'chat', senderId: sub, content, ...more });
    return tcp;
  },
  async '/ws'(t, code) {
    const tcp = await TcpSocket.open(t, gateway, '/ws', await gateway.identity.token({ sub: `ws ${code}` }));
    tcp.chat = (content, more = {}) => JSON.stringify({ type: 'chat', room: code, sender: 'tcp', payload: content, ...more });
    tcp.say({ type: 'join', room: code, sender: 'tcp' });
    return tcp;
  },
};

/** A client by hand in a room, and a witness there. */
async function meet(t, open, code = freshCode()) {
  const witness = await enter(t, gateway, SocketGuest, 'witness', { code });
  const tcp = await open(t, code);
  tcp.peerId = (await tcp.hears('joined')).peerId;
  await witness.hears('peer-joined');
  return { tcp, witness };
}

/** Cuts a text into frames. @param {string | Buffer} content @param {number[]} places */
function fragments(content, ...places) {
  const bytes = Buffer.from(content);
  const ends = [...places, bytes.length];
  return ends.map((end, index) =>
    frame(index ? continuation : text, bytes.subarray(index ? ends[index - 1] : 0, end), { fin: index === ends.length - 1 }));
}

const padded = (tcp, bytes) => {
  const empty = Buffer.byteLength(tcp.chat('padded', { pad: '' }));
  return tcp.chat('padded', { pad: 'x'.repeat(bytes - empty) });
};

/** What a client does wrong, and the code that it is closed with. @type {[string, number[], (tcp: TcpSocket) => void][]} */
const VIOLATIONS = [
  ...[1, 2, 4, 7].map((rsv) => [`reserved bits ${rsv}`, [1002], (tcp) => tcp.send(text, tcp.chat('x'), { rsv })]),
  ...[3, 4, 5, 6, 7, 0xb, 0xc, 0xd, 0xe, 0xf].map((opcode) => [`opcode ${opcode}`, [1002], (tcp) => tcp.send(opcode, 'x')]),
  ['a text that is not masked', [1002], (tcp) => tcp.send(text, tcp.chat('x'), { masked: false })],
  ['a ping that is not masked', [1002], (tcp) => tcp.send(ping, 'x', { masked: false })],
  ['a ping in fragments', [1002], (tcp) => tcp.send(ping, 'x', { fin: false })],
  ['a ping that is too long', [1002], (tcp) => tcp.send(ping, 'x'.repeat(126))],
  ['a close that is too long', [1002], (tcp) => tcp.send(close, closeBody(1000, 'x'.repeat(124)))],
  ['a continuation of nothing', [1002], (tcp) => tcp.send(continuation, 'x')],
  ['a new text within a fragmented one', [1002], (tcp) => { tcp.send(text, '{', { fin: false }); tcp.send(text, '}'); }],
  ['a close body of one byte', [1002], (tcp) => tcp.send(close, 'x')],
  ...[0, 999, 1004, 1005, 1006, 1015, 1016, 2000, 2999, 5000, 65_535].map((code) =>
    [`close code ${code}`, [1002], (tcp) => tcp.send(close, closeBody(code))]),
  ['a close reason that is no UTF-8', [1002, 1007], (tcp) => tcp.send(close, closeBody(1000, Buffer.from([0xff])))],
  ['binary', [1003], (tcp) => tcp.send(binary, 'x')],
  ['empty binary', [1003], (tcp) => tcp.send(binary)],
  ['a good frame as binary', [1003], (tcp) => tcp.send(binary, tcp.chat('x'))],
  ['binary in fragments', [1003], (tcp) => { tcp.send(binary, 'x', { fin: false }); tcp.send(continuation, 'y'); }],
  ...[['a lone byte', [0xff]], ['an overlong slash', [0xc0, 0xaf]], ['a surrogate', [0xed, 0xa0, 0x80]], ['what is beyond Unicode', [0xf5, 0x80, 0x80, 0x80]],
    ['half a sign', [0xc3]]].map(([name, bytes]) =>
    [`no UTF-8: ${name}`, [1007], (tcp) => tcp.send(text, Buffer.concat([Buffer.from('"'), Buffer.from(bytes), Buffer.from('"')]))]),
  ['no UTF-8 over two fragments', [1007], (tcp) => {
    for (const part of fragments(Buffer.from([0x22, 0xe2, 0x82, 0x22]), 2)) tcp.write(part);
  }],
  ['a text one byte too long', [1009], (tcp) => tcp.send(text, padded(tcp, MAX_PAYLOAD + 1))],
  ['the mere announcement of too long a text', [1009], (tcp) => tcp.send(text, '{', { length: MAX_PAYLOAD + 1 })],
  ['the announcement of an absurd length', [1009, 1002], (tcp) => tcp.send(text, '{', { length: 2n ** 63n + 7n })],
  ['fragments that are too long together', [1009], (tcp) => {
    for (const part of fragments(padded(tcp, MAX_PAYLOAD + 1), 10_000, 15_000)) tcp.write(part);
  }],
  ['fragments without end', [1009], (tcp) => {
    tcp.send(text, '{', { fin: false });
    for (let n = 0; n < 100 && !tcp.ended; n += 1) tcp.send(continuation, ' '.repeat(1000), { fin: false });
  }],
];

for (const [protocol, open] of Object.entries(PROTOCOLS)) {
  describe(`what RFC 6455 forbids, on ${protocol}`, { concurrency: 4 }, () => {
    for (const [name, codes, act] of VIOLATIONS) {
      test(`${name} ends the connection with ${codes.join(' or ')}, as a loss`, async (t) => {
        const { tcp, witness } = await meet(t, open);
        await unnoticed([witness], async () => {
          act(tcp);
          const code = await tcp.code();
          assert.ok(codes.includes(code), `closed with ${code}`);
        });
        assert.ok(gateway.running);
      });
    }
  });

  describe(`what RFC 6455 allows, on ${protocol}`, { concurrency: 4 }, () => {
    test('a ping is answered with what it carries', async (t) => {
      const { tcp } = await meet(t, open);
      for (const body of ['', 'hello', 'x'.repeat(125), Buffer.from([0xff, 0x00])]) {
        tcp.send(ping, body);
        await tcp.frame(pong, (payload) => payload.equals(Buffer.from(body)));
      }
    });

    test('a pong nobody asked for is ignored', async (t) => {
      const { tcp, witness } = await meet(t, open);
      tcp.send(pong, 'unasked');
      tcp.send(text, tcp.chat('after'));
      assert.equal((await witness.hears('chat')).content, 'after');
    });

    test('a text in fragments is put together, wherever it is cut', async (t) => {
      const { tcp, witness } = await meet(t, open);
      const content = 'grüß dich 👩‍🚀';
      const whole = Buffer.from(tcp.chat(content));
      const first = whole.findIndex((byte) => byte > 0x7f);
      const cuts = [[1], [first + 1], [whole.length], [0], [5, 5, 5], Array.from(whole.keys())];
      for (const places of cuts) for (const part of fragments(whole, ...places)) tcp.write(part);
      await until(() => witness.heard.all('chat').length === cuts.length, 'all are heard');
      for (const chat of witness.heard.all('chat')) assert.equal(chat.content, content);
    });

    test('a ping between fragments is answered at once, and breaks nothing', async (t) => {
      const { tcp, witness } = await meet(t, open);
      const [first, second, third] = fragments(tcp.chat('in three'), 7, 19);
      tcp.write(first);
      tcp.send(ping, 'between');
      await tcp.frame(pong, (payload) => payload.toString() === 'between');
      tcp.write(second);
      tcp.send(pong);
      tcp.write(third);
      assert.equal((await witness.hears('chat')).content, 'in three');
    });

    test('bytes may come one at a time', async (t) => {
      const { tcp, witness } = await meet(t, open);
      tcp.socket.setNoDelay(true);
      for (const byte of frame(text, tcp.chat('slowly'))) {
        tcp.write(Buffer.from([byte]));
        await new Promise(setImmediate);
      }
      assert.equal((await witness.hears('chat')).content, 'slowly');
    });

    test('what comes in one piece with the request of the handshake is not lost', async (t) => {
      const code = freshCode();
      const witness = await enter(t, gateway, SocketGuest, 'witness', { code });
      const sub = `${protocol} ${code}`;
      const tcp = new TcpSocket(gateway);
      t.after(() => tcp.socket.destroy());
      const own = protocol === '/ws' ? { room: code, sender: 'early' } : { senderId: sub };
      const words = protocol === '/ws' ? [{ type: 'join', ...own }, { type: 'chat', payload: 'early', ...own }] : [{ type: 'chat', content: 'early', ...own }];
      const lines = Object.entries(handshake(await gateway.identity.token({ sub }))).map(([name, value]) => `${name}: ${value}`);
      const head = [`GET ${protocol === '/ws' ? '/ws' : `/signal/${code}`} HTTP/1.1`, 'Host: localhost', ...lines, '', ''].join('\r\n');
      tcp.write(Buffer.concat([Buffer.from(head), ...words.map((word) => frame(text, JSON.stringify(word)))]));
      assert.equal((await witness.hears('chat')).content, 'early');
      assert.equal(tcp.status, 101);
    });

    test('many frames may come in one write, and take effect in their order', async (t) => {
      const { tcp, witness } = await meet(t, open);
      tcp.write(Buffer.concat(Array.from({ length: 50 }, (_, n) => frame(text, tcp.chat(`${n}`)))));
      await until(() => witness.heard.all('chat').length === 50, 'all are heard');
      assert.deepEqual(witness.heard.all('chat').map(({ content }) => Number(content)), Array.from({ length: 50 }, (_, n) => n));
    });

    test('a text may be as long as the limit', async (t) => {
      const { tcp, witness } = await meet(t, open);
      tcp.send(text, padded(tcp, MAX_PAYLOAD));
      assert.equal((await witness.hears('chat')).content, 'padded');
    });

    test('what the server sends is whole, not masked, and without reserved bits', async (t) => {
      const { tcp, witness } = await meet(t, open);
      for (let n = 0; n < 3; n += 1) await witness.say('x'.repeat(4000));
      tcp.send(ping, 'x');
      await tcp.frame(pong);
      for (const { fin, rsv, masked } of tcp.frames) assert.deepEqual([fin, rsv, masked], [true, 0, false]);
    });

    for (const [name, body, told] of [['1000', closeBody(1000), true], ['1000 and a reason', closeBody(1000, 'bye 👋'), true],
      ['1001', closeBody(1001), false], ['3000', closeBody(3000, 'x'), false], ['4999', closeBody(4999), false], ['no code', '', false]]) {
      test(`close with ${name} is answered with the same, and ${told ? 'told at once' : 'is a loss'}`, async (t) => {
        const { tcp, witness } = await meet(t, open);
        const act = async () => {
          tcp.send(close, body);
          tcp.send(text, tcp.chat('after the close'));
          const code = await tcp.code();
          assert.equal(code, body.length ? body.readUInt16BE(0) : null);
          await tcp.frame(close);
        };
        if (!told) return unnoticed([witness], act);
        await act();
        assert.deepEqual(await witness.hears('peer-left'), { peerId: tcp.peerId, called: tcp.peerId, reason: 'left' });
        assert.deepEqual(witness.heard.all('chat'), []);
      });
    }

    test('the end of the connection without a close is a loss', async (t) => {
      const { tcp, witness } = await meet(t, open);
      await unnoticed([witness], async () => {
        tcp.socket.end();
        await tcp.code();
      });
    });
  });
}

describe('the handshake', { concurrency: 4 }, () => {
  const paths = ['/ws', '/signal/handshake'];

  for (const path of paths) {
    test(`is answered as RFC 6455 section 4.2.2 wants it: ${path}`, async (t) => {
      const headers = handshake(await gateway.identity.token());
      const tcp = await TcpSocket.request(t, gateway, path, { ...headers, 'Sec-WebSocket-Extensions': 'permessage-deflate; client_max_window_bits' });
      assert.equal(tcp.status, 101);
      assert.equal(tcp.header('Sec-WebSocket-Accept'), acceptOf(headers['Sec-WebSocket-Key']));
      assert.match(tcp.header('Upgrade'), /^websocket$/i);
      assert.match(tcp.header('Connection'), /upgrade/i);
      assert.equal(tcp.header('Sec-WebSocket-Extensions'), undefined);
      assert.equal(tcp.header('Sec-WebSocket-Protocol'), undefined);
    });

    /** @type {Record<string, [number, Record<string, string | undefined>]>} */
    const changes = {
      'without a key': [400, { 'Sec-WebSocket-Key': undefined }],
      'with an empty key': [400, { 'Sec-WebSocket-Key': '' }],
      'with a key that is too short': [400, { 'Sec-WebSocket-Key': 'AAAA' }],
      'with a key that is no base64': [400, { 'Sec-WebSocket-Key': '!'.repeat(24) }],
      'without a version': [426, { 'Sec-WebSocket-Version': undefined }],
      'of version 8': [426, { 'Sec-WebSocket-Version': '8' }],
      'without Upgrade': [426, { Upgrade: undefined }],
      'with another Upgrade': [426, { Upgrade: 'h2c' }],
      'without Connection': [426, { Connection: undefined }],
    };
    for (const [name, [status, change]] of Object.entries(changes)) {
      test(`${name} is refused: ${path}`, async (t) => {
        const tcp = await TcpSocket.request(t, gateway, path, { ...handshake(await gateway.identity.token()), ...change });
        assert.equal(tcp.status, status, tcp.answer);
        assert.equal(tcp.header('Sec-WebSocket-Version'), status === 426 ? '13' : undefined);
      });
    }

    test(`by POST is refused: ${path}`, async (t) => {
      const headers = { ...handshake(await gateway.identity.token()), 'Content-Length': '0' };
      const tcp = await TcpSocket.request(t, gateway, path, headers, 'POST');
      assert.equal(tcp.status, 405, tcp.answer);
    });
  }
});
