import type { Bbox, LonLat, ScopedQuery } from '#catalog';
import { isVisible } from './camera-answer.js';
import { insideBbox, pointAt } from './places.js';
import { and, type Database, raw, run, sql } from './sql.js';

/** Which cameras' frames somebody waits for; absent members leave nothing out. */
export interface FrameWish {
  readonly authorities?: readonly string[] | undefined;
  readonly cameras?: readonly string[] | undefined;
  readonly bbox?: Bbox | undefined;
  readonly near?: LonLat | undefined;
  readonly radiusM: number;
}

/** When a camera's stored picture was taken, milliseconds since 1970. */
export interface CapturedAt {
  readonly cameraId: string;
  readonly capturedAt: number;
}

/** Learns of new pictures by looking, since a row for each would be millions a day (api.md, "Events"). */
export class FreshFrames {
  constructor(private readonly db: Database) {}

  /** Cameras that a wish means and its caller may know; at most `limit`, in the order of ids. */
  async watched(
    scope: ScopedQuery,
    { authorities, cameras, bbox, near, radiusM }: FrameWish,
    limit: number,
  ): Promise<readonly string[]> {
    const conditions = [
      isVisible(scope),
      sql`c.lifecycle in ('active', 'maintenance')`,
      ...(authorities === undefined ? [] : [sql`c.authority = any(${authorities}::text[])`]),
      ...(cameras === undefined ? [] : [sql`c.id = any(${cameras}::uuid[])`]),
      ...(bbox === undefined ? [] : [insideBbox(bbox, raw('c.position'))]),
      ...(near === undefined
        ? []
        : [sql`st_dwithin(c.position::geography, ${pointAt(near)}::geography, ${radiusM}::float8)`]),
    ];
    const rows = await run<{ id: string }>(
      this.db,
      sql`select c.id from camera c where ${and(conditions)} order by c.id limit ${limit}`,
    );
    return rows.map(({ id }) => id);
  }

  /** Rides camera_health_pkey. */
  async capturedAt(cameras: readonly string[]): Promise<readonly CapturedAt[]> {
    return run<CapturedAt>(
      this.db,
      sql`
        select h.camera_id as "cameraId", (extract(epoch from h.captured_at) * 1000)::float8 as "capturedAt"
        from camera_health h
        where h.camera_id = any(${cameras}::uuid[]) and h.captured_at is not null`,
    );
  }
}
