import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { getDecoder } from 'geotiff';
import { UnusableRaster } from '#catalog';
import { packLzw, SHARED, type TiffOrder, writeTiff } from '#testing';
import { openGeotiff } from './geotiff.js';
import { unpackLzw } from './lzw.js';
import type { RandomAccess } from './random-access.js';

const fileOf = (bytes: Uint8Array): RandomAccess => ({
  size: bytes.length,
  read: async (offset, length) => bytes.subarray(offset, offset + length),
});

const open = (wanted: TiffOrder, epsg?: number) =>
  openGeotiff(fileOf(writeTiff(wanted)), epsg === undefined ? {} : { epsg });

/** Heights with runs, jumps and signs, that every form but the unsigned ones holds. */
const valueAt = (column: number, row: number): number => ((column * 37 + row * 101 + (row % 7) * column) % 3_000) - 400;

const plain: TiffOrder = { columns: 70, rows: 45, valueAt, origin: [300_000, 2_600_000], cell: 5 };

async function allOf(wanted: TiffOrder): Promise<number[]> {
  const raster = await open(wanted);
  return [...(await raster.window(0, 0, raster.columns, raster.rows))];
}

async function refusalOf(bytes: Uint8Array): Promise<string> {
  try {
    const raster = await openGeotiff(fileOf(bytes));
    await raster.window(0, 0, raster.columns, raster.rows);
    return 'read';
  } catch (error) {
    if (error instanceof UnusableRaster) return error.reason;
    throw error;
  }
}

describe('every layout gives the same heights', () => {
  const expected = Array.from({ length: 70 * 45 }, (_, i) => valueAt(i % 70, Math.floor(i / 70)));

  for (const order of ['II', 'MM'] as const) {
    for (const form of ['int16', 'int32', 'float32', 'float64'] as const) {
      for (const packing of ['none', 'deflate', 'lzw'] as const) {
        for (const predictor of form.startsWith('float') ? ([1, 2, 3] as const) : ([1, 2] as const)) {
          for (const layout of [{ tile: 16 }, { rowsPerStrip: 7 }, {}]) {
            const wanted: TiffOrder = { ...plain, order, form, packing, predictor, ...layout };
            test(`${order} ${form} ${packing} predictor ${predictor} ${JSON.stringify(layout)}`, async () => {
              expect(await allOf(wanted)).toEqual(expected);
            });
          }
        }
      }
    }
  }

  test('BigTIFF, of either byte order', async () => {
    expect(await allOf({ ...plain, isBig: true, tile: 16, packing: 'deflate' })).toEqual(expected);
    expect(await allOf({ ...plain, isBig: true, order: 'MM', rowsPerStrip: 3 })).toEqual(expected);
  });

  test('tables of blocks that lie far from the directory, in either byte order', async () => {
    for (const order of ['II', 'MM'] as const) {
      const heights = await allOf({ ...plain, order, rows: 900, rowsPerStrip: 1, packing: 'deflate' });
      expect(heights[899 * 70 + 69]).toBe(valueAt(69, 899));
    }
  });

  test('any rectangle of it', async () => {
    const raster = await open({ ...plain, tile: 16, packing: 'lzw' });
    const heights = await raster.window(14, 30, 20, 10);
    for (const [column, row] of [
      [0, 0],
      [19, 9],
      [2, 5],
    ] as const) {
      expect(heights[row * 20 + column]).toBe(valueAt(14 + column, 30 + row));
    }
  });

  test('a strip of 3 MiB that is not packed is read in pieces', async () => {
    let most = 0;
    const bytes = writeTiff({ ...plain, columns: 1_024, rows: 768 });
    const raster = await openGeotiff({
      size: bytes.length,
      read: async (offset, length) => {
        most = Math.max(most, length);
        return bytes.subarray(offset, offset + length);
      },
    });
    const heights = await raster.window(1_000, 700, 24, 68);
    expect(heights[67 * 24 + 23]).toBe(valueAt(1_023, 767));
    expect(most).toBeLessThanOrEqual(1_048_576);
  });
});

