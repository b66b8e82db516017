import { clamp, RAD, wrap180, wrap360 } from './angle.js';
import type { GeoCamera, PtzLimits } from './camera.js';
import { farOfFocal } from './completeness.js';
import { LEAST_HEIGHT_M } from './footprint.js';
import { rangeReason, type Reason, sideBy } from './in-view.js';
import { fovFits } from './lens.js';
import type { Enu } from './local-frame.js';
import { appendArc, circle, type PlanePolygon } from './plane.js';
import type { Axes } from './pose.js';

/** What a turning camera can be turned to. Focal lengths count in half image widths: 1 / tan(hfov / 2). */
export interface Turning {
  /** Azimuths go clockwise from here, over `spanDeg`; 360 = all round. With a `base`, pans. */
  readonly azimuthFromDeg: number;
  readonly spanDeg: number;
  /** Without declared limits the reach is a disc, which claims no direction. */
  readonly azimuthDeclared: boolean;
  readonly tiltMinDeg: number;
  readonly tiltMaxDeg: number;
  readonly tiltDeclared: boolean;
  readonly wideFocal: number | null;
  readonly teleFocal: number | null;
  /** Image height by width; unknown: nothing is reached off the middle line. */
  readonly aspect: number | null;
  readonly widthPx: number | null;
  readonly nearM: number;
  readonly farM: number;
  readonly farDerived: boolean;
  /** Axes of the device at pan 0 and tilt 0, where its base does not stand level; pan and tilt then count from them. */
  readonly base?: Axes;
}

/** Where to turn a camera, degrees; null = no field of view is known. */
export interface Command {
  readonly azimuthDeg: number;
  readonly tiltDeg: number;
  readonly hfovDeg: number | null;
}

/** Whether some legal pan, tilt and zoom shows a point. */
export interface Aim {
  /** `centre`: in the middle of the image; `edge`: only off it, at a mechanical limit; `none` with the reason. */
  readonly reach: 'centre' | 'edge' | 'none';
  readonly reason: Reason | null;
  /** The nearest legal aim, zoomed in as far as the point stays in the image. */
  readonly command: Command;
  /** Longest focal length that keeps the point in the image, tele limit included, pixels; null where unknown. */
  readonly focalPx: number | null;
  /** Pixels per metre then. */
  readonly pxPerM: number | null;
  readonly depthM: number;
  readonly offAxisDeg: number;
}

/** A span so wide that turning has no dead zone to speak of (0 to 359 in many lists means all round). */
const ALL_ROUND_DEG = 359;

/** Limits of a camera's turning; null where no far end is known, nor follows from a width in degrees and pixels. */
export function turningOf({ ptz = {}, view = {} }: Pick<GeoCamera, 'ptz' | 'view'>): Turning | null {
  const { azimuthMinDeg, azimuthMaxDeg, tiltMinDeg, tiltMaxDeg } = ptz;
  const widthPx = view.imageWidthPx ?? null;
  const { wideFocal, teleFocal } = focalsOf(ptz);
  const derivedM = widthPx === null || teleFocal === null ? null : farOfFocal((teleFocal * widthPx) / 2);
  const farM = view.farM ?? derivedM;
  if (farM === null) return null;
  const azimuthDeclared = azimuthMinDeg !== undefined && azimuthMaxDeg !== undefined;
  const span = azimuthDeclared ? azimuthMaxDeg - azimuthMinDeg : 360;
  return {
    azimuthFromDeg: azimuthMinDeg ?? 0,
    spanDeg: span >= ALL_ROUND_DEG ? 360 : wrap360(span),
    azimuthDeclared,
    tiltMinDeg: tiltMinDeg ?? -90,
    tiltMaxDeg: tiltMaxDeg ?? 90,
    tiltDeclared: tiltMinDeg !== undefined && tiltMaxDeg !== undefined,
    wideFocal,
    teleFocal,
    aspect: widthPx === null || view.imageHeightPx === undefined ? null : view.imageHeightPx / widthPx,
    widthPx,
    nearM: view.nearM ?? 0,
    farM,
    farDerived: view.farM === undefined,
  };
}

function focalsOf({ hfovWideDeg, hfovTeleDeg, zoomTable = [] }: PtzLimits): Pick<Turning, 'wideFocal' | 'teleFocal'> {
  const known = [hfovWideDeg, hfovTeleDeg, ...zoomTable.map(({ hfovDeg }) => hfovDeg)].filter(
    (deg): deg is number => deg !== undefined && fovFits('pinhole', deg),
  );
  if (known.length === 0) return { wideFocal: null, teleFocal: null };
  const focal = (deg: number): number => 1 / Math.tan((deg * RAD) / 2);
  return { wideFocal: focal(Math.max(...known)), teleFocal: focal(Math.min(...known)) };
}

