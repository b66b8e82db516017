import { RAD, wrap180 } from './angle.js';
import type { LonLat } from './camera.js';

/** WGS 84: semi-major axis, metres, and first eccentricity squared. */
const A = 6378137;
const E2 = 0.00669437999014;
/** Flattening, from the same eccentricity. */
const F = 1 - Math.sqrt(1 - E2);

/** Mean radius of the earth, metres (IUGG R1). */
export const EARTH_RADIUS_M = 6371008.8;

/** k of the usual refraction of light: the ray bends with a seventh of the earth's curvature. */
export const REFRACTION = 1 / 7;

/** Beyond these the mid-latitude formula leaves the millimetre, and exact ECEF is used. */
const MID_LATITUDES_DEG = 80;
const MID_LATITUDE_REACH_M = 10_000;

/** East, north and up, metres. */
export interface Enu {
  e: number;
  n: number;
  u: number;
}

/**
 * East, north and up at an optical centre. Heights of both ends come from one vertical reference. `u` holds the drop by
 * curvature and refraction, so that a straight line in the frame is a ray of light: 0.067 m at 1 km, 1.68 m at 5 km.
 * Error against exact ECEF at 5 km: 1 mm to 60° of latitude, 3 mm to 75°; exact beyond 80° and beyond 10 km.
 */
export class LocalFrame {
  private readonly exactly: boolean;
  private ecef: Ecef | undefined;

  /**
   * @param zM height of the origin
   * @param refraction k; 0 for straight rays
   */
  constructor(
    readonly origin: LonLat,
    readonly zM = 0,
    readonly refraction = REFRACTION,
  ) {
    this.exactly = Math.abs(origin[1]) > MID_LATITUDES_DEG;
  }

  /** A place as seen from the origin; writes into `out` where given, so that inner loops allocate nothing. */
  toEnu(position: LonLat, zM: number, out: Enu = { e: 0, n: 0, u: 0 }): Enu {
    if (this.exactly) return this.exactEnu(position, zM, out);
    const lat0 = this.origin[1];
    let turn = position[0] - this.origin[0];
    if (turn > 180 || turn <= -180) turn = wrap180(turn);
    const dLon = turn * RAD;
    const mid = ((lat0 + position[1]) / 2) * RAD;
    const sin = Math.sin(mid);
    const w2 = 1 - E2 * sin * sin;
    const nRadius = A / Math.sqrt(w2);
    const eastern = (nRadius + zM) * Math.cos(mid) * dLon;
    const northern = ((nRadius * (1 - E2)) / w2 + zM) * (position[1] - lat0) * RAD;
    const ground2 = eastern * eastern + northern * northern;
    if (ground2 > MID_LATITUDE_REACH_M * MID_LATITUDE_REACH_M) return this.exactEnu(position, zM, out);
    // Half the convergence of meridians; small enough here for a short series.
    const g = 0.5 * dLon * sin;
    const g2 = g * g;
    const cosG = 1 - g2 / 2 + (g2 * g2) / 24;
    const sinG = g * (1 - g2 / 6);
    out.e = eastern * cosG - northern * sinG;
    out.n = eastern * sinG + northern * cosG;
    out.u = zM - this.zM - ((1 - this.refraction) * ground2) / (2 * EARTH_RADIUS_M);
    return out;
  }

  /** The place e east and n north of the origin at height zM; inverse of {@link toEnu} to 0.1 mm. Longitude in ±180. */
  toLonLat(e: number, n: number, zM = this.zM): LonLat {
    if (this.exactly || e * e + n * n > MID_LATITUDE_REACH_M * MID_LATITUDE_REACH_M) {
      return this.exactLonLat(e, n, zM);
    }
    const [lon0, lat0] = this.origin;
    let dLat = 0;
    let dLon = 0;
    for (let round = 0; round < 3; round++) {
      const mid = lat0 * RAD + dLat / 2;
      const sin = Math.sin(mid);
      const w2 = 1 - E2 * sin * sin;
      const nRadius = A / Math.sqrt(w2);
      const g = 0.5 * dLon * sin;
      const cosG = Math.cos(g);
      const sinG = Math.sin(g);
      dLon = (e * cosG + n * sinG) / ((nRadius + zM) * Math.cos(mid));
      dLat = (n * cosG - e * sinG) / ((nRadius * (1 - E2)) / w2 + zM);
    }
    const lon = lon0 + dLon / RAD;
    return [lon > 180 || lon < -180 ? wrap180(lon) : lon, lat0 + dLat / RAD];
  }

  private exactEnu([lon, lat]: LonLat, zM: number, out: Enu): Enu {
    const { x: x0, y: y0, z: z0, sinLat, cosLat, sinLon, cosLon } = (this.ecef ??= ecefOf(this.origin, this.zM));
    const { x, y, z } = ecefOf([lon, lat], zM);
    const dx = x - x0;
    const dy = y - y0;
    const dz = z - z0;
    const outward = cosLon * dx + sinLon * dy;
    out.e = -sinLon * dx + cosLon * dy;
    out.n = -sinLat * outward + cosLat * dz;
    out.u = cosLat * outward + sinLat * dz + (this.refraction * (out.e * out.e + out.n * out.n)) / (2 * EARTH_RADIUS_M);
    return out;
  }

