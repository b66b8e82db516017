import type { Light } from '#catalog';
import { THRESHOLDS } from './thresholds.js';

/** The light under a sun so high, degrees: pictures of different lights are not compared. */
export function lightOf(sunElevationDeg: number): Light {
  if (sunElevationDeg > THRESHOLDS.dark.sunAboveDeg) return 'day';
  return sunElevationDeg < -THRESHOLDS.dark.sunAboveDeg ? 'night' : 'twilight';
}
