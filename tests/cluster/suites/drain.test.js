import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { connect } from '../../clients/lib/client.js';
import { assertResumed, comeBackAs, lose, partyWithProxy } from '../../clients/lib/resume.js';
import { until } from '../../clients/lib/wait.js';
import { ownCluster } from '../lib/fixture.js';
import { departures, settleAll, spread } from '../lib/peers.js';
import { account, acknowledged, hearEachOtherOut, roam, rollingRestart } from '../lib/rolling.js';

const PEERS = 200;

describe('a rolling restart', () => {
  test(`of three nodes under ${PEERS} chatting peers loses nothing, repeats nothing and parts nobody`, async (t) => {
    // Too short for all to come back before their node ends.
    const { cluster } = await ownCluster(t, { env: { SHUTDOWN_GRACE_MS: '300', RECONNECT_WINDOW_MS: '120000' } });
    const roamers = await roam(t, cluster, PEERS);
    const since = acknowledged(roamers);
    await rollingRestart(cluster, roamers);
    await hearEachOtherOut(roamers);
    const { acked, moves, words, ...wrong } = account(roamers, since);
    t.diagnostic(`${acked} acknowledged, ${moves} moves, ${JSON.stringify(wrong)}`);
    for (const line of words.slice(0, 10)) t.diagnostic(line);
    assert.ok(moves >= PEERS, `${moves} moves`);
    assert.deepEqual(wrong, { lost: 0, repeated: 0, disordered: 0, left: 0, fresh: 0 });
    assert.ok(roamers.every(({ moves: own, drains }) => drains >= Math.min(own, 1)), 'all who moved were told to');
  });
});

describe('a node that drains', () => {
  test('leaves nothing of itself in Redis once its peers have moved', async (t) => {
    const { redis, cluster } = await ownCluster(t, { env: { SHUTDOWN_GRACE_MS: '2000', RECONNECT_WINDOW_MS: '60000' } });
    const [anna, bert] = await spread(t, cluster, ['anna', 'bert']);
    cluster.nodes[0].signal('SIGTERM');
    await anna.event('server:draining');
    await anna.disconnected();
    const back = await comeBackAs(t, cluster.nodes[2], anna);
    assert.equal((await back.event('room:resumed')).peerId, anna.peerId);
    await cluster.nodes[0].exited();
    await until(async () => !(await redis.exists('node:{n1}')), 'the node is signed off');
    for (const key of await redis.keys('room:*:nodes')) assert.ok(!('n1' in await redis.hash(key)), key);
    await until(async () => (await redis.command('GET', `user:{${anna.userId}}:node`)) === 'n3', 'the user is at the new node');
    await settleAll([bert, back]);
    assert.deepEqual(departures(bert, anna), []);
  });

  test('has peers who do not come back: they are announced left once, when their window is over', async (t) => {
    const { redis, cluster } = await ownCluster(t, { env: { SHUTDOWN_GRACE_MS: '500', RECONNECT_WINDOW_MS: '2000' } });
    const [anna, bert, carl] = await spread(t, cluster, ['anna', 'bert', 'carl']);
    cluster.nodes[0].signal('SIGTERM');
    assert.deepEqual(await cluster.nodes[0].exited(), { code: 0, signal: null });
    for (const client of [bert, carl]) await client.event('peer:left', ({ peerId }) => peerId === anna.peerId);
    await settleAll([bert, carl]);
    for (const client of [bert, carl]) {
      assert.equal(departures(client, anna).length, 1);
      assert.equal(client.recorder.all('host:changed').length, 1);
    }
    await until(async () => (await redis.keys(`*${anna.userId}*`)).length === 0, 'nothing of it stays in Redis');
  });

  test('takes nobody new, while the others do', async (t) => {
    const { cluster } = await ownCluster(t, { size: 2, env: { SHUTDOWN_GRACE_MS: '120000', RECONNECT_WINDOW_MS: '120000' } });
    // A node that waits for a peer is still there to be asked.
    const [awaited] = await spread(t, cluster, ['awaited'], { at: [0] });
    cluster.nodes[0].signal('SIGTERM');
    await awaited.event('server:draining');
    assert.equal((await cluster.nodes[0].http('/readyz')).status, 503);
    await assert.rejects(connect(t, cluster.nodes[0]));
    await connect(t, cluster.nodes[1]);
  });
});

