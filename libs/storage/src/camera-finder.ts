import { type CameraSearch, DEFAULT_RADIUS_M, NotFound, type ScopedQuery } from '#catalog';
import { answer, type Extras, feature, health, IS_STALE, isVisible, STATUS } from './camera-answer.js';
import { utc } from './moments.js';
import { and, type Database, type Fragment, NOTHING, one, raw, run, runHot, sql } from './sql.js';

/** Where a list goes on: the sort key of the last camera seen, and its id. */
export interface CameraCursor {
  /** Distance in metres for `near`; transaction number as text for `updatedSince`; absent in the order of ids. */
  readonly key?: number | string;
  readonly id: string;
}

/** GeoJSON: a Feature whose properties are the document. */
export type CameraForm = 'json' | 'geojson';

export interface CameraPageOptions {
  readonly search: CameraSearch;
  readonly limit: number;
  readonly after?: CameraCursor;
  readonly form: CameraForm;
  /** Begins every link. */
  readonly baseUrl: string;
}

export interface CameraPage {
  /** JSON text of each camera, in order. */
  readonly items: readonly string[];
  /** Where the next page begins; null after the last. */
  readonly next: CameraCursor | null;
  /** Of the change feed: from where to go on later. */
  readonly resume: CameraCursor | null;
}

/** Reads of cameras: every one takes the caller's scope. */
export class CameraFinder {
  constructor(private readonly db: Database) {}

  /** One camera with its health, as JSON text. @throws NotFound alike for hidden and for unknown ids */
  async get(id: string, scope: ScopedQuery, baseUrl: string, form: CameraForm = 'json'): Promise<FoundCamera> {
    const found = await this.findBy(sql`c.id = ${id}::uuid`, scope, baseUrl, form);
    if (found === undefined) throw new NotFound(`no camera has the id ${id}`);
    return found;
  }

  /** The same camera by its agency's own id. @throws NotFound */
  async getLocal(
    { authority, localId }: { readonly authority: string; readonly localId: string },
    scope: ScopedQuery,
    baseUrl: string,
    form: CameraForm = 'json',
  ): Promise<FoundCamera> {
    const condition = sql`c.authority = ${authority} and c.local_id = ${localId}`;
    const found = await this.findBy(condition, scope, baseUrl, form);
    if (found === undefined) throw new NotFound('this authority has no camera of this localId');
    return found;
  }

  private async findBy(
    condition: Fragment,
    scope: ScopedQuery,
    baseUrl: string,
    form: CameraForm,
  ): Promise<FoundCamera | undefined> {
    const document = answer(scope, baseUrl, { health: true, thumbnail: false });
    const rows = await runHot<FoundCamera>(
      this.db,
      sql`
        select c.id, c.version, c.authority, h.revision,
               (${form === 'geojson' ? feature(document) : document})::text as json
        from camera c
        join camera_health h on h.camera_id = c.id
        left join probe_lease l on l.camera_id = c.id
        where ${condition} and ${isVisible(scope)}`,
    );
    return rows[0];
  }

  /** What probes have established, as JSON text. @throws NotFound */
  async health(id: string, scope: ScopedQuery): Promise<{ readonly json: string; readonly revision: number }> {
    const rows = await run<{ json: string; revision: number }>(
      this.db,
      sql`
        select (${health(scope)})::text as json, h.revision
        from camera c
        join camera_health h on h.camera_id = c.id
        left join probe_lease l on l.camera_id = c.id
        where c.id = ${id}::uuid and ${isVisible(scope)}`,
    );
    if (rows[0] === undefined) throw new NotFound(`no camera has the id ${id}`);
    return rows[0];
  }

