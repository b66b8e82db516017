import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { type GeoCamera, GEOMETRY_VERSION, indexedViews } from '#geo';
import { transact, ViewIndex } from '#storage';
import { openTestDatabase, type TestDatabase } from '#testing';

let database: TestDatabase;
let index: ViewIndex;

const idOf = (n: number): string => `00000000-0000-7000-8000-${n.toString(16).padStart(12, '0')}`;
const FIXED: GeoCamera = {
  location: { coordinates: [120.295, 23.079] },
  heightM: 6,
  mobility: 'fixed',
  view: { azimuthDeg: 90, tiltDeg: -20, hfovDeg: 60, vfovDeg: 34, farM: 100 },
};
const TURNING: GeoCamera = { ...FIXED, mobility: 'ptz' };
const BLIND: GeoCamera = { location: { coordinates: [0, 0] }, mobility: 'fixed' };

beforeAll(async () => {
  database = await openTestDatabase();
  index = new ViewIndex(database.db);
});
afterAll(() => database.close());

beforeEach(async () => {
  await database.db.query('delete from camera');
  await database.db.query('delete from authority');
  await database.db.query(
    `insert into authority (slug, version, document, access_floor) values ('wrb', 1, '{"slug": "wrb", "name": "W"}', 'public')`,
  );
});

/** Cameras 1, 2, … as they are registered. */
async function add(...cameras: readonly GeoCamera[]): Promise<void> {
  for (const [i, geo] of cameras.entries()) {
    const [lon, lat] = geo.location.coordinates;
    await database.db.query(
      `
      insert into camera (id, authority, local_id, version, document, public_document, position, lifecycle, access_level,
                          completeness, mobility, usage, tags, search_text, service_slots, content_hash, changed_xid)
      values ($1, 'wrb', $2, 1, $3, $3, st_setsrid(st_makepoint($4, $5), 4326), 'active', 'public', 'frustum', $6, '{}', '{}', '', '{}', '', 1)`,
      [idOf(i + 1), String(i + 1), JSON.stringify(geo), lon, lat, geo.mobility],
    );
  }
  await put(...cameras);
}

async function put(...cameras: readonly GeoCamera[]): Promise<void> {
  const views = cameras.map((geo, i) => ({ cameraId: idOf(i + 1), geo, views: indexedViews(geo) }));
  await index.dropOthers(views);
  await index.put(views);
}

const rows = (): Promise<Record<string, unknown>[]> =>
  database.db.query(`
    select camera_id as id, basis, is_default as "isDefault", geometry_version as version, far_m as "farM",
           st_isvalid(footprint) as footprint, st_isvalid(reach) as reach
    from view_fov order by camera_id, basis`);

describe('views of cameras', () => {
  test('every camera has one row at least, a turning one two, in PostGIS valid geometries', async () => {
    await add(FIXED, TURNING, BLIND);
    const kept = { version: GEOMETRY_VERSION, farM: 100, footprint: true, reach: true };
    expect(await rows()).toEqual([
      { ...kept, id: idOf(1), basis: 'fixed', isDefault: true },
      { ...kept, id: idOf(2), basis: 'current', isDefault: true },
      { ...kept, id: idOf(2), basis: 'reach', isDefault: false },
      { ...kept, id: idOf(3), basis: 'fixed', isDefault: true, farM: 0, footprint: null, reach: null },
    ]);
  });

  test('the geometry that comes back is the one that went in', async () => {
    await add(FIXED);
    const [{ text } = { text: '' }] = await database.db.query<{ text: string }[]>(
      'select st_asgeojson(footprint, 7) as text from view_fov',
    );
    expect(JSON.parse(text)).toEqual(indexedViews(FIXED)[0]?.footprint);
  });

  test('a camera that turns no more loses its reach; one that is deleted all', async () => {
    await add(TURNING, FIXED);
    await put(FIXED, FIXED);
    expect((await rows()).map(({ basis }) => basis)).toEqual(['fixed', 'fixed']);
    await database.db.query('delete from camera where id = $1', [idOf(1)]);
    expect(await rows()).toHaveLength(1);
  });

  test('what waits is walked through once, in slices, by several at once without meeting', async () => {
    await add(...Array.from({ length: 7 }, () => FIXED), TURNING);
    expect(await index.state()).toMatchObject({ views: 9, waiting: 0 });
    expect(await index.next({ which: 'waiting', limit: 10 })).toEqual([]);
    await database.db.query('update view_fov set geometry_version = 0 where camera_id <> $1', [idOf(1)]);
    expect(await index.state()).toMatchObject({ views: 9, waiting: 8 });
    const first = await transact(database.db, async (tx) => {
      const mine = await new ViewIndex(tx).next({ which: 'waiting', limit: 3 });
      // Meanwhile another connection gets the rest alone. The embedded database has one session and would wait.
      if (database.url !== undefined) {
        const others = await transact(database.db, (other) =>
          new ViewIndex(other).next({ which: 'waiting', limit: 10 }),
        );
        expect(others.map(({ id }) => id)).toEqual([5, 6, 7, 8].map(idOf));
      }
      return mine;
    });
    expect(first.map(({ id }) => id)).toEqual([2, 3, 4].map(idOf));
    expect(first[0]?.camera).toEqual(FIXED);
    const after = first.at(-1);
    expect(after).toBeDefined();
    const rest = await index.next({ which: 'waiting', limit: 10, ...(after === undefined ? {} : { after }) });
    expect(rest.map(({ id }) => id)).toEqual([5, 6, 7, 8].map(idOf));
  });

  test('all of before a time are walked through, and none twice', async () => {
    await add(FIXED, TURNING);
    // Views of the same millisecond count as new.
    await database.db.query(`update view_fov set computed_at = computed_at - interval '1 second'`);
    const { at } = await index.state();
    const all = await index.next({ which: { olderThan: at }, limit: 10 });
    expect(all.map(({ id }) => id)).toEqual([1, 2].map(idOf));
    await put(FIXED);
    expect((await index.next({ which: { olderThan: at }, limit: 10 })).map(({ id }) => id)).toEqual([idOf(2)]);
  });

  test('changed ground lets those wait that stand or look there', async () => {
    const away: GeoCamera = { ...FIXED, location: { coordinates: [121, 24] } };
    await add(FIXED, away, BLIND);
    // Twenty metres east of the first: it looks there.
    await index.letWait([120.2952, 23.0789, 120.2953, 23.0791]);
    expect((await rows()).map(({ version }) => version)).toEqual([0, GEOMETRY_VERSION, GEOMETRY_VERSION]);
    await index.letWait([179.9, -1, -179.9, 1]);
    await index.letWait([-0.001, -0.001, 0.001, 0.001]);
    expect((await rows()).map(({ version }) => version)).toEqual([0, GEOMETRY_VERSION, 0]);
  });
});
