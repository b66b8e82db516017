import type { EntityManager } from 'typeorm';
import { sealEntries } from '#access';
import { chainOf } from '#catalog';
import { AuditSeals } from '#storage';

/** Entries of one transaction: as many again are sealed in the next. */
const BATCH = 500;

/**
 * Seals settled entries, those of a batch, at the ends of their chains (security.md AUD-3). Where another process is at it, nothing is done.
 * @returns whether more are settled already
 */
export async function sealBatch(tx: EntityManager): Promise<boolean> {
  const seals = new AuditSeals(tx);
  if (!(await seals.alone())) return false;
  const { entries, isFull } = await seals.next(BATCH);
  if (entries.length === 0) return false;
  const heads = await seals.heads([...new Set(entries.map(chainOf))]);
  await seals.keep(sealEntries(entries, heads));
  return isFull;
}
