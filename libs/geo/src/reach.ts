import { RAD } from './angle.js';
import { addArc, BULGE, bulged, cutBy, disc, hull, type Point } from './convex.js';
import { type GeoCamera, uncertaintyOf, type View } from './camera.js';
import { LEAST_HEIGHT_M, shapeOf } from './footprint.js';
import type { Frustum } from './frustum.js';
import { EARTH_RADIUS_M, LocalFrame, REFRACTION } from './local-frame.js';
import { type MultiPolygon, toMultiPolygon } from './lon-lat-polygon.js';
import type { PlaneRing } from './plane.js';
import { cornerOffset, type Turning, turningOf } from './ptz.js';

/** Targets that the index promises to find lie so far above or below the ground, metres. */
export const SLAB_M = 10;

/** Half-angles from here on make a disc; so do other lenses and turning all round. */
const WIDEST = 89 * RAD;

export interface ReachOptions {
  /** Heights between which terrain within the far end lies; default the ground at the mast. */
  readonly terrain?: { readonly lowestM: number; readonly highestM: number } | undefined;
  /** Height of the ground at the mast, where it is better known than by `elevationM`. */
  readonly groundM?: number;
}

/**
 * Polygon for the index: holds every place within 10 m of the ground that the view may be said to see, uncertainty included.
 * A superset of the footprint, some 10 % larger; the exact test is `sees`. Null where the view answers nothing.
 */
export function reachOf(
  camera: GeoCamera,
  view: View = camera.view ?? {},
  options: ReachOptions = {},
): MultiPolygon | null {
  const shape = shapeOf({ view, heightM: camera.heightM });
  if (shape === null) return null;
  const { declared } = uncertaintyOf(camera, view);
  const padM = padOf(camera, shape.kind === 'frustum' ? shape.frustum.farM : shape.sector.farM, declared.positionM);
  if (shape.kind === 'sector') {
    const half = shape.sector.halfDeg * RAD + 2 * declared.azimuthDeg * RAD;
    return onGlobe(camera, wedge(shape.sector.azimuthDeg * RAD, half, shape.sector.farM, padM), options);
  }
  const slab = slabOf(camera, shape.heightM, shape.frustum.farM, options);
  const widen = 2 * Math.hypot(declared.azimuthDeg, declared.tiltDeg) * RAD;
  return onGlobe(camera, planeReach(shape.frustum, slab, widen, padM), options);
}

/** The same for what a camera can be turned to. */
export function turningReachOf(camera: GeoCamera, options: ReachOptions = {}): MultiPolygon | null {
  const turning = turningOf(camera);
  if (turning === null) return null;
  const padM = padOf(camera, turning.farM, 0);
  const middle = (turning.azimuthFromDeg + turning.spanDeg / 2) * RAD;
  return onGlobe(camera, wedge(middle, halfOf(turning), turning.farM, padM), options);
}

function halfOf(turning: Turning): number {
  const corner = Math.max(cornerOffset(turning, turning.tiltMinDeg), cornerOffset(turning, turning.tiltMaxDeg));
  return (turning.spanDeg / 2) * RAD + corner;
}

function onGlobe(camera: GeoCamera, ring: PlaneRing | null, { groundM }: ReachOptions): MultiPolygon | null {
  if (ring === null) return null;
  return toMultiPolygon(new LocalFrame(camera.location.coordinates, groundM ?? camera.elevationM ?? 0), [[ring]]);
}

/** Rounding, position, and what straight edges in degrees lose (near the poles edges are cut up instead). */
function padOf({ location }: GeoCamera, farM: number, declaredM: number): number {
  const lat = Math.abs(location.coordinates[1]);
  const bow = lat > 80 ? 0 : (farM * farM * Math.tan(lat * RAD)) / (4 * EARTH_RADIUS_M);
  return 0.5 + 2 * declaredM + bow;
}

/** Heights above the optical centre between which targets lie. */
export interface Slab {
  readonly lowU: number;
  readonly highU: number;
}

