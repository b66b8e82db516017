import { type GeoCamera, isTurning, type Preset } from './camera.js';
import { knownOf } from './completeness.js';
import { footprintOf, shapeOf, STORED_STEP_DEG } from './footprint.js';
import type { MultiPolygon } from './lon-lat-polygon.js';
import { turningOf } from './ptz.js';
import { type ReachOptions, reachOf, turningReachOf } from './reach.js';
import { viewOfPreset } from './sight.js';
import { turningFootprintOf } from './turning-footprint.js';

/**
 * Version of all that is kept of a view. A change of the geometry that moves a stored footprint or reach raises it; `sightline
 * geometry rebuild` then brings what is kept up to date.
 */
export const GEOMETRY_VERSION = 1;

/** Which of a camera's views a row is about: the one it always has, the one it has now, or all that it can be turned to. */
export const INDEXED_BASES = ['fixed', 'current', 'reach'] as const;
export type IndexedBasis = (typeof INDEXED_BASES)[number];

/** What an index keeps of one view: a filter for questions about places, which `sight` then decides. */
export interface IndexedView {
  readonly basis: IndexedBasis;
  /** Whether a question that names no basis is about this view. */
  readonly isDefault: boolean;
  /** Slant distance beyond which nothing is seen, metres; 0 where the view shows nothing. */
  readonly farM: number;
  /** Ground that the view covers; null where too little is known, or it meets no ground. */
  readonly footprint: MultiPolygon | null;
  /** Holds every place within {@link SLAB_M} of the ground that may be seen; its polygons may overlap. */
  readonly reach: MultiPolygon | null;
}

/** The members of a camera that geometry reads, and no other: as long as they are equal, so are its views. */
export function geoCameraOf({
  location,
  heightM,
  elevationM,
  positionSource,
  positionAccuracyM,
  mobility,
  view,
  presets,
  ptz,
}: GeoCamera): GeoCamera {
  const turning = isTurning({ mobility });
  return {
    location: { coordinates: [location.coordinates[0], location.coordinates[1]] },
    heightM,
    elevationM,
    positionSource,
    positionAccuracyM,
    mobility,
    view,
    ...(turning ? { presets: presets?.map(poseOfPreset), ptz } : {}),
  };
}

const poseOfPreset = ({ id, azimuthDeg, tiltDeg, hfovDeg, vfovDeg, farM, source }: Preset): Preset => ({
  id,
  azimuthDeg,
  tiltDeg,
  hfovDeg,
  vfovDeg,
  farM,
  source,
});

/** Farthest slant distance of any of a camera's views, metres: ground within it decides on its reach. */
export function farthestOf(camera: GeoCamera): number {
  return Math.max(...indexedShapes(camera).map(({ farM }) => farM));
}

/**
 * The views of a camera as an index keeps them: one of a fixed camera, two of a turning one. A view that shows nothing is
 * among them, so that every camera has a row that says by which version of the geometry it was judged.
 */
export function indexedViews(camera: GeoCamera, options: ReachOptions = {}): readonly IndexedView[] {
  return indexedShapes(camera).map(({ basis, isDefault, farM }) => ({
    basis,
    isDefault,
    farM,
    ...(basis === 'reach' ? turned(camera, options) : looking(camera, options)),
  }));
}

function indexedShapes(camera: GeoCamera): readonly Pick<IndexedView, 'basis' | 'isDefault' | 'farM'>[] {
  const hasView = shapeOf(camera) !== null;
  const farM = hasView ? (knownOf(camera).farM ?? 0) : 0;
  if (!isTurning(camera)) return [{ basis: 'fixed', isDefault: true, farM }];
  const { presets = [] } = camera;
  const fars = presets.map(
    (preset) => knownOf({ view: viewOfPreset(camera, preset), heightM: camera.heightM }).farM ?? 0,
  );
  return [
    { basis: 'current', isDefault: hasView, farM },
    { basis: 'reach', isDefault: !hasView, farM: Math.max(turningOf(camera)?.farM ?? 0, ...fars) },
  ];
}

const groundOf = ({ groundM }: ReachOptions): Pick<ReachOptions, 'groundM'> =>
  groundM === undefined ? {} : { groundM };

type Kept = Pick<IndexedView, 'footprint' | 'reach'>;

function looking(camera: GeoCamera, options: ReachOptions): Kept {
  return {
    footprint: footprintOf(camera, { arcStepDeg: STORED_STEP_DEG, ...groundOf(options) })?.geometry ?? null,
    reach: reachOf(camera, camera.view, options),
  };
}

/** All that turning and presets can show: `sight` on the basis of reach asks both. */
function turned(camera: GeoCamera, options: ReachOptions): Kept {
  const parts = (camera.presets ?? []).map((preset) => reachOf(camera, viewOfPreset(camera, preset), options));
  return {
    footprint: turningFootprintOf(camera, { arcStepDeg: STORED_STEP_DEG, ...groundOf(options) })?.geometry ?? null,
    reach: together([turningReachOf(camera, options), ...parts]),
  };
}

function together(parts: readonly (MultiPolygon | null)[]): MultiPolygon | null {
  const coordinates = parts.flatMap((part) => part?.coordinates ?? []);
  return coordinates.length === 0 ? null : { type: 'MultiPolygon', coordinates };
}
