import { type AccessRequest, type AccessRequestState, AlreadyDecided, AlreadyRegistered } from '#catalog';
import type { Reach } from './reach.js';
import { Audit, type AuditNote } from './audit-notes.js';
import { seenBy } from './grants.js';
import { utc } from './moments.js';
import { and, type Database, type Fragment, one, raw, run, sql } from './sql.js';

/** A request to keep. */
export interface NewAccessRequest {
  /** UUIDv7. */
  readonly id: string;
  /** Slug of the authority whose cameras they are. */
  readonly owner: string;
  /** Id of the one camera; null: all of the owner. */
  readonly camera: string | null;
  readonly grantee: string;
  readonly purpose: string;
  /** RFC 3339. */
  readonly until: string;
  readonly reason: string;
  readonly createdBy: string;
}

/** Which requests a caller sees: those that these authorities were asked, and those that were made for these. */
export interface RequestsWithin {
  readonly asked: Reach;
  readonly asking: Reach;
}

/** A piece of the list of requests, in the order of their making. */
export interface AccessRequestPage {
  readonly limit: number;
  /** The last id seen. */
  readonly after?: string;
  readonly within: RequestsWithin;
}

/** How a request ends. */
export interface Settlement {
  readonly state: Exclude<AccessRequestState, 'pending'>;
  readonly by: string;
  readonly answer: string | null;
  /** Id of the grant that was made of it. */
  readonly grant: string | null;
}

const ANSWER = raw(`jsonb_strip_nulls(jsonb_build_object(
    'id', r.id,
    'camera', r.camera_id,
    'authority', case when r.camera_id is null then r.authority end,
    'grantee', r.grantee,
    'purpose', r.purpose,
    'until', ${utc('r.until')},
    'reason', r.reason,
    'owner', r.authority,
    'state', r.state,
    'createdBy', r.created_by,
    'createdAt', ${utc('r.created_at')}))
    || jsonb_build_object(
      'decidedAt', ${utc('r.decided_at')}, 'decidedBy', r.decided_by, 'answer', r.answer, 'grant', r.grant_id)`);

/** Access that one authority asks another for. A request is pending until it is granted, refused or withdrawn, and then stays as it is. */
export class AccessRequests {
  constructor(private readonly db: Database) {}

  /** @throws AlreadyRegistered while the same is asked for the same authority */
  async add(request: NewAccessRequest): Promise<AccessRequest> {
    const { id, owner, camera, grantee, purpose, until, reason, createdBy } = request;
    const pending = await this.pendingLike(request);
    if (pending !== null) {
      throw new AlreadyRegistered(
        'the same is asked for already, and not decided yet',
        `/v1/access-requests/${pending}`,
      );
    }
    const rows = await run<{ request: AccessRequest }>(
      this.db,
      sql`
        with r as (
          insert into access_request (id, authority, camera_id, grantee, purpose, until, reason, created_by)
          values (${id}::uuid, ${owner}, ${camera}::uuid, ${grantee}, ${purpose}, ${until}::timestamptz, ${reason},
                  ${createdBy})
          returning *)
        select ${ANSWER} as request from r`,
    );
    const made = one(rows).request;
    await new Audit(this.db).note(...notesOf('access_request.made', made));
    return made;
  }

  private async pendingLike({ owner, camera, grantee }: NewAccessRequest): Promise<string | null> {
    const rows = await run<{ id: string }>(
      this.db,
      sql`
        select r.id
        from access_request r
        where r.state = 'pending' and r.grantee = ${grantee} and r.authority = ${owner}
          and r.camera_id is not distinct from ${camera}::uuid`,
    );
    return rows[0]?.id ?? null;
  }

  async list({ limit, after, within }: AccessRequestPage): Promise<AccessRequest[]> {
    const conditions = [seen(within), ...(after === undefined ? [] : [sql`r.id > ${after}::uuid`])];
    const rows = await run<{ request: AccessRequest }>(
      this.db,
      sql`
        select ${ANSWER} as request
        from access_request r
        where ${and(conditions)}
        order by r.id
        limit ${limit}`,
    );
    return rows.map(({ request }) => request);
  }

  /** One of these requests, or null: one of others is as good as none. */
  async find(id: string, within: RequestsWithin): Promise<AccessRequest | null> {
    const rows = await run<{ request: AccessRequest }>(
      this.db,
      sql`
        select ${ANSWER} as request
        from access_request r
        where r.id = ${id}::uuid and ${seen(within)}`,
    );
    return rows[0]?.request ?? null;
  }

  /** Ends a pending request; of two who do so at once the second finds it ended. @throws AlreadyDecided */
  async settle(id: string, { state, by, answer, grant }: Settlement): Promise<AccessRequest> {
    const rows = await run<{ request: AccessRequest }>(
      this.db,
      sql`
        with r as (
          update access_request r
          set state = ${state}, decided_at = now(), decided_by = ${by}, answer = ${answer}::text, grant_id = ${grant}::uuid
          where r.id = ${id}::uuid and r.state = 'pending'
          returning *)
        select ${ANSWER} as request from r`,
    );
    if (rows[0] === undefined) throw new AlreadyDecided('this request was granted, refused or withdrawn already');
    await new Audit(this.db).note(...notesOf(`access_request.${state}`, rows[0].request));
    return rows[0].request;
  }
}

/** Both sides have it in their audit. */
function notesOf(action: AuditNote['action'], request: AccessRequest): readonly AuditNote[] {
  const { id, owner, camera, authority, grantee = '', purpose, until, reason, answer, grant } = request;
  const after = { owner, camera, authority, grantee, purpose, until, reason, answer, grant };
  return [owner, grantee].map((side) => ({ action, authority: side, subject: { kind: 'access_request', id }, after }));
}

const seen = ({ asked, asking }: RequestsWithin): Fragment => seenBy(raw('r'), asked, asking);
