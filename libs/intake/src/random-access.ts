import { UnusableRaster } from '#catalog';

/** A file that is read here and there. */
export interface RandomAccess {
  /** Bytes. */
  readonly size: number;
  /** These bytes; fewer only at the end of the file. */
  read(offset: number, length: number): Promise<Uint8Array>;
}

/** Bytes that have to be there. @throws UnusableRaster where the file is too short for what it says of itself */
export async function readWhole(file: RandomAccess, offset: number, length: number): Promise<Uint8Array> {
  const isThere = Number.isSafeInteger(offset) && offset >= 0 && length >= 0 && offset + length <= file.size;
  const bytes = isThere ? await file.read(offset, length) : null;
  if (bytes?.length === length) return bytes;
  throw new UnusableRaster('corrupt_raster', `the file is cut off: bytes from ${offset} on are missing`);
}
