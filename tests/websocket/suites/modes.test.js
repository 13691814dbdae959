import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { forTheSuite, Stage } from '../../sfu/lib/stage.js';
import { publish } from '../../sfu/lib/session.js';
import { heardSince, settle } from '../lib/guest.js';
import { enter, gather, KINDS, RAW_KINDS } from '../lib/parties.js';
import { SocketGuest } from '../lib/socketio.js';

const suite = forTheSuite();
/** A fourth is one too many. */
const stage = await Stage.set(suite, { env: { MAX_P2P_PEERS: '3' } });

describe('a room that outgrows a mesh', { concurrency: 4 }, () => {
  for (const kind of RAW_KINDS) {
    test(`tells all, each in its words, before it tells of the newcomer, who finds it so: ${kind.kind}`, async (t) => {
      const code = stage.p2pCode();
      const guests = await gather(t, stage.gateway, KINDS.map((one) => [one, one.kind]), code);
      const marks = guests.map((guest) => guest.mark());
      const late = await enter(t, stage.gateway, kind, 'late', { code });
      assert.equal(late.heard.all('joined')[0].mode, 'sfu');
      await settle([...guests, late]);
      const { roomId } = late;
      const change = { mode: 'sfu', reason: 'capacity' };
      const told = guests.map((guest, index) => heardSince(guest, marks[index]));
      assert.deepEqual(told, guests.map((guest) => [{
        'Socket.IO': ['room:mode', { roomId, ...change }],
        '/signal': ['room-mode', { type: 'room-mode', roomId, ...change }],
        '/ws': ['room-mode', { type: 'room-mode', room: code, ...change }],
      }[guest.kind], ['peer-joined', guest.seesAs(late)]]));
    });
  }

  test('goes on signalling between all, and bothers nobody with media that is not for them', async (t) => {
    const code = stage.p2pCode();
    const guests = await gather(t, stage.gateway, [...KINDS, SocketGuest].map((one, n) => [one, `guest ${n}`]), code);
    await settle(guests);
    const [io, signal, ws, other] = guests;
    const marks = guests.map((guest) => guest.mark());
    await publish(io.client);
    await other.hears('sfu_new_producer');
    signal.signal('ice', ws, 'still');
    await settle(guests);
    assert.deepEqual(heardSince(signal, marks[1]), []);
    assert.deepEqual(heardSince(ws, marks[2]).map(([what, { body }]) => [what, body]), [['ice', 'still']]);
  });
});
