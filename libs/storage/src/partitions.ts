import { type Database, one, run, sql } from './sql.js';

/** What became of the partitions of one table. */
export interface KeptPartitions {
  readonly table: string;
  readonly made: number;
  readonly dropped: number;
  /** Up to when there is a place for its rows. */
  readonly heldUntil: Date;
}

/**
 * Makes the partitions of the coming days and drops those past their time, of every table that a migration entered in `partitioned_table`
 * with its unit and the days that it is kept (reliability.md REL-11). Done by the database as the owner of the tables, a table
 * a transaction, one process at a time; a partition that somebody reads for long is dropped the next time. Nobody who reads
 * or writes waits for one to be made.
 * @param options.drops false: whatever is past its time stays, for somebody who still sums it up
 */
export async function keepPartitions(
  db: Database,
  { drops = true }: { readonly drops?: boolean } = {},
): Promise<KeptPartitions[]> {
  const tables = await run<{ name: string }>(db, sql`select name from partitioned_table order by name`);
  const kept: KeptPartitions[] = [];
  for (const { name } of tables) kept.push(await keepPartitionsOf(db, name, drops));
  return kept;
}

/** Of one table. */
export async function keepPartitionsOf(db: Database, table: string, drops = true): Promise<KeptPartitions> {
  const rows = await run<Omit<KeptPartitions, 'table'>>(
    db,
    sql`select made, dropped, held_until as "heldUntil" from keep_partitions(${table}::text, ${drops})`,
  );
  return { table, ...one(rows) };
}
