import { FOLDED_OUTCOMES, FOLDED_REASON, type ScopedQuery } from '#catalog';
import { MAIN_VIEW } from './keep-frames.js';
import { seenByOthersAt } from './later-pictures.js';
import { utc, utcOf } from './moments.js';
import { IS_DELAYED } from './picture-policy.js';
import { type Fragment, raw, sql } from './sql.js';

/** Outcomes of which only operators of the camera's authority read more than `unreachable` (security.md SSRF-9). */
export const FOLDED = `(${FOLDED_OUTCOMES.map((outcome) => `'${outcome}'`).join(', ')})`;

/** Whether a camera is under maintenance: its lifecycle says so, and the end of it has not come. Needs `c`. */
const MAINTAINED = `(c.lifecycle = 'maintenance' and (c.maintenance_until is null or c.maintenance_until > now()))`;
export const IS_MAINTAINED = raw(MAINTAINED);

/**
 * The status shown: what the agency wants comes before what was measured, so it is derived at reading and never goes
 * stale. Needs `c` and `h`.
 */
export const STATUS = raw(`case
  when c.lifecycle in ('planned', 'suspended', 'retired') then 'disabled'
  when ${MAINTAINED} then 'maintenance'
  when h.site_outage is not null then 'unreachable'
  else h.status end`);

/** Whether a camera shows a picture now. Needs `c` and `h`. */
export const IS_SHOWING = sql`(${STATUS} in ('online', 'degraded', 'recovering'))`;

/** From when on a picture of the main view is too old to be called current; needs `h`. @param capturedAt SQL text of when it was taken */
const staleAt = (capturedAt: string): Fragment =>
  raw(`(${capturedAt} + make_interval(secs => coalesce(h.stale_after_s, 120)))`);

/** Whether a picture of the main view is too old, or the camera does not show one now (contract.md). Needs `c` and `h`. */
const isStale = (capturedAt: string): Fragment => sql`(now() > ${staleAt(capturedAt)} or not ${IS_SHOWING})`;

/** The same of the latest picture. */
export const IS_STALE = isStale('h.captured_at');

/** Since when the shown status holds; needs `c` and `h`. */
const SINCE = sql`case when ${STATUS} = 'unreachable' then (select o.since from site_outage o where o.id = h.site_outage)
    when ${STATUS} = h.status then coalesce((h.shown ->> 'since')::timestamptz, c.updated_at)
    else c.updated_at end`;

/** Since when a picture is no longer current: it grew old, or the camera stopped showing one. Needs `c` and `h`. */
const staleSince = (capturedAt: string): Fragment => sql`greatest(${raw(capturedAt)}, least(${staleAt(capturedAt)},
    case when not ${IS_SHOWING} then ${SINCE} end))`;

/** Whether the camera is of one of these authorities. Needs `c`. */
const isOf = (authorities: ScopedQuery['own']): Fragment => {
  if (authorities === 'all') return raw('true');
  return authorities.length === 0 ? raw('false') : sql`c.authority = any(${authorities}::text[])`;
};

/** Whether the caller reads the camera as its own authority does. Needs `c`. */
export const isOwn = ({ own }: ScopedQuery): Fragment => isOf(own);

/** Whether he may change it, and so reads all of it. Needs `c`. */
export const isOperated = ({ operated }: ScopedQuery): Fragment => isOf(operated);

/**
 * Whether the camera's authority lets one of these know it, now (security.md AUTHZ-1); a camera that has gone to another authority left its grants
 * behind. Each list is read once a statement, whatever it finds; rides access_grant_grantee_idx. Needs `c`.
 */
const isGranted = (grantees: readonly string[]): Fragment => {
  const live = sql`g.grantee = any(${grantees}::text[]) and g.until > now() and g.ended_at is null`;
  return sql`(
      c.authority in (select g.authority from access_grant g where g.camera_id is null and ${live})
      or (c.id, c.authority) in (
        select g.camera_id, g.authority from access_grant g where g.camera_id is not null and ${live}))`;
};

/** The cameras that a caller may know: the one predicate of visibility. Who belongs to no authority was granted nothing, and nothing is looked up. Needs `c`. */
export const isVisible = (scope: ScopedQuery): Fragment => {
  const { own, levels } = scope;
  if (own === 'all') return raw('true');
  const isOpen = sql`c.access_level = any(${levels}::text[])`;
  return own.length === 0 ? isOpen : sql`(${isOpen} or ${isOwn(scope)} or ${isGranted(own)})`;
};

/** Whether the caller sees the camera's pictures as they are: as its own, or as one who was let in. Needs `c`. */
export const isPictured = ({ own, pictured }: ScopedQuery): Fragment => {
  if (own === 'all' || pictured === 'all') return isOf(pictured);
  const both = pictured.filter((slug) => own.includes(slug));
  return both.length === 0 ? isOf(pictured) : sql`(${isOf(pictured)} or ${isGranted(both)})`;
};

/** SQL text of its name. */
const MAIN = `'${MAIN_VIEW}'`;

