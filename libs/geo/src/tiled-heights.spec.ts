import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { LonLat } from './camera.js';
import { groundIn, type GroundGrid, type Heights, postAt } from './heights.js';
import { lineOfSight } from './line-of-sight.js';
import { groundDistance } from './local-frame.js';
import { mosaicFor, newestGround, TILE_POSTS, TiledHeights, tilesAlong } from './tiled-heights.js';

/** A metre in degrees of latitude, roughly. */
const STEP_DEG = 1 / 111_000;

function gridOf(heights: Heights, first: LonLat = [120, 23], stepDeg = STEP_DEG, cellM = 1): GroundGrid {
  return { heights, first, stepLonDeg: stepDeg, stepLatDeg: stepDeg, cellM };
}

const placeAt = ({ first, stepLonDeg, stepLatDeg }: GroundGrid, column: number, row: number): LonLat => [
  first[0] + column * stepLonDeg,
  first[1] - row * stepLatDeg,
];

/** Heights that note which tiles were read. */
function watched(columns: number, rows: number): { readonly heights: Heights; readonly read: Set<string> } {
  const read = new Set<string>();
  return {
    read,
    heights: {
      columns,
      rows,
      at: (column, row) => {
        if (column < 0 || row < 0 || column >= columns || row >= rows) return NaN;
        read.add(`${Math.floor(column / TILE_POSTS)} ${Math.floor(row / TILE_POSTS)}`);
        return 0;
      },
    },
  };
}

function readFor(grid: GroundGrid, read: Set<string>, from: LonLat, to: LonLat): string[] {
  read.clear();
  const [fromColumn, fromRow] = postAt(grid, from);
  const [toColumn, toRow] = postAt(grid, to);
  groundIn(grid, from);
  groundIn(grid, to);
  const end = (column: number, row: number) => ({ column, row, zM: 1e6 });
  lineOfSight(grid.heights, end(fromColumn, fromRow), end(toColumn, toRow), { lengthM: 1 });
  return [...read].sort();
}

const named = (tiles: readonly { x: number; y: number }[]): string[] => tiles.map(({ x, y }) => `${x} ${y}`).sort();

describe('the tiles along a line', () => {
  test('are exactly those that the line of sight and the ground at its ends read', () => {
    const { heights, read } = watched(1_500, 1_300);
    const grid = gridOf(heights);
    const along = fc.double({ min: -0.4, max: 1_499.4, noNaN: true });
    const down = fc.double({ min: -0.4, max: 1_299.4, noNaN: true });
    fc.assert(
      fc.property(along, down, along, down, (fromColumn, fromRow, toColumn, toRow) => {
        const [from, to] = [placeAt(grid, fromColumn, fromRow), placeAt(grid, toColumn, toRow)];
        expect(named(tilesAlong(grid, from, to))).toEqual(readFor(grid, read, from, to));
      }),
      { numRuns: 3_000, seed: 11 },
    );
  });

  test('hold every tile that is read where a line runs from post to post', () => {
    const { heights, read } = watched(1_024, 1_024);
    // A step that a double holds exactly, so that posts are met exactly.
    const grid = gridOf(heights, [120, 23], 2 ** -16);
    const post = fc.oneof(
      fc.integer({ min: 0, max: 1_023 }),
      fc.constantFrom(0, 255, 256, 257, 511, 512, 767, 768, 1_023),
    );
    fc.assert(
      fc.property(post, post, post, post, (fromColumn, fromRow, toColumn, toRow) => {
        const [from, to] = [placeAt(grid, fromColumn, fromRow), placeAt(grid, toColumn, toRow)];
        const found = named(tilesAlong(grid, from, to));
        expect(readFor(grid, read, from, to).filter((tile) => !found.includes(tile))).toEqual([]);
      }),
      { numRuns: 1_000, seed: 12 },
    );
  });

  test('are some 160 for 20 km over posts of a metre, and none beside the grid', () => {
    const grid = gridOf({ columns: 20_480, rows: 20_480, at: () => 0 });
    const from = placeAt(grid, 10, 20);
    const to = placeAt(grid, 14_300, 14_000);
    expect(groundDistance(from, to)).toBeGreaterThan(19_000);
    const tiles = tilesAlong(grid, from, to);
    expect(tiles.length).toBeGreaterThan(80);
    expect(tiles.length).toBeLessThan(180);
    expect(tilesAlong(grid, placeAt(grid, -50, -300), placeAt(grid, -3, 900))).toEqual([]);
    // One post beside the grid is within the margin.
    expect(named(tilesAlong(grid, placeAt(grid, -2.5, 10), placeAt(grid, -2.5, 300), 2))).toEqual(['0 0', '0 1']);
  });
});

