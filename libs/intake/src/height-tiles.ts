import { UnusableRaster } from '#catalog';
import { TILE_POSTS } from '#geo';
import type { Raster } from './geotiff.js';
import { type LonLatGrid, type Positions, type Projection, tilesOf } from './lon-lat-grid.js';

/** Heights of a tile's posts, metres, row by row; NaN where nothing is known, and beyond the last post of the grid. */
export interface HeightTile {
  readonly x: number;
  readonly y: number;
  readonly heights: Float32Array;
  readonly lowestM: number;
  readonly highestM: number;
}

/** Every so many posts are placed by the projection, those between by their neighbours: off by millimetres for cells of a metre. */
const LATTICE_POSTS = 32;
const LATTICE_CELLS = TILE_POSTS / LATTICE_POSTS;

/** Tiles whose lattice is asked for at once. */
const TILES_AT_ONCE = 32;

/** Cells that are held for a tile: it has 65,536 posts, turned and stretched some more. */
const MAX_WINDOW_CELLS = 4_194_304;

/**
 * A raster brought to its grid of longitude and latitude, tile by tile: places by a projection, heights bilinear between the four cells
 * about a post. Where one of those is unknown, a post has the height of the cell that it lies in: so a raster answers for all of its
 * area, and two that touch leave no gap. Tiles without any height are left out. Nothing is read before it is asked for.
 */
export class HeightTiles implements AsyncIterable<HeightTile> {
  /** Tiles done, with or without heights, and all of them. */
  tilesDone = 0;
  readonly tilesInAll: number;
  /** Posts within the raster, and those of them with a height, among the tiles done. */
  postsInside = 0;
  postsKnown = 0;

  /** @param project longitude and latitude into the raster's CRS */
  constructor(
    private readonly raster: Raster,
    private readonly grid: LonLatGrid,
    private readonly project: Projection,
  ) {
    const [across, down] = tilesOf(grid);
    this.tilesInAll = across * down;
  }

  /** @throws UnusableRaster where the file is damaged */
  async *[Symbol.asyncIterator](): AsyncGenerator<HeightTile, void> {
    const [across, down] = tilesOf(this.grid);
    for (let y = 0; y < down; y += 1) {
      for (let x = 0; x < across; x += TILES_AT_ONCE) {
        const tiles = Math.min(TILES_AT_ONCE, across - x);
        const lattice = await this.latticeOf(x, y, tiles);
        for (let i = 0; i < tiles; i += 1) {
          const tile = await this.tileAt(x + i, y, lattice, i);
          this.tilesDone += 1;
          if (tile !== null) yield tile;
        }
      }
    }
  }

  /** Where every 32nd post of some tiles side by side lies among the raster's cells. */
  private async latticeOf(firstTile: number, y: number, tiles: number): Promise<Lattice> {
    const { first, stepLonDeg, stepLatDeg } = this.grid;
    const across = tiles * LATTICE_CELLS + 1;
    const lonLats = new Float64Array(across * (LATTICE_CELLS + 1) * 2);
    for (let row = 0, at = 0; row <= LATTICE_CELLS; row += 1) {
      for (let column = 0; column < across; column += 1, at += 2) {
        lonLats[at] = first[0] + (firstTile * TILE_POSTS + column * LATTICE_POSTS) * stepLonDeg;
        lonLats[at + 1] = first[1] - (y * TILE_POSTS + row * LATTICE_POSTS) * stepLatDeg;
      }
    }
    const cells = await this.project(lonLats);
    for (let at = 0; at < cells.length; at += 2) {
      [cells[at], cells[at + 1]] = this.raster.cellAt(cells[at]!, cells[at + 1]!) as [number, number];
    }
    return { across, cells };
  }

  private async tileAt(x: number, y: number, lattice: Lattice, tile: number): Promise<HeightTile | null> {
    const window = await this.windowOf(lattice, tile);
    if (window === null) return null;
    const heights = new Float32Array(TILE_POSTS * TILE_POSTS).fill(NaN);
    const sampler = new Sampler(this.raster, window);
    const across = Math.min(TILE_POSTS, this.grid.columns - x * TILE_POSTS);
    const down = Math.min(TILE_POSTS, this.grid.rows - y * TILE_POSTS);
    for (let row = 0; row < down; row += 1) {
      for (let column = 0; column < across; column += 1) {
        const [cellColumn, cellRow] = placeIn(lattice, tile, column, row);
        heights[row * TILE_POSTS + column] = sampler.heightAt(cellColumn, cellRow);
      }
    }
    this.postsInside += sampler.inside;
    this.postsKnown += sampler.known;
    if (sampler.known === 0) return null;
    return { x, y, heights, lowestM: sampler.lowestM, highestM: sampler.highestM };
  }

