import { PointDocument, Shown } from '#catalog';
import { COMPLETENESS, type Completeness } from '#geo';

const metresOrNull = { type: ['number', 'null'] } as const;

/** What is known of a footprint. */
export class FootprintProperties {
  /** Size of the ground that is seen, m². */
  @Shown({ type: 'number', minimum: 0 }) areaM2!: number;
  /** Where ground begins to be seen along the azimuth, metres over the ground; null where none is. */
  @Shown(metresOrNull) groundNearM!: number | null;
  /** Where it ends. */
  @Shown(metresOrNull) groundFarM!: number | null;
  /** Cut by the end of the range: that edge is a choice, not geometry. */
  @Shown({ type: 'boolean' }) clamped!: boolean;
  /** The end of the range was not stated but is where five pixels per metre end. */
  @Shown({ type: 'boolean' }) farDerived!: boolean;
  /** How much of the view is known. */
  @Shown({ type: 'string', enum: COMPLETENESS }) completeness!: Completeness;
  /** Whether this is the view, or all that a turning camera can be turned to. */
  @Shown({ type: 'string', enum: ['view', 'reach'] }) basis!: 'view' | 'reach';
  /** When it was worked out, RFC 3339 UTC. */
  @Shown({ type: 'string', format: 'date-time' }) computedAt!: string;
}

/** The ground that a camera shows, as a GeoJSON feature. */
export class FootprintFeature {
  @Shown({ type: 'string', const: 'Feature' }) type!: 'Feature';
  /** Id of the camera. */
  @Shown({ type: 'string', format: 'uuid' }) id!: string;
  /** A MultiPolygon, split at the antimeridian; null for none. */
  @Shown({ type: ['object', 'null'], additionalProperties: true }) geometry!: object | null;
  properties!: FootprintProperties;
}

/** A position of GeoPose. */
export class GeoPosePosition {
  /** Degrees. */
  @Shown({ type: 'number' }) lat!: number;
  /** Degrees. */
  @Shown({ type: 'number' }) lon!: number;
  /** Of the lens, metres; see the header `Sightline-Height-Reference`. */
  @Shown({ type: 'number' }) h!: number;
}

/** Angles of GeoPose, intrinsic z-y-x in east, north, up, degrees. */
export class GeoPoseAngles {
  /** Counter-clockwise from east. */
  @Shown({ type: 'number' }) yaw!: number;
  /** Positive looks down. */
  @Shown({ type: 'number' }) pitch!: number;
  /** Clockwise as seen from behind. */
  @Shown({ type: 'number' }) roll!: number;
}

/** OGC GeoPose 1.0, Basic-YPR. */
export class GeoPoseDocument {
  position!: GeoPosePosition;
  angles!: GeoPoseAngles;
}

/** OGC API - Connected Systems, draft Part 4: ViewingFrustum. */
export class ViewingFrustumFeature {
  @Shown({ type: 'string', const: 'Feature' }) type!: 'Feature';
  /** Id of the camera. */
  @Shown({ type: 'string', format: 'uuid' }) id!: string;
  geometry!: PointDocument;
  /** `featureType`, `pose`, `frustumAxis`, `upAxis`, `fov`, `aspectRatio`, `length`. */
  @Shown({ type: 'object', additionalProperties: true }) properties!: object;
}
