import { RAD } from './angle.js';
import type { GeoCamera } from './camera.js';
import { type Completeness, type Known, knownOf } from './completeness.js';
import { type FlatFootprint, flatFootprint } from './flat-footprint.js';
import { type Frustum, frustumOf } from './frustum.js';
import { LocalFrame } from './local-frame.js';
import { type MultiPolygon, toMultiPolygon } from './lon-lat-polygon.js';
import { planeArea, type PlanePolygon } from './plane.js';
import { type Sector, sectorFootprint, sectorOf } from './sector.js';
import { sweptFootprint, sweptStretch } from './swept-footprint.js';

/** A lens is taken to hang at least this high over the ground plane, metres. */
export const LEAST_HEIGHT_M = 0.1;

/** Step of arcs for display and for storage, degrees: they lose 5e-5 and 1.3e-3 of the area. */
export const DISPLAY_STEP_DEG = 1;
export const STORED_STEP_DEG = 5;

/** The ground that a view covers: exactly the points of the plane that it `sees`. */
export interface Footprint {
  readonly geometry: MultiPolygon;
  readonly areaM2: number;
  /** Ground distances along the azimuth between which ground is seen; null where the azimuth misses the footprint. */
  readonly groundNearM: number | null;
  readonly groundFarM: number | null;
  /** Cut by the far end of the range: that edge is a choice, not geometry. */
  readonly clamped: boolean;
  /** See {@link Known.farDerived}. */
  readonly farDerived: boolean;
  readonly completeness: Completeness;
}

export interface FootprintOptions {
  /** Largest step of arcs, degrees; default {@link DISPLAY_STEP_DEG}. */
  readonly arcStepDeg?: number;
  /** Only ground with so many pixels per metre. */
  readonly minPxPerM?: number;
  /** Height of the ground at the mast, where it is better known than by `elevationM`. */
  readonly groundM?: number;
}

/**
 * Footprint of a camera's `view` on the level ground at its mast, curvature ignored. Null for completeness `point` and
 * `direction`, and for a view that meets no ground (above the horizon, or far ≤ height).
 */
export function footprintOf(camera: GeoCamera, options: FootprintOptions = {}): Footprint | null {
  const known = knownOf(camera);
  const shape = shapeOf(camera, known);
  if (shape === null) return null;
  const { arcStepDeg = DISPLAY_STEP_DEG, minPxPerM = 0, groundM = camera.elevationM ?? 0 } = options;
  const { polygons, clamped, along } = groundOf(shape, arcStepDeg, minPxPerM, camera.view?.azimuthDeg ?? 0);
  const geometry = toMultiPolygon(new LocalFrame(camera.location.coordinates, groundM), polygons);
  if (geometry === null) return null;
  return {
    geometry,
    areaM2: planeArea(polygons),
    groundNearM: along?.[0] ?? null,
    groundFarM: along?.[1] ?? null,
    clamped,
    farDerived: known.farDerived,
    completeness: known.completeness,
  };
}

/** What can be asked about a view: a frustum over the ground, or a flat sector. */
export type Shape =
  | { readonly kind: 'frustum'; readonly frustum: Frustum; readonly heightM: number }
  | { readonly kind: 'sector'; readonly sector: Sector };

/** Shape of a camera's view; null where too little is known. */
export function shapeOf(camera: Pick<GeoCamera, 'view' | 'heightM'>, known: Known = knownOf(camera)): Shape | null {
  const { view = {}, heightM } = camera;
  switch (known.completeness) {
    case 'point':
    case 'direction':
      return null;
    case 'sector': {
      const sector = sectorOf(view, known);
      return sector === null ? null : { kind: 'sector', sector };
    }
    case 'frustum': {
      const frustum = frustumOf(view, known);
      if (frustum === null || heightM === undefined) throw new Error('bug: a frustum without its parts');
      return { kind: 'frustum', frustum, heightM: Math.max(LEAST_HEIGHT_M, heightM) };
    }
    default:
      throw new Error(`bug: completeness ${String(known.completeness satisfies never)}`);
  }
}

