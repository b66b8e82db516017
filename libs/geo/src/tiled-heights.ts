import type { LonLat } from './camera.js';
import { type GroundGrid, type Heights, postAt } from './heights.js';

/** Posts along a side of a tile; the first post of a grid is the first of its tile 0, 0. */
export const TILE_POSTS = 256;

/** Which tile of a grid: counted to the right and down, as posts are. */
export interface TilePlace {
  readonly x: number;
  readonly y: number;
}

/** Heights of a grid as far as its tiles are in memory; NaN elsewhere. */
export class TiledHeights implements Heights {
  private readonly tiles = new Map<number, Float32Array>();
  private readonly tilesAcross: number;
  /** Lines read one tile many times in a row. */
  private last: Float32Array | undefined;
  private lastTile = -1;

  constructor(
    readonly columns: number,
    readonly rows: number,
  ) {
    this.tilesAcross = Math.ceil(columns / TILE_POSTS);
  }

  /** @param heights 256 × 256 row-major, NaN where nothing is known; they are shared, not copied */
  put({ x, y }: TilePlace, heights: Float32Array): void {
    if (heights.length !== TILE_POSTS * TILE_POSTS) throw new Error(`bug: a tile of ${heights.length} heights`);
    this.tiles.set(y * this.tilesAcross + x, heights);
    this.lastTile = -1;
  }

  /** Forgets every tile. */
  clear(): void {
    this.tiles.clear();
    this.lastTile = -1;
  }

  at(column: number, row: number): number {
    if (column < 0 || row < 0 || column >= this.columns || row >= this.rows) return NaN;
    const x = Math.floor(column / TILE_POSTS);
    const y = Math.floor(row / TILE_POSTS);
    const tile = y * this.tilesAcross + x;
    if (tile !== this.lastTile) {
      this.last = this.tiles.get(tile);
      this.lastTile = tile;
    }
    if (this.last === undefined) return NaN;
    return this.last[(row - y * TILE_POSTS) * TILE_POSTS + column - x * TILE_POSTS]!;
  }
}

/**
 * The tiles whose posts `lineOfSight` and `groundIn` may read for a line: those of the two posts at each crossing with a column or row
 * of posts, and of the four about each end. Without those outside the grid.
 * @param marginPosts so many posts more on every side
 */
export function tilesAlong(grid: GroundGrid, from: LonLat, to: LonLat, marginPosts = 0): readonly TilePlace[] {
  const ends = [postAt(grid, from), postAt(grid, to)] as const;
  const found = new TileSet(grid.heights, marginPosts);
  for (const [column, row] of ends) {
    found.add([Math.floor(column), Math.floor(column) + 1], [Math.floor(row), Math.floor(row) + 1]);
  }
  const [[fromColumn, fromRow], [toColumn, toRow]] = ends;
  crossings(fromColumn, fromRow, toColumn, toRow, grid.heights.columns, marginPosts, (columns, rows) => {
    found.add(columns, rows);
  });
  crossings(fromRow, fromColumn, toRow, toColumn, grid.heights.rows, marginPosts, (rows, columns) => {
    found.add(columns, rows);
  });
  return found.places();
}

/** First and last of a run of posts. */
type Run = readonly [first: number, last: number];

/** Tiles of runs of posts, each once. */
class TileSet {
  private readonly tiles = new Set<number>();
  private readonly tilesAcross: number;

  constructor(
    private readonly heights: Heights,
    private readonly marginPosts: number,
  ) {
    this.tilesAcross = Math.ceil(heights.columns / TILE_POSTS);
  }

  add(columns: Run, rows: Run): void {
    const [left, right] = this.tilesOf(columns, this.heights.columns);
    const [top, bottom] = this.tilesOf(rows, this.heights.rows);
    for (let y = top; y <= bottom; y += 1) {
      for (let x = left; x <= right; x += 1) this.tiles.add(y * this.tilesAcross + x);
    }
  }

  places(): readonly TilePlace[] {
    return [...this.tiles]
      .sort((a, b) => a - b)
      .map((tile) => ({ x: tile % this.tilesAcross, y: Math.floor(tile / this.tilesAcross) }));
  }

  private tilesOf([first, last]: Run, posts: number): Run {
    const least = Math.max(0, first - this.marginPosts);
    const most = Math.min(posts - 1, last + this.marginPosts);
    return least > most ? [0, -1] : [Math.floor(least / TILE_POSTS), Math.floor(most / TILE_POSTS)];
  }
}

/**
 * Where a line crosses posts that lie along one axis, tile by tile: which of them, and the run of posts across that are read there.
 * Between two crossings the line crosses the other axis within the same tile, so that a run has no gaps.
 */
