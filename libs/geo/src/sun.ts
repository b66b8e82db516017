import type { LonLat } from './camera.js';

const RAD = Math.PI / 180;
const DAY_MS = 86_400_000;
/** Noon of 1 January 2000, from which the formulas count, in days since 1970. */
const J2000_DAYS = 10_957.5;

/**
 * Height of the sun's middle above the horizon, degrees, without refraction; right to a tenth of a degree between 1950 and 2050
 * (Astronomical Almanac, low-precision formulas for the sun's coordinates).
 * @param atMs milliseconds since 1970
 */
export function sunElevationDeg([lon, lat]: LonLat, atMs: number): number {
  const days = atMs / DAY_MS - J2000_DAYS;
  const anomaly = (357.528 + 0.985_600_3 * days) * RAD;
  const ecliptic = (280.46 + 0.985_647_4 * days + 1.915 * Math.sin(anomaly) + 0.02 * Math.sin(2 * anomaly)) * RAD;
  const obliquity = (23.439 - 4e-7 * days) * RAD;
  const declination = Math.asin(Math.sin(obliquity) * Math.sin(ecliptic));
  const ascension = Math.atan2(Math.cos(obliquity) * Math.sin(ecliptic), Math.cos(ecliptic));
  const hourAngle = (280.460_618_37 + 360.985_647_37 * days + lon) * RAD - ascension;
  const sine =
    Math.sin(lat * RAD) * Math.sin(declination) + Math.cos(lat * RAD) * Math.cos(declination) * Math.cos(hourAngle);
  return Math.asin(Math.min(1, Math.max(-1, sine))) / RAD;
}