  /** What a thumbnail needs to be served. @throws NotFound when the camera is not this caller's to know */
  async picture(id: string, scope: ScopedQuery): Promise<StoredPicture> {
    const rows = await runHot<StoredPicture>(
      this.db,
      sql`
        select c.authority, c.access_level as "accessLevel", ${STATUS} as status,
               h.frame_key as "frameKey", h.thumbnail_key as "thumbnailKey",
               ${raw(utc('h.captured_at'))} as "capturedAt", ${IS_STALE} as stale,
               c.document #>> '{access,thumbnails}' as thumbnails,
               coalesce((c.document #>> '{access,publicMaxWidthPx}')::int, 640) as "publicMaxWidthPx",
               now() < h.captured_at + make_interval(secs => (c.document #>> '{access,publicDelayS}')::float8)
                 as "isHeldBack",
               a.document #>> '{terms,imagesNeedContract}' = 'true' as "needsContract"
        from camera c
        join authority a on a.slug = c.authority
        join camera_health h on h.camera_id = c.id
        where c.id = ${id}::uuid and ${isVisible(scope)}`,
    );
    if (rows[0] === undefined) throw new NotFound(`no camera has the id ${id}`);
    return rows[0];
  }

  /** One page of the cameras that every selector fits. */
  async search(scope: ScopedQuery, options: CameraPageOptions): Promise<CameraPage> {
    const { search, limit, form, baseUrl } = options;
    const order = orderOf(options);
    const include = search.include ?? [];
    const extras: Extras = {
      health: include.includes('health'),
      thumbnail: include.includes('thumbnail'),
      ...(search.fields === undefined ? {} : { fields: search.fields }),
    };
    const document = answer(scope, baseUrl, extras, order.members);
    // The page is found first and written afterwards: PostgreSQL would else write every camera it sorts.
    const statement = sql`
      with found as materialized (
        select c.id, ${order.key} as key
        from camera c
        join camera_health h on h.camera_id = c.id
        ${order.from}
        where ${and([isVisible(scope), ...conditionsOf(search), ...order.conditions])}
        order by ${order.by}
        limit ${limit + 1})
      select f.id, f.key, (${form === 'geojson' ? feature(document) : document})::text as json
      from found f
      join camera c on c.id = f.id
      join camera_health h on h.camera_id = c.id
      left join probe_lease l on l.camera_id = c.id
      order by f.key, f.id`;
    const isHot = include.length === 0 && search.near !== undefined && Object.keys(search).length <= 3;
    const rows = await (isHot ? runHot<FoundRow>(this.db, statement) : run<FoundRow>(this.db, statement));
    const shown = rows.slice(0, limit);
    const last = cursorOf(shown.at(-1));
    return {
      items: shown.map(({ json }) => json),
      next: rows.length > limit ? last : null,
      resume: search.updatedSince === undefined ? null : (last ?? options.after ?? (await this.horizon())),
    };
  }

  /** Everything settled lies before it: where a feed without changes goes on. */
  private async horizon(): Promise<CameraCursor> {
    const { key } = one(
      await run<{ key: string }>(
        this.db,
        sql`select (pg_snapshot_xmin(pg_current_snapshot())::text::bigint - 1)::text as key`,
      ),
    );
    return { key, id: 'ffffffff-ffff-ffff-ffff-ffffffffffff' };
  }
}

export interface FoundCamera {
  readonly id: string;
  readonly version: number;
  readonly authority: string;
  /** Of its health. */
  readonly revision: number;
  readonly json: string;
}

/** The latest picture of a camera: names in the frame store, and what is known of its age. */
export interface StoredPicture {
  readonly authority: string;
  readonly accessLevel: string;
  readonly status: string;
  readonly frameKey: string | null;
  readonly thumbnailKey: string | null;
  readonly capturedAt: string | null;
  readonly stale: boolean | null;
  readonly thumbnails: string | null;
  /** Widest picture for others than the camera's own authority, pixels. */
  readonly publicMaxWidthPx: number;
  /** Others may not see this picture yet (`access.publicDelayS`). */
  readonly isHeldBack: boolean | null;
  /** The authority shows pictures to others under a contract only. */
  readonly needsContract: boolean | null;
}

interface FoundRow {
  readonly id: string;
  readonly key: number | string | null;
  readonly json: string;
}

