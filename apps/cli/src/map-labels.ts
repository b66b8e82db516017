/** A rectangle of the drawing, pixels; y grows downwards. */
export interface Box {
  readonly left: number;
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
}

/** Something at a place that is to get its name beside it. */
export interface Named {
  readonly x: number;
  readonly y: number;
  readonly name: string;
  /** Where the camera there looks, degrees clockwise from the top of the drawing: its name had better stand elsewhere. */
  readonly azimuthDeg: number | null;
}

/** Where a name stands. */
export interface Label {
  readonly box: Box;
  /** Which end of the name, or its middle, stands at that of the box, which has room for the widest face. */
  readonly anchor: 'start' | 'middle' | 'end';
  /** From the place to the name, where it stands so far off that the eye wants a line. */
  readonly leader: readonly [x1: number, y1: number, x2: number, y2: number] | null;
}

/** Height of letters, pixels, and of the line that they stand in. */
export const LABEL_PX = 12;
const LINE_PX = 14;
/** Kept free around a place for its mark, pixels. */
const MARK_PX = 9;
/** How far from its place a name may stand, pixels; beyond the first two a leader shows the way. */
const DISTANCES_PX = [11, 15, 24, 34, 46, 60, 76, 94, 114, 136, 160] as const;
const LEADER_FROM_PX = 20;
const DIRECTIONS = 16;
/** What a crossing of two leaders, or of a leader and a name, is worth avoiding, in pixels of distance. */
const CROSSING_PX = 150;
/** What standing in the view of one's own camera is worth avoiding. */
const IN_VIEW_PX = 16;

/**
 * Finds for each name a place where it lies on no other name and no mark, as near as may be; null where there is none. Those with most
 * neighbours choose first.
 * @param costAt what standing there is worth avoiding, in pixels of distance
 */
export function placeLabels(
  named: readonly Named[],
  within: Box,
  costAt: (box: Box) => number = () => 0,
): readonly (Label | null)[] {
  const marks = named.map(({ x, y }) => grown({ left: x, top: y, right: x, bottom: y }, MARK_PX));
  const labels: (Label | null)[] = named.map(() => null);
  const order = named.map((one, i) => ({ i, crowd: crowdAround(one, named) })).sort((a, b) => b.crowd - a.crowd);
  const placed: Label[] = [];
  for (const { i } of order) {
    const best = bestOf(candidatesFor(named[i] as Named), { marks, placed, within, costAt });
    if (best === null) continue;
    labels[i] = best;
    placed.push(best);
  }
  return labels;
}

interface Candidate extends Label {
  readonly cost: number;
}

interface Surroundings {
  readonly marks: readonly Box[];
  readonly placed: readonly Label[];
  readonly within: Box;
  readonly costAt: (box: Box) => number;
}

function bestOf(candidates: readonly Candidate[], { marks, placed, within, costAt }: Surroundings): Label | null {
  let best: Candidate | null = null;
  for (const candidate of candidates) {
    const { box } = candidate;
    if (best !== null && candidate.cost >= best.cost) continue;
    if (!isInside(box, within) || marks.some((mark) => overlap(box, mark))) continue;
    if (placed.some((label) => overlap(box, label.box))) continue;
    const crossings = placed.filter((label) => cross(candidate, label)).length;
    const cost = candidate.cost + CROSSING_PX * crossings + costAt(box);
    if (best === null || cost < best.cost) best = { ...candidate, cost };
  }
  return best;
}

