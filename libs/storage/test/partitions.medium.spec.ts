import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
import type { DataSource } from 'typeorm';
import { describeOnServer, openTestDatabase, type TestDatabase } from '#testing';
import { keepPartitions, keepPartitionsOf } from '../src/partitions.js';

let database: TestDatabase;
let db: DataSource;

beforeAll(async () => {
  database = await openTestDatabase();
  ({ db } = database);
});
afterAll(() => database.close());

const DAY_MS = 86_400_000;
const dayAfter = (days: number): string => new Date(Date.now() + days * DAY_MS).toISOString().slice(0, 10);
const partOf = (table: string, day: string): string => `${table}_p${day.replaceAll('-', '')}`;

async function partsOf(table: string): Promise<string[]> {
  const rows = await db.query<{ name: string }[]>(
    `select c.relname as name from pg_inherits i join pg_class c on c.oid = i.inhrelid
     where i.inhparent = $1::regclass order by 1`,
    [table],
  );
  return rows.map(({ name }) => name);
}

/** A table of this test, as a migration would make it. */
beforeEach(async () => {
  await db.query('drop table if exists tide');
  await db.query('create table tide (at timestamptz not null, level real not null default 0) partition by range (at)');
  await db.query(`delete from partitioned_table where name = 'tide'`);
  await db.query(`insert into partitioned_table (name, unit, keep_days, fill_factor) values ('tide', 'day', 2, 80)`);
});

const expected = (from: number, to: number): string[] =>
  Array.from({ length: to - from + 1 }, (_, i) => partOf('tide', dayAfter(from + i)));

test('the days from yesterday to the fourth ahead are made once, each with its fill factor, and hold their rows', async () => {
  const kept = await keepPartitionsOf(db, 'tide');
  expect(kept).toMatchObject({ table: 'tide', made: 6, dropped: 0 });
  expect(kept.heldUntil.toISOString()).toBe(`${dayAfter(5)}T00:00:00.000Z`);
  expect(await partsOf('tide')).toEqual(expected(-1, 4));
  for (const moment of [`${dayAfter(-1)}T00:00:00Z`, `${dayAfter(0)}T23:59:59.999Z`, `${dayAfter(4)}T23:59:59Z`]) {
    const [row] = await db.query<{ part: string }[]>(
      'insert into tide (at) values ($1) returning tableoid::regclass::text as part',
      [moment],
    );
    expect(row?.part).toBe(partOf('tide', moment.slice(0, 10)));
  }
  const [{ options }] = await db.query<[{ options: string[] }]>(
    `select reloptions as options from pg_class where relname = $1`,
    [partOf('tide', dayAfter(0))],
  );
  expect(options).toEqual(['fillfactor=80']);
  expect(await keepPartitionsOf(db, 'tide')).toMatchObject({ made: 0, dropped: 0 });
  await expect(db.query(`insert into tide (at) values ('${dayAfter(6)}T00:00:00Z')`)).rejects.toThrow('no partition');
});

test('days past their time are dropped, unless somebody still needs them', async () => {
  await keepPartitionsOf(db, 'tide');
  for (const days of [-2, -3, -9]) {
    await db.query(
      `create table ${partOf('tide', dayAfter(days))} partition of tide
       for values from ('${dayAfter(days)}T00:00:00Z') to ('${dayAfter(days + 1)}T00:00:00Z')`,
    );
  }
  expect(await keepPartitionsOf(db, 'tide', false)).toMatchObject({ made: 0, dropped: 0 });
  expect(await keepPartitionsOf(db, 'tide')).toMatchObject({ made: 0, dropped: 2 });
  expect(await partsOf('tide')).toEqual(expected(-2, 4));
});

test('months are kept in the same way', async () => {
  await db.query(`update partitioned_table set unit = 'month', keep_days = 40 where name = 'tide'`);
  await keepPartitionsOf(db, 'tide');
  const months = new Set([-1, 0, 1, 2, 3, 4].map((days) => `tide_p${dayAfter(days).slice(0, 7).replace('-', '')}`));
  expect(await partsOf('tide')).toEqual([...months]);
  await db.query(`create table tide_p202001 partition of tide for values from ('2020-01-01Z') to ('2020-02-01Z')`);
  expect(await keepPartitionsOf(db, 'tide')).toMatchObject({ made: 0, dropped: 1 });
});

test('every table of the list is kept, and none beside it', async () => {
  const kept = await keepPartitions(db);
  const tables = kept.map(({ table }) => table);
  expect(tables).toEqual(
    expect.arrayContaining(['health_day', 'health_hour', 'health_transition', 'probe_hour', 'tide']),
  );
  for (const { heldUntil } of kept) expect(heldUntil.getTime()).toBeGreaterThan(Date.now() + 3 * DAY_MS);
  await expect(keepPartitionsOf(db, 'camera')).rejects.toThrow();
});

test('partitions have the keys and the rights of their table', async () => {
  const [{ parts, keys }] = await db.query<[{ parts: number; keys: number }]>(
    `select count(*)::int as parts, count(k.conname)::int as keys
     from pg_inherits i
     left join pg_constraint k on k.conrelid = i.inhrelid and k.contype = 'p'
     where i.inhparent = 'health_transition'::regclass`,
  );
  expect(parts).toBeGreaterThan(0);
  expect(keys).toBe(parts);
});

describeOnServer('several processes', () => {
  test('at once make each partition once, and all are content', async () => {
    const pools = await Promise.all([1, 2, 3].map(() => database.another()));
    const kept = await Promise.all([db, ...pools].map((pool) => keepPartitionsOf(pool, 'tide')));
    expect(kept.map(({ made }) => made).sort()).toEqual([0, 0, 0, 6]);
    expect(await partsOf('tide')).toEqual(expected(-1, 4));
  });

  test('making one waits for nobody who writes, and a partition that is read for long is dropped the next time', async () => {
    await keepPartitionsOf(db, 'tide');
    const old = partOf('tide', dayAfter(-5));
    await db.query(
      `create table ${old} partition of tide
       for values from ('${dayAfter(-5)}T00:00:00Z') to ('${dayAfter(-4)}T00:00:00Z')`,
    );
    await db.query(`drop table ${partOf('tide', dayAfter(4))}`);
    const other = await database.another();
    await other.transaction(async (tx) => {
      await tx.query('insert into tide (at) values (now())');
      expect(await keepPartitionsOf(db, 'tide')).toMatchObject({ made: 1, dropped: 0 });
    });
    expect(await partsOf('tide')).toContain(old);
    expect(await keepPartitionsOf(db, 'tide')).toMatchObject({ made: 0, dropped: 1 });
  });

  test('the roles that serve may have partitions kept, and may make or drop none themselves', async () => {
    const roles = await db.query<{ name: string }[]>(
      `select rolname as name from pg_roles where rolname in ('sightline_api', 'sightline_prober')`,
    );
    expect(roles).toHaveLength(2);
    for (const { name } of roles) {
      await db.transaction(async (tx) => {
        await tx.query(`set local role ${name}`);
        expect(await keepPartitionsOf(tx, 'probe_hour')).toMatchObject({ made: 0, dropped: 0 });
        await tx.query('savepoint before');
        for (const forbidden of [
          `insert into partitioned_table (name, unit, keep_days) values ('camera', 'day', 1)`,
          `update partitioned_table set keep_days = 1`,
          `drop table ${partOf('probe_hour', dayAfter(0))}`,
          `delete from health_transition`,
        ]) {
          await expect(tx.query(forbidden)).rejects.toThrow(/permission denied|must be owner/);
          await tx.query('rollback to before');
        }
      });
    }
  });
});
