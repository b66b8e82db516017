import {
  type Authority,
  type AuthorityDocument,
  InUse,
  isContactable,
  NotFound,
  type ScopedQuery,
  VersionMismatch,
} from '#catalog';
import { announce, seenAs } from './announce.js';
import { changeNoted, registrationNoted, withdrawalNoted } from './audited-authorities.js';
import { utc } from './moments.js';
import { and, type Database, type Fragment, NOTHING, one, raw, run, sql } from './sql.js';

/** Position in the list of authorities: the last slug seen. */
export interface AuthorityPage {
  readonly limit: number;
  readonly after?: string;
}

/** The row as the contract shows it. */
const ANSWER = raw(`a.document || jsonb_build_object(
    'version', a.version,
    'createdAt', ${utc('a.created_at')},
    'updatedAt', ${utc('a.updated_at')})`);

/** The agencies that answer for cameras. */
export class Authorities {
  constructor(private readonly db: Database) {}

  /** @throws AlreadyRegistered when the slug is taken or was once */
  async add(document: AuthorityDocument): Promise<Authority> {
    const rows = await run<{ authority: Authority }>(
      this.db,
      sql`
        with a as (
          insert into authority (slug, version, document, access_floor)
          values (${document.slug}, 1, ${JSON.stringify(document)}::jsonb, ${document.accessFloor ?? 'public'})
          returning *),
        audited as (${registrationNoted})
        select ${ANSWER} as authority from a`,
    );
    return finished(one(rows).authority);
  }

  /** @throws NotFound */
  async get(slug: string): Promise<Authority> {
    const found = await this.find(slug);
    if (found === null) throw new NotFound(`no authority has the slug ${JSON.stringify(slug)}`);
    return found;
  }

  async find(slug: string): Promise<Authority | null> {
    return this.findBy(sql`a.slug = ${slug}`, NOTHING);
  }

  /** The authority, locked until the transaction ends. @throws NotFound */
  async lock(slug: string): Promise<Authority> {
    const found = await this.findBy(sql`a.slug = ${slug}`, raw('for update'));
    if (found === null) throw new NotFound(`no authority has the slug ${JSON.stringify(slug)}`);
    return found;
  }

  /** The authority, kept as it is until the transaction ends: cameras are judged by its rules. @throws NotFound */
  async hold(slug: string): Promise<Authority> {
    const found = await this.findBy(sql`a.slug = ${slug}`, raw('for share'));
    if (found === null) throw new NotFound(`no authority has the slug ${JSON.stringify(slug)}`);
    return found;
  }

  private async findBy(condition: Fragment, lock: Fragment): Promise<Authority | null> {
    const rows = await run<{ authority: Authority }>(
      this.db,
      sql`
        select ${ANSWER} as authority
        from authority a
        where a.withdrawn_at is null and ${condition}
        ${lock}`,
    );
    return rows[0] === undefined ? null : finished(rows[0].authority);
  }

  /** In the order of slugs. */
  async search({ limit, after }: AuthorityPage): Promise<Authority[]> {
    const conditions = [raw('a.withdrawn_at is null'), ...(after === undefined ? [] : [sql`a.slug > ${after}`])];
    const rows = await run<{ authority: Authority }>(
      this.db,
      sql`
        select ${ANSWER} as authority
        from authority a
        where ${and(conditions)}
        order by a.slug
        limit ${limit}`,
    );
    return rows.map(({ authority }) => finished(authority));
  }

  /**
   * Replaces the document and brings its cameras under a new floor.
   * @param dialsAnew its network, or how often its cameras are asked, is another
   * @throws VersionMismatch when somebody else was faster
   */
  async replace(
    document: AuthorityDocument,
    version: number,
    { dialsAnew }: { readonly dialsAnew: boolean },
  ): Promise<Authority> {
    const floor = document.accessFloor ?? 'public';
    const rows = await run<{ authority: Authority }>(
      this.db,
      sql`
        with before as (select slug, document from authority where slug = ${document.slug}),
        a as (
          update authority
          set document = ${JSON.stringify(document)}::jsonb, version = version + 1, access_floor = ${floor},
              updated_at = now()
          where slug = ${document.slug} and version = ${version} and withdrawn_at is null
          returning *),
        audited as (${changeNoted})
        select ${ANSWER} as authority from a`,
    );
    if (rows[0] === undefined) throw new VersionMismatch('the authority was changed meanwhile', version);
    await this.settleLevels(document.slug);
    if (dialsAnew) await this.dialAnew(document.slug);
    return finished(rows[0].authority);
  }

  /**
   * Access levels never lie above the floor. Events tell of it, though no document changes: whoever may know a camera no more has to hear that.
   * The rows cannot be waited for, since the authority's writer is alone (`WriteOrder`).
   */
  private async settleLevels(slug: string): Promise<void> {
    await run(
      this.db,
      sql`
        with before as materialized (
          select c.id, c.version, ${EFFECTIVE_LEVEL} as level, ${seenAs(raw('c'))} as seen
          from camera c
          join authority a on a.slug = c.authority
          where c.authority = ${slug} and c.access_level is distinct from ${EFFECTIVE_LEVEL}),
        announced as (${announce(sql`
          select 'camera.changed', id, version, '{}'::jsonb, seen from before order by id`)})
        update camera c
        set access_level = b.level
        from before b
        where c.id = b.id`,
    );
  }

  /** Whatever is dialled is dialled anew, under the new network. */
  private async dialAnew(slug: string): Promise<void> {
    await run(
      this.db,
      sql`
        update probe_lease l
        set due_at = now(), epoch = epoch + 1, config_version = config_version + 1, lease_until = null
        from camera c
        where c.id = l.camera_id and c.authority = ${slug}`,
    );
  }

  /**
   * Withdraws an authority; its slug stays taken.
   * @throws InUse while it has cameras that are not retired
   */
  async withdraw(slug: string): Promise<void> {
    const cameras = await run(
      this.db,
      sql`select from camera where authority = ${slug} and lifecycle <> 'retired' limit 1`,
    );
    if (cameras.length > 0) throw new InUse(`${slug} still has cameras; retire them first`);
    await run(
      this.db,
      sql`
        with a as (
          update authority set withdrawn_at = now(), version = version + 1 where slug = ${slug}
          returning *)
        ${withdrawalNoted}`,
    );
  }
}

/** The stricter of the camera's own level and its authority's floor; needs `c` and `a`. */
const EFFECTIVE_LEVEL = raw(`case
  when a.access_floor = 'restricted' or c.document #>> '{access,level}' = 'restricted' then 'restricted'
  when a.access_floor = 'agency' or c.document #>> '{access,level}' = 'agency' then 'agency'
  else 'public' end`);

const finished = (authority: Authority): Authority => ({ ...authority, contactable: isContactable(authority) });

/**
 * The authority as this caller may read it (security.md, "Authorisation").
 * @param administers whether he is an administrator of it
 */
export function authorityFor(authority: Authority, { own, levels }: ScopedQuery, administers: boolean): Authority {
  const { network: _network, ...open } = authority;
  const shown = administers ? authority : open;
  const isOwn = own === 'all' || own.includes(authority.slug);
  if (isOwn || levels.includes('agency') || authority.contacts === undefined) return shown;
  return { ...shown, contacts: authority.contacts.map(({ role, name, hours }) => pick({ role, name, hours })) };
}

const pick = <T extends object>(members: T): T =>
  Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined)) as T;
