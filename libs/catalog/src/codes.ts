/**
 * The closed lists of the contract. A list is one `as const` array and its type is derived from it; tables over a list
 * are `Record<Member, …>`, so that a new member must be handled before the program compiles.
 */

export { COMPLETENESS, type Completeness, LENSES, type Lens } from '#geo';

/** Protocols by which pictures come. */
export const SERVICE_KINDS = ['mjpeg', 'snapshot', 'rtsp', 'hls'] as const;
export type ServiceKind = (typeof SERVICE_KINDS)[number];

/** How a service's certificate is judged: chain verified; key pinned on first use; pinned and old TLS versions allowed. */
export const TLS_MODES = ['strict', 'pinned', 'legacy'] as const;
export type TlsMode = (typeof TLS_MODES)[number];

/** What one probe established. Exactly one per probe; the first event in time decides. */
export const OUTCOMES = [
  'ok',
  'busy',
  'auth_failed',
  'forbidden',
  'not_found',
  'moved',
  'not_a_picture',
  'bad_picture',
  'connect_timeout',
  'tls_error',
  'first_byte_timeout',
  'first_frame_timeout',
  'stalled',
  'refused',
  'unreachable',
  'dns_error',
  'reset',
  'empty_reply',
  'protocol_error',
  'too_large',
  'target_not_allowed',
  'prober_internal',
] as const;
export type Outcome = (typeof OUTCOMES)[number];

/**
 * Outcomes that tell one address of somebody's network from another. Below operators of the camera's authority all of them read `unreachable`, or
 * probing would be a scan of ports (security.md SSRF-9).
 */
export const FOLDED_OUTCOMES = [
  'refused',
  'connect_timeout',
  'reset',
  'dns_error',
  'target_not_allowed',
  'unreachable',
] as const satisfies readonly Outcome[];

/** Why a camera of a folded outcome shows nothing, in words that are the same for all of them. */
export const FOLDED_REASON = 'the camera cannot be reached';

export const isFolded = (outcome: Outcome): boolean => (FOLDED_OUTCOMES as readonly Outcome[]).includes(outcome);

/** What probes have established over time. */
export const STATUSES = [
  'unknown',
  'online',
  'suspect',
  'offline',
  'recovering',
  'degraded',
  'auth_failed',
  'busy',
  'unreachable',
  'maintenance',
  'disabled',
] as const;
export type Status = (typeof STATUSES)[number];

/** Statuses in which a camera shows a picture now. */
export const SHOWING = ['online', 'degraded', 'recovering'] as const satisfies readonly Status[];

/** How much the agency wants from a camera. Only `active` and `maintenance` are probed. */
export const LIFECYCLES = ['planned', 'active', 'maintenance', 'suspended', 'retired'] as const;
export type Lifecycle = (typeof LIFECYCLES)[number];

/** Who may know a camera, from everybody to its own authority and those it grants. */
export const ACCESS_LEVELS = ['public', 'agency', 'restricted'] as const;
export type AccessLevel = (typeof ACCESS_LEVELS)[number];

export const AUTHORITY_KINDS = ['public', 'private'] as const;
export const CONTACT_ROLES = ['operations', 'duty_officer', 'data', 'privacy', 'technical'] as const;
export const KEEP_IMAGES = ['history', 'latest', 'none'] as const;

export const USAGES = [
  'flood',
  'river',
  'coast',
  'traffic',
  'surveillance',
  'anpr',
  'enforcement',
  'weather',
  'landslide',
  'fire',
  'other',
] as const;

/** Where a position came from, best first: an import never overwrites a better source with a worse one. */
export const POSITION_SOURCES = [
  'survey',
  'gnss',
  'device',
  'map_click',
  'declared',
  'geocoded',
  'centroid',
  'unknown',
] as const;
export type PositionSource = (typeof POSITION_SOURCES)[number];

/** Where a pose came from, best first. */
export const VIEW_SOURCES = [
  'calibrated',
  'survey',
  'device',
  'map_click',
  'declared',
  'name_text',
  'assumed',
  'unknown',
] as const;
export type ViewSource = (typeof VIEW_SOURCES)[number];

/** `ptz`, `dome` and `panning` turn. */
export const MOBILITIES = ['fixed', 'ptz', 'dome', 'panning', 'mobile'] as const;
export type Mobility = (typeof MOBILITIES)[number];

export const MOUNTS = [
  'pole',
  'wall',
  'ceiling',
  'bridge',
  'gantry',
  'street_lamp',
  'traffic_signal',
  'mast',
  'vehicle',
  'other',
] as const;

export const PURPOSES = [
  'disaster_response',
  'flood_monitoring',
  'traffic_management',
  'law_enforcement',
  'public_information',
  'science',
  'maintenance',
] as const;

/** What has become of a request for access; only a pending one changes. */
export const ACCESS_REQUEST_STATES = ['pending', 'granted', 'refused', 'withdrawn'] as const;
export type AccessRequestState = (typeof ACCESS_REQUEST_STATES)[number];
export const ACCESS_DECISIONS = ['granted', 'refused'] as const;

