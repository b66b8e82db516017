import type { Bbox, BuildingProblem, LonLat } from '#catalog';
import type { ReadBuilding } from '#intake';
import type { BuildingCounts, BuildingSum } from '#storage';

/** Problems that are kept in full; of the others, how many there are of each code. */
const MAX_PROBLEMS = 20;

/** West, south, east, north of what was seen of one half of the globe. */
type Box = [west: number, south: number, east: number, north: number];

const emptyBox = (): Box => [Infinity, Infinity, -Infinity, -Infinity];

/** What an import has seen so far, in numbers. */
export class BuildingTally {
  private features = 0;
  private buildings = 0;
  private readonly byCode: Record<string, number> = {};
  private leftOut = 0;
  private problems: BuildingProblem[] = [];
  private lowestM = Infinity;
  private highestM = -Infinity;
  /** Each half by itself, since only all of them together tell whether they meet at 0° or at 180°. */
  private readonly west = emptyBox();
  private readonly east = emptyBox();

  /** Notes a feature that is left out; two of its polygons may be so, one after the other. */
  leaveOut(problem: BuildingProblem): void {
    this.features = Math.max(this.features, problem.feature);
    this.leftOut += 1;
    this.byCode[problem.code] = (this.byCode[problem.code] ?? 0) + 1;
    // Some are found only when their batch is written.
    if (this.problems.length === MAX_PROBLEMS && problem.feature > (this.problems.at(-1)?.feature ?? 0)) return;
    this.problems = [...this.problems, problem].sort((a, b) => a.feature - b.feature).slice(0, MAX_PROBLEMS);
  }

  keep({ feature, rings, topM }: ReadBuilding): void {
    this.features = Math.max(this.features, feature);
    this.buildings += 1;
    this.lowestM = Math.min(this.lowestM, topM);
    this.highestM = Math.max(this.highestM, topM);
    for (const position of rings[0] ?? []) extend(position[0] < 0 ? this.west : this.east, position);
  }

  counts(): BuildingCounts {
    const { features, buildings, leftOut, byCode, problems } = this;
    return { features, buildings, leftOut, byCode, problems };
  }

  /** All of it; null where no building was kept. */
  sum(): BuildingSum | null {
    if (this.buildings === 0) return null;
    return { ...this.counts(), lowestM: this.lowestM, highestM: this.highestM, bbox: boxOf(this.west, this.east) };
  }
}

function extend(box: Box, [lon, lat]: LonLat): void {
  if (lon < box[0]) box[0] = lon;
  if (lat < box[1]) box[1] = lat;
  if (lon > box[2]) box[2] = lon;
  if (lat > box[3]) box[3] = lat;
}

/** Both halves in one box: across the antimeridian where that is the shorter way. */
function boxOf(west: Box, east: Box): Bbox {
  if (west[0] > west[2]) return east;
  if (east[0] > east[2]) return west;
  const [south, north] = [Math.min(west[1], east[1]), Math.max(west[3], east[3])];
  const overZero = east[2] - west[0];
  const overAntimeridian = west[2] + 360 - east[0];
  return overZero <= overAntimeridian ? [west[0], south, east[2], north] : [east[0], south, west[2], north];
}
