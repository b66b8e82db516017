import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { ANONYMOUS, scope } from '#access';
import type { CameraSearch } from '#catalog';
import { CameraFinder } from '#storage';
import { openTestDatabase, type TestDatabase } from '#testing';

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
    from (select n, jsonb_build_object('authority', 'wrb', 'localId', n::text, 'name', 'C') as d
          from generate_series(1, ${CAMERAS}) as n) as numbered,
         lateral (select 0) as nothing`.replaceAll(/fract\(([^)]+)\)/g, '($1 - floor($1))'),
  );
  await db.query('insert into camera_health (camera_id) select id from camera');
  await db.query('analyze camera');
  await db.query('analyze camera_health');
}, 120_000);
afterAll(() => database.close());

/** The plan of the statement that a search runs. */
async function planOf(search: CameraSearch): Promise<string> {
  return database.db.transaction(async (tx) => {
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
    await new CameraFinder(watched).search(scope(ANONYMOUS), { search, limit: 20, form: 'json', baseUrl: 'http://x' });
    return plan;
  });
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
  ])('%j rides %s', async (search, index) => {
    expect(await planOf(search)).toContain(index);
  });
});
