import type { ScopedQuery } from '#catalog';
import { utc, utcOf } from './moments.js';
import { type Fragment, join, raw, sql } from './sql.js';

/** Outcomes that tell a stranger about somebody's network; he reads `unreachable` (security.md SSRF-9). */
const FOLDED = `('refused', 'connect_timeout', 'reset', 'dns_error', 'target_not_allowed')`;

/**
 * The status shown: what the agency wants comes before what was measured, so it is derived at reading and never goes
 * stale. Needs `c` and `h`.
 */
export const STATUS = raw(`case
  when c.lifecycle in ('planned', 'suspended', 'retired') then 'disabled'
  when c.lifecycle = 'maintenance' and (c.maintenance_until is null or c.maintenance_until > now()) then 'maintenance'
  else h.status end`);

/** Whether a camera shows a picture now. Needs `c` and `h`. */
export const IS_SHOWING = sql`(${STATUS} in ('online', 'degraded', 'recovering'))`;

/** From when on the stored picture is too old to be called current; needs `h`. */
const STALE_AT = `h.captured_at + make_interval(secs => coalesce(h.stale_after_s, 120))`;

/** Whether the stored picture is too old, or the camera does not show one now (contract.md). Needs `c` and `h`. */
export const IS_STALE = sql`(now() > ${raw(STALE_AT)} or not ${IS_SHOWING})`;

/** Since when the shown status holds; needs `c` and `h`. */
const SINCE = sql`case when ${STATUS} = h.status then coalesce((h.shown ->> 'since')::timestamptz, c.updated_at)
    else c.updated_at end`;

/** Since when the stored picture is no longer current: it grew old, or the camera stopped showing one. Needs `c` and `h`. */
const STALE_SINCE = sql`greatest(h.captured_at, least(${raw(STALE_AT)},
    case when not ${IS_SHOWING} then ${SINCE} end))`;

/** Whether the caller reads the camera as its own authority does. Needs `c`. */
export const isOwn = ({ own }: ScopedQuery): Fragment =>
  own === 'all' ? raw('true') : sql`c.authority = any(${own}::text[])`;

/** The cameras that a caller may know: the one predicate of visibility. Needs `c`. */
export const isVisible = (scope: ScopedQuery): Fragment =>
  scope.own === 'all' ? raw('true') : sql`(c.access_level = any(${scope.levels}::text[]) or ${isOwn(scope)})`;

/** The health document. Needs `c`, `h` and the lease `l`. */
export const health = (scope: ScopedQuery): Fragment => sql`jsonb_strip_nulls(
    case when ${isOwn(scope)} then h.shown
         when h.shown ->> 'lastOutcome' in ${raw(FOLDED)}
           then h.shown || '{"lastOutcome": "unreachable", "reason": "the camera cannot be reached"}'
         else h.shown end
    || jsonb_build_object(
      'status', ${STATUS},
      'since', ${utcOf(SINCE)},
      'checkedAt', ${raw(utc('h.checked_at'))},
      'capturedAt', ${raw(utc('h.captured_at'))},
      'staleSince', case when h.captured_at is not null and ${IS_STALE} then ${utcOf(STALE_SINCE)} end,
      'nextDueAt', ${raw(utc('l.due_at'))},
      'flapping', coalesce((h.shown ->> 'flapping')::boolean, false),
      'agreement', coalesce(h.shown ->> 'agreement', 'unknown'),
      'conditions', coalesce(h.shown -> 'conditions', '[]'),
      'flags', coalesce(h.shown -> 'flags', '[]')))`;

/** Where the latest picture is and how old; null without one. Needs `c` and `h`. */
const thumbnail = (baseUrl: string): Fragment => sql`case when h.thumbnail_key is not null then jsonb_build_object(
    'url', ${baseUrl}::text || '/v1/cameras/' || c.id || '/thumbnail',
    'capturedAt', ${raw(utc('h.captured_at'))},
    'stale', ${IS_STALE}) end`;

/** Ground that the camera's own view covers, GeoJSON; null where too little is known of it. Needs `c`. */
const FOOTPRINT = raw(`(
    select st_asgeojson(v.footprint, 7)::jsonb from view_fov v where v.camera_id = c.id and v.basis <> 'reach')`);

/** What is added to each camera of an answer. */
export interface Extras {
  readonly footprint: boolean;
  readonly health: boolean;
  readonly thumbnail: boolean;
  /** Top-level members to keep; all where absent. */
  readonly fields?: readonly string[];
}

/** The camera as the contract shows it to this caller. Needs `c`, and for the extras `h` and `l`. */
export function answer(scope: ScopedQuery, baseUrl: string, extras: Extras, more: readonly Fragment[] = []): Fragment {
  const made = sql`jsonb_build_object(
    'id', c.id,
    'version', c.version,
    'createdAt', ${raw(utc('c.created_at'))},
    'updatedAt', ${raw(utc('c.updated_at'))},
    'completeness', c.completeness,
    'links', jsonb_build_object(
      'self', ${baseUrl}::text || '/v1/cameras/' || c.id,
      'authority', ${baseUrl}::text || '/v1/authorities/' || c.authority,
      'footprint', ${baseUrl}::text || '/v1/cameras/' || c.id || '/footprint',
      'health', ${baseUrl}::text || '/v1/cameras/' || c.id || '/health',
      'thumbnail', ${baseUrl}::text || '/v1/cameras/' || c.id || '/thumbnail'))`;
  const parts = [
    sql`case when ${isOwn(scope)} then c.document else c.public_document end`,
    made,
    ...(extras.footprint ? [sql`jsonb_build_object('footprint', ${FOOTPRINT})`] : []),
    ...(extras.health ? [sql`jsonb_build_object('health', ${health(scope)})`] : []),
    ...(extras.thumbnail ? [sql`jsonb_strip_nulls(jsonb_build_object('thumbnail', ${thumbnail(baseUrl)}))`] : []),
    ...more,
  ];
  const whole = join(parts, '\n    || ');
  if (extras.fields === undefined) return whole;
  const kept = [...extras.fields, 'id'];
  return sql`(
    select jsonb_object_agg(m.key, m.value)
    from jsonb_each(${whole}) as m
    where m.key = any(${kept}::text[]))`;
}

/** The same camera as a GeoJSON feature. */
export const feature = (document: Fragment): Fragment => sql`(
    select jsonb_build_object(
      'type', 'Feature',
      'id', c.id,
      'geometry', c.document -> 'location',
      'properties', d.document)
    from (select ${document} as document) as d)`;
