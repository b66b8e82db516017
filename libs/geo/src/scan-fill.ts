import type { PlaneRing } from './plane.js';

/** Where edges cross the middles of rows, so many a row at first. Nothing survives a call. */
let perRow = 8;
let crossings = new Float64Array(0);
let counted = new Uint16Array(0);

/** Calls `paint` with each run of cells whose centres lie within rings given in cells (even-odd). */
export function fill(
  { columns, rows }: { readonly columns: number; readonly rows: number },
  rings: readonly PlaneRing[],
  paint: (firstCell: number, endCell: number) => void,
): void {
  while (!findCrossings(rings, rows)) perRow *= 2;
  for (let row = 0; row < rows; row++) {
    const count = counted[row]!;
    const at = row * perRow;
    for (let i = 0; i + 1 < count; i += 2) {
      const from = Math.max(0, Math.ceil(crossings[at + i]! - 0.5));
      const to = Math.min(columns, Math.ceil(crossings[at + i + 1]! - 0.5));
      if (from < to) paint(row * columns + from, row * columns + to);
    }
  }
}

/** False where a row has more crossings than there is room for. */
function findCrossings(rings: readonly PlaneRing[], rows: number): boolean {
  if (crossings.length < rows * perRow) crossings = new Float64Array(rows * perRow);
  if (counted.length < rows) counted = new Uint16Array(rows);
  counted.fill(0, 0, rows);
  for (const ring of rings) {
    for (let i = 0, j = ring.length - 2; i < ring.length; j = i, i += 2) {
      const low = Math.min(ring[j + 1]!, ring[i + 1]!);
      const high = Math.max(ring[j + 1]!, ring[i + 1]!);
      const slope = (ring[i]! - ring[j]!) / (ring[i + 1]! - ring[j + 1]!);
      // Half-open, so that a corner on a row's middle counts once.
      const end = Math.min(rows, Math.ceil(high - 0.5));
      for (let row = Math.max(0, Math.ceil(low - 0.5)); row < end; row++) {
        if (!addCrossing(row, ring[j]! + (row + 0.5 - ring[j + 1]!) * slope)) return false;
      }
    }
  }
  return true;
}

function addCrossing(row: number, c: number): boolean {
  const count = counted[row]!;
  if (count === perRow) return false;
  const at = row * perRow;
  let i = at + count;
  for (; i > at && crossings[i - 1]! > c; i--) crossings[i] = crossings[i - 1]!;
  crossings[i] = c;
  counted[row] = count + 1;
  return true;
}