function slabOf(camera: GeoCamera, heightM: number, farM: number, { terrain, groundM }: ReachOptions): Slab {
  const ground = groundM ?? camera.elevationM ?? 0;
  const lensM = ground + Math.max(LEAST_HEIGHT_M, heightM);
  // Far ground lies lower by what the earth curves away.
  const drop = ((1 - REFRACTION) * farM * farM) / (2 * EARTH_RADIUS_M);
  return {
    lowU: (terrain?.lowestM ?? ground) - SLAB_M - drop - lensM,
    highU: (terrain?.highestM ?? ground) + SLAB_M - lensM,
  };
}

/**
 * Reach of a frustum on the plane, a convex ring, for targets in a slab; sides widened by an angle, everything padded. Null
 * where the frustum misses the slab. The projection of the convex body cone ∩ slab ∩ cylinder is the hull of its corners.
 */
export function planeReach(f: Frustum, slab: Slab, widen: number, padM: number): PlaneRing | null {
  const radius = f.farM + padM;
  if (f.drawing !== 'pinhole') return disc(radius);
  // A side's tolerance is an angle from its plane; off the middle of the side a turned plane gains less than it was turned.
  const halfH = f.halfH + Math.atan(Math.tan(widen) / Math.cos(Math.min(f.halfV + widen, WIDEST)));
  const halfV = f.halfV + Math.atan(Math.tan(widen) / Math.cos(Math.min(f.halfH + widen, WIDEST)));
  if (widen >= WIDEST || Math.max(halfH, halfV) >= WIDEST) return disc(radius);
  const back = padM / Math.sin(Math.min(halfH, halfV));
  const cone: Cone = {
    f,
    tanH: Math.tan(halfH),
    tanV: Math.tan(halfV),
    apexE: -back * f.fE,
    apexN: -back * f.fN,
    apexU: -back * f.fU,
  };
  const points: Point[] = [];
  addSection(points, cone, slab.lowU, radius);
  addSection(points, cone, slab.highU, radius);
  addRim(points, cone, slab, radius);
  if (cone.apexU >= slab.lowU && cone.apexU <= slab.highU) points.push([cone.apexE, cone.apexN]);
  addCornerRays(points, cone, slab, radius);
  return points.length < 3 ? null : bulged(hull(points), radius);
}

interface Cone {
  readonly f: Frustum;
  readonly tanH: number;
  readonly tanV: number;
  readonly apexE: number;
  readonly apexN: number;
  readonly apexU: number;
}

/** Inward normals of the cone's sides. */
function sidesOf({ f, tanH, tanV }: Cone): readonly (readonly [e: number, n: number, u: number])[] {
  return [
    [f.fE * tanH - f.rE, f.fN * tanH - f.rN, f.fU * tanH - f.rU],
    [f.fE * tanH + f.rE, f.fN * tanH + f.rN, f.fU * tanH + f.rU],
    [f.fE * tanV - f.dE, f.fN * tanV - f.dN, f.fU * tanV - f.dU],
    [f.fE * tanV + f.dE, f.fN * tanV + f.dN, f.fU * tanV + f.dU],
  ];
}

/** Adds the corners of the cone's section at a height, as far as they lie within the circle or on it. */
function addSection(points: Point[], cone: Cone, u: number, radius: number): void {
  const around = 1.5 * radius;
  let polygon: Point[] = [
    [-around, -around],
    [around, -around],
    [around, around],
    [-around, around],
  ];
  for (const [nE, nN, nU] of sidesOf(cone)) {
    polygon = cutBy(polygon, nE, nN, nE * cone.apexE + nN * cone.apexN - nU * (u - cone.apexU));
  }
  addWithin(points, polygon, radius);
}

/**
 * Adds points of the far cylinder over which the cone passes within the slab. A wide, tilted side may run round more than
 * half of it without a corner; between two of these points and the corners no arc is longer than a bulge.
 */