function crossings(
  fromAlong: number,
  fromAcross: number,
  toAlong: number,
  toAcross: number,
  posts: number,
  marginPosts: number,
  tell: (along: Run, across: Run) => void,
): void {
  const span = toAlong - fromAlong;
  if (span === 0) return;
  const first = Math.max(-marginPosts, Math.ceil(Math.min(fromAlong, toAlong)));
  const last = Math.min(posts - 1 + marginPosts, Math.floor(Math.max(fromAlong, toAlong)));
  // In the same order of operations as the line of sight has them, so that both round alike.
  const acrossAt = (at: number): number => fromAcross + ((at - fromAlong) / span) * (toAcross - fromAcross);
  for (let start = first; start <= last;) {
    const end = Math.min(last, (Math.floor(start / TILE_POSTS) + 1) * TILE_POSTS - 1);
    const [a, b] = [acrossAt(start), acrossAt(end)];
    tell([start, end], [Math.floor(Math.min(a, b)), Math.floor(Math.max(a, b)) + 1]);
    start = end + 1;
  }
}

/** Heights of one raster with the date of the survey behind them, YYYY-MM-DD. */
export interface DatedGrid {
  readonly grid: GroundGrid;
  readonly date: string;
}

/** Ground at a place, metres, with the date of the raster that knows it; null where none does. */
export type DatedGround = (position: LonLat) => { readonly zM: number; readonly date: string } | null;

/** Ground of the newest raster that knows a place; of the same date, of the one that comes first. */
export function newestGround(rasters: readonly DatedGrid[]): DatedGround {
  const newestFirst = byDate(rasters);
  return (position) => {
    for (const { grid, date } of newestFirst) {
      const zM = heightNear(grid.heights, ...postAt(grid, position));
      if (!Number.isNaN(zM)) return { zM, date };
    }
    return null;
  };
}

const byDate = (rasters: readonly DatedGrid[]): readonly DatedGrid[] =>
  [...rasters].sort((a, b) => (a.date < b.date ? 1 : a.date > b.date ? -1 : 0));

/**
 * Rasters as one grid for one line: at posts of the finest of them, each height from the newest raster that knows it; of the same date, the
 * one that comes first. Sheets of one product that only touch each other give an unbroken line, since a sheet answers for a place as soon
 * as one of the posts about it is known.
 * @param rasters those that the line touches, at least one
 */
export function mosaicFor(rasters: readonly DatedGrid[], from: LonLat, to: LonLat): GroundGrid {
  const newestFirst = byDate(rasters);
  const [alone] = newestFirst;
  if (alone !== undefined && newestFirst.length === 1) return alone.grid;
  const finest = newestFirst.reduce((best, one) => (one.grid.cellM < best.grid.cellM ? one : best)).grid;
  const { first, stepLonDeg, stepLatDeg, cellM } = finest;
  const [fromColumn, fromRow] = postAt(finest, from);
  const [toColumn, toRow] = postAt(finest, to);
  // One post more than the line needs, so that its ends are well inside.
  const left = Math.floor(Math.min(fromColumn, toColumn)) - 1;
  const top = Math.floor(Math.min(fromRow, toRow)) - 1;
  return {
    heights: {
      columns: Math.ceil(Math.max(fromColumn, toColumn)) + 2 - left,
      rows: Math.ceil(Math.max(fromRow, toRow)) + 2 - top,
      at: (column, row) => {
        for (const { grid } of newestFirst) {
          const height =
            grid === finest
              ? grid.heights.at(left + column, top + row)
              : heightNear(
                  grid.heights,
                  ...postAt(grid, [first[0] + (left + column) * stepLonDeg, first[1] - (top + row) * stepLatDeg]),
                );
          if (!Number.isNaN(height)) return height;
        }
        return NaN;
      },
    },
    first: [first[0] + left * stepLonDeg, first[1] - top * stepLatDeg],
    stepLonDeg,
    stepLatDeg,
    cellM,
  };
}

/** Height between posts, bilinear among those of the four that are known; NaN where none is. */
function heightNear(heights: Heights, column: number, row: number): number {
  const left = Math.floor(column);
  const top = Math.floor(row);
  const right = column - left;
  const down = row - top;
  let sum = 0;
  let weights = 0;
  const add = (weight: number, height: number): void => {
    if (weight === 0 || Number.isNaN(height)) return;
    sum += weight * height;
    weights += weight;
  };
  add((1 - right) * (1 - down), heights.at(left, top));
  add(right * (1 - down), heights.at(left + 1, top));
  add((1 - right) * down, heights.at(left, top + 1));
  add(right * down, heights.at(left + 1, top + 1));
  return weights === 0 ? NaN : sum / weights;
}
