import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { DataSource } from 'typeorm';
import { COMMAND } from '#access';
import { connect, requireModestLogin, type Role, transactAs, UnfitDatabase } from '#storage';
import { describeOnServer, openTestDatabase, type TestDatabase } from '#testing';

let database: TestDatabase;
let owner: string;
const suffix = `${process.pid}`;
/** Logins by what they are members of. */
const LOGINS = {
  api: ['sightline_api'],
  prober: ['sightline_prober'],
  both: ['sightline_api', 'sightline_prober'],
  /** Of the owner, whom a member may become. */
  heir: [] as string[],
  nobody: [] as string[],
};
const nameOf = (login: keyof typeof LOGINS): string => `sightline_${login}_${suffix}`;

const urlFor = (login: keyof typeof LOGINS): string => {
  const url = new URL(database.url ?? '');
  url.username = nameOf(login);
  url.password = 'modest';
  return url.href;
};

async function through<T>(role: Role, url: string | undefined, work: (db: DataSource) => Promise<T>): Promise<T> {
  const db = await connect({ role, ...(url === undefined ? {} : { url }) });
  try {
    return await work(db);
  } finally {
    await db.destroy();
  }
}

async function ownerOf(): Promise<string> {
  const rows = await database.db.query<{ owner: string }[]>('select current_user::text as owner');
  return rows[0]?.owner ?? '';
}

const whoOf = (db: DataSource): Promise<unknown> =>
  db.query('select current_user::text as works, session_user::text as login');

describeOnServer('AUTHZ-2: logins', () => {
  beforeAll(async () => {
    database = await openTestDatabase();
    for (const [login, roles] of Object.entries(LOGINS)) {
      const name = nameOf(login as keyof typeof LOGINS);
      await database.db.query(`create role ${name} login password 'modest'`);
      for (const role of roles) await database.db.query(`grant ${role} to ${name}`);
    }
    owner = await ownerOf();
    await database.db.query(`grant ${owner} to ${nameOf('heir')}`);
  });
  afterAll(async () => {
    for (const login of Object.keys(LOGINS)) {
      await database.db.query(`drop role ${nameOf(login as keyof typeof LOGINS)}`);
    }
    await database.close();
  });

  test.each<[Role, keyof typeof LOGINS, string]>([
    ['api', 'api', 'sightline_api'],
    ['prober', 'prober', 'sightline_prober'],
    ['api', 'both', 'sightline_api'],
    ['prober', 'both', 'sightline_prober'],
  ])('the %s under a member works under its role alone', async (role, login, works) => {
    expect(await through(role, urlFor(login), whoOf)).toEqual([{ works, login: nameOf(login) }]);
  });

  test('the owner takes the role on too, where one login serves everything; a migrator stays the owner', async () => {
    for (const [role, works] of [
      ['api', 'sightline_api'],
      ['prober', 'sightline_prober'],
      ['migrate', owner],
      ['all', owner],
    ] as const) {
      expect(await through(role, database.url, whoOf)).toEqual([{ works, login: owner }]);
    }
  });

  test('one that is a member of neither role stays what it is, and may nothing', async () => {
    const read = through('api', urlFor('nobody'), (db) => db.query('select from camera'));
    await expect(read).rejects.toThrow(/permission denied/);
  });

  test('production lets in whoever is a member of one role, and tells of one who is of both', async () => {
    expect(await through('api', urlFor('api'), (db) => requireModestLogin(db))).toBeNull();
    expect(await through('prober', urlFor('prober'), (db) => requireModestLogin(db))).toBeNull();
    expect(await through('api', urlFor('both'), (db) => requireModestLogin(db))).toMatch(
      /give each process one of its own/,
    );
  });

  test.each<[string, () => string | undefined]>([
    ['the owner', () => database.url],
    ['a member of the owner', () => urlFor('heir')],
  ])('production refuses %s, under whatever role it works', async (_who, url) => {
    const refusal = through('api', url(), (db) => requireModestLogin(db));
    await expect(refusal).rejects.toThrow(UnfitDatabase);
    await expect(refusal).rejects.toThrow(/may not serve, since it owns the tables/);
    expect(await through('api', url(), (db) => requireModestLogin(db, { mayOwn: true }))).toBeNull();
  });

  test('one table is enough to be an owner', async () => {
    // Since 15 nobody makes tables in public unasked.
    await database.db.query(`grant create on schema public to ${nameOf('api')}`);
    await database.db.query(`grant ${nameOf('api')} to current_user`);
    await database.db.query('create table left_over (id integer)');
    await database.db.query(`alter table left_over owner to ${nameOf('api')}`);
    try {
      await expect(through('api', urlFor('api'), (db) => requireModestLogin(db))).rejects.toThrow(/owns the tables/);
    } finally {
      await database.db.query('drop table left_over');
      await database.db.query(`revoke create on schema public from ${nameOf('api')}`);
    }
  });

  test('a superuser serves outside production, where he is told of it, and not in it', async () => {
    const url = new URL(database.url ?? '');
    Object.assign(url, { username: 'postgres', password: '' });
    const lines: string[] = [];
    const log = (line: string): void => void lines.push(line);
    const mighty = await connect({ role: 'all', url: url.href, patienceMs: 1, log }).catch((error: unknown) => {
      if (error instanceof UnfitDatabase) return null;
      throw error;
    });
    // Not every server lets one in as its superuser.
    if (mighty === null) return;
    try {
      expect(lines).toEqual([
        expect.stringMatching(/^the database login postgres is superuser .* production refuses it$/),
      ]);
      for (const options of [{}, { mayOwn: true }]) {
        await expect(requireModestLogin(mighty, options)).rejects.toThrow(/is superuser or may bypass row security/);
      }
      const works = await transactAs(mighty, COMMAND, (tx) => tx.query('select current_user::text as works'));
      expect(works).toEqual([{ works: 'sightline_api' }]);
    } finally {
      await mighty.destroy();
    }
  });
});
