import {
  type CameraDocument,
  type CameraSearch,
  DEFAULT_RADIUS_M,
  type Lifecycle,
  type LonLat,
  NotFound,
  type QueryGeometry,
  type ScopedQuery,
  type Status,
} from '#catalog';
import { type GeoCamera, SLAB_M } from '#geo';
import {
  type AnswerRow,
  answerRow,
  type Extras,
  health,
  IS_SHOWING,
  isVisible,
  STATUS,
  writeAnswer,
} from './camera-answer.js';
import { basisOf, conditionsOf } from './camera-conditions.js';
import { utc } from './moments.js';
import { geometryOf, pointAt } from './places.js';
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

/** What geometry reads of a camera. */
export interface ViewOf {
  readonly id: string;
  readonly geo: GeoCamera;
}

/** A camera in a few words. */
export interface BriefCamera extends Candidate {
  readonly authority: string;
  readonly localId: string;
  readonly name: string;
  readonly lifecycle: Lifecycle;
  readonly status: Status;
}

/** A camera that may see a place; geometry decides. */
export interface Candidate extends ViewOf {
  /** It shows a picture now. */
  readonly showing: boolean;
}

/** Where a camera stands and looks. */
export interface Stance {
  readonly id: string;
  readonly camera: CameraDocument;
  /** RFC 3339 UTC. */
  readonly computedAt: string;
  /** It shows a picture now. */
  readonly showing: boolean;
}

/** A camera that was chosen by other means than a statement, with members to be added to its document. */
export interface ChosenCamera {
  readonly id: string;
  readonly members: Readonly<Record<string, unknown>>;
}

/** Reads of cameras: every one takes the caller's scope. */
export class CameraFinder {
  constructor(private readonly db: Database) {}

  /** One camera with its health, as JSON text. @throws NotFound alike for hidden and for unknown ids */
  async get(id: string, scope: ScopedQuery, baseUrl: string, form: CameraForm = 'json'): Promise<FoundCamera> {
    const found = await this.find(id, scope, baseUrl, form);
    if (found === null) throw new NotFound(`no camera has the id ${id}`);
    return found;
  }

  /** The same; null alike for hidden and for unknown ids. */
  async find(id: string, scope: ScopedQuery, baseUrl: string, form: CameraForm = 'json'): Promise<FoundCamera | null> {
    return (await this.findBy(sql`c.id = ${id}::uuid`, scope, baseUrl, form)) ?? null;
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
    const extras = { footprint: true, health: true, thumbnail: false };
    const rows = await runHot<AnswerRow>(
      this.db,
      sql`
        select ${answerRow(scope, { extras, form })}
        from camera c
        join camera_health h on h.camera_id = c.id
        left join probe_lease l on l.camera_id = c.id
        where ${condition} and ${isVisible(scope)}`,
    );
    const [row] = rows;
    if (row === undefined) return undefined;
    const { id, version, authority } = row;
    return { id, version, authority, json: writeAnswer(row, { extras, form, baseUrl }) };
  }

  /** What probes have established, as JSON text. @throws NotFound */
  async health(id: string, scope: ScopedQuery): Promise<{ readonly json: string }> {
    const rows = await run<{ json: string }>(
      this.db,
      sql`
        select (${health(scope)})::text as json
        from camera c
        join camera_health h on h.camera_id = c.id
        left join probe_lease l on l.camera_id = c.id
        where c.id = ${id}::uuid and ${isVisible(scope)}`,
    );
    if (rows[0] === undefined) throw new NotFound(`no camera has the id ${id}`);
    return rows[0];
  }

  /** What geometry reads of one camera, and when its views were worked out. @throws NotFound */
  async stance(id: string, scope: ScopedQuery): Promise<Stance> {
    const rows = await runHot<Stance>(
      this.db,
      sql`
        select c.id, c.public_document as camera, ${raw(utc('coalesce(v.computed_at, c.updated_at)'))} as "computedAt",
               ${IS_SHOWING} as showing
        from camera c
        join camera_health h on h.camera_id = c.id
        left join view_fov v on v.camera_id = c.id and v.basis <> 'reach'
        where c.id = ${id}::uuid and ${isVisible(scope)}`,
    );
    if (rows[0] === undefined) throw new NotFound(`no camera has the id ${id}`);
    return rows[0];
  }

