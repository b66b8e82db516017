import { IS_DELAYED, KEEPS_HISTORY, KEEPS_NOTHING, SEEN_BY_OTHERS, TOO_OLD } from './picture-policy.js';
import { type Database, run, sql } from './sql.js';

/** Since when frames of the view `f` are needed for the delay: the newest that is old enough for others, and those after it. */
const SHOWN_TO_OTHERS = sql`(
    select max(n.captured_at) from kept_frame n
    where n.camera_id = f.camera_id and n.view = f.view and n.captured_at <= ${SEEN_BY_OTHERS})`;

/**
 * Forgets pictures whose time is over (security.md PRIV-3), by what the policy of their camera says now. Each call forgets some of them, and answers their
 * names in the frame store: as long as nobody else names one, its bytes are to go too.
 */
export class PictureUpkeep {
  constructor(private readonly db: Database) {}

  /**
   * Frames of cameras that are gone or keep nothing; frames past the retention limit; and without a history those that the delay no longer
   * needs. Finds the views by jumping through kept_frame_pkey: what a camera has and what is due of it are one step each.
   */
  async forgetFrames(limit: number): Promise<readonly string[]> {
    const rows = await run<{ key: string }>(
      this.db,
      sql`
        with recursive f as (
          (select camera_id, view from kept_frame order by camera_id, view limit 1)
          union all
          select n.camera_id, n.view
          from f
          cross join lateral (
            select n.camera_id, n.view from kept_frame n
            where (n.camera_id, n.view) > (f.camera_id, f.view)
            order by n.camera_id, n.view
            limit 1) as n),
        policy as materialized (
          select f.camera_id, f.view,
                 case
                   when c.id is null or c.lifecycle = 'retired' or ${KEEPS_NOTHING} then 'infinity'
                   when ${KEEPS_HISTORY} then ${TOO_OLD}
                   when ${IS_DELAYED} then greatest(${TOO_OLD}, ${SHOWN_TO_OTHERS})
                   else 'infinity'
                 end as before
          from f
          left join camera c on c.id = f.camera_id
          left join authority a on a.slug = c.authority),
        due as materialized (
          select d.*
          from policy p
          cross join lateral (
            select k.camera_id, k.view, k.captured_at
            from kept_frame k
            where k.camera_id = p.camera_id and k.view = p.view and k.captured_at < p.before
            order by k.captured_at
            limit ${limit}) as d
          limit ${limit})
        delete from kept_frame k
        using due
        where k.camera_id = due.camera_id and k.view = due.view and k.captured_at = due.captured_at
        returning k.frame_key as key`,
    );
    return rows.map(({ key }) => key);
  }

  /** The oldest frames of all that are kept as history: room is short. What delays need stays. Rides kept_frame_captured_idx. */
  async forgetOldest(limit: number): Promise<readonly string[]> {
    const rows = await run<{ key: string }>(
      this.db,
      sql`
        with due as materialized (
          select f.camera_id, f.view, f.captured_at
          from kept_frame f
          left join camera c on c.id = f.camera_id
          where c.id is null or not ${IS_DELAYED} or f.captured_at < ${SHOWN_TO_OTHERS}
          order by f.captured_at
          limit ${limit})
        delete from kept_frame k
        using due
        where k.camera_id = due.camera_id and k.view = due.view and k.captured_at = due.captured_at
        returning k.frame_key as key`,
    );
    return rows.map(({ key }) => key);
  }

  /** Latest pictures of cameras and presets past the retention limit, or of an authority that lets none be kept any more. Rides camera_retention_idx. */
  async forgetLatest(limit: number): Promise<readonly string[]> {
    const rows = await run<{ key: string }>(
      this.db,
      sql`
        with policy as materialized (
          select c.id, ${TOO_OLD} as until
          from camera c
          where c.document #>> '{access,retentionS}' is not null
          union all
          select c.id, 'infinity'
          from authority a
          join camera c on c.authority = a.slug
          where ${KEEPS_NOTHING}),
        due as materialized (
          select h.camera_id, h.frame_key
          from camera_health h
          where h.camera_id in (
              select p.id from policy p join camera_health k on k.camera_id = p.id
              where k.frame_key is not null and k.captured_at <= p.until
              limit ${limit})
            and h.frame_key is not null
          order by h.camera_id
          for update of h skip locked),
        forgotten as (
          update camera_health h
          set frame_key = null, captured_at = null, revision = revision + 1
          from due
          where h.camera_id = due.camera_id),
        turned as (
          update preset_picture t
          set frame_key = null, captured_at = null
          from (
            select k.camera_id, k.preset, k.frame_key
            from policy p
            join preset_picture k on k.camera_id = p.id
            where k.frame_key is not null and k.captured_at <= p.until
            limit ${limit}) as k
          where t.camera_id = k.camera_id and t.preset = k.preset
          returning k.frame_key)
        select frame_key as key from due
        union all
        select frame_key from turned`,
    );
    return rows.map(({ key }) => key);
  }
}
