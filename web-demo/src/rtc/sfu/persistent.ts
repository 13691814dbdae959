import { retryDelayMs } from './remedies';

/**
 * A task that brings something in line with a goal, and is run whenever either may have changed:
 * one run at a time, and again after a failure, in growing distances, for as long as `retries` says.
 */
export class Persistent {
  private running = false;
  private again = false;
  private stopped = false;
  private attempt = 0;
  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor(
    private readonly task: () => Promise<void>,
    /** Told of each failure; whether to try again by itself. */
    private readonly retries: (error: unknown) => boolean,
    private readonly delayMs: (attempt: number) => number = retryDelayMs,
  ) {}

  /** Runs it now, or once more after the run that is going on. */
  poke(): void {
    this.again = true;
    if (!this.running && !this.stopped) void this.run();
  }

  /** Runs it after a while, unless it is asked for before. */
  later(ms: number): void {
    if (this.stopped) return;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.poke(), ms);
  }

  stop(): void {
    this.stopped = true;
    clearTimeout(this.timer);
  }

  private async run(): Promise<void> {
    this.running = true;
    while (this.again && !this.stopped) {
      this.again = false;
      clearTimeout(this.timer);
      try {
        await this.task();
        this.attempt = 0;
      } catch (error) {
        if (!this.stopped && this.retries(error)) this.later(this.delayMs(this.attempt++));
      }
    }
    this.running = false;
  }
}
