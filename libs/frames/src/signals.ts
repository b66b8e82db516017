/** Size of the grey picture from which everything is judged, pixels: whatever the frame's shape, 160 × 90. */
export const GREY_WIDTH_PX = 160;
export const GREY_HEIGHT_PX = 90;

/** Cells of the grid in which flatness and change are counted: 16 × 9 of 10 × 10 pixels. */
const CELL_PX = 10;
const FLAT_CELL_SD = 2;
/** Thresholds of design page "probing", section 7: a pixel below is black, above is white. */
const DARK = 26;
const BRIGHT = 245;

/** What one frame shows, in numbers; grey values run from 0 to 255. */
export interface Signals {
  readonly mean: number;
  /** Standard deviation of all pixels. */
  readonly sd: number;
  /** Share of pixels below 26, 0 to 1. */
  readonly darkShare: number;
  /** Share of pixels above 245, 0 to 1. */
  readonly brightShare: number;
  /** Share of the 16 × 9 cells whose own standard deviation is below 2, 0 to 1: drawn cards have many, scenes few. */
  readonly flatCellsShare: number;
  /** Variance of the 4-neighbour Laplacian; divided by sd² it is the sharpness that does not depend on contrast. */
  readonly laplacianVariance: number;
  /** Bits of encoded picture data per pixel of the full frame. */
  readonly bitsPerPixel: number;
  /** The 160 × 90 grey picture, row by row from the top left: for comparing frames of one view. */
  readonly grey: Buffer;
}

/** Measures a 160 × 90 grey picture. @param bitsPerPixel known only from the file, passed through */
export function signalsOf(grey: Buffer, bitsPerPixel: number): Signals {
  if (grey.length !== GREY_WIDTH_PX * GREY_HEIGHT_PX) throw new Error('bug: a grey picture has 160 x 90 pixels');
  let dark = 0;
  let bright = 0;
  for (const value of grey) {
    if (value < DARK) dark += 1;
    else if (value > BRIGHT) bright += 1;
  }
  const { mean, sd } = spread(grey, 0, 0, GREY_WIDTH_PX, GREY_HEIGHT_PX);
  return {
    mean,
    sd,
    darkShare: dark / grey.length,
    brightShare: bright / grey.length,
    flatCellsShare: flatCellsShare(grey),
    laplacianVariance: laplacianVariance(grey),
    bitsPerPixel,
    grey,
  };
}

/** Mean and standard deviation of a rectangle of the grey picture. */
function spread(grey: Buffer, left: number, top: number, widthPx: number, heightPx: number) {
  let sum = 0;
  let squares = 0;
  for (let y = top; y < top + heightPx; y += 1) {
    for (let at = y * GREY_WIDTH_PX + left, end = at + widthPx; at < end; at += 1) {
      const value = grey[at]!;
      sum += value;
      squares += value * value;
    }
  }
  const count = widthPx * heightPx;
  const mean = sum / count;
  return { mean, sd: Math.sqrt(Math.max(0, squares / count - mean * mean)) };
}

function flatCellsShare(grey: Buffer): number {
  let flat = 0;
  for (let top = 0; top < GREY_HEIGHT_PX; top += CELL_PX) {
    for (let left = 0; left < GREY_WIDTH_PX; left += CELL_PX) {
      if (spread(grey, left, top, CELL_PX, CELL_PX).sd < FLAT_CELL_SD) flat += 1;
    }
  }
  return flat / ((GREY_WIDTH_PX / CELL_PX) * (GREY_HEIGHT_PX / CELL_PX));
}

function laplacianVariance(grey: Buffer): number {
  let sum = 0;
  let squares = 0;
  for (let y = 1; y < GREY_HEIGHT_PX - 1; y += 1) {
    for (let x = 1; x < GREY_WIDTH_PX - 1; x += 1) {
      const at = y * GREY_WIDTH_PX + x;
      const value =
        4 * grey[at]! - grey[at - 1]! - grey[at + 1]! - grey[at - GREY_WIDTH_PX]! - grey[at + GREY_WIDTH_PX]!;
      sum += value;
      squares += value * value;
    }
  }
  const count = (GREY_WIDTH_PX - 2) * (GREY_HEIGHT_PX - 2);
  return squares / count - (sum / count) ** 2;
}

/** A decoder fills what never came with one colour a row. */
const FLAT_ROW_SD = 1;
const FLAT_ROWS = 9;
/** A damaged entropy stream repeats the last good row down the picture. */
const SMEARED_ROW_SD = 8;
const SMEARED_ROW_CHANGE = 0.3;
const SMEARED_ROWS = 20;
const SMEAR_ENDS_BELOW_ROW = 67;

/**
 * What is broken in a picture that could be decoded, or null (design page "probing", section 3; held against 30 openly
 * licensed frames: the smeared one has 37 such rows, no other more than 5).
 * @param seen.warned the decoder complained. Only then is a flat lower part damage: a road in fog is flat too
 * @param seen.heightPx of the full frame. Below 90 the grey rows are interpolated, and equal neighbours mean nothing
 */
export function damageIn(grey: Buffer, seen: { warned: boolean; heightPx: number }): string | null {
  const rows = Array.from({ length: GREY_HEIGHT_PX }, (_, y) => spread(grey, 0, y, GREY_WIDTH_PX, 1).sd);
  const flat = GREY_HEIGHT_PX - 1 - rows.findLastIndex((sd) => sd >= FLAT_ROW_SD);
  if (seen.warned && flat >= FLAT_ROWS) {
    return `the lower ${Math.round((flat / GREY_HEIGHT_PX) * 100)} % of the picture never came`;
  }
  if (seen.heightPx < GREY_HEIGHT_PX) return null;

  let run = 0;
  for (let y = 1; y < GREY_HEIGHT_PX; y += 1) {
    run = rows[y]! > SMEARED_ROW_SD && changeFromAbove(grey, y) < SMEARED_ROW_CHANGE ? run + 1 : 0;
    if (run >= SMEARED_ROWS && y > SMEAR_ENDS_BELOW_ROW) return 'one row is smeared down the lower part of the picture';
  }
  return null;
}

/** Mean difference of a row from the row above. */
function changeFromAbove(grey: Buffer, y: number): number {
  let sum = 0;
  for (let at = y * GREY_WIDTH_PX, end = at + GREY_WIDTH_PX; at < end; at += 1) {
    sum += Math.abs(grey[at]! - grey[at - GREY_WIDTH_PX]!);
  }
  return sum / GREY_WIDTH_PX;
}
