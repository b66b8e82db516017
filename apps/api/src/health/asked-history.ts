import { type Fault, type HISTORY_SELECTORS, InvalidParameter, type Resolution, type Selected } from '#catalog';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

export const LENGTH_MS: Readonly<Record<Resolution, number>> = { minute: MINUTE_MS, hour: HOUR_MS, day: DAY_MS };

/** Buckets in one answer at most. */
const MOST_BUCKETS = 1_500;
const KEPT_DAYS = 400;
/** By how much a client's clock may be ahead. */
const AHEAD_MS = MINUTE_MS;

/** The time that a question is about. Moments are milliseconds since 1970. */
export interface AskedTime {
  readonly from: number;
  readonly to: number;
  readonly resolution: Resolution;
}

/** Reads it, or says what is wrong. @throws InvalidParameter */
export function askedTime(query: Selected<typeof HISTORY_SELECTORS>, now: number): AskedTime {
  const faults: Fault[] = [];
  const refuse = (parameter: string, detail: string): void => void faults.push({ parameter, code: 'range', detail });
  const asked = query.to === undefined ? now : Date.parse(query.to);
  const to = Math.min(asked, now);
  const from = query.from === undefined ? to - DAY_MS : Date.parse(query.from);
  if (asked > now + AHEAD_MS) refuse('to', 'expected a time that is not in the future');
  if (from >= to) refuse('from', 'expected a time before to, which is now where absent');
  if (from < now - KEPT_DAYS * DAY_MS) refuse('from', `nothing is kept for longer than ${KEPT_DAYS} days`);
  const resolution = query.resolution ?? usualFor(to - from);
  if (faults.length === 0 && (to - from) / LENGTH_MS[resolution] > MOST_BUCKETS) {
    refuse('resolution', `from and to lie more than ${MOST_BUCKETS} ${resolution}s apart`);
  }
  if (faults.length > 0) throw new InvalidParameter(faults);
  return { from, to, resolution };
}

/** So that an answer has some hundred buckets. */
function usualFor(spanMs: number): Resolution {
  if (spanMs <= 6 * HOUR_MS) return 'minute';
  return spanMs <= 15 * DAY_MS ? 'hour' : 'day';
}
