import { GREY_HEIGHT_PX, GREY_WIDTH_PX, spread } from './signals.js';

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
  const flat = seen.warned ? flatRowsBelow(grey) : 0;
  if (flat >= FLAT_ROWS) return `the lower ${Math.round((flat / GREY_HEIGHT_PX) * 100)} % of the picture never came`;
  if (seen.heightPx < GREY_HEIGHT_PX) return null;

  let run = 0;
  for (let y = 1; y < GREY_HEIGHT_PX; y += 1) {
    run = changeFromAbove(grey, y) < SMEARED_ROW_CHANGE && sdOf(grey, y) > SMEARED_ROW_SD ? run + 1 : 0;
    if (run >= SMEARED_ROWS && y > SMEAR_ENDS_BELOW_ROW) return 'one row is smeared down the lower part of the picture';
  }
  return null;
}

/** How many of the lowest rows are of one colour each. */
function flatRowsBelow(grey: Buffer): number {
  let y = GREY_HEIGHT_PX;
  while (y > 0 && sdOf(grey, y - 1) < FLAT_ROW_SD) y -= 1;
  return GREY_HEIGHT_PX - y;
}

const sdOf = (grey: Buffer, y: number): number => spread(grey, 0, y, GREY_WIDTH_PX, 1).sd;

/** Mean difference of a row from the row above. */
function changeFromAbove(grey: Buffer, y: number): number {
  let sum = 0;
  for (let at = y * GREY_WIDTH_PX, end = at + GREY_WIDTH_PX; at < end; at += 1) {
    sum += Math.abs(grey[at]! - grey[at - GREY_WIDTH_PX]!);
  }
  return sum / GREY_WIDTH_PX;
}
