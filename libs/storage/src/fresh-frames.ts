import type { Bbox, LonLat, ScopedQuery } from '#catalog';
import { isVisible } from './camera-answer.js';
import { MAIN_VIEW } from './keep-frames.js';
import { seenByOthersAt } from './later-pictures.js';
import { msOf } from './moments.js';
import { IS_DELAYED } from './picture-policy.js';
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

/** A camera whose pictures somebody waits for. */
export interface WatchedCamera {
  readonly id: string;
  /** Others see its pictures later than its authority does. */
  readonly isDelayed: boolean;
}

/** Who sees a picture as the latest: those who see it as it is taken, or those who see it later. */
export type Viewers = 'at once' | 'later';

/** When the latest picture of a camera was taken, milliseconds since 1970. */
export interface CapturedAt {
  readonly cameraId: string;
  readonly viewers: Viewers;
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
  ): Promise<readonly WatchedCamera[]> {
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
    return run<WatchedCamera>(
      this.db,
      sql`
        select c.id, ${IS_DELAYED} as "isDelayed"
        from camera c
        where ${and(conditions)}
        order by c.id
        limit ${limit}`,
    );
  }

  /** Of a camera that is delayed two, once others see one. Rides camera_health_pkey. */
  async capturedAt(cameras: readonly WatchedCamera[]): Promise<readonly CapturedAt[]> {
    const delayed = cameras.filter(({ isDelayed }) => isDelayed);
    return run<CapturedAt>(
      this.db,
      sql`
        select h.camera_id as "cameraId", 'at once' as viewers, ${msOf(raw('h.captured_at'))} as "capturedAt"
        from camera_health h
        where h.camera_id = any(${idsOf(cameras)}::uuid[]) and h.captured_at is not null
        union all
        select c.id, 'later', ${msOf(raw('s.captured_at'))}
        from camera c
        join camera_health h on h.camera_id = c.id
        cross join lateral (select ${seenByOthersAt(`'${MAIN_VIEW}'`, 'h.captured_at')} as captured_at offset 0) as s
        where c.id = any(${idsOf(delayed)}::uuid[]) and s.captured_at is not null`,
    );
  }
}

const idsOf = (cameras: readonly WatchedCamera[]): readonly string[] => cameras.map(({ id }) => id);
