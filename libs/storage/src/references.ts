import type {
  KnownService,
  Light,
  Mobility,
  PrivacyMaskDocument,
  ReferenceSource,
  ReferenceView,
  ScopedQuery,
  ViewDocument,
} from '#catalog';
import { NotFound } from '#catalog';
import { IS_STALE, isVisible } from './camera-answer.js';
import { audited, NO_MEMBERS } from './audit-notes.js';
import { utc } from './moments.js';
import { type Database, type Fragment, one, raw, run, sql } from './sql.js';

/** A picture that is to be the reference from now on, as a prober took it by itself. */
export interface ProposedReference {
  /** As the reference was read; 0 without one. */
  readonly revision: number;
  /** Fingerprint of what decides what the picture shows. */
  readonly of: string;
  readonly light: Light;
  readonly view: ReferenceView;
}

/** The present picture of a camera, and what decides what it shows. */
export interface PresentPicture {
  readonly authority: string;
  readonly mobility: Mobility;
  readonly position: readonly [lon: number, lat: number];
  readonly services: readonly KnownService[];
  readonly view: ViewDocument | null;
  readonly masks: readonly PrivacyMaskDocument[];
  readonly frameKey: string | null;
  /** RFC 3339 UTC. */
  readonly capturedAt: string | null;
  /** Null without a picture. */
  readonly isStale: boolean | null;
  /** Fingerprint of what decided what it shows, when it was stored. */
  readonly of: string | null;
}

/** A reference that a person accepted. */
export interface AcceptedReference {
  /** RFC 3339 UTC. */
  readonly acceptedAt: string;
  readonly acceptedBy: string;
  readonly source: ReferenceSource;
}

/** The reference of the camera `c`, in the shape of `Reference`; null without one. */
export const referenceOf = (): Fragment =>
  raw(`(
    select jsonb_build_object(
      'revision', f.revision, 'of', f.fingerprint, 'source', f.source, 'acceptedAt', ${utc('f.accepted_at')}, 'views', f.views)
    from camera_reference f where f.camera_id = c.id)`);

/**
 * Member of the statement that keeps results: references that were taken by themselves. One that was changed since it was read stays. Beside the results `r` it needs
 * `held`, the leases that count.
 */
export const keepReferences = (): Fragment =>
  raw(`
        referred as (
          insert into camera_reference as f (camera_id, revision, fingerprint, source, accepted_at, views)
          select r.camera_id, (r.reference ->> 'revision')::int + 1, r.reference ->> 'of', 'automatic', r.checked_at,
                 jsonb_build_object(r.reference ->> 'light', r.reference -> 'view')
          from r
          join held on held.camera_id = r.camera_id and held.epoch = r.epoch
          where r.reference is not null
          on conflict on constraint camera_reference_pkey do update
          set revision = excluded.revision, fingerprint = excluded.fingerprint,
              source = case when f.fingerprint = excluded.fingerprint then f.source else 'automatic' end,
              accepted_at = case when f.fingerprint = excluded.fingerprint then f.accepted_at else excluded.accepted_at end,
              accepted_by = case when f.fingerprint = excluded.fingerprint then f.accepted_by end,
              views = case when f.fingerprint = excluded.fingerprint then f.views || excluded.views else excluded.views end
          where f.revision = excluded.revision - 1),`);

/** What pictures of cameras are compared with. */
export class References {
  constructor(private readonly db: Database) {}

  /** @throws NotFound */
  async present(id: string, scope: ScopedQuery): Promise<PresentPicture> {
    const rows = await run<PresentPicture>(
      this.db,
      sql`
        select c.authority, c.mobility, c.document #> '{location,coordinates}' as position,
               c.document -> 'services' as services, c.document -> 'view' as view,
               coalesce(c.document #> '{access,privacyMasks}', '[]') as masks,
               h.frame_key as "frameKey", ${raw(utc('h.captured_at'))} as "capturedAt", ${IS_STALE} as "isStale",
               h.memory #>> '{stored,of}' as of
        from camera c
        join camera_health h on h.camera_id = c.id
        where c.id = ${id}::uuid and ${isVisible(scope)}`,
    );
    if (rows[0] === undefined) throw new NotFound(`no camera has the id ${id}`);
    return rows[0];
  }

  /** A person accepts a picture as the reference in its light; what was known in other lights goes. */
  async accept(
    id: string,
    { of, light, view, by }: Omit<ProposedReference, 'revision'> & { readonly by: string },
  ): Promise<AcceptedReference> {
    const rows = await run<AcceptedReference>(
      this.db,
      sql`
        with f as (
          insert into camera_reference as f (camera_id, fingerprint, source, accepted_by, views)
          values (${id}::uuid, ${of}, 'operator', ${by}, ${JSON.stringify({ [light]: view })}::jsonb)
          on conflict on constraint camera_reference_pkey do update
          set revision = f.revision + 1, fingerprint = excluded.fingerprint, source = 'operator', accepted_at = now(),
              accepted_by = excluded.accepted_by, views = excluded.views
          returning *),
        audited as (${audited(sql`
          select c.authority, 'reference.accepted', 'camera', c.id::text, ${NO_MEMBERS},
                 jsonb_build_object('light', ${light}::text, 'capturedAt', ${view.capturedAt}::text)
          from f
          join camera c on c.id = f.camera_id`)})
        select ${raw(utc('f.accepted_at'))} as "acceptedAt", f.accepted_by as "acceptedBy", f.source from f`,
    );
    return one(rows);
  }
}
