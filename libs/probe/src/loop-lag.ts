const TICK_MS = 100;
/** A longer stop of the event loop makes our own timers unfit to judge a camera (probing.md 6, `prober_internal`). */
const LAG_MS = 500;

/** Watches this process's event loop while anything is being probed: a timer that fires late says that the loop stood still. */
export class LoopLag {
  #watchers = 0;
  #timer: NodeJS.Timeout | null = null;
  #tickAt = 0;
  #laggedAt = Number.NEGATIVE_INFINITY;

  /** @param now monotonic milliseconds */
  constructor(private readonly now: () => number) {}

  /** Begins to watch; each call is ended by `leave`. */
  enter(): void {
    this.#watchers += 1;
    if (this.#watchers > 1) return;
    this.#tickAt = this.now();
    this.#timer = setInterval(() => this.#tick(), TICK_MS);
  }

  leave(): void {
    this.#watchers -= 1;
    if (this.#watchers > 0 || this.#timer === null) return;
    clearInterval(this.#timer);
    this.#timer = null;
  }

  /** Whether the loop stood still at any time since then, or does so at this very moment. */
  laggedSince(startMs: number): boolean {
    this.#tick();
    return this.#laggedAt >= startMs;
  }

  #tick(): void {
    const now = this.now();
    if (now - this.#tickAt - TICK_MS > LAG_MS) this.#laggedAt = now;
    this.#tickAt = now;
  }
}
