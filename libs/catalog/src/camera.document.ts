import { AccessDocument } from './access.document.js';
import {
  AddressDocument,
  DeclaredDocument,
  DeviceDocument,
  ExternalRefDocument,
  MaintenanceDocument,
  ObservedTargetDocument,
  ProvenanceDocument,
  RoadDocument,
  SourceDocument,
} from './camera-parts.document.js';
import {
  COMPLETENESS,
  type Completeness,
  ELEVATION_DATUMS,
  type Lifecycle,
  LIFECYCLES,
  MOBILITIES,
  type Mobility,
  MOUNTS,
  POSITION_SOURCES,
  type PositionSource,
  SLUG,
  USAGES,
} from './codes.js';
import { PointDocument } from './geometry.document.js';
import { type Health } from './health.document.js';
import {
  Form,
  Moment,
  Names,
  Nested,
  NestedList,
  OneOf,
  Optional,
  Real,
  SomeOf,
  Text,
  Texts,
  Verbatim,
} from './rules.js';
import { Shown } from './member-schema.js';
import { SightDocument } from './sight.document.js';
import { KnownService, ServiceDocument } from './service.document.js';
import { PresetDocument, PtzDocument, ViewDocument } from './view.document.js';

/** What an agency states about a camera (one registered imaging device) and every reader sees. */
export class CameraDocument {
  /** Slug of the authority that answers for the camera. @example "tainan-wrb" */
  @Form(SLUG, 'the slug of an authority') authority!: string;
  /** The agency's own id, any script; with `authority` the idempotent key of imports. @example "1639" */
  @Text(1, 128) localId!: string;
  /** Name for people. @example "Sinshih bridge, downstream" */
  @Text(1, 200) name!: string;
  /** Name by language. @example {"zh-Hant": "新市橋下游"} */
  @Optional() @Names() names?: Record<string, string>;
  /** More words; may have line feeds. */
  @Optional() @Text(0, 2_000) description?: string;
  /** What the camera is for. */
  @Optional() @SomeOf(USAGES) usage?: (typeof USAGES)[number][];
  /** What it is there to watch. */
  @Optional() @NestedList(() => ObservedTargetDocument, 16) observedTargets?: ObservedTargetDocument[];
  /** The mast or head that several cameras share. @example "mast-7" */
  @Optional() @Text(1, 128) siteId?: string;
  @Optional() @Nested(() => DeviceDocument) device?: DeviceDocument;
  /** The camera's names in other systems. */
  @Optional() @NestedList(() => ExternalRefDocument, 16) externalRefs?: ExternalRefDocument[];
  @Nested(() => PointDocument) location!: PointDocument;
  /** Where the position came from. Default `declared`. */
  @Optional() @OneOf(POSITION_SOURCES) positionSource?: PositionSource;
  /** Uncertainty of the position, metres, one sigma. @example 2 */
  @Optional() @Real({ min: 0.01, max: 100_000 }) positionAccuracyM?: number;
  /** Lens above the ground below it, metres. @example 6 */
  @Optional() @Real({ min: 0.1, max: 500 }) heightM?: number;
  /** Ground at the mast, metres. @example 12 */
  @Optional() @Real({ min: -500, max: 9_000 }) elevationM?: number;
  /** What elevationM counts from. Default `msl`. */
  @Optional() @OneOf(ELEVATION_DATUMS) elevationDatum?: (typeof ELEVATION_DATUMS)[number];
  /** What it is mounted on. */
  @Optional() @OneOf(MOUNTS) mount?: (typeof MOUNTS)[number];
  /** Whether it turns or moves. Default `fixed`. */
  @Optional() @OneOf(MOBILITIES) mobility?: Mobility;
  @Optional() @Nested(() => AddressDocument) address?: AddressDocument;
  @Optional() @Nested(() => RoadDocument) road?: RoadDocument;
  /** River basin. @example "Yanshuei" */
  @Optional() @Text(1, 200) basin?: string;
  /** Tributary. */
  @Optional() @Text(1, 200) tributary?: string;
  /** Code of the river. @example "165000" */
  @Optional() @Text(1, 64) riverCode?: string;
  @Optional() @Nested(() => ViewDocument) view?: ViewDocument;
  /** Poses that a turning camera knows. */
  @Optional() @NestedList(() => PresetDocument, 64) presets?: PresetDocument[];
  @Optional() @Nested(() => PtzDocument) ptz?: PtzDocument;
  @Optional() @Nested(() => AccessDocument) access?: AccessDocument;
  /** How much the agency wants of the camera. Default `active`. */
  @Optional() @OneOf(LIFECYCLES) lifecycle?: Lifecycle;
  @Optional() @Nested(() => MaintenanceDocument) maintenance?: MaintenanceDocument;
  /** When it was installed, RFC 3339. */
  @Optional() @Moment() installedAt?: string;
  /** When it works, in words. @example "24/7" */
  @Optional() @Text(1, 200) operatingHours?: string;
  @Optional() @Nested(() => DeclaredDocument) declared?: DeclaredDocument;
  @Optional() @Nested(() => SourceDocument) source?: SourceDocument;
  /** Where single attributes came from. */
  @Optional() @NestedList(() => ProvenanceDocument, 32) provenance?: ProvenanceDocument[];
  /** Words of the agency's own. @example ["bridge"] */
  @Optional() @Texts(32, 1, 64) tags?: string[];
  /** The agency's own members, kept verbatim; shown to the camera's own authority only. */
  @Optional() @Verbatim() properties?: Record<string, unknown>;
}

