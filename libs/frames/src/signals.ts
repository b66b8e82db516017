import type { CellSums, PictureSignals, PrivacyMaskDocument } from '#catalog';
import { maskSpans } from './mask-spans.js';

/** Size of the grey picture from which everything is judged, pixels: whatever the frame's shape, 160 × 90. */
export const GREY_WIDTH_PX = 160;
export const GREY_HEIGHT_PX = 90;

/** Cells of the grid in which change is counted: 16 × 9 of 10 × 10 pixels. */
export const CELL_PX = 10;
export const CELL_COLUMNS = GREY_WIDTH_PX / CELL_PX;
export const CELLS = CELL_COLUMNS * (GREY_HEIGHT_PX / CELL_PX);
const FLAT_CELL_SD = 2;
/** Thresholds of design page "probing", section 7: a pixel below is black, above is white. */
const DARK = 26;
const BRIGHT = 245;

/** What one frame shows, and the grey picture of which it was measured. */
export interface Signals extends PictureSignals {
  /** The 160 × 90 grey picture, row by row from the top left: for comparing frames of one view. Masks do not hide anything in it. */
  readonly grey: Buffer;
  /** For each pixel of it, whether a mask covers it; null without masks. */
  readonly hidden: Uint8Array | null;
}

/** The pixels of the grey picture that masks cover, 1 each, with a rim of two; null without masks. @throws Error as `maskSpans` */
export function hiddenPixels(masks: readonly PrivacyMaskDocument[]): Uint8Array | null {
  if (masks.length === 0) return null;
  const hidden = new Uint8Array(GREY_WIDTH_PX * GREY_HEIGHT_PX);
  const spans = maskSpans(masks, { widthPx: GREY_WIDTH_PX, heightPx: GREY_HEIGHT_PX });
  for (let i = 0; i < spans.length; i += 2) hidden.fill(1, spans[i], spans[i + 1]);
  return hidden;
}

/**
 * Measures a 160 × 90 grey picture without what is hidden; null where a picture is hidden altogether.
 * @param bitsPerPixel known only from the file, passed through
 */
export function signalsOf(grey: Buffer, bitsPerPixel: number, hidden: Uint8Array | null = null): Signals | null {
  if (grey.length !== GREY_WIDTH_PX * GREY_HEIGHT_PX) throw new Error('bug: a grey picture has 160 x 90 pixels');
  const pixelsOf = new Uint32Array(256);
  for (let at = 0; at < grey.length; at += 1) if (hidden === null || hidden[at] === 0) pixelsOf[grey[at]!]! += 1;
  let [count, sum, squares, dark, bright] = [0, 0, 0, 0, 0];
  pixelsOf.forEach((pixels, value) => {
    count += pixels;
    sum += pixels * value;
    squares += pixels * value * value;
    if (value < DARK) dark += pixels;
    else if (value > BRIGHT) bright += pixels;
  });
  if (count === 0) return null;
  return {
    ...spreadOf(sum, squares, count),
    darkShare: dark / count,
    brightShare: bright / count,
    ...surroundings(grey, hidden),
    bitsPerPixel,
    grey,
    hidden,
  };
}

/** Mean and standard deviation of a rectangle of the grey picture. */
export function spread(grey: Buffer, left: number, top: number, widthPx: number, heightPx: number) {
  let sum = 0;
  let squares = 0;
  for (let y = top; y < top + heightPx; y += 1) {
    for (let at = y * GREY_WIDTH_PX + left, end = at + widthPx; at < end; at += 1) {
      const value = grey[at]!;
      sum += value;
      squares += value * value;
    }
  }
  return spreadOf(sum, squares, widthPx * heightPx);
}

function spreadOf(sum: number, squares: number, count: number): { readonly mean: number; readonly sd: number } {
  const mean = sum / count;
  return { mean, sd: Math.sqrt(Math.max(0, squares / count - mean * mean)) };
}

/** Index of a cell's first pixel. */
const cornerOf = (cell: number): number =>
  Math.floor(cell / CELL_COLUMNS) * CELL_PX * GREY_WIDTH_PX + (cell % CELL_COLUMNS) * CELL_PX;

