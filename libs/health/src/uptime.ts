import type { Status } from '#catalog';
import type { Span } from './timeline.js';

/** Which share of a length of time a camera showed a picture. */
export interface Availability {
  /** Share of the measured time, 0 to 1; null where nothing was measured. */
  readonly upShare: number | null;
  /** The same without the time in which something was wrong with the picture. */
  readonly goodShare: number | null;
  /** Time that counts, seconds: without maintenance, site outages, and whatever nobody watched. */
  readonly measuredS: number;
}

/** What a moment is worth: a good picture, a picture, none; or it does not count; or what follows decides. */
type Worth = 'good' | 'up' | 'down' | 'uncounted' | 'open';

/** probing.md section 10: online ÷ (all − maintenance − unknown − blind − unreachable by site). */
const WORTH: Readonly<Record<Status, Worth>> = {
  online: 'good',
  degraded: 'up',
  offline: 'down',
  auth_failed: 'down',
  // Alive, but nobody gets its picture.
  busy: 'down',
  suspect: 'open',
  recovering: 'open',
  unknown: 'uncounted',
  unreachable: 'uncounted',
  maintenance: 'uncounted',
  disabled: 'uncounted',
};

/** Statuses that decide what came before them was worth. */
const DECIDES: readonly Status[] = ['online', 'degraded', 'offline'];

/**
 * What each span was worth. A suspicion that leads to `offline` was the beginning of the outage, any other one nothing; so is a recovery that
 * leads to `online` the beginning of the good time. Where neither is decided, it is worth what came before it.
 * @param spans without gaps, oldest first
 */
function worthOf(spans: readonly Span[]): Exclude<Worth, 'open'>[] {
  const worth: Exclude<Worth, 'open'>[] = [];
  spans.forEach(({ status }, i) => {
    const own = WORTH[status];
    if (own !== 'open') return worth.push(own);
    const next = spans.slice(i + 1).find((later) => WORTH[later.status] !== 'open')?.status;
    const decided = next !== undefined && DECIDES.includes(next) ? WORTH[next] : 'open';
    return worth.push(decided === 'open' ? (worth[i - 1] ?? 'uncounted') : decided);
  });
  return worth;
}

/**
 * Availability over a window, weighted by time. The spans reach beyond it where they can: what follows it decides what its end was worth.
 * @param spans of `statusSpans`
 * @param from milliseconds since 1970
 */
export function availability(spans: readonly Span[], from: number, to: number): Availability {
  const ms = { good: 0, up: 0, down: 0, uncounted: 0 };
  worthOf(spans).forEach((worth, i) => {
    const span = spans[i] as Span;
    ms[worth] += Math.max(0, Math.min(span.to, to) - Math.max(span.from, from));
  });
  const measured = ms.good + ms.up + ms.down;
  const share = (part: number): number | null => (measured === 0 ? null : part / measured);
  return {
    upShare: share(ms.good + ms.up),
    goodShare: share(ms.good),
    measuredS: measured / 1000,
  };
}