/** The nearest legal aim at a point, metres in the frame of the optical centre, and what it would show. */
export function aimAt(turning: Turning, { e, n, u }: Enu): Aim {
  const { base, azimuthFromDeg, spanDeg, tiltMinDeg, tiltMaxDeg } = turning;
  const [east, north, up] =
    base === undefined
      ? [e, n, u]
      : [
          e * base.rE + n * base.rN + u * base.rU,
          e * base.fE + n * base.fN + u * base.fU,
          -(e * base.dE + n * base.dN + u * base.dU),
        ];
  const slant = Math.hypot(east, north, up);
  const wanted = wrap360(Math.atan2(east, north) / RAD);
  const azimuthDeg = nearestAzimuth(wanted, azimuthFromDeg, spanDeg);
  const aside = wrap180(wanted - azimuthDeg) * RAD;
  const elevation = Math.atan2(up, Math.hypot(east, north));
  const level = Math.cos(elevation);
  // The tilt that puts y = 0 also for a target off to the side.
  const wantedTilt = Math.atan2(Math.sin(elevation), level * Math.cos(aside)) / RAD;
  const tiltDeg = clamp(wantedTilt, tiltMinDeg, tiltMaxDeg);
  const sinT = Math.sin(tiltDeg * RAD);
  const cosT = Math.cos(tiltDeg * RAD);
  const ahead = level * Math.cos(aside);
  const x = aside === 0 ? 0 : slant * level * Math.sin(aside);
  const y = tiltDeg === wantedTilt ? 0 : slant * (ahead * sinT - Math.sin(elevation) * cosT);
  const z = slant * (ahead * cosT + Math.sin(elevation) * sinT);
  return seenFrom(turning, { azimuthDeg, tiltDeg }, slant, x, y, z);
}

function nearestAzimuth(wantedDeg: number, fromDeg: number, spanDeg: number): number {
  if (spanDeg >= 360 || wrap360(wantedDeg - fromDeg) <= spanDeg) return wantedDeg;
  const toDeg = fromDeg + spanDeg;
  const nearer = Math.abs(wrap180(wantedDeg - fromDeg)) <= Math.abs(wrap180(wantedDeg - toDeg)) ? fromDeg : toDeg;
  return wrap360(nearer);
}

function seenFrom(
  turning: Turning,
  aim: { readonly azimuthDeg: number; readonly tiltDeg: number },
  slant: number,
  x: number,
  y: number,
  z: number,
): Aim {
  const { wideFocal, teleFocal, aspect, widthPx } = turning;
  const middle = x === 0 && y === 0;
  const acrossMost = x === 0 ? Infinity : z / Math.abs(x);
  const alongMost = y === 0 ? Infinity : ((aspect ?? 0) * z) / Math.abs(y);
  const most = Math.min(acrossMost, alongMost);
  // Off the middle an unknown width shows nothing for sure.
  const shown = z > 0 && (middle || (wideFocal !== null && most >= wideFocal * (1 - 1e-9)));
  const side = z <= 0 ? 'behind' : sideBy(acrossMost <= alongMost, x, y);
  const reason = rangeReason(turning, slant) ?? (shown ? null : side);
  const focal = teleFocal === null ? null : Math.min(shown ? most : (wideFocal ?? teleFocal), teleFocal);
  const focalPx = focal === null || widthPx === null ? null : (focal * widthPx) / 2;
  return {
    reach: reason !== null ? 'none' : middle ? 'centre' : 'edge',
    reason,
    command: { ...aim, hfovDeg: focal === null ? null : (2 * Math.atan(1 / focal)) / RAD },
    focalPx,
    pxPerM: focalPx === null || reason !== null ? null : focalPx / z,
    depthM: z,
    offAxisDeg: Math.atan2(Math.hypot(x, y), z) / RAD,
  };
}

/**
 * Ground that the camera can be turned to show, as an annular sector on the plane heightM below it (a display, a little
 * generous at its corners); `step` in radians. Empty where even the lowest aim ends above the horizon.
 */
export function turningFootprint(turning: Turning, heightM: number | undefined, step: number): readonly PlanePolygon[] {
  const { nearM, farM, tiltMinDeg, tiltMaxDeg, azimuthFromDeg } = turning;
  const height = Math.max(LEAST_HEIGHT_M, heightM ?? 0);
  const halfV = turning.wideFocal === null ? 0 : Math.atan((turning.aspect ?? 0) / turning.wideFocal);
  const lowest = tiltMinDeg * RAD - halfV;
  const highest = tiltMaxDeg * RAD + halfV;
  if (farM <= height || nearM >= farM || lowest >= 0) return [];
  const onGround = (slant: number): number => Math.sqrt(Math.max(0, slant * slant - height * height));
  const outer = highest >= 0 ? onGround(farM) : Math.min(onGround(farM), height / Math.tan(-highest));
  const inner = Math.max(onGround(nearM), lowest <= -Math.PI / 2 ? 0 : height / Math.tan(-lowest));
  if (inner >= outer) return [];
  const corner = Math.max(cornerOffset(turning, tiltMinDeg), cornerOffset(turning, tiltMaxDeg));
  const span = turning.spanDeg * RAD + 2 * corner;
  if (span >= 2 * Math.PI)
    return [inner > 0 ? [circle(outer, step), circle(inner, step, true)] : [circle(outer, step)]];
  const ring: number[] = [];
  const right = (90 - azimuthFromDeg - turning.spanDeg) * RAD - corner;
  appendArc(ring, outer, right, span, step);
  if (inner > 0) appendArc(ring, inner, right + span, -span, step);
  else ring.push(0, 0);
  return [[ring]];
}

/** How far aside of its azimuth, radians, a corner of the widest image lies at a tilt; π where a corner is behind. */
export function cornerOffset({ wideFocal, aspect }: Turning, tiltDeg: number): number {
  if (wideFocal === null) return 0;
  const ahead = Math.cos(tiltDeg * RAD) - ((aspect ?? 0) / wideFocal) * Math.abs(Math.sin(tiltDeg * RAD));
  return ahead <= 0 ? Math.PI : Math.atan2(1 / wideFocal, ahead);
}