test('LZW is what geotiff makes of it too, and stops at what the block may hold', async () => {
  const bytes = Uint8Array.from({ length: 60_000 }, (_, i) => ((i * i) % 251) ^ (i >> 7));
  const packed = packLzw(bytes);
  expect(unpackLzw(packed, bytes.length)).toEqual(bytes);
  const theirs = await getDecoder(5, {
    tileWidth: 1,
    tileHeight: 1,
    predictor: 1,
    bitsPerSample: [8],
    planarConfiguration: 1,
  });
  expect(new Uint8Array(await theirs.decode(new Uint8Array(packed).buffer))).toEqual(bytes);
  expect(unpackLzw(packed, 100)).toEqual(bytes.subarray(0, 100));
  // A code that no text has yet.
  expect(unpackLzw(Uint8Array.of(0x80, 0x1f, 0xff, 0xff), 50)).toBeNull();
});

describe('what the tags say', () => {
  test('places: areas have their first centre half a cell inside, points on the tie point, matrices anywhere', async () => {
    const area = await open(plain);
    expect(area.modelAt(0, 0)).toEqual([300_002.5, 2_599_997.5]);
    expect(area.cellAt(300_002.5, 2_599_997.5)).toEqual([0, 0]);
    expect((await open({ ...plain, isPoint: true })).modelAt(0, 0)).toEqual([300_000, 2_600_000]);
    const turned = await open({ ...plain, turnedDeg: 30 });
    const [x, y] = turned.modelAt(10, 20);
    expect(x).toBeCloseTo(300_000 + 5 * (10.5 * Math.cos(Math.PI / 6) + 20.5 * Math.sin(Math.PI / 6)), 6);
    expect(y).toBeCloseTo(2_600_000 + 5 * (10.5 * Math.sin(Math.PI / 6) - 20.5 * Math.cos(Math.PI / 6)), 6);
    const [column, row] = turned.cellAt(x, y);
    expect(column).toBeCloseTo(10, 9);
    expect(row).toBeCloseTo(20, 9);
  });

  test('unknown cells: the mark, of floats too, NaN, what no ground is, and blocks that nobody wrote', async () => {
    const marked =
      (value: number): ((column: number, row: number) => number) =>
      (column) =>
        column === 3 ? value : 12;
    const third = async (wanted: Partial<TiffOrder>): Promise<number[]> =>
      (await allOf({ ...plain, columns: 5, rows: 1, ...wanted })).slice(2, 4);
    expect(await third({ valueAt: marked(-9_999), nodata: '-9999', form: 'int16' })).toEqual([12, NaN]);
    expect(await third({ valueAt: marked(0.1), nodata: '0.1' })).toEqual([12, NaN]);
    expect(await third({ valueAt: marked(NaN), nodata: 'nan' })).toEqual([12, NaN]);
    expect(await third({ valueAt: marked(-3.4e38) })).toEqual([12, NaN]);
    expect(await third({ valueAt: marked(65_535), form: 'uint16' })).toEqual([12, NaN]);
    expect(await third({ valueAt: marked(-400), form: 'int16' })).toEqual([12, -400]);
    const sparse = await allOf({ ...plain, tile: 16, missing: [1], packing: 'deflate' });
    expect(sparse[15]).toBe(valueAt(15, 0));
    expect(sparse[16]).toBeNaN();
  });

  test('units, scale and offset', async () => {
    const first = async (wanted: Partial<TiffOrder>): Promise<number> =>
      (await allOf({ ...plain, columns: 2, rows: 1, valueAt: () => 100, ...wanted }))[0]!;
    expect(await first({})).toBe(100);
    expect(await first({ verticalUnits: 9001 })).toBe(100);
    expect(await first({ verticalUnits: 9002 })).toBeCloseTo(30.48, 5);
    expect(await first({ verticalUnits: 9003 })).toBeCloseTo(30.480_06, 5);
    const item = (name: string, role: string, value: string): string =>
      `<Item name="${name}" sample="0" role="${role}">${value}</Item>`;
    const metadata = (items: string): string => `<GDALMetadata>${items}</GDALMetadata>`;
    const scaled = metadata(item('SCALE', 'scale', '0.1') + item('OFFSET', 'offset', '-5'));
    expect(await first({ form: 'int16', gdalMetadata: scaled })).toBeCloseTo(5, 5);
    expect(await first({ gdalMetadata: metadata(item('UNITTYPE', 'unittype', 'ft')) })).toBeCloseTo(30.48, 5);
    await expect(open({ ...plain, verticalUnits: 9014 })).rejects.toMatchObject({ reason: 'unsupported_raster' });
  });

  test('the CRS: projected, geographic, given; else it is refused', async () => {
    expect((await open(plain)).epsg).toBe(32_651);
    expect((await open({ ...plain, isGeographic: true, epsg: 4326, origin: [120, 23], cell: 1e-4 })).epsg).toBe(4_326);
    await expect(open({ ...plain, epsg: null })).rejects.toMatchObject({ code: 'unusable_raster', reason: 'no_crs' });
    await expect(open({ ...plain, epsg: 32_767 })).rejects.toMatchObject({ reason: 'no_crs' });
    expect((await open({ ...plain, epsg: 32_767 }, 3_826)).epsg).toBe(3_826);
    expect((await open(plain, 3_826)).epsg).toBe(3_826);
  });
});