  /** The cells that the posts of a tile may need; null for a tile beside the raster. */
  private async windowOf(lattice: Lattice, tile: number): Promise<Window | null> {
    let [left, top, right, bottom] = [Infinity, Infinity, -Infinity, -Infinity];
    for (let row = 0; row <= LATTICE_CELLS; row += 1) {
      for (let column = 0; column <= LATTICE_CELLS; column += 1) {
        const at = (row * lattice.across + tile * LATTICE_CELLS + column) * 2;
        const [cellColumn, cellRow] = [lattice.cells[at]!, lattice.cells[at + 1]!];
        // A place that the projection does not know: of the posts about it none gets a height.
        if (!Number.isFinite(cellColumn) || !Number.isFinite(cellRow)) continue;
        left = Math.min(left, cellColumn);
        right = Math.max(right, cellColumn);
        top = Math.min(top, cellRow);
        bottom = Math.max(bottom, cellRow);
      }
    }
    const firstColumn = Math.max(0, Math.floor(left));
    const firstRow = Math.max(0, Math.floor(top));
    const columns = Math.min(this.raster.columns - 1, Math.ceil(right)) - firstColumn + 1;
    const rows = Math.min(this.raster.rows - 1, Math.ceil(bottom)) - firstRow + 1;
    if (!(columns > 0 && rows > 0)) return null;
    if (columns * rows > MAX_WINDOW_CELLS) {
      throw new UnusableRaster(
        'unsupported_raster',
        'the cells of the raster are not alike in size; gdalwarp makes them so',
      );
    }
    const heights = await this.raster.window(firstColumn, firstRow, columns, rows);
    return { firstColumn, firstRow, columns, rows, heights };
  }
}

interface Lattice {
  /** Its places in a row. */
  readonly across: number;
  /** Fractional column and row of the raster, one after the other. */
  readonly cells: Positions;
}

/** Where a post of a tile lies among the raster's cells. */
function placeIn({ across, cells }: Lattice, tile: number, column: number, row: number): readonly [number, number] {
  const left = Math.floor(column / LATTICE_POSTS);
  const top = Math.floor(row / LATTICE_POSTS);
  const right = column / LATTICE_POSTS - left;
  const down = row / LATTICE_POSTS - top;
  const upper = (top * across + tile * LATTICE_CELLS + left) * 2;
  const lower = upper + across * 2;
  const between = (at: number): number => {
    const above = cells[upper + at]! + right * (cells[upper + 2 + at]! - cells[upper + at]!);
    const below = cells[lower + at]! + right * (cells[lower + 2 + at]! - cells[lower + at]!);
    return above + down * (below - above);
  };
  return [between(0), between(1)];
}

interface Window {
  readonly firstColumn: number;
  readonly firstRow: number;
  readonly columns: number;
  readonly rows: number;
  readonly heights: Float32Array;
}

/** Reads heights between cells, and counts. */
class Sampler {
  inside = 0;
  known = 0;
  lowestM = Infinity;
  highestM = -Infinity;

  constructor(
    private readonly raster: Raster,
    private readonly window: Window,
  ) {}

  heightAt(column: number, row: number): number {
    const { columns, rows } = this.raster;
    if (!(column >= -0.5 && row >= -0.5 && column <= columns - 0.5 && row <= rows - 0.5)) return NaN;
    this.inside += 1;
    // The outermost cells go on to the rim.
    const height = this.between(clamped(column, columns - 1), clamped(row, rows - 1));
    if (Number.isNaN(height)) return NaN;
    this.known += 1;
    if (height < this.lowestM) this.lowestM = height;
    if (height > this.highestM) this.highestM = height;
    return height;
  }

  private between(column: number, row: number): number {
    const left = Math.floor(column);
    const top = Math.floor(row);
    const right = column - left;
    const down = row - top;
    // On a column or row of cells only those of it count: beyond the last one there is none.
    const [beside, below] = [right === 0 ? left : left + 1, down === 0 ? top : top + 1];
    const upper = this.cell(left, top) * (1 - right) + this.cell(beside, top) * right;
    const lower = this.cell(left, below) * (1 - right) + this.cell(beside, below) * right;
    const height = upper * (1 - down) + lower * down;
    return Number.isNaN(height) ? this.cell(Math.round(column), Math.round(row)) : height;
  }

  private cell(column: number, row: number): number {
    const { firstColumn, firstRow, columns, rows, heights } = this.window;
    const [x, y] = [column - firstColumn, row - firstRow];
    return x < 0 || y < 0 || x >= columns || y >= rows ? NaN : heights[y * columns + x]!;
  }
}

const clamped = (value: number, most: number): number => (value < 0 ? 0 : value > most ? most : value);
