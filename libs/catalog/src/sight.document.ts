import { CERTAINTIES, type Certainty, OCCLUSION_MODELS, REASONS, SIGHT_BASES, type SightBasis } from '#geo';
import { Shown } from './member-schema.js';

const metres = { type: 'number', minimum: 0 } as const;
const degrees = { type: 'number' } as const;
const nullable = { type: ['number', 'null'] } as const;

/** How to turn a camera so that it shows a place. */
export class AimDocument {
  /** Where to turn it, degrees clockwise from true north. */
  @Shown(degrees) azimuthDeg!: number;
  /** Above (+) or below (-) the horizon, degrees. */
  @Shown(degrees) tiltDeg!: number;
  /** How far to zoom in; null where no field of view is known. */
  @Shown(nullable) hfovDeg!: number | null;
}

/** A place in the picture, pixels of `view.imageWidthPx` × `imageHeightPx`, edges included. */
export class PixelDocument {
  /** From the left. */
  @Shown({ type: 'number' }) u!: number;
  /** From the top. */
  @Shown({ type: 'number' }) v!: number;
}

/** What a pixel density is good for. */
export class LevelDocument {
  /** IEC 62676-4:2025: `none`, `overview` 20 px/m, `outline` 40, `discern` 80, `perceive` 125, `characterise` 250, `validate` 500, `scrutinise` 1500. */
  @Shown({ type: 'string' }) iec2025!: string;
  /** IEC 62676-4:2014 (withdrawn): `none`, `monitor` 12.5 px/m, `detect` 25, `observe` 62.5, `recognise` 125, `identify` 250, `inspect` 1000. */
  @Shown({ type: 'string' }) dori2014!: string;
}

/** What stands between the camera and the place, as far as anything is known of it. */
export class OcclusionDocument {
  /** Strongest data used: `none_computed`, `terrain` (bare earth), `buildings`, `dsm` (with everything that stands on the ground). */
  @Shown({ type: 'string', enum: OCCLUSION_MODELS }) model!: (typeof OCCLUSION_MODELS)[number];
  /** Date of these data. */
  @Shown({ type: ['string', 'null'] }) modelDate!: string | null;
  /** `unknown` is never a "no". */
  @Shown({ type: 'string', enum: ['clear', 'blocked', 'unknown'] }) result!: 'clear' | 'blocked' | 'unknown';
}

/** Whether a camera sees a place, how well, or why not. */
export class SightDocument {
  @Shown({ type: 'boolean' }) sees!: boolean;
  /** How sure a "yes" is, of the geometry: `certain`, `probable`, `possible`; null where it does not see. */
  @Shown({ type: ['string', 'null'], enum: [...CERTAINTIES, null] }) certainty!: Certainty | null;
  /** Why not; null where it sees. */
  @Shown({ type: ['string', 'null'], enum: [...REASONS, null] }) reason!: string | null;
  /** Which view the answer is about: the `fixed` one, where a turning camera looks now (`current`), a `preset`, or what it can be turned to (`reach`). */
  @Shown({ type: 'string', enum: SIGHT_BASES }) basis!: SightBasis;
  /** Id of the preset that shows the place, the best of several. */
  @Shown({ type: 'string' }) preset?: string;
  /** How to turn the camera. */
  command?: AimDocument;
  /** Over the ground, on the ellipsoid, metres. */
  @Shown(metres) distanceM!: number;
  /** From the lens, metres. */
  @Shown(metres) slantM!: number;
  /** From the camera to the place, degrees clockwise from true north. */
  @Shown({ type: 'number', minimum: 0, exclusiveMaximum: 360 }) bearingDeg!: number;
  /** From the camera to the place, above (+) or below (-) the horizon, degrees. */
  @Shown(degrees) elevationDeg!: number;
  /** Along the optical axis, metres. */
  @Shown(nullable) depthM!: number | null;
  /** From the optical axis, degrees. */
  @Shown(nullable) offAxisDeg!: number | null;
  /** To the nearest side of the picture, degrees; negative outside. */
  @Shown(nullable) edgeMarginDeg!: number | null;
  /** Where in the picture; null outside it, and where the size of the picture is unknown. */
  @Shown({ oneOf: [{ $ref: '#/components/schemas/PixelDocument' }, { type: 'null' }] }) pixel!: PixelDocument | null;
  /** Pixels per metre at the place, across the line of sight. */
  @Shown(nullable) pxPerM!: number | null;
  /** What that density is good for. */
  @Shown({ oneOf: [{ $ref: '#/components/schemas/LevelDocument' }, { type: 'null' }] }) level!: LevelDocument | null;
  /** Where the heights of both ends come from: an elevation model, or the level ground at the mast. */
  @Shown({ type: 'string', enum: ['dem', 'flat'] }) ground!: 'dem' | 'flat';
  /** The far end of the view was not stated but follows from its density: certainty at most `probable`. */
  @Shown({ type: 'boolean' }) farDerived!: boolean;
  occlusion!: OcclusionDocument;
  /** In lists: whether the camera shows a picture now (status online, recovering, degraded). */
  @Shown({ type: 'boolean' }) showing?: boolean;
}

/** The answer about one camera and one place. */
export class CameraSight extends SightDocument {
  /** Id of the camera. */
  @Shown({ type: 'string', format: 'uuid' }) cameraId!: string;
  /** The place, longitude and latitude, degrees. */
  @Shown({ type: 'array', items: { type: 'number' }, minItems: 2, maxItems: 2 }) point!: [number, number];
  /** Of what is looked for above the ground there, metres. */
  @Shown({ type: 'number' }) targetHeightM!: number;
}

/** One thing by which cameras are put in order, the strongest first. */
export class OrderFactor {
  /** Member of each item that holds it. */
  @Shown({ type: 'string' }) member!: string;
  /** What comes first. */
  @Shown({ type: 'string' }) first!: string;
  /** What it means. */
  @Shown({ type: 'string' }) meaning!: string;
}
