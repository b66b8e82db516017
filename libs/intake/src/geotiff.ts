import { UnusableRaster } from '#catalog';
import type { RandomAccess } from './random-access.js';
import { TiffBlocks } from './tiff-blocks.js';
import { formOf } from './tiff-samples.js';
import { readTags, type TiffTags } from './tiff-tags.js';

/** Cells of a raster are counted to the right and down; whole numbers are cell centres, the first of them 0, 0. */
export interface Raster {
  readonly columns: number;
  readonly rows: number;
  /** EPSG code of the coordinates. */
  readonly epsg: number;
  /** Coordinates of a cell, in the file's own CRS. */
  modelAt(column: number, row: number): readonly [x: number, y: number];
  /** Where coordinates lie among the cells; the inverse. */
  cellAt(x: number, y: number): readonly [column: number, row: number];
  /**
   * Heights of a rectangle of cells within the raster, metres, row by row; NaN where there is none.
   * @throws UnusableRaster where the file is damaged there
   */
  window(firstColumn: number, firstRow: number, columns: number, rows: number): Promise<Float32Array>;
}

/** Most cells of one file: Taiwan in cells of two metres. Beyond it a header of some bytes would have us work for days. */
const MAX_CELLS = 2 ** 33;

/** No ground on earth lies outside these, metres; such a value is a mark for "unknown" that the file does not state. */
const LOWEST_M = -12_000;
const HIGHEST_M = 9_500;

/** Codes of EPSG that say nothing: undefined, and defined by the file itself. */
const NO_CODE: readonly number[] = [0, 32_767];

/**
 * The head of a GeoTIFF of heights, one band, any layout (strips, tiles, cloud-optimised, BigTIFF). Cells are read later, where they are asked for;
 * memory is bounded whatever the file says.
 * @param options.epsg CRS of the coordinates, in place of what the file states
 * @throws UnusableRaster
 */
export async function openGeotiff(file: RandomAccess, options: { readonly epsg?: number } = {}): Promise<Raster> {
  const tags = await readTags(file);
  const columns = tags.number('ImageWidth');
  const rows = tags.number('ImageLength');
  if (!(columns > 0 && rows > 0)) throw new UnusableRaster('corrupt_raster', 'the file is damaged: it has no cells');
  if (columns * rows > MAX_CELLS) throw unsupported(`${columns} × ${rows} cells are too many; send it in pieces`);
  const bands = tags.number('SamplesPerPixel', 1);
  if (bands !== 1) {
    throw new UnusableRaster('several_bands', `heights are one band, this file has ${bands} (gdal_translate -b 1)`);
  }
  if (tags.number('PhotometricInterpretation', 1) > 1) throw unsupported('it holds colours, not heights');
  const form = formOf(tags.number('SampleFormat', 1), tags.number('BitsPerSample', 1), tags.isLittleEndian);
  const blocks = TiffBlocks.of(file, tags, columns, rows, form);
  const heightOf = heightsOf(tags);
  return {
    columns,
    rows,
    epsg: options.epsg ?? epsgOf(tags),
    ...placesOf(tags),
    window: (firstColumn, firstRow, across, down) => blocks.window(firstColumn, firstRow, across, down, heightOf),
  };
}

const isCode = (key: unknown): key is number => typeof key === 'number' && !NO_CODE.includes(key);

function epsgOf({ geoKeys }: TiffTags): number {
  const { ProjectedCSTypeGeoKey: projected, GeographicTypeGeoKey: geographic, GTModelTypeGeoKey: model } = geoKeys;
  if (isCode(projected)) return projected;
  // A projection that the file defines itself has the code of the ellipsoid under it all the same.
  if (model === 2 && isCode(geographic)) return geographic;
  throw new UnusableRaster('no_crs', 'the file does not state its CRS by an EPSG code; name it: crs=EPSG:3826');
}

