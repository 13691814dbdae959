/** How long the nodes need after Redis is back. In its absence one peer leaves, one comes on each of two nodes. */
import { freshCode } from '../../clients/lib/rooms.js';
import { lasting } from '../lib/faults.js';
import { spread, untilAgreed } from '../lib/peers.js';
import { apart } from '../lib/separation.js';
import { onStage, report, spreadOf } from './lib.mjs';

const ROUNDS = 5;
const ABSENCES_MS = [1_000, 10_000];
const PROBE_MS = 5;

/** What happens to Redis, and how it comes back. */
const FAULTS = {
  'killed, back empty': [(redis) => redis.kill(), (redis) => redis.restartEmpty()],
  'killed, back with its data': [(redis) => redis.kill(), (redis) => redis.restartWithData()],
  frozen: [async (redis) => redis.freeze(), async (redis) => redis.thaw()],
};

export const title = 'since Redis answers again (least / middle / most)';

/** Signals again and again until one arrives. */
async function firstSignal(sender, target) {
  const mark = target.mark();
  const heard = target.event('webrtc:ice', ({ from }) => from === sender.peerId, mark);
  let arrived = false;
  heard.then(() => (arrived = true), () => (arrived = true));
  for (; !arrived; await lasting(PROBE_MS)) sender.send('webrtc:ice', { targetPeerId: target.peerId, candidate: 'probe' });
  await heard;
}

function once([fault, comeBack], absence) {
  return onStage({}, async ({ t, redis, cluster }) => {
    const code = freshCode();
    const peers = await spread(t, cluster, ['anna', 'bert', 'carl'], { code, at: [0, 1, 0] });
    await fault(redis);
    const away = lasting(absence);
    const all = await apart(t, cluster, code, peers);
    await away;
    await comeBack(redis);
    const began = performance.now();
    const since = async (condition) => {
      await condition;
      return performance.now() - began;
    };
    const [anna, bert] = all;
    return Promise.all([
      since(Promise.all([firstSignal(anna, bert), firstSignal(bert, anna)])),
      since(untilAgreed(all)),
    ]);
  });
}

export async function measure() {
  for (const [name, ways] of Object.entries(FAULTS)) {
    for (const absence of ABSENCES_MS) {
      const rounds = await Promise.all(Array.from({ length: ROUNDS }, () => once(ways, absence)));
      report(`${name}, ${absence / 1000} s away: relays pass both ways`, spreadOf(rounds.map(([relay]) => relay)));
      report(`${name}, ${absence / 1000} s away: all told of exactly the others`, spreadOf(rounds.map(([, roster]) => roster)));
    }
  }
}
