import type { Lifecycle, Outcome, Status } from '#catalog';

/** A change of what probes had established. Moments are milliseconds since 1970 by the database's clock. */
export interface Move {
  readonly at: number;
  readonly from: Status;
  readonly to: Status;
  readonly outcome: Outcome | null;
  /** In words of ours. */
  readonly reason: string | null;
}

/** From when on an agency wanted a camera so. */
export interface Wish {
  readonly at: number;
  readonly lifecycle: Lifecycle;
  /** A maintenance ends by itself then; null: with the next wish. */
  readonly maintenanceUntil: number | null;
}

/** When a camera was away with its whole site, milliseconds since 1970; `to` null: it still is. */
export interface Absence {
  readonly from: number;
  readonly to: number | null;
}

/** All that was recorded of a camera's status since a moment. */
export interface Recorded {
  /** Every change since then, oldest first. */
  readonly moves: readonly Move[];
  /** Every wish of the agency, oldest first; before the first there was no camera. */
  readonly wishes: readonly Wish[];
  /** Outages of its site, oldest first. */
  readonly absences: readonly Absence[];
  /** What the probes say now. */
  readonly current: Status;
  /** Until when a result was promised at the latest, or when the last one came: nobody has watched since. */
  readonly watchedUntil: number;
  readonly now: number;
}

/** A status and how long it held. */
export interface Span {
  /** Inclusive. */
  readonly from: number;
  /** Exclusive, and greater. */
  readonly to: number;
  readonly status: Status;
  /** The change by which it began, where a probe brought it about. */
  readonly move?: Move;
}

/**
 * The statuses that people could read from a moment until now, one after the other without gaps: what the agency wanted comes before
 * what was measured, as it does at reading. Where nobody watched, or the records contradict each other, `unknown`.
 */
export function statusSpans(recorded: Recorded, since: number): Span[] {
  const from = Math.max(since, recorded.wishes[0]?.at ?? recorded.now);
  const measured = covered(measuredSpans(recorded, from), absentSpans(recorded, from));
  return joined(covered(measured, wantedSpans(recorded, from)));
}

/** Spans with others over them. @param covers by their beginnings; where two overlap, the one that began first counts */
function covered(beneath: readonly Span[], covers: readonly Span[]): Span[] {
  const spans: Span[] = [];
  for (const span of beneath) {
    let at = span.from;
    for (const cover of covers) {
      if (cover.to <= at || cover.from >= span.to) continue;
      if (cover.from > at) spans.push({ ...span, from: at, to: cover.from });
      const from = Math.max(cover.from, at);
      at = Math.min(cover.to, span.to);
      spans.push({ ...cover, from, to: at });
    }
    if (at < span.to) spans.push({ ...span, from: at });
  }
  return spans;
}

/** When the whole site was down. */
const absentSpans = ({ absences, now }: Recorded, since: number): Span[] =>
  absences
    .map(({ from, to }): Span => ({ from: Math.max(from, since), to: to ?? now, status: 'unreachable' }))
    .filter(({ from, to }) => from < to);

/** What probes had established, by itself. */
function measuredSpans({ moves, current, watchedUntil, now }: Recorded, from: number): Span[] {
  const later = moves.filter(({ at }) => at > from);
  const ends = [...later.map(({ at }) => at), now];
  const spans = ends.map((to, i): Span => {
    const move = later[i - 1];
    const next = later[i]?.from ?? current;
    const held = move === undefined || move.to === next ? next : 'unknown';
    return { from: move?.at ?? from, to, status: held, ...(move === undefined ? {} : { move }) };
  });
  const last = spans.at(-1);
  if (last !== undefined && watchedUntil < last.to) {
    spans.pop();
    const { move: _none, ...unwatched } = last;
    spans.push({ ...last, to: Math.max(watchedUntil, last.from) });
    spans.push({ ...unwatched, from: Math.max(watchedUntil, last.from), status: 'unknown' });
  }
  return spans.filter((span) => span.from < span.to);
}

/** When the agency wanted no probes, or no judgement by them. */
function wantedSpans({ wishes, now }: Recorded, from: number): Span[] {
  return wishes.flatMap(({ at, lifecycle, maintenanceUntil }, i): Span[] => {
    const next = wishes[i + 1]?.at ?? now;
    const span = { from: Math.max(at, from), to: Math.min(next, now) };
    const covered: Span[] = [];
    if (lifecycle === 'maintenance') {
      covered.push({ ...span, to: Math.min(span.to, maintenanceUntil ?? span.to), status: 'maintenance' });
    } else if (lifecycle !== 'active') covered.push({ ...span, status: 'disabled' });
    return covered.filter((one) => one.from < one.to);
  });
}

/** Neighbours of one status are one span. */
function joined(spans: readonly Span[]): Span[] {
  const whole: Span[] = [];
  for (const span of spans) {
    const last = whole.at(-1);
    if (last?.status === span.status) whole[whole.length - 1] = { ...last, to: span.to };
    else whole.push(span);
  }
  return whole;
}

/** A change of the status that people could read. */
export interface Turn {
  readonly at: number;
  readonly from: Status;
  readonly to: Status;
  /** Of the probe that brought the new status about. */
  readonly outcome: Outcome | null;
  readonly reason: string;
}

/** Why a status holds that no probe brought about. */
const WITHOUT_PROBE: Readonly<Partial<Record<Status, string>>> = {
  unknown: 'nobody watched the camera',
  maintenance: 'the agency has the camera under maintenance',
  disabled: 'the agency does not have the camera in use',
  unreachable: 'most cameras of its network or place stopped answering at once',
};

/** The changes between two moments, oldest first. @param spans of `statusSpans` */
export function turnsOf(spans: readonly Span[], after: number, before: number): Turn[] {
  return spans.flatMap(({ from: at, status: to, move }, i): Turn[] => {
    const from = spans[i - 1]?.status;
    if (from === undefined || at <= after || at >= before) return [];
    const reason = move?.reason ?? WITHOUT_PROBE[to] ?? 'as it was before';
    return [{ at, from, to, outcome: move?.outcome ?? null, reason }];
  });
}