test('heights in tiles are those in one array, and unknown where a tile is not in memory', () => {
  const heights = new TiledHeights(600, 300);
  const tile = Float32Array.from({ length: TILE_POSTS * TILE_POSTS }, (_, at) => at);
  heights.put({ x: 1, y: 0 }, tile);
  expect(heights.at(256, 0)).toBe(0);
  expect(heights.at(300, 7)).toBe(7 * 256 + 44);
  expect(heights.at(255, 0)).toBeNaN();
  heights.put(
    { x: 0, y: 0 },
    tile.map((height) => -height),
  );
  expect(heights.at(255, 0)).toBe(-255);
  expect(heights.at(300, 299)).toBeNaN();
  expect(heights.at(600, 0)).toBeNaN();
  expect(() => heights.put({ x: 0, y: 0 }, new Float32Array(4))).toThrow('bug');
});

describe('a mosaic', () => {
  const sheet = (columns: number, rows: number, at: (column: number, row: number) => number): Heights => ({
    columns,
    rows,
    at: (column, row) => (column < 0 || row < 0 || column >= columns || row >= rows ? NaN : at(column, row)),
  });

  test('of two sheets that only touch each other has no gap', () => {
    // Their posts do not lie on one lattice, as those of two sheets of a projected product do not.
    const west = gridOf(sheet(400, 400, () => 10));
    const east = gridOf(
      sheet(400, 400, () => 30),
      [120 + 399.7 * STEP_DEG, 23 + 0.3 * STEP_DEG],
      STEP_DEG * 1.000_3,
      1.000_3,
    );
    const [from, to] = [placeAt(west, 350.2, 200.4), placeAt(west, 460.8, 233.1)];
    const sheets = [west, east].map((grid) => ({ grid, date: '2020-01-01' }));
    const grid = mosaicFor(sheets, from, to);
    const groundAt = newestGround(sheets);
    expect(grid.cellM).toBe(1);
    const [fromColumn, fromRow] = postAt(grid, from);
    const [toColumn, toRow] = postAt(grid, to);
    const end = (column: number, row: number, zM: number) => ({ column, row, zM });
    const line = (zM: number) =>
      lineOfSight(grid.heights, end(fromColumn, fromRow, zM), end(toColumn, toRow, zM), {
        lengthM: 115,
        curvature: 0,
      });
    expect(line(31).result).toBe('clear');
    expect(line(31).clearanceM).toBeCloseTo(1, 9);
    expect(line(29).result).toBe('blocked');
    for (let part = 0; part <= 1; part += 0.002) {
      const position: LonLat = [from[0] + part * (to[0] - from[0]), from[1] + part * (to[1] - from[1])];
      expect(groundIn(grid, position)).not.toBeNull();
      expect(groundAt(position)).not.toBeNull();
    }
  });

  test('takes each height of the newest raster that knows it, at posts of the finest', () => {
    const fine = gridOf(sheet(500, 500, () => 1));
    const coarse = gridOf(
      sheet(25, 50, (column) => (column < 12 ? 7 : NaN)),
      [120, 23],
      20 * STEP_DEG,
      20,
    );
    const [from, to] = [placeAt(fine, 20.5, 100.5), placeAt(fine, 480.5, 100.5)];
    const old = { grid: fine, date: '2001-05-01' };
    const recent = { grid: coarse, date: '2023-05-01' };
    const grid = mosaicFor([old, recent], from, to);
    const groundAt = newestGround([old, recent]);
    expect(grid.cellM).toBe(1);
    expect(groundIn(grid, placeAt(fine, 100.5, 100.5))).toBe(7);
    expect(groundIn(grid, placeAt(fine, 400.5, 100.5))).toBe(1);
    expect(groundAt(placeAt(fine, 100.5, 100.5))).toEqual({ zM: 7, date: '2023-05-01' });
    expect(groundAt(placeAt(fine, 400.5, 100.5))).toEqual({ zM: 1, date: '2001-05-01' });
    expect(groundAt([121, 20])).toBeNull();
  });
});
