import type { Outcome } from '#catalog';
import { ms } from './moments.js';
import { type Fragment, raw } from './sql.js';

/** Whatever a camera shows besides its presets. */
export const MAIN_VIEW = 'main';

/** A picture that is kept for its moment. */
export interface FrameToKeep {
  /** {@link MAIN_VIEW}, or a preset. */
  readonly view: string;
  /** When it was seen so, RFC 3339. */
  readonly capturedAt: string;
  readonly frameKey: string;
  readonly widthPx: number;
  readonly heightPx: number;
}

/** What a probe of a preset established. */
export interface PresetRecord {
  /** Its id. */
  readonly preset: string;
  readonly outcome: Outcome;
  /** RFC 3339. */
  readonly checkedAt: string;
  /** Name in the frame store of the picture that is kept from now on; null for none; absent: as it was. */
  readonly frameKey?: string | null;
  /** When the kept picture was last seen to be so, RFC 3339; absent: as it was. */
  readonly capturedAt?: string;
  /** After how many seconds the picture is no longer current. */
  readonly staleAfterS: number;
  /** JSON. */
  readonly memory: object;
}

/** A preset as it was recorded last. */
export interface KnownPreset {
  readonly preset: string;
  readonly outcome: Outcome;
  /** Milliseconds since 1970. */
  readonly checkedAt: number;
  readonly frameKey: string | null;
  /** JSON. */
  readonly memory: unknown;
}

/** The presets of the camera `c`, each in the shape of {@link KnownPreset}. Rides preset_picture_pkey. */
export const presetsOf = (): Fragment =>
  raw(`(
    select coalesce(jsonb_agg(jsonb_build_object(
             'preset', p.preset, 'outcome', p.outcome, 'frameKey', p.frame_key, 'memory', p.memory,
             'checkedAt', ${ms('p.checked_at')})), '[]')
    from preset_picture p where p.camera_id = c.id)`);

/** Member of the statement that keeps results: pictures kept for their moment. Beside the results `r` it needs `held`, the leases that count. */
export const keepFrames = (): Fragment =>
  raw(`
        framed as (
          insert into kept_frame (camera_id, view, captured_at, frame_key, width_px, height_px)
          select r.camera_id, f."view", f."capturedAt", f."frameKey", f."widthPx", f."heightPx"
          from r
          join held on held.camera_id = r.camera_id and held.epoch = r.epoch
          cross join lateral jsonb_to_recordset(r.frames) as f (
            "view" text, "capturedAt" timestamptz, "frameKey" text, "widthPx" int, "heightPx" int)
          on conflict on constraint kept_frame_pkey do nothing),`);

/** The same of presets. */
export const keepPresets = (): Fragment =>
  raw(`
        turned as (
          insert into preset_picture (
            camera_id, preset, outcome, checked_at, captured_at, frame_key, stale_after_s, memory)
          select r.camera_id, n.preset, n.outcome, n."checkedAt",
                 case when k.frame_key is not null then coalesce(n."capturedAt", p.captured_at) end,
                 k.frame_key, n."staleAfterS", n.memory
          from r
          join held on held.camera_id = r.camera_id and held.epoch = r.epoch
          cross join lateral jsonb_to_record(r.preset) as n (
            preset text, outcome text, "checkedAt" timestamptz, "capturedAt" timestamptz, "frameKey" text,
            "staleAfterS" float8, memory jsonb)
          left join preset_picture p on p.camera_id = r.camera_id and p.preset = n.preset
          cross join lateral (
            -- Absent: as it was.
            select case when r.preset -> 'frameKey' is null then p.frame_key else n."frameKey" end as frame_key) as k
          where r.preset is not null
          on conflict on constraint preset_picture_pkey do update
          set outcome = excluded.outcome, checked_at = excluded.checked_at, captured_at = excluded.captured_at,
              frame_key = excluded.frame_key, stale_after_s = excluded.stale_after_s, memory = excluded.memory),`);
