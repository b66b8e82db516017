import type { AuditEntry, AuditSeal } from '#catalog';
import { ENTRY, SEAL } from './audit-entry.js';
import { type Database, one, run, sql } from './sql.js';

/** A seal, and the entry that it seals; null where that is gone. */
export interface ChainLink {
  readonly seal: AuditSeal;
  readonly entry: AuditEntry | null;
}

/** Entries without a seal. */
export interface Unsealed {
  /** Settled a while ago and still without one, though later ones have theirs: the first. */
  readonly passedOver: AuditEntry | null;
  /** How many wait for theirs. */
  readonly waiting: number;
}

/** The audit as it is verified: read from its beginning, a piece at a time. */
export class AuditChains {
  constructor(private readonly db: Database) {}

  /** Links of a chain beyond one of them, in its order. Rides audit_seal_pkey, then audit_entry_pkey of the one partition. */
  async links(chain: string, afterSeq: number, limit: number): Promise<ChainLink[]> {
    return run<ChainLink>(
      this.db,
      sql`
        select ${SEAL} as seal, e.entry
        from (
          select * from audit_seal
          where chain = ${chain} and seq > ${afterSeq}::bigint
          order by seq
          limit ${limit}) as s
        left join lateral (
          select ${ENTRY} as entry from audit_entry e where e.at = s.at and e.id = s.audit_id) as e on true
        order by s.seq`,
    );
  }

  /** Where a chain is taken up whose entries of before are not looked at: the number of the last of them; 0 without any. */
  async seqBefore(chain: string, at: string): Promise<number> {
    const rows = await run<{ seq: number }>(
      this.db,
      sql`
        select coalesce(max(seq), 0)::float8 as seq
        from audit_seal
        where chain = ${chain} and at < ${at}::timestamptz`,
    );
    return one(rows).seq;
  }

  /** Entries that no seal is of. One statement, so that the sealer cannot be met half way. */
  async unsealed(): Promise<Unsealed> {
    const rows = await run<Unsealed>(
      this.db,
      sql`
        with open as materialized (
          select e.*, (e.generation, e.xid, e.id) <= (f.generation, f.xid::text::xid8, f.entry) as is_passed
          from audit_entry e, audit_feed f
          where not exists (select from audit_seal s where s.audit_id = e.id))
        select (
            select ${ENTRY} from open e where is_passed order by e.generation, e.xid, e.id limit 1) as "passedOver",
          (select count(*)::int from open where not is_passed) as waiting`,
    );
    return one(rows);
  }
}
