import type { LonLat } from './camera.js';
import { wrap180 } from './angle.js';

/**
 * Heights at posts (cell centres), metres; columns count to the right, rows down. NaN where nothing is known, also outside.
 * A flat array and a cache of tiles both fit.
 */
export interface Heights {
  readonly columns: number;
  readonly rows: number;
  /** Height at a post; whole numbers. */
  at(column: number, row: number): number;
}

/** Heights in one row-major array; `nodata` reads as NaN. */
export class HeightArray implements Heights {
  constructor(
    readonly columns: number,
    readonly rows: number,
    private readonly values: Float32Array | Float64Array,
    private readonly nodata = NaN,
  ) {
    if (values.length !== columns * rows)
      throw new Error(`bug: ${values.length} heights for ${columns} × ${rows} posts`);
  }

  at(column: number, row: number): number {
    if (column < 0 || row < 0 || column >= this.columns || row >= this.rows) return NaN;
    const value = this.values[row * this.columns + column]!;
    return value === this.nodata ? NaN : value;
  }
}

/** Height at a place between posts, bilinear; NaN where one of the posts that count has none. */
export function heightAt(heights: Heights, column: number, row: number): number {
  const left = Math.floor(column);
  const top = Math.floor(row);
  const right = column - left;
  const down = row - top;
  const upper = mixed(heights.at(left, top), right === 0 ? 0 : heights.at(left + 1, top), right);
  if (down === 0) return upper;
  const lower = mixed(heights.at(left, top + 1), right === 0 ? 0 : heights.at(left + 1, top + 1), right);
  return upper + down * (lower - upper);
}

function mixed(first: number, second: number, part: number): number {
  return part === 0 ? first : first + part * (second - first);
}

/** Heights on a grid of longitude and latitude, WGS 84, as tiles are kept. */
export interface GroundGrid {
  readonly heights: Heights;
  /** Position of the upper left post, not of its cell's corner. */
  readonly first: LonLat;
  /** From post to post, degrees, both positive. */
  readonly stepLonDeg: number;
  readonly stepLatDeg: number;
  /** Cell size on the ground, metres. */
  readonly cellM: number;
}

/** Where a place lies among the posts: fractional column and row. */
export function postAt({ first, stepLonDeg, stepLatDeg }: GroundGrid, [lon, lat]: LonLat): readonly [number, number] {
  return [wrap180(lon - first[0]) / stepLonDeg, (first[1] - lat) / stepLatDeg];
}

/** Ground at a place, metres; null where the grid knows none. */
export function groundIn(grid: GroundGrid, position: LonLat): number | null {
  const [column, row] = postAt(grid, position);
  const height = heightAt(grid.heights, column, row);
  return Number.isNaN(height) ? null : height;
}
