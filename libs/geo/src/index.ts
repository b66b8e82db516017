export { wrap180, wrap360 } from './angle.js';
export {
  type GeoCamera,
  isTurning,
  type Lens,
  LENSES,
  type LonLat,
  type Preset,
  type PtzLimits,
  type Uncertainty,
  uncertaintyOf,
  type View,
} from './camera.js';
export { COMPLETENESS, type Completeness, farOfFocal, type Known, knownOf } from './completeness.js';
export * from './connected-systems.js';
export * from './coverage.js';
export * from './coverage-occlusion.js';
export { areaCoverage, type AreaCoverage, type AreaRefused } from './coverage-grid.js';
export { lineCoverage, type LineCoverage, type MultiLineString } from './coverage-line.js';
export { pxPerM } from './density.js';
export type { FlatFootprint } from './flat-footprint.js';
export * from './footprint.js';
export { type Frustum, frustumOf, inImage, inRange, type Pixel, pixelOf, sees } from './frustum.js';
export * from './heights.js';
export * from './indexed-views.js';
export { inFrustum, inSector, type InView, REASONS, type Reason } from './in-view.js';
export {
  acrossOther,
  type Angles,
  angleOfDiagonal,
  angleOfFocal,
  anglesOf,
  focalOfAngle,
  type FocalPx,
  focalPxOf,
  fovFits,
  isFisheye,
  zoomed,
} from './lens.js';
export * from './levels.js';
export * from './line-of-sight.js';
export { EARTH_RADIUS_M, type Enu, groundDistance, LocalFrame, REFRACTION } from './local-frame.js';
export { type MultiPolygon, type Position, toMultiPolygon } from './lon-lat-polygon.js';
export * from './mappings.js';
export * from './occlusion.js';
export * from './osm.js';
export { inPlane, planeArea, type PlanePolygon, type PlaneRing } from './plane.js';
export { type Axes, axesOf, type Pose, poseOf } from './pose.js';
export { isBlockedBy, type Prism } from './prism.js';
export { type Aim, aimAt, type Command, type Turning, turningFootprint, turningOf } from './ptz.js';
export { planeReach, type ReachOptions, reachOf, type Slab, SLAB_M, turningReachOf } from './reach.js';
export { type Sector, sectorOf } from './sector.js';
export * from './sight.js';
export { sunElevationDeg } from './sun.js';
export * from './tiled-heights.js';
export * from './turning-footprint.js';
export * from './viewshed.js';
