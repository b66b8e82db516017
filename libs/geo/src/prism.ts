import { CURVATURE } from './line-of-sight.js';
import { EARTH_RADIUS_M, type Enu } from './local-frame.js';
import type { PlaneRing } from './plane.js';

/**
 * A building as a prism: rings in metres of a local frame (holes are further rings), base and top as heights there. A bridge
 * deck has a base over the ground.
 */
export interface Prism {
  readonly rings: readonly PlaneRing[];
  readonly baseM: number;
  readonly topM: number;
}

/** Parts of the segment at which it crosses rings; grows with the busiest prism. Nothing survives a call. */
let crossings = new Float64Array(64);
let found = 0;

/**
 * Whether a building stands in the line from one point to another, both in the prism's frame with true heights `u`. On each
 * stretch within the walls (even-odd) the line is blocked if its lowest end lies under the top and its highest over the base;
 * equal height is visible. A camera on a facade, with its coordinate inside its own house below the roof, does not see that
 * house's first wall. The line sags by cc·L²·t(1-t)/2R against the chord, as light does.
 */
export function isBlockedBy(
  { rings, baseM, topM }: Prism,
  from: Readonly<Enu>,
  to: Readonly<Enu>,
  curvature = CURVATURE,
): boolean {
  const dN = to.n - from.n;
  // Straight down there is no direction, but still an inside.
  const dE = to.e === from.e && dN === 0 ? 1e-9 : to.e - from.e;
  const inside = findCrossings(rings, from.e, from.n, dE, dN);
  if (found === 0 && !inside) return false;
  const sag = (curvature * (dE * dE + dN * dN)) / (2 * EARTH_RADIUS_M);
  const rise = to.u - from.u;
  const hosted = inside && baseM < from.u && from.u < topM;
  let entry = inside ? 0 : NaN;
  for (let i = 0; i <= found; i++) {
    const t = i < found ? crossings[i]! : 1;
    if (Number.isNaN(entry)) {
      entry = t;
      continue;
    }
    const ownWall = hosted && entry === 0;
    if (!ownWall) {
      const first = from.u + entry * rise - entry * (1 - entry) * sag;
      const last = from.u + t * rise - t * (1 - t) * sag;
      if (Math.min(first, last) < topM && Math.max(first, last) > baseM) return true;
    }
    entry = NaN;
  }
  return false;
}

/**
 * Finds and sorts the parts t in (0, 1) at which the segment crosses the rings. Whether it starts inside, which is whether its
 * ray crosses them oddly: by the same arithmetic, so that a camera on the wall itself is on one side for both.
 */
function findCrossings(rings: readonly PlaneRing[], e: number, n: number, dE: number, dN: number): boolean {
  let inside = false;
  found = 0;
  for (const ring of rings) {
    let lastE = ring[ring.length - 2]! - e;
    let lastN = ring[ring.length - 1]! - n;
    let last = dE * lastN - dN * lastE;
    for (let i = 0; i < ring.length; i += 2) {
      const e1 = ring[i]! - e;
      const n1 = ring[i + 1]! - n;
      const side = dE * n1 - dN * e1;
      // A corner on the line counts as left of it: it is crossed once or twice, never by half.
      if (side >= 0 !== last >= 0) {
        const t = (lastE * n1 - lastN * e1) / (side - last);
        if (t > 0) inside = !inside;
        if (t > 0 && t < 1) insert(t);
      }
      lastE = e1;
      lastN = n1;
      last = side;
    }
  }
  return inside;
}

function insert(t: number): void {
  if (found === crossings.length) {
    const more = new Float64Array(2 * found);
    more.set(crossings);
    crossings = more;
  }
  let i = found++;
  for (; i > 0 && crossings[i - 1]! > t; i--) crossings[i] = crossings[i - 1]!;
  crossings[i] = t;
}
