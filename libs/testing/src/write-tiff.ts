import { deflateSync } from 'node:zlib';

/** A GeoTIFF to write. What is left out is as GDAL would have it: little-endian, strips, plain, Float32, an area. */
export interface TiffOrder {
  readonly columns: number;
  readonly rows: number;
  readonly valueAt: (column: number, row: number) => number;
  readonly form?: 'uint8' | 'int16' | 'uint16' | 'int32' | 'float32' | 'float64';
  readonly order?: 'II' | 'MM';
  readonly isBig?: boolean;
  /** Tiles of so many cells a side; else strips. */
  readonly tile?: number;
  readonly rowsPerStrip?: number;
  readonly packing?: 'none' | 'deflate' | 'lzw';
  readonly predictor?: 1 | 2 | 3;
  readonly nodata?: string;
  /** CRS; null leaves it out. */
  readonly epsg?: number | null;
  readonly isGeographic?: boolean;
  /** Coordinates of the upper left corner; of the first cell's centre for a raster of points. */
  readonly origin: readonly [x: number, y: number];
  readonly cell: number;
  readonly isPoint?: boolean;
  /** The same place written as a matrix, turned by so many degrees about the origin. */
  readonly turnedDeg?: number;
  /** EPSG's number of the unit of heights. */
  readonly verticalUnits?: number;
  readonly gdalMetadata?: string;
  readonly bands?: number;
  /** Blocks that are left out of the file, by their number. */
  readonly missing?: readonly number[];
  /** Tags to add or to put in place of others. */
  readonly tags?: readonly Tag[];
}

export type Tag = readonly [tag: number, type: TagType, values: readonly number[] | string];
type TagType = 'ascii' | 'short' | 'long' | 'double' | 'long8';

const TYPES: Readonly<Record<TagType, readonly [number: number, bytes: number]>> = {
  ascii: [2, 1],
  short: [3, 2],
  long: [4, 4],
  double: [12, 8],
  long8: [16, 8],
};

const FORMS = {
  uint8: [1, 1, 'UInt8'],
  uint16: [1, 2, 'UInt16'],
  int16: [2, 2, 'Int16'],
  int32: [2, 4, 'Int32'],
  float32: [3, 4, 'Float'],
  float64: [3, 8, 'Double'],
} as const;

const PACKINGS = { none: 1, lzw: 5, deflate: 8 } as const;

type Put = (value: number | bigint, at: number) => void;

/** Writes numbers in one byte order. */
class Writer {
  constructor(readonly isLittle: boolean) {}

  /** @param name as in Buffer's methods, without the order */
  put(bytes: Buffer, name: string, value: number | bigint, at: number): void {
    (bytes as unknown as Record<string, Put>)[this.methodOf(name)]!(value, at);
  }

  /** Name of Buffer's method for numbers of this kind. */
  methodOf(name: string): string {
    return `write${name}${name.endsWith('8') ? '' : this.isLittle ? 'LE' : 'BE'}`;
  }
}

/** The bytes of a small GeoTIFF, one image. */
export function writeTiff(wanted: TiffOrder): Buffer {
  const { order = 'II', isBig = false, missing = [] } = wanted;
  const writer = new Writer(order === 'II');
  const blocks = blocksOf(wanted, writer).map((block, i) => (missing.includes(i) ? Buffer.alloc(0) : block));
  const head = isBig ? 16 : 8;
  let at = head;
  const offsets = blocks.map((block) => {
    const offset = block.length === 0 ? 0 : at;
    at += block.length;
    return offset;
  });
  const tags = tagsOf(wanted, offsets, blocks);
  const directory = directoryOf(tags, at, isBig, writer);
  const start = Buffer.alloc(head);
  start.write(order, 'latin1');
  writer.put(start, 'UInt16', isBig ? 43 : 42, 2);
  if (isBig) {
    writer.put(start, 'UInt16', 8, 4);
    writer.put(start, 'BigUInt64', BigInt(at), 8);
  } else {
    writer.put(start, 'UInt32', at, 4);
  }
  return Buffer.concat([start, ...blocks, directory]);
}

function blocksOf(wanted: TiffOrder, writer: Writer): Buffer[] {
  const { columns, rows, tile, rowsPerStrip = rows } = wanted;
  const [blockColumns, blockRows] = tile === undefined ? [columns, rowsPerStrip] : [tile, tile];
  const blocks: Buffer[] = [];
  for (let top = 0; top < rows; top += blockRows) {
    // The last strip is cut off, the last tile is not.
    const height = tile === undefined ? Math.min(blockRows, rows - top) : blockRows;
    for (let left = 0; left < columns; left += blockColumns) {
      blocks.push(blockOf(wanted, writer, left, top, blockColumns, height));
    }
  }
  return blocks;
}

