import type { PrivacyMaskDocument } from '#catalog';

/**
 * Hidden around each mask, pixels: the decoder has already spread colour over two neighbouring pixels (4:2:0), so what is
 * masked would shine through at the rim.
 */
const RIM_PX = 2;

/**
 * The pixels that masks cover, as [start, end) pairs of row-by-row pixel indexes, sorted and apart from each other.
 * Every pixel that a mask so much as touches is in, with a rim of two; a mask that crosses itself hides whatever its
 * outline winds around.
 * @throws Error where a mask is not three or more corners within 0..1: whoever cannot paint it must not keep the picture
 */
export function maskSpans(
  masks: readonly PrivacyMaskDocument[],
  { widthPx, heightPx }: { widthPx: number; heightPx: number },
): Uint32Array {
  const rows = Array.from({ length: heightPx }, (): [from: number, to: number][] => []);
  for (const mask of masks) {
    const corners = cornersOf(mask).map(([x, y]): Corner => [x * widthPx, y * heightPx]);
    const edges = corners.map((corner, index): Edge => [corner, corners[(index + 1) % corners.length]!]);
    coverOutline(edges, rows);
    coverInside(edges, rows);
  }
  const spans: number[] = [];
  rows.forEach((row, y) => {
    for (const [from, to] of row.sort(([a], [b]) => a - b)) {
      const start = y * widthPx + Math.min(widthPx, Math.max(0, from));
      const end = y * widthPx + Math.max(0, Math.min(widthPx, to));
      if (start >= end) continue;
      // Full rows join into one span too.
      if (spans.length > 0 && spans.at(-1)! >= start) spans[spans.length - 1] = Math.max(spans.at(-1)!, end);
      else spans.push(start, end);
    }
  });
  return Uint32Array.from(spans);
}

type Corner = readonly [x: number, y: number];
type Edge = readonly [Corner, Corner];
type Rows = [from: number, to: number][][];

function cornersOf({ points }: PrivacyMaskDocument): readonly Corner[] {
  const isFraction = (value: unknown): boolean => typeof value === 'number' && value >= 0 && value <= 1;
  const isCorner = (corner: unknown): boolean =>
    Array.isArray(corner) && corner.length === 2 && corner.every(isFraction);
  if (!Array.isArray(points) || points.length < 3 || !points.every(isCorner)) {
    throw new Error('a privacy mask needs three or more corners [x, y] within 0 and 1');
  }
  return points;
}

/** Every pixel within the rim of an edge: its extent in each row's strip, widened. */
function coverOutline(edges: readonly Edge[], rows: Rows): void {
  for (const edge of edges) {
    const [[, y0], [, y1]] = edge;
    const first = Math.max(0, Math.floor(Math.min(y0, y1)) - RIM_PX);
    const last = Math.min(rows.length - 1, Math.floor(Math.max(y0, y1)) + RIM_PX);
    for (let y = first; y <= last; y += 1) {
      // A level edge lies in the strip with its whole length.
      const ends = y0 === y1 ? edge.map(([x]) => x) : [xAt(edge, y - RIM_PX), xAt(edge, y + 1 + RIM_PX)];
      rows[y]!.push([Math.floor(Math.min(...ends)) - RIM_PX, Math.floor(Math.max(...ends)) + 1 + RIM_PX]);
    }
  }
}

/** Where an edge is at a height, held within its ends. */
function xAt([[x0, y0], [x1, y1]]: Edge, y: number): number {
  const along = Math.min(1, Math.max(0, (y - y0) / (y1 - y0)));
  return x0 + along * (x1 - x0);
}

/** Pixels whose middle line lies inside by the nonzero rule; those on the rim are the outline's. */
function coverInside(edges: readonly Edge[], rows: Rows): void {
  const crossings = new Map<number, [x: number, turn: number][]>();
  for (const edge of edges) {
    const [[, y0], [, y1]] = edge;
    const top = Math.min(y0, y1);
    const bottom = Math.max(y0, y1);
    for (let y = Math.max(0, Math.ceil(top - 0.5)); y < rows.length && y + 0.5 < bottom; y += 1) {
      const found = crossings.get(y) ?? [];
      found.push([xAt(edge, y + 0.5), y0 < y1 ? 1 : -1]);
      crossings.set(y, found);
    }
  }
  for (const [y, found] of crossings) {
    let winding = 0;
    let from = 0;
    for (const [x, turn] of found.sort(([a], [b]) => a - b)) {
      if (winding === 0) from = x;
      winding += turn;
      if (winding === 0) rows[y]!.push([Math.floor(from), Math.ceil(x)]);
    }
  }
}
