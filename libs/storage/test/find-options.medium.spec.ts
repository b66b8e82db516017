import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { Authorities } from '#storage';
import { openTestDatabase, type TestDatabase } from '#testing';

describe('TypeORM #12655 (AUTHZ-8): a question without its answer’s name finds nobody', () => {
  let database: TestDatabase;
  beforeAll(async () => {
    database = await openTestDatabase();
    await new Authorities(database.db).add({ slug: 'first', name: 'First' });
  });
  afterAll(() => database.close());

  test.each([undefined, null])('every table refuses to be asked for a row by %s', async (value) => {
    const { db } = database;
    expect(db.entityMetadatas.length).toBeGreaterThan(10);
    for (const { target, primaryColumns } of db.entityMetadatas) {
      for (const { propertyName } of primaryColumns) {
        const repository = db.getRepository(target);
        const where = { [propertyName]: value } as never;
        await expect(repository.findOneBy(where)).rejects.toThrow(/undefined|null/);
        await expect(repository.findBy(where)).rejects.toThrow(/undefined|null/);
        await expect(repository.existsBy(where)).rejects.toThrow(/undefined|null/);
        await expect(repository.delete(where)).rejects.toThrow();
        await expect(repository.update(where, {})).rejects.toThrow();
      }
    }
    expect(await db.query('select slug from authority')).toEqual([{ slug: 'first' }]);
  });
});