/** Whether the caller sees the camera's pictures later than they are taken, and so learns of none before (security.md PRIV-4). Needs `c`. */
export const isHeldBack = (scope: ScopedQuery): Fragment =>
  scope.pictured === 'all' ? raw('false') : sql`(${IS_DELAYED} and not ${isPictured(scope)})`;

/** When the latest picture of the main view was taken that the caller sees. Needs `c` and `h`. */
export const seenAt = (scope: ScopedQuery): Fragment =>
  sql`case when ${isHeldBack(scope)} then ${seenByOthersAt(MAIN, 'h.captured_at')} else h.captured_at end`;

/** The same as `captured_at`, beside whether the caller is held back; a row worked out once, whoever names it how often. */
const seen = (scope: ScopedQuery): Fragment => sql`(
      select o.is_held_back,
             case when o.is_held_back then ${seenByOthersAt(MAIN, 'h.captured_at')} else h.captured_at end as captured_at
      from (select ${isHeldBack(scope)} as is_held_back offset 0) as o
      offset 0)`;

/** Why a camera is unreachable: the reason of its own probes is that of many. */
const SITE_IS_DOWN = `'{"reason": "most cameras of its network or place stopped answering at once"}'::jsonb`;

/**
 * What probes of its presets have established, in their order; null where none was asked. Rides preset_picture_pkey. Needs `c` and whether the
 * caller is held back, `p`.
 */
const presets = (scope: ScopedQuery): Fragment => sql`(
      select jsonb_agg(jsonb_build_object(
               'id', v.preset,
               'lastOutcome', case when v.outcome in ${raw(FOLDED)} and not ${isOperated(scope)} then 'unreachable' else v.outcome end,
               'checkedAt', case when not p.is_held_back then ${raw(utc('v.checked_at'))} end,
               'capturedAt', ${utcOf(sql`case when p.is_held_back then ${seenByOthersAt('v.preset', 'v.captured_at')}
                 else v.captured_at end`)}) order by v.preset)
      from preset_picture v where v.camera_id = c.id)`;

/** What is read in place of what was measured in a picture, by whoever does not see it yet. */
const UNSEEN = 'what was measured is told to those who see the picture as soon as it is taken';
export const UNSEEN_REASON = 'something is wrong with the picture';

/**
 * What would tell whoever sees pictures later when another one was taken, taken out: every probe that goes well brings one. Whether the camera works,
 * and since when, everybody is told at once. Needs `h`.
 */
const UNTOLD = sql`(
      jsonb_build_object('lastOkAt', null, 'checkedAt', null, 'nextDueAt', null, 'flags', (
        select coalesce(
          jsonb_agg(f.flag || jsonb_build_object('since', null, 'evidence', jsonb_build_object('says', ${UNSEEN}::text))
                    order by f.place), '[]')
        from jsonb_array_elements(h.shown -> 'flags') with ordinality as f (flag, place)))
      || case when h.status = 'degraded' then jsonb_build_object('reason', ${UNSEEN_REASON}::text) else '{}' end)`;

/** The health document. Needs `c`, `h` and the lease `l`. */
export const health = (scope: ScopedQuery): Fragment => sql`(
  select jsonb_strip_nulls(
    case when ${isOperated(scope)} then h.shown
         when h.shown ->> 'lastOutcome' in ${raw(FOLDED)}
           then h.shown || '${raw(JSON.stringify({ lastOutcome: 'unreachable', reason: FOLDED_REASON }))}'
         else h.shown end
    || jsonb_build_object(
      'status', ${STATUS},
      'since', ${utcOf(SINCE)},
      'checkedAt', ${raw(utc('h.checked_at'))},
      'capturedAt', ${raw(utc('p.captured_at'))},
      'staleSince', case when p.captured_at is not null and ${isStale('p.captured_at')} then ${utcOf(staleSince('p.captured_at'))} end,
      'nextDueAt', ${raw(utc('l.due_at'))},
      'flapping', coalesce((h.shown ->> 'flapping')::boolean, false),
      'agreement', coalesce(h.shown ->> 'agreement', 'unknown'),
      'conditions', coalesce(h.shown -> 'conditions', '[]'),
      'flags', coalesce(h.shown -> 'flags', '[]'),
      'presets', ${presets(scope)})
    || case when p.is_held_back then ${UNTOLD} else '{}' end
    || case when ${STATUS} = 'unreachable' then ${raw(SITE_IS_DOWN)} else '{}' end)
  from ${seen(scope)} as p)`;

/** When the latest picture that the caller sees was taken and whether it is too old; null without one. Needs `c` and `h`. */
const thumbnail = (scope: ScopedQuery): Fragment => sql`(
    select jsonb_build_object('capturedAt', ${raw(utc('p.captured_at'))}, 'stale', ${isStale('p.captured_at')})
    from ${seen(scope)} as p
    where p.captured_at is not null)`;

/** Ground that the camera's own view covers, GeoJSON; null where too little is known of it. Needs `c`. */
const FOOTPRINT = raw(`(
    select st_asgeojson(v.footprint, 7) from view_fov v where v.camera_id = c.id and v.basis <> 'reach')`);

