import type { Source } from './announced';
import { REJECTIONS_MAX } from './remedies';

/** Which of the own tracks the media server does not take. */
export class Rejections {
  private readonly times = new Map<Source, number>();

  /** True once it must be the track; at first its transport may be at fault, so that another one is tried. */
  note(source: Source): boolean {
    const times = (this.times.get(source) ?? 0) + 1;
    this.times.set(source, times);
    return times >= REJECTIONS_MAX;
  }

  /** What is left to send. Of a source that is switched off and on again the new track may be taken. */
  sift<T>(tracks: ReadonlyMap<Source, T>): Map<Source, T> {
    for (const source of [...this.times.keys()]) if (!tracks.has(source)) this.times.delete(source);
    return new Map([...tracks].filter(([source]) => (this.times.get(source) ?? 0) < REJECTIONS_MAX));
  }
}
