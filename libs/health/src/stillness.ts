import type { CellSums } from '#catalog';
import { THRESHOLDS } from './thresholds.js';

/** Pictures in a row that show the same but for a few cells, such as those of a burnt-in clock. JSON. */
export interface Stillness {
  /** When the first of them came, milliseconds since 1970. */
  readonly since: number;
  readonly samples: number;
  /** Cells in which any of them differs from the first. */
  readonly changing: readonly number[];
  /** By how much the last differs from the first in the other cells, mean grey levels a pixel; null where a sensor's noise would not show. */
  readonly difference: number | null;
  /** Sums of the first, packed. */
  readonly first: string;
}

const PIXELS = 100;
/** Mean of the absolute values of normal noise, of its standard deviation. */
const MEAN_OF_DEVIATION = Math.sqrt(2 / Math.PI);
/** A cell changes where it differs four times as much as a still picture may: by chance, noise never does. */
const CHANGING = 4 * THRESHOLDS.frozen.difference;
/** With fewer cells that can show noise nothing is said of them. */
const FEWEST_CELLS = 24;
const HIDDEN = 0xffff;

/** The run with one picture more; a new one where that shows something else. */
export function stillnessWith(run: Stillness | null, cells: CellSums, now: number): Stillness {
  const begun: Stillness = { since: now, samples: 1, changing: [], difference: null, first: packed(cells) };
  const differences = run === null ? null : differencesOf(run.first, cells);
  if (run === null || differences === null) return begun;
  const changing = new Set(run.changing);
  differences.forEach((difference, cell) => {
    if (difference !== null && difference > CHANGING) changing.add(cell);
  });
  if (changing.size > THRESHOLDS.frozen.changingCells) return begun;
  const usable = differences.filter((_, cell) => !changing.has(cell) && cells.isClipped[cell] === false);
  const measured = usable.filter((difference) => difference !== null);
  const squares = measured.reduce((sum, difference) => sum + difference * difference, 0);
  const difference = measured.length < FEWEST_CELLS ? null : Math.sqrt(squares / measured.length);
  if (difference !== null && difference >= THRESHOLDS.frozen.difference) return begun;
  return { ...run, samples: run.samples + 1, changing: [...changing], difference };
}

/** The run with the very same picture once more. */
export const stillAgain = (run: Stillness): Stillness => ({ ...run, samples: run.samples + 1 });

/**
 * By how much each cell differs, as mean grey levels a pixel: what noise of that strength would change its sums by. Null for hidden
 * cells; null altogether where there is nothing to compare.
 */
function differencesOf(first: string, { plain, signed }: CellSums): (number | null)[] | null {
  const kept = Buffer.from(first, 'base64');
  if (kept.length !== plain.length * 4) return null;
  return plain.map((sum, cell) => {
    const before = kept.readUInt16LE(cell * 4);
    if (sum < 0 || before === HIDDEN) return null;
    const change = Math.max(Math.abs(sum - before), Math.abs((signed[cell] ?? 0) - kept.readInt16LE(cell * 4 + 2)));
    return (MEAN_OF_DEVIATION * change) / Math.sqrt(PIXELS);
  });
}

/** Four bytes a cell, base64. */
function packed({ plain, signed }: CellSums): string {
  const bytes = Buffer.alloc(plain.length * 4);
  plain.forEach((sum, cell) => {
    bytes.writeUInt16LE(sum < 0 ? HIDDEN : sum, cell * 4);
    bytes.writeInt16LE(signed[cell] ?? 0, cell * 4 + 2);
  });
  return bytes.toString('base64');
}
