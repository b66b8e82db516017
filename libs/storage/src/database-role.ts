import type { Duplex } from 'node:stream';
import pg from 'pg';
import type { DataSource } from 'typeorm';

/** Who connects: sizes, timeouts and rights differ (reliability.md REL-6, security.md AUTHZ-2). */
export type Role = 'api' | 'prober' | 'all' | 'migrate';

/** As whom the server lets connections work. */
export interface Standing {
  /** Name of the login. */
  readonly login: string;
  /** Row-level security does not bind it. */
  readonly isMighty: boolean;
  /** The database's role that whole connections take on; null: they stay what their login is. */
  readonly connections: string | null;
  /** The one that transactions on somebody's behalf take on, where connections do not. */
  readonly transactions: string | null;
}

/** Roles of the database by what they do. */
const API = 'sightline_api';
const PROBER = 'sightline_prober';

/** The one session of the embedded database is everybody's, and a superuser's: only its transactions can be less. */
const EMBEDDED: Omit<Standing, 'transactions'> = { login: 'the embedded database', isMighty: false, connections: null };

interface Connecting {
  readonly role: Role;
  readonly url?: string;
  readonly stream?: () => Duplex;
  readonly behindPooler?: boolean;
}

/**
 * Asks the server, over a connection of its own, which role the login may take on. A migrator stays the owner; behind a pooler no connection can
 * be told who it is, and each process has a login of its own instead (running.md).
 */
export async function standingOf({ role, url, stream, behindPooler = false }: Connecting): Promise<Standing | null> {
  if (stream !== undefined) return { ...EMBEDDED, transactions: role === 'all' ? API : null };
  if (role === 'migrate' || behindPooler) return null;
  const wanted = role === 'prober' ? PROBER : API;
  const { login, isMighty, mayTake } = await ask(url, wanted);
  const taken = mayTake ? wanted : null;
  return {
    login,
    isMighty,
    connections: role === 'all' ? null : taken,
    transactions: role === 'all' ? taken : null,
  };
}

interface Answer {
  readonly login: string;
  readonly isMighty: boolean;
  readonly mayTake: boolean;
}

async function ask(url: string | undefined, wanted: string): Promise<Answer> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 5_000, query_timeout: 5_000 });
  try {
    await client.connect();
    // Since 16 a member may hold a role without being let take it on.
    const { rows } = await client.query<Answer>(
      `
      select session_user::text as login, l.rolsuper or l.rolbypassrls as "isMighty",
             exists (
               select from pg_roles r
               where r.rolname = $1
                 and pg_has_role(r.oid, case when current_setting('server_version_num')::int >= 160000 then 'set' else 'member' end))
               as "mayTake"
      from pg_roles l
      where l.rolname = session_user`,
      [wanted],
    );
    if (rows[0] === undefined) throw new Error('bug: a login without a role');
    return rows[0];
  } finally {
    await client.end();
  }
}

/** The role that a transaction on somebody's behalf takes on; null: the connection has the right one. */
export const transactionRoleOf = (db: DataSource): string | null =>
  (db.options as { readonly extra?: { readonly transactionRole?: string | null } }).extra?.transactionRole ?? null;
