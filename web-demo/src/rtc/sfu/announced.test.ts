import { describe, expect, test } from 'vitest';
import type { ProducerInfo } from '../../protocol/types';
import { announce, changes, fromWire, mediaOf, NONE, refresh, retract, retractPeer, wanted, type Announcements } from './announced';

const mic = (producerId: string, peerId = 'a', over: Partial<ProducerInfo> = {}): ProducerInfo => ({ producerId, peerId, kind: 'audio', appData: { source: 'mic' }, ...over });
const cam = (producerId: string, peerId = 'a', over: Partial<ProducerInfo> = {}): ProducerInfo => ({ producerId, peerId, kind: 'video', appData: { source: 'cam' }, ...over });
const screen = (producerId: string, peerId = 'a'): ProducerInfo => cam(producerId, peerId, { appData: { source: 'screen' } });

const all = (...infos: ProducerInfo[]): Announcements => infos.reduce(announce, NONE);
const ids = (state: Announcements) => [...state.keys()];

describe('announced producers', () => {
  test('are consumed once, however often they are announced', () => {
    const state = all(mic('m'), cam('v'));
    expect(announce(state, mic('m'))).toBe(state);
    expect(changes(state, []).open.map((p) => p.producerId)).toEqual(['m', 'v']);
    expect(changes(announce(state, cam('v')), ['m', 'v'])).toEqual({ open: [], close: [] });
  });

  test('go when they are closed, and closing what is unknown changes nothing', () => {
    const state = all(mic('m'), cam('v'));
    expect(changes(retract(state, 'v'), ['m', 'v'])).toEqual({ open: [], close: ['v'] });
    expect(retract(state, 'x')).toBe(state);
  });

  test('go with their peer, and with nobody else', () => {
    expect(ids(retractPeer(all(mic('m'), cam('v'), mic('b-mic', 'b')), 'a'))).toEqual(['b-mic']);
  });

  test('of which a peer left one behind are consumed in the newest version', () => {
    const state = all(cam('lost'), mic('m'), cam('newer'), cam('other', 'b'));
    expect(wanted(state).map((p) => p.producerId).sort()).toEqual(['m', 'newer', 'other']);
    expect(changes(state, ['lost', 'm', 'other'])).toMatchObject({ open: [{ producerId: 'newer' }], close: ['lost'] });
  });

  test('of different sources of one peer stand beside each other', () => {
    expect(wanted(all(cam('v'), screen('s'))).map((p) => p.source)).toEqual(['cam', 'screen']);
  });
});

describe('a list of producers', () => {
  test('replaces what is not in it', () => {
    const state = all(mic('m'), cam('gone'));
    expect(ids(refresh(state, state, [mic('m'), cam('v')]))).toEqual(['m', 'v']);
  });

  test('does not undo what was announced or closed while it was on its way', () => {
    const asked = all(mic('m'), cam('closed'));
    const now = announce(retract(asked, 'closed'), cam('late', 'b'));
    expect(ids(refresh(asked, now, [mic('m'), cam('closed'), mic('unheard', 'c')]))).toEqual(['m', 'unheard', 'late']);
  });

  test('says who is paused', () => {
    const state = all(mic('m'));
    expect(mediaOf(refresh(state, state, [mic('m', 'a', { paused: true })]), 'a').mic).toBe(false);
  });
});

describe('the switches of a peer', () => {
  test('follow from what it sends', () => {
    expect(mediaOf(NONE, 'a')).toEqual({ mic: false, cam: false, screen: false });
    expect(mediaOf(all(mic('m'), cam('v'), screen('s')), 'a')).toEqual({ mic: true, cam: true, screen: true });
    expect(mediaOf(all(mic('m', 'b')), 'a').mic).toBe(false);
  });

  test('are off while paused, which an announcement that comes again does not end', () => {
    const paused = all(mic('m', 'a', { paused: true }));
    expect(mediaOf(paused, 'a').mic).toBe(false);
    expect(mediaOf(announce(paused, mic('m')), 'a').mic).toBe(false);
    expect(mediaOf(announce(paused, mic('m', 'a', { paused: false })), 'a').mic).toBe(true);
  });
});

describe('what other clients attach', () => {
  test('is read where it makes sense', () => {
    expect(fromWire(cam('v', 'a', { appData: { source: 'screen', width: 1280, height: 720, fps: 30 } }))).toMatchObject({ source: 'screen', size: { width: 1280, height: 720, fps: 30 } });
  });

  test('and otherwise left alone', () => {
    for (const appData of [undefined, null, 7, 'x', [], { source: 1 }, { width: -1, height: 720, fps: 30 }, { width: '9', height: 9, fps: 9 }, { width: 4, height: 4 }]) {
      expect(fromWire(cam('v', 'a', { appData: appData as never }))).toMatchObject({ source: 'cam', size: null });
    }
    expect(fromWire(mic('m', 'a', { appData: { source: 'screen' } })).source).toBe('mic');
  });
});
