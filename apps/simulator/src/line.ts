import type { EastNorth } from './projection.js';

// Looked up once: within Jest's contexts a global costs ten times as much.
const { hypot, max, min } = Math;

const ORIGIN: EastNorth = [0, 0];

/** Places along a line at growing distances, each with the direction to its right. */
export function along(
  line: readonly EastNorth[],
  step: () => number,
): { readonly at: EastNorth; readonly right: EastNorth }[] {
  const places: { at: EastNorth; right: EastNorth }[] = [];
  const end = lengthOf(line);
  for (let s = step() / 2; s < end; s += step()) places.push(pointAlong(line, s));
  return places;
}

/** Metres of a line. */
export const lengthOf = (line: readonly EastNorth[]): number =>
  line.reduce((sum, to, i) => sum + distance(line[i - 1] ?? to, to), 0);

/** The place `s` metres along a line, with the unit vector to its right. */
export function pointAlong(
  line: readonly EastNorth[],
  s: number,
): { readonly at: EastNorth; readonly right: EastNorth } {
  let left = s;
  for (let i = 1; i < line.length; i++) {
    const [from, to] = [line[i - 1] ?? ORIGIN, line[i] ?? ORIGIN];
    const length = distance(from, to);
    if (left <= length || i === line.length - 1) {
      const t = length === 0 ? 0 : left / length;
      const [e, n] = [to[0] - from[0], to[1] - from[1]];
      return { at: [from[0] + e * t, from[1] + n * t], right: [n / length, -e / length] };
    }
    left -= length;
  }
  throw new Error('bug: a line has at least two points');
}

/** Metres between two places. */
export const distance = (a: EastNorth, b: EastNorth): number => hypot(a[0] - b[0], a[1] - b[1]);

/** Distance of a place from the nearest point of a line, metres. */
export function distanceToLine([e, n]: EastNorth, line: readonly EastNorth[]): number {
  let least = hypot(e, n) + 1e9;
  for (let i = 1; i < line.length; i++) {
    const [from, to] = [line[i - 1] ?? ORIGIN, line[i] ?? ORIGIN];
    const [de, dn] = [to[0] - from[0], to[1] - from[1]];
    const t = max(0, min(1, ((e - from[0]) * de + (n - from[1]) * dn) / (de * de + dn * dn)));
    least = min(least, hypot(e - from[0] - t * de, n - from[1] - t * dn));
  }
  return least;
}
