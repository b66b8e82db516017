import { type Database, run, sql } from './sql.js';

/** What of a camera's stored pictures must not be shown any more after a change of it. */
export interface DroppedPictures {
  /** Of the camera. */
  readonly id: string;
  /** All of them, and what a probe under way may bring. */
  readonly dropsPicture: boolean;
  /** Presets whose pictures must go: other services show them now, or none. */
  readonly dropsPresets: readonly string[];
}

/**
 * Forgets pictures of cameras that the caller has locked. A probe under way may have read the record of before, with fewer masks: it counts no more, and
 * the camera is asked again.
 */
export async function dropPictures(tx: Database, cameras: readonly DroppedPictures[]): Promise<void> {
  const dropping = cameras
    .filter(({ dropsPicture, dropsPresets }) => dropsPicture || dropsPresets.length > 0)
    .map(({ id, dropsPicture, dropsPresets }) => ({ id, all: dropsPicture, presets: dropsPresets }));
  if (dropping.length === 0) return;
  const dropped = sql`jsonb_to_recordset(${JSON.stringify(dropping)}::jsonb) as r (id uuid, "all" boolean, presets jsonb)`;
  await run(
    tx,
    sql`
      update probe_lease l
      set lease_until = null
      from ${dropped}
      where l.camera_id = r.id and r."all" and l.lease_until is not null`,
  );
  await run(
    tx,
    sql`
      with r as (select * from ${dropped}),
      views as (
        delete from preset_picture p
        using r
        where p.camera_id = r.id and (r."all" or r.presets @> to_jsonb(p.preset))),
      frames as (
        delete from kept_frame f
        using r
        where f.camera_id = r.id and (r."all" or r.presets @> to_jsonb(f.view)))
      update camera_health h
      set frame_key = null, captured_at = null, revision = revision + 1
      from r
      where h.camera_id = r.id and r."all" and h.frame_key is not null`,
  );
}