/** Whether a mask covers any pixel of a cell. */
function isHidden(hidden: Uint8Array, corner: number): boolean {
  for (let y = 0; y < CELL_PX; y += 1) {
    const row = corner + y * GREY_WIDTH_PX;
    if (hidden.subarray(row, row + CELL_PX).includes(1)) return true;
  }
  return false;
}

/** A pixel is plain where the nine around it span no more grey levels than this: a sensor's noise spans more. */
const PLAIN_SPAN = 1;

/** What the nine pixels around each one tell: how many are plain, and the variance of the Laplacian. */
function surroundings(grey: Buffer, hidden: Uint8Array | null) {
  let [seen, plain, lit, sum, squares] = [0, 0, 0, 0, 0];
  for (let y = 1; y < GREY_HEIGHT_PX - 1; y += 1) {
    for (let at = y * GREY_WIDTH_PX + 1, end = (y + 1) * GREY_WIDTH_PX - 1; at < end; at += 1) {
      if (hidden !== null && hidden[at] === 1) continue;
      const value = grey[at]!;
      const right = value - grey[at + 1]!;
      const down = value - grey[at + GREY_WIDTH_PX]!;
      const laplacian = 2 * value - grey[at - 1]! - grey[at - GREY_WIDTH_PX]! + right + down;
      seen += 1;
      sum += laplacian;
      squares += laplacian * laplacian;
      // Most pixels differ from a neighbour already. Asked of both at once: a processor that guesses each wrong loses more than it saves.
      if (right * right + down * down > 2 * PLAIN_SPAN * PLAIN_SPAN) continue;
      if (!isPlain(grey, at)) continue;
      plain += 1;
      if (value >= DARK) lit += 1;
    }
  }
  if (seen === 0) return { plainShare: 0, litPlainShare: 0, laplacianVariance: 0 };
  return {
    plainShare: plain / seen,
    litPlainShare: lit / seen,
    laplacianVariance: squares / seen - (sum / seen) ** 2,
  };
}

function isPlain(grey: Buffer, at: number): boolean {
  let least = grey[at]!;
  let most = least;
  for (let row = at - GREY_WIDTH_PX; row <= at + GREY_WIDTH_PX; row += GREY_WIDTH_PX) {
    for (let i = row - 1; i <= row + 1; i += 1) {
      const value = grey[i]!;
      if (value < least) least = value;
      else if (value > most) most = value;
    }
    if (most - least > PLAIN_SPAN) return false;
  }
  return true;
}

/** Sign of each pixel in the signed sums: as good as chance, and for ever the same (Knuth's multiplicative hash). */
const SIGNS = Int8Array.from({ length: GREY_WIDTH_PX * GREY_HEIGHT_PX }, (_, at) =>
  Math.imul(at + 1, 0x9e3779b1) >>> 31 === 0 ? 1 : -1,
);

/** What is kept of a picture to find out whether the next one is another. */
export function cellSumsOf({ grey, hidden }: Signals): CellSums {
  const sums = { plain: [] as number[], signed: [] as number[], isClipped: [] as boolean[] };
  for (let cell = 0; cell < CELLS; cell += 1) {
    const corner = cornerOf(cell);
    const isSeen = hidden === null || !isHidden(hidden, corner);
    let [plain, signed, squares] = [0, 0, 0];
    for (let y = 0, row = corner; y < CELL_PX; y += 1, row += GREY_WIDTH_PX) {
      for (let at = row; at < row + CELL_PX; at += 1) {
        const value = grey[at]!;
        plain += value;
        signed += SIGNS[at]! * value;
        squares += value * value;
      }
    }
    const { mean, sd } = spreadOf(plain, squares, CELL_PX * CELL_PX);
    sums.plain.push(isSeen ? plain : -1);
    sums.signed.push(isSeen ? signed : 0);
    sums.isClipped.push(isSeen && sd < FLAT_CELL_SD && (mean < DARK || mean > BRIGHT));
  }
  return sums;
}
