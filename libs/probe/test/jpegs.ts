import sharp, { type JpegOptions } from 'sharp';

/** A segment with this marker and content. */
export function segment(marker: number, content: Buffer | string | readonly number[]): Buffer {
  const body = typeof content === 'string' ? Buffer.from(content, 'latin1') : Buffer.from(content);
  const head = Buffer.from([0xff, marker, 0, 0]);
  head.writeUInt16BE(body.length + 2, 2);
  return Buffer.concat([head, body]);
}

/** Baseline frame header of one grey component. */
export const frameHeader = (widthPx: number, heightPx: number): Buffer =>
  segment(0xc0, [8, heightPx >> 8, heightPx & 255, widthPx >> 8, widthPx & 255, 1, 1, 0x11, 0]);

export const SCAN_HEADER = segment(0xda, [1, 1, 0, 0, 63, 0]);
export const START = Buffer.from([0xff, 0xd8]);
export const END = Buffer.from([0xff, 0xd9]);

/** What a made JPEG differs in. */
export interface Making {
  readonly widthPx?: number;
  readonly heightPx?: number;
  /** Segments behind the start marker. */
  readonly front?: readonly Buffer[];
  readonly scan?: Buffer;
  readonly noEoi?: boolean;
}

/** Scan data as encoders make it, with stuffed zeros; the same for the same seed. */
export function scanData(seed: number, bytes = 300): Buffer {
  let state = seed * 7_919 + 17;
  const data = Array.from({ length: bytes }, (_, index) => {
    state = (state * 48_271) % 2_147_483_647;
    return index % 50 === 49 ? [0xff, 0x00] : [state % 255];
  });
  return Buffer.from(data.flat());
}

/** A JPEG in form: a walker sees a whole picture, a decoder would see noise. */
export function jpegOf(seed: number, making: Making = {}): Buffer {
  const { widthPx = 16, heightPx = 8, front = [], scan = scanData(seed), noEoi = false } = making;
  return Buffer.concat([
    START,
    segment(0xe0, 'JFIF\0\x01\x02\0\0\x01\0\x01\0\0'),
    ...front,
    segment(0xdb, Buffer.alloc(65, 1)),
    frameHeader(widthPx, heightPx),
    segment(0xc4, Buffer.alloc(20)),
    SCAN_HEADER,
    scan,
    ...(noEoi ? [] : [END]),
  ]);
}

/** A picture that decodes: a gradient with noise. */
export function pictureOf(widthPx: number, heightPx: number, options: JpegOptions = {}): Promise<Buffer> {
  const rgb = Buffer.alloc(widthPx * heightPx * 3);
  for (let at = 0; at < rgb.length; at += 1) rgb[at] = (at * 7 + (at * at) / 31) & 255;
  return sharp(rgb, { raw: { width: widthPx, height: heightPx, channels: 3 } })
    .jpeg({ quality: 80, ...options })
    .toBuffer();
}