  /** One page of the cameras that every selector fits. */
  async search(scope: ScopedQuery, options: CameraPageOptions): Promise<CameraPage> {
    const { search, limit, form, baseUrl } = options;
    const order = orderOf(options);
    const extras = extrasOf(search);
    // The page is found first and written afterwards: PostgreSQL would else write every camera it sorts.
    const statement = sql`
      with found as materialized (
        select c.id, ${order.key} as key
        from camera c
        join camera_health h on h.camera_id = c.id
        ${order.from}
        where ${and([isVisible(scope), ...conditionsOf(search, scope), ...order.conditions])}
        order by ${order.by}
        limit ${limit + 1})
      select f.key, ${answerRow(scope, { extras, form }, order.members)}
      from found f
      join camera c on c.id = f.id
      ${WITH_HEALTH}
      order by f.key, f.id`;
    const isHot = search.include === undefined && search.near !== undefined && Object.keys(search).length <= 3;
    const rows = await (isHot ? runHot<FoundRow>(this.db, statement) : run<FoundRow>(this.db, statement));
    const shown = rows.slice(0, limit);
    const last = cursorOf(shown.at(-1));
    return {
      items: shown.map((row) => writeAnswer(row, { extras, form, baseUrl })),
      next: rows.length > limit ? last : null,
      resume: search.updatedSince === undefined ? null : (last ?? options.after ?? (await this.horizon())),
    };
  }

  /**
   * Every camera that may see a place, by the selectors, on the basis that is asked for. A superset: `sight` decides. Places more
   * than {@link SLAB_M} above or below the ground are beyond what the index promises, and found by distance.
   */
  async candidates(scope: ScopedQuery, search: CameraSearch, place: Place): Promise<readonly Candidate[]> {
    const { position, heightM } = place;
    const nearGround = isNearGround(heightM);
    const may = mayShow(pointAt(position), nearGround);
    const near = search.near === undefined ? [] : nearOf(search.near, search.radiusM ?? DEFAULT_RADIUS_M).conditions;
    const conditions = [may, basisOf(search.basis), isVisible(scope), ...conditionsOf(search, scope), ...near];
    const statement = sql`
      select c.id, v.geo, ${IS_SHOWING} as showing
      from view_fov v
      join camera c on c.id = v.camera_id
      join camera_health h on h.camera_id = c.id
      where ${and(conditions)}`;
    const isHot = nearGround && Object.keys(search).every((name) => HOT_BESIDE_SEES.has(name));
    return isHot ? runHot<Candidate>(this.db, statement) : run<Candidate>(this.db, statement);
  }

  /** Cameras whose fixed or current view may show a part of an area or a line. */
  async lookingInto(scope: ScopedQuery, search: CameraSearch, into: QueryGeometry): Promise<readonly ViewOf[]> {
    const place = into.type.endsWith('Polygon') ? sql`st_makevalid(${geometryOf(into)})` : geometryOf(into);
    const conditions = [sql`st_intersects(v.reach, ${place})`, basisOf('current'), isVisible(scope)];
    return run<ViewOf>(
      this.db,
      sql`
        select c.id, v.geo
        from view_fov v
        join camera c on c.id = v.camera_id
        join camera_health h on h.camera_id = c.id
        where ${and([...conditions, ...conditionsOf(search, scope)])}
        order by c.id`,
    );
  }

  /** For each of many places the cameras that may see it: place by its number in the list, camera by its id. */
  async candidatesOf(
    scope: ScopedQuery,
    search: CameraSearch,
    places: readonly Place[],
  ): Promise<readonly { readonly place: number; readonly id: string }[]> {
    const pairs = async (nearGround: boolean): Promise<{ place: number; id: string }[]> => {
      const asked = places
        .map(({ position, heightM }, place) => ({ position, heightM, place }))
        .filter(({ heightM }) => isNearGround(heightM) === nearGround);
      if (asked.length === 0) return [];
      const conditions = [mayShow(raw('p.at'), nearGround), basisOf(undefined), isVisible(scope)];
      return run<{ place: number; id: string }>(
        this.db,
        sql`
          select p.place, c.id
          from (
            select place, st_setsrid(st_makepoint(lon, lat), 4326) as at
            from unnest(
              ${asked.map(({ place }) => place)}::int[], ${asked.map(({ position }) => position[0])}::float8[],
              ${asked.map(({ position }) => position[1])}::float8[]) as q (place, lon, lat)) as p
          cross join view_fov v
          join camera c on c.id = v.camera_id
          join camera_health h on h.camera_id = c.id
          where ${and([...conditions, ...conditionsOf(search, scope)])}`,
      );
    };
    return [...(await pairs(true)), ...(await pairs(false))];
  }

  /** What a list of places says of each camera beside its sight. */
  async briefly(scope: ScopedQuery, ids: readonly string[]): Promise<readonly BriefCamera[]> {
    return run<BriefCamera>(
      this.db,
      sql`
        select c.id, c.authority, c.local_id as "localId", c.document ->> 'name' as name, c.lifecycle,
               ${STATUS} as status, ${IS_SHOWING} as showing, v.geo
        from camera c
        join camera_health h on h.camera_id = c.id
        join view_fov v on v.camera_id = c.id and v.is_default
        where c.id = any(${ids}::uuid[]) and ${isVisible(scope)}`,
    );
  }