/** A camera as an agency sends it. */
export class CameraRegistration extends CameraDocument {
  /** Endpoints in order of preference, 1 to 8; none only while `planned` or `suspended`. */
  @NestedList(() => ServiceDocument, 8) services!: ServiceDocument[];
}

/** Addresses of what belongs to a camera. */
export class CameraLinks {
  /** The camera itself. */
  @Shown({ type: 'string', format: 'uri' }) self!: string;
  /** The authority that answers for it. */
  @Shown({ type: 'string', format: 'uri' }) authority!: string;
  /** Ground that its view covers. */
  @Shown({ type: 'string', format: 'uri' }) footprint!: string;
  /** What probes have established. */
  @Shown({ type: 'string', format: 'uri' }) health!: string;
  /** Its latest picture. */
  @Shown({ type: 'string', format: 'uri' }) thumbnail!: string;
}

/** Where the latest picture of a camera is, and how old. */
export class CameraThumbnail {
  /** Address of the picture. */
  @Shown({ type: 'string', format: 'uri' }) url!: string;
  /** When it was taken, RFC 3339 UTC. */
  @Shown({ type: 'string', format: 'date-time' }) capturedAt!: string;
  /** Whether it is too old to be called current, or the camera does not show one now. */
  @Shown({ type: 'boolean' }) stale!: boolean;
}

/** A camera as the registry answers it. */
export class Camera extends CameraDocument {
  /** UUIDv7. @example "019ac8f2-6d1b-7a55-9d0e-3f2b8c4d5e6f" */
  @Shown({ type: 'string', format: 'uuid' }) id!: string;
  /** `urn:sightline:camera:{authority}:{localId}`. */
  @Shown({ type: 'string' }) uid!: string;
  /** Grows by one with each change of the document. */
  @Shown({ type: 'integer', minimum: 1 }) version!: number;
  /** When it was registered, RFC 3339 UTC. */
  @Shown({ type: 'string', format: 'date-time' }) createdAt!: string;
  /** When it last changed, RFC 3339 UTC. */
  @Shown({ type: 'string', format: 'date-time' }) updatedAt!: string;
  /** How much of the view is known. */
  @Shown({ type: 'string', enum: COMPLETENESS }) completeness!: Completeness;
  /** Members that the next steps of completeness want, as JSON pointers. */
  @Shown({ type: 'array', items: { type: 'string', format: 'json-pointer' } }) missing!: string[];
  /** Endpoints in order of preference; how much of each is shown is said there. */
  services!: KnownService[];
  links!: CameraLinks;
  /** What probes have established; on single cameras, and in lists with `include=health`. */
  health?: Health;
  /** The latest picture; in lists with `include=thumbnail`, absent where there is none. */
  thumbnail?: CameraThumbnail;
  /** Ground that the camera's own view covers, as a GeoJSON MultiPolygon; null where too little is known. On single cameras, and in lists with `include=footprint`. */
  @Shown({ type: ['object', 'null'], additionalProperties: true }) footprint?: object | null;
  /** With `sees`: how the camera sees the place. */
  sight?: SightDocument;
  /** Distance from the point of `near`, metres on the ellipsoid. */
  @Shown({ type: 'number', minimum: 0 }) distanceM?: number;
  /** Direction of the camera from the point of `near`, degrees clockwise from true north. */
  @Shown({ type: 'number', minimum: 0, exclusiveMaximum: 360 }) bearingDeg?: number;
}

/** Members of a camera that the server makes. */
export const CAMERA_MADE = [
  'id',
  'uid',
  'version',
  'createdAt',
  'updatedAt',
  'completeness',
  'missing',
  'footprint',
  'health',
  'thumbnail',
  'links',
  'sight',
  'distanceM',
  'bearingDeg',
] as const;
