import type { MediaState } from '../../protocol/dataChannel';
import type { ProducerInfo } from '../../protocol/types';

/** What the others say they send. Pure; the events may come twice, late or in a list. */

/** What a track shows. Travels in `appData.source`. */
export type Source = 'mic' | 'cam' | 'screen';

/** Of a picture as its sender takes it, before it is scaled down into layers. */
export interface PictureSize {
  width: number;
  height: number;
  fps: number;
}

export interface Announced {
  producerId: string;
  peerId: string;
  kind: 'audio' | 'video';
  source: Source;
  size: PictureSize | null;
  paused: boolean;
}

/** By producer id, in the order they were announced. */
export type Announcements = ReadonlyMap<string, Announced>;

export const NONE: Announcements = new Map();

const positive = (value: unknown): number | null => (typeof value === 'number' && Number.isFinite(value) && value > 0 ? value : null);

/** Other clients attach what they like, or nothing. */
export function fromWire(info: ProducerInfo): Announced {
  const data = (typeof info.appData === 'object' && info.appData !== null ? info.appData : {}) as Record<string, unknown>;
  const [width, height, fps] = [positive(data.width), positive(data.height), positive(data.fps)];
  return {
    producerId: info.producerId,
    peerId: info.peerId,
    kind: info.kind,
    source: info.kind === 'audio' ? 'mic' : data.source === 'screen' ? 'screen' : 'cam',
    size: info.kind === 'video' && width && height && fps ? { width, height, fps } : null,
    paused: info.paused ?? false,
  };
}

/** One that is known already keeps its place, and what is known of its being paused. */
export function announce(state: Announcements, info: ProducerInfo): Announcements {
  const known = state.get(info.producerId);
  if (known && (info.paused ?? known.paused) === known.paused) return state;
  return new Map(state).set(info.producerId, { ...fromWire(info), paused: info.paused ?? known?.paused ?? false });
}

export function retract(state: Announcements, producerId: string): Announcements {
  return without(state, (producer) => producer.producerId === producerId);
}

export function retractPeer(state: Announcements, peerId: string): Announcements {
  return without(state, (producer) => producer.peerId === peerId);
}

/**
 * Takes in a full list that was asked for when things stood as in `asked`. What was announced since
 * may be missing in it, and what was closed since may still be there: the events are right.
 */
export function refresh(asked: Announcements, now: Announcements, list: readonly ProducerInfo[]): Announcements {
  const closedSince = (id: string) => asked.has(id) && !now.has(id);
  const next = new Map<string, Announced>();
  for (const info of list) if (!closedSince(info.producerId)) next.set(info.producerId, fromWire(info));
  for (const [id, producer] of now) if (!asked.has(id) && !next.has(id)) next.set(id, producer);
  return next;
}

/**
 * What to consume: the newest of each source of each peer. A peer whose connection broke while it
 * was starting to send may have left one behind that nothing comes from.
 */
export function wanted(state: Announcements): Announced[] {
  const newest = new Map<string, Announced>();
  for (const producer of state.values()) newest.set(`${producer.peerId} ${producer.source}`, producer);
  return [...newest.values()];
}

export interface ConsumerChanges {
  open: Announced[];
  /** Ids of producers. */
  close: string[];
}

/** From what is consumed, or about to be, to what is wanted. */
export function changes(state: Announcements, held: Iterable<string>): ConsumerChanges {
  const goal = new Map(wanted(state).map((producer) => [producer.producerId, producer]));
  const current = new Set(held);
  return {
    open: [...goal.values()].filter(({ producerId }) => !current.has(producerId)),
    close: [...current].filter((id) => !goal.has(id)),
  };
}

/** The switches of a peer, as far as its producers tell. */
export function mediaOf(state: Announcements, peerId: string): MediaState {
  const on = (source: Source) => wanted(state).some((p) => p.peerId === peerId && p.source === source && !p.paused);
  return { mic: on('mic'), cam: on('cam'), screen: on('screen') };
}

function without(state: Announcements, gone: (producer: Announced) => boolean): Announcements {
  const next = new Map([...state].filter(([, producer]) => !gone(producer)));
  return next.size === state.size ? state : next;
}