/** Ground that a frustum shows on the plane heightM below it, metres east and north of it. */
export function planeFootprint(
  frustum: Frustum,
  heightM: number,
  arcStepDeg = DISPLAY_STEP_DEG,
  minPxPerM = 0,
): FlatFootprint {
  return frustum.drawing === 'pinhole'
    ? flatFootprint(frustum, heightM, arcStepDeg * RAD, minPxPerM)
    : sweptFootprint(frustum, heightM, arcStepDeg * RAD, minPxPerM);
}

interface Ground {
  readonly polygons: readonly PlanePolygon[];
  readonly clamped: boolean;
  readonly along: readonly [nearM: number, farM: number] | null;
}

function groundOf(shape: Shape, arcStepDeg: number, minPxPerM: number, azimuthDeg: number): Ground {
  if (shape.kind === 'frustum') {
    const { frustum, heightM } = shape;
    const along = alongAzimuth(frustum, heightM, azimuthDeg * RAD, minPxPerM);
    return { ...planeFootprint(frustum, heightM, arcStepDeg, minPxPerM), along };
  }
  const dense = denseSector(shape.sector, minPxPerM);
  return {
    polygons: sectorFootprint(dense, arcStepDeg * RAD),
    clamped: dense.farM === shape.sector.farM,
    along: [dense.nearM, dense.farM],
  };
}

/** The part of a sector that reaches a density: within fx / density; none of it where fx is unknown. */
export function denseSector(sector: Sector, minPxPerM: number): Sector {
  if (minPxPerM <= 0) return sector;
  return { ...sector, farM: Math.min(sector.farM, (sector.fxPx ?? 0) / minPxPerM) };
}

function alongAzimuth(f: Frustum, heightM: number, azimuth: number, minPxPerM: number): Ground['along'] {
  if (f.drawing !== 'pinhole') {
    const stretch = sweptStretch(f, heightM, azimuth, minPxPerM);
    return stretch === null ? null : [stretch.inner, stretch.outer];
  }
  if (f.farM <= heightM) return null;
  const sin = Math.sin(azimuth);
  const cos = Math.cos(azimuth);
  let near = f.nearM > heightM ? Math.sqrt(f.nearM ** 2 - heightM ** 2) : 0;
  let far = Math.sqrt(f.farM ** 2 - heightM ** 2);
  // Keeps a·t ≥ c of the ground distance t.
  const keep = (a: number, c: number): void => {
    if (a > 0) near = Math.max(near, c / a);
    else if (a < 0) far = Math.min(far, c / a);
    else if (c > 0) far = -1;
  };
  const forward = f.fE * sin + f.fN * cos;
  const right = f.rE * sin + f.rN * cos;
  const down = f.dE * sin + f.dN * cos;
  for (const side of [-1, 1]) {
    keep(forward * f.tanH + side * right, heightM * (f.fU * f.tanH + side * f.rU));
    keep(forward * f.tanV + side * down, heightM * (f.fU * f.tanV + side * f.dU));
  }
  if (minPxPerM > 0) keep(-forward, -heightM * f.fU - (f.fxPx ?? 0) / minPxPerM);
  return near <= far ? [near, far] : null;
}

/** A footprint as a GeoJSON Feature; the geometry of none is null, as RFC 7946 has it for "unlocated". */
export interface FootprintFeature {
  readonly type: 'Feature';
  readonly geometry: MultiPolygon | null;
  readonly properties: Omit<Footprint, 'geometry'> & { readonly computedAt: string };
}

/** `GET …/footprint`. @param computedAt RFC 3339, UTC */
export function footprintFeature(camera: GeoCamera, computedAt: string, options?: FootprintOptions): FootprintFeature {
  const { completeness, farDerived } = knownOf(camera);
  const none = { areaM2: 0, groundNearM: null, groundFarM: null, clamped: false, farDerived, completeness };
  const { geometry, ...properties } = footprintOf(camera, options) ?? { geometry: null, ...none };
  return { type: 'Feature', geometry, properties: { ...properties, computedAt } };
}
