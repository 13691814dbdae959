import type { ProducerInfo, RoomMode } from '../protocol/types';
import type { Reconciliation } from '../state/room';
import type { IceSettings } from './ice';

/** Where a session finds itself, at its start and whenever the gateway repeats the room. */
export interface Surroundings {
  selfId: string;
  ice: IceSettings;
  plan: Reconciliation;
  /** What the others send to the media server; null where the gateway did not say. */
  producers: readonly ProducerInfo[] | null;
}

/** How sound and picture get to the others of a room and from them: directly, or through a media server. */
export interface MediaSession {
  readonly mode: RoomMode;
  /** Those it is about at the moment. */
  readonly peerIds: Iterable<string>;
  follow(surroundings: Surroundings): void;
  /** A newcomer, who makes the first move. */
  expect(peerId: string): void;
  remove(peerId: string): void;
  /** Newer credentials for the servers, or another choice of ways: without a break where that is possible. */
  configure(ice: IceSettings): void;
  /** The own tracks, or which of them are on, have changed. */
  updateTracks(): void;
  /** Reads the statistics, for those who look at them. */
  measure(): Promise<void>;
  close(): void;
}
