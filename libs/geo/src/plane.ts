/**
 * Polygons on the ground plane under a camera: metres east and north of it. A ring is flat (e0, n0, e1, n1, …) and not
 * closed; the first ring of a polygon is the outer one, counter-clockwise, the others are holes, clockwise.
 */
export type PlaneRing = readonly number[];
export type PlanePolygon = readonly PlaneRing[];

/** Area of a ring, m², positive where it runs counter-clockwise. */
export function ringArea(ring: PlaneRing): number {
  let twice = 0;
  for (let i = 0, j = ring.length - 2; i < ring.length; j = i, i += 2) {
    twice += ring[j]! * ring[i + 1]! - ring[i]! * ring[j + 1]!;
  }
  return twice / 2;
}

/** Area of polygons, m²; holes, being clockwise, count against it. */
export function planeArea(polygons: readonly PlanePolygon[]): number {
  let area = 0;
  for (const polygon of polygons) for (const ring of polygon) area += ringArea(ring);
  return area;
}

/** Whether a point lies inside polygons (even-odd rule). */
export function inPlane(polygons: readonly PlanePolygon[], e: number, n: number): boolean {
  let inside = false;
  for (const polygon of polygons) for (const ring of polygon) if (crossesOddly(ring, e, n)) inside = !inside;
  return inside;
}

function crossesOddly(ring: PlaneRing, e: number, n: number): boolean {
  let odd = false;
  for (let i = 0, j = ring.length - 2; i < ring.length; j = i, i += 2) {
    const n1 = ring[j + 1]!;
    const n2 = ring[i + 1]!;
    if (n1 > n === n2 > n) continue;
    if (e < ring[j]! + ((n - n1) / (n2 - n1)) * (ring[i]! - ring[j]!)) odd = !odd;
  }
  return odd;
}

/** Appends an arc about the origin, both ends included, in equal steps of at most `step` radians; `span` < 0 = clockwise. */
export function appendArc(ring: number[], radius: number, from: number, span: number, step: number): void {
  const parts = Math.max(1, Math.ceil(Math.abs(span) / step - 1e-9));
  appendTurns(ring, radius * Math.cos(from), radius * Math.sin(from), span / parts, parts + 1);
}

/** A whole circle about the origin, clockwise for a hole. */
export function circle(radius: number, step: number, clockwise = false): PlaneRing {
  const parts = Math.max(8, Math.ceil((2 * Math.PI) / step - 1e-9));
  const ring: number[] = [];
  appendTurns(ring, radius, 0, ((clockwise ? -2 : 2) * Math.PI) / parts, parts);
  return ring;
}

/** Turns a point again and again by one angle: two sines an arc; after 1,440 turns 1e-13 off. */
export function appendTurns(ring: number[], e: number, n: number, angle: number, count: number): void {
  const cos = Math.cos(angle);
  const sin = Math.sin(angle);
  for (let i = 0; i < count; i++) {
    ring.push(e, n);
    const turned = e * cos - n * sin;
    n = e * sin + n * cos;
    e = turned;
  }
}