/** Between cells and coordinates, either way (OGC GeoTIFF 1.1, section 7.2.4). */
function placesOf(tags: TiffTags): Pick<Raster, 'modelAt' | 'cellAt'> {
  const [a, b, x0, c, d, y0] = affineOf(tags);
  // Where the raster is an area, the file's whole numbers are corners of cells and ours are centres.
  const half = tags.geoKeys.GTRasterTypeGeoKey === 2 ? 0 : 0.5;
  const determinant = a * d - b * c;
  if (![a, b, c, d, x0, y0].every(Number.isFinite) || determinant === 0) {
    throw new UnusableRaster('corrupt_raster', 'the file is damaged: its cells have no size');
  }
  return {
    modelAt: (column, row) => [
      x0 + a * (column + half) + b * (row + half),
      y0 + c * (column + half) + d * (row + half),
    ],
    cellAt: (x, y) => [
      (d * (x - x0) - b * (y - y0)) / determinant - half,
      (a * (y - y0) - c * (x - x0)) / determinant - half,
    ],
  };
}

/** a, b, x0, c, d, y0: x = x0 + a·i + b·j and y = y0 + c·i + d·j. */
type Affine = readonly [a: number, b: number, x0: number, c: number, d: number, y0: number];

function affineOf(tags: TiffTags): Affine {
  const whole = tags.numbers('ModelTransformation');
  if (whole.length >= 8) return [whole[0]!, whole[1]!, whole[3]!, whole[4]!, whole[5]!, whole[7]!];
  const scale = tags.numbers('ModelPixelScale');
  const tie = tags.numbers('ModelTiepoint');
  if (scale.length < 2 || tie.length < 6) {
    const why = 'it does not say where its cells lie (no pixel scale and tie point); gdalwarp makes one that does';
    throw unsupported(why);
  }
  const [acrossScale, downScale] = [scale[0]!, scale[1]!];
  return [acrossScale, 0, tie[3]! - tie[0]! * acrossScale, 0, -downScale, tie[4]! + tie[1]! * downScale];
}

const FOOT_M = 0.3048;
const US_SURVEY_FOOT_M = 1_200 / 3_937;

/** Metres in a unit of height, by EPSG's number of it. */
const UNITS_M: Readonly<Record<number, number>> = { 9001: 1, 9002: FOOT_M, 9003: US_SURVEY_FOOT_M };

/** The same by the names that GDAL writes beside a band. */
const UNIT_NAMES_M: Readonly<Record<string, number>> = {
  ft: FOOT_M,
  foot: FOOT_M,
  feet: FOOT_M,
  'us survey foot': US_SURVEY_FOOT_M,
};

function unitM({ geoKeys, items }: TiffTags): number {
  const key = geoKeys.VerticalUnitsGeoKey;
  if (!isCode(key)) return UNIT_NAMES_M[String(items.UNITTYPE ?? '').toLowerCase()] ?? 1;
  const metres = UNITS_M[key];
  if (metres === undefined) throw unsupported(`unit ${key} of its heights is not known; metres and feet are`);
  return metres;
}

/** A sample as a height in metres; NaN for the file's mark of unknown cells, and for what no ground is. */
function heightsOf(tags: TiffTags): (sample: number) => number {
  const stated = tags.text('GDAL_NODATA');
  const nodata = stated === null || stated === '' ? NaN : Number(stated);
  const nodataOfFloats = Math.fround(nodata);
  const unit = unitM(tags);
  const factor = numberIn(tags.items.SCALE, 1) * unit;
  const offset = numberIn(tags.items.OFFSET, 0) * unit;
  return (sample) => {
    if (sample === nodata || sample === nodataOfFloats) return NaN;
    const height = sample * factor + offset;
    return height >= LOWEST_M && height <= HIGHEST_M ? height : NaN;
  };
}

function numberIn(item: unknown, otherwise: number): number {
  const value = typeof item === 'string' && item.trim() !== '' ? Number(item) : NaN;
  return Number.isFinite(value) ? value : otherwise;
}

const unsupported = (why: string): UnusableRaster =>
  new UnusableRaster('unsupported_raster', `this kind of GeoTIFF is not read: ${why}`);