  /**
   * The documents of cameras that were chosen elsewhere, in the order given. Their own members are put in as text: handed to the database and
   * back they would cost as much as the documents.
   */
  async write(
    scope: ScopedQuery,
    cameras: readonly ChosenCamera[],
    { search, form, baseUrl }: Pick<CameraPageOptions, 'search' | 'form' | 'baseUrl'>,
  ): Promise<readonly string[]> {
    if (cameras.length === 0) return [];
    const near = search.near === undefined ? undefined : nearOf(search.near, search.radiusM ?? DEFAULT_RADIUS_M);
    const extras = extrasOf(search);
    const rows = await runHot<AnswerRow & { readonly place: number }>(
      this.db,
      sql`
        select f.place::int, ${answerRow(scope, { extras, form }, near?.members)}
        from unnest(${cameras.map(({ id }) => id)}::uuid[]) with ordinality as f (id, place)
        join camera c on c.id = f.id
        ${WITH_HEALTH}
        where ${isVisible(scope)}
        order by f.place`,
    );
    return rows.map((row) => {
      const { members } = cameras[row.place - 1] as ChosenCamera;
      return writeAnswer(row, { extras, form, baseUrl, members });
    });
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
  readonly json: string;
}

/** A place to look for. */
export interface Place {
  readonly position: LonLat;
  /** Above the ground there, metres. */
  readonly heightM: number;
}

const isNearGround = (heightM: number): boolean => Math.abs(heightM) <= SLAB_M;

/**
 * Whether a view may show a point. Needs `v`, and for points off the ground `c`. The box test, which is in the other one too, lets the planner expect few
 * rows of a point that it does not know: it then keeps one plan, where planning anew would cost as much as half the search.
 */
const mayShow = (point: Fragment, nearGround: boolean): Fragment =>
  nearGround
    ? sql`v.reach && ${point} and st_intersects(v.reach, ${point})`
    : sql`st_dwithin(c.position::geography, ${point}::geography, ${MAX_FAR_M}::float8)
        and v.far_m > 0 and st_dwithin(c.position::geography, ${point}::geography, v.far_m)`;

/** No view reaches farther (view.farM). */
const MAX_FAR_M = 20_000;

/** Selectors that leave the statement of `sees` as everybody's: it is planned once. */
const HOT_BESIDE_SEES: ReadonlySet<string> = new Set([
  'sees',
  'targetHeightM',
  'minPxPerM',
  'basis',
  'include',
  'fields',
  'limit',
  'cursor',
  'f',
]);

function extrasOf({ include = [], fields }: CameraSearch): Extras {
  return {
    footprint: include.includes('footprint'),
    health: include.includes('health'),
    thumbnail: include.includes('thumbnail'),
    ...(fields === undefined ? {} : { fields }),
  };
}

/** What extras want of a camera that was found. Every camera has its health: left joins are left out of the plan where nothing asks for them. */
const WITH_HEALTH = raw(`left join camera_health h on h.camera_id = c.id
      left join probe_lease l on l.camera_id = c.id`);

interface FoundRow extends AnswerRow {
  readonly key: number | string | null;
}

const cursorOf = (row: FoundRow | undefined): CameraCursor | null =>
  row === undefined ? null : { id: row.id, ...(row.key === null ? {} : { key: row.key }) };

interface Order {
  readonly key: Fragment;
  readonly from: Fragment;
  readonly by: Fragment;
  readonly conditions: readonly Fragment[];
  /** An object of members that the order adds to each camera. */
  readonly members: Fragment | undefined;
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
  return { key: raw('null::text'), from: NOTHING, by: raw('c.id'), conditions: seen, members: undefined };
}

type Near = Pick<Order, 'from' | 'conditions' | 'members'>;

/**
 * Rides camera_geography_idx. The box test is the one that `st_dwithin` adds by itself; written out besides, it keeps the planner to one plan, as in
 * {@link mayShow}.
 */
function nearOf(point: LonLat, radiusM: number): Near {
  const place = sql`${pointAt(point)}::geography`;
  return {
    from: sql`cross join lateral (select st_distance(c.position::geography, ${place}) as distance_m) as d`,
    conditions: [
      sql`c.position::geography && _st_expand(${place}, ${radiusM}::float8)`,
      sql`st_dwithin(c.position::geography, ${place}, ${radiusM}::float8)`,
    ],
    members: sql`jsonb_strip_nulls(jsonb_build_object(
        'distanceM', round(st_distance(c.position::geography, ${place})::numeric, 3),
        'bearingDeg', round(degrees(st_azimuth(${place}, c.position::geography))::numeric, 3)))`,
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
    members: near?.members,
  };
}
