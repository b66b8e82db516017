import { COUNTED_AS, type CountedAs, FOLDED_REASON, NotFound, type Resolution, type ScopedQuery } from '#catalog';
import type { Recorded, Tally } from '#health';
import { FOLDED, isHeldBack, isOperated, isOwn, isVisible, UNSEEN_REASON } from './camera-answer.js';
import { type RememberedProbe, unpacked } from './packed-probe.js';
import { ms, msOf } from './moments.js';
import { SEEN_BY_OTHERS } from './picture-policy.js';
import { type Database, type Fragment, NOTHING, one, raw, run, sql } from './sql.js';

/** Which part of a camera's past is asked for. Moments are milliseconds since 1970. */
export interface AskedHistory {
  /** Changes of status since then. */
  readonly since: number;
  /** Counts of probes between these: beginnings of buckets. */
  readonly from: number;
  readonly to: number;
  readonly resolution: Resolution;
}

/** Counts of a length of time. */
export interface KeptTally {
  /** Its beginning, milliseconds since 1970. */
  readonly at: number;
  readonly tally: Tally;
}

/** What is kept of a camera's past. */
export interface KeptHistory {
  readonly recorded: Recorded;
  /** From when on every change is known: later than asked for where there are too many. */
  readonly knownFrom: number;
  /** Hours or days that are summed up; none for minutes. */
  readonly tallies: readonly KeptTally[];
  /** The probes that are in none of them. */
  readonly probes: readonly RememberedProbe[];
  /** Whether the caller may know how long pictures took. */
  readonly isOwn: boolean;
  /** Up to when he may know that there were probes, since each may have brought a picture that he does not see yet; null: up to now. */
  readonly toldUntil: number | null;
}

/** Changes that are read at most: a camera that flaps all the time makes 2,000 a day. */
const MOST_MOVES = 50_000;

const momentOf = (at: number): Fragment => sql`to_timestamp(${at / 1000}::float8)`;

/** What probes established before, and how many there were. */
export class HealthHistory {
  constructor(private readonly db: Database) {}

  /**
   * One camera's past. Rides health_transition_pkey, probe_hour_pkey, and health_hour_pkey or health_day_pkey, each of the partitions that
   * the asked time touches.
   * @throws NotFound alike for hidden and for unknown ids
   */
  async read(id: string, scope: ScopedQuery, asked: AskedHistory): Promise<KeptHistory> {
    const rows = await run<HistoryRow>(
      this.db,
      sql`
        select ${isOwn(scope)} as "isOwn", case when ${isHeldBack(scope)} then ${msOf(SEEN_BY_OTHERS)} end as "toldUntil",
               h.status as current, ${raw(ms('now()'))} as now,
               ${raw(ms('coalesce(h.expected_by, h.checked_at, c.created_at)'))} as "watchedUntil",
               (select coalesce(json_agg(json_build_object('at', ${raw(ms('w.at'))}, 'lifecycle', w.lifecycle,
                         'maintenanceUntil', ${raw(ms('w.maintenance_until'))}) order by w.at), '[]')
                from camera_lifecycle w
                where w.camera_id = c.id) as wishes,
               (select coalesce(json_agg(json_build_object('from', ${raw(ms('s.since'))}, 'to', ${raw(ms('s.until'))})
                         order by s.since), '[]')
                from site_absence s
                where s.camera_id = c.id and coalesce(s.until, now()) > ${momentOf(asked.since)}) as absences,
               (select coalesce(json_agg(json_build_array(${raw(ms('m.at'))}, m.from_status, m.to_status,
                         ${outcomeFor(scope)}, ${reasonFor(scope)}) order by m.at), '[]')
                from (
                  select * from health_transition t
                  where t.camera_id = c.id and t.at > ${momentOf(asked.since)}
                  order by t.at desc
                  limit ${MOST_MOVES}) as m) as moves,
               ${talliesOf(asked)} as tallies,
               ${probesOf(asked)} as hours
        from camera c
        join camera_health h on h.camera_id = c.id
        where c.id = ${id}::uuid and ${isVisible(scope)}`,
    );
    if (rows[0] === undefined) throw new NotFound(`no camera has the id ${id}`);
    return historyOf(one(rows), asked);
  }
}