function blockOf(
  { valueAt, columns, rows, form = 'float32', packing = 'none', predictor = 1 }: TiffOrder,
  writer: Writer,
  left: number,
  top: number,
  width: number,
  height: number,
): Buffer {
  const [, size, name] = FORMS[form];
  const bytes = Buffer.alloc(width * height * size);
  // Predictor 3 takes numbers apart with the high bytes first.
  const method = (predictor === 3 ? new Writer(false) : writer).methodOf(name);
  const target = bytes as unknown as Record<string, Put>;
  for (let row = 0; row < height; row += 1) {
    const y = Math.min(rows - 1, top + row);
    for (let column = 0; column < width; column += 1) {
      // Millions of cells: in Jest a global such as Math costs more than all the rest.
      const x = left + column < columns ? left + column : columns - 1;
      target[method]!(valueAt(x, y), (row * width + column) * size);
    }
  }
  const line = width * size;
  for (let row = 0; row < height && predictor !== 1; row += 1) {
    const part = bytes.subarray(row * line, (row + 1) * line);
    if (predictor === 2) differ(part, size, writer);
    else part.set(takenApart(part, width, size));
  }
  return packing === 'deflate' ? deflateSync(bytes) : packing === 'lzw' ? packLzw(bytes) : bytes;
}

function differ(row: Buffer, size: number, { isLittle }: Writer): void {
  const read = (at: number): bigint => {
    const bytes = [...row.subarray(at, at + size)];
    return (isLittle ? bytes.reverse() : bytes).reduce((sum, byte) => sum * 256n + BigInt(byte), 0n);
  };
  for (let at = row.length - size; at >= size; at -= size) {
    let rest = BigInt.asUintN(size * 8, read(at) - read(at - size));
    for (let i = 0; i < size; i += 1, rest /= 256n) row[at + (isLittle ? i : size - 1 - i)] = Number(rest % 256n);
  }
}

function takenApart(row: Buffer, width: number, size: number): Buffer {
  const apart = Buffer.alloc(row.length);
  for (let column = 0; column < width; column += 1) {
    for (let byte = 0; byte < size; byte += 1) apart[byte * width + column] = row[column * size + byte]!;
  }
  for (let at = row.length - 1; at > 0; at -= 1) apart[at] = (apart[at]! - apart[at - 1]!) & 0xff;
  return apart;
}

/** LZW as in TIFF 6.0. */
export function packLzw(bytes: Uint8Array): Buffer {
  const out: number[] = [];
  let held = 0n;
  let count = 0;
  const write = (code: number, width: number): void => {
    held = (held << BigInt(width)) | BigInt(code);
    for (count += width; count >= 8; count -= 8) out.push(Number((held >> BigInt(count - 8)) & 255n));
    held &= (1n << BigInt(count)) - 1n;
  };
  let codes = new Map<string, number>();
  let free = 258;
  let width = 9;
  write(256, width);
  let text = '';
  const codeOf = (known: string): number => (known.length === 1 ? known.charCodeAt(0) : codes.get(known)!);
  for (const byte of bytes) {
    const longer = text + String.fromCharCode(byte);
    if (longer.length === 1 || codes.has(longer)) {
      text = longer;
      continue;
    }
    write(codeOf(text), width);
    codes.set(longer, free);
    free += 1;
    text = String.fromCharCode(byte);
    if (free === 4_094) {
      write(256, width);
      codes = new Map();
      free = 258;
      width = 9;
    } else if (free >= 2 ** width) {
      width += 1;
    }
  }
  if (text !== '') write(codeOf(text), width);
  if (text !== '' && free + 1 >= 2 ** width && width < 12) width += 1;
  write(257, width);
  if (count > 0) write(0, 8 - count);
  return Buffer.from(out);
}