/** What is added to each camera of an answer. */
export interface Extras {
  readonly footprint: boolean;
  readonly health: boolean;
  readonly thumbnail: boolean;
  /** Top-level members to keep; all where absent. */
  readonly fields?: readonly string[];
}

/** What an answer is written of; texts are JSON. */
export interface AnswerRow {
  readonly id: string;
  readonly version: number;
  readonly authority: string;
  readonly completeness: string;
  readonly createdAt: string;
  readonly updatedAt: string;
  /** What the agency stated, as this caller may read it. */
  readonly document: string;
  /** Of a GeoJSON feature. */
  readonly location: string | null;
  readonly footprint: string | null;
  readonly health: string | null;
  readonly thumbnail: string | null;
  /** Further members, an object. */
  readonly more: string | null;
}

/** An own viewer learns on which device a service is, not how it is asked. Of a stored URL the user's name is gone already. */
const SERVICES_WITHOUT_PATHS = raw(`(
      select coalesce(jsonb_agg(jsonb_strip_nulls(jsonb_build_object(
               'kind', s.service -> 'kind', 'url', substring(s.service ->> 'url' from '^[^:]+://[^/?#]+') || '/',
               'refreshS', s.service -> 'refreshS')) order by s.place), '[]')
      from jsonb_array_elements(c.document -> 'services') with ordinality as s (service, place))`);

/** What the agency stated, as far as this caller may read it (security.md, "Authorisation"). Needs `c`. */
function documentFor(scope: ScopedQuery): Fragment {
  const { own, operated } = scope;
  if (operated === 'all') return raw('c.document');
  const others = sql`when ${isOwn(scope)} then c.document || jsonb_build_object('services', ${SERVICES_WITHOUT_PATHS})
         else c.public_document end`;
  if (operated.length > 0) return sql`case when ${isOperated(scope)} then c.document ${others}`;
  return own.length > 0 ? sql`case ${others}` : raw('c.public_document');
}

/**
 * Columns of an {@link AnswerRow}. The documents come as they are kept, and what is made of them is put in as text: merging `jsonb` cost more
 * than reading it. Needs `c`, and for the extras `h` and `l`. @param more an object of further members
 */
export const answerRow = (
  scope: ScopedQuery,
  { extras, form }: Pick<AnswerForm, 'extras' | 'form'>,
  more: Fragment = raw('null'),
): Fragment => sql`
    c.id, c.version, c.authority, c.completeness,
    ${raw(utc('c.created_at'))} as "createdAt", ${raw(utc('c.updated_at'))} as "updatedAt",
    (${documentFor(scope)})::text as document,
    (${form === 'geojson' ? raw(`c.document -> 'location'`) : raw('null')})::text as location,
    ${extras.footprint ? FOOTPRINT : raw('null')}::text as footprint,
    (${extras.health ? health(scope) : raw('null')})::text as health,
    (${extras.thumbnail ? thumbnail(scope) : raw('null')})::text as thumbnail,
    (${more})::text as more`;

/** How an answer is written. */
export interface AnswerForm {
  readonly extras: Extras;
  readonly form: 'json' | 'geojson';
  /** Begins every link. */
  readonly baseUrl: string;
  /** Members put in beside those of the row. */
  readonly members?: Readonly<Record<string, unknown>>;
}

/** The camera as the contract shows it to the caller of the row, as JSON text, or as that of a GeoJSON feature. */
export function writeAnswer(row: AnswerRow, { extras, form, baseUrl, members = {} }: AnswerForm): string {
  const at = `${baseUrl}/v1/cameras/${row.id}`;
  const made = {
    id: row.id,
    version: row.version,
    createdAt: row.createdAt,
    updatedAt: row.updatedAt,
    completeness: row.completeness,
    links: {
      self: at,
      authority: `${baseUrl}/v1/authorities/${row.authority}`,
      footprint: `${at}/footprint`,
      health: `${at}/health`,
      thumbnail: `${at}/thumbnail`,
    },
  };
  const texts = [row.document, JSON.stringify(made)];
  if (extras.footprint) texts.push(`{"footprint":${row.footprint ?? 'null'}}`);
  if (row.health !== null) texts.push(`{"health":${row.health}}`);
  if (row.thumbnail !== null)
    texts.push(`{"thumbnail":${joined([JSON.stringify({ url: `${at}/thumbnail` }), row.thumbnail])}}`);
  if (row.more !== null) texts.push(row.more);
  texts.push(JSON.stringify(members));
  const whole = withFields(joined(texts), extras.fields);
  return form === 'json'
    ? whole
    : `{"type":"Feature","id":${JSON.stringify(row.id)},"geometry":${row.location},"properties":${whole}}`;
}

/** The members of several objects, JSON texts of distinct names, in one. */
function joined(texts: readonly string[]): string {
  const inner = texts.map((text) => text.slice(1, -1)).filter((text) => text !== '');
  return `{${inner.join(',')}}`;
}

function withFields(json: string, fields: Extras['fields']): string {
  if (fields === undefined) return json;
  const members = Object.entries(JSON.parse(json) as Record<string, unknown>);
  return JSON.stringify(Object.fromEntries(members.filter(([name]) => name === 'id' || fields.includes(name))));
}
