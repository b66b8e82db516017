import { setTimeout as wait } from 'node:timers/promises';
import type { DataSource, EntityManager } from 'typeorm';
import type { Actor } from '#catalog';
import { transactionRoleOf } from './database-role.js';
import { NOTHING, run, sql } from './sql.js';
import { isRetryable, translate } from './translate.js';

/** Tries of a transaction that others got in the way of. */
const TRIES = 3;

/**
 * One transaction: everything in it happens or nothing does. Run again, up to three times, when the server could not order it
 * among others (40001, 40P01); so `work` does nothing that outlasts a rollback. For what nobody has to answer for: queues, sums, upkeep.
 * @throws Refusal where the caller can understand what went wrong
 */
export async function transact<T>(db: DataSource, work: (tx: EntityManager) => Promise<T>): Promise<T> {
  for (let tried = 1; ; tried += 1) {
    try {
      return await db.transaction(work);
    } catch (error) {
      if (tried === TRIES || !isRetryable(error)) throw translate(error);
      await wait(20 * tried * (1 + Math.random()));
    }
  }
}

/**
 * One transaction on somebody's behalf. What the agencies own is written in no other: the database itself asks who it is, and knows nobody
 * where that was never said (security.md AUTHZ-2).
 * @throws Refusal where the caller can understand what went wrong
 */
export function transactAs<T>(db: DataSource, actor: Actor, work: (tx: EntityManager) => Promise<T>): Promise<T> {
  const role = transactionRoleOf(db);
  return transact(db, async (tx) => {
    await introduce(tx, actor, role);
    return work(tx);
  });
}

/** Transactions on somebody's behalf, for work that needs to know neither whose nor of which pool. */
export type Acting = <T>(work: (tx: EntityManager) => Promise<T>) => Promise<T>;

/**
 * Says who writes, until the transaction ends. Slugs hold no comma; `*` is no slug.
 * @param role of the database, to be taken on too; null: the connection has one already
 */
async function introduce(
  tx: EntityManager,
  { principal, authorities, requestId, address }: Actor,
  role: string | null,
): Promise<void> {
  await run(
    tx,
    sql`
      select set_config('app.principal', ${principal}, true),
             set_config('app.authorities', ${authorities === 'all' ? '*' : authorities.join(',')}, true),
             set_config('app.request', ${requestId ?? ''}, true),
             set_config('app.address', ${address ?? ''}, true)
             ${role === null ? NOTHING : sql`, set_config('role', ${role}, true)`}`,
  );
}
