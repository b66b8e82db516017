import type { AuditAction, AuditSubjectKind } from '#catalog';
import { type Database, type Fragment, raw, run, sql } from './sql.js';

/**
 * Writes entries of the audit, as a member of the statement or transaction of the change itself: both happen or neither (security.md AUD-1). Who, when
 * and in which request, the transaction says (`transactAs`).
 * @param entries a query of authority, action, subject_kind, subject_id, before, after
 */
export const audited = (entries: Fragment): Fragment => sql`
  insert into audit_entry (generation, authority, action, subject_kind, subject_id, before, after)
  select (select generation from audit_state), e.authority, e.action, e.subject_kind, e.subject_id, e.before, e.after
  from (${entries}) as e (authority, action, subject_kind, subject_id, before, after)`;

/** No members. */
export const NO_MEMBERS = raw('null::jsonb');

/** What was done, or not, to what. */
export interface AuditNote {
  readonly action: AuditAction;
  readonly subject: { readonly kind: AuditSubjectKind; readonly id: string };
  /** For whom: the authority in whose chain it stands; null beyond authorities. */
  readonly authority: string | null;
  /** The members that changed, as they were and as they are. Never a secret, and no URL beyond its host. */
  readonly before?: object;
  readonly after?: object;
  /** Default `done`. */
  readonly result?: 'done' | 'refused';
  /** Why it was refused. */
  readonly reason?: string;
}

/**
 * The audit, as whoever changes something writes to it: in the transaction of the change, which `transactAs` began.
 *
 *     await transactAs(db, actor, async (tx) => {
 *       const member = await new Members(tx).add(…);
 *       await new Audit(tx).note({
 *         action: 'member.added', authority: member.authority, subject: { kind: 'member', id: member.id }, after: { role: member.role },
 *       });
 *     });
 */
export class Audit {
  constructor(private readonly tx: Database) {}

  /** All or none, in this order. */
  async note(...notes: readonly AuditNote[]): Promise<void> {
    if (notes.length === 0) return;
    const rows = notes.map(({ action, subject, authority, before, after, result = 'done', reason }) => {
      const { kind, id } = subject;
      return { authority, action, subject_kind: kind, subject_id: id, before, after, result, reason };
    });
    await run(
      this.tx,
      sql`
        insert into audit_entry (
          generation, authority, action, subject_kind, subject_id, before, after, result, reason)
        select (select generation from audit_state), n.authority, n.action, n.subject_kind, n.subject_id, n.before, n.after,
               n.result, n.reason
        from rows from (jsonb_to_recordset(${JSON.stringify(rows)}::jsonb) as (
          authority text, action text, subject_kind text, subject_id text, before jsonb, after jsonb, result text, reason text))
          with ordinality as n (authority, action, subject_kind, subject_id, before, after, result, reason, place)
        order by n.place`,
    );
  }

  /**
   * Notes that somebody looked at something, once a clock hour for each principal and subject, by whichever process; again, it does
   * nothing. Rides audit_entry_subject_idx.
   */
  async noteHourly(principal: string, note: AuditNote): Promise<void> {
    const { action, subject } = note;
    await run(
      this.tx,
      sql`select pg_advisory_xact_lock(hashtextextended('sightline seen ' || ${principal} || ' ' || ${subject.id}, 0))`,
    );
    const seen = await run(
      this.tx,
      sql`
        select from audit_entry
        where subject_id = ${subject.id} and at >= date_trunc('hour', now(), 'UTC') and action = ${action}
          and principal = ${principal}
        limit 1`,
    );
    if (seen.length === 0) await this.note(note);
  }
}