const cursorOf = (row: FoundRow | undefined): CameraCursor | null =>
  row === undefined ? null : { id: row.id, ...(row.key === null ? {} : { key: row.key }) };

interface Order {
  readonly key: Fragment;
  readonly from: Fragment;
  readonly by: Fragment;
  readonly conditions: readonly Fragment[];
  /** Members that the order adds to each camera. */
  readonly members: readonly Fragment[];
}

/** By id; nearest first; or in the settled order of changes (reliability.md REL-5). */
function orderOf({ search, after }: CameraPageOptions): Order {
  const near = search.near === undefined ? null : nearOf(search.near, search.radiusM ?? DEFAULT_RADIUS_M);
  if (search.updatedSince !== undefined) return feedOf(search.updatedSince, after, near);
  if (near !== null) {
    const seen = after === undefined ? [] : [sql`(d.distance_m, c.id) > (${after.key}::float8, ${after.id}::uuid)`];
    return {
      ...near,
      key: raw('d.distance_m'),
      by: raw('d.distance_m, c.id'),
      conditions: [...near.conditions, ...seen],
    };
  }
  const seen = after === undefined ? [] : [sql`c.id > ${after.id}::uuid`];
  return { key: raw('null::text'), from: NOTHING, by: raw('c.id'), conditions: seen, members: [] };
}

type Near = Pick<Order, 'from' | 'conditions' | 'members'>;

/** Rides camera_geography_idx. */
function nearOf([lon, lat]: readonly [number, number], radiusM: number): Near {
  const place = sql`st_setsrid(st_makepoint(${lon}::float8, ${lat}::float8), 4326)::geography`;
  return {
    from: sql`cross join lateral (select st_distance(c.position::geography, ${place}) as distance_m) as d`,
    conditions: [sql`st_dwithin(c.position::geography, ${place}, ${radiusM}::float8)`],
    members: [
      sql`jsonb_strip_nulls(jsonb_build_object(
        'distanceM', round(st_distance(c.position::geography, ${place})::numeric, 3),
        'bearingDeg', round(degrees(st_azimuth(${place}, c.position::geography))::numeric, 3)))`,
    ],
  };
}

/** Rides camera_changed_idx. Changes of transactions that may still be overtaken are left for later. */
function feedOf(since: string, after: CameraCursor | undefined, near: Near | null): Order {
  const settled = raw('c.changed_xid < pg_snapshot_xmin(pg_current_snapshot())::text::bigint');
  const begin =
    after === undefined
      ? sql`c.updated_at > ${since}::timestamptz`
      : sql`(c.changed_xid, c.id) > (${after.key}::bigint, ${after.id}::uuid)`;
  return {
    key: raw('c.changed_xid::text'),
    from: near?.from ?? NOTHING,
    by: raw('c.changed_xid, c.id'),
    conditions: [settled, begin, ...(near?.conditions ?? [])],
    members: near?.members ?? [],
  };
}

/** The attribute selectors and the places, but for `near`. */
function conditionsOf(search: CameraSearch): Fragment[] {
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
  else if (search.updatedSince === undefined) conditions.push(raw(`c.lifecycle <> 'retired'`));
  for (const word of (search.q ?? '').toLowerCase().split(/\s+/).filter(Boolean)) {
    conditions.push(sql`position(${word} in c.search_text) > 0`);
  }
  given(search.bbox, insideBbox);
  given(search.within, (polygons) => {
    const geometry = JSON.stringify({ type: 'MultiPolygon', coordinates: polygons });
    return sql`st_intersects(c.position, st_setsrid(st_geomfromgeojson(${geometry}), 4326))`;
  });
  return conditions;
}

/** Rides camera_position_idx; a box across the antimeridian is two. */
function insideBbox([west, south, east, north]: readonly [number, number, number, number]): Fragment {
  const box = (from: number, to: number): Fragment =>
    sql`c.position && st_makeenvelope(${from}::float8, ${south}::float8, ${to}::float8, ${north}::float8, 4326)`;
  return west <= east ? box(west, east) : sql`(${box(west, 180)} or ${box(-180, east)})`;
}
