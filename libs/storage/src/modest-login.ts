import type { DataSource } from 'typeorm';
import { UnfitDatabase } from './data-source.js';
import { one, run, sql } from './sql.js';

/** What would let a login pass by the rules. */
interface Might {
  readonly login: string;
  readonly bypasses: boolean;
  readonly owns: boolean;
  /** It may take on the role of the API and that of the prober. */
  readonly isBoth: boolean;
}

/**
 * In production nobody connects as one who could pass by row-level security: a superuser, one with BYPASSRLS, the owner of any of our tables, or
 * a member of such a role, who could become it (security.md AUTHZ-2). It is the login that counts, not the role that it took on.
 * @param options.mayOwn for the process that migrates and serves in one: row-level security binds owners too
 * @returns what is allowed and still unwise, in one sentence; null for nothing
 * @throws UnfitDatabase
 */
export async function requireModestLogin(
  db: DataSource,
  { mayOwn = false }: { readonly mayOwn?: boolean } = {},
): Promise<string | null> {
  const { login, bypasses, owns, isBoth } = one(
    await run<Might>(
      db,
      sql`
        select session_user::text as login,
               exists (
                 select from pg_roles where (rolsuper or rolbypassrls) and pg_has_role(session_user, oid, 'member'))
                 as bypasses,
               exists (
                 select from pg_class c
                 where c.relnamespace = current_schema()::regnamespace and c.relkind in ('r', 'p')
                   and pg_has_role(session_user, c.relowner, 'member')
                   -- Those of PostGIS are nobody's secret.
                   and not exists (select from pg_depend d where d.objid = c.oid and d.deptype = 'e')) as owns,
               (select count(*) = 2 from pg_roles
                where rolname in ('sightline_api', 'sightline_prober') and pg_has_role(session_user, oid, 'member'))
                 as "isBoth"`,
    ),
  );
  const why = bypasses ? 'is superuser or may bypass row security' : owns && !mayOwn ? 'owns the tables' : null;
  if (why !== null) {
    const cure = 'Use a login that is a member of sightline_api or sightline_prober only.';
    throw new UnfitDatabase(`In production the login ${login} may not serve, since it ${why}. ${cure}`);
  }
  if (!isBoth || mayOwn) return null;
  return `the database login ${login} is a member of sightline_api and of sightline_prober: give each process one of its own`;
}
