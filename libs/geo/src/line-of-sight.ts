import type { Heights } from './heights.js';
import { EARTH_RADIUS_M } from './local-frame.js';

/** Share of the earth's curvature that is left after refraction, gdal_viewshed's default. */
export const CURVATURE = 6 / 7;

/** A line that touches is clear; less than this below it is rounding, metres. */
export const TOUCH_M = 1e-6;

/** More samples than this without a height, and nobody can say. */
const UNKNOWN_SHARE = 0.3;

/** One end of a line: fractional column and row among the posts, and its own height. */
export interface LineEnd {
  readonly column: number;
  readonly row: number;
  readonly zM: number;
}

export interface LineOptions {
  /** Length over the ground, metres. */
  readonly lengthM: number;
  /** cc: 0 for a flat earth; default {@link CURVATURE}. */
  readonly curvature?: number;
  readonly earthRadiusM?: number;
  /**
   * With a surface model the camera's own pole or house is in the raster: from the camera outwards blocked samples are
   * ignored until the first clear one, over at most so many metres. Default 0.
   */
  readonly ownHostM?: number;
}

/** What stands between two points. */
export interface LineOfSight {
  readonly result: 'clear' | 'blocked' | 'unknown';
  /** Least height of the line over the ground as far as it was followed, metres; Infinity where nothing was sampled. */
  readonly clearanceM: number;
}

/** Own rule for surface models: five metres or two and a half cells, whatever is more. */
export function ownHostOf(cellM: number): number {
  return Math.max(5, 2.5 * cellM);
}

/**
 * Line of sight from post to post (R3): the line is tested where it crosses column lines, then row lines, against the
 * linear mean of the two posts there, lowered by cc·s²/2R; strictly between the ends. It stops at the first block. Nodata is
 * skipped; over 30 % of it, or an end outside the posts, is `unknown`, unless something known blocks.
 */
export function lineOfSight(heights: Heights, from: LineEnd, to: LineEnd, options: LineOptions): LineOfSight {
  const { lengthM, curvature = CURVATURE, earthRadiusM = EARTH_RADIUS_M, ownHostM = 0 } = options;
  if (!isInside(heights, from) || !isInside(heights, to)) return { result: 'unknown', clearanceM: Infinity };
  const drop = (curvature * lengthM * lengthM) / (2 * earthRadiusM);
  const line: Line = { heights, from, to, rise: to.zM - drop - from.zM, drop };
  const host = ownHostM > 0 && lengthM > 0 ? Math.min(1, ownHostM / lengthM) : 0;
  const own = host > 0 ? ownEnd(line, host) : 0;
  const tally: Tally = { least: Infinity, samples: 0, unknown: 0, blocked: false };
  alongColumns(line, own, tally);
  if (!tally.blocked) alongRows(line, own, tally);
  if (tally.blocked) return { result: 'blocked', clearanceM: tally.least };
  const known = tally.unknown <= UNKNOWN_SHARE * tally.samples;
  return { result: known ? 'clear' : 'unknown', clearanceM: tally.least };
}

function isInside({ columns, rows }: Heights, { column, row }: LineEnd): boolean {
  return column >= -0.5 && row >= -0.5 && column <= columns - 0.5 && row <= rows - 0.5;
}

/** A line in terms of the posts: along columns it crosses columns of posts, along rows rows. */
interface Line {
  readonly heights: Heights;
  readonly from: LineEnd;
  readonly to: LineEnd;
  /** Of the line over effective heights, from end to end. */
  readonly rise: number;
  /** By curvature at the far end. */
  readonly drop: number;
}

interface Tally {
  least: number;
  samples: number;
  unknown: number;
  blocked: boolean;
}

/** Height of the line over the ground where it crosses a column of posts, at part t; NaN without a height. */
function overColumn({ heights, from, to, rise, drop }: Line, column: number, t: number): number {
  const row = from.row + t * (to.row - from.row);
  const top = Math.floor(row);
  const part = row - top;
  // On the rim of the raster the outermost post stands for the half cell beyond it.
  const first = heights.at(column, top < 0 ? 0 : top);
  const alone = part === 0 || top < 0 || top >= heights.rows - 1;
  const ground = alone ? first : first + part * (heights.at(column, top + 1) - first);
  return from.zM + t * rise - ground + t * t * drop;
}

/** The same for a row of posts. */
function overRow({ heights, from, to, rise, drop }: Line, row: number, t: number): number {
  const column = from.column + t * (to.column - from.column);
  const left = Math.floor(column);
  const part = column - left;
  const first = heights.at(left < 0 ? 0 : left, row);
  const alone = part === 0 || left < 0 || left >= heights.columns - 1;
  const ground = alone ? first : first + part * (heights.at(left + 1, row) - first);
  return from.zM + t * rise - ground + t * t * drop;
}

/** Tests the crossings with columns from part `own` of the line on, strictly between its ends, until one blocks. */
function alongColumns(line: Line, own: number, tally: Tally): void {
  const start = line.from.column;
  const span = line.to.column - start;
  if (span === 0) return;
  const step = span > 0 ? 1 : -1;
  for (let at = firstCrossing(start + span * own, step); ; at += step) {
    const t = (at - start) / span;
    if (t >= 1) return;
    if (t > 0 && t >= own && !goesOn(tally, overColumn(line, at, t))) return;
  }
}

/** The same for rows. */
function alongRows(line: Line, own: number, tally: Tally): void {
  const start = line.from.row;
  const span = line.to.row - start;
  if (span === 0) return;
  const step = span > 0 ? 1 : -1;
  for (let at = firstCrossing(start + span * own, step); ; at += step) {
    const t = (at - start) / span;
    if (t >= 1) return;
    if (t > 0 && t >= own && !goesOn(tally, overRow(line, at, t))) return;
  }
}

/** Counts a sample; false if it blocks. */
function goesOn(tally: Tally, clearance: number): boolean {
  tally.samples++;
  if (clearance < tally.least) tally.least = clearance;
  if (clearance >= -TOUCH_M) return true;
  if (Number.isNaN(clearance)) {
    tally.unknown++;
    return true;
  }
  tally.blocked = true;
  return false;
}

/** The part of the line at which the camera's own host ends: its first clear crossing of either kind. */
function ownEnd(line: Line, most: number): number {
  const { from, to } = line;
  return Math.min(
    firstClear(line, overColumn, from.column, to.column - from.column, most),
    firstClear(line, overRow, from.row, to.row - from.row, most),
  );
}

/** The part of the line at its first clear crossing; `most` where none comes before that. */
function firstClear(line: Line, over: typeof overColumn, start: number, span: number, most: number): number {
  if (span === 0) return most;
  const step = span > 0 ? 1 : -1;
  for (let at = firstCrossing(start, step); ; at += step) {
    const t = (at - start) / span;
    if (t > most) return most;
    if (t > 0 && over(line, at, t) >= -TOUCH_M) return t;
  }
}

function firstCrossing(from: number, step: 1 | -1): number {
  return step > 0 ? Math.ceil(from) : Math.floor(from);
}
