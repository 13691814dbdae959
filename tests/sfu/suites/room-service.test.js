import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { connect } from '../../clients/lib/client.js';
import { assertRefused, freshCode, join, settle } from '../../clients/lib/rooms.js';
import { mapLimited, until } from '../../clients/lib/wait.js';
import { Redis } from '../../cluster/lib/redis.js';
import { openTransport } from '../lib/session.js';
import { forTheSuite, Stage } from '../lib/stage.js';

const HOUR_S = 3_600;
const suite = forTheSuite();
const stage = await Stage.set(suite);
const redis = await Redis.start();
suite.after(() => redis.stop());
const shared = await Stage.set(suite, { env: { REDIS_URL: redis.url } });

/** A client that asks to join. */
async function joining(t, { gateway }, roomCode) {
  const client = await connect(t, gateway);
  return client.ask('join:room', { roomCode });
}

/** A stage whose Redis can be emptied and broken. */
async function ownShared(t, env = {}) {
  const own = await Redis.start();
  t.after(() => own.stop());
  return Object.assign(await Stage.set(t, { env: { REDIS_URL: own.url, ...env } }), { redis: own });
}

/** The kinds of gateway: what is said of one holds of the other. */
const BOTH = [['without Redis', stage], ['with Redis', shared]];

for (const [which, own] of BOTH) {
  describe(`a gateway ${which}`, { concurrency: 4 }, () => {
    test('takes id, code and mode of a room from the service', async (t) => {
      const code = own.sfuCode({ id: 'Given-By.The-Service' });
      const [anna, bert] = await own.party(t, ['anna', 'bert'], { code });
      for (const client of [anna, bert]) {
        const { roomId, roomCode, mode } = await client.event('room:joined');
        assert.deepEqual({ roomId, roomCode, mode }, { roomId: 'Given-By.The-Service', roomCode: code, mode: 'sfu' });
      }
      await openTransport(anna, 'send');
      assert.ok(own.stub.rooms.has('Given-By.The-Service'));
      await anna.ask('chat_message', { content: 'hi' });
      assert.equal((await bert.event('chat_message')).roomId, 'Given-By.The-Service');
    });

    test('asks as it was asked, upper case and all', async (t) => {
      const code = own.p2pCode().toUpperCase();
      own.rooms.define(code, { id: code });
      assert.equal((await joining(t, own, code)).roomId, code);
      assert.deepEqual(own.rooms.calls('room', ({ params }) => params.asked === code).map(({ url }) => url), [`/internal/rooms/${code}`]);
    });

    test('asks once for a room, however often it is joined, and 50 at once are one question', async (t) => {
      const code = own.sfuCode();
      const clients = await mapLimited(Array.from({ length: 50 }), 25, () => connect(t, own.gateway));
      own.rooms.fail('slow', { ms: 300 });
      const answers = await Promise.all(clients.map((client) => client.ask('join:room', { roomCode: code })));
      own.rooms.heal();
      assert.ok(answers.every(({ status, mode }) => status === 'ok' && mode === 'sfu'), JSON.stringify(answers.find(({ status }) => status !== 'ok')));
      assert.equal(own.rooms.asked(code), 1);
      for (const client of clients.slice(0, 5)) await join(client, code);
      for (const client of clients) await client.ask('leave:room');
      await join(clients[0], code);
      assert.equal(own.rooms.asked(code), 1);
    });

    test('brings those together who ask for one room by its code and by its id', async (t) => {
      const id = `id-${freshCode()}`;
      const code = own.p2pCode({ id });
      own.rooms.define(id, { id, code });
      const [anna, bert] = await own.party(t, ['anna', 'bert'], { code });
      const carl = await connect(t, own.gateway);
      const joined = await join(carl, id);
      assert.equal(joined.roomId, id);
      assert.deepEqual(joined.peers.map((peer) => peer.id), [anna.peerId, bert.peerId]);
      await settle(carl, anna, bert, carl);
    });

    test('says ROOM_NOT_FOUND where the service does, asks no more for a while, and then again', async (t) => {
      const code = freshCode('nowhere');
      const client = await connect(t, own.gateway);
      const answers = await Promise.all(Array.from({ length: 5 }, () => client.ask('join:room', { roomCode: code })));
      for (const answer of answers) assertRefused(answer, 'ROOM_NOT_FOUND');
      assert.equal(own.rooms.asked(code), 1);
      own.rooms.define(code);
      await until(async () => (await client.ask('join:room', { roomCode: code })).status === 'ok', 'the room is found');
      assert.equal(own.rooms.asked(code), 2);
    });

    test('of which a client is in another room: who is refused stays where it is', async (t) => {
      const code = own.p2pCode();
      const [anna, bert] = await own.party(t, ['anna', 'bert'], { code });
      assertRefused(await anna.ask('join:room', { roomCode: freshCode('nowhere') }), 'ROOM_NOT_FOUND');
      await settle(anna, anna, bert);
      assert.deepEqual(bert.recorder.all('peer:left'), []);
    });

    test('does not ask for what cannot be a code', async (t) => {
      const client = await connect(t, own.gateway);
      const before = own.rooms.requests.length;
      for (const roomCode of ['', '..', '../x', 'a/b', 'a?b', 'a%2fb', 'a b', 'é', 'x'.repeat(65)]) {
        assertRefused(await client.ask('join:room', { roomCode }), 'INVALID_PAYLOAD');
      }
      assert.deepEqual(own.rooms.requests.slice(before).filter(({ params }) => !/^(nowhere|p2p|sfu|id|room)-/i.test(params.asked ?? '')), []);
    });
  });
}

