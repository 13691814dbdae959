import { describe, expect, test } from 'vitest';
import type { RoomSnapshot } from '../protocol/types';
import { fromSnapshot, isHost, nameOf, reconcile, withoutPeer, withPeer } from './room';

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
    expect(reconcile(null, before, [])).toEqual({ startOver: true, drop: [], add: ['a', 'b'] });
  });

  test('after a resume keeps what is there, drops what is gone, adds what is new', () => {
    const next = fromSnapshot(snapshot('me', ['b', 'c']));
    expect(reconcile(before, next, ['a', 'b'])).toEqual({ startOver: false, drop: ['a'], add: ['c'] });
  });

  test('repeated changes nothing', () => {
    expect(reconcile(before, before, ['a', 'b'])).toEqual({ startOver: false, drop: [], add: [] });
  });

  test('as another peer voids every connection', () => {
    const next = fromSnapshot(snapshot('new-me', ['a', 'b']));
    expect(reconcile(before, next, ['a', 'b'])).toEqual({ startOver: true, drop: ['a', 'b'], add: ['a', 'b'] });
  });

  test('of another room voids every connection', () => {
    const next = { ...fromSnapshot(snapshot('me', ['c'])), roomId: 'room_y' };
    expect(reconcile(before, next, ['a', 'b'])).toEqual({ startOver: true, drop: ['a', 'b'], add: ['c'] });
  });
});
