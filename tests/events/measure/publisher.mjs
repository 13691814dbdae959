/** Publishes events at a steady rate, on a process of its own: `port rate seconds tick`. */
import { connect } from 'node:net';
import { once } from 'node:events';

const [port, rate, seconds, tick] = process.argv.slice(2).map(Number);
const socket = connect({ port, host: '127.0.0.1', noDelay: true });
await once(socket, 'connect');
socket.resume();

const micros = () => Number(process.hrtime.bigint() / 1000n);

function command(n) {
  const envelope = JSON.stringify({ type: 'leaderboard_update', data: { n, at: micros() }, serverId: 'bench', timestamp: Date.now() });
  return `*3\r\n$7\r\nPUBLISH\r\n$19\r\nleaderboard:updates\r\n$${envelope.length}\r\n${envelope}\r\n`;
}

const began = micros();
let published = 0;
while (published < rate * seconds) {
  const due = Math.min(rate * seconds, Math.floor(((micros() - began) / 1e6) * rate));
  let batch = '';
  for (; published < due; published += 1) batch += command(published);
  if (batch && !socket.write(batch)) await once(socket, 'drain');
  await new Promise((resolve) => setTimeout(resolve, tick));
}
process.send({ published, seconds: (micros() - began) / 1e6 });
socket.end();
