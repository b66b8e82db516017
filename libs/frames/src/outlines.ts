import { GREY_HEIGHT_PX, GREY_WIDTH_PX, type Signals } from './signals.js';

/**
 * Outlines of a view, in a form that outlasts changes of light: at each place the direction of the grey values' slope, doubled so that
 * bright-on-dark and dark-on-bright are alike, as long as the slope is steep for its surroundings. Of magnitudes alone, a street by
 * night and by dawn correlate no better than two streets (0.26, 0.31); of these, 0.29 and at most 0.12 (30 frames, docs/decisions/0014).
 */

// Looked up once: within Jest's contexts a global costs ten times as much.
const { floor, max, min, round, sqrt } = Math;

/** Rows and columns at the rims that are left out: there stand clocks and names, which look alike in every view. */
const RIM_PX = 10;
/** Places are one in so many pixels, in a lattice that no row or column of a scene fits. */
const LATTICE = 8;
const LATTICE_STEP = 3;
const ROWS = rowsOf();
const PLACES = Int32Array.from(ROWS.flat());

/** Half the width of the surroundings that a slope is measured by, pixels, and the slope that is noise there. */
const SURROUNDINGS_PX = 7;
const NOISE_SLOPE = 8;

/** Slopes are kept in steps, from -7 to 7. */
const STEP = 0.3;
const MOST_STEPS = 7;

/** A view that shifted by a twentieth of the picture is still the same: so far it is looked for, pixels, in steps of so many. */
const SHIFT_X_PX = 8;
const SHIFT_Y_PX = 4;
const SHIFT_STEP_PX = 2;
/** With fewer places than these in both pictures nothing is compared. */
const FEWEST_PLACES = 100;
/** At this likeness nobody looks for a better one. */
const ALIKE = 0.3;

/**
 * Share of a row's mean that is taken off it: a horizon is the same wherever a camera turns, and would make two views alike. Not all of
 * it, since a mean of seventeen places is a rough one.
 */
const LEVELLED = 0.7;
const LEVELLED_PRODUCT = 2 * LEVELLED - LEVELLED * LEVELLED;

function rowsOf(): number[][] {
  const rows: number[][] = [];
  for (let y = RIM_PX; y < GREY_HEIGHT_PX - RIM_PX; y += 1) {
    const row: number[] = [];
    for (let x = RIM_PX; x < GREY_WIDTH_PX - RIM_PX; x += 1) {
      if ((x + LATTICE_STEP * y) % LATTICE === 0) row.push(y * GREY_WIDTH_PX + x);
    }
    rows.push(row);
  }
  return rows;
}

const rightAt = (grey: Buffer, at: number): number => grey[at + 1]! - grey[at - 1]!;
const downAt = (grey: Buffer, at: number): number => grey[at + GREY_WIDTH_PX]! - grey[at - GREY_WIDTH_PX]!;

/** Length of the slope at a pixel that is not at the rim. */
function lengthAt(grey: Buffer, at: number): number {
  const right = rightAt(grey, at);
  const down = downAt(grey, at);
  return sqrt(right * right + down * down);
}

/** What is known of a place. */
const UNKNOWN = 0;
const FOUND = 1;
const HIDDEN = 2;

const PIXELS = GREY_WIDTH_PX * GREY_HEIGHT_PX;

/** The room that each picture's slopes take: one is looked at at a time, and to make it anew for each takes longer than to look. */
const ROOM = {
  along: new Float64Array(PIXELS),
  across: new Float64Array(PIXELS),
  known: new Uint8Array(PIXELS),
  sums: new Float64Array((GREY_WIDTH_PX + 1) * (GREY_HEIGHT_PX + 1)),
};

/**
 * Slopes of a picture, found where they are asked for: at many shifts a place is asked for again. Done with before the next picture's are
 * made, since they share their {@link ROOM}.
 */
class Slopes {
  /** By place where it {@link isSeen}: the slope's length in its surroundings, along the doubled direction (cos 2φ, sin 2φ). */
  readonly along = ROOM.along;
  readonly across = ROOM.across;
  readonly #known = ROOM.known.fill(UNKNOWN);
  readonly #grey: Buffer;
  readonly #hidden: Uint8Array | null;
  /** Sums of the slopes' lengths over everything above and left of a pixel: any rectangle's sum is four of them. */
  readonly #sums = ROOM.sums;

  constructor({ grey, hidden }: Signals) {
    this.#grey = grey;
    this.#hidden = hidden;
    const sums = this.#sums;
    for (let y = 0; y < GREY_HEIGHT_PX; y += 1) {
      let row = 0;
      for (let x = 0; x < GREY_WIDTH_PX; x += 1) {
        const isInner = x > 0 && y > 0 && x < GREY_WIDTH_PX - 1 && y < GREY_HEIGHT_PX - 1;
        if (isInner) row += lengthAt(grey, y * GREY_WIDTH_PX + x);
        const at = (y + 1) * (GREY_WIDTH_PX + 1) + x + 1;
        sums[at] = sums[at - GREY_WIDTH_PX - 1]! + row;
      }
    }
  }

