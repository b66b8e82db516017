import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { groundDistance, type LonLat } from '#geo';
import { HeightTiles, type LonLatGrid, openGeotiff, planGrid } from '#intake';
import { openTestDatabase, type TestDatabase, type TiffOrder, writeTiff } from '#testing';
import { Projections, WGS84_EPSG } from '../src/projections.js';
import { namedKeys } from '../src/named-keys.js';
import { Terrain, type TerrainGrid } from '../src/terrain.js';

let database: TestDatabase;
let projections: Projections;
let terrain: Terrain;

beforeAll(async () => {
  database = await openTestDatabase();
  projections = new Projections(database.db);
  terrain = new Terrain(database.db);
});
afterAll(() => database.close());
beforeEach(() => database.db.query('delete from terrain'));

/** WGS 84. */
const A = 6_378_137;
const F = 1 / 298.257_223_563;

/** Transverse Mercator as Krüger's series has it (Karney 2011), written down here so that it shares nothing with PROJ. */
function transverseMercator([lon, lat]: LonLat, lon0: number, k0: number, falseEasting: number): [number, number] {
  const rad = Math.PI / 180;
  const n = F / (2 - F);
  const radius = (A / (1 + n)) * (1 + n ** 2 / 4 + n ** 4 / 64);
  const alpha = [
    n / 2 - (2 * n ** 2) / 3 + (5 * n ** 3) / 16,
    (13 * n ** 2) / 48 - (3 * n ** 3) / 5,
    (61 * n ** 3) / 240,
  ];
  const e = Math.sqrt(F * (2 - F));
  const phi = lat * rad;
  const dLon = (lon - lon0) * rad;
  const t = Math.sinh(Math.atanh(Math.sin(phi)) - e * Math.atanh(e * Math.sin(phi)));
  const xi = Math.atan2(t, Math.cos(dLon));
  const eta = Math.atanh(Math.sin(dLon) / Math.hypot(1, t));
  let [x, y] = [eta, xi];
  alpha.forEach((a, i) => {
    const j = 2 * (i + 1);
    x += a * Math.cos(j * xi) * Math.sinh(j * eta);
    y += a * Math.sin(j * xi) * Math.cosh(j * eta);
  });
  return [falseEasting + k0 * radius * x, k0 * radius * y];
}

const utm51 = (position: LonLat): [number, number] => transverseMercator(position, 123, 0.9996, 500_000);
/** TWD97 is on GRS 80, which differs from WGS 84 by a tenth of a millimetre here. */
const twd97 = (position: LonLat): [number, number] => transverseMercator(position, 121, 0.9999, 250_000);

interface Read {
  readonly grid: LonLatGrid;
  /** Height at the post next to a place, with how far it is. */
  near(position: LonLat): { readonly zM: number; readonly at: LonLat };
  readonly posts: readonly { readonly at: LonLat; readonly zM: number }[];
}

/** A raster as an import reads it, all of its posts in memory. */
async function read(wanted: TiffOrder): Promise<Read> {
  const bytes = writeTiff(wanted);
  const raster = await openGeotiff({
    size: bytes.length,
    read: async (offset, length) => bytes.subarray(offset, offset + length),
  });
  expect(await projections.knows(raster.epsg)).toBe(true);
  const grid = await planGrid(raster, (xys) => projections.project(raster.epsg, WGS84_EPSG, xys));
  const tiles = new HeightTiles(raster, grid, (lonLats) => projections.project(WGS84_EPSG, raster.epsg, lonLats));
  const heights = new Map<string, number>();
  const posts: { at: LonLat; zM: number }[] = [];
  const placeOf = (column: number, row: number): LonLat => [
    grid.first[0] + column * grid.stepLonDeg,
    grid.first[1] - row * grid.stepLatDeg,
  ];
  for await (const tile of tiles) {
    tile.heights.forEach((zM, i) => {
      if (Number.isNaN(zM)) return;
      const [column, row] = [tile.x * 256 + (i % 256), tile.y * 256 + Math.floor(i / 256)];
      heights.set(`${column} ${row}`, zM);
      posts.push({ at: placeOf(column, row), zM });
    });
  }
  return {
    grid,
    posts,
    near: ([lon, lat]) => {
      const column = Math.round((lon - grid.first[0]) / grid.stepLonDeg);
      const row = Math.round((grid.first[1] - lat) / grid.stepLatDeg);
      return { zM: heights.get(`${column} ${row}`) ?? NaN, at: placeOf(column, row) };
    },
  };
}

