import type { AuditEntry, AuditSeal, ChainHead } from '#catalog';
import { ENTRY } from './audit-entry.js';
import { type Database, one, raw, run, sql } from './sql.js';

/** Entries that wait for their seal, in the order in which they are sealed. */
export interface SettledEntries {
  readonly entries: readonly AuditEntry[];
  /** More are settled already. */
  readonly isFull: boolean;
}

interface Place {
  readonly generation: number;
  readonly xid: string;
  readonly id: string;
}

/** Keeps the seals of the audit (security.md AUD-3). To seal is `alone`, `next`, `heads`, `keep`, in one transaction. */
export class AuditSeals {
  constructor(private readonly db: Database) {}

  /** Whether nobody else seals until this transaction ends. */
  async alone(): Promise<boolean> {
    const rows = await run<{ isAlone: boolean }>(
      this.db,
      raw(`select pg_try_advisory_xact_lock(hashtext('sightline audit seals')) as "isAlone"`),
    );
    return one(rows).isAlone;
  }

  /**
   * Settled entries beyond those sealed: of transactions that all older ones have ended before, so that none is ever put in between later
   * (reliability.md REL-5). A generation that is over ends at the beginning of the next. Rides audit_entry_order_idx of each partition.
   */
  async next(limit: number): Promise<SettledEntries> {
    const entries = await this.settled(limit);
    if (entries.length > 0) return { entries, isFull: entries.length === limit };
    const passed = await run(
      this.db,
      raw(`
        update audit_feed f set generation = f.generation + 1, xid = 0, entry = 0
        from audit_state s
        where f.generation < s.generation
        returning true as passed`),
    );
    return passed.length === 0 ? { entries: [], isFull: false } : this.next(limit);
  }

  /** The place is stated in numbers: PostgreSQL cannot tell how few entries lie beyond one that it reads itself, and reads all. */
  private async settled(limit: number): Promise<AuditEntry[]> {
    const { generation, xid, id } = await this.sealedUpTo();
    const rows = await run<{ entry: AuditEntry }>(
      this.db,
      sql`
        select ${ENTRY} as entry
        from (
          select e.*
          from audit_entry e
          where e.generation = ${generation}::int and (e.xid, e.id) > (${xid}::xid8, ${id}::bigint)
            and (e.generation < (select generation from audit_state) or e.xid < pg_snapshot_xmin(pg_current_snapshot()))
            -- Whatever somebody did to the feed, nothing is sealed twice.
            and not exists (select from audit_seal where audit_id = e.id)
          order by e.xid, e.id
          limit ${limit}) as e
        order by e.xid, e.id`,
    );
    return rows.map(({ entry }) => entry);
  }

  private async sealedUpTo(): Promise<Place> {
    return one(
      await run<Place>(this.db, raw('select generation, xid::text as xid, entry::text as id from audit_feed')),
    );
  }

  /** The last seal of each of these chains that has one; of all chains where none is named. */
  async heads(chains?: readonly string[]): Promise<ChainHead[]> {
    const wanted = chains === undefined ? raw(CHAINS) : sql`select * from unnest(${chains}::text[]) as c (chain)`;
    return run<ChainHead>(
      this.db,
      sql`
        with ${chains === undefined ? raw('recursive') : raw('')} c as (${wanted})
        select c.chain, s.seq::float8 as seq, encode(s.hash, 'hex') as hash
        from c
        cross join lateral (
          select seq, hash from audit_seal where chain = c.chain order by seq desc limit 1) as s
        order by c.chain collate "C"`,
    );
  }

  /** Keeps seals of entries in the order in which `next` gave them. */
  async keep(sealed: readonly (AuditSeal & { readonly entry: AuditEntry })[]): Promise<void> {
    const last = sealed.at(-1);
    if (last === undefined) return;
    const rows = sealed.map(({ entry, ...seal }) => ({ ...seal, at: entry.at, audit_id: placeOf(entry).id }));
    const { generation, xid, id } = placeOf(last.entry);
    await run(
      this.db,
      sql`
        with passed as (
          update audit_feed set generation = ${generation}::int, xid = ${xid}::bigint, entry = ${id}::bigint)
        insert into audit_seal (audit_id, at, chain, seq, prev_hash, hash)
        select r.audit_id, r.at, r.chain, r.seq, decode(r.prev, 'hex'), decode(r.hash, 'hex')
        from jsonb_to_recordset(${JSON.stringify(rows)}::jsonb) as r (
          audit_id bigint, at timestamptz, chain text, seq bigint, prev text, hash text)`,
    );
  }

  /** Age of the oldest entry without a seal, seconds; 0 without one. */
  async unsealedS(): Promise<number> {
    const { generation, xid, id } = await this.sealedUpTo();
    const rows = await run<{ unsealedS: number }>(
      this.db,
      sql`
        select extract(epoch from clock_timestamp() - e.at)::float8 as "unsealedS"
        from audit_entry e
        where (e.generation, e.xid, e.id) > (${generation}::int, ${xid}::xid8, ${id}::bigint)
        order by e.generation, e.xid, e.id
        limit 1`,
    );
    return Math.max(0, rows[0]?.unsealedS ?? 0);
  }

  /** How far every chain has come, and the name of this registry in checkpoints. */
  async state(): Promise<{ readonly registry: string; readonly chains: readonly ChainHead[] }> {
    const { registry } = one(await run<{ registry: string }>(this.db, raw('select registry from audit_state')));
    return { registry, chains: await this.heads() };
  }

  /**
   * At the start of a process, as that of the outbox: begins a new generation where transaction numbers of entries lie ahead of this server's. Not
   * within a transaction.
   */
  async renewGeneration(): Promise<boolean> {
    return one(await run<{ renewed: boolean }>(this.db, raw('select renew_audit_generation() as renewed'))).renewed;
  }
}

/** Names of all chains, each found by one descent of audit_seal_pkey: there are few chains and many seals. */
const CHAINS = `
          (select chain from audit_seal order by chain limit 1)
          union all
          select (select s.chain from audit_seal s where s.chain > c.chain order by s.chain limit 1) from c where c.chain is not null`;

function placeOf({ id }: Pick<AuditEntry, 'id'>): Place {
  const [generation = '', xid = '', entry = ''] = id.split('.');
  return { generation: Number(generation), xid, id: entry };
}
