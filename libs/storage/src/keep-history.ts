import { type Fragment, raw, sql } from './sql.js';
import { SECOND_SHIFT } from './packed-probe.js';

/**
 * Members of the statement that keeps results: what they mean for the history, in the same transaction (reliability.md REL-2). Beside
 * the results `r` they need `held`, the leases that count.
 *
 * A change of status is a row. A camera whose result comes later than was promised was not watched in between: from the promise on its status is
 * `unknown`, until this result. A probe is an integer in its camera's row of this hour, by the time at which it is kept: of an hour that
 * is over nothing comes later than a minute, so that it can be summed up soon.
 */
export const keepHistory = (): Fragment => sql`,
        told as materialized (
          select r.camera_id, r.checked_at, r.status, r.probe_code, r.shown ->> 'lastOutcome' as outcome,
                 r.shown ->> 'reason' as reason, h.status as old_status,
                 case when h.expected_by < r.checked_at then h.expected_by end as unwatched_from
          from r
          join held on held.camera_id = r.camera_id and held.epoch = r.epoch
          join camera_health h on h.camera_id = r.camera_id),
        moved as (
          insert into health_transition (camera_id, at, from_status, to_status, outcome, reason)
          select camera_id, unwatched_from, old_status, 'unknown', null, null
          from told
          where unwatched_from is not null and old_status <> 'unknown'
          union all
          select camera_id, checked_at, before, status, outcome, reason
          from (
            select *, case when unwatched_from is null then old_status else 'unknown' end as before
            from told) as told
          where before <> status
          on conflict on constraint health_transition_pkey do update
          set to_status = excluded.to_status, outcome = excluded.outcome, reason = excluded.reason),
        counted as (
          insert into probe_hour (hour, camera_id, probes)
          select date_trunc('hour', p.at, 'UTC'), p.camera_id,
                 array[((floor(extract(epoch from p.at))::bigint % 3600)::int << ${raw(String(SECOND_SHIFT))}) | p.probe_code]
          from (
            select camera_id, probe_code, least(greatest(checked_at, now() - interval '1 minute'), now()) as at
            from told) as p
          on conflict on constraint probe_hour_pkey do update
          set probes = probe_hour.probes || excluded.probes)`;

/** The table whose partition for a row is missing; null for any other error. */
export function missingPartitionOf(error: unknown): string | null {
  const { code, table, constraint } = ((error as { readonly driverError?: unknown } | null)?.driverError ??
    error ??
    {}) as {
    readonly code?: string;
    readonly table?: string;
    readonly constraint?: string;
  };
  return code === '23514' && constraint === undefined && table !== undefined ? table : null;
}