describe('a raster brought to longitude and latitude', () => {
  // Heights are the eastings or northings themselves, less something: a post tells where it was taken from.
  const [west, north] = [180_000.5, 2_560_000.5];
  const projected = { columns: 400, rows: 300, origin: [west, north] as const, cell: 2, form: 'float64' as const };
  const eastings = (column: number): number => (column + 0.5) * 2;
  const northings = (_column: number, row: number): number => (row + 0.5) * 2;

  for (const [name, epsg, formula] of [
    ['UTM 51N', 32_651, utm51],
    ['TWD97', 3_826, twd97],
  ] as const) {
    test(`from ${name}: every post within millimetres of where the formula puts it`, async () => {
      const across = await read({ ...projected, epsg, valueAt: eastings });
      const down = await read({ ...projected, epsg, valueAt: northings });
      expect(across.posts.length).toBeGreaterThan(110_000);
      let worst = 0;
      for (const { at, zM } of across.posts) {
        const [x] = formula(at);
        // On the rim a post has the height of its cell.
        if (x > west + 1 && x < west + 799) worst = Math.max(worst, Math.abs(zM - (x - west)));
      }
      for (const { at, zM } of down.posts) {
        const [, y] = formula(at);
        if (y < north - 1 && y > north - 599) worst = Math.max(worst, Math.abs(zM - (north - y)));
      }
      expect(worst).toBeLessThan(0.005);
      expect(across.grid.cellM).toBeCloseTo(2, 2);
      const step = groundDistance(across.posts[0]!.at, [
        across.posts[0]!.at[0] + across.grid.stepLonDeg,
        across.posts[0]!.at[1],
      ]);
      expect(step).toBeCloseTo(2, 2);
    });
  }

  test('from TWD97: on its central meridian', async () => {
    // By definition of the datum's zone, 121° has the easting 250,000.
    const [x, y] = twd97([121, 23.5]);
    expect(x).toBe(250_000);
    const grid = await read({
      columns: 100,
      rows: 100,
      valueAt: (column, row) => (column === 50 && row === 50 ? 100 : 0),
      origin: [250_000 - 50.5 * 20, y + 50.5 * 20],
      cell: 20,
      epsg: 3_826,
    });
    const highest = grid.posts.reduce((best, post) => (post.zM > best.zM ? post : best));
    expect(groundDistance(highest.at, [121, 23.5])).toBeLessThan(20);
  });

  test('from longitude and latitude: its own cells, unchanged; points half a cell away from areas', async () => {
    const wanted: TiffOrder = {
      columns: 300,
      rows: 280,
      valueAt: (column, row) => column * 3 + row,
      origin: [120.1, 23.2],
      cell: 1 / 3_600,
      isGeographic: true,
      epsg: 4_326,
    };
    const area = await read(wanted);
    expect(area.grid.first[0]).toBeCloseTo(120.1 + 0.5 / 3_600, 12);
    expect([area.grid.columns, area.grid.rows]).toEqual([300, 280]);
    const { zM } = area.near([120.1 + 100.5 / 3_600, 23.2 - 30.5 / 3_600]);
    expect(zM).toBeCloseTo(330, 4);
    const point = await read({ ...wanted, isPoint: true });
    expect(point.grid.first[0]).toBeCloseTo(120.1, 12);
    expect(point.near([120.1 + 100 / 3_600, 23.2 - 30 / 3_600]).zM).toBeCloseTo(330, 4);
    expect(area.grid.cellM).toBeGreaterThan(28);
    expect(area.grid.cellM).toBeLessThan(31);
  });

  test('a turned raster, and one with a hole, keep to their area', async () => {
    const turned = await read({
      ...projected,
      columns: 300,
      rows: 300,
      turnedDeg: 25,
      epsg: 32_651,
      valueAt: () => 50,
    });
    expect(new Set(turned.posts.map(({ zM }) => zM))).toEqual(new Set([50]));
    // As many posts as cells, within the rim.
    expect(turned.posts.length / 90_000).toBeGreaterThan(0.98);
    expect(turned.posts.length / 90_000).toBeLessThan(1.02);
    const holed = await read({
      ...projected,
      epsg: 32_651,
      nodata: '-9999',
      valueAt: (column, row) => (column >= 200 && column < 300 && row >= 100 && row < 200 ? -9_999 : 7),
    });
    expect(new Set(holed.posts.map(({ zM }) => zM))).toEqual(new Set([7]));
    expect(holed.posts.length / 110_000).toBeCloseTo(1, 2);
  });

  test('what lies nowhere is refused', async () => {
    const grid = async (wanted: Partial<TiffOrder>): Promise<unknown> =>
      read({ ...projected, columns: 50, rows: 50, valueAt: () => 1, ...wanted });
    await expect(grid({ epsg: 32_651, origin: [1e30, 1e30] })).rejects.toMatchObject({ reason: 'outside_crs' });
    await expect(grid({ epsg: 4_326, isGeographic: true, origin: [179.9, 10], cell: 0.01 })).rejects.toMatchObject({
      reason: 'crosses_antimeridian',
    });
    await expect(grid({ epsg: 4_326, isGeographic: true, origin: [200, 10], cell: 0.01 })).rejects.toMatchObject({
      reason: 'crosses_antimeridian',
    });
    // Zone 1 and zone 60 meet at the antimeridian.
    await expect(grid({ epsg: 32_660, origin: [820_000, 1_000_000], cell: 1_000 })).rejects.toMatchObject({
      reason: 'crosses_antimeridian',
    });
    await expect(grid({ epsg: 4_326, isGeographic: true, origin: [0, 89], cell: 0.01 })).rejects.toMatchObject({
      reason: 'unsupported_raster',
    });
  });
});

