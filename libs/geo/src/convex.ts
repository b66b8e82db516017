import { RAD } from './angle.js';
import type { PlaneRing } from './plane.js';

/** Convex polygons on the ground plane, metres, counter-clockwise; circles about the origin. */
export type Point = readonly [e: number, n: number];

/** Longest arc, radians, that one bulging corner covers: 3.5 % outside the circle. */
export const BULGE = 30 * RAD;

/** The convex polygon where a·e + b·n ≥ c. */
export function cutBy(polygon: readonly Point[], a: number, b: number, c: number): Point[] {
  const out: Point[] = [];
  polygon.forEach(([e, n], i) => {
    const [lastE, lastN] = polygon[(i + polygon.length - 1) % polygon.length]!;
    const last = a * lastE + b * lastN - c;
    const side = a * e + b * n - c;
    if (side >= 0 !== last >= 0) {
      const t = last / (last - side);
      out.push([lastE + t * (e - lastE), lastN + t * (n - lastN)]);
    }
    if (side >= 0) out.push([e, n]);
  });
  return out;
}

/** Points on the circle between two angles, counter-clockwise, no further apart than a bulge. */
export function addArc(points: Point[], from: number, to: number, radius: number): void {
  const span = to < from ? to - from + 2 * Math.PI : to - from;
  const parts = Math.ceil(span / BULGE);
  for (let i = 1; i < parts; i++) {
    const angle = from + (span * i) / parts;
    points.push([radius * Math.cos(angle), radius * Math.sin(angle)]);
  }
}

/** A polygon round a circle. */
export function disc(radius: number): PlaneRing {
  const corners = 16;
  const outside = radius / Math.cos(Math.PI / corners);
  const ring: number[] = [];
  for (let i = 0; i < corners; i++) {
    const angle = (i / corners) * 2 * Math.PI;
    ring.push(outside * Math.cos(angle), outside * Math.sin(angle));
  }
  return ring;
}

/** Convex hull, counter-clockwise (Andrew's monotone chain). */
export function hull(points: Point[]): Point[] {
  points.sort((a, b) => a[0] - b[0] || a[1] - b[1]);
  const half = (ordered: readonly Point[]): Point[] => {
    const out: Point[] = [];
    for (const point of ordered) {
      while (out.length > 1 && !turnsLeft(out[out.length - 2]!, out[out.length - 1]!, point)) out.pop();
      out.push(point);
    }
    out.pop();
    return out;
  };
  const lower = half(points);
  return [...lower, ...half(points.reverse())];
}

function turnsLeft([e1, n1]: Point, [e2, n2]: Point, [e3, n3]: Point): boolean {
  return (e2 - e1) * (n3 - n1) - (n2 - n1) * (e3 - e1) > 0;
}

/** Puts tangent corners over edges whose ends both lie on the circle, one bulge apart at most. */
export function bulged(ring: readonly Point[], radius: number): PlaneRing {
  const out: number[] = [];
  const onCircle = ([e, n]: Point): boolean => Math.abs(Math.hypot(e, n) - radius) < 1e-9 * radius;
  ring.forEach((point, i) => {
    out.push(point[0], point[1]);
    const next = ring[(i + 1) % ring.length]!;
    if (!onCircle(point) || !onCircle(next)) return;
    const span = Math.atan2(point[0] * next[1] - point[1] * next[0], point[0] * next[0] + point[1] * next[1]);
    if (span <= 0 || span > BULGE * (1 + 1e-9)) return;
    const angle = Math.atan2(point[1], point[0]) + span / 2;
    const outside = radius / Math.cos(span / 2);
    out.push(outside * Math.cos(angle), outside * Math.sin(angle));
  });
  return out;
}
