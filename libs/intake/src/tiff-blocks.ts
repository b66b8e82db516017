import { inflateSync } from 'node:zlib';
import { UnusableRaster } from '#catalog';
import { unpackLzw } from './lzw.js';
import { type RandomAccess, readWhole } from './random-access.js';
import { type NumberForm, numbersOf, type Samples, undoPredictor } from './tiff-samples.js';
import type { TiffTags } from './tiff-tags.js';

/** TIFF's numbers of the packings that are read. */
const PLAIN = 1;
const LZW = 5;
const DEFLATE = [8, 32_946];

/** A block unpacked is at most this, bytes: it is held whole. */
const MAX_BLOCK_BYTES = 64 * 1_048_576;
/** Unpacked strips are read in pieces of about so many bytes, since some programs write a raster as one strip. */
const PIECE_BYTES = 1_048_576;
/** Blocks held for the next tiles, bytes: 250 rows of 65,536 columns. */
const CACHE_BYTES = 64 * 1_048_576;
/** So many blocks at most stand in the tables of a file (tiff-directory.ts). */
const MAX_BLOCKS = 2_000_000;

/** How the samples of a raster are laid out in the file. */
interface Layout {
  readonly columns: number;
  readonly rows: number;
  readonly blockColumns: number;
  readonly blockRows: number;
  readonly blocksAcross: number;
  /** Whether the last block of a column is cut off at the last row. */
  readonly areStrips: boolean;
  readonly packing: number;
  readonly predictor: number;
  readonly form: NumberForm;
  readonly offsets: ArrayLike<number>;
  readonly byteCounts: ArrayLike<number>;
}

interface Block {
  readonly samples: Samples;
  readonly columns: number;
  readonly firstColumn: number;
  readonly firstRow: number;
  readonly rows: number;
}

/** Samples of a raster of one band, block by block; the blocks of late are held. */
export class TiffBlocks {
  private readonly held = new Map<string, Block | null>();
  private heldBytes = 0;
  /** Rows that are read at once: of a plain strip, some of its rows. */
  private readonly pieceRows: number;

  private constructor(
    private readonly file: RandomAccess,
    private readonly layout: Layout,
  ) {
    const { packing, areStrips, blockColumns, blockRows, form } = layout;
    const fitting = Math.max(1, Math.floor(PIECE_BYTES / (blockColumns * form.bytes)));
    this.pieceRows = packing === PLAIN && areStrips ? Math.min(blockRows, fitting) : blockRows;
  }

  /** @throws UnusableRaster for a layout that is not read or cannot be */
  static of(file: RandomAccess, tags: TiffTags, columns: number, rows: number, form: NumberForm): TiffBlocks {
    const areStrips = tags.numbers('StripOffsets').length > 0;
    const blockColumns = areStrips ? columns : tags.number('TileWidth');
    const blockRows = areStrips ? Math.min(rows, tags.number('RowsPerStrip', rows)) : tags.number('TileLength');
    const layout: Layout = {
      columns,
      rows,
      blockColumns,
      blockRows,
      blocksAcross: Math.ceil(columns / blockColumns),
      areStrips,
      packing: tags.number('Compression', PLAIN),
      predictor: tags.number('Predictor', 1),
      form,
      offsets: tags.numbers(areStrips ? 'StripOffsets' : 'TileOffsets'),
      byteCounts: tags.numbers(areStrips ? 'StripByteCounts' : 'TileByteCounts'),
    };
    judge(layout);
    return new TiffBlocks(file, layout);
  }

  /**
   * Heights of a rectangle within the raster, row by row; NaN where the file has left a block out.
   * @param heightOf a sample's height, metres
   * @throws UnusableRaster where a block is damaged
   */
  async window(
    firstColumn: number,
    firstRow: number,
    columns: number,
    rows: number,
    heightOf: (sample: number) => number,
  ): Promise<Float32Array> {
    const heights = new Float32Array(columns * rows).fill(NaN);
    const { blockColumns } = this.layout;
    for (let row = firstRow; row < firstRow + rows;) {
      const piece = this.pieceAt(row);
      for (let x = Math.floor(firstColumn / blockColumns); x * blockColumns < firstColumn + columns; x += 1) {
        const block = await this.block(x, piece);
        if (block !== null) copy(block, heights, firstColumn, firstRow, columns, rows, heightOf);
      }
      row = piece.firstRow + piece.rows;
    }
    return heights;
  }

  /** The rows that are read together with one: of which block, and from which of its rows on. */
  private pieceAt(row: number): Piece {
    const { blockRows, rows } = this.layout;
    const y = Math.floor(row / blockRows);
    const inBlock = Math.floor((row - y * blockRows) / this.pieceRows) * this.pieceRows;
    const firstRow = y * blockRows + inBlock;
    return { y, inBlock, firstRow, rows: Math.min(this.pieceRows, blockRows - inBlock, rows - firstRow) };
  }

  private async block(x: number, piece: Piece): Promise<Block | null> {
    const name = `${x} ${piece.firstRow}`;
    const known = this.held.get(name);
    if (known !== undefined) {
      // The one used last goes last.
      this.held.delete(name);
      this.held.set(name, known);
      return known;
    }
    const block = await this.read(x, piece);
    this.held.set(name, block);
    this.heldBytes += bytesOf(block);
    for (const [oldest, old] of this.held) {
      if (this.heldBytes <= CACHE_BYTES || oldest === name) break;
      this.held.delete(oldest);
      this.heldBytes -= bytesOf(old);
    }
    return block;
  }