  /** Looks at a place. @returns false where it is hidden */
  isSeen(place: number): boolean {
    const known = this.#known[place];
    return known === UNKNOWN ? this.#find(place) : known === FOUND;
  }

  #find(place: number): boolean {
    if (this.#hidden?.[place] === 1) {
      this.#known[place] = HIDDEN;
      return false;
    }
    const right = rightAt(this.#grey, place);
    const down = downAt(this.#grey, place);
    const length = sqrt(right * right + down * down);
    const relative = length === 0 ? 0 : 1 / (length * (this.#around(place) + NOISE_SLOPE));
    this.along[place] = (right * right - down * down) * relative;
    this.across[place] = 2 * right * down * relative;
    this.#known[place] = FOUND;
    return true;
  }

  /** Mean length of the slopes around a place. */
  #around(place: number): number {
    const x = place % GREY_WIDTH_PX;
    const y = floor(place / GREY_WIDTH_PX);
    const left = max(0, x - SURROUNDINGS_PX);
    const right = min(GREY_WIDTH_PX, x + SURROUNDINGS_PX + 1);
    const top = max(0, y - SURROUNDINGS_PX);
    const bottom = min(GREY_HEIGHT_PX, y + SURROUNDINGS_PX + 1);
    const sum = (column: number, row: number): number => this.#sums[row * (GREY_WIDTH_PX + 1) + column]!;
    return (
      (sum(right, bottom) - sum(left, bottom) - sum(right, top) + sum(left, top)) / ((right - left) * (bottom - top))
    );
  }
}

/** Base64 of a byte a place: two figures of four bits, each 1 to 15 for -7 to 7, or both 0 where it is hidden. */
export function outlinesOf(signals: Signals): string {
  const slopes = new Slopes(signals);
  const steps = (value: number): number => max(-MOST_STEPS, min(MOST_STEPS, round(value / STEP))) + MOST_STEPS + 1;
  return Buffer.from(
    Array.from(PLACES, (place) => {
      return slopes.isSeen(place) ? steps(slopes.along[place]!) * 16 + steps(slopes.across[place]!) : 0;
    }),
  ).toString('base64');
}

/**
 * How like the outlines of a picture are to kept ones, -1 to 1: their correlation where it is best, at shifts of up to a twentieth of
 * the picture. Null where there is nothing to compare: kept ones of another form, no outlines, or masks over nearly all.
 */
export function likeness(kept: string, signals: Signals): number | null {
  const bytes = Buffer.from(kept, 'base64');
  if (bytes.length !== PLACES.length) return null;
  const slopes = new Slopes(signals);
  let best = correlation(bytes, slopes, 0);
  for (let y = -SHIFT_Y_PX; y <= SHIFT_Y_PX; y += SHIFT_STEP_PX) {
    for (let x = -SHIFT_X_PX; x <= SHIFT_X_PX && (best === null || best < ALIKE); x += SHIFT_STEP_PX) {
      const found = correlation(bytes, slopes, y * GREY_WIDTH_PX + x);
      if (found !== null && (best === null || found > best)) best = found;
    }
  }
  return best;
}

/** @param shift places by which the picture is taken to have moved, as a difference of pixel indexes */
function correlation(kept: Buffer, slopes: Slopes, shift: number): number | null {
  const { along, across } = slopes;
  let places = 0;
  let both = 0;
  let one = 0;
  let other = 0;
  let i = 0;
  for (const row of ROWS) {
    let count = 0;
    let keptAlong = 0;
    let keptAcross = 0;
    let seenAlong = 0;
    let seenAcross = 0;
    for (const place of row) {
      const byte = kept[i]!;
      i += 1;
      const at = place + shift;
      if (byte === 0 || !slopes.isSeen(at)) continue;
      const wasAlong = (byte >> 4) - MOST_STEPS - 1;
      const wasAcross = (byte & 15) - MOST_STEPS - 1;
      const isAlong = along[at]!;
      const isAcross = across[at]!;
      count += 1;
      keptAlong += wasAlong;
      keptAcross += wasAcross;
      seenAlong += isAlong;
      seenAcross += isAcross;
      both += wasAlong * isAlong + wasAcross * isAcross;
      one += wasAlong * wasAlong + wasAcross * wasAcross;
      other += isAlong * isAlong + isAcross * isAcross;
    }
    if (count === 0) continue;
    // The row's mean is taken off, of either by itself.
    const share = LEVELLED_PRODUCT / count;
    places += count;
    both -= share * (keptAlong * seenAlong + keptAcross * seenAcross);
    one -= share * (keptAlong * keptAlong + keptAcross * keptAcross);
    other -= share * (seenAlong * seenAlong + seenAcross * seenAcross);
  }
  return places < FEWEST_PLACES || one <= 0 || other <= 0 ? null : both / sqrt(one * other);
}
