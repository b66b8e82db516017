import type { JpegSegment } from '#catalog';
import { SOS } from './jpeg-walk.js';

const PICTURE_START = Buffer.from([0xff, 0xd8, 0xff]);
const LF = 0x0a;
const CR = 0x0d;
const DASH = 0x2d;

/** Whether the bytes at a declared length look like the end of a part: a line end, a delimiter, or no bytes at all. */
export function landsWell(bytes: Buffer, at: number): boolean {
  const [first, second] = [bytes[at], bytes[at + 1]];
  if (first === undefined) return at === bytes.length;
  if (first === CR) return second === LF || second === undefined;
  return first === LF || (first === DASH && second === DASH);
}

/**
 * Whether a damaged length led over a delimiter into another picture, and by chance to one of its markers: no maker puts a delimiter
 * and then a picture into a segment.
 */
export function hasSwallowedPart(bytes: Buffer, segments: readonly JpegSegment[], delimiter: Buffer | null): boolean {
  if (delimiter === null) return false;
  return segments.some(({ marker, start, end }) => {
    if (marker === SOS || end - start < delimiter.length) return false;
    const found = bytes.subarray(start, end).indexOf(delimiter);
    return found >= 0 && bytes.indexOf(PICTURE_START, start + found) >= 0;
  });
}
