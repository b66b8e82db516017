import { RAD } from './angle.js';
import type { GeoCamera } from './camera.js';
import { knownOf } from './completeness.js';
import { DISPLAY_STEP_DEG, type Footprint, type FootprintFeature, type FootprintOptions } from './footprint.js';
import { LocalFrame } from './local-frame.js';
import { toMultiPolygon } from './lon-lat-polygon.js';
import { planeArea } from './plane.js';
import { turningFootprint, turningOf } from './ptz.js';

/** Ground that a turning camera can be turned to show; null where no far end is known, or it meets no ground. */
export function turningFootprintOf(
  camera: GeoCamera,
  { arcStepDeg = DISPLAY_STEP_DEG, groundM = camera.elevationM ?? 0 }: Omit<FootprintOptions, 'minPxPerM'> = {},
): Pick<Footprint, 'geometry' | 'areaM2' | 'farDerived'> | null {
  const turning = turningOf(camera);
  if (turning === null) return null;
  const polygons = turningFootprint(turning, camera.heightM, arcStepDeg * RAD);
  const geometry = toMultiPolygon(new LocalFrame(camera.location.coordinates, groundM), polygons);
  return geometry === null ? null : { geometry, areaM2: planeArea(polygons), farDerived: turning.farDerived };
}

/** The same as a GeoJSON feature. Along the azimuth of no one view it has neither beginning nor end. @param computedAt RFC 3339, UTC */
export function turningFeature(
  camera: GeoCamera,
  computedAt: string,
  options?: Omit<FootprintOptions, 'minPxPerM'>,
): FootprintFeature {
  const { completeness } = knownOf(camera);
  const found = turningFootprintOf(camera, options) ?? { geometry: null, areaM2: 0, farDerived: false };
  const { geometry, ...properties } = found;
  return {
    type: 'Feature',
    geometry,
    properties: { ...properties, groundNearM: null, groundFarM: null, clamped: false, completeness, computedAt },
  };
}