describe('the cache in Redis', { concurrency: 4 }, () => {
  test('is the answer as JSON, by code and by id, for an hour', async (t) => {
    const code = shared.sfuCode({ maxPeers: 7 });
    await shared.party(t, ['anna'], { code });
    for (const key of [`room:{${code}}`, `room:{id-of-${code}}`]) {
      await until(() => redis.exists(key), `${key} exists`);
      assert.deepEqual(JSON.parse(await redis.command('GET', key)), { id: `id-of-${code}`, code, mode: 'sfu', maxPeers: 7 });
      const ttl = await redis.command('TTL', key);
      assert.ok(ttl > HOUR_S - 60 && ttl <= HOUR_S, `${ttl} s`);
    }
  });

  test('serves what another node asked, or a service wrote', async (t) => {
    const code = freshCode('written');
    await redis.command('SET', `room:{${code}}`, JSON.stringify({ id: 'from-redis', code, mode: 'sfu' }), 'EX', 100);
    const { roomId, mode } = await joining(t, shared, code);
    assert.deepEqual({ roomId, mode }, { roomId: 'from-redis', mode: 'sfu' });
    assert.equal(shared.rooms.asked(code), 0);
  });

  for (const [name, text] of [['not JSON', '{oops'], ['of another shape', '{"mode":"sfu"}'], ['of an unknown mode', '{"id":"x","code":"x","mode":"tv"}'], ['empty', '']]) {
    test(`that is ${name} is as good as none`, async (t) => {
      const code = shared.sfuCode();
      await redis.command('SET', `room:{${code}}`, text, 'EX', 100);
      const { roomId, mode } = await joining(t, shared, code);
      assert.deepEqual({ roomId, mode }, { roomId: `id-of-${code}`, mode: 'sfu' });
      assert.equal(shared.rooms.asked(code), 1);
    });
  }

  test('that has run out is asked for anew, and a changed answer is taken', async (t) => {
    const own = await ownShared(t);
    const code = own.p2pCode();
    const [anna] = await own.party(t, ['anna'], { code });
    await anna.ask('leave:room');
    await own.redis.command('DEL', `room:{${code}}`, `room:{id-of-${code}}`);
    own.rooms.define(code, { mode: 'sfu' });
    await until(async () => {
      const { mode } = await join(anna, code);
      await anna.ask('leave:room');
      return mode === 'sfu';
    }, 'the new answer is taken');
    assert.equal(own.rooms.asked(code), 2);
  });

  test('may be away: the service is asked', async (t) => {
    const own = await ownShared(t, { READY_WITHOUT_REDIS: 'true' });
    await own.redis.kill();
    const code = own.p2pCode();
    assert.equal((await joining(t, own, code)).roomId, `id-of-${code}`);
  });
});

/** How a Room Service can be of no use. */
const DOWN = {
  'is away': [(rooms) => rooms.close(), (rooms) => rooms.open()],
  'cuts connections': [(rooms) => rooms.fail('reset')],
  'never answers': [(rooms) => rooms.fail('hang')],
  'answers 500': [(rooms) => rooms.fail('status', { status: 500 })],
  'answers 401': [(rooms) => rooms.fail('status', { status: 401 })],
  'answers what is not JSON': [(rooms) => rooms.fail('garbage')],
  'answers half': [(rooms) => rooms.fail('half')],
  'answers without end': [(rooms) => rooms.fail('oversized')],
  'sends elsewhere': [(rooms) => rooms.fail('redirect')],
};

