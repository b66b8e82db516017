import { LENSES, type Lens, VIEW_SOURCES, type ViewSource } from './codes.js';
import { Azimuth, Moment, Names, NestedList, OneOf, Optional, Real, rule, Switch, Text, Whole } from './rules.js';
import { shown } from './problems.js';

const PIXELS = { min: 1, max: 20_000 } as const;
const TILT = { min: -90, max: 90 } as const;
const HFOV = { above: 0, max: 360 } as const;
const VFOV = { above: 0, max: 180 } as const;
const ACCURACY = { above: 0, max: 180 } as const;

/** Where a camera looks and how wide: pose and lens. */
export class ViewDocument {
  /** Where the optical axis points, degrees clockwise from true north; 360 is written 0. @example 225 */
  @Optional() @Azimuth() azimuthDeg?: number;
  /** Above (+) or below (-) the horizon, degrees. @example -20 */
  @Optional() @Real(TILT) tiltDeg?: number;
  /** Clockwise as seen from behind the camera, degrees. Default 0. @example 0 */
  @Optional() @Real({ above: -180, max: 180 }) rollDeg?: number;
  /** Horizontal field of view, degrees; below 180 for a pinhole lens. @example 60 */
  @Optional() @Real(HFOV) hfovDeg?: number;
  /** Vertical field of view, degrees; from square pixels where absent. @example 34 */
  @Optional() @Real(VFOV) vfovDeg?: number;
  /** Focal length, millimetres; with sensorWidthMm instead of hfovDeg, which is then filled in. @example 4 */
  @Optional() @Real({ above: 0, max: 5_000 }) focalMm?: number;
  /** Width of the sensor's active part, millimetres. @example 5.4 */
  @Optional() @Real({ above: 0, max: 100 }) sensorWidthMm?: number;
  /** Slant distance where the view begins, metres. Default 0. @example 0 */
  @Optional() @Real({ min: 0, below: 20_000 }) nearM?: number;
  /** Slant distance where the view ends, metres. @example 150 */
  @Optional() @Real({ above: 0, max: 20_000 }) farM?: number;
  /** Width of the stream served, pixels. @example 1920 */
  @Optional() @Whole(PIXELS) imageWidthPx?: number;
  /** Height of the stream served, pixels. @example 1080 */
  @Optional() @Whole(PIXELS) imageHeightPx?: number;
  /** Diameter of a fisheye's image circle, pixels. Default the smaller of width and height. @example 1080 */
  @Optional() @Whole({ min: 1, max: 40_000 }) circlePx?: number;
  /** Projection of the lens. Default `pinhole`. */
  @Optional() @OneOf(LENSES) lens?: Lens;
  /** Where the pose came from. Default `declared`. */
  @Optional() @OneOf(VIEW_SOURCES) source?: ViewSource;
  /** Uncertainty of the azimuth, degrees, one sigma. @example 3 */
  @Optional() @Real(ACCURACY) azimuthAccuracyDeg?: number;
  /** Uncertainty of the tilt, degrees, one sigma. @example 2 */
  @Optional() @Real(ACCURACY) tiltAccuracyDeg?: number;
  /** When a turning camera looked there, RFC 3339. */
  @Optional() @Moment() at?: string;
  /** The pose is true from then, RFC 3339. */
  @Optional() @Moment() validFrom?: string;
  /** The pose was true until then, RFC 3339. */
  @Optional() @Moment() validTo?: string;
}

/** A pose that a turning camera knows by number or name. */
export class PresetDocument {
  /** Number or word by which the device knows it. @example "1" */
  @Text(1, 64) id!: string;
  /** Name for people. @example "Upstream" */
  @Optional() @Text(1, 200) name?: string;
  /** Name by language. */
  @Optional() @Names() names?: Record<string, string>;
  /** Where it looks, degrees clockwise from true north. @example 90 */
  @Optional() @Azimuth() azimuthDeg?: number;
  /** Above or below the horizon, degrees. @example -5 */
  @Optional() @Real(TILT) tiltDeg?: number;
  /** Horizontal field of view, degrees. @example 40 */
  @Optional() @Real(HFOV) hfovDeg?: number;
  /** Vertical field of view, degrees. @example 23 */
  @Optional() @Real(VFOV) vfovDeg?: number;
  /** Slant distance where the view ends, metres. @example 300 */
  @Optional() @Real({ above: 0, max: 20_000 }) farM?: number;
  /** Direction of the carriageway it shows; never an azimuth. @example "1" */
  @Optional() @Text(1, 64) roadDirection?: string;
  /** Where the pose came from. */
  @Optional() @OneOf(VIEW_SOURCES) source?: ViewSource;
  /** Whether the agency uses the preset. */
  @Optional() @Switch() inUse?: boolean;
}

/** Field of view at one step of a zoom. */
export class ZoomStepDocument {
  /** The device's own figure for the zoom. @example 1 */
  @Real({ min: -1_000_000, max: 1_000_000 }) zoom!: number;
  /** Horizontal field of view there, degrees. @example 60 */
  @Real(HFOV) hfovDeg!: number;
}

/** Limits within which a camera can turn and zoom. */
export class PtzDocument {
  /** Turning begins here, degrees clockwise from true north. @example 270 */
  @Optional() @Real({ min: 0, max: 360 }) azimuthMinDeg?: number;
  /** Turning ends here, clockwise from azimuthMinDeg; 0 to 360 is all round. @example 90 */
  @Optional() @Real({ min: 0, max: 360 }) azimuthMaxDeg?: number;
  /** Lowest tilt, degrees. @example -90 */
  @Optional() @Real(TILT) tiltMinDeg?: number;
  /** Highest tilt, degrees. @example 10 */
  @Optional() @Real(TILT) tiltMaxDeg?: number;
  /** Widest horizontal field of view, degrees. @example 60 */
  @Optional() @Real(HFOV) hfovWideDeg?: number;
  /** Narrowest horizontal field of view, degrees. @example 2 */
  @Optional() @Real(HFOV) hfovTeleDeg?: number;
  /** Field of view by zoom. */
  @Optional() @NestedList(() => ZoomStepDocument, 64) zoomTable?: ZoomStepDocument[];
  /** True azimuth of the device's pan 0, degrees. @example 0 */
  @Optional() @Azimuth() pan0AzimuthDeg?: number;
  /** 1 where a growing pan turns right, -1 where it turns left. @example 1 */
  @Optional()
  @rule('panSign', { type: 'integer', enum: [1, -1] }, (value) =>
    value === 1 || value === -1 ? null : ['enum', `expected 1 or -1, got ${shown(value)}`],
  )
  panSign?: 1 | -1;
  /** Preset to which the camera returns. @example "1" */
  @Optional() @Text(1, 64) homePreset?: string;
}
