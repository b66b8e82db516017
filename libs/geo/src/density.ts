import type { Frustum } from './frustum.js';
import { type Fisheye, imageRadius, imageRadiusSlope } from './lens.js';

/**
 * Pixels per metre at a point: the smallest singular value of the image Jacobian on the plane across the ray, so the
 * worst direction in which a thing there can lie. x image right, y image down, z forward, metres. For square pixels and a
 * pinhole this is fx / depth (depth, not slant). Null where the image's size is unknown or the lens draws no such point.
 */
export function pxPerM(frustum: Frustum, x: number, y: number, z: number): number | null {
  const { fxPx, fyPx } = frustum;
  if (fxPx === null || fyPx === null) return null;
  switch (frustum.drawing) {
    case 'pinhole':
      if (z <= 0) return null;
      return Math.abs(fxPx - fyPx) <= 1e-9 * fxPx ? fxPx / z : smallest(flatJacobian(fxPx, fyPx, x, y, z), x, y, z);
    case 'fisheye':
      return fisheyePxPerM(frustum.lens as Fisheye, fxPx, x, y, z);
    case 'panorama':
      return smallest(panoramaJacobian(frustum, fxPx, fyPx, x, y, z), x, y, z);
    default:
      throw new Error(`bug: drawing ${String(frustum.drawing satisfies never)}`);
  }
}

/** A fisheye's two principal directions are known: along the radius and around the axis. */
function fisheyePxPerM(lens: Fisheye, fPx: number, x: number, y: number, z: number): number | null {
  const slant = Math.hypot(x, y, z);
  if (slant === 0) return null;
  const off = Math.hypot(x, y);
  if (off === 0) return z > 0 ? fPx / slant : null;
  const theta = Math.atan2(off, z);
  return Math.min((fPx * imageRadiusSlope(lens, theta)) / slant, (fPx * imageRadius(lens, theta)) / off);
}

/** Pixels (du, dv) of a displacement (a, b, c) along image right, image down and forward. */
type Jacobian = (a: number, b: number, c: number) => readonly [du: number, dv: number];

function flatJacobian(fxPx: number, fyPx: number, x: number, y: number, z: number): Jacobian {
  return (a, b, c) => [(fxPx * (a * z - x * c)) / (z * z), (fyPx * (b * z - y * c)) / (z * z)];
}

function panoramaJacobian(f: Frustum, fxPx: number, fyPx: number, x: number, y: number, z: number): Jacobian {
  const slant = Math.hypot(x, y, z);
  const across = Math.hypot(x, z);
  const sinL = x / across;
  const cosL = z / across;
  const sinP = -y / slant;
  const cosP = across / slant;
  const down = f.lens === 'cylindrical' ? fyPx / (cosP * cosP) : fyPx;
  return (a, b, c) => [
    (fxPx * (a * cosL - c * sinL)) / across,
    (-down * (-a * sinP * sinL - b * cosP - c * sinP * cosL)) / slant,
  ];
}

/** Smallest stretch over two orthonormal directions across the ray; null on the vertical of a panorama. */
function smallest(jacobian: Jacobian, x: number, y: number, z: number): number | null {
  const slant = Math.hypot(x, y, z);
  const across = Math.hypot(x, z);
  if (slant === 0) return null;
  // Level across the ray, then across both; straight up or down any level direction does.
  const aX = across === 0 ? 1 : z / across;
  const aZ = across === 0 ? 0 : -x / across;
  const first = jacobian(aX, 0, aZ);
  const second = jacobian((y * aZ) / slant, (z * aX - x * aZ) / slant, (-y * aX) / slant);
  const p = first[0] * first[0] + first[1] * first[1];
  const q = second[0] * second[0] + second[1] * second[1];
  const mixed = first[0] * second[0] + first[1] * second[1];
  const squared = (p + q) / 2 - Math.sqrt(((p - q) * (p - q)) / 4 + mixed * mixed);
  return Number.isNaN(squared) ? null : Math.sqrt(Math.max(0, squared));
}
