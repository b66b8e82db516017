import { RAD, clamp } from './angle.js';
import { pxPerM } from './density.js';
import { type Frustum, inImage, inRange, type Pixel, pixelOf } from './frustum.js';
import { type Fisheye, imageRadius } from './lens.js';
import type { Enu } from './local-frame.js';
import { offMiddle, type Sector } from './sector.js';

/** Why a view does not show a place; the first that holds, what no turning could cure first. */
export const REASONS = [
  'retired',
  'no_view',
  'out_of_range',
  'too_near',
  'behind',
  'left_of_view',
  'right_of_view',
  'above_view',
  'below_view',
  'occluded_by_terrain',
  'occluded_by_building',
] as const;
export type Reason = (typeof REASONS)[number];

/** Points nearer than a millimetre lie in the camera itself. */
const IN_THE_CAMERA_M = 1e-3;

/** How a point lies in a view; occlusion is not asked here. */
export interface InView {
  /** Null: the view shows it. */
  readonly reason: Reason | null;
  /** A wrong pose alone may be to blame: it is past a side of the image, in range and not behind. */
  readonly aside: boolean;
  /** Angle to the nearest image side, radians; negative outside. */
  readonly margin: number;
  readonly depthM: number | null;
  readonly offAxisDeg: number;
  /** Within the image only. */
  readonly pixel: Pixel | null;
  /** Null where unknown, behind or out of range. */
  readonly pxPerM: number | null;
}

/** Judges a point, metres in the frame of the optical centre, in a frustum. */
export function inFrustum(f: Frustum, { e, n, u }: Enu): InView {
  const slant = Math.sqrt(e * e + n * n + u * u);
  const x = e * f.rE + n * f.rN + u * f.rU;
  const y = e * f.dE + n * f.dN + u * f.dU;
  const z = e * f.fE + n * f.fN + u * f.fU;
  const shown = inImage(f, x, y, z);
  const reason = rangeReason(f, slant) ?? (shown ? null : isBehind(f, x, y, z) ? 'behind' : sideOf(f, x, y, z));
  const aside = reason !== null && isSide(reason);
  return {
    reason,
    aside,
    margin: slant === 0 ? 0 : marginOf(f, x, y, z, slant),
    depthM: z,
    offAxisDeg: Math.atan2(Math.hypot(x, y), z) / RAD,
    pixel: reason === null ? pixelOf(f, x, y, z) : null,
    pxPerM: reason === null || aside ? pxPerM(f, x, y, z) : null,
  };
}

/** Judges a point in a flat sector: by its ground distance and the difference of azimuths. */
export function inSector(sector: Sector, { e, n }: Enu): InView {
  const distanceM = Math.hypot(e, n);
  const off = offMiddle(sector, Math.atan2(e, n) / RAD);
  const marginDeg = sector.halfDeg - Math.abs(off);
  const past = sector.halfDeg < 180 && marginDeg < -1e-9;
  const side = Math.abs(off) > 90 ? 'behind' : off < 0 ? 'left_of_view' : 'right_of_view';
  const reason = rangeReason(sector, distanceM) ?? (past ? side : null);
  const aside = reason !== null && isSide(reason);
  return {
    reason,
    aside,
    margin: marginDeg * RAD,
    depthM: null,
    offAxisDeg: Math.abs(off),
    pixel: null,
    pxPerM: (reason === null || aside) && sector.fxPx !== null ? sector.fxPx / distanceM : null,
  };
}

/** `out_of_range` or `too_near`; null within the range. */
export function rangeReason(
  { nearM, farM }: { readonly nearM: number; readonly farM: number },
  distanceM: number,
): Reason | null {
  if (distanceM < IN_THE_CAMERA_M) return 'too_near';
  if (inRange(nearM, farM, distanceM)) return null;
  return distanceM > farM ? 'out_of_range' : 'too_near';
}

const SIDES: ReadonlySet<Reason> = new Set(['left_of_view', 'right_of_view', 'above_view', 'below_view']);

function isSide(reason: Reason): boolean {
  return SIDES.has(reason);
}

function isBehind({ drawing, halfH }: Frustum, x: number, y: number, z: number): boolean {
  switch (drawing) {
    case 'pinhole':
      return z <= 0;
    case 'fisheye':
      return z <= 0 && Math.atan2(Math.hypot(x, y), z) > halfH;
    case 'panorama':
      return z <= 0 && Math.abs(Math.atan2(x, z)) > halfH;
    default:
      throw new Error(`bug: drawing ${String(drawing satisfies never)}`);
  }
}

/** The image side that a point, not behind, is past; across before up and down. */
function sideOf(f: Frustum, x: number, y: number, z: number): Reason {
  switch (f.drawing) {
    case 'pinhole':
      return sideBy(Math.abs(x) / (z * f.tanH) >= Math.abs(y) / (z * f.tanV), x, y);
    case 'fisheye': {
      const off = Math.hypot(x, y);
      const theta = Math.atan2(off, z);
      if (theta > f.halfH) return sideBy(Math.abs(x) >= Math.abs(y), x, y);
      const radius = imageRadius(f.lens as Fisheye, theta) / off;
      return sideBy(Math.abs(x) * radius - f.cropX >= Math.abs(y) * radius - f.cropY, x, y);
    }
    case 'panorama':
      return sideBy(Math.abs(Math.atan2(x, z)) > f.halfH, x, y);
    default:
      throw new Error(`bug: drawing ${String(f.drawing satisfies never)}`);
  }
}

/** Side of the image by the direction of an offset; image down is y. */
export function sideBy(across: boolean, x: number, y: number): Reason {
  if (across) return x < 0 ? 'left_of_view' : 'right_of_view';
  return y < 0 ? 'above_view' : 'below_view';
}

function marginOf(f: Frustum, x: number, y: number, z: number, slant: number): number {
  switch (f.drawing) {
    case 'pinhole': {
      const across = z * f.sinH - Math.abs(x) * f.cosH;
      const along = z * f.sinV - Math.abs(y) * f.cosV;
      return Math.asin(clamp(Math.min(across, along) / slant, -1, 1));
    }
    case 'fisheye': {
      const off = Math.hypot(x, y);
      const theta = Math.atan2(off, z);
      if (off === 0 || (f.cropX === Infinity && f.cropY === Infinity)) return f.halfH - theta;
      // Focal lengths in the image stand for radians: exact on the axis, near enough at a cropped edge.
      const radius = imageRadius(f.lens as Fisheye, theta) / off;
      return Math.min(f.halfH - theta, f.cropX - Math.abs(x) * radius, f.cropY - Math.abs(y) * radius);
    }
    case 'panorama': {
      const across = Math.hypot(x, z);
      const up = f.halfV - Math.abs(Math.atan2(y, across));
      if (f.halfH >= Math.PI) return up;
      return Math.min(up, ((f.halfH - Math.abs(Math.atan2(x, z))) * across) / slant);
    }
    default:
      throw new Error(`bug: drawing ${String(f.drawing satisfies never)}`);
  }
}
