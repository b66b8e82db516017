import { randomUUID } from 'node:crypto';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { DirectoryStore, packHeights } from '#frames';
import { groundDistance, groundIn, type LonLat, NONE_COMPUTED, occluderOf } from '#geo';
import { HeightTiles, openGeotiff, planGrid } from '#intake';
import { type NewTerrain, Projections, Terrain, WGS84_EPSG } from '#storage';
import { openTestDatabase, type TestDatabase, type TiffOrder, writeTiff } from '#testing';
import { Ground } from '../src/surroundings/ground.js';

let database: TestDatabase;
let store: DirectoryStore;
let directory: string;
let terrain: Terrain;
let projections: Projections;

beforeAll(async () => {
  database = await openTestDatabase();
  directory = mkdtempSync(path.join(tmpdir(), 'sightline-ground-'));
  store = await DirectoryStore.open({ directory });
  terrain = new Terrain(database.db);
  projections = new Projections(database.db);
});
afterAll(async () => {
  await store.close();
  await database.close();
  rmSync(directory, { recursive: true, force: true });
});
beforeEach(() => database.db.query('delete from terrain'));

/** Brings a raster in as an import does. */
async function add(wanted: TiffOrder, more: Partial<Pick<NewTerrain, 'kind' | 'date'>> = {}): Promise<string> {
  const bytes = writeTiff(wanted);
  const raster = await openGeotiff({
    size: bytes.length,
    read: async (offset, length) => bytes.subarray(offset, offset + length),
  });
  const { epsg, columns, rows } = raster;
  const grid = await planGrid(raster, (xys) => projections.project(epsg, WGS84_EPSG, xys));
  const id = randomUUID();
  const begun = { id, kind: 'terrain', date: '2020-01-01', epsg, columns, rows, bytes: bytes.length } as const;
  await terrain.begin({ ...begun, grid, createdBy: 'key:test', ...more }, database.db);
  for await (const { heights, ...tile } of new HeightTiles(raster, grid, (lonLats) =>
    projections.project(WGS84_EPSG, epsg, lonLats),
  )) {
    const packed = packHeights(heights);
    await terrain.keep(id, [{ ...tile, key: await store.put('terrain', packed), bytes: packed.length }], 0.5);
  }
  await terrain.finish(id, 1);
  return id;
}

const ground = (): Ground => new Ground(database.db, store);

/** Places of TWD97 coordinates. */
async function at(...xys: readonly (readonly [number, number])[]): Promise<LonLat[]> {
  const lonLats = await projections.project(3_826, WGS84_EPSG, Float64Array.from(xys.flat()));
  return xys.map((_, i): LonLat => [lonLats[2 * i]!, lonLats[2 * i + 1]!]);
}

/** A plain of 10 m with a wall across, 4 m wide. */
const plain: TiffOrder = {
  columns: 600,
  rows: 400,
  valueAt: (column) => (column >= 300 && column < 304 ? 25 : 10),
  packing: 'deflate',
  tile: 64,
  origin: [170_000, 2_555_000],
  cell: 1,
  epsg: 3_826,
};

async function sightAlong(from: LonLat, to: LonLat, heightM: number) {
  const prepared = await ground().prepare([{ from, to }]);
  const [fromZM, toZM] = [prepared.groundAt(from), prepared.groundAt(to)];
  const line = { from, to, fromZM: (fromZM ?? 0) + heightM, toZM: toZM ?? 0, lengthM: groundDistance(from, to) };
  return { fromZM, toZM, ...occluderOf(prepared.surroundingsOf({ from, to }))(line) };
}