describe('projections', () => {
  test('know what spatial_ref_sys knows', async () => {
    expect(await projections.knows(3_826)).toBe(true);
    expect(await projections.knows(99_999)).toBe(false);
    expect(await projections.knows(999_999_999)).toBe(false);
  });

  test('leave out what is no place, and go on after an error', async () => {
    const there = Float64Array.of(121, 23.5, NaN, 3, 121, 95, Infinity, 0, 120, 24);
    const xys = await projections.project(WGS84_EPSG, 3_826, there);
    expect(xys[0]).toBeCloseTo(250_000, 6);
    expect([...xys.slice(2, 8)]).toEqual([NaN, NaN, NaN, NaN, NaN, NaN]);
    expect(xys[8]).toBeCloseTo(twd97([120, 24])[0], 3);
    expect(xys[9]).toBeCloseTo(twd97([120, 24])[1], 3);
    await expect(projections.project(3_826, WGS84_EPSG, Float64Array.of(1e30, 0))).rejects.toMatchObject({
      reason: 'outside_crs',
    });
    expect(await projections.project(WGS84_EPSG, 3_826, new Float64Array(0))).toHaveLength(0);
    expect((await projections.project(WGS84_EPSG, 3_826, Float64Array.of(121, 23.5)))[0]).toBeCloseTo(250_000, 6);
  });
});

