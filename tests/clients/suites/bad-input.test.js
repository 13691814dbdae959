import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { kindName } from '../lib/client.js';
import { startGateway } from '../lib/gateway.js';
import { badEvents } from '../lib/junk.js';
import { assertRefused, party, sawSince, settle } from '../lib/rooms.js';

const gateway = await startGateway({ MAX_PAYLOAD_BYTES: '4000000' });
const binary = await startGateway({ MAX_PAYLOAD_BYTES: '4000000', SOCKET_PARSER: 'msgpack' });
after(() => Promise.all([gateway.kill(), binary.kill()]));

const KINDS = [
  { version: 4, transport: 'websocket' },
  { version: 3, transport: 'polling' },
  { version: 2, transport: 'websocket' },
  { version: 4, transport: 'websocket', parser: 'msgpack' },
];

/** With an ack: the error is in it, and nowhere else. */
async function answersInAck(client, { event, args, code, message }) {
  const mark = client.mark();
  assertRefused(await client.ask(event, ...args), code, message);
  assert.equal((await client.ask('heartbeat')).status, 'ok');
  assert.deepEqual(sawSince(client, mark), []);
}

/** Without an ack: one error event, and nothing else. */
async function answersByEvent(client, { event, args, code, message }) {
  const mark = client.mark();
  client.send(event, ...args);
  assert.equal((await client.ask('heartbeat')).status, 'ok');
  const [error, ...more] = sawSince(client, mark);
  assert.deepEqual(more, []);
  assert.equal(error?.event, 'error');
  const { retryable, ...told } = error.args[0];
  assert.equal(typeof retryable, 'boolean');
  assert.deepEqual({ code: told.code, event: told.event }, { code, event });
  assert.match(told.message, message);
  assert.ok(told.message.length < 500, 'the message is short');
}

for (const kind of KINDS) {
  const target = kind.parser ? binary : gateway;
  // A binary frame cannot carry an unpaired surrogate: the encoder replaces it.
  const sendable = ({ name }) => !kind.parser || !name.includes('surrogate');

  describe(`each bad event gets exactly one clear error: ${kindName(kind)}`, () => {
    const closers = [];
    const lasting = { after: (work) => closers.push(work) };
    after(() => closers.forEach((work) => work()));
    let host, bystander, mark;

    /** One room for the whole table; another only where the gateway has closed a connection. */
    async function seated() {
      if (host?.socket.connected && bystander.socket.connected) return;
      [host, bystander] = await party(lasting, target, ['host', 'bystander'], { kind });
      mark = bystander.mark();
    }

    for (const entry of badEvents('PEER').filter(sendable)) {
      test(`${entry.event.slice(0, 30)} with ${entry.name}`, async () => {
        await seated();
        const args = JSON.parse(JSON.stringify(entry.args).replaceAll('"PEER"', JSON.stringify(bystander.peerId)));
        await answersInAck(host, { ...entry, args });
        if (entry.event !== 'chat_history') await answersByEvent(host, { ...entry, args });
      });
    }
    test('and the bystander in the room has seen nothing of it all', async () => {
      await settle(host, bystander);
      assert.deepEqual(sawSince(bystander, mark), []);
    });
  });
}
