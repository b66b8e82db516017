import { RAD } from './angle.js';
import type { Lens, View } from './camera.js';
import { type Known } from './completeness.js';
import { circlePxOf, type Fisheye, imageRadius, isFisheye } from './lens.js';
import { type Axes, axesOf } from './pose.js';

/** Relative tolerance of image edges, which are inclusive. */
const EDGE = 1e-9;

/** How a lens draws, coarsely: the four fisheyes share one rule, and so do both panoramas. */
export type Drawing = 'pinhole' | 'fisheye' | 'panorama';

/** Everything that a question about one view wants, worked out once. Angles in radians. */
export interface Frustum extends Axes {
  readonly lens: Lens;
  readonly drawing: Drawing;
  /** Half of the horizontal angle; of a fisheye half the cone. */
  readonly halfH: number;
  readonly halfV: number;
  readonly tanH: number;
  readonly tanV: number;
  readonly sinH: number;
  readonly cosH: number;
  readonly sinV: number;
  readonly cosV: number;
  /** Pixels per radian on the axis (pinhole, and down a cylinder: per unit tangent); null = image size unknown. */
  readonly fxPx: number | null;
  readonly fyPx: number | null;
  readonly widthPx: number | null;
  readonly heightPx: number | null;
  /** Half the image in focal lengths, where it crops a fisheye's circle; else Infinity. */
  readonly cropX: number;
  readonly cropY: number;
  /** Slant, inclusive. */
  readonly nearM: number;
  readonly farM: number;
}

/** Frustum of a view that {@link Known} says is complete; null for a lesser one. */
export function frustumOf(view: View, known: Known): Frustum | null {
  const { azimuthDeg, tiltDeg, rollDeg = 0, lens = 'pinhole' } = view;
  const { hfovDeg, vfovDeg, fxPx, fyPx, nearM, farM } = known;
  if (known.completeness !== 'frustum' || azimuthDeg === undefined || tiltDeg === undefined) return null;
  if (hfovDeg === null || vfovDeg === null || farM === null) return null;
  const axes = axesOf({ azimuthDeg, tiltDeg, rollDeg });
  const halfH = (hfovDeg * RAD) / 2;
  const halfV = (vfovDeg * RAD) / 2;
  const sinH = Math.sin(halfH);
  const cosH = Math.cos(halfH);
  const sinV = Math.sin(halfV);
  const cosV = Math.cos(halfV);
  const crop = isFisheye(lens) ? cropOf(lens, view, halfH) : UNCROPPED;
  return {
    rE: axes.rE,
    rN: axes.rN,
    rU: axes.rU,
    dE: axes.dE,
    dN: axes.dN,
    dU: axes.dU,
    fE: axes.fE,
    fN: axes.fN,
    fU: axes.fU,
    lens,
    drawing: lens === 'pinhole' ? 'pinhole' : isFisheye(lens) ? 'fisheye' : 'panorama',
    halfH,
    halfV,
    tanH: sinH / cosH,
    tanV: sinV / cosV,
    sinH,
    cosH,
    sinV,
    cosV,
    fxPx,
    fyPx,
    widthPx: view.imageWidthPx ?? null,
    heightPx: view.imageHeightPx ?? null,
    cropX: crop.x,
    cropY: crop.y,
    nearM,
    farM,
  };
}

const UNCROPPED = { x: Infinity, y: Infinity } as const;

function cropOf(lens: Fisheye, view: View, halfCone: number): { readonly x: number; readonly y: number } {
  const circle = circlePxOf(view);
  if (circle === null) return UNCROPPED;
  const edge = (sidePx: number | undefined): number =>
    sidePx === undefined || sidePx >= circle ? Infinity : (sidePx / circle) * imageRadius(lens, halfCone);
  return { x: edge(view.imageWidthPx), y: edge(view.imageHeightPx) };
}

/** Slant distance within near and far, both inclusive. */
export function inRange(nearM: number, farM: number, slantM: number): boolean {
  return slantM >= nearM - 1e-9 && slantM <= farM * (1 + 1e-12) + 1e-9;
}

/**
 * Whether the view shows the point that lies e, n, u metres east, north and above the optical centre: in range and in the
 * image. Nothing stands in the way here.
 */
export function sees(frustum: Frustum, e: number, n: number, u: number): boolean {
  const slant = Math.sqrt(e * e + n * n + u * u);
  return (
    inRange(frustum.nearM, frustum.farM, slant) &&
    inImage(
      frustum,
      e * frustum.rE + n * frustum.rN + u * frustum.rU,
      e * frustum.dE + n * frustum.dN + u * frustum.dU,
      e * frustum.fE + n * frustum.fN + u * frustum.fU,
    )
  );
}

/** Whether a point is in the image, edges included; x image right, y image down, z forward from the optical centre. */
export function inImage(frustum: Frustum, x: number, y: number, z: number): boolean {
  switch (frustum.drawing) {
    case 'pinhole':
      return z > 0 && Math.abs(x) <= z * frustum.tanH * (1 + EDGE) && Math.abs(y) <= z * frustum.tanV * (1 + EDGE);
    case 'fisheye':
      return inFisheye(frustum, x, y, z);
    case 'panorama': {
      const across = Math.hypot(x, z);
      return (
        Math.abs(Math.atan2(x, z)) <= frustum.halfH * (1 + EDGE) &&
        Math.abs(Math.atan2(y, across)) <= frustum.halfV * (1 + EDGE)
      );
    }
    default:
      throw new Error(`bug: drawing ${String(frustum.drawing satisfies never)}`);
  }
}

function inFisheye(frustum: Frustum, x: number, y: number, z: number): boolean {
  const off = Math.hypot(x, y);
  const theta = Math.atan2(off, z);
  if (theta > frustum.halfH * (1 + EDGE)) return false;
  if (off === 0 || (frustum.cropX === Infinity && frustum.cropY === Infinity)) return true;
  const radius = imageRadius(frustum.lens as Fisheye, theta) / off;
  return Math.abs(x) * radius <= frustum.cropX * (1 + EDGE) && Math.abs(y) * radius <= frustum.cropY * (1 + EDGE);
}

/** A point of the image: u right from 0 to the width, v down from 0 to the height, pixels. */
export interface Pixel {
  readonly u: number;
  readonly v: number;
}

/**
 * Where the lens draws a point, also beyond the image's edges; null where it draws none (pinhole at z ≤ 0, where a point
 * behind would appear mirrored) or where the image's size is unknown.
 */
export function pixelOf(frustum: Frustum, x: number, y: number, z: number): Pixel | null {
  const { fxPx, fyPx, widthPx, heightPx } = frustum;
  if (fxPx === null || fyPx === null || widthPx === null || heightPx === null) return null;
  const at = (dx: number, dy: number): Pixel => ({ u: widthPx / 2 + dx, v: heightPx / 2 + dy });
  switch (frustum.drawing) {
    case 'pinhole':
      return z > 0 ? at((fxPx * x) / z, (fyPx * y) / z) : null;
    case 'fisheye': {
      const off = Math.hypot(x, y);
      if (off === 0) return z > 0 ? at(0, 0) : null;
      const radius = (fxPx * imageRadius(frustum.lens as Fisheye, Math.atan2(off, z))) / off;
      return at(radius * x, radius * y);
    }
    case 'panorama': {
      const across = Math.hypot(x, z);
      const down = frustum.lens === 'cylindrical' ? y / across : Math.atan2(y, across);
      return at(fxPx * Math.atan2(x, z), fyPx * down);
    }
    default:
      throw new Error(`bug: drawing ${String(frustum.drawing satisfies never)}`);
  }
}
