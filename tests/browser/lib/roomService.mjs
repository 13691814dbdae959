import { once } from 'node:events';
import { createServer } from 'node:http';

/** Stands in for a Room Service: a code that begins with `sfu` is that of a room with a media server. */
export async function startRoomService() {
  const server = createServer((request, response) => {
    const [, code] = /^\/internal\/rooms\/([\w-]+)$/.exec(request.url) ?? [];
    response.setHeader('content-type', 'application/json');
    if (!code) {
      response.statusCode = 404;
      return response.end('{"code":"ROOM_NOT_FOUND"}');
    }
    response.end(JSON.stringify({ id: `room-${code}`, code, mode: code.startsWith('sfu') ? 'sfu' : 'p2p' }));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${server.address().port}`,
    async stop() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}
