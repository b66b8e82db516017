/** How much one caller gets of a kind of request. */
export interface Quota {
  /** Requests a minute, all of which may come at once. */
  readonly perMinute: number;
  /** Of those that last: how many at the same time. */
  readonly atOnce?: number;
}

/** What a caller gets without credentials, counted by his address, and with them. */
interface Quotas<Of extends Quota = Quota> {
  readonly anonymous: Of;
  readonly identified: Of;
}

const quotas = <Of extends Quota>(anonymous: Of, identified: Of): Quotas<Of> => ({ anonymous, identified });

/**
 * Kinds of requests and how much of each one caller gets (security.md RATE-1). Where nobody may do a thing without credentials,
 * `anonymous` is how often he is told so.
 */
export const BUDGETS = {
  read: quotas({ perMinute: 60 }, { perMinute: 600 }),
  /** Questions that geometry answers. */
  spatial: quotas({ perMinute: 20 }, { perMinute: 120 }),
  tiles: quotas({ perMinute: 600 }, { perMinute: 3_000 }),
  thumbnails: quotas({ perMinute: 300 }, { perMinute: 3_000 }),
  /** Viewers of live pictures. */
  streams: quotas({ perMinute: 60, atOnce: 2 }, { perMinute: 600, atOnce: 8 }),
  /** Connections over which events are told. */
  events: quotas({ perMinute: 60, atOnce: 2 }, { perMinute: 600, atOnce: 10 }),
  writes: quotas({ perMinute: 10 }, { perMinute: 120 }),
  /** Two at once for each authority, whoever sends them: imports/running-imports.ts. */
  imports: quotas({ perMinute: 2 }, { perMinute: 6 }),
  probes: quotas({ perMinute: 5 }, { perMinute: 30 }),
  /** Credentials that turn out wrong, by address alone. */
  'sign-ins': quotas({ perMinute: 10 }, { perMinute: 10 }),
} as const satisfies Readonly<Record<string, Quotas>>;

export type Budget = keyof typeof BUDGETS;

/** What an operation may be counted as; how a sign-in ends, only its trial tells (sign-in-attempts.ts). */
export type OperationBudget = Exclude<Budget, 'sign-ins'>;

/** Query parameters that make a question of reading one that geometry answers. */
export const SPATIAL_SELECTORS: readonly string[] = ['sees', 'footprint', 'within'];

/** How many of a caller's requests are left. */
export interface Left {
  readonly requests: number;
  /** Until the whole quota is there again, seconds. */
  readonly fullInS: number;
}

/** What a caller is told of his budget: `RateLimit-Policy` and `RateLimit` of draft-ietf-httpapi-ratelimit-headers-10. */
export function limitHeaders(budget: Budget, { perMinute }: Quota, left: Left): Record<string, string> {
  return {
    'ratelimit-policy': `"${budget}";q=${perMinute};w=60`,
    ratelimit: `"${budget}";r=${Math.floor(left.requests)};t=${Math.ceil(left.fullInS)}`,
  };
}

/** The same of what lasts: `concurrent-requests` is the draft's own unit, and has no window. */
export function atOnceHeaders(name: string, quota: number, left: number): Record<string, string> {
  return {
    'ratelimit-policy': `"${name}";q=${quota};qu="concurrent-requests"`,
    ratelimit: `"${name}";r=${left}`,
  };
}