export const GRANT_STATES = ['live', 'expired', 'ended'] as const;
export type GrantState = (typeof GRANT_STATES)[number];

/** What the owner says of a camera's state; shown beside what probes measured, never in its place. */
export const DECLARED_STATUSES = [
  'ok',
  'comms_fault',
  'device_fault',
  'fault_doubt',
  'disabled_or_works',
  'maintenance',
  'unknown',
] as const;
export type DeclaredStatus = (typeof DECLARED_STATUSES)[number];

/** Whether the declared and the measured state tell the same story. */
export const AGREEMENTS = ['agree', 'declared_ok_measured_bad', 'declared_bad_measured_ok', 'unknown'] as const;
export type Agreement = (typeof AGREEMENTS)[number];

export const ELEVATION_DATUMS = ['msl', 'egm2008', 'ellipsoid', 'unknown'] as const;
export const TARGET_KINDS = [
  'road',
  'junction',
  'bridge',
  'river_reach',
  'gauge_board',
  'building',
  'area',
  'other',
] as const;
export const TARGET_SIDES = ['upstream', 'downstream'] as const;
export const EXTERNAL_SCHEMES = ['osm', 'tdx', 'datex', 'onvif', 'sensorthings', 'other'] as const;
export const NETWORK_ZONES = ['internet', 'government', 'vpn'] as const;
export const THUMBNAIL_LEVELS = ['full', 'blurred', 'withheld'] as const;
export const PERSONAL_DATA = ['none', 'possible', 'yes'] as const;

/** Widths in which thumbnails are served, pixels; never enlarged. */
export const THUMBNAIL_WIDTHS_PX = [160, 320, 640, 1280] as const;
export type ThumbnailWidthPx = (typeof THUMBNAIL_WIDTHS_PX)[number];

/** Picture flags of a probed frame; each is `fault`, `fine` or `not_checkable`. */
export const FLAGS = [
  'placeholder',
  'black',
  'flat',
  'covered',
  'overexposed',
  'blurred',
  'moved',
  'frozen',
  'stale',
  'dark',
  'no_frame',
  'low_fps',
  'clock_skew',
] as const;
export type Flag = (typeof FLAGS)[number];
export const FLAG_STATES = ['fault', 'fine', 'not_checkable'] as const;
export type FlagState = (typeof FLAG_STATES)[number];

/** As what a probe counts in the history. */
export const COUNTED_AS = ['ok', 'degraded', 'fail', 'busy', 'unknown', 'maintenance', 'unreachable'] as const;
export type CountedAs = (typeof COUNTED_AS)[number];

/** Lengths of time over which probes are counted. */
export const RESOLUTIONS = ['minute', 'hour', 'day'] as const;
export type Resolution = (typeof RESOLUTIONS)[number];

/** By what cameras are counted. */
export const SUMMARY_GROUPS = ['authority', 'status', 'city'] as const;
export type SummaryGroup = (typeof SUMMARY_GROUPS)[number];

/** What an import did with a row. */
export const ROW_ACTIONS = ['created', 'updated', 'unchanged', 'skipped', 'failed'] as const;
export type RowAction = (typeof ROW_ACTIONS)[number];

/** What is told of cameras as it happens. Kept for a week and sent again to who was away, but for `frame.updated`, a hint. */
export const EVENT_TYPES = [
  'camera.registered',
  'camera.changed',
  'camera.retired',
  'health.changed',
  'health.notice',
  'incident.item',
  'frame.updated',
] as const;
export type EventType = (typeof EVENT_TYPES)[number];

/** Events that a webhook may be told of; the hint is none. */
export const WEBHOOK_TYPES = EVENT_TYPES.filter((type) => type !== 'frame.updated');

/** What a caller may be allowed to do. */
export const SCOPES = [
  'cameras:read',
  'cameras:write',
  'credentials:write',
  'frames:read',
  'stream:read',
  'probes:run',
  'imports:run',
  'webhooks:write',
  'incidents:write',
  'keys:write',
  'members:write',
  'audit:read',
  'platform:admin',
] as const;
export type Scope = (typeof SCOPES)[number];

/** What a person is in one authority, each more than the one before. */
export const AUTHORITY_ROLES = ['viewer', 'operator', 'admin'] as const;
/** What a person is beyond authorities. */
export const PLATFORM_ROLES = ['auditor', 'administrator'] as const;
export const ROLES = [...AUTHORITY_ROLES, ...PLATFORM_ROLES] as const;
export type Role = (typeof ROLES)[number];

/** One role of a person. */
export interface Membership {
  /** Slug; null for a role beyond authorities. */
  readonly authority: string | null;
  readonly role: Role;
}

/** Form of an id; either case is taken. Without flags, since OpenAPI's patterns have none. */
export const UUID = /^[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$/;

/** The agency's short name in addresses: lower case letters, digits and inner hyphens, at most 64. */
export const SLUG = /^[a-z0-9]([a-z0-9-]{0,62}[a-z0-9])?$/;
