import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { until } from '../../clients/lib/wait.js';
import { lasting } from '../../cluster/lib/faults.js';
import { ClusteredStage } from '../lib/clustered.js';
import { Player, randomFrom } from '../lib/player.js';
import { Stage } from '../lib/stage.js';
import { disorder } from '../lib/tidiness.js';

/** Another one each time; a failure names it. What happens when is up to the machine all the same. */
const SEED = Number(process.env.SEED ?? process.pid);
const PLAY_MS = Number(process.env.PLAY_MS ?? 8_000);
const PLAYERS = 12;
const ENV = { MAX_P2P_PEERS: '3', RECONNECT_WINDOW_MS: '1500', READY_WITHOUT_REDIS: 'true', PRESENCE_TTL_MS: '3000' };

/** What happens to a media service. */
const MEDIA_FAULTS = [
  async (stub, while_) => { await stub.close(); await while_(); await stub.open(); },
  async (stub, while_) => { await stub.close(); stub.forget(); await while_(); await stub.open(); },
  async (stub) => stub.forget(),
  async (stub, while_) => { stub.fail('hang', { routes: ['*'] }); await while_(); stub.heal(); },
  ...['hang', 'half', 'garbage', 'status', 'reset', 'flap'].map((kind) =>
    async (stub, while_) => { stub.fail(kind); await while_(); stub.heal(); }),
];

const REDIS_FAULTS = [(redis) => redis.restartEmpty(), (redis) => redis.restartWithData(), (redis) => redis.command('FLUSHALL')];

/** Breaks one thing after another, and mends it, until told to stop. */
function trouble({ media, redis }, random) {
  let going = true;
  const pick = (list) => list[Math.floor(random() * list.length)];
  const faults = [...MEDIA_FAULTS.map((fault) => () => fault(pick(media), () => lasting(random() * 2_500))),
    ...(redis ? REDIS_FAULTS.map((fault) => () => fault(redis)) : [])];
  const run = async () => {
    while (going) {
      await lasting(300 + random() * 900);
      await pick(faults)();
    }
  };
  const finished = run();
  return { stop: () => { going = false; return finished; } };
}

/** Plays, mends all, and waits until all is in order. */
async function play(t, own) {
  t.diagnostic(`SEED=${SEED}`);
  const random = randomFrom(SEED);
  const codes = [own.p2pCode(), own.sfuCode(), own.p2pCode()];
  const players = Array.from({ length: PLAYERS }, (_, n) => new Player(t, { nodes: own.nodes ?? [own.gateway], codes, random }, `player ${n}`));
  for (const player of players) await player.start();
  const troubles = trouble(own, random);
  await lasting(PLAY_MS);
  await troubles.stop();
  await Promise.all(players.map((player) => player.stop()));
  let last = [];
  await until(async () => (last = await disorder(players, own.media)).length === 0, 'all is in order', 30_000)
    .catch((error) => { throw new Error(`${error.message}, SEED=${SEED}:\n${last.join('\n')}`); });
  assert.ok(own.media.some(({ requests }) => requests.length > 100), 'much has happened');
}

describe('after much coming, going and failing all is in order, and nothing is left of who has gone', { concurrency: 2 }, () => {
  test('on one node with one media service', async (t) => play(t, await Stage.set(t, { env: ENV })));

  test('on three nodes with two media services, and a Redis that fails too', async (t) =>
    play(t, await ClusteredStage.set(t, { media: 2, env: ENV })));
});
