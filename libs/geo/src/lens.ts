import { RAD } from './angle.js';
import type { Lens, View } from './camera.js';

/** The four projections of a fisheye. */
export type Fisheye = Extract<Lens, `fisheye${string}`>;

/** Whether angles are ones that the projection can have. Degrees; beyond them the image would grow without end. */
const FITS: Readonly<Record<Lens, (hfovDeg: number, vfovDeg: number) => boolean>> = {
  pinhole: (hfov, vfov) => hfov < 180 && vfov < 180,
  fisheye: (cone) => cone <= 360,
  fisheye_equisolid: (cone) => cone <= 360,
  fisheye_stereographic: (cone) => cone < 360,
  fisheye_orthographic: (cone) => cone <= 180,
  equirectangular: (hfov, vfov) => hfov <= 360 && vfov <= 180,
  cylindrical: (hfov, vfov) => hfov <= 360 && vfov < 180,
};

/**
 * Whether a lens can be this wide, degrees (code `fov_out_of_range` where not). Of a fisheye only the cone counts,
 * which is `hfovDeg`.
 */
export function fovFits(lens: Lens, hfovDeg: number, vfovDeg = 1): boolean {
  return hfovDeg > 0 && vfovDeg > 0 && FITS[lens](hfovDeg, vfovDeg);
}

/** Whether a lens is one of the four fisheyes. */
export function isFisheye(lens: Lens): lens is Fisheye {
  return lens.startsWith('fisheye');
}

/** Full angle of a pinhole lens across a sensor side, degrees; focal length and ACTIVE side in the same unit. */
export function angleOfFocal(focal: number, side: number): number {
  return (2 * Math.atan(side / (2 * focal))) / RAD;
}

/** Focal length that gives a pinhole lens this full angle across a side; in the unit of the side (mm or px). */
export function focalOfAngle(angleDeg: number, side: number): number {
  return side / (2 * Math.tan((angleDeg * RAD) / 2));
}

/** Angle along the image's other side, square pixels, pinhole, degrees. */
export function acrossOther(angleDeg: number, sidePx: number, otherPx: number): number {
  return (2 * Math.atan((Math.tan((angleDeg * RAD) / 2) * otherPx) / sidePx)) / RAD;
}

/** Horizontal angle of a pinhole lens of which the diagonal angle is published, square pixels, degrees. */
export function angleOfDiagonal(dfovDeg: number, widthPx: number, heightPx: number): number {
  return acrossOther(dfovDeg, Math.hypot(widthPx, heightPx), widthPx);
}

/** Angle left by an optical zoom or a digital crop of factor m, pinhole, degrees; a crop shrinks the pixels with it. */
export function zoomed(angleDeg: number, factor: number): number {
  return acrossOther(angleDeg, factor, 1);
}

/** Full angles of a view, degrees; null where unknown or impossible for its lens. */
export interface Angles {
  readonly hfovDeg: number | null;
  readonly vfovDeg: number | null;
}

const UNKNOWN: Angles = { hfovDeg: null, vfovDeg: null };

/**
 * Angles of a view: as given, else from focal length and sensor width (pinhole), the vertical one from square pixels.
 * Of a fisheye both are its cone. An angle that the lens cannot have counts as unknown.
 */
export function anglesOf(view: View): Angles {
  const lens = view.lens ?? 'pinhole';
  const hfovDeg = view.hfovDeg ?? angleOfView(view, lens);
  if (hfovDeg === null || !fovFits(lens, hfovDeg)) return UNKNOWN;
  if (isFisheye(lens)) return { hfovDeg, vfovDeg: hfovDeg };
  const vfovDeg = view.vfovDeg ?? verticalOf(lens, hfovDeg, view);
  return vfovDeg !== null && fovFits(lens, hfovDeg, vfovDeg) ? { hfovDeg, vfovDeg } : { hfovDeg, vfovDeg: null };
}

function angleOfView({ focalMm, sensorWidthMm }: View, lens: Lens): number | null {
  if (lens !== 'pinhole' || focalMm === undefined || sensorWidthMm === undefined) return null;
  return angleOfFocal(focalMm, sensorWidthMm);
}

function verticalOf(lens: Exclude<Lens, Fisheye>, hfovDeg: number, view: View): number | null {
  const { imageWidthPx: width, imageHeightPx: height } = view;
  if (width === undefined || height === undefined) return null;
  switch (lens) {
    case 'pinhole':
      return acrossOther(hfovDeg, width, height);
    case 'equirectangular':
      return (hfovDeg * height) / width;
    case 'cylindrical':
      return (2 * Math.atan((hfovDeg * RAD * height) / (2 * width))) / RAD;
    default:
      throw new Error(`bug: lens ${String(lens satisfies never)}`);
  }
}

/**
 * Pixels per radian on the axis along image right and down (pinhole and the vertical of a cylinder: per unit tangent);
 * null where the image's width is unknown.
 */
export interface FocalPx {
  readonly fxPx: number | null;
  readonly fyPx: number | null;
}

/** Focal lengths in pixels of a view with the angles of {@link anglesOf}. */
export function focalPxOf(view: View, { hfovDeg, vfovDeg }: Angles): FocalPx {
  const lens = view.lens ?? 'pinhole';
  const { imageWidthPx: width, imageHeightPx: height } = view;
  if (hfovDeg === null) return { fxPx: null, fyPx: null };
  if (isFisheye(lens)) {
    const circle = circlePxOf(view);
    const fPx = circle === null ? null : circle / 2 / imageRadius(lens, (hfovDeg * RAD) / 2);
    return { fxPx: fPx, fyPx: fPx };
  }
  const along = (angleDeg: number | null, sidePx: number | undefined, flat: boolean): number | null => {
    if (angleDeg === null || sidePx === undefined) return null;
    return flat ? focalOfAngle(angleDeg, sidePx) : sidePx / (angleDeg * RAD);
  };
  const fxPx = along(hfovDeg, width, lens === 'pinhole');
  // Without a height the pixels are square.
  return { fxPx, fyPx: along(vfovDeg, height, lens !== 'equirectangular') ?? fxPx };
}

/** Diameter of a fisheye's image circle, pixels; null where unknown. */
export function circlePxOf({ circlePx, imageWidthPx, imageHeightPx }: View): number | null {
  if (circlePx !== undefined) return circlePx;
  return imageWidthPx === undefined || imageHeightPx === undefined ? null : Math.min(imageWidthPx, imageHeightPx);
}

/** g(theta): distance from the image centre in focal lengths of a ray this far off the axis, radians. */
export function imageRadius(lens: Fisheye, theta: number): number {
  switch (lens) {
    case 'fisheye':
      return theta;
    case 'fisheye_equisolid':
      return 2 * Math.sin(theta / 2);
    case 'fisheye_stereographic':
      return 2 * Math.tan(theta / 2);
    case 'fisheye_orthographic':
      return Math.sin(theta);
    default:
      throw new Error(`bug: fisheye ${String(lens satisfies never)}`);
  }
}

/** g'(theta), the derivative of {@link imageRadius}. */
export function imageRadiusSlope(lens: Fisheye, theta: number): number {
  switch (lens) {
    case 'fisheye':
      return 1;
    case 'fisheye_equisolid':
      return Math.cos(theta / 2);
    case 'fisheye_stereographic':
      return 1 / Math.cos(theta / 2) ** 2;
    case 'fisheye_orthographic':
      return Math.cos(theta);
    default:
      throw new Error(`bug: fisheye ${String(lens satisfies never)}`);
  }
}
