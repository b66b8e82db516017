import { type Database, run, sql } from './sql.js';

/**
 * Events of one camera are read in the order of their transactions' numbers (reliability.md REL-5). A writer takes its number with its first
 * lock or write, so one that then waited for a camera's row could commit after another with a greater number, and the older version would be
 * read last. `select for update` alone does not help: whoever waited for a row that was changed takes its number first, and may then wait
 * again for a third who was quicker (PostgreSQL 15, measured with 32 writers). Hence nobody waits for a camera's row at all:
 *
 * - who writes one camera calls `besideOthers` before anything else, and waits there;
 * - who writes many calls `alone`: from then on nobody else holds a row of that authority.
 *
 * Advisory locks take no transaction number, and end with the transaction. Past lock_timeout `transact` throws RequestInFlight.
 */
export class WriteOrder {
  constructor(private readonly tx: Database) {}

  /** For one camera of these authorities, or a new one. Other cameras of theirs are written at the same time. */
  async besideOthers(authorities: readonly string[], cameraId?: string): Promise<void> {
    for (const slug of [...new Set(authorities)].sort()) {
      await run(this.tx, sql`select pg_advisory_xact_lock_shared(hashtext('sightline cameras'), hashtext(${slug}))`);
    }
    if (cameraId === undefined) return;
    await run(this.tx, sql`select pg_advisory_xact_lock(hashtextextended('sightline camera ' || ${cameraId}, 0))`);
  }

  /** For any cameras of one authority, and the authority itself. */
  async alone(authority: string): Promise<void> {
    await run(this.tx, sql`select pg_advisory_xact_lock(hashtext('sightline cameras'), hashtext(${authority}))`);
  }
}
