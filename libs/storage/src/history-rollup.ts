import { COUNTED_AS } from '#catalog';
import type { Latency, Tally } from '#health';
import { type RememberedProbe, unpacked } from './packed-probe.js';
import { type Database, type Fragment, raw, run, sql } from './sql.js';

/** The probes of one camera in one hour. */
export interface ProbesOfHour {
  readonly cameraId: string;
  readonly probes: readonly RememberedProbe[];
}

/** Counts of one camera in one hour or day. */
export interface TallyOf {
  readonly cameraId: string;
  readonly tally: Tally;
}

/** An hour that is over may still get results of its last minute, for as long as a statement takes. */
const SETTLES_AFTER = raw(`interval '1 hour 5 minutes'`);

const COUNTS = COUNTED_AS.map((kind) => `"${kind}"`).join(', ');
const COLUMNS = raw(
  `camera_id, at, ${COUNTS}, latency_count, latency_sum_ms, latency_min_ms, latency_max_ms, latency_bins`,
);

/** Sums up single probes: each hour once, and what was summed up of an hour is added to its day in the same transaction. */
export class HistoryRollup {
  constructor(private readonly tx: Database) {}

  /** Keeps others out until the transaction ends. @returns false where somebody else sums up now */
  async tryAlone(): Promise<boolean> {
    const rows = await run<{ isAlone: boolean }>(
      this.tx,
      sql`select pg_try_advisory_xact_lock(hashtext('sightline history')) as "isAlone"`,
    );
    return rows[0]?.isAlone === true;
  }

  /** The oldest hour that is over and not summed up, RFC 3339; null where there is none. */
  async nextHour(): Promise<string | null> {
    const rows = await run<{ hour: Date | null }>(
      this.tx,
      sql`
        select (
          select min(p.hour) from probe_hour p
          where p.hour >= s.until and p.hour <= now() - ${SETTLES_AFTER}) as hour
        from health_rollup s`,
    );
    return rows[0]?.hour?.toISOString() ?? null;
  }

  /** Cameras with probes in an hour, in the order of their ids. Rides probe_hour_pkey. */
  async probesOf(hour: string, after: string, limit: number): Promise<ProbesOfHour[]> {
    const rows = await run<{ cameraId: string; probes: number[] }>(
      this.tx,
      sql`
        select camera_id as "cameraId", probes
        from probe_hour
        where hour = ${hour}::timestamptz and camera_id > ${after}::uuid
        order by camera_id
        limit ${limit}`,
    );
    const at = Date.parse(hour);
    return rows.map(({ cameraId, probes }) => ({ cameraId, probes: probes.map((probe) => unpacked(at, probe)) }));
  }

  /** Keeps the counts of an hour. @returns cameras whose hour was not kept before */
  async addHours(hour: string, tallies: readonly TallyOf[]): Promise<ReadonlySet<string>> {
    const rows = await run<{ cameraId: string }>(
      this.tx,
      sql`
        insert into health_hour (${COLUMNS})
        ${rowsOf(hour, tallies)}
        on conflict on constraint health_hour_pkey do nothing
        returning camera_id as "cameraId"`,
    );
    return new Set(rows.map(({ cameraId }) => cameraId));
  }

  /** What is kept of a day, locked. */
  async daysOf(day: string, cameraIds: readonly string[]): Promise<TallyOf[]> {
    const rows = await run<DayRow>(
      this.tx,
      sql`
        select camera_id as "cameraId", ${raw(COUNTS)}, latency_count as count, latency_sum_ms::float8 as "sumMs",
               latency_min_ms as "minMs", latency_max_ms as "maxMs", latency_bins as bins
        from health_day
        where camera_id = any(${cameraIds}::uuid[]) and at = ${day}::timestamptz
        order by camera_id
        for update`,
    );
    return rows.map(({ cameraId, count, sumMs, minMs, maxMs, bins, ...counts }) => ({
      cameraId,
      tally: { counts, latency: { count, sumMs, minMs, maxMs, bins } },
    }));
  }

  async putDays(day: string, tallies: readonly TallyOf[]): Promise<void> {
    await run(
      this.tx,
      sql`
        insert into health_day as d (${COLUMNS})
        ${rowsOf(day, tallies)}
        on conflict on constraint health_day_pkey do update
        set (${raw(COUNTS)}, latency_count, latency_sum_ms, latency_min_ms, latency_max_ms, latency_bins) =
            (${raw(COUNTED_AS.map((kind) => `excluded."${kind}"`).join(', '))}, excluded.latency_count,
             excluded.latency_sum_ms, excluded.latency_min_ms, excluded.latency_max_ms, excluded.latency_bins)`,
    );
  }

  /** An hour is summed up, and so is all before it. */
  async finish(hour: string): Promise<void> {
    await run(this.tx, sql`update health_rollup set until = greatest(until, ${hour}::timestamptz + interval '1 hour')`);
  }
}

type DayRow = { readonly cameraId: string } & Tally['counts'] & Latency;

function rowsOf(at: string, tallies: readonly TallyOf[]): Fragment {
  const rows = tallies.map(({ cameraId, tally: { counts, latency } }) => ({
    camera_id: cameraId,
    ...counts,
    latency_count: latency.count,
    latency_sum_ms: latency.sumMs,
    latency_min_ms: latency.minMs,
    latency_max_ms: latency.maxMs,
    bins: latency.bins,
  }));
  return sql`
        select camera_id, ${at}::timestamptz, ${raw(COUNTS)}, latency_count, latency_sum_ms, latency_min_ms, latency_max_ms,
               array(select jsonb_array_elements_text(bins)::integer)
        from jsonb_to_recordset(${JSON.stringify(rows)}::jsonb) as r (
          camera_id uuid, ${raw(COUNTED_AS.map((kind) => `"${kind}" integer`).join(', '))}, latency_count integer,
          latency_sum_ms bigint, latency_min_ms integer, latency_max_ms integer, bins jsonb)`;
}
