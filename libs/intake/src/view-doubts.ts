import type { CameraRegistration } from '#catalog';
import type { Draft } from './row.js';

/** A picture's sides and a view's angles may disagree so far, as a ratio of tangents. */
const ASPECT_TOLERANCE = 0.1;

/** Tilts of systems that count from the nadir (ArcGIS, KML): 90 is their horizon. */
const CONVERTED = { from: 60, to: 120 } as const;

/** Tilts that must agree before a file is said to count from elsewhere. */
const TELLING_ROWS = 3;

/** Warns of views that are right one by one and doubtful together (view.md, section 11). Nothing is changed. */
export function doubtViews(
  checked: readonly { readonly draft: Draft; readonly document: CameraRegistration | null }[],
): void {
  const tilted = checked.filter(({ document }) => document?.view?.tiltDeg !== undefined);
  const looksConverted =
    tilted.length >= TELLING_ROWS &&
    tilted.every(({ document }) => isBetween(document?.view?.tiltDeg ?? 0, CONVERTED.from, CONVERTED.to));
  for (const { draft, document } of checked) {
    const { tiltDeg } = document?.view ?? {};
    if (looksConverted && tiltDeg !== undefined) {
      const detail =
        'every tilt of this file looks up steeply; some systems count 90 as the horizon, here it is 0, and down is negative';
      const value = { value: String(tiltDeg), suggestion: String(tiltDeg - 90) };
      draft.warn(draft.sourceOf('/view/tiltDeg'), 'tilt_looks_converted', detail, value);
    }
    const aspect = aspectDoubt(document?.view);
    if (aspect !== null) draft.warn(draft.sourceOf('/view/vfovDeg'), 'fov_aspect_mismatch', aspect);
  }
}

const isBetween = (value: number, from: number, to: number): boolean => value >= from && value <= to;

/** What the sides of the picture say against the angles of a pinhole lens; null where they agree or too little is known. */
function aspectDoubt(view: CameraRegistration['view']): string | null {
  const { lens = 'pinhole', hfovDeg, vfovDeg, imageWidthPx, imageHeightPx } = view ?? {};
  if (lens !== 'pinhole' || hfovDeg === undefined || vfovDeg === undefined) return null;
  if (imageWidthPx === undefined || imageHeightPx === undefined) return null;
  const byAngles = tangentOf(hfovDeg) / tangentOf(vfovDeg);
  const byPixels = imageWidthPx / imageHeightPx;
  if (Math.abs(byAngles / byPixels - 1) <= ASPECT_TOLERANCE) return null;
  return `the angles make a picture ${byAngles.toFixed(2)} times as wide as high, the pixels one of ${byPixels.toFixed(2)}`;
}

const tangentOf = (angleDeg: number): number => Math.tan((angleDeg * Math.PI) / 360);
