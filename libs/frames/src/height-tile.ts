import { promisify } from 'node:util';
import { deflateSync, inflate } from 'node:zlib';

const inflated = promisify(inflate);

const IS_LITTLE_ENDIAN = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1;

/** A tile of heights as it is kept: Float32, the low byte first, deflated. */
export function packHeights(heights: Float32Array): Buffer {
  return deflateSync(inOrder(Buffer.from(new Uint8Array(heights.buffer, heights.byteOffset, heights.byteLength))));
}

/** The heights of a kept tile. @param posts how many there are; other bytes are a bug */
export async function unpackHeights(bytes: Buffer, posts: number): Promise<Float32Array> {
  const plain = inOrder(await inflated(bytes, { maxOutputLength: posts * 4 }));
  if (plain.length !== posts * 4)
    throw new Error(`bug: a tile of ${plain.length} bytes is no tile of ${posts} heights`);
  // In memory of its own, since a view must begin at a multiple of four.
  return new Float32Array(new Uint8Array(plain).buffer);
}

const inOrder = (bytes: Buffer): Buffer => (IS_LITTLE_ENDIAN ? bytes : bytes.swap32());
