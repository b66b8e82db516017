import type { Light, PictureSignals, Reference, ReferenceView } from '#catalog';
import { lightOf } from './light.js';
import type { PictureState, Scene } from './picture-state.js';

/** Less contrast than this makes no reference: fog, and little else. */
const LEAST_SD = 10;
/** Laplacian variance by variance: of views it is below 4, of noise alone 20. Noise has no outlines that come again. */
const MOST_SHARPNESS = 8;
/** Whether later pictures can be compared with one of this look. */
export const isReferable = ({ sd, laplacianVariance }: PictureSignals): boolean =>
  sd >= LEAST_SD && laplacianVariance < MOST_SHARPNESS * sd * sd;

/** A picture of so many times the contrast of the reference shows more than it. */
const MORE_CONTRAST = 2;
/** After so long without a fault a reference is taken anew: seasons change. */
const RENEWED_AFTER_MS = 30 * 86_400_000;

/**
 * The light for which the present picture is to be the reference from now on; null for none. That is the first good picture, one that
 * shows far more than an automatic one, and one after thirty faultless days.
 * @param picture with the present picture judged
 * @param now milliseconds since 1970
 */
export function proposedFor(
  picture: PictureState,
  { isFixed, sunElevationDeg, reference }: Scene,
  now: number,
): Light | null {
  const { signals, faultlessSince, samples } = picture;
  if (!isFixed || signals === null || faultlessSince === null || samples !== 1 || !isReferable(signals)) return null;
  const light = lightOf(sunElevationDeg);
  const view = reference?.views[light];
  return view === undefined || isPoor(view, reference, signals.sd) || isOld(view, faultlessSince, now) ? light : null;
}

const isPoor = (view: ReferenceView, reference: Reference | null, sd: number): boolean =>
  reference?.source === 'automatic' && sd > MORE_CONTRAST * view.sd;

const isOld = ({ capturedAt }: ReferenceView, faultlessSince: number, now: number): boolean =>
  Math.max(Date.parse(capturedAt), faultlessSince) < now - RENEWED_AFTER_MS;
