import { describe, expect, test } from 'vitest';
import type { RoomSnapshot } from '../protocol/types';
import { afresh, fromSnapshot, isHost, nameOf, reconcile, withoutPeer, withPeer } from './room';

const peer = (id: string) => ({ id, userId: `u-${id}`, userInfo: { username: id.toUpperCase() } });

function snapshot(peerId: string, peers: string[]): RoomSnapshot {
  return { roomId: 'room_x', roomCode: 'X', peerId, peers: peers.map(peer), mode: 'p2p', hostId: 'a', resumeToken: 't' };
}

describe('the room', () => {
  test('takes in who joins, once', () => {
    const room = fromSnapshot(snapshot('me', ['a']));
    const joined = { peerId: 'b', userId: 'u-b', userInfo: { username: 'B' } };
    const two = withPeer(room, joined);
    expect(two.peers.map((p) => p.id)).toEqual(['a', 'b']);
    expect(withPeer(two, joined)).toBe(two);
    expect(withPeer(two, { ...joined, peerId: 'me' })).toBe(two);
  });

  test('lets go who leaves, and does not mind who has gone', () => {
    const room = fromSnapshot(snapshot('me', ['a', 'b']));
    expect(withoutPeer(room, 'a').peers.map((p) => p.id)).toEqual(['b']);
    expect(withoutPeer(room, 'z')).toBe(room);
  });

  test('never lists ourselves among the others', () => {
    expect(fromSnapshot(snapshot('me', ['me', 'a'])).peers.map((p) => p.id)).toEqual(['a']);
  });

  test('knows its host and its names', () => {
    const room = fromSnapshot(snapshot('me', ['a']));
    expect(isHost(room, 'a')).toBe(true);
    expect(isHost(room, 'me')).toBe(false);
    expect(isHost(null, 'a')).toBe(false);
    expect(nameOf(room, 'a')).toBe('A');
    expect(nameOf(room, 'z')).toBe('Someone');
  });
});

describe('a fresh peer list', () => {
  const before = fromSnapshot(snapshot('me', ['a', 'b']));

  test('on the first join means to call everybody', () => {
    expect(reconcile(null, before, [])).toEqual({ startOver: true, drop: [], call: ['a', 'b'], expect: [] });
  });

  test('after a resume keeps what is there, drops what is gone, adds what is new', () => {
    const next = fromSnapshot(snapshot('me', ['b', 'c']));
    expect(reconcile(before, next, ['a', 'b'])).toEqual({ startOver: false, drop: ['a'], call: [], expect: ['c'] });
  });

  test('repeated changes nothing', () => {
    expect(reconcile(before, before, ['a', 'b'])).toEqual({ startOver: false, drop: [], call: [], expect: [] });
  });

  test('as another peer voids every connection', () => {
    const next = fromSnapshot(snapshot('new-me', ['a', 'b']));
    expect(reconcile(before, next, ['a', 'b'])).toEqual({ startOver: true, drop: ['a', 'b'], call: ['a', 'b'], expect: [] });
  });

  test('of another room voids every connection', () => {
    const next = { ...fromSnapshot(snapshot('me', ['c'])), roomId: 'room_y' };
    expect(reconcile(before, next, ['a', 'b'])).toEqual({ startOver: true, drop: ['a', 'b'], call: ['c'], expect: [] });
  });
});

describe('a room that turns p2p again', () => {
  const joined = (id: string) => ({ peerId: id, userId: `u-${id}`, userInfo: { username: id } });

  test('is called by the newer peer of each pair', () => {
    const room = withPeer(fromSnapshot(snapshot('me', ['a', 'b'])), joined('c'));
    expect(afresh(room)).toEqual({ startOver: false, drop: [], call: ['a', 'b'], expect: ['c'] });
  });

  test('who is newer is not forgotten over a resume, in whose list nobody says', () => {
    const before = withPeer(fromSnapshot(snapshot('me', ['a', 'b'])), joined('c'));
    const resumed = fromSnapshot(snapshot('me', ['a', 'c', 'd']), before);
    expect(afresh(resumed)).toMatchObject({ call: ['a'], expect: ['c', 'd'] });
  });

  test('a reloaded page knows it from the one before', () => {
    expect(afresh(fromSnapshot(snapshot('me', ['a', 'c']), null, ['a', 'gone']))).toMatchObject({ call: ['a'], expect: ['c'] });
  });

  test('as another peer everybody there is older', () => {
    const before = withPeer(fromSnapshot(snapshot('me', ['a'])), joined('c'));
    expect(afresh(fromSnapshot(snapshot('new-me', ['a', 'c']), before))).toMatchObject({ call: ['a', 'c'], expect: [] });
  });
});
