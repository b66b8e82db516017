import sharp, { type JpegOptions, type Sharp } from 'sharp';

/** Pixels of a picture to be made: values 0 to 255, row by row. */
export interface Drawing {
  readonly widthPx: number;
  readonly heightPx: number;
  readonly rgb: Buffer;
}

/** The same numbers for the same seed (Park and Miller). */
function numbers(seed: number): () => number {
  let state = seed;
  return () => (state = (state * 48_271) % 2_147_483_647) / 2_147_483_647;
}

/** A street of our own: sky, hills, a road and sensor noise; no two rows or cells alike. */
export function scene(widthPx = 640, heightPx = 360, seed = 1): Drawing {
  const next = numbers(seed);
  // Globals are slow to reach within Jest.
  const { sin } = Math;
  return draw(widthPx, heightPx, (x, y) => {
    const shape = 110 + 50 * sin(x * 0.07 + y * 0.03) + 40 * sin(y * 0.05 - x * 0.02);
    return [shape + 20 * next(), shape * 0.9 + 20 * next(), shape * 0.8 + 20 * next()];
  });
}

export function draw(
  widthPx: number,
  heightPx: number,
  colour: (x: number, y: number) => readonly [r: number, g: number, b: number],
): Drawing {
  // Rounds and holds values within 0 and 255 by itself.
  const values = new Uint8ClampedArray(widthPx * heightPx * 3);
  let at = 0;
  for (let y = 0; y < heightPx; y += 1) {
    for (let x = 0; x < widthPx; x += 1) {
      const [r, g, b] = colour(x, y);
      values[at] = r;
      values[at + 1] = g;
      values[at + 2] = b;
      at += 3;
    }
  }
  return { widthPx, heightPx, rgb: Buffer.from(values.buffer) };
}

/** The drawing for further work with sharp. */
export const open = ({ widthPx, heightPx, rgb }: Drawing): Sharp =>
  sharp(rgb, { raw: { width: widthPx, height: heightPx, channels: 3 } });

export const jpegOf = (drawing: Drawing, options: JpegOptions = {}): Promise<Buffer> =>
  open(drawing)
    .jpeg({ quality: 80, ...options })
    .toBuffer();

/** A segment with this marker and content. */
export function segment(marker: number, content: Buffer | string): Buffer {
  const body = Buffer.from(content);
  const head = Buffer.from([0xff, marker, 0, 0]);
  head.writeUInt16BE(body.length + 2, 2);
  return Buffer.concat([head, body]);
}

/** Puts bytes behind the start marker of a JPEG. */
export const afterStart = (jpeg: Buffer, ...added: readonly Buffer[]): Buffer =>
  Buffer.concat([jpeg.subarray(0, 2), ...added, jpeg.subarray(2)]);

/** The same picture as MJPEG encoders send it: the standard Huffman tables are left out. */
export function withoutHuffmanTables(jpeg: Buffer): Buffer {
  const parts = [jpeg.subarray(0, 2)];
  let at = 2;
  while (jpeg[at + 1] !== 0xda) {
    const end = at + 2 + jpeg.readUInt16BE(at + 2);
    if (jpeg[at + 1] !== 0xc4) parts.push(jpeg.subarray(at, end));
    at = end;
  }
  return Buffer.concat([...parts, jpeg.subarray(at)]);
}