describe('the ground', () => {
  test('is unknown without rasters, and asks the database once in a while', async () => {
    let asked = 0;
    const counting = {
      query: (text: string, values?: unknown[]) => {
        asked += 1;
        return database.db.query(text, values);
      },
    } as typeof database.db;
    const one = new Ground(counting, store);
    const line = { from: [120, 23], to: [120.01, 23] } as const;
    for (let i = 0; i < 50; i += 1) {
      const prepared = await one.prepare([line]);
      expect([prepared.groundAt(line.from), prepared.surroundingsOf(line)]).toEqual([null, {}]);
    }
    expect(asked).toBe(1);
  });

  test('blocks what lies behind a wall of bare earth, and says by what and when', async () => {
    await add(plain);
    const [camera, before, behind] = await at([170_050.3, 2_554_800.2], [170_200.7, 2_554_790], [170_420.1, 2_554_750]);
    expect(await sightAlong(camera!, before!, 6)).toEqual({
      fromZM: 10,
      toZM: 10,
      model: 'terrain',
      modelDate: '2020-01-01',
      result: 'clear',
      by: null,
    });
    expect(await sightAlong(camera!, behind!, 6)).toMatchObject({ model: 'terrain', result: 'blocked', by: 'terrain' });
    // From 60 m up one looks over it.
    expect(await sightAlong(camera!, behind!, 60)).toMatchObject({ result: 'clear' });
  });

  test('of two sheets that only touch is one', async () => {
    await add(plain);
    await add({ ...plain, origin: [170_600, 2_555_000], valueAt: () => 10 }, { date: '2021-06-30' });
    const [camera, target] = await at([170_450, 2_554_800.2], [170_900, 2_554_777]);
    expect(await sightAlong(camera!, target!, 5)).toMatchObject({
      fromZM: 10,
      toZM: 10,
      model: 'terrain',
      // The older of the two.
      modelDate: '2020-01-01',
      result: 'clear',
    });
    const [seam] = await at([170_600, 2_554_800]);
    const prepared = await ground().prepare([{ from: camera!, to: target! }]);
    const { terrain: bare } = prepared.surroundingsOf({ from: camera!, to: target! });
    expect(prepared.groundAt(seam!)).toBeCloseTo(10, 5);
    expect(groundIn(bare!.grid, seam!)).toBeCloseTo(10, 5);
  });

  test('is never a model at one end and a plane at the other', async () => {
    await add(plain);
    const [camera, outside] = await at([170_050, 2_554_800], [168_000, 2_554_800]);
    const found = await sightAlong(camera!, outside!, 6);
    expect(found).toEqual({ fromZM: 10, toZM: null, ...NONE_COMPUTED });
    const line = { from: camera!, to: outside! };
    expect((await ground().prepare([line])).surroundingsOf(line)).toEqual({});
  });

  test('is bare earth where that is known, else the surface; the surface judges lines', async () => {
    await add({ ...plain, columns: 250, valueAt: () => 8 });
    await add(
      { ...plain, valueAt: (column) => (column >= 100 && column < 120 ? 30 : 10) },
      { kind: 'dsm', date: '2022-02-02' },
    );
    const [camera, target, bare] = await at([170_050, 2_554_800], [170_400, 2_554_790], [170_200, 2_554_800]);
    expect(await sightAlong(camera!, bare!, 6)).toMatchObject({
      fromZM: 8,
      toZM: 8,
      model: 'dsm',
      modelDate: '2022-02-02',
      result: 'blocked',
      by: 'building',
    });
    expect(await sightAlong(camera!, target!, 6)).toMatchObject({
      fromZM: 8,
      toZM: 10,
      model: 'dsm',
      result: 'blocked',
    });
  });

  test('takes the newest raster that knows a place', async () => {
    await add(plain);
    await add({ ...plain, nodata: '-9999', valueAt: (column) => (column < 200 ? 77 : -9_999) }, { date: '2024-01-01' });
    await add({ ...plain, valueAt: () => 55 }, { date: '2001-01-01' });
    const [renewed, kept] = await at([170_100, 2_554_800], [170_250, 2_554_800]);
    const prepared = await ground().prepare([{ from: renewed!, to: kept! }]);
    expect(prepared.groundAt(renewed!)).toBeCloseTo(77, 4);
    expect(prepared.groundAt(kept!)).toBeCloseTo(10, 4);
  });

  test('that was removed counts no more once that is told', async () => {
    const id = await add(plain);
    const one = ground();
    const [from, to] = (await at([170_050, 2_554_800], [170_100, 2_554_800])) as [LonLat, LonLat];
    expect((await one.prepare([{ from, to }])).groundAt(from)).toBeCloseTo(10, 4);
    await terrain.remove(id, database.db);
    one.forget();
    expect((await one.prepare([{ from, to }])).groundAt(from)).toBeNull();
  });

  test('holds no more than it may: of many far lines the last keep unknown stretches', async () => {
    // 40 × 40 tiles, all of one plain: one file in the store.
    const [first, stepDeg] = [[121, 24] as const, 1 / 90_000];
    const heights = new Float32Array(256 * 256).fill(5);
    const id = randomUUID();
    const size = 40 * 256;
    const extent = [121, 24 - size * stepDeg, 121 + size * stepDeg, 24] as const;
    const grid = { first, stepLonDeg: stepDeg, stepLatDeg: stepDeg, columns: size, rows: size, cellM: 1.2, extent };
    const head = { id, kind: 'terrain', date: '2020-01-01', epsg: 4_326, columns: size, rows: size, bytes: 1 } as const;
    await terrain.begin({ ...head, grid, createdBy: 'key:test' }, database.db);
    const packed = packHeights(heights);
    const key = await store.put('terrain', packed);
    const tiles = Array.from({ length: 1_600 }, (_, i) => ({
      x: i % 40,
      y: Math.floor(i / 40),
      key,
      bytes: 1,
      lowestM: 5,
      highestM: 5,
    }));
    await terrain.keep(id, tiles, 1);
    await terrain.finish(id, 1);
    // Eight lines of forty tiles each.
    const lines = Array.from({ length: 8 }, (_, i) => {
      const lat = 24 - (128 + i * 5 * 256) * stepDeg;
      return { from: [121.000_1, lat] as const, to: [121 + (size - 10) * stepDeg, lat] as const };
    });
    const prepared = await ground().prepare(lines);
    const results = lines.map(({ from, to }) => {
      expect([prepared.groundAt(from), prepared.groundAt(to)]).toEqual([5, 5]);
      const line = { from, to, fromZM: 1_000, toZM: 1_000, lengthM: groundDistance(from, to) };
      return occluderOf(prepared.surroundingsOf({ from, to }))(line).result;
    });
    expect(results.slice(0, 5)).toEqual(['clear', 'clear', 'clear', 'clear', 'clear']);
    expect(results.at(-1)).toBe('unknown');
  });
});

test('tiles of heights that nothing names are swept, those that a raster names stay', async () => {
  const { namedKeys } = await import('#storage');
  const kept = await add({ ...plain, columns: 30, rows: 30 });
  const gone = await add({ ...plain, columns: 31, rows: 31, valueAt: () => 3 });
  await terrain.remove(gone, database.db);
  const files = (): number =>
    readdirSync(path.join(directory, 'terrain')).flatMap((prefix) =>
      readdirSync(path.join(directory, 'terrain', prefix)),
    ).length;
  expect(files()).toBeGreaterThan(1);
  await store.sweep({ graceS: -1, isNamed: (keys) => namedKeys(database.db, keys) });
  expect(files()).toBe(1);
  expect(await terrain.find(kept)).toMatchObject({ status: 'ready' });
});
