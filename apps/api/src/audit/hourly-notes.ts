import type { DataSource } from 'typeorm';
import type { Actor } from '#catalog';
import { Audit, type AuditNote, transactAs } from '#storage';

/** Notes remembered at most; beyond it all are forgotten, which only costs queries. */
const MAX_REMEMBERED = 10_000;
const HOUR_MS = 3_600_000;

/**
 * Notes that somebody looked at something: at most once a clock hour for each principal and subject, or looking would write more than changing does.
 * The entry comes before the look: what cannot be noted is not shown (security.md AUD-1).
 */
export class HourlyNotes {
  private readonly remembered = new Map<string, number>();

  constructor(
    private readonly db: DataSource,
    /** Unix time, milliseconds. */
    private readonly now: () => number = Date.now,
  ) {}

  async note(actor: Actor, note: AuditNote): Promise<void> {
    const hour = Math.floor(this.now() / HOUR_MS);
    const what = JSON.stringify([actor.principal, note.action, note.subject.id]);
    if (this.remembered.get(what) === hour) return;
    await transactAs(this.db, actor, (tx) => new Audit(tx).noteHourly(actor.principal, note));
    if (this.remembered.size >= MAX_REMEMBERED) this.remembered.clear();
    this.remembered.set(what, hour);
  }
}
