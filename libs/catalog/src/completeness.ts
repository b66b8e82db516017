import type { CameraDocument } from './camera.document.js';
import type { Completeness } from './codes.js';

/** How much of a view is known, and the members that the next steps want (view.md, section 4). */
export interface Known {
  readonly completeness: Completeness;
  /** JSON pointers. */
  readonly missing: readonly string[];
}

type Stated = Pick<CameraDocument, 'view' | 'heightM'>;

/**
 * `point` → `direction` (azimuth) → `sector` (+ width and range) → `frustum` (+ tilt, height, vertical angle).
 * Nothing is invented: a range follows only from a known width in degrees and pixels.
 */
export function completenessOf({ view = {}, heightM }: Stated): Known {
  const hasWidth = view.hfovDeg !== undefined || (view.focalMm !== undefined && view.sensorWidthMm !== undefined);
  const hasRange = view.farM !== undefined || (hasWidth && view.imageWidthPx !== undefined);
  const hasVertical =
    view.vfovDeg !== undefined || (hasWidth && view.imageWidthPx !== undefined && view.imageHeightPx !== undefined);
  const wanted: readonly (readonly [known: boolean, pointer: string])[] = [
    [view.azimuthDeg !== undefined, '/view/azimuthDeg'],
    [hasWidth, '/view/hfovDeg'],
    [hasRange, '/view/farM'],
    [view.tiltDeg !== undefined, '/view/tiltDeg'],
    [heightM !== undefined, '/heightM'],
    [hasVertical, '/view/vfovDeg'],
  ];
  const missing = wanted.filter(([known]) => !known).map(([, pointer]) => pointer);
  return { completeness: levelOf(missing), missing };
}

function levelOf(missing: readonly string[]): Completeness {
  const lacks = (...pointers: string[]): boolean => pointers.some((pointer) => missing.includes(pointer));
  if (lacks('/view/azimuthDeg')) return 'point';
  if (lacks('/view/hfovDeg', '/view/farM')) return 'direction';
  return missing.length > 0 ? 'sector' : 'frustum';
}
