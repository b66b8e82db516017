import type { ScopedQuery } from '#catalog';
import { isPictured, isVisible } from './camera-answer.js';
import { utc } from './moments.js';
import { KEEPS_HISTORY, mayBeShown, SEEN_BY_OTHERS } from './picture-policy.js';
import { and, type Database, type Fragment, raw, run, sql } from './sql.js';

/** Which frames of a camera are meant. */
export interface WantedFrames {
  readonly cameraId: string;
  /** {@link MAIN_VIEW}, or a preset. */
  readonly view: string;
}

/** Part of the history. */
export interface FramePage {
  /** RFC 3339, inclusive. */
  readonly from: string;
  /** RFC 3339, exclusive. */
  readonly to: string;
  readonly limit: number;
  /** Only earlier ones. */
  readonly before?: string | undefined;
}

/** A frame of the history. */
export interface HistoryFrame {
  /** RFC 3339 UTC. */
  readonly capturedAt: string;
  readonly frameKey: string;
  readonly widthPx: number;
  readonly heightPx: number;
}

/**
 * Pictures that are kept for their moment, as far as the policy of their camera lets the caller see them: what is past the retention limit, or not
 * old enough for others, is not there, whether its row has gone or not.
 */
export class KeptFrames {
  constructor(private readonly db: Database) {}

  /** The newest first. Rides kept_frame_pkey. */
  async list(
    wanted: WantedFrames,
    { from, to, limit, before }: FramePage,
    scope: ScopedQuery,
  ): Promise<HistoryFrame[]> {
    return this.read(
      wanted,
      scope,
      [
        sql`f.captured_at >= ${from}::timestamptz`,
        sql`f.captured_at < ${to}::timestamptz`,
        ...(before === undefined ? [] : [sql`f.captured_at < ${before}::timestamptz`]),
      ],
      limit,
    );
  }

  /** The frame of a moment; null where there is none that the caller may see. */
  async at(wanted: WantedFrames, capturedAt: string, scope: ScopedQuery): Promise<HistoryFrame | null> {
    const [found] = await this.read(wanted, scope, [sql`f.captured_at = ${capturedAt}::timestamptz`], 1);
    return found ?? null;
  }

  private async read(
    { cameraId, view }: WantedFrames,
    scope: ScopedQuery,
    which: readonly Fragment[],
    limit: number,
  ): Promise<HistoryFrame[]> {
    const conditions = [
      sql`c.id = ${cameraId}::uuid`,
      isVisible(scope),
      sql`f.view = ${view}`,
      KEEPS_HISTORY,
      mayBeShown('f.captured_at'),
      sql`(f.captured_at <= ${SEEN_BY_OTHERS} or ${isPictured(scope)})`,
      ...which,
    ];
    return run<HistoryFrame>(
      this.db,
      sql`
        select ${raw(utc('f.captured_at'))} as "capturedAt", f.frame_key as "frameKey", f.width_px as "widthPx",
               f.height_px as "heightPx"
        from camera c
        join authority a on a.slug = c.authority
        join kept_frame f on f.camera_id = c.id
        where ${and(conditions)}
        order by f.captured_at desc
        limit ${limit}`,
    );
  }
}