/** What all but its operators read of an outcome that would tell of somebody's network (security.md SSRF-9). Needs `c` and `m`. */
const outcomeFor = (scope: ScopedQuery): Fragment =>
  sql`case when m.outcome in ${raw(FOLDED)} and not ${isOperated(scope)} then 'unreachable' else m.outcome end`;
const reasonFor = (scope: ScopedQuery): Fragment =>
  sql`case when m.outcome in ${raw(FOLDED)} and not ${isOperated(scope)} then ${FOLDED_REASON}
           when m.to_status = 'degraded' and ${isHeldBack(scope)} then ${UNSEEN_REASON}
           else m.reason end`;

const TABLE: Readonly<Record<Resolution, Fragment | null>> = {
  minute: null,
  hour: raw('health_hour'),
  day: raw('health_day'),
};

function talliesOf({ from, to, resolution }: AskedHistory): Fragment {
  const table = TABLE[resolution];
  if (table === null) return raw(`'[]'::json`);
  const counts = raw(COUNTED_AS.map((kind) => `'${kind}', t.${kind}`).join(', '));
  return sql`(
      select coalesce(json_agg(json_build_object(
               'at', ${raw(ms('t.at'))}, 'counts', json_build_object(${counts}), 'count', t.latency_count,
               'sumMs', t.latency_sum_ms, 'minMs', t.latency_min_ms, 'maxMs', t.latency_max_ms, 'bins', t.latency_bins)
               order by t.at), '[]')
      from ${table} t
      where t.camera_id = c.id and t.at >= ${momentOf(from)} and t.at < ${momentOf(to)})`;
}

/** Hours of single probes; without those that a longer tally holds already. */
function probesOf({ from, to, resolution }: AskedHistory): Fragment {
  const isSummedUp = sql`
        and not exists (select from health_hour t where t.camera_id = c.id and t.at = p.hour)`;
  return sql`(
      select coalesce(json_agg(json_build_array(${raw(ms('p.hour'))}, p.probes) order by p.hour), '[]')
      from probe_hour p
      where p.camera_id = c.id and p.hour = any (${hoursOf(from, to)}::timestamptz[])
        ${resolution === 'minute' ? NOTHING : isSummedUp})`;
}

const HOUR_MS = 3_600_000;
/** Probes by themselves are kept for two days and the present one. */
const PROBES_KEPT_MS = 72 * HOUR_MS;

/** The last hours of a time of which there may be single probes, RFC 3339. */
function hoursOf(from: number, to: number): string[] {
  const first = Math.floor(Math.max(from, to - PROBES_KEPT_MS) / HOUR_MS);
  const hours = Array.from({ length: Math.ceil(to / HOUR_MS) - first }, (_, i) => (first + i) * HOUR_MS);
  return hours.map((at) => new Date(at).toISOString());
}

interface HistoryRow {
  readonly isOwn: boolean;
  readonly toldUntil: number | null;
  readonly current: Recorded['current'];
  readonly now: number;
  readonly watchedUntil: number;
  readonly wishes: Recorded['wishes'];
  readonly absences: Recorded['absences'];
  readonly moves: readonly (readonly [
    number,
    Recorded['current'],
    Recorded['current'],
    Recorded['moves'][number]['outcome'],
    string | null,
  ])[];
  readonly tallies: readonly {
    readonly at: number;
    readonly counts: Readonly<Record<CountedAs, number>>;
    readonly count: number;
    readonly sumMs: number;
    readonly minMs: number | null;
    readonly maxMs: number | null;
    readonly bins: readonly number[];
  }[];
  readonly hours: readonly (readonly [hour: number, probes: readonly number[]])[];
}

function historyOf(
  { isOwn: own, toldUntil, moves, tallies, hours, ...recorded }: HistoryRow,
  { since }: AskedHistory,
): KeptHistory {
  const known = moves.map(([at, from, to, outcome, reason]) => ({ at, from, to, outcome, reason }));
  return {
    isOwn: own,
    toldUntil,
    recorded: { ...recorded, moves: known },
    knownFrom: known.length < MOST_MOVES ? since : (known[0]?.at ?? since),
    tallies: tallies.map(({ at, counts, ...latency }) => ({ at, tally: { counts, latency } })),
    probes: hours.flatMap(([hour, probes]) => probes.map((probe) => unpacked(hour, probe))),
  };
}