function tagsOf(wanted: TiffOrder, offsets: readonly number[], blocks: readonly Buffer[]): Tag[] {
  const { columns, rows, form = 'float32', tile, rowsPerStrip = rows, packing = 'none', predictor = 1 } = wanted;
  const { bands = 1, isBig = false, nodata, gdalMetadata, origin, cell, turnedDeg } = wanted;
  const [format, size] = FORMS[form];
  const place = isBig ? 'long8' : 'long';
  const counts = blocks.map(({ length }) => length);
  const tags: Tag[] = [
    [256, 'long', [columns]],
    [257, 'long', [rows]],
    [258, 'short', Array.from({ length: bands }, () => size * 8)],
    [259, 'short', [PACKINGS[packing]]],
    [262, 'short', [1]],
    [277, 'short', [bands]],
    [284, 'short', [1]],
    [317, 'short', [predictor]],
    [339, 'short', Array.from({ length: bands }, () => format)],
    ...(tile === undefined
      ? ([
          [273, place, offsets],
          [278, 'long', [rowsPerStrip]],
          [279, place, counts],
        ] as Tag[])
      : ([
          [322, 'short', [tile]],
          [323, 'short', [tile]],
          [324, place, offsets],
          [325, place, counts],
        ] as Tag[])),
    ...(turnedDeg === undefined
      ? ([
          [33_550, 'double', [cell, cell, 0]],
          [33_922, 'double', [0, 0, 0, ...origin, 0]],
        ] as Tag[])
      : ([[34_264, 'double', matrixOf(origin, cell, turnedDeg)]] as Tag[])),
    [34_735, 'short', geoKeysOf(wanted)],
    ...(gdalMetadata === undefined ? [] : ([[42_112, 'ascii', gdalMetadata]] as Tag[])),
    ...(nodata === undefined ? [] : ([[42_113, 'ascii', nodata]] as Tag[])),
  ];
  const replaced = new Set((wanted.tags ?? []).map(([tag]) => tag));
  return [...tags.filter(([tag]) => !replaced.has(tag)), ...(wanted.tags ?? [])].sort(([a], [b]) => a - b);
}

function matrixOf([x, y]: readonly [number, number], cell: number, turnedDeg: number): number[] {
  const [cos, sin] = [Math.cos((turnedDeg * Math.PI) / 180), Math.sin((turnedDeg * Math.PI) / 180)];
  return [cell * cos, cell * sin, 0, x, cell * sin, -cell * cos, 0, y, 0, 0, 0, 0, 0, 0, 0, 1];
}

function geoKeysOf({ epsg = 32_651, isGeographic = false, isPoint = false, verticalUnits }: TiffOrder): number[] {
  const keys = [
    [1024, isGeographic ? 2 : 1],
    [1025, isPoint ? 2 : 1],
    ...(epsg === null ? [] : [[isGeographic ? 2048 : 3072, epsg]]),
    ...(verticalUnits === undefined ? [] : [[4099, verticalUnits]]),
  ] as const;
  return [1, 1, 0, keys.length, ...keys.flatMap(([key, value]) => [key, 0, 1, value])];
}

/** The directory and the values that do not fit into it. @param at where it will lie */
function directoryOf(tags: readonly Tag[], at: number, isBig: boolean, writer: Writer): Buffer {
  const [countBytes, entryBytes, inline] = isBig ? [8, 20, 8] : [2, 12, 4];
  const directory = Buffer.alloc(countBytes + tags.length * entryBytes + inline);
  const behind: Buffer[] = [];
  let valuesAt = at + directory.length;
  const put = (value: number, place: number): void =>
    isBig ? writer.put(directory, 'BigUInt64', BigInt(value), place) : writer.put(directory, 'UInt32', value, place);
  if (isBig) put(tags.length, 0);
  else writer.put(directory, 'UInt16', tags.length, 0);
  tags.forEach(([tag, type, values], i) => {
    const entry = countBytes + i * entryBytes;
    const bytes = valuesOf(type, values, writer);
    writer.put(directory, 'UInt16', tag, entry);
    writer.put(directory, 'UInt16', TYPES[type][0], entry + 2);
    put(bytes.length / TYPES[type][1], entry + 4);
    if (bytes.length <= inline) {
      bytes.copy(directory, entry + entryBytes - inline);
      return;
    }
    put(valuesAt, entry + entryBytes - inline);
    behind.push(bytes);
    valuesAt += bytes.length;
  });
  return Buffer.concat([directory, ...behind]);
}

function valuesOf(type: TagType, values: readonly number[] | string, writer: Writer): Buffer {
  if (typeof values === 'string') return Buffer.from(`${values}\0`, 'latin1');
  const size = TYPES[type][1];
  const bytes = Buffer.alloc(values.length * size);
  values.forEach((value, i) => {
    if (type === 'long8') writer.put(bytes, 'BigUInt64', BigInt(value), i * size);
    else writer.put(bytes, type === 'double' ? 'Double' : type === 'short' ? 'UInt16' : 'UInt32', value, i * size);
  });
  return bytes;
}
