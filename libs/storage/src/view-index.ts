import { type GeoCamera, GEOMETRY_VERSION, type IndexedView } from '#geo';
import type { Bbox } from '#catalog';
import { ewkbOf } from './ewkb.js';
import { utc } from './moments.js';
import { insideBbox } from './places.js';
import { type Database, type Fragment, NOTHING, one, raw, run, sql } from './sql.js';

/** A camera's views, ready to be kept. */
export interface CameraViews {
  readonly cameraId: string;
  /** What geometry reads of the camera. */
  readonly geo: GeoCamera;
  readonly views: readonly IndexedView[];
}

/** How far the views that are kept are those of this program's geometry. */
export interface ViewIndexState {
  /** Views that are kept: one of a fixed camera, two of a turning one. */
  readonly views: number;
  /** Of them, those that wait to be worked out again. */
  readonly waiting: number;
  /** The database's clock, RFC 3339 UTC. */
  readonly at: string;
}

/** Views that one statement lets wait. */
const SLICE_VIEWS = 5_000;

/** Where a walk over all views goes on. */
export interface ViewCursor {
  readonly version: number;
  readonly id: string;
}

/** A camera whose views are to be worked out. */
export interface CameraToView extends ViewCursor {
  readonly camera: GeoCamera;
}

/** Keeps what cameras see: footprints and reaches, by which cameras are found for a place. */
export class ViewIndex {
  constructor(private readonly db: Database) {}

  /** Replaces the views of cameras. */
  async put(cameras: readonly CameraViews[]): Promise<void> {
    if (cameras.length === 0) return;
    const rows = cameras.flatMap(({ cameraId, geo, views }) => {
      const text = JSON.stringify(geo);
      return views.map((view) => ({ ...view, cameraId, text }));
    });
    const hex = (part: 'reach' | 'footprint'): (string | null)[] =>
      rows.map((row) => (row[part] === null ? null : ewkbOf(row[part])));
    await run(
      this.db,
      sql`
        insert into view_fov (camera_id, basis, is_default, geometry_version, far_m, geo, reach, footprint)
        select camera_id, basis, is_default, ${GEOMETRY_VERSION}::int, far_m, geo::json, reach::geometry, footprint::geometry
        from unnest(
          ${rows.map(({ cameraId }) => cameraId)}::uuid[], ${rows.map(({ basis }) => basis)}::text[],
          ${rows.map(({ isDefault }) => isDefault)}::boolean[], ${rows.map(({ farM }) => farM)}::real[],
          ${rows.map(({ text }) => text)}::text[], ${hex('reach')}::text[], ${hex('footprint')}::text[])
          as r (camera_id, basis, is_default, far_m, geo, reach, footprint)
        on conflict on constraint view_fov_pkey do update
        set is_default = excluded.is_default, geometry_version = excluded.geometry_version, far_m = excluded.far_m,
            computed_at = now(), geo = excluded.geo, reach = excluded.reach, footprint = excluded.footprint`,
    );
  }

  /** Forgets views that cameras no longer have: a fixed camera was said to turn, or the other way about. */
  async dropOthers(cameras: readonly CameraViews[]): Promise<void> {
    await run(
      this.db,
      sql`
        delete from view_fov v
        using unnest(
          ${cameras.map(({ cameraId }) => cameraId)}::uuid[],
          ${cameras.map(({ views }) => views.map(({ basis }) => basis).join(' '))}::text[]) as r (camera_id, bases)
        where v.camera_id = r.camera_id and not v.basis = any(string_to_array(r.bases, ' '))`,
    );
  }

  /** Counts what waits. */
  async state(): Promise<ViewIndexState> {
    return one(
      await run<ViewIndexState>(
        this.db,
        sql`
          select count(*)::int as views, count(*) filter (where geometry_version < ${GEOMETRY_VERSION})::int as waiting,
                 ${raw(utc('now()'))} as at
          from view_fov`,
      ),
    );
  }

  /** Lets the views of cameras that stand or look in a box wait to be worked out again. */
  async letWait(within: Bbox): Promise<void> {
    // Two walks, each by its own index: one condition over both tables would read them whole.
    await this.letAllWait(sql`from view_fov v where ${insideBbox(within, raw('v.reach'))}`);
    await this.letAllWait(
      sql`from camera c join view_fov v on v.camera_id = c.id where ${insideBbox(within, raw('c.position'))}`,
    );
  }

  /** The same for views that were worked out before a raster of heights began to count there. */
  async letOvertakenWait(): Promise<void> {
    const overtaken = raw(`t.status = 'ready' and v.computed_at < t.finished_at`);
    await this.letAllWait(sql`from terrain t join view_fov v on v.reach && t.extent where ${overtaken}`);
    await this.letAllWait(
      sql`from terrain t join camera c on c.position && t.extent join view_fov v on v.camera_id = c.id where ${overtaken}`,
    );
  }

  /** In slices, since no statement may take long. @param views from and where, naming them `v` */
  private async letAllWait(views: Fragment): Promise<void> {
    for (;;) {
      const rows = await run<{ changed: number }>(
        this.db,
        sql`
          with slice as (
            select v.camera_id, v.basis ${views} and v.geometry_version > 0
            limit ${SLICE_VIEWS}),
          changed as (
            update view_fov w set geometry_version = 0
            from slice s where w.camera_id = s.camera_id and w.basis = s.basis
            returning 1)
          select count(*)::int as changed from changed`,
      );
      if (one(rows).changed === 0) return;
    }
  }

  /**
   * Cameras whose views wait to be worked out, or all that were before a time, locked against writes of their views; those that another holds are passed
   * over. In the order of what they were worked out by, then of ids.
   */
  async next(options: {
    readonly which: 'waiting' | { readonly olderThan: string };
    readonly limit: number;
    readonly after?: ViewCursor;
  }): Promise<readonly CameraToView[]> {
    const { which, limit, after } = options;
    const chosen =
      which === 'waiting'
        ? sql`geometry_version < ${GEOMETRY_VERSION}`
        : sql`computed_at < ${which.olderThan}::timestamptz`;
    const beyond =
      after === undefined
        ? NOTHING
        : sql`and (geometry_version, camera_id) > (${after.version}::int, ${after.id}::uuid)`;
    return run<CameraToView>(
      this.db,
      sql`
        with waiting as materialized (
          select camera_id, geometry_version
          from view_fov
          where basis <> 'reach' and ${chosen} ${beyond}
          order by geometry_version, camera_id
          limit ${limit}
          for update skip locked)
        select c.id, w.geometry_version as version, jsonb_strip_nulls(jsonb_build_object(
          'location', c.document -> 'location', 'heightM', c.document -> 'heightM',
          'elevationM', c.document -> 'elevationM', 'positionSource', c.document -> 'positionSource',
          'positionAccuracyM', c.document -> 'positionAccuracyM', 'mobility', c.document -> 'mobility',
          'view', c.document -> 'view', 'presets', c.document -> 'presets', 'ptz', c.document -> 'ptz')) as camera
        from waiting w
        join camera c on c.id = w.camera_id
        order by w.geometry_version, c.id`,
    );
  }
}
