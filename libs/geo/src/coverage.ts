import { type GeoCamera, isTurning, type LonLat } from './camera.js';
import { shapeOf } from './footprint.js';
import type { Frustum } from './frustum.js';
import type { OcclusionModel } from './occlusion.js';
import { isFresh } from './sight.js';

/** A view that counts for coverage. */
export interface CoverageView {
  /** Which camera it is of: one counts once, whatever its views. */
  readonly camera: string;
  readonly position: LonLat;
  readonly frustum: Frustum;
  readonly heightM: number;
}

/** Whether the line from a view to a place, metres east and north of it on its ground, is clear. */
export type IsClear = (e: number, n: number) => boolean;

export interface CoverageOptions {
  /** Pixels per metre that count; 0 = any. */
  readonly minPxPerM?: number;
  /** Cameras that a place wants; default 1. */
  readonly k?: number;
  /** Size of cells, or of steps along a line, metres; default 1, more for large areas. */
  readonly cellM?: number;
  /** Makes the test of lines for a view, once a view; null where nothing is known there, which is no "no". */
  readonly clearFrom?: (view: CoverageView) => IsClear | null;
  /** What `clearFrom` rests on, for the answer. */
  readonly model?: OcclusionModel;
}

/** The view of a camera that counts for coverage: complete, fixed or current (a PTZ camera cannot look everywhere at once). */
export function coverageViewOf(camera: GeoCamera & { readonly id: string }, atMs: number): CoverageView | null {
  if (camera.lifecycle === 'retired' || (isTurning(camera) && !isFresh(camera.view ?? {}, atMs))) return null;
  const shape = shapeOf(camera);
  // A sector is never more than possible.
  if (shape === null || shape.kind === 'sector') return null;
  const { frustum, heightM } = shape;
  return { camera: camera.id, position: camera.location.coordinates, frustum, heightM };
}

/** Views in the order of their cameras, which is what lets a cell remember only the last camera that it met. */
export function byCamera(views: readonly CoverageView[]): readonly CoverageView[] {
  return [...views].sort((a, b) => (a.camera < b.camera ? -1 : a.camera > b.camera ? 1 : 0));
}
