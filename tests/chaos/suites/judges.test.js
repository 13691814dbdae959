import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Books } from '../lib/books.js';
import { checkMemory } from '../lib/census.js';
import { Letters } from '../lib/letters.js';
import { Membership } from '../lib/membership.js';
import { checkChat } from '../lib/talk.js';

/** A world in which nothing fails, or something does. @param {boolean} [troubled] */
function quietWorld(troubled = false) {
  const world = { books: new Books(), troubled: () => troubled, wasTroubled: () => troubled, hasLost: () => troubled };
  return { world, kinds: () => [...world.books.wrongs.keys()] };
}

const room = (...ids) => ({ peerId: 'me', roomId: 'room', host: 'me', mode: 'p2p', peers: ids.map((peerId) => ({ peerId })) });

describe('what a peer is told of others', () => {
  for (const [what, tell, wrong] of [
    ['one who comes and goes', (me) => { me.came({ peerId: 'a' }); me.left({ peerId: 'a' }); me.came({ peerId: 'a' }); }, []],
    ['one who comes twice', (me) => { me.came({ peerId: 'a' }); me.came({ peerId: 'a' }); }, ['joined twice']],
    ['one who comes and was there', (me) => me.came({ peerId: 'there' }), ['joined twice']],
    ['one who leaves twice', (me) => { me.left({ peerId: 'there' }); me.left({ peerId: 'there' }); }, ['left twice']],
    ['a stranger who leaves', (me) => me.left({ peerId: 'a' }), ['left twice']],
    ['oneself', (me) => me.came({ peerId: 'me' }), ['told of oneself']],
    ['what a return told already', (me) => {
      me.refresh({ ...room('a'), missed: 3 }, 'resumed');
      for (const [step, peerId] of [['left', 'there'], ['came', 'a'], ['left', 'lost']]) { me.tick(); me[step]({ peerId }); }
    }, []],
    ['what was missed, twice', (me) => {
      me.refresh({ ...room('there', 'a'), missed: 2 }, 'resumed');
      for (const peerId of ['a', 'a']) { me.tick(); me.came({ peerId }); }
    }, ['joined twice']],
    ['a stranger who leaves after what was missed', (me) => {
      me.refresh({ ...room('there'), missed: 0 }, 'resumed');
      me.tick();
      me.left({ peerId: 'a' });
    }, ['left twice']],
  ]) {
    test(`${what}: ${wrong.join() || 'nothing is wrong'}`, () => {
      const { world, kinds } = quietWorld();
      tell(new Membership(world, 'me', room('there')));
      assert.deepEqual(kinds(), wrong);
    });
  }

  test('is excused, and counted, while a node is without Redis', () => {
    const { world, kinds } = quietWorld(true);
    new Membership(world, 'me', room('there')).came({ peerId: 'there' });
    assert.deepEqual([kinds(), world.books.of('excused joined twice')], [[], 1]);
  });

  test('is who is there', () => {
    const me = new Membership(quietWorld().world, 'me', room('a', 'b'));
    me.left({ peerId: 'a' });
    me.came({ peerId: 'c' });
    assert.deepEqual(me.others, ['b', 'c']);
    me.refresh(room('b', 'd'), 'resumed');
    assert.deepEqual(me.others, ['b', 'd']);
  });
});

describe('relays', () => {
  /** What is wrong when letters come in an order, as `[number, connection that they come on]`. */
  function read(order, { from = 'a', self = 'b' } = {}) {
    const { world, kinds } = quietWorld();
    const [sender, target] = [new Letters(world, 'sender'), new Letters(world, 'target')];
    const letters = [1, 2, 3].map(() => sender.write('offer', 'a', 'b', 1));
    for (const [n, line] of order) target.read({ from, body: letters[n - 1] }, self, line);
    return { kinds: kinds(), late: world.books.of('relays late after a move'), target };
  }

  test('in order, and with gaps, are right', () => {
    const { kinds, target } = read([[1, 1], [3, 1]]);
    assert.deepEqual(kinds, []);
    assert.deepEqual([1, 2, 3].map((n) => target.has('a', 'b', n)), [true, false, true]);
  });

  test('twice are wrong', () => assert.deepEqual(read([[1, 1], [1, 2]]).kinds, ['relay twice']));
  test('out of order are wrong', () => assert.deepEqual(read([[2, 1], [1, 1]]).kinds, ['relay out of order']));
  test('late are counted if the target moved', () => {
    const { kinds, late } = read([[2, 1], [1, 2]]);
    assert.deepEqual([kinds, late], [[], 1]);
  });

  test('from another than who wrote them are wrong', () => assert.deepEqual(read([[1, 1]], { from: 'c' }).kinds, ['relay from another']));
  test('to another than who reads them are wrong', () => assert.deepEqual(read([[1, 1]], { self: 'c' }).kinds, ['relay to another']));
});

describe('chat', () => {
  const message = (id, n, timestamp = n) => [id, { id, senderId: 'ann', clientMessageId: `ann ${n}`, content: `ann ${n}`, timestamp }];

  /** What is wrong with what is stored, of what was acknowledged. */
  function judged(stored, acked, troubled = false) {
    const { world, kinds } = quietWorld(troubled);
    world.chat = { rooms: new Map([['room', new Map(stored)]]), count: stored.length };
    checkChat(world, [{ speaker: { acked: new Map(acked.map(([name, id]) => [name, { id, roomId: 'room' }])) } }]);
    return kinds();
  }

  test('that is stored once and in order is right', () => {
    assert.deepEqual(judged([message('x', 1), message('y', 2)], [['ann 1', 'x'], ['ann 2', 'y']]), []);
  });

  test('that is acknowledged and not stored is lost, whatever failed', () => {
    assert.deepEqual(judged([], [['ann 1', 'x']], true), ['chat lost']);
  });

  test('that is stored under another id than acknowledged is lost', () => {
    assert.deepEqual(judged([message('y', 1)], [['ann 1', 'x']]), ['chat lost']);
  });

  test('that is stored under two ids is wrong', () => {
    assert.deepEqual(judged([message('x', 1), message('y', 1)], [['ann 1', 'x']]), ['chat stored twice']);
  });

  test('that is stored out of order is wrong', () => {
    assert.deepEqual(judged([message('y', 2), message('x', 1)], []), ['chat out of order']);
  });
});

describe('memory', () => {
  const MIB = 1024;
  const grown = (...acts) => {
    const books = new Books();
    checkMemory(books, acts.map(([before, after]) => ({ before: [before * MIB], during: [], after: [after * MIB] })));
    return books.complaints.length > 0;
  };

  test('that comes back is right', () => assert.equal(grown([20, 20], [30, 25]), false));
  test('that grows by far in the first act is wrong', () => assert.equal(grown([20, 50]), true));
  test('that grows by far in the second act is wrong', () => assert.equal(grown([20, 20], [60, 50]), true));
});
