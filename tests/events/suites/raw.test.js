import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { freshCode } from '../../clients/lib/rooms.js';
import { sharedCluster } from '../../cluster/lib/fixture.js';
import { freshUser } from '../../websocket/lib/parties.js';
import { Wire } from '../../websocket/lib/wire.js';
import { envelope, listening, publish } from '../lib/house.js';

const KEPT = JSON.stringify([{ name: 'feed', types: ['post'], audience: 'subscribers', replay: 100 }]);

const { redis, cluster } = await sharedCluster({ size: 1, env: { EVENT_CHANNELS: KEPT } });
for (const channel of ['match:events', 'player:notifications', 'feed']) await listening(redis, channel, 1);

/** How to reach each protocol. */
const PATHS = { '/signal': () => `/signal/${freshCode()}`, '/ws': () => '/ws' };

for (const [name, path] of Object.entries(PATHS)) {
  describe(`a client of ${name}`, { concurrency: true }, () => {
    async function open(t, sub = freshUser('raw')) {
      const token = await cluster.identity.token({ sub });
      return Wire.open(t, cluster.nodes[0], path(), { token });
    }

    test('hears a channel from when it subscribes until it unsubscribes', async (t) => {
      const wire = await open(t);
      const matchId = freshCode('match');
      wire.send({ type: 'subscribe', channel: `match:${matchId}` });
      assert.deepEqual(await wire.frame('subscribed'), { type: 'subscribed', channel: `match:${matchId}` });
      const said = envelope('match_started', { matchId });
      await publish(redis, 'match:events', said);
      const { type, event, data, about } = await wire.frame('event');
      assert.deepEqual({ type, event, data }, { type: 'event', event: 'match_started', data: said.data });
      assert.deepEqual(about, { channel: 'match:events', serverId: 'backend', timestamp: said.timestamp });
      wire.send({ type: 'unsubscribe', channel: `match:${matchId}` });
      await wire.frame('unsubscribed');
      await publish(redis, 'match:events', envelope('match_completed', { matchId }));
      wire.send({ type: 'subscribe', channel: 'match:events' });
      await wire.frame('subscribed', ({ channel }) => channel === 'match:events');
      await publish(redis, 'match:events', envelope('match_updated', { matchId }));
      await wire.frame('event', (frame) => frame.event === 'match_updated' && frame.data.matchId === matchId);
      const heard = wire.frames.all('event').filter((frame) => frame.data.matchId === matchId);
      assert.deepEqual(heard.map((frame) => frame.event), ['match_started', 'match_updated']);
    });

    test('gets what is for its user unasked', async (t) => {
      const sub = freshUser('player');
      const wire = await open(t, sub);
      await publish(redis, 'player:notifications', envelope('match_invite', { userId: sub }));
      assert.equal((await wire.frame('event')).data.userId, sub);
    });

    test('gets what it missed of a channel that keeps it, before the answer', async (t) => {
      const first = await open(t);
      first.send({ type: 'subscribe', channel: 'feed' });
      await first.frame('subscribed');
      const said = [envelope('post'), envelope('post'), envelope('post')];
      for (const each of said) await publish(redis, 'feed', each);
      const isFirst = ({ data }) => data.number === said[0].data.number;
      const { about } = await first.frame('event', isFirst);
      await first.frame('event', ({ data }) => data.number === said[2].data.number);
      const back = await open(t);
      back.send({ type: 'subscribe', channel: 'feed', since: about.offset });
      assert.equal((await back.frame('subscribed')).recovered, true);
      const missed = back.frames.all('event').map(({ data }) => data.number);
      assert.deepEqual(missed.slice(0, 2), [said[1].data.number, said[2].data.number]);
    });

    test('is told which field is wrong, and which channels it may not hear', async (t) => {
      const wire = await open(t);
      const cases = [[{}, 'INVALID_PAYLOAD', 'channel'], [{ channel: 'feed', since: 'x' }, 'INVALID_PAYLOAD', 'since'],
        [{ channel: 'feed', last: -1 }, 'INVALID_PAYLOAD', 'last'], [{ channel: 'nothing' }, 'FORBIDDEN', undefined]];
      for (const [fields, code, field] of cases) {
        const mark = wire.frames.mark();
        wire.send({ type: 'subscribe', ...fields });
        const error = await wire.frame('error', () => true, mark);
        assert.deepEqual([error.code, error.field, error.frame], [code, field, 'subscribe']);
      }
    });
  });
}
