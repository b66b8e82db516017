import { monitorEventLoopDelay } from 'node:perf_hooks';
import { getHeapStatistics } from 'node:v8';

/** How busy this process is. */
export interface Load {
  /** Of the delays of its event loop in the last span, the one that 99 of 100 stay under, milliseconds. */
  readonly delayMs: number;
  /** Part of the memory that it may have at all. */
  readonly heapShare: number;
}

/** Above the first it is too much; it is over below the second, so that the answer does not flicker (security.md DOS-1). */
const DELAY_MS = { begins: 250, ends: 150 };
const HEAP_SHARE = { begins: 0.85, ends: 0.8 };
const SPAN_MS = 2_000;
/** So many spans in a row: a single long pause, as of a great file that is read at once, is no overload. */
const SPANS = 2;
const RESOLUTION_MS = 10;

/** Tells whether this process has more to do than it can do in time. */
export class LoadWatch {
  isTooMuch = false;
  private spansAbove = 0;

  /** Judges one span. @returns whether that is another judgement than before */
  judge({ delayMs, heapShare }: Load): boolean {
    const was = this.isTooMuch;
    const isAbove = delayMs > DELAY_MS.begins || heapShare > HEAP_SHARE.begins;
    this.spansAbove = isAbove ? this.spansAbove + 1 : 0;
    this.isTooMuch = was ? delayMs >= DELAY_MS.ends || heapShare >= HEAP_SHARE.ends : this.spansAbove >= SPANS;
    return was !== this.isTooMuch;
  }
}

/**
 * Watches this process until `stop`.
 * @param onChange is told when it becomes too much, and when it is over
 */
export function watchLoad(onChange: (isTooMuch: boolean, load: Load) => void): {
  readonly watch: LoadWatch;
  readonly stop: () => void;
} {
  const watch = new LoadWatch();
  const delays = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  delays.enable();
  const timer = setInterval(() => {
    const { used_heap_size: used, heap_size_limit: limit } = getHeapStatistics();
    const load = { delayMs: delays.percentile(99) / 1e6, heapShare: used / limit };
    delays.reset();
    if (watch.judge(load)) onChange(watch.isTooMuch, load);
  }, SPAN_MS);
  timer.unref();
  return {
    watch,
    stop: () => {
      clearInterval(timer);
      delays.disable();
    },
  };
}
