import { clamp } from './angle.js';
import type { GeoCamera } from './camera.js';
import { anglesOf, type Angles, focalPxOf, type FocalPx } from './lens.js';

/** How much of a view is known, each level including the one before. */
export const COMPLETENESS = ['point', 'direction', 'sector', 'frustum'] as const;
export type Completeness = (typeof COMPLETENESS)[number];

/** What a view says, once everything that follows from it has been derived; null where it says nothing. */
export interface Known extends Angles, FocalPx {
  readonly completeness: Completeness;
  /** JSON pointers of what the next steps want. */
  readonly missing: readonly string[];
  readonly nearM: number;
  readonly farM: number | null;
  /** The far end is where 5 px/m end, not one that the agency gave: certainty at most `probable`. */
  readonly farDerived: boolean;
}

/** 5 px/m is the end of use; a lens that says more than 2 km or less than 30 m says it of a fog bank or a wall. */
const USEFUL_PX_PER_M = 5;
const DERIVED_FAR_M = { min: 30, max: 2000 } as const;

/** Far end of a view by its focal length in pixels: where 5 px/m end, 30 to 2000 m. */
export function farOfFocal(fxPx: number): number {
  return clamp(fxPx / USEFUL_PX_PER_M, DERIVED_FAR_M.min, DERIVED_FAR_M.max);
}

/**
 * `point` → `direction` (azimuth) → `sector` (+ width and range) → `frustum` (+ tilt, height, vertical angle). Roll is 0
 * and near is 0 where absent; the far end may follow from width in degrees and pixels; nothing else has a default.
 */
export function knownOf({ view = {}, heightM }: Pick<GeoCamera, 'view' | 'heightM'>): Known {
  const angles = anglesOf(view);
  const { fxPx, fyPx } = focalPxOf(view, angles);
  const farDerived = view.farM === undefined && fxPx !== null;
  const farM = view.farM ?? (fxPx === null ? null : farOfFocal(fxPx));
  const hasAzimuth = view.azimuthDeg !== undefined;
  const hasSector = angles.hfovDeg !== null && farM !== null;
  const hasFrustum = view.tiltDeg !== undefined && heightM !== undefined && angles.vfovDeg !== null;
  const missing: string[] = [];
  if (!hasAzimuth) missing.push('/view/azimuthDeg');
  if (angles.hfovDeg === null) missing.push('/view/hfovDeg');
  if (farM === null) missing.push('/view/farM');
  if (view.tiltDeg === undefined) missing.push('/view/tiltDeg');
  if (heightM === undefined) missing.push('/heightM');
  if (angles.vfovDeg === null) missing.push('/view/vfovDeg');
  // Written out: two spreads into one object cost a hundred times as much, and this runs for every candidate.
  return {
    completeness: !hasAzimuth ? 'point' : !hasSector ? 'direction' : hasFrustum ? 'frustum' : 'sector',
    missing,
    hfovDeg: angles.hfovDeg,
    vfovDeg: angles.vfovDeg,
    fxPx,
    fyPx,
    nearM: view.nearM ?? 0,
    farM,
    farDerived,
  };
}
