import type { PlanePolygon } from './plane.js';

/*
 * Cells to polygons: walks along the edges between marked and unmarked cells with the marked ones on the left, so that outer
 * rings come out counter-clockwise and holes clockwise. Cells that touch at a corner only stay apart.
 */

/** Marked cells, row by row from the south west. */
export interface Cells {
  readonly columns: number;
  readonly rows: number;
  isMarked(cell: number): boolean;
}

/** Directions, counter-clockwise: east, north, west, south. */
const EAST = 0;
const NORTH = 1;
const SOUTH = 3;
const STEP_C = [1, 0, -1, 0] as const;
const STEP_R = [0, 1, 0, -1] as const;
/** The cell ahead to the left of a corner, by direction; the one ahead to the right is that of the direction before. */
const LEFT_C = [0, -1, -1, 0] as const;
const LEFT_R = [0, 0, -1, -1] as const;

interface Traced {
  readonly ring: number[];
  readonly isHole: boolean;
  /** A marked cell that borders on the hole from the west, at its westernmost edge. */
  readonly westOf: { readonly column: number; readonly row: number };
}

/** Polygons of marked cells, in cells east and north of the south-west corner. */
export function cellPolygons(cells: Cells): PlanePolygon[] {
  const { columns, rows } = cells;
  const marked = (c: number, r: number): boolean =>
    c >= 0 && r >= 0 && c < columns && r < rows && cells.isMarked(r * columns + c);
  const walked = new Uint8Array(columns * rows);
  const ringAtWest = new Int32Array(columns * rows);
  const traced: Traced[] = [];
  for (let r = 0; r < rows; r++) {
    for (let c = 0; c < columns; c++) {
      if (walked[r * columns + c] === 1 || !marked(c, r) || marked(c, r - 1)) continue;
      traced.push(trace(marked, c, r, columns, walked, ringAtWest, traced.length));
    }
  }
  /** The outer ring round a ring: that of the run of cells to the west of a hole. */
  const outerOf = (id: number): number => {
    for (let at = id; ;) {
      const { isHole, westOf } = traced[at]!;
      if (!isHole) return at;
      let c = westOf.column;
      while (marked(c - 1, westOf.row)) c--;
      at = ringAtWest[westOf.row * columns + c]!;
    }
  };
  const polygons = new Map<number, number[][]>();
  traced.forEach(({ ring, isHole }, id) => {
    if (!isHole) polygons.set(id, [ring]);
  });
  traced.forEach(({ ring, isHole }, id) => {
    if (isHole) polygons.get(outerOf(id))?.push(ring);
  });
  return [...polygons.values()];
}

function trace(
  marked: (c: number, r: number) => boolean,
  startC: number,
  startR: number,
  columns: number,
  walked: Uint8Array,
  ringAtWest: Int32Array,
  id: number,
): Traced {
  const ring: number[] = [];
  let c = startC;
  let r = startR;
  let direction: number = EAST;
  let came = -1;
  let twice = 0;
  let westOf = { column: Infinity, row: 0 };
  do {
    if (direction !== came) ring.push(c, r);
    if (direction === EAST) walked[r * columns + c] = 1;
    else if (direction === SOUTH) ringAtWest[(r - 1) * columns + c] = id;
    else if (direction === NORTH && c - 1 < westOf.column) westOf = { column: c - 1, row: r };
    const nextC = c + STEP_C[direction]!;
    const nextR = r + STEP_R[direction]!;
    twice += c * nextR - nextC * r;
    c = nextC;
    r = nextR;
    came = direction;
    const right = (direction + 3) % 4;
    if (!marked(c + LEFT_C[direction]!, r + LEFT_R[direction]!)) direction = (direction + 1) % 4;
    else if (marked(c + LEFT_C[right]!, r + LEFT_R[right]!)) direction = right;
  } while (c !== startC || r !== startR || direction !== EAST);
  return { ring, isHole: twice < 0, westOf };
}
