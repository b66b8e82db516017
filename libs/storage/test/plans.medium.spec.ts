import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { ANONYMOUS, principalOfKey, scope } from '#access';
import type { CameraSearch, ScopedQuery } from '#catalog';
import { indexedViews } from '#geo';
import { AuditSeals, CameraFinder, type Database, HealthHistory, healthSummary, ViewIndex } from '#storage';
import { openTestDatabase, type TestDatabase } from '#testing';
import { DueQueue } from '../src/due-queue.js';
import { ProbeResults } from '../src/probe-results.js';
import { result } from './records.js';

let database: TestDatabase;
const CAMERAS = 20_000;

beforeAll(async () => {
  database = await openTestDatabase();
  const { db } = database;
  await db.query(
    `insert into authority (slug, version, document, access_floor) values ('wrb', 1, '{"slug": "wrb", "name": "W"}', 'public')`,
  );
  await db.query(
    `
    insert into camera (id, authority, local_id, version, document, public_document, position, lifecycle, access_level,
                        completeness, mobility, usage, tags, search_text, service_slots, content_hash, changed_xid)
    select ('00000000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid, 'wrb', n::text, 1, d, d,
           st_setsrid(st_makepoint(120 + 2 * fract(n * 0.7548776662), 22 + 3 * fract(n * 0.5698402910)), 4326),
           'active', 'public', 'point', 'fixed', '{}', '{}', '', '{}', '', n
    from (select n, jsonb_build_object('authority', 'wrb', 'localId', n::text, 'name', rpad('C', 200, 'c')) as d
          from generate_series(1, ${CAMERAS}) as n) as numbered,
         lateral (select 0) as nothing`.replaceAll(/fract\(([^)]+)\)/g, '($1 - floor($1))'),
  );
  await db.query(
    `insert into camera_health (camera_id, status)
     select id, case when changed_xid % 100 = 0 then 'offline' else 'online' end from camera`,
  );
  await putViews(db);
  // As autovacuum leaves them.
  await db.query('vacuum analyze camera');
  await db.query('vacuum analyze camera_health');
  await db.query('analyze view_fov');
}, 120_000);
afterAll(() => database.close());

/** Every camera looks somewhere. */
async function putViews(db: TestDatabase['db']): Promise<void> {
  const cameras = await db.query<{ id: string; lon: number; lat: number }[]>(
    'select id, st_x(position) as lon, st_y(position) as lat from camera order by id',
  );
  for (let at = 0; at < cameras.length; at += 2_000) {
    await new ViewIndex(db).put(
      cameras.slice(at, at + 2_000).map(({ id, lon, lat }, i) => {
        const view = { azimuthDeg: (i * 37) % 360, tiltDeg: -10, hfovDeg: 60, vfovDeg: 34, farM: 300 };
        const geo = { location: { coordinates: [lon, lat] as const }, heightM: 6, mobility: 'fixed', view };
        return { cameraId: id, geo, views: indexedViews(geo) };
      }),
    );
  }
}

/** The plans of the statements that some work runs, for whom row-level security binds (AUTHZ-2). */
async function planOf(work: (db: Database) => Promise<unknown>, role = 'sightline_api'): Promise<string> {
  return database.db.transaction(async (tx) => {
    await tx.query(`select set_config('role', $1, true)`, [role]);
    let plan = '';
    const watched = new Proxy(tx, {
      get: (target, name, receiver) =>
        name === 'query'
          ? async (text: string, values: unknown[]) => {
              const rows = await target.query<Record<string, string>[]>(`explain ${text}`, values);
              plan += rows.map((row) => row['QUERY PLAN']).join('\n');
              return target.query(text, values);
            }
          : (Reflect.get(target, name, receiver) as unknown),
    });
    await work(watched);
    return plan;
  });
}

async function find(db: Database, search: CameraSearch, by: ScopedQuery = scope(ANONYMOUS)): Promise<unknown> {
  const finder = new CameraFinder(db);
  const { sees, targetHeightM: heightM = 0 } = search;
  return sees === undefined
    ? finder.search(by, { search, limit: 20, form: 'json', baseUrl: 'http://x' })
    : finder.candidates(by, search, { position: sees, heightM });
}

