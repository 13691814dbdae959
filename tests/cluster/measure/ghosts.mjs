/** How long the peers of a dead node stay, the reconnection window of 5 s included. */
import { spread } from '../lib/peers.js';
import { onStage, report, spreadOf } from './lib.mjs';

const ROUNDS = 10;

export const title = 'from kill -9 of a node until each survivor is told peer:left {node-lost}';

export async function measure() {
  const times = [];
  await onStage({}, async ({ t, cluster }) => {
    for (let round = 0; round < ROUNDS; round += 1) {
      const [lost, ...survivors] = await spread(t, cluster, ['lost', 'bert', 'carl']);
      const began = performance.now();
      await cluster.nodes[0].kill();
      times.push(...await Promise.all(survivors.map(async (client) => {
        const { reason } = await client.event('peer:left', ({ peerId }) => peerId === lost.peerId);
        if (reason !== 'node-lost') throw new Error(`told ${reason}`);
        return performance.now() - began;
      })));
      await cluster.run(0);
      await cluster.ready(0);
    }
  });
  report('least / middle / most', spreadOf(times));
}
