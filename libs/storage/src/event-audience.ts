import type { ScopedQuery } from '#catalog';
import { isHeldBack, isOperated, isOwn, isVisible } from './camera-answer.js';
import type { SeenBefore } from './outbox.js';
import { type Database, run, sql } from './sql.js';

/** A camera as a caller may know it now, as far as events go. */
export interface Sighting {
  readonly authority: string;
  readonly localId: string;
  readonly version: number;
  readonly lon: number;
  readonly lat: number;
  /** It is of the caller's own authority. */
  readonly own: boolean;
  /** He may change it. */
  readonly operated: boolean;
  /** He sees its pictures later than they are taken. */
  readonly heldBack: boolean;
}

/** What of an event has to be judged. */
export interface ToJudge {
  readonly cameraId: string;
  readonly seenBefore: SeenBefore | null;
}

/** What one caller may know of each of several events, in their order. */
export interface Judgement {
  /** null: the camera is hidden from him. */
  readonly now: Sighting | null;
  /** How he could see it before the event; null: as now, or he could not. */
  readonly before: SeenBefore | null;
}

/** Judges at the time of sending who may be told what: one statement for a batch of events and all callers of one scope. */
export class EventAudience {
  constructor(private readonly db: Database) {}

  async judge(scope: ScopedQuery, events: readonly ToJudge[]): Promise<readonly Judgement[]> {
    if (events.length === 0) return [];
    const ids = [...new Set(events.map(({ cameraId }) => cameraId))];
    const before = events.flatMap(({ cameraId, seenBefore }, place) =>
      seenBefore === null ? [] : [{ id: cameraId, place, ...seenBefore }],
    );
    const rows = await run<JudgedRow>(
      this.db,
      sql`
        select null::int as place, c.id, c.authority, c.local_id as "localId", c.version,
               st_x(c.position) as lon, st_y(c.position) as lat, ${isOwn(scope)} as own,
               ${isOperated(scope)} as operated, ${isHeldBack(scope)} as "heldBack"
        from camera c
        where c.id = any(${ids}::uuid[]) and ${isVisible(scope)}
        union all
        select c.place, c.id, c.authority, null, null, c.lon, c.lat, false, false, false
        from jsonb_to_recordset(${JSON.stringify(before)}::jsonb) as c (
          place int, id uuid, authority text, access_level text, lon float8, lat float8)
        where ${isVisible(scope)}`,
    );
    const known = new Map(rows.filter(({ place }) => place === null).map((row) => [row.id, row]));
    const seen = new Set(rows.flatMap(({ place }) => (place === null ? [] : [place])));
    return events.map(({ cameraId, seenBefore }, place) => ({
      now: known.get(cameraId) ?? null,
      before: seen.has(place) ? seenBefore : null,
    }));
  }
}

interface JudgedRow extends Sighting {
  readonly place: number | null;
  readonly id: string;
}
