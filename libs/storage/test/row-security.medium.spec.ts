import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { DataSource, QueryRunner } from 'typeorm';
import { actingAs, principalOfKey } from '#access';
import { codeOf } from '../src/data-source.js';
import { transactAs } from '../src/transact.js';
import { openTestDatabase, type TestDatabase } from '#testing';

let database: TestDatabase;
/** Connections that bring no name of their own. */
let api: DataSource;

const CAMERA = '00000000-0000-7000-8000-000000000001';
const OTHER = '00000000-0000-7000-8000-000000000002';
const ID = '00000000-0000-7000-8000-000000000003';

const camera = (id: string, authority: string): string => `
  insert into camera (id, authority, local_id, version, document, public_document, position, lifecycle, access_level,
                      completeness, mobility, usage, tags, search_text, service_slots, content_hash, changed_xid)
  values ('${id}', '${authority}', '1', 1, '{}', '{}', st_setsrid(st_makepoint(120, 23), 4326), 'active', 'restricted',
          'point', 'fixed', '{}', '{}', '', '{1}', '', 1)`;

/** A row of the authority `wrb` in every protected table. */
const ROWS: readonly string[] = [
  `insert into authority (slug, version, document, access_floor)
   values ('wrb', 1, '{}', 'public'), ('city', 1, '{}', 'public'), ('park', 1, '{}', 'public')`,
  camera(CAMERA, 'wrb'),
  camera(OTHER, 'city'),
  `insert into camera_secret (camera_id, slot, kid, ciphertext, fingerprint, updated_at)
   values ('${CAMERA}', 1, 'k1', 'sealed', 'k1.x', now())`,
  `insert into camera_reference (camera_id, fingerprint, source, views) values ('${CAMERA}', 'x', 'operator', '{}')`,
  `insert into api_key (id, key_id, name, pepper_kid, secret_hmac, scopes, authorities, created_by, expires_at)
   values ('${ID}', 'aaaaaaaaaa', 'a', 'k1', 'x', '{cameras:write}', '{wrb}', 'command', now() + interval '1 day')`,
  `insert into access_grant (id, authority, grantee, until, reason, created_by)
   values ('${ID}', 'wrb', 'park', now() + interval '1 day', 'r', 'key:aaaaaaaaaa')`,
  `insert into access_request (id, authority, grantee, purpose, until, reason, created_by)
   values ('${ID}', 'wrb', 'park', 'science', now() + interval '1 day', 'r', 'key:c')`,
  `insert into webhook (id, document, owner) values ('${ID}', '{}', 'aaaaaaaaaa')`,
  `insert into webhook_secret (webhook_id, number, kid, ciphertext) values ('${ID}', 1, 'k1', 'sealed')`,
  `insert into idempotent_answer (principal, key, fingerprint) values ('key:aaaaaaaaaa', 'k', 'x')`,
  `insert into member (id, issuer, subject, principal, authority, role, created_by)
   values ('${ID}', 'https://id.example', 's', 'person:x', 'wrb', 'admin', 'command')`,
  `insert into session (token_hash, principal, expires_at) values ('x', 'key:aaaaaaaaaa', now() + interval '1 hour')`,
  `insert into audit_entry (generation, authority, action, subject_kind, subject_id)
   values (1, 'wrb', 'camera.registered', 'camera', '${CAMERA}')`,
  `insert into audit_seal (audit_id, at, chain, seq, prev_hash, hash) values (1, now(), 'wrb', 1, '', '')`,
];

beforeAll(async () => {
  database = await openTestDatabase();
  for (const row of ROWS) await database.db.query(row);
  api = await database.another('api');
});
afterAll(() => database.close());

/** Names in `app.principal` and `app.authorities`; null: nothing was ever said. */
interface Said {
  readonly principal: string;
  readonly authorities: string;
}

const OWN: Said = { principal: 'key:aaaaaaaaaa', authorities: 'wrb' };
const STRANGERS: Readonly<Record<string, { readonly said: Said | null; readonly before?: Said }>> = {
  'nobody was named': { said: null },
  'somebody was named in the transaction before': { said: null, before: { principal: 'key:b', authorities: '*' } },
  'a principal without an authority': { said: { principal: 'key:b', authorities: '' } },
  'a key of another authority': { said: { principal: 'key:b', authorities: 'city' } },
  'an authority without a principal': { said: { principal: '', authorities: 'wrb' } },
  'everybody without a principal': { said: { principal: '', authorities: '*' } },
};

const say = (runner: QueryRunner, { principal, authorities }: Said): Promise<unknown> =>
  runner.query(`select set_config('app.principal', $1, true), set_config('app.authorities', $2, true)`, [
    principal,
    authorities,
  ]);

