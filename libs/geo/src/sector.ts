import { RAD, wrap180 } from './angle.js';
import type { View } from './camera.js';
import type { Known } from './completeness.js';
import { appendArc, circle, type PlanePolygon } from './plane.js';

/** A view of which only direction, width and range are known: a flat wedge on the ground. Distances on the ground. */
export interface Sector {
  readonly azimuthDeg: number;
  /** Half of the width, degrees; 180 = all round. */
  readonly halfDeg: number;
  readonly nearM: number;
  readonly farM: number;
  readonly fxPx: number | null;
}

/** Sector of a view that {@link Known} calls `sector` or better; else null. */
export function sectorOf({ azimuthDeg }: View, { hfovDeg, nearM, farM, fxPx }: Known): Sector | null {
  if (azimuthDeg === undefined || hfovDeg === null || farM === null) return null;
  return { azimuthDeg, halfDeg: Math.min(hfovDeg / 2, 180), nearM, farM, fxPx };
}

/** Angle from the middle of the sector to a bearing, right positive, degrees. */
export function offMiddle({ azimuthDeg }: Sector, bearingDeg: number): number {
  return wrap180(bearingDeg - azimuthDeg);
}

/** The wedge on the ground plane; `step` in radians. */
export function sectorFootprint({ azimuthDeg, halfDeg, nearM, farM }: Sector, step: number): readonly PlanePolygon[] {
  if (nearM >= farM) return [];
  if (halfDeg >= 180) return [nearM > 0 ? [circle(farM, step), circle(nearM, step, true)] : [circle(farM, step)]];
  const ring: number[] = [];
  const right = (90 - azimuthDeg - halfDeg) * RAD;
  const span = 2 * halfDeg * RAD;
  appendArc(ring, farM, right, span, step);
  if (nearM > 0) appendArc(ring, nearM, right + span, -span, step);
  else ring.push(0, 0);
  return [[ring]];
}
