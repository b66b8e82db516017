import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { openTestDatabase, type TestDatabase } from '#testing';

describe('migrations', () => {
  let database: TestDatabase;
  beforeAll(async () => {
    database = await openTestDatabase();
  });
  afterAll(() => database.close());

  test('the tables as TypeORM knows them are those that the migrations made', async () => {
    const { upQueries } = await database.db.driver.createSchemaBuilder().log();
    expect(upQueries.map(({ query }) => query)).toEqual([]);
  });

  test('every migration goes down and up again', async () => {
    const { db } = database;
    for (let left = db.migrations.length; left > 0; left -= 1) await db.undoLastMigration({ transaction: 'each' });
    const tables = await db.query<{ name: string }[]>(
      `select relname as name from pg_class where relnamespace = 'public'::regnamespace and relkind = 'r'
       and relname not in ('migrations', 'spatial_ref_sys')`,
    );
    expect(tables).toEqual([]);
    expect(await db.runMigrations({ transaction: 'each' })).toHaveLength(db.migrations.length);
    expect(await db.showMigrations()).toBe(false);
  });

  test('constraints and indexes have names of ours', async () => {
    const names = await database.db.query<{ name: string }[]>(
      `select conname as name from pg_constraint c join pg_class r on r.oid = c.conrelid
       where r.relnamespace = 'public'::regnamespace and contype <> 'n' and not r.relispartition and r.relname not in ('spatial_ref_sys', 'migrations')`,
    );
    const strange = names.filter(
      ({ name }) => !/^[a-z_]+_(?:pkey|fkey|key|check)$/.test(name) || /^(?:PK|FK|UQ|CHK)_/.test(name),
    );
    expect(strange).toEqual([]);
  });
});
