import { IdempotencyKeyReused } from '#catalog';
import { type Database, one, raw, run, sql } from './sql.js';

/** What was answered, as it is sent again. */
export interface StoredAnswer {
  /** 2xx: only what went well is kept. */
  readonly status: number;
  /** Such as `Location` and `ETag`. */
  readonly headers: Readonly<Record<string, string>>;
  /** The body's text, without secrets (they are null in a replay); null = none. */
  readonly body: string | null;
}

/** How long an answer is kept; published (api.md, "Writes"). */
const KEPT = raw(`interval '24 hours'`);

/** Rows that one sweep deletes at most, so that it stays short. */
const SWEEP = 1_000;

/**
 * Answers to requests with an `Idempotency-Key`, per principal. `begin`, the effect and `finish` are one transaction: the row
 * and the effect come to be together, and a refusal takes both back, so that only 2xx are kept. A second request with the
 * key waits in `begin` for the first, since both insert the same unique value; past `lock_timeout` (2 s) the server gives
 * up with 55P03, which `transact` turns into RequestInFlight.
 *
 * `begin` comes first in its transaction, and for POSTs that create: it takes a transaction number, with which nobody may
 * wait for a camera's row (reliability.md REL-5).
 */
export class IdempotentAnswers {
  constructor(private readonly tx: Database) {}

  /**
   * @param fingerprint SHA-256 of method, path, query and body
   * @returns the answer to send again; or null: do it now, then `finish`
   * @throws IdempotencyKeyReused when the key stands for other content
   */
  async begin(principal: string, key: string, fingerprint: Buffer): Promise<StoredAnswer | null> {
    // An answer past its time that no sweep has met yet is overwritten, as if it were gone.
    const begun = await run(
      this.tx,
      sql`
        insert into idempotent_answer (principal, key, fingerprint)
        values (${principal}, ${key}, ${fingerprint}::bytea)
        on conflict on constraint idempotent_answer_pkey do update
        set fingerprint = excluded.fingerprint, status = null, headers = null, body = null, created_at = now()
        where idempotent_answer.created_at < now() - ${KEPT}
        returning true as begun`,
    );
    if (begun.length > 0) return null;
    const kept = one(
      await run<Omit<StoredAnswer, 'status'> & { readonly fingerprint: Buffer; readonly status: number | null }>(
        this.tx,
        sql`
          select fingerprint, status, headers, body
          from idempotent_answer
          where principal = ${principal} and key = ${key}`,
      ),
    );
    if (!fingerprint.equals(kept.fingerprint)) {
      throw new IdempotencyKeyReused('this Idempotency-Key stands for another request; use a new one for each');
    }
    const { status, headers, body } = kept;
    if (status === null) throw new Error('bug: a request with an Idempotency-Key was committed unfinished');
    return { status, headers, body };
  }

  /** Keeps the answer of the request that `begin` let in, before the same transaction ends. */
  async finish(principal: string, key: string, { status, headers, body }: StoredAnswer): Promise<void> {
    const finished = await run(
      this.tx,
      sql`
        update idempotent_answer
        set status = ${status}, headers = ${JSON.stringify(headers)}::jsonb, body = ${body}::text
        where principal = ${principal} and key = ${key} and status is null
        returning true as finished`,
    );
    if (finished.length === 0) throw new Error('bug: finish without begin');
  }

  /**
   * Deletes answers past their time, oldest first, a thousand at most. Rides idempotent_answer_created_idx.
   * @returns how many; a thousand = there may be more
   */
  async sweep(): Promise<number> {
    const swept = await run(
      this.tx,
      sql`
        with old as materialized (
          select principal, key from idempotent_answer
          where created_at < now() - ${KEPT}
          order by created_at
          limit ${SWEEP}
          for update skip locked)
        delete from idempotent_answer a
        using old
        where a.principal = old.principal and a.key = old.key
        returning true as swept`,
    );
    return swept.length;
  }
}
