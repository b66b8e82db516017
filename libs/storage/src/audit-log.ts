import type { AuditAction, AuditEntry, AuditSeal } from '#catalog';
import { ENTRY, SEAL } from './audit-entry.js';
import type { Reach } from './reach.js';
import { and, type Database, type Fragment, raw, run, sql } from './sql.js';

/** Which entries are asked for. */
export interface AuditSearch {
  readonly authority?: readonly string[];
  readonly principal?: readonly string[];
  readonly action?: readonly AuditAction[];
  /** Id of what it was done to. */
  readonly subject?: string;
  /** RFC 3339, inclusive. */
  readonly from?: string;
  /** RFC 3339, exclusive. */
  readonly to?: string;
}

/** A piece of the list, newest first. */
export interface AuditPage extends AuditSearch {
  readonly limit: number;
  /** Behind this one; as `placeOf` says. */
  readonly after?: string;
  /** Whose entries the caller may read; those beyond authorities only with `all`. */
  readonly within: Reach;
}

/** An entry with its seal, null while it has none. */
export type ListedEntry = AuditEntry & { readonly seal: AuditSeal | null };

/** Reads the audit. */
export class AuditLog {
  constructor(private readonly db: Database) {}

  /** Rides audit_entry_pkey of each partition backwards, or the index of the authority or the subject. */
  async list({ limit, after, within, ...search }: AuditPage): Promise<ListedEntry[]> {
    const rows = await run<{ entry: AuditEntry; seal: AuditSeal | null }>(
      this.db,
      sql`
        select ${ENTRY} as entry, ${SEAL} as seal
        from audit_entry e
        left join audit_seal s on s.audit_id = e.id
        where ${and([...conditionsOf(search), ...reachOf(within), ...placeAfter(after)])}
        order by e.at desc, e.id desc
        limit ${limit}`,
    );
    return rows.map(({ entry, seal }) => ({ ...entry, seal }));
  }
}

/** Place of an entry in the list. */
export const placeOf = ({ at, id }: Pick<AuditEntry, 'at' | 'id'>): string => `${at} ${id.split('.').at(-1)}`;

function placeAfter(place: string | undefined): readonly Fragment[] {
  if (place === undefined) return [];
  const [at, id] = place.split(' ');
  return [sql`(e.at, e.id) < (${at}::timestamptz, ${id}::bigint)`];
}

const reachOf = (within: Reach): readonly Fragment[] =>
  within === 'all' ? [] : [sql`e.authority = any(${within}::text[])`];

function conditionsOf({ authority, principal, action, subject, from, to }: AuditSearch): readonly Fragment[] {
  return [
    ...(authority === undefined ? [] : [sql`e.authority = any(${authority}::text[])`]),
    ...(principal === undefined ? [] : [sql`e.principal = any(${principal}::text[])`]),
    ...(action === undefined ? [] : [sql`e.action = any(${action}::text[])`]),
    ...(subject === undefined ? [] : [sql`e.subject_id = ${subject}`]),
    ...(from === undefined ? [] : [sql`e.at >= ${from}::timestamptz`]),
    ...(to === undefined ? [] : [sql`e.at < ${to}::timestamptz`]),
    raw('true'),
  ];
}
