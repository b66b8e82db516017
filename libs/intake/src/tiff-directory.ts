import { UnusableRaster } from '#catalog';
import { type RandomAccess, readWhole } from './random-access.js';

/** Bytes of a value by TIFF field type, 1 to 18; types that do not exist have none. */
const TYPE_BYTES = [0, 1, 1, 2, 4, 8, 1, 1, 2, 4, 8, 4, 8, 4, 0, 0, 8, 8, 8] as const;

/** A directory of a raster has some twenty entries; one of thousands is made to hurt. */
const MAX_ENTRIES = 1_000;
/** Largest value of an entry: the offsets of two million blocks. */
const MAX_VALUE_BYTES = 16 * 1_048_576;

/**
 * Looks through the first directory of a TIFF before the library reads it, since that believes what a file says of itself: a value of
 * billions of entries is allocated, and one behind the end of the file is asked for.
 * @returns whether numbers stand with their low byte first
 * @throws UnusableRaster
 */
export async function judgeDirectory(file: RandomAccess): Promise<boolean> {
  const head = viewOf(await file.read(0, Math.min(16, file.size)));
  const order = head.byteLength < 16 ? '' : String.fromCharCode(head.getUint8(0), head.getUint8(1));
  const isLittleEndian = order === 'II';
  const version = order === 'II' || order === 'MM' ? head.getUint16(2, isLittleEndian) : 0;
  if (version !== 42 && version !== 43) {
    throw new UnusableRaster('not_geotiff', 'this is no GeoTIFF: a TIFF begins with II or MM and 42 or 43');
  }
  const isBig = version === 43;
  const number = (view: DataView, at: number): number =>
    isBig ? Number(view.getBigUint64(at, isLittleEndian)) : view.getUint32(at, isLittleEndian);
  const start = number(head, isBig ? 8 : 4);
  const countBytes = isBig ? 8 : 2;
  const counted = viewOf(await readWhole(file, start, countBytes));
  const entries = isBig ? number(counted, 0) : counted.getUint16(0, isLittleEndian);
  if (entries > MAX_ENTRIES) throw corrupt(`its directory has ${entries} entries`);
  const entryBytes = isBig ? 20 : 12;
  const directory = viewOf(await readWhole(file, start + countBytes, entries * entryBytes));
  for (let at = 0; at < directory.byteLength; at += entryBytes) {
    const tag = directory.getUint16(at, isLittleEndian);
    const bytes = (TYPE_BYTES[directory.getUint16(at + 2, isLittleEndian)] ?? 0) * number(directory, at + 4);
    if (bytes <= (isBig ? 8 : 4)) continue;
    const offset = number(directory, at + (isBig ? 12 : 8));
    if (bytes > MAX_VALUE_BYTES || offset + bytes > file.size) {
      throw corrupt(`entry ${tag} of its directory is larger than it can be`);
    }
  }
  return isLittleEndian;
}

const viewOf = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);

const corrupt = (why: string): UnusableRaster => new UnusableRaster('corrupt_raster', `the file is damaged: ${why}`);
