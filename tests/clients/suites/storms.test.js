import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { connect, PLAIN_KINDS } from '../lib/client.js';
import { startGateway } from '../lib/gateway.js';
import { comeBackAs, lose, partyWithProxy, theOneHolder } from '../lib/resume.js';
import { freshCode, join, party, settle } from '../lib/rooms.js';
import { mapLimited, until } from '../lib/wait.js';

const hasty = await startGateway({ RECONNECT_WINDOW_MS: '200', MAX_P2P_PEERS: '100' });
const patient = await startGateway({ RECONNECT_WINDOW_MS: '60000' });
after(() => Promise.all([hasty.kill(), patient.kill()]));

/** How a visit ends; the join may still be on its way. */
const ENDINGS = [
  (client) => client.close(),
  (client) => client.engine.close(),
  (client) => (client.engine.transport.ws ? client.terminate() : client.engine.close()),
  (client) => { client.send('leave:room'); client.close(); },
  async (client) => { await client.ask('heartbeat'); client.close(); },
];

async function visit(t, roomCode, number) {
  const kind = PLAIN_KINDS[number % PLAIN_KINDS.length];
  const early = (socket) => socket.on('connect', () => socket.emit('join:room', { roomCode }));
  const client = await connect(t, hasty, { kind, prepare: early });
  await ENDINGS[number % ENDINGS.length](client);
}

describe('storms', () => {
  test('visitors who come and go in every way are announced joined once, left once', async (t) => {
    const code = freshCode();
    const [witness] = await party(t, hasty, ['witness'], { code });
    await mapLimited(Array.from({ length: 180 }), 20, (_, number) => visit(t, code, number));
    const ids = (event) => witness.recorder.all(event).map(({ peerId }) => peerId).sort();
    const same = (one, other) => one.length === other.length && one.every((id, index) => id === other[index]);
    const late = await connect(t, hasty);
    await until(async () => {
      const { peers } = await join(late, code);
      await late.ask('leave:room');
      return peers.length === 1;
    }, 'the room is empty but for the witness', 120_000);
    await settle(witness, witness);
    // A join that was under way when its client went may be told as late as this.
    await until(() => same(ids('peer:left'), ids('peer:joined')), 'the witness has heard all leave who came').catch(() => {});
    assert.deepEqual(ids('peer:left'), ids('peer:joined'));
    assert.equal(new Set(ids('peer:joined')).size, ids('peer:joined').length);
    assert.deepEqual(witness.recorder.all('host:changed'), []);
  });

  test('one peer taken back by many connections at once stays one peer', async (t) => {
    const { proxy, code, lossy, others: [anna] } = await partyWithProxy(t, patient, ['anna', 'lossy']);
    await lose(proxy);
    const mark = anna.mark();
    const attempts = await Promise.allSettled(Array.from({ length: 10 }, () => comeBackAs(t, patient, lossy)));
    const holder = await theOneHolder(attempts.flatMap(({ value }) => (value ? [value] : [])), lossy);
    assert.equal((await join(holder, code)).peerId, lossy.peerId);
    await settle(anna, anna, holder);
    assert.deepEqual(anna.recorder.since(mark).filter(({ event }) => event.startsWith('peer:')), []);
  });
});
