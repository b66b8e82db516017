import { setTimeout as wait } from 'node:timers/promises';
import type { DataSource, EntityManager } from 'typeorm';
import { isRetryable, translate } from './translate.js';

/** Tries of a transaction that others got in the way of. */
const TRIES = 3;

/**
 * One transaction: everything in it happens or nothing does. Run again, up to three times, when the server could not order it
 * among others (40001, 40P01); so `work` does nothing that outlasts a rollback.
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
