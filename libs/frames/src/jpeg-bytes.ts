import { createHash } from 'node:crypto';
import type { Frame, JpegSegment } from '#catalog';

/** Marker bytes after FF (ITU-T T.81 table B.1). */
const DHT = 0xc4;
const JPG = 0xc8;
const EOI = 0xd9;
const SOS = 0xda;
const DQT = 0xdb;
const DRI = 0xdd;
const DAC = 0xcc;
const APP0 = 0xe0;
const APP14 = 0xee;

const START_OF_IMAGE = Buffer.from([0xff, 0xd8]);
const END_OF_IMAGE = Buffer.from([0xff, EOI]);

/** Frame headers SOF0 to SOF15; three codes of that range mean other things. */
const isFrameHeader = (marker: number): boolean =>
  marker >= 0xc0 && marker <= 0xcf && marker !== DHT && marker !== JPG && marker !== DAC;

/** What a decoder needs besides APP0 and APP14. DAC is the arithmetic coder's DHT. */
const isPicture = (marker: number): boolean => isFrameHeader(marker) || [DHT, DAC, SOS, DQT, DRI].includes(marker);

/**
 * SHA-256, hex, of the picture data: from the first SOS to EOI, without the comments and application segments that may
 * stand between scans. New Exif, a new time in a comment, padding behind the picture or a missing end marker leave it as it is, so equal
 * hashes mean "the very same picture again".
 */
export function scanHash(frame: Frame): string {
  const hash = createHash('sha256');
  const first = frame.segments.findIndex(({ marker }) => marker === SOS);
  if (first < 0) throw new Error('bug: a walked frame has a scan');
  for (const segment of frame.segments.slice(first)) {
    if (isPicture(segment.marker)) hash.update(bytesOf(frame, segment));
  }
  return hash.update(END_OF_IMAGE).digest('hex');
}

/** Encoded size of the picture data alone, bytes: Exif thumbnails and padding tell nothing of what is seen. */
export function scanBytes(frame: Frame): number {
  const scans = frame.segments.filter(({ marker }) => marker === SOS);
  return scans.reduce((sum, segment) => sum + bytesOf(frame, segment).length, 0);
}

/**
 * The same picture with nothing but what a decoder needs, ended by EOI; nothing is decoded. Exif, GPS, ICC, XMP, comments,
 * makers' segments and bytes behind the picture are gone. APP0 and APP14 decide how colours are read and stay, cut to
 * their standard members (JFIF 1.02, Adobe TN 5116): a JFIF header may carry a thumbnail, and any maker may write an APP0.
 */
export function withoutMetadata(frame: Frame): Buffer {
  const parts: Buffer[] = [START_OF_IMAGE];
  for (const segment of frame.segments) {
    if (segment.marker === APP0) parts.push(...standardMembers(bytesOf(frame, segment), 'JFIF\0', 18));
    else if (segment.marker === APP14) parts.push(...standardMembers(bytesOf(frame, segment), 'Adobe', 16));
    else if (isPicture(segment.marker)) parts.push(bytesOf(frame, segment));
  }
  parts.push(END_OF_IMAGE);
  return Buffer.concat(parts);
}

/** FF, marker, length, name and the rest up to `length` bytes in all; nothing of a segment that has another name. */
function standardMembers(segment: Buffer, name: string, length: number): Buffer[] {
  if (segment.length < length || segment.toString('latin1', 4, 4 + name.length) !== name) return [];
  const cut = Buffer.from(segment.subarray(0, length));
  cut.writeUInt16BE(length - 2, 2);
  // Width and height of the JFIF thumbnail that is no longer there.
  if (segment[1] === APP0) cut.fill(0, 16, 18);
  return [cut];
}

/** A segment from its FF on; a scan without an end marker that a walker counted in. */
function bytesOf({ bytes }: Frame, { marker, start, end }: JpegSegment): Buffer {
  let from = start;
  while (bytes[from] === 0xff && bytes[from + 1] === 0xff) from += 1;
  if (bytes[from] !== 0xff || bytes[from + 1] !== marker)
    throw new Error('bug: a segment begins with FF and its marker');
  const segment = bytes.subarray(from, end);
  return marker === SOS && segment.subarray(-2).equals(END_OF_IMAGE) ? segment.subarray(0, -2) : segment;
}

/**
 * Size that a JPEG's frame header states, read before any decoder sees the bytes (security.md IMG-1); null where the
 * bytes do not begin as a JPEG, or no header with a size comes before the first scan.
 */
export function statedSize(jpeg: Uint8Array): { widthPx: number; heightPx: number } | null {
  if (jpeg[0] !== 0xff || jpeg[1] !== 0xd8 || jpeg[2] !== 0xff) return null;
  const view = new DataView(jpeg.buffer, jpeg.byteOffset, jpeg.byteLength);
  let at = 2;
  while (at + 9 <= jpeg.length && jpeg[at] === 0xff) {
    const marker = view.getUint8(at + 1);
    if (marker === 0xff) {
      at += 1;
    } else if (isFrameHeader(marker)) {
      const size = { widthPx: view.getUint16(at + 7), heightPx: view.getUint16(at + 5) };
      return size.widthPx > 0 && size.heightPx > 0 ? size : null;
    } else if (marker === SOS || marker === EOI || marker === 0) {
      return null;
    } else {
      at += 2 + view.getUint16(at + 2);
    }
  }
  return null;
}
