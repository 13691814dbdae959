import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer } from 'node:net';

/** Below the ports that systems give to outgoing connections, and those of other tests. */
const FIRST_PORT = 5000;
const PORTS = 5000;

async function isFree(port) {
  const tcp = createServer().listen(port, '127.0.0.1');
  const udp = createSocket('udp4').bind(port, '127.0.0.1');
  const bound = await Promise.allSettled([once(tcp, 'listening'), once(udp, 'listening')]);
  if (bound[0].status === 'fulfilled') tcp.close();
  if (bound[1].status === 'fulfilled') udp.close();
  return bound.every(({ status }) => status === 'fulfilled');
}

/** The first of two ports in a row that are free for TCP and UDP. @returns {Promise<number>} */
export async function freePair() {
  for (let tries = 0; tries < 100; tries += 1) {
    const port = FIRST_PORT + Math.floor(Math.random() * PORTS);
    if (await isFree(port) && await isFree(port + 1)) return port;
  }
  throw new Error('no two free ports in a row');
}
