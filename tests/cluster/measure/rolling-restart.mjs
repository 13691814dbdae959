/** What a rolling restart of three nodes costs those who chat all the time. */
import { account, acknowledged, hearEachOtherOut, roam, rollingRestart } from '../lib/rolling.js';
import { onStage, report } from './lib.mjs';

const ROUNDS = 5;
const PEERS = 200;

export const title = `rolling restart of three nodes under ${PEERS} chatting peers`;

export async function measure() {
  for (let round = 1; round <= ROUNDS; round += 1) {
    await onStage({ env: { SHUTDOWN_GRACE_MS: '2000' } }, async ({ t, cluster }) => {
      const roamers = await roam(t, cluster, PEERS);
      const since = acknowledged(roamers);
      await rollingRestart(cluster, roamers);
      await hearEachOtherOut(roamers);
      const { acked, moves, lost, repeated, disordered, left, fresh } = account(roamers, since);
      report(`round ${round}: ${acked} acknowledged, ${moves} moves`,
        `lost ${lost}, repeated ${repeated}, out of order ${disordered}, peer:left ${left}, come back as somebody new ${fresh}`);
    });
  }
}
