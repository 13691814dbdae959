import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { connect, kindName, PLAIN_KINDS } from '../lib/client.js';
import { startGateway } from '../lib/gateway.js';
import { freshCode } from '../lib/rooms.js';
import { mapLimited } from '../lib/wait.js';

const CONNECTIONS = 50;
const gateway = await startGateway();
after(() => gateway.kill());

/** Sends five events from within the connect callback: a join, three chats nobody acknowledges, one that is. */
function chatty(roomCode) {
  return (socket, recorder) => socket.on('connect', () => {
    socket.emit('join:room', { roomCode }, (answer) => recorder.add('joined', [answer]));
    for (const content of ['one', 'two', 'three']) socket.emit('chat_message', { content });
    socket.emit('heartbeat', (answer) => recorder.add('beaten', [answer]));
  });
}

async function connectsAndIsHeard(t, kind) {
  const client = await connect(t, gateway, { kind, prepare: chatty(freshCode()) });
  assert.equal((await client.event('joined')).status, 'ok');
  assert.equal((await client.event('beaten')).status, 'ok');
  await client.event('chat_message', ({ content }) => content === 'three');
  assert.deepEqual(client.recorder.all('chat_message').map(({ content }) => content), ['one', 'two', 'three']);
  client.close();
}

describe('events sent in the connect callback are never lost', () => {
  for (const kind of PLAIN_KINDS) {
    test(kindName(kind), (t) =>
      mapLimited(Array.from({ length: CONNECTIONS }), 10, () => connectsAndIsHeard(t, kind)));
  }
});