/** Runs a statement as a role and takes it back. @returns how many rows it wrote; null: it was refused */
async function written(
  runner: QueryRunner,
  said: Said | null,
  text: string,
  { values = [], role = 'sightline_api' }: { values?: unknown[]; role?: string } = {},
): Promise<number | null> {
  await runner.startTransaction();
  try {
    await runner.query(`select set_config('role', $1, true)`, [role]);
    if (said !== null) await say(runner, said);
    const rows = await runner.query(
      `with done as (${text} returning 1) select count(*)::int as count from done`,
      values,
    );
    return (rows as { count: number }[])[0]?.count ?? null;
  } catch (error) {
    if (codeOf((error as { readonly driverError?: unknown }).driverError) !== '42501') throw error;
    return null;
  } finally {
    await runner.rollbackTransaction();
  }
}

async function onOneConnection<T>(db: DataSource, work: (runner: QueryRunner) => Promise<T>): Promise<T> {
  const runner = db.createQueryRunner();
  try {
    return await work(runner);
  } finally {
    await runner.release();
  }
}

const protectedTables = async (): Promise<readonly string[]> => {
  const rows = await database.db.query<{ name: string }[]>(
    `select distinct tablename as name from pg_policies where schemaname = current_schema() order by 1`,
  );
  return rows.map(({ name }) => name);
};

/** Of a table: a column that may be set to what it is, and its row as JSON. */
async function rowOf(table: string): Promise<{ column: string; json: string }> {
  const { db } = database;
  const columns = await db.query<{ name: string }[]>(
    `select attname as name from pg_attribute
     where attrelid = $1::regclass and attnum > 0 and not attisdropped and atttypid in ('text'::regtype, 'integer'::regtype)
     order by attnum desc limit 1`,
    [table],
  );
  const rows = await db.query<{ json: string }[]>(`select to_jsonb(t)::text as json from ${table} t limit 1`);
  expect({ table, columns: columns.length, rows: rows.length }).toEqual({ table, columns: 1, rows: 1 });
  return { column: columns[0]?.name ?? '', json: rows[0]?.json ?? '' };
}

describe('AUTHZ-2: every table that tells an owner or holds a secret', () => {
  test('is under row-level security that binds its owner too, for all that is done to it', async () => {
    const tables = await database.db.query<{ name: string; bound: boolean; commands: string }[]>(
      `select c.relname as name, c.relrowsecurity and c.relforcerowsecurity as bound,
              (select string_agg(distinct p.cmd, ',' order by p.cmd) from pg_policies p where p.tablename = c.relname)
                as commands
       from pg_class c
       where c.relnamespace = current_schema()::regnamespace and c.relkind in ('r', 'p') and not c.relispartition
         and exists (
           select from pg_attribute a
           where a.attrelid = c.oid and not a.attisdropped and a.attnum > 0
             and a.attname ~ '^(authority|authorities|principal|owner)$|ciphertext|secret|hmac|token|password')
       order by 1`,
    );
    expect(tables.map(({ name }) => name)).toEqual(
      expect.arrayContaining(['api_key', 'camera', 'camera_secret', 'webhook', 'webhook_secret']),
    );
    const every = { bound: true, commands: 'DELETE,INSERT,SELECT,UPDATE' };
    expect(tables).toEqual(tables.map(({ name }) => ({ name, ...every })));
  });

  test.each(Object.entries(STRANGERS))('%s: 0 rows are written', async (_who, { said, before }) => {
    await onOneConnection(api, async (runner) => {
      if (before !== undefined) {
        await runner.startTransaction();
        await say(runner, before);
        await runner.commitTransaction();
        expect(await runner.query(`select current_setting('app.principal', true) as name`)).toEqual([{ name: '' }]);
      }
      const count: Record<string, (number | null)[]> = {};
      for (const table of await protectedTables()) {
        const { column, json } = await rowOf(table);
        const insert = `insert into ${table} select * from jsonb_populate_record(null::${table}, $1::jsonb)`;
        count[table] = [
          await written(runner, said, `update ${table} set ${column} = ${column}`),
          await written(runner, said, `delete from ${table}`),
          await written(runner, said, insert, { values: [json] }),
        ];
      }
      // A key of the other authority writes the other authority's own rows.
      const allowed = said?.principal === 'key:b' && said.authorities === 'city' ? ['authority', 'camera'] : [];
      // Whoever is somebody may end a session.
      const ends = said !== null && said.principal !== '';
      for (const [table, [updated, deleted, inserted]] of Object.entries(count)) {
        expect({ table, inserted }).toEqual({ table, inserted: null });
        if (!allowed.includes(table)) expect({ table, updated: updated ?? 0 }).toEqual({ table, updated: 0 });
        if (table !== 'session' || !ends) expect({ table, deleted: deleted ?? 0 }).toEqual({ table, deleted: 0 });
      }
      for (const table of allowed) expect({ table, updated: count[table]?.[0] }).toEqual({ table, updated: 1 });
    });
  });

  test('its own key writes its rows, and those alone', async () => {
    await onOneConnection(api, async (runner) => {
      for (const table of ['authority', 'camera', 'camera_secret', 'api_key', 'webhook', 'webhook_secret', 'member']) {
        const { column } = await rowOf(table);
        expect([table, await written(runner, OWN, `update ${table} set ${column} = ${column}`)]).toEqual([table, 1]);
      }
    });
  });

  test('neither forged SQL nor a move puts hands on the other authority', async () => {
    await onOneConnection(api, async (runner) => {
      const forged = `update camera set document = '{"name": "mine"}' where id = '${OTHER}'`;
      expect(await written(runner, OWN, forged)).toBe(0);
      expect(await written(runner, OWN, `update camera set authority = 'city' where id = '${CAMERA}'`)).toBeNull();
      expect(await written(runner, OWN, camera(ID, 'city'))).toBeNull();
      expect(
        await written(
          runner,
          OWN,
          `insert into authority (slug, version, document, access_floor) values ('wrb2', 1, '{}', 'public')`,
        ),
      ).toBeNull();
      expect(await written(runner, OWN, `update api_key set authorities = null`)).toBeNull();
      expect(await written(runner, OWN, `update api_key set authorities = '{wrb,city}'`)).toBeNull();
      expect(await written(runner, OWN, `update session set principal = 'key:b'`)).toBeNull();
      const beyond = `insert into member (id, issuer, subject, principal, authority, role, created_by)
        values ('${OTHER}', 'i', 's', 'person:y', null, 'administrator', 'x')`;
      expect(await written(runner, OWN, beyond)).toBeNull();
    });
  });

  test('the owner of the tables is bound as anybody', async () => {
    const runner = api.createQueryRunner();
    const [{ superuser } = { superuser: true }] = await runner.query(
      `select rolsuper as superuser from pg_roles where rolname = session_user`,
    );
    // The session of the embedded database is a superuser's, hence the role that its transactions take on.
    if (superuser === false) {
      const owner = await runner.query(`select relowner::regrole::text as name from pg_class where relname = 'camera'`);
      const role = (owner as { name: string }[])[0]?.name ?? '';
      expect(await written(runner, null, `update camera set version = 2`, { role })).toBe(0);
    }
    await runner.release();
  });
});

