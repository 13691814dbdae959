import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { startNode } from '../../clients/lib/gateway.js';
import { Identity } from '../../clients/lib/identity.js';
import { freshCode } from '../../clients/lib/rooms.js';
import { settle, unnoticed } from '../lib/guest.js';
import { BAD_SIGNALS, BAD_WS_FRAMES, NO_FRAMES, UNKNOWN_TYPES } from '../lib/junk.js';
import { enter, gather, RAW_KINDS } from '../lib/parties.js';
import { SignalGuest } from '../lib/signal.js';
import { SocketGuest } from '../lib/socketio.js';
import { WsGuest } from '../lib/ws.js';
import { Wire } from '../lib/wire.js';

const gateway = await startNode({}, new Identity());
after(() => gateway.kill());

/** A host of each kind, and who must hear nothing of what it does wrong. */
const pair = (t, kind) => gather(t, gateway, [[kind, 'clumsy'], [SocketGuest, 'witness']]);

/** Checks an error frame's shape. */
function assertError(error, { code, field, about }) {
  const { type, message, retryable, ...rest } = error;
  assert.deepEqual([type, rest.code, retryable], ['error', code, false], JSON.stringify(error));
  assert.ok(message.length > 0);
  if (field) {
    assert.match(String(rest.field), field, JSON.stringify(error));
    assert.ok(message.includes(rest.field.split('.').at(-1)), `${message} names ${rest.field}`);
  } else {
    assert.ok(!('field' in rest), JSON.stringify(error));
  }
  if (about !== undefined) assert.equal(rest.frame, about, JSON.stringify(error));
}

/** Sends, and expects exactly one error, after which the connection goes on. */
async function assertRefused(guest, frame, expected) {
  const mark = guest.wire.frames.mark();
  assertError(await guest.wire.refusal(frame), expected);
  await guest.say('still here');
  assert.equal(guest.wire.frames.all('error', mark).length, 1);
}

for (const kind of RAW_KINDS) {
  describe(`what is no frame of ${kind.kind}`, { concurrency: 4 }, () => {
    for (const [name, text] of NO_FRAMES) {
      test(`${name} is refused, and the connection goes on`, async (t) => {
        const guest = await enter(t, gateway, kind, 'clumsy');
        await assertRefused(guest, text, { code: 'INVALID_PAYLOAD' });
      });
    }

    test('an unknown type is refused by name', async (t) => {
      const [guest] = await pair(t, kind);
      for (const type of UNKNOWN_TYPES) {
        const own = kind === WsGuest ? { room: guest.code, sender: guest.alias } : { senderId: guest.userId };
        const error = await guest.wire.refusal({ type, ...own });
        assert.deepEqual([error.code, error.retryable], ['UNKNOWN_EVENT', false], type);
      }
      await guest.say('still here');
    });
  });
}

for (const [kind, list] of [[SignalGuest, BAD_SIGNALS], [WsGuest, BAD_WS_FRAMES]]) {
  describe(`a bad field in a frame of ${kind.kind} is refused by name`, { concurrency: 4 }, () => {
    for (const { name, frame, pattern } of list) {
      test(name, async (t) => {
        const [guest, witness] = await pair(t, kind);
        await unnoticed([witness], async () => {
          const own = kind === WsGuest ? { room: guest.code, sender: guest.alias } : { senderId: guest.userId };
          const about = pattern.source === '^type$' ? undefined : frame.type;
          assertError(await guest.wire.refusal({ ...own, ...frame }), { code: 'INVALID_PAYLOAD', field: pattern, about });
        });
      });
    }
  });
}

describe('bad frames', { concurrency: 4 }, () => {
  for (const kind of RAW_KINDS) {
    test(`in a flood get an error each, in order, between good ones: ${kind.kind}`, async (t) => {
      const [guest, witness] = await pair(t, kind);
      const mark = guest.wire.frames.mark();
      for (let n = 0; n < 100; n += 1) {
        guest.wire.send(n % 2 ? 'nonsense' : JSON.stringify({ type: `unknown ${n}` }));
        guest.signal('ice', null, `${n}`);
      }
      await settle([guest, witness]);
      const codes = guest.wire.frames.all('error', mark).map(({ code }) => code);
      assert.equal(codes.length, 100);
      assert.deepEqual(witness.heard.all('ice').map(({ body }) => body), Array.from({ length: 100 }, (_, n) => `${n}`));
    });

    test(`nested very deep do no harm: ${kind.kind}`, async (t) => {
      const [guest, witness] = await pair(t, kind);
      const deep = `${'['.repeat(40_000)}${']'.repeat(40_000)}`;
      const field = kind === WsGuest ? `"room":${JSON.stringify(guest.code)},"sender":${JSON.stringify(guest.alias)},"payload"` : `"senderId":${JSON.stringify(guest.userId)},"candidate"`;
      guest.wire.send(`{"type":"ice",${field}:${deep}}`);
      guest.wire.send(`{"type":"ice",${field}:"x","extra":${deep}}`);
      guest.wire.send(deep);
      await settle([guest, witness]);
      assert.ok(gateway.running);
    });

    test(`with a field twice: the last counts: ${kind.kind}`, async (t) => {
      const [guest, witness] = await pair(t, kind);
      const own = JSON.stringify(kind === WsGuest ? { room: guest.code, sender: guest.alias } : { senderId: guest.userId }).slice(1, -1);
      const body = kind === WsGuest ? 'payload' : 'candidate';
      guest.wire.send(`{"type":"chat","type":"ice",${own},"${body}":7,"${body}":"last"}`);
      assert.equal((await witness.hears('ice')).body, 'last');
    });

    test(`with escaped names are good ones: ${kind.kind}`, async (t) => {
      const [guest, witness] = await pair(t, kind);
      const own = JSON.stringify(kind === WsGuest ? { room: guest.code, sender: guest.alias } : { senderId: guest.userId }).slice(1, -1);
      const body = kind === WsGuest ? 'p\\u0061yload' : 'c\\u0061ndidate';
      guest.wire.send(` \n{ "typ\\u0065" : "\\u0069ce", ${own}, "${body}" : "escaped" }\t`);
      assert.equal((await witness.hears('ice')).body, 'escaped');
    });
  }

  test('about joining: a code that is none is refused, and so is the path', async (t) => {
    const token = await gateway.identity.token();
    const wire = await Wire.open(t, gateway, '/ws', { token });
    for (const room of ['', 'x'.repeat(65), 'two words', 'é', '../x']) {
      const error = await wire.refusal({ type: 'join', room, sender: 'me' });
      assertError(error, { code: 'INVALID_PAYLOAD', field: /^room$/, about: 'join' });
    }
    wire.send({ type: 'join', room: freshCode(), sender: 'me' });
    await wire.frame('joined');
  });
});