function addRim(points: Point[], cone: Cone, { lowU, highU }: Slab, radius: number): void {
  const sides = sidesOf(cone);
  const count = Math.round((2 * Math.PI) / BULGE);
  for (let i = 0; i < count; i++) {
    const e = radius * Math.cos(i * BULGE);
    const n = radius * Math.sin(i * BULGE);
    let low = lowU;
    let high = highU;
    for (const [nE, nN, nU] of sides) {
      const rest = nE * (e - cone.apexE) + nN * (n - cone.apexN);
      const limit = cone.apexU - rest / nU;
      if (nU > 0) low = Math.max(low, limit);
      else if (nU < 0) high = Math.min(high, limit);
      else if (rest < 0) high = -Infinity;
    }
    if (low <= high) points.push([e, n]);
  }
}

/** Adds the corners of polygon ∩ circle. */
function addWithin(points: Point[], polygon: readonly Point[], radius: number): void {
  const radius2 = radius * radius;
  polygon.forEach(([e, n], i) => {
    const [toE, toN] = polygon[(i + 1) % polygon.length]!;
    if (e * e + n * n <= radius2) points.push([e, n]);
    const dE = toE - e;
    const dN = toN - n;
    const a = dE * dE + dN * dN;
    const b = e * dE + n * dN;
    const root = b * b - a * (e * e + n * n - radius2);
    if (root <= 0 || a === 0) return;
    for (const t of [(-b - Math.sqrt(root)) / a, (-b + Math.sqrt(root)) / a]) {
      if (t > 0 && t < 1) points.push([e + t * dE, n + t * dN]);
    }
  });
}

/** Adds the places where the cone's corner rays cross the far cylinder within the slab. */
function addCornerRays(
  points: Point[],
  { f, tanH, tanV, apexE, apexN, apexU }: Cone,
  slab: Slab,
  radius: number,
): void {
  for (const h of [-tanH, tanH]) {
    for (const v of [-tanV, tanV]) {
      const e = f.fE + h * f.rE + v * f.dE;
      const n = f.fN + h * f.rN + v * f.dN;
      const u = f.fU + h * f.rU + v * f.dU;
      const a = e * e + n * n;
      const b = apexE * e + apexN * n;
      const root = b * b - a * (apexE * apexE + apexN * apexN - radius * radius);
      if (a === 0 || root < 0) continue;
      // Moved back, the apex may lie outside the cylinder: then the ray enters it, too.
      for (const t of [(-b - Math.sqrt(root)) / a, (-b + Math.sqrt(root)) / a]) {
        const at = apexU + t * u;
        if (t >= 0 && at >= slab.lowU && at <= slab.highU) points.push([apexE + t * e, apexN + t * n]);
      }
    }
  }
}

/** A flat wedge of radius far + pad, its apex moved back by the pad; a disc where it is wide. Angles in radians. */
function wedge(azimuth: number, half: number, farM: number, padM: number): PlaneRing {
  const radius = farM + padM;
  if (half >= WIDEST || half <= 0) return disc(radius);
  const back = padM / Math.sin(half);
  const sin = Math.sin(azimuth);
  const cos = Math.cos(azimuth);
  const apex: Point = [-back * sin, -back * cos];
  const points: Point[] = [apex];
  // Where the sides leave the circle; between them the arc.
  const onCircle = [half, -half].map((offset) => {
    const e = Math.sin(azimuth + offset);
    const n = Math.cos(azimuth + offset);
    const b = apex[0] * e + apex[1] * n;
    const t = -b + Math.sqrt(Math.max(0, b * b - back * back + radius * radius));
    return [apex[0] + t * e, apex[1] + t * n] as const;
  });
  points.push(...onCircle);
  const [right, left] = onCircle.map(([e, n]) => Math.atan2(n, e)) as [number, number];
  addArc(points, right, left, radius);
  return bulged(hull(points), radius);
}
