import type { ASKED_BASES, CameraSearch, ScopedQuery } from '#catalog';
import { isHeldBack, seenAt, STATUS } from './camera-answer.js';
import { geometryOf, insideBbox, polygonsOf } from './places.js';
import { type Fragment, raw, sql } from './sql.js';

const BASES: Readonly<Record<(typeof ASKED_BASES)[number], Fragment>> = {
  current: raw(`v.basis in ('fixed', 'current')`),
  reach: raw(`v.basis in ('fixed', 'reach')`),
};

/** The views that a question is about. Needs `v`. */
export const basisOf = (basis: CameraSearch['basis']): Fragment =>
  basis === undefined ? raw('v.is_default') : BASES[basis];

/** The attribute selectors and the places, but for `near` and `sees`. Needs `c` and `h`. @param scope by whom an age is asked: it is that of the picture that he sees */
export function conditionsOf(search: CameraSearch, scope: ScopedQuery): Fragment[] {
  const conditions: Fragment[] = [];
  const given = <T>(value: T | undefined, condition: (value: T) => Fragment): void => {
    if (value !== undefined) conditions.push(condition(value));
  };
  given(search.authority, (slugs) => sql`c.authority = any(${slugs}::text[])`);
  given(search.usage, (usages) => sql`c.usage && ${usages}::text[]`);
  given(search.tag, (tags) => sql`c.tags && ${tags}::text[]`);
  given(search.mobility, (list) => sql`c.mobility = any(${list}::text[])`);
  given(search.completeness, (list) => sql`c.completeness = any(${list}::text[])`);
  given(search.access, (list) => sql`c.access_level = any(${list}::text[])`);
  given(search.city, (cities) => sql`c.city = any(${cities}::text[])`);
  given(search.basin, (basins) => sql`c.basin = any(${basins}::text[])`);
  given(search.status, (statuses) => sql`${STATUS} = any(${statuses}::text[])`);
  if (search.lifecycle !== undefined) conditions.push(sql`c.lifecycle = any(${search.lifecycle}::text[])`);
  else if (search.sees !== undefined) conditions.push(raw(`c.lifecycle in ('active', 'maintenance')`));
  else if (search.updatedSince === undefined) conditions.push(raw(`c.lifecycle <> 'retired'`));
  // A retired camera sees nothing, whoever asks for it by name.
  if (search.sees !== undefined && search.lifecycle !== undefined) conditions.push(raw(`c.lifecycle <> 'retired'`));
  for (const word of (search.q ?? '').toLowerCase().split(/\s+/).filter(Boolean)) {
    conditions.push(sql`position(${word} in c.search_text) > 0`);
  }
  given(search.maxAgeS, (seconds) => {
    const since = sql`now() - make_interval(secs => ${seconds}::float8)`;
    return sql`h.captured_at >= ${since} and (not ${isHeldBack(scope)} or ${seenAt(scope)} >= ${since})`;
  });
  given(search.footprint, (geometry) => {
    // A query's polygon may cross itself; a stored one never does.
    const place = geometry.type.endsWith('Polygon') ? sql`st_makevalid(${geometryOf(geometry)})` : geometryOf(geometry);
    const basis = search.basis === 'reach' ? BASES.reach : BASES.current;
    return sql`exists (
      select from view_fov v where v.camera_id = c.id and ${basis} and st_intersects(v.footprint, ${place}))`;
  });
  given(search.bbox, (bbox) => insideBbox(bbox, raw('c.position')));
  given(search.within, (polygons) => sql`st_intersects(c.position, ${polygonsOf(polygons)})`);
  return conditions;
}