describe('a Room Service that', { concurrency: 4 }, () => {
  for (const [what, [fault, undo = (rooms) => rooms.heal()]] of Object.entries(DOWN)) {
    test(`${what}: unknown rooms are SERVICE_UNAVAILABLE, known ones go on; later all is well`, async (t) => {
      const own = await ownShared(t);
      const [known, unknown] = [own.sfuCode(), own.p2pCode()];
      const [anna] = await own.party(t, ['anna'], { code: known });
      await fault(own.rooms);
      const answer = await joining(t, own, unknown);
      assertRefused(answer, 'SERVICE_UNAVAILABLE');
      assert.equal(answer.retryable, true);
      const [bert] = await own.party(t, ['bert'], { code: known });
      assert.equal(bert.recorder.all('room:joined')[0].mode, 'sfu');
      await own.redis.command('FLUSHALL');
      await anna.ask('leave:room');
      await bert.ask('leave:room');
      const { roomId, mode } = await joining(t, own, known);
      assert.deepEqual({ roomId, mode }, { roomId: `id-of-${known}`, mode: 'sfu' }, 'what is remembered is served, though old');
      await undo(own.rooms);
      const client = await connect(t, own.gateway);
      await until(async () => (await client.ask('join:room', { roomCode: unknown })).status === 'ok', 'the room can be joined');
      assert.deepEqual(own.rooms.calls('unknown').map(({ url }) => url), []);
    });
  }

  test('hangs is waited for by all who ask, each is answered, and they are served otherwise meanwhile', async (t) => {
    const own = await Stage.set(t);
    const inside = await own.party(t, ['anna', 'bert'], { code: own.p2pCode() });
    own.rooms.fail('hang');
    const clients = await Promise.all(Array.from({ length: 20 }, () => connect(t, own.gateway)));
    const code = own.p2pCode();
    const asked = [...clients, inside[0]].map((client) => client.ask('join:room', { roomCode: code }));
    await own.rooms.called('room', ({ params }) => params.asked === code);
    await settle(inside[1], inside[1]);
    assert.equal((await clients[0].ask('heartbeat')).status, 'ok');
    for (const answer of await Promise.all(asked)) assertRefused(answer, 'SERVICE_UNAVAILABLE');
    await settle(inside[0], ...inside);
  });

  const ODD = {
    'an empty object': '{}',
    'no id': '{"code":"x","mode":"p2p"}',
    'an empty id': '{"id":"","code":"x","mode":"p2p"}',
    'an id that is no text': '{"id":7,"code":"x","mode":"p2p"}',
    'an endless id': JSON.stringify({ id: 'x'.repeat(10_000), code: 'x', mode: 'p2p' }),
    'no mode': '{"id":"x","code":"x"}',
    'an unknown mode': '{"id":"x","code":"x","mode":"tv"}',
    'a bound that is no number': '{"id":"x","code":"x","mode":"p2p","maxPeers":"many"}',
    'a negative bound': '{"id":"x","code":"x","mode":"p2p","maxPeers":-1}',
    'an array': '[{"id":"x","code":"x","mode":"p2p"}]',
    null: 'null',
    'a text': '"room"',
    nothing: '',
    'something after its end': '{"id":"x","code":"x","mode":"p2p"}}',
  };
  for (const [name, text] of Object.entries(ODD)) {
    test(`answers ${name}: SERVICE_UNAVAILABLE, and nothing is kept`, async (t) => {
      const code = shared.p2pCode();
      shared.rooms.texts.set(code, text);
      assertRefused(await joining(t, shared, code), 'SERVICE_UNAVAILABLE');
      assert.equal(await redis.exists(`room:{${code}}`), false);
      shared.rooms.texts.delete(code);
      const client = await connect(t, shared.gateway);
      await until(async () => (await client.ask('join:room', { roomCode: code })).status === 'ok', 'the room can be joined');
    });
  }

  test('answers more than is asked is taken at its word for the rest', async (t) => {
    const code = stage.p2pCode();
    stage.rooms.texts.set(code, JSON.stringify({ createdAt: 1, owner: { name: 'x' }, mode: 'p2p', code, id: 'rich', maxPeers: null }));
    assert.equal((await joining(t, stage, code)).roomId, 'rich');
  });

  for (const id of ['a/../b', '..', 'a?b#c', '{x}:peers', 'é 👋', 'a%2fb']) {
    test(`gives an id like ${JSON.stringify(id)}: it leads nowhere else, in Redis or in the media service`, async (t) => {
      const own = await ownShared(t);
      const code = own.sfuCode({ id });
      const client = await connect(t, own.gateway);
      const answer = await client.ask('join:room', { roomCode: code });
      if (answer.status === 'ok') {
        assert.equal(answer.roomId, id);
        const { status } = await client.ask('sfu_create_transport', { direction: 'send' });
        if (status === 'ok') assert.ok(own.stub.rooms.has(id));
      } else {
        assertRefused(answer, 'SERVICE_UNAVAILABLE');
      }
      assert.deepEqual(own.stub.calls('unknown').map(({ url }) => url), []);
      assert.equal((await client.ask('heartbeat')).status, 'ok');
    });
  }
});