describe('CRED-1: sealed credentials', () => {
  const secrets = `select count(*)::int as count from camera_secret`;
  const read = (role: string, said: Said | null, text: string): Promise<unknown> =>
    onOneConnection(api, async (runner) => {
      await runner.startTransaction();
      try {
        await runner.query(`select set_config('role', $1, true)`, [role]);
        if (said !== null) await say(runner, said);
        return await runner.query(text);
      } finally {
        await runner.rollbackTransaction();
      }
    });

  test('are known to exist by whoever acts for their authority, and opened by probers alone', async () => {
    expect(await read('sightline_api', null, secrets)).toEqual([{ count: 0 }]);
    expect(await read('sightline_api', { principal: 'key:b', authorities: 'city' }, secrets)).toEqual([{ count: 0 }]);
    expect(await read('sightline_api', OWN, secrets)).toEqual([{ count: 1 }]);
    await expect(read('sightline_api', OWN, 'select ciphertext from camera_secret')).rejects.toThrow(
      /permission denied/,
    );
    expect(await read('sightline_prober', null, 'select kid, ciphertext from camera_secret')).toHaveLength(1);
  });

  test('of webhooks are read by whoever acts for the owner’s authorities', async () => {
    const text = 'select ciphertext from webhook_secret';
    expect(await read('sightline_api', null, text)).toHaveLength(0);
    expect(await read('sightline_api', { principal: 'key:b', authorities: 'city' }, text)).toHaveLength(0);
    expect(await read('sightline_api', { principal: 'server', authorities: '*' }, text)).toHaveLength(1);
    await expect(read('sightline_prober', null, text)).rejects.toThrow(/permission denied/);
  });
});

test('AUTHZ-2: a transaction on somebody’s behalf works under the role of the API, and nobody’s name outlives it', async () => {
  const actor = actingAs(principalOfKey('aaaaaaaaaa', { scopes: ['cameras:write'], authorities: ['wrb'] }), {
    requestId: 'r1',
    address: '192.0.2.1',
  });
  const said = `
    select current_user::text as role, current_setting('app.principal', true) as principal,
           current_setting('app.authorities', true) as authorities, current_setting('app.request', true) as request,
           current_setting('app.address', true) as address`;
  const one = await database.another();
  expect(await transactAs(one, actor, (tx) => tx.query(said))).toEqual([
    { role: 'sightline_api', principal: 'key:aaaaaaaaaa', authorities: 'wrb', request: 'r1', address: '192.0.2.1' },
  ]);
  const after = await Promise.all(Array.from({ length: 12 }, () => one.query<{ principal: string | null }[]>(said)));
  for (const [row] of after) expect(['', null, 'spec']).toContain(row?.principal);
});