describe('rasters', () => {
  const grid: TerrainGrid = {
    first: [120, 24],
    stepLonDeg: 0.001,
    stepLatDeg: 0.001,
    columns: 1_000,
    rows: 1_000,
    cellM: 100,
    extent: [120, 23, 121, 24],
  };
  const begin = async (more: Partial<Parameters<Terrain['begin']>[0]> = {}): Promise<string> => {
    const id = randomUUID();
    const raster = {
      id,
      kind: 'terrain',
      date: '2023-01-01',
      epsg: 3_826,
      columns: 900,
      rows: 800,
      bytes: 12_345,
    } as const;
    await terrain.begin({ ...raster, grid, createdBy: 'key:test', ...more }, database.db);
    return id;
  };
  const tile = (x: number, y: number, lowestM: number, highestM: number, key = `terrain/00/${x}${y}`) => ({
    x,
    y,
    key,
    bytes: 1_000,
    lowestM,
    highestM,
  });

  test('show their import from beginning to end', async () => {
    const id = await begin();
    expect(await terrain.find(id)).toMatchObject({
      id,
      kind: 'terrain',
      date: '2023-01-01',
      status: 'importing',
      progress: 0,
      problem: null,
      crs: 'EPSG:3826',
      columns: 900,
      rows: 800,
      cellM: 100,
      bytes: 12_345,
      bbox: [120, 23, 121, 24],
      tiles: 0,
      tileBytes: 0,
      lowestM: null,
      highestM: null,
      knownShare: null,
      finishedAt: null,
    });
    expect(await terrain.ready()).toEqual([]);
    expect(await terrain.keep(id, [tile(0, 0, -3, 10), tile(1, 0, 5, 70)], 0.5)).toBe(true);
    expect(await terrain.find(id)).toMatchObject({
      progress: 0.5,
      tiles: 2,
      tileBytes: 2_000,
      lowestM: -3,
      highestM: 70,
    });
    expect(await terrain.finish(id, 0.75)).toMatchObject({ status: 'ready', progress: 1, knownShare: 0.75 });
    expect(await terrain.ready()).toEqual([{ id, kind: 'terrain', date: '2023-01-01', ...grid }]);
    const keys = await terrain.keys([1, 0, 3].map((x) => ({ terrainId: id, x, y: 0 })));
    expect(keys).toEqual(['terrain/00/10', 'terrain/00/00', null]);
    expect(await terrain.list({ limit: 10 })).toMatchObject([{ id }]);
    expect(await terrain.list({ limit: 10, after: id })).toEqual([]);
  });

  test('that were removed or failed keep nothing, and the sweep may take their tiles', async () => {
    const id = await begin();
    await terrain.keep(id, [tile(0, 0, 1, 2, 'terrain/ab/1')], 0.1);
    expect(await namedKeys(database.db, ['terrain/ab/1', 'terrain/ab/2'])).toEqual(new Set(['terrain/ab/1']));
    expect(await terrain.remove(id, database.db)).toMatchObject({ id, status: 'importing' });
    expect(await terrain.remove(id, database.db)).toBeNull();
    expect(await namedKeys(database.db, ['terrain/ab/1'])).toEqual(new Set());
    expect(await terrain.keep(id, [tile(1, 1, 1, 2)], 0.2)).toBe(false);
    expect(await terrain.finish(id, 1)).toBeNull();
    const other = await begin();
    await terrain.keep(other, [tile(0, 0, 1, 2, 'terrain/ab/3')], 0.1);
    await terrain.fail(other, 'the file is damaged');
    expect(await terrain.find(other)).toMatchObject({ status: 'failed', problem: 'the file is damaged', tiles: 0 });
    expect(await terrain.keep(other, [tile(1, 1, 1, 2)], 0.2)).toBe(false);
    expect(await namedKeys(database.db, ['terrain/ab/3'])).toEqual(new Set());
  });

  test('whose importer died show as failed, before and after they are swept', async () => {
    const [dead, alive] = [await begin(), await begin()];
    await terrain.keep(dead, [tile(0, 0, 1, 2)], 0.1);
    await database.db.query(`update terrain set lease_until = now() - interval '1 second' where id = $1`, [dead]);
    const died = { status: 'failed', problem: expect.stringContaining('stopped in the middle') };
    expect(await terrain.find(dead)).toMatchObject(died);
    await terrain.endDead();
    expect(await terrain.find(dead)).toMatchObject({ ...died, tiles: 0 });
    expect(await terrain.find(alive)).toMatchObject({ status: 'importing' });
    expect(await terrain.goOn([dead, alive])).toEqual(new Set([alive]));
  });

  test('tell the heights about places by their tiles alone', async () => {
    const id = await begin();
    await terrain.keep(id, [tile(0, 0, 1, 20), tile(1, 0, 300, 400), tile(0, 1, -5, 8)], 0.5);
    const about = (lon: number, lat: number, farM: number) => ({ position: [lon, lat] as const, farM });
    const places = [
      about(120.1, 23.9, 500),
      about(120.255, 23.9, 500),
      about(120.255, 23.745, 500),
      about(120.9, 23.1, 500),
      about(100, 10, 500),
      about(119.998, 23.9, 500),
    ];
    expect(await terrain.rangesAround(places)).toEqual([null, null, null, null, null, null]);
    await terrain.finish(id, 1);
    const bare = [
      { lowestM: 1, highestM: 20 },
      { lowestM: 1, highestM: 400 },
      { lowestM: -5, highestM: 400 },
      null,
      null,
      { lowestM: 1, highestM: 20 },
    ];
    expect(await terrain.rangesAround(places)).toEqual(bare);
    // Where only a surface is known it is the ground, so it counts.
    const surface = await begin({ kind: 'dsm' });
    await terrain.keep(surface, [tile(0, 0, -100, 999, 'terrain/00/dsm')], 1);
    await terrain.finish(surface, 1);
    const wider = bare.map((range) => (range === null ? null : { lowestM: -100, highestM: 999 }));
    expect(await terrain.rangesAround(places)).toEqual(wider);
    expect(await terrain.rangesAround([])).toEqual([]);
  });
});