  private exactLonLat(e: number, n: number, zM: number): LonLat {
    const { x: x0, y: y0, z: z0, sinLat, cosLat, sinLon, cosLon } = (this.ecef ??= ecefOf(this.origin, this.zM));
    let u = zM - this.zM - (e * e + n * n) / (2 * EARTH_RADIUS_M);
    let place = { lon: 0, lat: 0, zM: 0 };
    // The straight-up offset that ends at height zM; the second round is already exact to a micrometre.
    for (let round = 0; round < 3; round++) {
      const outward = cosLat * u - sinLat * n;
      place = geodeticOf(
        x0 + cosLon * outward - sinLon * e,
        y0 + sinLon * outward + cosLon * e,
        z0 + cosLat * n + sinLat * u,
      );
      u += zM - place.zM;
    }
    return [place.lon, place.lat];
  }
}

interface Ecef {
  readonly x: number;
  readonly y: number;
  readonly z: number;
  readonly sinLat: number;
  readonly cosLat: number;
  readonly sinLon: number;
  readonly cosLon: number;
}

function ecefOf([lon, lat]: LonLat, zM: number): Ecef {
  const sinLat = Math.sin(lat * RAD);
  const cosLat = Math.cos(lat * RAD);
  const sinLon = Math.sin(lon * RAD);
  const cosLon = Math.cos(lon * RAD);
  const nRadius = A / Math.sqrt(1 - E2 * sinLat * sinLat);
  return {
    x: (nRadius + zM) * cosLat * cosLon,
    y: (nRadius + zM) * cosLat * sinLon,
    z: (nRadius * (1 - E2) + zM) * sinLat,
    sinLat,
    cosLat,
    sinLon,
    cosLon,
  };
}

/** Bowring 1985, two rounds: below a nanometre for every height that a camera can have; regular at the poles. */
function geodeticOf(
  x: number,
  y: number,
  z: number,
): { readonly lon: number; readonly lat: number; readonly zM: number } {
  const b = A * (1 - F);
  const p = Math.hypot(x, y);
  let beta = Math.atan2(A * z, b * p);
  let lat = 0;
  for (let round = 0; round < 2; round++) {
    const sin = Math.sin(beta);
    const cos = Math.cos(beta);
    lat = Math.atan2(z + (E2 / (1 - E2)) * b * sin * sin * sin, p - E2 * A * cos * cos * cos);
    beta = Math.atan2((1 - F) * Math.sin(lat), Math.cos(lat));
  }
  const sinLat = Math.sin(lat);
  const zM = p * Math.cos(lat) + z * sinLat - A * Math.sqrt(1 - E2 * sinLat * sinLat);
  return { lon: Math.atan2(y, x) / RAD, lat: lat / RAD, zM };
}

/**
 * Ground distance, metres, WGS 84 ellipsoid (Vincenty 1975; what PostGIS `geography` gives, to 0.1 mm); never NaN. For
 * the few points nearly opposite on the globe, where the series does not settle, the great circle, 0.6 % off at most.
 */
export function groundDistance([lon1, lat1]: LonLat, [lon2, lat2]: LonLat): number {
  const b = A * (1 - F);
  const dLon = wrap180(lon2 - lon1) * RAD;
  const u1 = Math.atan((1 - F) * Math.tan(lat1 * RAD));
  const u2 = Math.atan((1 - F) * Math.tan(lat2 * RAD));
  const sin12 = Math.sin(u1) * Math.sin(u2);
  const cos12 = Math.cos(u1) * Math.cos(u2);
  const cross = Math.cos(u1) * Math.sin(u2);
  const crossed = Math.sin(u1) * Math.cos(u2);
  let lambda = dLon;
  for (let round = 0; round < 100; round++) {
    const cosL = Math.cos(lambda);
    const sinL = Math.sin(lambda);
    const sinS = Math.hypot(Math.cos(u2) * sinL, cross - crossed * cosL);
    if (sinS === 0) break;
    const cosS = sin12 + cos12 * cosL;
    const sigma = Math.atan2(sinS, cosS);
    const sinAlpha = (cos12 * sinL) / sinS;
    const cos2Alpha = 1 - sinAlpha * sinAlpha;
    // Along the equator cos2Alpha is 0 and so is the term.
    const cos2Mid = cos2Alpha < 1e-15 ? 0 : cosS - (2 * sin12) / cos2Alpha;
    const c = (F / 16) * cos2Alpha * (4 + F * (4 - 3 * cos2Alpha));
    const squared = -1 + 2 * cos2Mid * cos2Mid;
    const next = dLon + (1 - c) * F * sinAlpha * (sigma + c * sinS * (cos2Mid + c * cosS * squared));
    const settled = Math.abs(next - lambda) < 1e-13;
    lambda = next;
    if (!settled) continue;
    const k2 = cos2Alpha * (E2 / (1 - E2));
    const big = 1 + (k2 / 16384) * (4096 + k2 * (-768 + k2 * (320 - 175 * k2)));
    const small = (k2 / 1024) * (256 + k2 * (-128 + k2 * (74 - 47 * k2)));
    const last = (small / 6) * cos2Mid * (-3 + 4 * sinS * sinS) * (-3 + 4 * cos2Mid * cos2Mid);
    return b * big * (sigma - small * sinS * (cos2Mid + (small / 4) * (cosS * squared - last)));
  }
  return greatCircle(dLon, lat1 * RAD, lat2 * RAD);
}

function greatCircle(dLon: number, lat1: number, lat2: number): number {
  const half = Math.sin((lat2 - lat1) / 2) ** 2 + Math.cos(lat1) * Math.cos(lat2) * Math.sin(dLon / 2) ** 2;
  return 2 * EARTH_RADIUS_M * Math.asin(Math.sqrt(Math.min(1, half)));
}
