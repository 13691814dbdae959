// A Socket.IO server in Node that uses the same Redis, as during a migration.
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { describe, test } from 'node:test';
import { createAdapter } from '@socket.io/redis-adapter';
import { Redis as IoRedis } from 'ioredis';
import { Server } from 'socket.io';
import { connect } from '../../clients/lib/client.js';
import { expectAnyEvents } from '../../clients/lib/contract.js';
import { within } from '../../clients/lib/wait.js';
import { sharedCluster } from '../../cluster/lib/fixture.js';
import { argsOf, listened, settled } from '../lib/emitters.js';

// A backend calls its events as it likes.
expectAnyEvents();

const { redis, cluster } = await sharedCluster({ size: 2 });
await listened(redis, 2);

/** A Socket.IO server with the Redis adapter. @param {{after: (work: () => unknown) => void}} t */
async function nodeServer(t) {
  const http = createServer();
  const clients = [new IoRedis(redis.url), new IoRedis(redis.url)];
  const io = new Server(http, { adapter: createAdapter(...clients) });
  await new Promise((resolve) => http.listen(0, '127.0.0.1', resolve));
  t.after(async () => {
    await io.close();
    await Promise.all(clients.map((client) => client.quit()));
  });
  // Its subscriptions are made in the background; a request to itself shows that they are there.
  await within(io.fetchSockets(), 'the Node server to hear itself');
  return io;
}

describe('a Socket.IO server in Node on the same Redis', () => {
  test('reaches the clients of the gateway with what it emits', async (t) => {
    const io = await nodeServer(t);
    const clients = await Promise.all(cluster.nodes.map((node, n) => connect(t, node, { username: `client ${n}` })));
    io.to(`user:${clients[0].userId}`).emit('from node', { to: 'one' });
    io.emit('from node', { to: 'all' });
    io.local.emit('from node', { to: 'its own' });
    io.in(`user:${clients[0].userId}`).socketsJoin('made by node');
    io.to('made by node').emit('from node', { to: 'group' });
    await settled(io, clients);
    assert.deepEqual(argsOf(clients[0], 'from node'), [[{ to: 'one' }], [{ to: 'all' }], [{ to: 'group' }]]);
    assert.deepEqual(argsOf(clients[1], 'from node'), [[{ to: 'all' }]]);
  });

  test('does not wait for answers of gateways to what servers ask each other', async (t) => {
    const [io, other] = [await nodeServer(t), await nodeServer(t)];
    await connect(t, cluster);
    assert.deepEqual(await io.fetchSockets(), []);
    assert.deepEqual([...await io.of('/').adapter.allRooms()], []);
    other.on('hello', (answer) => answer('there'));
    assert.deepEqual(await within(io.serverSideEmitWithAck('hello'), 'the other server to answer'), ['there']);
  });
});