describe('what a node that ends has kept for peers that are away', () => {
  const lastOf = ({ username }) => `${username} has spoken`;

  /** Says a chat message and a relay to each of `away`, over and over, until told to stop, and a last word. Returns what was said but for that. */
  function speaking(speaker, away) {
    const said = [];
    let over = false;
    const done = (async () => {
      for (let n = 0; !over; n += 1) {
        const word = `${speaker.username} ${n}`;
        said.push(word);
        const answers = [
          speaker.ask('chat_message', { content: word }),
          ...away.map(({ peerId }) => speaker.ask('webrtc:ice', { targetPeerId: peerId, candidate: word })),
        ];
        for (const { status, code } of await Promise.all(answers)) assert.equal(status, 'ok', code);
      }
      assert.equal((await speaker.ask('chat_message', { content: lastOf(speaker) })).status, 'ok');
    })();
    return { said, end: () => { over = true; return done; } };
  }

  const of = (speaker, words) => words.filter((word) => word.startsWith(`${speaker.username} `));
  const chatOf = (client) => client.recorder.all('chat_message').map(({ content }) => content);
  const relaysOf = (client) => client.recorder.all('webrtc:ice').map(({ candidate }) => candidate);

  /** Checks that all of it was told once and in order, and that it was counted. Until all are back nobody may say more. */
  async function assertMadeUp(back, { missed }, speakers) {
    await settleAll([back, ...speakers.map(({ speaker }) => speaker)]);
    for (const { speaker, said } of speakers) {
      assert.deepEqual(of(speaker, chatOf(back)), [...said, lastOf(speaker)], `chat of ${speaker.username}`);
      assert.deepEqual(of(speaker, relaysOf(back)), said, `relays of ${speaker.username}`);
    }
    assert.equal(missed, speakers.reduce((sum, { said }) => sum + 2 * said.length + 1, 0), 'all of it was counted');
  }

  test('is told by the node that they come back to, once and in order', async (t) => {
    const { cluster } = await ownCluster(t, { env: { SHUTDOWN_GRACE_MS: '1000', RECONNECT_WINDOW_MS: '60000' } });
    const [anna, ann, bert, carl] = await spread(t, cluster, ['anna', 'ann', 'bert', 'carl'], { at: [0, 0, 1, 2] });
    cluster.nodes[0].signal('SIGTERM');
    await Promise.all([anna.disconnected(), ann.disconnected()]);
    // Before it ends, while its peers are taken over, and after that.
    const speakers = [bert, carl].map((speaker) => ({ speaker, ...speaking(speaker, [anna, ann]) }));
    assert.deepEqual(await cluster.nodes[0].exited(), { code: 0, signal: null });
    await Promise.all(speakers.map(({ end }) => end()));
    // Then the nodes of both have heard all of it.
    for (const [one, other] of [[bert, carl], [carl, bert]]) await one.event('chat_message', ({ content }) => content === lastOf(other));
    const backs = await Promise.all([anna, ann].map((former, index) => comeBackAs(t, cluster.nodes[1 + index], former)));
    const resumed = await Promise.all([anna, ann].map((former, index) => assertResumed(backs[index], former)));
    await Promise.all(backs.map((back, index) => assertMadeUp(back, resumed[index], speakers)));
    assert.deepEqual(departures(bert, anna), []);
  });

  test('is told too where no other node served their room', async (t) => {
    const { cluster } = await ownCluster(t, { env: { SHUTDOWN_GRACE_MS: '1000', RECONNECT_WINDOW_MS: '60000' } });
    const { others: [bert], lossy: anna, proxy } = await partyWithProxy(t, cluster.nodes[0], ['bert', 'anna'], { nodes: [cluster.nodes[0]] });
    await lose(proxy);
    await cluster.knowsAway(anna);
    const { said, end } = speaking(bert, [anna]);
    await until(() => said.length > 20, 'enough was said');
    await end();
    cluster.nodes[0].signal('SIGTERM');
    assert.deepEqual(await cluster.nodes[0].exited(), { code: 0, signal: null });
    const again = await comeBackAs(t, cluster.nodes[2], bert);
    assert.equal((await assertResumed(again, bert)).missed, 0);
    const back = await comeBackAs(t, cluster.nodes[1], anna);
    await assertMadeUp(back, await assertResumed(back, anna), [{ speaker: again, said }]);
  });
});
