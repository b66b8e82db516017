/** What became of taking a token. */
export interface Taken {
  readonly isAllowed: boolean;
  /** Tokens left; may be a fraction. */
  readonly left: number;
  /** Until the bucket is full again, seconds. */
  readonly fullInS: number;
  /** Until there is a whole token, seconds; 0 where there is one. */
  readonly nextInS: number;
}

interface Bucket {
  tokens: number;
  /** When that many were in it, milliseconds. */
  at: number;
}

/** In this time every bucket fills up, milliseconds. */
const FILLS_IN_MS = 60_000;

/**
 * Token buckets of many callers. A bucket that nobody touched for a minute is full, so it is the same as none and is dropped; beyond
 * `maxBuckets` the one longest untouched goes. So memory is bounded however many addresses ask.
 */
export class TokenBuckets {
  /** The one touched last stands last. */
  private readonly buckets = new Map<string, Bucket>();

  /** @param nowMs of a clock that never goes back */
  constructor(
    private readonly nowMs: () => number,
    private readonly maxBuckets = 100_000,
  ) {}

  get size(): number {
    return this.buckets.size;
  }

  /** Takes a token where there is a whole one. @param capacity tokens of a full bucket, which is also how many come a minute */
  take(who: string, capacity: number): Taken {
    const bucket = this.touch(who, capacity);
    const isAllowed = bucket.tokens >= 1;
    if (isAllowed) bucket.tokens -= 1;
    return { ...stateOf(bucket, capacity), isAllowed };
  }

  /** What is in a bucket, without taking any. */
  look(who: string, capacity: number): Taken {
    return stateOf(this.filled(who, capacity), capacity);
  }

  /** Gives back what was taken too much. */
  giveBack(who: string, capacity: number, tokens: number): Taken {
    const bucket = this.touch(who, capacity);
    bucket.tokens = Math.min(capacity, bucket.tokens + tokens);
    return stateOf(bucket, capacity);
  }

  private touch(who: string, capacity: number): Bucket {
    const bucket = this.filled(who, capacity);
    this.buckets.delete(who);
    this.buckets.set(who, bucket);
    this.dropIdle(bucket.at);
    return bucket;
  }

  private filled(who: string, capacity: number): Bucket {
    const at = this.nowMs();
    const kept = this.buckets.get(who);
    if (kept === undefined) return { tokens: capacity, at };
    return { tokens: Math.min(capacity, kept.tokens + ((at - kept.at) * capacity) / FILLS_IN_MS), at };
  }

  private dropIdle(now: number): void {
    for (const [who, { at }] of this.buckets) {
      if (now - at < FILLS_IN_MS && this.buckets.size <= this.maxBuckets) return;
      this.buckets.delete(who);
    }
  }
}

function stateOf({ tokens }: Bucket, capacity: number): Taken {
  const perSecond = (capacity * 1_000) / FILLS_IN_MS;
  return {
    isAllowed: tokens >= 1,
    left: tokens,
    fullInS: (capacity - tokens) / perSecond,
    nextInS: tokens >= 1 ? 0 : (1 - tokens) / perSecond,
  };
}
