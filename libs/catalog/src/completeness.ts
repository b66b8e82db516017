import { type Completeness, knownOf } from '#geo';
import type { CameraDocument } from './camera.document.js';

/** How much of a view is known, and the members that the next steps want, as JSON pointers (view.md, section 4). */
export interface Completed {
  readonly completeness: Completeness;
  readonly missing: readonly string[];
}

/** `point` → `direction` (azimuth) → `sector` (+ width and range) → `frustum` (+ tilt, height, vertical angle). */
export function completenessOf(camera: Pick<CameraDocument, 'view' | 'heightM'>): Completed {
  const { completeness, missing } = knownOf(camera);
  return { completeness, missing };
}