describe('what is refused, and never breaks anything', () => {
  const bytes = writeTiff({ ...plain, packing: 'deflate', tile: 16 });

  test('other files', async () => {
    expect(await refusalOf(new Uint8Array(0))).toBe('not_geotiff');
    expect(await refusalOf(Buffer.from('PK\u0003\u0004 a zip of a GeoTIFF'))).toBe('not_geotiff');
    expect(await refusalOf(Buffer.from('II'))).toBe('not_geotiff');
    expect(await refusalOf(Buffer.from('{"type":"FeatureCollection","features":[]}'))).toBe('not_geotiff');
  });

  test('several bands, colours, numbers, packings and layouts that are not read', async () => {
    const reason = (tags: TiffOrder['tags'], more: Partial<TiffOrder> = {}): Promise<string> =>
      refusalOf(writeTiff({ ...plain, ...more, tags: tags ?? [] }));
    expect(await reason([], { bands: 3 })).toBe('several_bands');
    expect(await reason([[262, 'short', [3]]])).toBe('unsupported_raster');
    expect(await reason([[258, 'short', [12]]])).toBe('unsupported_raster');
    expect(await reason([[339, 'short', [5]]])).toBe('unsupported_raster');
    expect(await reason([[259, 'short', [50_000]]])).toBe('unsupported_raster');
    expect(await reason([[317, 'short', [3]]], { form: 'int16' })).toBe('unsupported_raster');
    expect(await reason([[33_550, 'double', [0, 0, 0]]])).toBe('corrupt_raster');
    expect(await reason([[33_550, 'double', [NaN, 5, 0]]])).toBe('corrupt_raster');
    expect(await reason([[33_922, 'double', [1]]])).toBe('unsupported_raster');
  });

  test('sizes that the file does not have', async () => {
    const reason = (tags: TiffOrder['tags'], more: Partial<TiffOrder> = {}): Promise<string> =>
      refusalOf(writeTiff({ ...plain, tile: 16, packing: 'deflate', ...more, tags: tags ?? [] }));
    expect(await reason([[256, 'long', [0]]])).toBe('corrupt_raster');
    expect(await reason([[256, 'long', [4_000_000_000]]])).toBe('unsupported_raster');
    expect(await reason([[256, 'long', [60_000]]])).toBe('corrupt_raster');
    expect(await reason([[322, 'long', [0]]])).toBe('corrupt_raster');
    const hugeTiles = [322, 323].map((tag) => [tag, 'long', [16_384]] as const);
    expect(await reason(hugeTiles)).toBe('unsupported_raster');
    expect(await reason([[325, 'long', Array.from({ length: 15 }, () => 0x7fff_ffff)]])).toBe('corrupt_raster');
    expect(await reason([[324, 'long', Array.from({ length: 15 }, () => 0x7fff_ffff)]])).toBe('corrupt_raster');
    // A block that is a bomb: it holds far more than its tile.
    const bomb = writeTiff({ ...plain, columns: 1_024, rows: 1_024, valueAt: () => 0, packing: 'deflate' });
    expect(bomb.length).toBeLessThan(100_000);
    const small = { columns: 16, rows: 16, valueAt: () => 0, rowsPerStrip: 16 };
    const honest = writeTiff({ ...plain, ...small, packing: 'deflate' });
    const [offset, count] = [8, bomb.length];
    const swapped = writeTiff({
      ...plain,
      ...small,
      packing: 'deflate',
      tags: [
        [273, 'long', [honest.length + 100 + offset]],
        [279, 'long', [count - 400]],
      ],
    });
    const padding = Buffer.alloc(honest.length + 100 - swapped.length);
    expect(await refusalOf(Buffer.concat([swapped, padding, bomb]))).toBe('corrupt_raster');
  });

  test('values of billions of numbers are never made', async () => {
    for (const tag of [273, 279, 301, 318, 532, 33_922, 34_736, 42_112, 50_000]) {
      const huge = writeTiff({ ...plain, tags: [[tag, 'double', [1, 2, 3]]] });
      const at = entryOf(huge, tag);
      huge.writeUInt32LE(0xffff_fff0, at + 4);
      expect(await refusalOf(huge)).toBe('corrupt_raster');
    }
  });

  test('a file that is cut off anywhere', async () => {
    for (let length = 0; length < bytes.length; length += 13) {
      expect(['not_geotiff', 'corrupt_raster']).toContain(await refusalOf(bytes.subarray(0, length)));
    }
  });

  test('a file with any byte of its directory changed is read or refused', async () => {
    const start = bytes.readUInt32LE(4);
    for (let at = 0; at < bytes.length; at += at < 16 || at >= start ? 1 : 97) {
      for (const value of [0, 1, 0x7f, 0xff]) {
        const changed = Buffer.from(bytes);
        changed[at] = value;
        expect(await refusalOf(changed)).toMatch(/^[a-z_]+$/);
      }
    }
  });

  test('what goes wrong with the file itself is no fault of its bytes', async () => {
    const failing: RandomAccess = { size: bytes.length, read: async () => Promise.reject(new Error('EIO')) };
    await expect(openGeotiff(failing)).rejects.toThrow('EIO');
  });
});

const vectors = path.join(SHARED, 'vectors', 'fov', 'dem');
(existsSync(vectors) ? test : test.skip)('rasters that GDAL wrote (shared vectors)', async () => {
  const wall = await openGeotiff(fileOf(readFileSync(path.join(vectors, 'wall.tif'))));
  expect([wall.columns, wall.rows, wall.epsg]).toEqual([201, 201, 32_651]);
  const heights = await wall.window(0, 0, 201, 201);
  heights.forEach((height, i) => expect(height).toBe(i % 201 === 70 ? 20 : 0));
  const boxes = await openGeotiff(fileOf(readFileSync(path.join(vectors, 'boxes_dsm.tif'))));
  expect(new Set(await boxes.window(0, 0, 201, 201))).toEqual(new Set([0, 15, 9, 30]));
});

/** Where the entry of a tag lies in a small little-endian file. */
function entryOf(file: Buffer, tag: number): number {
  const start = file.readUInt32LE(4);
  for (let i = 0; i < file.readUInt16LE(start); i += 1) {
    const at = start + 2 + i * 12;
    if (file.readUInt16LE(at) === tag) return at;
  }
  throw new Error(`no tag ${tag}`);
}
