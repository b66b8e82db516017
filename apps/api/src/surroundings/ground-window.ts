import { type LonLat, TILE_POSTS, type TilePlace } from '#geo';
import type { ReadyTerrain } from '#storage';

/** West, south, east, north, degrees, within ±180. */
export type Extent = readonly [west: number, south: number, east: number, north: number];

/** Heights cut out for one question; plain data, since it crosses to another thread. */
export interface GroundWindow {
  readonly columns: number;
  readonly rows: number;
  /** Row by row, NaN where nothing is known. */
  readonly heights: Float32Array;
  readonly first: LonLat;
  readonly stepLonDeg: number;
  readonly stepLatDeg: number;
  readonly cellM: number;
  /** Of the newest raster in it, YYYY-MM-DD. */
  readonly date: string;
}

/** Whether two boxes meet. */
export function meets([west, south, east, north]: Extent, [w, s, e, n]: Extent): boolean {
  return west <= e && east >= w && south <= n && north >= s;
}

/** An empty window over a box, on the posts of the finest raster, or on every so many of them. */
export function windowOver(
  rasters: readonly ReadyTerrain[],
  [west, south, east, north]: Extent,
  mostPosts: number,
): GroundWindow {
  const finest = rasters.reduce((best, one) => (one.cellM < best.cellM ? one : best));
  const { first, stepLonDeg, stepLatDeg, cellM } = finest;
  const left = Math.floor((west - first[0]) / stepLonDeg) - 1;
  const top = Math.floor((first[1] - north) / stepLatDeg) - 1;
  const across = Math.ceil((east - first[0]) / stepLonDeg) + 1 - left;
  const down = Math.ceil((first[1] - south) / stepLatDeg) + 1 - top;
  const each = Math.max(1, Math.ceil(Math.sqrt((across * down) / mostPosts)));
  const columns = Math.ceil(across / each) + 1;
  const rows = Math.ceil(down / each) + 1;
  return {
    columns,
    rows,
    heights: new Float32Array(columns * rows).fill(NaN),
    first: [first[0] + left * stepLonDeg, first[1] - top * stepLatDeg],
    stepLonDeg: stepLonDeg * each,
    stepLatDeg: stepLatDeg * each,
    cellM: cellM * each,
    date: rasters.map(({ date }) => date).reduce((newest, date) => (date > newest ? date : newest)),
  };
}

/** Tiles of a raster that a window reads. */
export function tilesUnder(raster: ReadyTerrain, window: GroundWindow): readonly TilePlace[] {
  const [left, right] = tileRun(postsOf(raster, window, 'columns'), raster.columns);
  const [top, bottom] = tileRun(postsOf(raster, window, 'rows'), raster.rows);
  const places: TilePlace[] = [];
  for (let y = top; y <= bottom; y += 1) for (let x = left; x <= right; x += 1) places.push({ x, y });
  return places;
}

/** Copies those heights of a tile that are nearest to posts of the window. */
export function copyTile(raster: ReadyTerrain, { x, y }: TilePlace, heights: Float32Array, window: GroundWindow): void {
  const columnAt = postsOf(raster, window, 'columns');
  const rowAt = postsOf(raster, window, 'rows');
  const [left, top] = [x * TILE_POSTS, y * TILE_POSTS];
  for (const row of within(rowAt, window.rows, top, Math.min(top + TILE_POSTS, raster.rows))) {
    const line = (rowAt(row) - top) * TILE_POSTS - left;
    for (const column of within(columnAt, window.columns, left, Math.min(left + TILE_POSTS, raster.columns))) {
      const height = heights[line + columnAt(column)]!;
      if (!Number.isNaN(height)) window.heights[row * window.columns + column] = height;
    }
  }
}

type PostAt = ((index: number) => number) & { readonly last: number };

/** The raster's post that is nearest to a column or row of the window; both run the same way. */
function postsOf(raster: ReadyTerrain, window: GroundWindow, axis: 'columns' | 'rows'): PostAt {
  const [start, step] =
    axis === 'columns'
      ? [(window.first[0] - raster.first[0]) / raster.stepLonDeg, window.stepLonDeg / raster.stepLonDeg]
      : [(raster.first[1] - window.first[1]) / raster.stepLatDeg, window.stepLatDeg / raster.stepLatDeg];
  return Object.assign((index: number) => Math.round(start + index * step), { last: window[axis] - 1 });
}

function tileRun(postAt: PostAt, posts: number): readonly [first: number, last: number] {
  const first = Math.max(0, postAt(0));
  const last = Math.min(posts - 1, postAt(postAt.last));
  return first > last ? [0, -1] : [Math.floor(first / TILE_POSTS), Math.floor(last / TILE_POSTS)];
}

/** Indexes of the window whose post lies in a run of posts. */
function* within(postAt: PostAt, count: number, from: number, end: number): Generator<number> {
  for (let index = 0; index < count; index += 1) {
    const post = postAt(index);
    if (post >= end) return;
    if (post >= from) yield index;
  }
}
