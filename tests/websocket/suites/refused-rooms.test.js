import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { after, describe, test } from 'node:test';
import { startNode } from '../../clients/lib/gateway.js';
import { Identity } from '../../clients/lib/identity.js';
import { freshCode } from '../../clients/lib/rooms.js';
import { settle } from '../lib/guest.js';
import { enter, gather, KINDS } from '../lib/parties.js';
import { SignalGuest } from '../lib/signal.js';
import { SocketGuest } from '../lib/socketio.js';
import { WsGuest } from '../lib/ws.js';
import { Wire } from '../lib/wire.js';

/** A Room Service that knows all rooms but those called `missing…`, and fails for `broken…`. */
const service = createServer((request, response) => {
  const id = decodeURIComponent(request.url.split('/').at(-1));
  const code = id.replace(/^room_/, '');
  const status = code.startsWith('missing') ? 404 : code.startsWith('broken') ? 500 : 200;
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(JSON.stringify(status === 200 ? { id: `id-of-${code}`, code, mode: 'p2p' } : {}));
});
service.listen(0, '127.0.0.1');
await once(service, 'listening');

const gateway = await startNode({ ROOM_SERVICE_URL: `http://127.0.0.1:${service.address().port}`, MAX_P2P_PEERS: '3' }, new Identity());
after(async () => {
  await gateway.kill();
  service.closeAllConnections();
  service.close();
});

const signal = async (t, code) => Wire.open(t, gateway, `/signal/${code}`, { token: await gateway.identity.token() });
const joining = async (t, room) => {
  const wire = await Wire.open(t, gateway, '/ws', { token: await gateway.identity.token() });
  return { wire, error: await wire.refusal({ type: 'join', room, sender: 'me' }) };
};

/** Fills a room with one of each. */
const full = (t, code) => gather(t, gateway, KINDS.map((kind) => [kind, kind.kind]), code);

describe('a room that one cannot enter', { concurrency: 4 }, () => {
  const cases = [
    ['that is unknown', 'missing', { code: 'ROOM_NOT_FOUND', retryable: false }, 1008, async () => {}],
    ['that is full', 'full', { code: 'ROOM_FULL' }, 1008, full],
    ['that the Room Service cannot tell of', 'broken', { code: 'SERVICE_UNAVAILABLE', retryable: true }, 1013, async () => {}],
  ];
  for (const [name, prefix, expected, closeCode, prepare] of cases) {
    test(`${name}: /signal is told and closed with ${closeCode}`, async (t) => {
      const code = freshCode(prefix);
      await prepare(t, code);
      const wire = await signal(t, code);
      const { type, message, ...error } = await wire.frame('error');
      assert.deepEqual({ ...error, ...expected }, error, JSON.stringify(error));
      assert.equal(await wire.code(), closeCode);
      assert.deepEqual(wire.frames.all('joined'), []);
    });

    test(`${name}: /ws is told, and may join another`, async (t) => {
      const code = freshCode(prefix);
      await prepare(t, code);
      const { wire, error } = await joining(t, code);
      assert.deepEqual({ ...error, ...expected, frame: 'join' }, error, JSON.stringify(error));
      wire.send({ type: 'join', room: freshCode('known'), sender: 'me' });
      assert.match((await wire.frame('joined')).roomId, /^id-of-known/);
    });
  }

  test('has one place for the last two who come, whatever they speak', async (t) => {
    for (let round = 0; round < 4; round += 1) {
      const code = freshCode('race');
      const guests = await gather(t, gateway, [[SocketGuest, 'anna'], [WsGuest, 'bert']], code);
      const wires = await Promise.all([signal(t, code), signal(t, code), Wire.open(t, gateway, '/ws', { token: await gateway.identity.token() })]);
      wires[2].send({ type: 'join', room: code, sender: 'me' });
      const answers = await Promise.all(wires.map((wire) => wire.either(['joined', 'error'])));
      assert.deepEqual(answers.map(({ type, code: why }) => why ?? type).sort(), ['ROOM_FULL', 'ROOM_FULL', 'joined']);
      await guests[0].hears('peer-joined', ({ peerId }) => peerId === answers.find(({ type }) => type === 'joined').peerId);
    }
  });

  test('has a place again when somebody has left', async (t) => {
    const code = freshCode('full');
    const guests = await full(t, code);
    await guests[1].leave();
    await guests[0].hears('peer-left');
    const late = await enter(t, gateway, SignalGuest, 'late', { code });
    await settle([guests[0], guests[2], late]);
  });
});
