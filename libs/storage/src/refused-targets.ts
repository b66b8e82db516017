import type { ScopedQuery } from '#catalog';
import { isVisible } from './camera-answer.js';
import { type Database, run, sql } from './sql.js';

/** What a request that was refused names; whether there is such a thing is not known. */
export interface NamedTarget {
  /** Id of a camera. */
  readonly cameraId: string | null;
  /** Slug of an authority. */
  readonly authority: string | null;
  /** A camera of that authority, by the agency's own id. */
  readonly localId: string | null;
  /** Slug of the authority in which something was to be done; stronger than that of the camera. */
  readonly place: string | null;
}

/** What there is of it. */
export interface RefusedTarget {
  /** Slug of the authority that it concerns. */
  readonly authority: string;
  /** Id of the camera; null where none was named, or there is none. */
  readonly cameraId: string | null;
  /** The caller may not know the camera. */
  readonly isHidden: boolean;
}

/** Tells after the answer what a refused request was about. */
export class RefusedTargets {
  constructor(private readonly db: Database) {}

  /** For each what there is of it, or null. Rides camera_pkey and camera_authority_local_id_key. */
  async find(scope: ScopedQuery, named: readonly NamedTarget[]): Promise<readonly (RefusedTarget | null)[]> {
    const rows = await run<RefusedTarget & { readonly n: number }>(
      this.db,
      sql`
        select t.n, a.slug as authority, c.id as "cameraId", c.id is not null and not ${isVisible(scope)} as "isHidden"
        from jsonb_to_recordset(${JSON.stringify(named.map((one, n) => ({ n, ...one })))}::jsonb) as t (
          n int, "cameraId" uuid, authority text, "localId" text, place text)
        left join lateral (
          select o.id, o.authority, o.access_level from camera o where o.id = t."cameraId"
          union all
          select o.id, o.authority, o.access_level
          from camera o
          where t."cameraId" is null and o.authority = t.authority and o.local_id = t."localId") as c on true
        join authority a on a.slug = coalesce(t.place, c.authority, t.authority)`,
    );
    const found = new Map(rows.map(({ n, ...target }) => [n, target]));
    return named.map((_one, n) => found.get(n) ?? null);
  }
}