describe(`plans over ${CAMERAS} cameras`, () => {
  test.each<[CameraSearch, string]>([
    [{ near: [121, 23.5], radiusM: 2_000 }, 'camera_geography_idx'],
    [{ bbox: [121, 23.5, 121.02, 23.52] }, 'camera_position_idx'],
    [{ bbox: [179, -1, -179, 1] }, 'camera_position_idx'],
    [
      {
        within: [
          [
            [
              [121, 23.5],
              [121.01, 23.5],
              [121.01, 23.51],
              [121, 23.5],
            ],
          ],
        ],
      },
      'camera_position_idx',
    ],
    [{}, 'camera_pkey'],
    [{ sees: [121, 23.5] }, 'view_fov_reach_idx'],
    [{ sees: [121, 23.5], basis: 'reach', usage: ['flood'] }, 'view_fov_reach_idx'],
    [{ sees: [121, 23.5], targetHeightM: 60 }, 'camera_geography_idx'],
    [{ footprint: { type: 'Point', coordinates: [121, 23.5] } }, 'view_fov_footprint_idx'],
    [
      {
        footprint: {
          type: 'LineString',
          coordinates: [
            [121, 23.5],
            [121.02, 23.51],
          ],
        },
      },
      'view_fov_footprint_idx',
    ],
  ])('%j rides %s', async (search, index) => {
    expect(await planOf((db) => find(db, search))).toContain(index);
  });

  test.each<[CameraSearch, string]>([
    [{ near: [121, 23.5], radiusM: 2_000 }, 'camera_geography_idx'],
    [{ bbox: [121, 23.5, 121.02, 23.52] }, 'camera_position_idx'],
    [{ sees: [121, 23.5] }, 'view_fov_reach_idx'],
  ])(
    'AUTHZ-2: %j rides %s for whoever may have been granted cameras, and asks for grants of nobody else',
    async (search, index) => {
      const guest = scope(principalOfKey('x', { scopes: ['cameras:read'], authorities: ['wrb'] }));
      const plan = await planOf((db) => find(db, search, guest));
      expect(plan).toContain(index);
      expect(plan).toContain('access_grant');
      expect(await planOf((db) => find(db, search))).not.toContain('access_grant');
    },
  );

  test.each(['authority', 'city', 'status'] as const)(
    'counting by %s reads no camera and no health whole',
    async (by) => {
      const plan = await planOf((db) => healthSummary(db, scope(ANONYMOUS), { by, search: {} }));
      expect(plan).toContain('Index Only Scan using camera_counted_idx');
      expect(plan).toContain('using camera_health_unwell_idx');
      expect(plan).not.toContain('Seq Scan');
    },
  );

  test.each([
    ['minute', 1, ['health_transition', 'probe_hour']],
    ['hour', 20, ['health_transition', 'probe_hour', 'health_hour']],
    ['day', 400, ['health_transition', 'probe_hour', 'health_day']],
  ] as const)('the history by %s rides the keys of the partitions', async (resolution, days, tables) => {
    const to = Date.now();
    const since = to - days * 86_400_000;
    const id = '00000000-0000-7000-8000-000000000001';
    const asked = { since, from: since, to, resolution };
    const plan = await planOf((db) => new HealthHistory(db).read(id, scope(ANONYMOUS), asked));
    const parts = tables.map((table) => new RegExp(`${table}_p\\d+_pkey`));
    for (const part of parts) expect(plan).toMatch(part);
    expect(plan).not.toMatch(/Seq Scan on (?:camera|health|probe)/);
  });

  test('of all leases a round reads those that are due, and its results write to their own', async () => {
    const { db } = database;
    await db.query(`
      insert into probe_lease (camera_id, host, due_at)
      select id, local_id, now() + (changed_xid - 10) * interval '1 minute' from camera`);
    await db.query('vacuum analyze probe_lease');
    const plan = await planOf(async (tx) => {
      const claimed = await new DueQueue(tx).claim({ owner: 'here', limit: 12, ttlS: 60 });
      expect(claimed).toHaveLength(10);
      const kept = await new ProbeResults(tx).record(claimed.map((camera) => result(camera)));
      expect(kept.size).toBe(10);
    }, 'sightline_prober');
    expect(plan).toContain('Index Scan using probe_lease_due_idx');
    expect(plan).toContain('Index Scan using probe_lease_pkey');
    expect(plan).not.toMatch(/Seq Scan on (?:probe_lease|camera|camera_health)\b/);
  });

  describe('of the audit, once all of it is sealed', () => {
    const ENTRIES = 20_000;

    beforeAll(async () => {
      const { db } = database;
      await db.query(`
        insert into audit_entry (generation, authority, action, subject_kind, subject_id, result)
        select 1, 'wrb', 'camera.changed', 'camera', n::text, 'done' from generate_series(1, ${ENTRIES}) as n`);
      await db.query(`
        insert into audit_seal (audit_id, at, chain, seq, prev_hash, hash)
        select id, at, 'wrb', row_number() over (order by id), sha256('x'), sha256(id::text::bytea) from audit_entry`);
      await db.query(`
        update audit_feed set (xid, entry) = (
          select xid::text::bigint, id from audit_entry order by xid desc, id desc limit 1)`);
      for (const table of ['audit_entry', 'audit_seal', 'audit_feed']) await db.query(`vacuum analyze ${table}`);
    }, 60_000);

    test.each([
      ['what waits for its seal', (db: Database) => new AuditSeals(db).next(500)],
      ['how long it waits', (db: Database) => new AuditSeals(db).unsealedS()],
    ])('%s is found behind the last seal', async (_what, work) => {
      const plan = await planOf(work);
      expect(plan).toMatch(/Index Scan using audit_entry_p\d+_generation_xid_id_idx/);
      // That of the month to come is empty.
      const [filled] = await database.db.query<{ name: string }[]>(
        'select tableoid::regclass::text as name from audit_entry limit 1',
      );
      expect(plan).not.toMatch(new RegExp(`Seq Scan on (?:${filled?.name}|audit_seal)|Gather`));
    });

    test('and an entry that comes then is found', async () => {
      await database.db.query(`
        insert into audit_entry (generation, authority, action, subject_kind, subject_id, result)
        values (1, 'wrb', 'camera.changed', 'camera', 'the newest', 'done')`);
      const seals = new AuditSeals(database.db);
      const { entries, isFull } = await seals.next(500);
      expect([entries.map(({ subject }) => subject.id), isFull]).toEqual([['the newest'], false]);
      const waitsS = await seals.unsealedS();
      expect(waitsS).toBeGreaterThan(0);
      expect(waitsS).toBeLessThan(60);
    });
  });
});
