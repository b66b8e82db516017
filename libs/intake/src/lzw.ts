const CLEAR = 256;
const END = 257;
const FIRST_FREE = 258;
const MAX_CODES = 4_096;

/**
 * LZW as TIFF has it (TIFF 6.0, section 13): codes of 9 to 12 bits, the high bit first, widened one code early. geotiff's own decoder
 * collects bytes in a list without end, so that a small hostile block would take all memory; this one stops at what the block may hold.
 * @param mostBytes what comes beyond is left out
 * @returns null for what is no LZW
 */
export function unpackLzw(packed: Uint8Array, mostBytes: number): Uint8Array | null {
  const out = new Uint8Array(mostBytes);
  // A code is a text that is in `out` already: where it begins there, and how long it is.
  const starts = new Uint32Array(MAX_CODES);
  const lengths = new Uint32Array(MAX_CODES);
  const bits = new Bits(packed);
  let written = 0;
  let free = FIRST_FREE;
  let width = 9;
  let before: { readonly start: number; readonly length: number } | null = null;
  while (written < mostBytes) {
    const code = bits.next(width);
    if (code === null || code === END) break;
    if (code === CLEAR) {
      free = FIRST_FREE;
      width = 9;
      before = null;
      continue;
    }
    const start: number = written;
    if (code < CLEAR) {
      out[written] = code;
      written += 1;
    } else {
      // The code that is made by this very text: the text before with its own first byte.
      const isNew = code === free;
      if (before === null || code > free || (isNew && free === MAX_CODES)) return null;
      const from = isNew ? before.start : starts[code]!;
      const length = isNew ? before.length + 1 : lengths[code]!;
      const end = Math.min(written + length, mostBytes);
      // Byte by byte: the text may reach into what is being written.
      for (let at = from; written < end; at += 1, written += 1) out[written] = out[at]!;
    }
    if (before !== null && free < MAX_CODES) {
      starts[free] = before.start;
      lengths[free] = before.length + 1;
      free += 1;
    }
    before = { start, length: written - start };
    if (free + 1 >= 2 ** width && width < 12) width += 1;
  }
  return out.subarray(0, written);
}

/** Numbers of some bits each, the high bit first. */
class Bits {
  private at = 0;
  private held = 0;
  private count = 0;

  constructor(private readonly bytes: Uint8Array) {}

  /** @returns null at the end */
  next(width: number): number | null {
    while (this.count < width) {
      if (this.at >= this.bytes.length) return null;
      this.held = ((this.held << 8) | this.bytes[this.at]!) & 0xff_ffff;
      this.at += 1;
      this.count += 8;
    }
    this.count -= width;
    return (this.held >> this.count) & ((1 << width) - 1);
  }
}
