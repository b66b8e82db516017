import type {
  AvailabilityByTime,
  AvailabilityDocument,
  FirstFrameLatency,
  HealthBucket,
  HealthHistoryDocument,
  StatusChange,
} from '#catalog';
import {
  availability,
  EMPTY_TALLY,
  type Latency,
  merged,
  quantileMs,
  type Span,
  statusSpans,
  type Tally,
  tallyOf,
  type Turn,
  turnsOf,
} from '#health';
import type { KeptHistory, RememberedProbe } from '#storage';
import { type AskedTime, LENGTH_MS } from './asked-history.js';

const DAY_MS = 86_400_000;

/** Longest time for which availability is always told, milliseconds. */
export const LONGEST_MS = 30 * DAY_MS;

const rfc3339 = (at: number): string => new Date(at).toISOString();

/** What is kept of a camera's past, as it is answered. @param limit transitions at most */
export function historyAnswer(kept: KeptHistory, asked: AskedTime, limit: number): HealthHistoryDocument {
  const { from, to, resolution } = asked;
  const spans = statusSpans(kept.recorded, Math.max(kept.knownFrom, Math.min(from, kept.recorded.now - LONGEST_MS)));
  const turns = turnsOf(spans, from, to).reverse();
  return {
    from: rfc3339(from),
    to: rfc3339(to),
    transitions: turns.slice(0, limit).map(changeOf),
    hasMoreTransitions: turns.length > limit,
    resolution,
    buckets: bucketsOf(kept, asked),
    availability: availabilityOf(spans, asked, kept.recorded.now),
  };
}

const changeOf = ({ at, from, to, outcome, reason }: Turn): StatusChange => ({
  at: rfc3339(at),
  from,
  to,
  ...(outcome === null ? {} : { outcome }),
  reason,
});

function availabilityOf(spans: readonly Span[], { from, to }: AskedTime, now: number): AvailabilityByTime {
  const over = (begin: number, end: number): AvailabilityDocument => {
    const { upShare, goodShare, measuredS } = availability(spans, begin, end);
    return { upShare: rounded(upShare), goodShare: rounded(goodShare), measuredS: Math.round(measuredS) };
  };
  return {
    asked: over(from, to),
    '24h': over(now - DAY_MS, now),
    '7d': over(now - 7 * DAY_MS, now),
    '30d': over(now - LONGEST_MS, now),
  };
}

/** To a millionth: a second in eleven days. */
const rounded = (share: number | null): number | null => share && Math.round(share * 1e6) / 1e6;

/** Whoever sees pictures later reads of a bucket once all of it is so long ago. */
function bucketsOf({ tallies, probes, isOwn, toldUntil }: KeptHistory, { to, resolution }: AskedTime): HealthBucket[] {
  const found = new Map<number, Tally>(tallies.map(({ at, tally }) => [at, tally]));
  for (const [at, inside] of byBucket(probes, LENGTH_MS[resolution])) {
    found.set(at, merged(found.get(at) ?? EMPTY_TALLY, tallyOf(inside)));
  }
  return [...found]
    .filter(([at]) => at < to && (toldUntil === null || at + LENGTH_MS[resolution] <= toldUntil))
    .sort(([one], [other]) => one - other)
    .map(([at, { counts, latency }]) => ({
      at: rfc3339(at),
      ...counts,
      ...(isOwn && latency.count > 0 ? { firstFrame: firstFrameOf(latency) } : {}),
    }));
}

function byBucket(probes: readonly RememberedProbe[], lengthMs: number): Map<number, RememberedProbe[]> {
  const buckets = new Map<number, RememberedProbe[]>();
  for (const probe of probes) {
    const at = Math.floor(probe.at / lengthMs) * lengthMs;
    const inside = buckets.get(at);
    if (inside === undefined) buckets.set(at, [probe]);
    else inside.push(probe);
  }
  return buckets;
}

function firstFrameOf(latency: Latency): FirstFrameLatency {
  const { count, sumMs, minMs, maxMs } = latency;
  return {
    count,
    minMs: minMs ?? 0,
    meanMs: Math.round(sumMs / count),
    maxMs: maxMs ?? 0,
    p95Ms: quantileMs(latency, 0.95) ?? 0,
  };
}
