import { type River, RIVERS } from './layout.js';
import { distance, distanceToLine } from './line.js';
import type { EastNorth } from './projection.js';

// Looked up once: within Jest's contexts a global costs ten times as much.
const { max, min, sqrt } = Math;

const ORIGIN: EastNorth = [0, 0];

/** Farther than anything. */
const FAR = 1e12;

/** A straight part of a river. */
interface Reach {
  readonly from: EastNorth;
  readonly direction: EastNorth;
  readonly lengthM: number;
  /** Metres of river above it. */
  readonly aboveM: number;
  readonly river: River;
}

/** The rivers around a place, asked a hundred thousand times a scene; the answer lies in its members. */
export class Beds {
  /** Of the last place found: distance from the middle, 0 to 1 at the crest; share of the bed that low water fills. */
  share = 0;
  low = 0;
  /** Metres down the river, and across it, right is positive. */
  alongM = 0;
  acrossM = 0;
  private readonly reaches: readonly Reach[];

  constructor(around: EastNorth = ORIGIN, radiusM = FAR) {
    this.reaches = RIVERS.flatMap(reachesOf).filter(
      ({ from, direction: [e, n], lengthM }) =>
        distanceToLine(around, [from, [from[0] + e * lengthM, from[1] + n * lengthM]]) < radiusM,
    );
  }

  /** Whether a place lies in the bed of a river. */
  find(eastM: number, northM: number): boolean {
    let least = FAR;
    for (const { from, direction, lengthM, aboveM, river } of this.reaches) {
      const [e, n] = [eastM - from[0], northM - from[1]];
      const along = max(0, min(lengthM, e * direction[0] + n * direction[1]));
      const [de, dn] = [e - along * direction[0], n - along * direction[1]];
      const square = de * de + dn * dn;
      if (square >= least || square > river.bedM * river.bedM) continue;
      least = square;
      this.share = sqrt(square) / river.bedM;
      this.low = river.lowM / river.bedM;
      this.alongM = aboveM + along;
      this.acrossM = e * direction[1] - n * direction[0];
    }
    return least < FAR;
  }
}

function reachesOf(river: River): readonly Reach[] {
  let aboveM = 0;
  return river.line.slice(1).map((to, i) => {
    const from = river.line[i] ?? ORIGIN;
    const lengthM = distance(from, to);
    const direction: EastNorth = [(to[0] - from[0]) / lengthM, (to[1] - from[1]) / lengthM];
    const reach = { from, direction, lengthM, aboveM, river };
    aboveM += lengthM;
    return reach;
  });
}
