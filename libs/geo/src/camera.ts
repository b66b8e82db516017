/** Longitude, then latitude, degrees, WGS 84. */
export type LonLat = readonly [lon: number, lat: number];

/** Projections of a lens; `fisheye` is the equidistant one. */
export const LENSES = [
  'pinhole',
  'fisheye',
  'fisheye_equisolid',
  'fisheye_stereographic',
  'fisheye_orthographic',
  'equirectangular',
  'cylindrical',
] as const;
export type Lens = (typeof LENSES)[number];

/** Sources of a pose that somebody measured: their undeclared accuracy is half a degree. */
const MEASURED: ReadonlySet<string> = new Set(['survey', 'calibrated']);

/** Sources of a position that name a place, not a mast: their undeclared accuracy is 50 m. */
const NAMED: ReadonlySet<string> = new Set(['geocoded', 'centroid', 'name_text']);

/**
 * Where a camera looks and how wide; the catalog's ViewDocument fits. What is unknown is absent: nothing is invented.
 * Angles: azimuth clockwise from true north, tilt above (+) or below (-) the horizon, roll clockwise seen from behind.
 */
export interface View {
  readonly azimuthDeg?: number | undefined;
  readonly tiltDeg?: number | undefined;
  readonly rollDeg?: number | undefined;
  /** Full horizontal angle; of a fisheye the full cone. */
  readonly hfovDeg?: number | undefined;
  readonly vfovDeg?: number | undefined;
  /** With `sensorWidthMm`, instead of `hfovDeg`; pinhole only. */
  readonly focalMm?: number | undefined;
  /** Width of the ACTIVE part of the sensor; never the inches of its name (15 % off either way). */
  readonly sensorWidthMm?: number | undefined;
  /** Slant distance where the view begins; default 0. */
  readonly nearM?: number | undefined;
  /** Slant distance where the view ends, inclusive. */
  readonly farM?: number | undefined;
  /** Size of the stream, not of the sensor. */
  readonly imageWidthPx?: number | undefined;
  readonly imageHeightPx?: number | undefined;
  /** Default `pinhole`. */
  readonly lens?: Lens | undefined;
  /** Diameter of a fisheye's image circle; default the smaller of width and height. */
  readonly circlePx?: number | undefined;
  /** Where the pose came from. */
  readonly source?: string | undefined;
  /** One sigma. */
  readonly azimuthAccuracyDeg?: number | undefined;
  /** One sigma. */
  readonly tiltAccuracyDeg?: number | undefined;
  /** When a turning camera looked there, RFC 3339. */
  readonly at?: string | undefined;
}

/** A pose that a turning camera knows by name; the catalog's PresetDocument fits. */
export interface Preset {
  readonly id: string;
  readonly azimuthDeg?: number | undefined;
  readonly tiltDeg?: number | undefined;
  readonly hfovDeg?: number | undefined;
  readonly vfovDeg?: number | undefined;
  readonly farM?: number | undefined;
  readonly source?: string | undefined;
}

/** Limits within which a camera turns and zooms; the catalog's PtzDocument fits. */
export interface PtzLimits {
  /** Turning goes clockwise from here … */
  readonly azimuthMinDeg?: number | undefined;
  /** … to here; 0 to 360 is all round. */
  readonly azimuthMaxDeg?: number | undefined;
  readonly tiltMinDeg?: number | undefined;
  readonly tiltMaxDeg?: number | undefined;
  readonly hfovWideDeg?: number | undefined;
  readonly hfovTeleDeg?: number | undefined;
  readonly zoomTable?: readonly { readonly zoom: number; readonly hfovDeg: number }[] | undefined;
}

/** What geometry wants of a camera; the catalog's CameraDocument fits. */
export interface GeoCamera {
  readonly location: { readonly coordinates: LonLat };
  /** Optical centre above the ground at the mast. */
  readonly heightM?: number | undefined;
  /** Ground at the mast. */
  readonly elevationM?: number | undefined;
  readonly positionSource?: string | undefined;
  /** One sigma. */
  readonly positionAccuracyM?: number | undefined;
  /** `ptz`, `dome` and `panning` turn; default `fixed`. */
  readonly mobility?: string | undefined;
  readonly lifecycle?: string | undefined;
  readonly view?: View | undefined;
  readonly presets?: readonly Preset[] | undefined;
  readonly ptz?: PtzLimits | undefined;
}

/** Whether the camera can be turned. */
export function isTurning({ mobility }: Pick<GeoCamera, 'mobility'>): boolean {
  return mobility === 'ptz' || mobility === 'dome' || mobility === 'panning';
}

/** Uncertainties, one sigma; `declared` ones are 0 where the agency said nothing. */
export interface Uncertainty {
  readonly azimuthDeg: number;
  readonly tiltDeg: number;
  readonly positionM: number;
  readonly declared: { readonly azimuthDeg: number; readonly tiltDeg: number; readonly positionM: number };
}

/** How well pose and position are known: as declared, else by their sources (defaults of view.md section 6). */
export function uncertaintyOf(
  { positionSource, positionAccuracyM }: Pick<GeoCamera, 'positionSource' | 'positionAccuracyM'>,
  { source, azimuthAccuracyDeg, tiltAccuracyDeg }: View,
): Uncertainty {
  const measured = MEASURED.has(source ?? '');
  const undeclaredM = positionSource === 'survey' ? 0.3 : NAMED.has(positionSource ?? '') ? 50 : 5;
  return {
    azimuthDeg: azimuthAccuracyDeg ?? (measured ? 0.5 : 5),
    tiltDeg: tiltAccuracyDeg ?? (measured ? 0.5 : 3),
    positionM: positionAccuracyM ?? undeclaredM,
    declared: {
      azimuthDeg: azimuthAccuracyDeg ?? 0,
      tiltDeg: tiltAccuracyDeg ?? 0,
      positionM: positionAccuracyM ?? 0,
    },
  };
}