/** Places around a mark; to the right is read most easily, then to the left. */
function candidatesFor({ x, y, name, azimuthDeg }: Named): readonly Candidate[] {
  const width = widthOf(name);
  const looks = azimuthDeg === null ? null : (azimuthDeg * Math.PI) / 180;
  return DISTANCES_PX.flatMap((distance) =>
    Array.from({ length: DIRECTIONS }, (_, k): Candidate => {
      const angle = (2 * Math.PI * k) / DIRECTIONS;
      const [dx, dy] = [Math.cos(angle), Math.sin(angle)];
      const [nearX, nearY] = [x + distance * dx, y + distance * dy];
      // The side that faces the mark touches the circle: right of it the name begins there, left of it it ends there.
      const left = nearX - (width * (1 - dx)) / 2;
      const top = nearY - (LINE_PX * (1 - dy)) / 2;
      const box = { left, top, right: left + width, bottom: top + LINE_PX };
      const leader = distance < LEADER_FROM_PX ? null : leaderTo(x, y, box);
      const anchor = dx > 0.3 ? 'start' : dx < -0.3 ? 'end' : 'middle';
      const inView = looks === null ? 0 : Math.max(0, dx * Math.sin(looks) - dy * Math.cos(looks));
      return { box, anchor, leader, cost: distance + 3 * (1 - dx) + 4 * Math.abs(dy) + IN_VIEW_PX * inView };
    }),
  );
}

function leaderTo(x: number, y: number, box: Box): Label['leader'] {
  const toX = Math.max(box.left, Math.min(box.right, x));
  const toY = Math.max(box.top + 2, Math.min(box.bottom - 2, y));
  const length = Math.hypot(toX - x, toY - y);
  const start = MARK_PX / 2 / length;
  return [x + (toX - x) * start, y + (toY - y) * start, toX, toY];
}

/** Widths of letters in Arial and its like, in their height; others count as the widest of their kind. */
const NARROW = /[iIjl.,:;'|!()[\] ft\-/]/;
const WIDE = /[mwMW@%—]/;
const CAPITAL = /[A-ZÀ-Þ&]/;
const LATIN = /[\u0020-\u024f\u2010-\u2027]/;

/** Pixels that a name takes at most in a usual sans-serif face. */
export function widthOf(name: string): number {
  let em = 0;
  for (const letter of name) {
    if (!LATIN.test(letter)) em += 1.02;
    else if (NARROW.test(letter)) em += 0.36;
    else if (WIDE.test(letter)) em += 0.94;
    else em += CAPITAL.test(letter) ? 0.74 : 0.59;
  }
  return em * LABEL_PX + 4;
}

const crowdAround = ({ x, y }: Named, named: readonly Named[]): number =>
  named.filter((other) => Math.hypot(other.x - x, other.y - y) < 120).length;

const grown = ({ left, top, right, bottom }: Box, by: number): Box => ({
  left: left - by,
  top: top - by,
  right: right + by,
  bottom: bottom + by,
});

export const overlap = (a: Box, b: Box): boolean =>
  a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom;

const isInside = (box: Box, within: Box): boolean =>
  box.left >= within.left && box.right <= within.right && box.top >= within.top && box.bottom <= within.bottom;

/** Whether one's leader runs through the other's leader or name. */
function cross(a: Label, b: Label): boolean {
  if (a.leader !== null && b.leader !== null && meet(a.leader, b.leader)) return true;
  return (a.leader !== null && runsThrough(a.leader, b.box)) || (b.leader !== null && runsThrough(b.leader, a.box));
}

type Line = NonNullable<Label['leader']>;

function runsThrough(line: Line, { left, top, right, bottom }: Box): boolean {
  return meet(line, [left, top, right, bottom]) || meet(line, [left, bottom, right, top]);
}

function meet([ax, ay, bx, by]: Line, [cx, cy, dx, dy]: Line): boolean {
  const side = (x1: number, y1: number, x2: number, y2: number, x: number, y: number): number =>
    (x2 - x1) * (y - y1) - (y2 - y1) * (x - x1);
  return (
    side(ax, ay, bx, by, cx, cy) * side(ax, ay, bx, by, dx, dy) < 0 &&
    side(cx, cy, dx, dy, ax, ay) * side(cx, cy, dx, dy, bx, by) < 0
  );
}
