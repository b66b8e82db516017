import { angleOfFocal } from '#geo';
import type { ViewDocument } from './view.document.js';

/**
 * A view whose horizontal angle is filled in where the agency gave a focal length and the width of the sensor instead (pinhole only). An
 * angle that we filled in before follows a new focal length; one that the agency stated stays.
 */
export function filledView(view: ViewDocument | undefined, before: ViewDocument | undefined): ViewDocument | undefined {
  const hfovDeg = view === undefined ? undefined : angleIn(view);
  if (view === undefined || hfovDeg === undefined) return view;
  const isOurs = view.hfovDeg === undefined || (before !== undefined && view.hfovDeg === angleIn(before));
  return isOurs ? { ...view, hfovDeg } : view;
}

/** Degrees to six decimals, a millimetre at fifty kilometres. */
function angleIn({ lens = 'pinhole', focalMm, sensorWidthMm }: ViewDocument): number | undefined {
  if (lens !== 'pinhole' || focalMm === undefined || sensorWidthMm === undefined) return undefined;
  return Math.round(angleOfFocal(focalMm, sensorWidthMm) * 1e6) / 1e6;
}
