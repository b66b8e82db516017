import type { Grant } from '#catalog';
import type { Reach } from './reach.js';
import { Audit, type AuditNote } from './audit-notes.js';
import { utc } from './moments.js';
import { and, type Database, type Fragment, one, raw, run, sql } from './sql.js';

/** A grant to keep. */
export interface NewGrant {
  /** UUIDv7. */
  readonly id: string;
  /** Slug of the authority whose cameras they are. */
  readonly owner: string;
  /** Id of the one camera; null: all of the owner. */
  readonly camera: string | null;
  readonly grantee: string;
  /** RFC 3339. */
  readonly until: string;
  readonly reason: string;
  readonly createdBy: string;
}

/** Which grants a caller sees: those that these authorities gave, and those that these were given. */
export interface GrantsWithin {
  readonly given: Reach;
  readonly received: Reach;
}

/** A piece of the list of grants, in the order of their making. */
export interface GrantPage {
  readonly limit: number;
  /** The last id seen. */
  readonly after?: string;
  readonly within: GrantsWithin;
}

const ANSWER = raw(`jsonb_strip_nulls(jsonb_build_object(
    'id', g.id,
    'camera', g.camera_id,
    'authority', case when g.camera_id is null then g.authority end,
    'grantee', g.grantee,
    'until', ${utc('g.until')},
    'reason', g.reason,
    'owner', g.authority,
    'state', case when g.ended_at is not null then 'ended' when g.until <= now() then 'expired' else 'live' end,
    'createdBy', g.created_by,
    'createdAt', ${utc('g.created_at')}))
    || jsonb_build_object('endedAt', ${utc('g.ended_at')}, 'endedBy', g.ended_by)`);

/** Access that one authority gives another. A grant is never changed, only ended; one that is over lets nobody in, and stays to be read. */
export class Grants {
  constructor(private readonly db: Database) {}

  async add({ id, owner, camera, grantee, until, reason, createdBy }: NewGrant): Promise<Grant> {
    const rows = await run<{ grant: Grant }>(
      this.db,
      sql`
        with g as (
          insert into access_grant (id, authority, camera_id, grantee, until, reason, created_by)
          values (${id}::uuid, ${owner}, ${camera}::uuid, ${grantee}, ${until}::timestamptz, ${reason}, ${createdBy})
          returning *)
        select ${ANSWER} as grant from g`,
    );
    const { grant } = one(rows);
    await new Audit(this.db).note(...notesOf('grant.made', grant));
    return grant;
  }

  async list({ limit, after, within }: GrantPage): Promise<Grant[]> {
    const conditions = [seen(within), ...(after === undefined ? [] : [sql`g.id > ${after}::uuid`])];
    const rows = await run<{ grant: Grant }>(
      this.db,
      sql`
        select ${ANSWER} as grant
        from access_grant g
        where ${and(conditions)}
        order by g.id
        limit ${limit}`,
    );
    return rows.map(({ grant }) => grant);
  }

  /** One of these grants, or null: one of others is as good as none. */
  async find(id: string, within: GrantsWithin): Promise<Grant | null> {
    const rows = await run<{ grant: Grant }>(
      this.db,
      sql`
        select ${ANSWER} as grant
        from access_grant g
        where g.id = ${id}::uuid and ${seen(within)}`,
    );
    return rows[0]?.grant ?? null;
  }

  /** Ends a grant at once; one that is over stays as it is. */
  async end(id: string, by: string): Promise<void> {
    const rows = await run<{ grant: Grant }>(
      this.db,
      sql`
        with g as (
          update access_grant g set ended_at = now(), ended_by = ${by}
          where g.id = ${id}::uuid and g.ended_at is null and g.until > now()
          returning *)
        select ${ANSWER} as grant from g`,
    );
    for (const { grant } of rows) await new Audit(this.db).note(...notesOf('grant.ended', grant));
  }
}

/** Both sides have it in their audit. */
function notesOf(action: 'grant.made' | 'grant.ended', grant: Grant): readonly AuditNote[] {
  const { id, owner, camera, authority, grantee, until, reason } = grant;
  const members = { owner, camera, authority, grantee, until, reason };
  const shown = action === 'grant.made' ? { after: members } : { before: members };
  return [owner, grantee].map((side) => ({ action, authority: side, subject: { kind: 'grant', id }, ...shown }));
}

/** Of the row by this name: it is given by, or to, one of these. */
export function seenBy(row: Fragment, owners: Reach, grantees: Reach): Fragment {
  if (owners === 'all' || grantees === 'all') return raw('true');
  return sql`(${row}.authority = any(${owners}::text[]) or ${row}.grantee = any(${grantees}::text[]))`;
}

const seen = ({ given, received }: GrantsWithin): Fragment => seenBy(raw('g'), given, received);