  private async read(x: number, { y, inBlock, firstRow, rows }: Piece): Promise<Block | null> {
    const { layout } = this;
    const { blockColumns: columns, form, packing, predictor } = layout;
    const index = y * layout.blocksAcross + x;
    const offset = layout.offsets[index] ?? 0;
    const byteCount = layout.byteCounts[index] ?? 0;
    // A block that nobody wrote: a sparse file.
    if (byteCount === 0) return null;
    const bytes = columns * rows * form.bytes;
    const skipped = packing === PLAIN ? inBlock * columns * form.bytes : 0;
    const stored = await readWhole(this.file, offset + skipped, packing === PLAIN ? bytes : byteCount);
    const unpacked = unpack(stored, packing, bytes, columns * layout.blockRows * form.bytes);
    if (unpacked === null) throw corrupt(`the block at byte ${offset} cannot be unpacked`);
    const samples = numbersOf(undoPredictor(unpacked, predictor, columns, form), form);
    return { samples, columns, firstColumn: x * columns, firstRow, rows };
  }
}

interface Piece {
  readonly y: number;
  readonly inBlock: number;
  readonly firstRow: number;
  readonly rows: number;
}

const bytesOf = (block: Block | null): number => block?.samples.byteLength ?? 0;

/** What is in a block, in memory of its own; null for damaged bytes. @param mostBytes the last strip may be written whole */
function unpack(stored: Uint8Array, packing: number, bytes: number, mostBytes: number): Uint8Array | null {
  const unpacked =
    packing === PLAIN ? stored : packing === LZW ? unpackLzw(stored, bytes) : inflated(stored, mostBytes);
  return unpacked === null || unpacked.length < bytes ? null : new Uint8Array(unpacked.subarray(0, bytes));
}

function inflated(stored: Uint8Array, mostBytes: number): Uint8Array | null {
  try {
    return inflateSync(stored, { maxOutputLength: mostBytes });
  } catch (error) {
    // Damaged, cut off, or larger than the block can be.
    if (/^(?:Z_|ERR_BUFFER_TOO_LARGE)/.test((error as { readonly code?: string }).code ?? '')) return null;
    throw error;
  }
}

function copy(
  block: Block,
  heights: Float32Array,
  firstColumn: number,
  firstRow: number,
  columns: number,
  rows: number,
  heightOf: (sample: number) => number,
): void {
  const left = Math.max(firstColumn, block.firstColumn);
  const right = Math.min(firstColumn + columns, block.firstColumn + block.columns);
  const bottom = Math.min(firstRow + rows, block.firstRow + block.rows);
  for (let row = Math.max(firstRow, block.firstRow); row < bottom; row += 1) {
    const from = (row - block.firstRow) * block.columns - block.firstColumn;
    const to = (row - firstRow) * columns - firstColumn;
    for (let column = left; column < right; column += 1) {
      heights[to + column] = heightOf(Number(block.samples[from + column]));
    }
  }
}

function judge(layout: Layout): void {
  const { columns, rows, blockColumns, blockRows, blocksAcross, packing, areStrips, form, offsets, byteCounts } =
    layout;
  if (packing !== PLAIN && packing !== LZW && !DEFLATE.includes(packing)) {
    throw unsupported(`its blocks are packed by method ${packing}; Deflate, LZW and none are read`);
  }
  if (![1, 2, 3].includes(layout.predictor) || (layout.predictor === 3 && form.kind !== 'float')) {
    throw unsupported(`predictor ${layout.predictor} is not read for these numbers`);
  }
  if (!isCount(blockColumns) || !isCount(blockRows)) throw corrupt('it does not say how large its blocks are');
  const isRead = packing === PLAIN && areStrips ? blockColumns : blockColumns * blockRows;
  if (isRead * form.bytes > MAX_BLOCK_BYTES) {
    throw unsupported(
      `a block of ${blockColumns} × ${blockRows} cells is too large; write it with tiles of 256 or 512`,
    );
  }
  const blocks = blocksAcross * Math.ceil(rows / blockRows);
  if (blocks > MAX_BLOCKS || offsets.length < blocks || byteCounts.length < blocks) {
    throw corrupt(
      `${columns} × ${rows} cells are ${blocks} blocks, and it has ${Math.min(offsets.length, byteCounts.length)}`,
    );
  }
  const most = blockColumns * blockRows * form.bytes * 2 + PIECE_BYTES;
  for (let i = 0; packing !== PLAIN && i < blocks; i += 1) {
    if ((byteCounts[i] ?? 0) > most) throw corrupt(`block ${i} is larger packed than unpacked`);
  }
}

const isCount = (value: number): boolean => Number.isSafeInteger(value) && value > 0;

const corrupt = (why: string): UnusableRaster => new UnusableRaster('corrupt_raster', `the file is damaged: ${why}`);

const unsupported = (why: string): UnusableRaster =>
  new UnusableRaster('unsupported_raster', `this kind of GeoTIFF is not read: ${why} (gdal_translate can rewrite it)`);
