import { UnusableRaster } from '#catalog';
import { type RandomAccess, readWhole } from './random-access.js';
import { judgeDirectory } from './tiff-directory.js';

/** Tags of the first image of a TIFF, by the names that the standard gives them. */
export interface TiffTags {
  readonly isLittleEndian: boolean;
  /** The first number of a tag; `otherwise` where the tag is missing. */
  number(name: string, otherwise?: number): number;
  /** Every number of a tag; none where it is missing. */
  numbers(name: string): ArrayLike<number>;
  /** A text without the NUL at its end; null where the tag is missing. */
  text(name: string): string | null;
  /** Keys of the GeoTIFF directory, by name. */
  readonly geoKeys: Readonly<Record<string, unknown>>;
  /** GDAL's own items on the band, by name. */
  readonly items: Readonly<Record<string, unknown>>;
}

/** Where blocks lie. Read at once: deferred, geotiff 3.0.5 reads them in the wrong byte order (geotiffjs/geotiff.js #535). */
const BLOCK_TABLES = [
  [273, 'StripOffsets'],
  [279, 'StripByteCounts'],
  [324, 'TileOffsets'],
  [325, 'TileByteCounts'],
] as const;

/**
 * The tags of a TIFF.
 * @throws UnusableRaster for what is none, and for a damaged one
 */
export async function readTags(file: RandomAccess): Promise<TiffTags> {
  const isLittleEndian = await judgeDirectory(file);
  // Only terrain needs it, and it takes a while to load.
  const { GeoTIFF, registerTag } = await import('geotiff');
  for (const [tag, name] of BLOCK_TABLES) registerTag(tag, name, undefined, true, true);
  const source = new Source(file);
  try {
    const tiff = await GeoTIFF.fromSource(source as unknown as Parameters<typeof GeoTIFF.fromSource>[0]);
    const image = await tiff.getImage();
    const { fileDirectory } = image;
    const valueOf = (name: string): unknown => whole(() => fileDirectory.getValue(name as never));
    return {
      isLittleEndian,
      number: (name, otherwise = NaN) => firstOf(valueOf(name)) ?? otherwise,
      numbers: (name) => listOf(valueOf(name)),
      text: (name) => textOf(valueOf(name)),
      geoKeys: image.getGeoKeys() ?? {},
      items: (await image.getGDALMetadata(0)) ?? {},
    };
  } catch (error) {
    throw source.failure ?? unreadable(error);
  }
}

/** A value of the directory; the library throws for one that is longer than its tag ever is. */
function whole<T>(value: () => T): T {
  try {
    return value();
  } catch (error) {
    throw unreadable(error);
  }
}

const unreadable = (cause: unknown): UnusableRaster =>
  new UnusableRaster('corrupt_raster', 'the file is damaged: its directory cannot be read', { cause });

const firstOf = (value: unknown): number | undefined =>
  typeof value === 'number' ? value : ArrayBuffer.isView(value) || Array.isArray(value) ? listOf(value)[0] : undefined;

const listOf = (value: unknown): ArrayLike<number> =>
  typeof value === 'number' ? [value] : ((value ?? []) as ArrayLike<number>);

const textOf = (value: unknown): string | null =>
  typeof value === 'string' ? value.replace(/\0[^]*$/, '').trim() : null;

interface Slice {
  readonly offset: number;
  readonly length: number;
}

/** The file as geotiff wants it. It asks for more than a value where it does not know yet how much there is. */
class Source {
  /** What went wrong with the file itself, which the library's own errors would hide. */
  failure: Error | null = null;
  readonly fileSize: number;

  constructor(private readonly file: RandomAccess) {
    this.fileSize = file.size;
  }

  async fetch(slices: readonly Slice[]): Promise<ArrayBuffer[]> {
    return Promise.all(slices.map((slice) => this.one(slice)));
  }

  private async one({ offset, length }: Slice): Promise<ArrayBuffer> {
    try {
      const there = Math.max(0, Math.min(length, this.file.size - offset));
      return new Uint8Array(await readWhole(this.file, offset, there)).buffer;
    } catch (error) {
      this.failure = error as Error;
      throw error;
    }
  }
}
