import type { Bbox, BuildingProblem, BuildingSet, LonLat } from '#catalog';
import { audited, NO_MEMBERS } from './audit-notes.js';
import { polygonEwkbOf } from './ewkb.js';
import { utc } from './moments.js';
import { insideBbox } from './places.js';
import { and, type Database, type Fragment, NOTHING, one, raw, run, sql } from './sql.js';

/** A building to keep: outer ring and holes, closed, WGS 84; heights above the ground at the building, metres. */
export interface NewBuilding {
  readonly rings: readonly (readonly LonLat[])[];
  readonly baseM: number;
  readonly topM: number;
}

/** A building that stands in a line. */
export interface StoredBuilding extends NewBuilding {
  readonly id: string;
  /** Date of its set, YYYY-MM-DD. */
  readonly date: string;
}

/** A line over the ground, the short way round the globe. */
export interface GroundLine {
  readonly from: LonLat;
  readonly to: LonLat;
}

/** A set whose file has arrived. */
export interface NewBuildingSet {
  /** UUIDv7. */
  readonly id: string;
  /** YYYY-MM-DD. */
  readonly date: string;
  readonly heightFrom: string | null;
  readonly baseFrom: string | null;
  readonly bytes: number;
  /** The principal that sent it. */
  readonly createdBy: string;
}

/** How far an import has come. */
export type BuildingCounts = Pick<BuildingSet, 'features' | 'buildings' | 'leftOut' | 'byCode'> & {
  readonly problems: readonly BuildingProblem[];
};

/** What is known of a set once its file is read. */
export interface BuildingSum extends BuildingCounts {
  readonly lowestM: number;
  readonly highestM: number;
  readonly bbox: Bbox;
}

/** Position in the list of sets: the last id seen. */
export interface BuildingSetPage {
  readonly limit: number;
  readonly after?: string;
}

/** How long an import that says nothing is believed to run, seconds. */
const LEASE_S = 20;
const LEASE = raw(`now() + interval '${LEASE_S} seconds'`);

const DIED = 'the server was stopped in the middle of this import; send the file again';
/** An import whose process died shows as failed before anybody has swept it. */
const IS_DEAD = `s.status = 'importing' and s.lease_until < now()`;

/** The row as the contract shows it. */
const ANSWER = raw(`jsonb_build_object(
    'id', s.id,
    'date', s.date,
    'status', case when ${IS_DEAD} then 'failed' else s.status end,
    'progress', s.progress,
    'problem', case when ${IS_DEAD} then '${DIED}' else s.problem end,
    'heightFrom', s.height_from,
    'baseFrom', s.base_from,
    'bytes', s.bytes,
    'features', s.features,
    'buildings', s.buildings,
    'leftOut', s.left_out,
    'byCode', s.by_code,
    'problems', s.problems,
    'lowestM', s.lowest_m,
    'highestM', s.highest_m,
    'bbox', case when s.extent is not null then jsonb_build_array(
      st_xmin(st_geometryn(s.extent, 1)), st_ymin(s.extent),
      st_xmax(st_geometryn(s.extent, st_numgeometries(s.extent))), st_ymax(s.extent)) end,
    'createdAt', ${utc('s.created_at')},
    'finishedAt', ${utc(`case when ${IS_DEAD} then s.lease_until else s.finished_at end`)})`);

/** Whether no newer set covers the first corner of a building. Needs `met` and its set `s`. */
const IS_NEWEST = raw(`not exists (
            select from building_set newer
            where newer.status = 'ready' and (newer.date, newer.id) > (s.date, s.id)
              and st_intersects(newer.extent, st_startpoint(st_exteriorring(met.footprint))))`);

/** How long a list of the sets that count is believed, milliseconds. */
const READY_BELIEVED_MS = 5_000;

/** What the audit says of a set. */
const ABOUT = raw(`jsonb_build_object('date', to_char(s.date, 'YYYY-MM-DD'), 'bytes', s.bytes)`);

/** A set that counts. */
interface ReadySet {
  /** YYYY-MM-DD. */
  readonly date: string;
  /** Its extent: one box, or two at the antimeridian. */
  readonly boxes: readonly Bbox[];
}

const covers = (boxes: readonly Bbox[], [lon, lat]: LonLat): boolean =>
  boxes.some(([west, south, east, north]) => lon >= west && lon <= east && lat >= south && lat <= north);

/**
 * Buildings, by the sets in which they came. A set counts as a whole, when it is ready. It is removed by a word, at once; its rows go in
 * slices ({@link sweep}), since a statement may not run as long as a million of them take.
 */
export class Buildings {
  private readySets: readonly ReadySet[] = [];
  private readyUntil = -Infinity;

  constructor(private readonly db: Database) {}

  /** Begins an import, which goes on as long as it says so. @param tx on behalf of whoever sent the file */
  async begin(
    { id, date, heightFrom, baseFrom, bytes, createdBy }: NewBuildingSet,
    tx: Database,
  ): Promise<BuildingSet> {
    const rows = await run<{ set: BuildingSet }>(
      tx,
      sql`
        with s as (
          insert into building_set (id, date, status, height_from, base_from, bytes, created_by, lease_until)
          values (${id}::uuid, ${date}::date, 'importing', ${heightFrom}::text, ${baseFrom}::text, ${bytes}::bigint,
                  ${createdBy}, ${LEASE})
          returning *),
        audited as (${audited(sql`
          select null, 'buildings.imported', 'buildings', s.id::text, ${NO_MEMBERS}, ${ABOUT} from s`)})
        select ${ANSWER} as set from s`,
    );
    return one(rows).set;
  }

  /**
   * Adds buildings to a set that is imported; to one that is so no more, none. Footprints that cross themselves are left out.
   * @returns indexes of those left out
   */
  async add(id: string, buildings: readonly NewBuilding[]): Promise<readonly number[]> {
    // Values as PostgreSQL writes arrays; of geometries it takes a colon between. Rides building_set_pkey.
    const footprints = `{${buildings.map(({ rings }) => polygonEwkbOf(rings)).join(':')}}`;
    const rows = await run<{ n: number }>(
      this.db,
      sql`
        with given as materialized (
          select footprint, base_m, top_m, n, st_isvalid(footprint) as fits
          from unnest(
            ${footprints}::geometry[],
            ${buildings.map(({ baseM }) => baseM)}::real[], ${buildings.map(({ topM }) => topM)}::real[])
            with ordinality as b (footprint, base_m, top_m, n)),
        added as (
          insert into building (set_id, footprint, base_m, top_m)
          select s.id, g.footprint, g.base_m, g.top_m
          from building_set s, given g
          where s.id = ${id}::uuid and s.status = 'importing' and g.fits)
        select n::int from given where not fits order by n`,
    );
    return rows.map(({ n }) => n - 1);
  }

  /** Says that an import goes on. @returns whether it may: nobody removed the set, or took its importer for dead */
  async goOn(id: string, progress: number, counts: BuildingCounts): Promise<boolean> {
    const { features, buildings, leftOut, byCode, problems } = counts;
    const rows = await run(
      this.db,
      sql`
        update building_set
        set progress = ${progress}::real, lease_until = ${LEASE}, features = ${features}::int,
            buildings = ${buildings}::int, left_out = ${leftOut}::int, by_code = ${JSON.stringify(byCode)}::jsonb,
            problems = ${JSON.stringify(problems)}::jsonb
        where id = ${id}::uuid and status = 'importing'
        returning id`,
    );
    return rows.length > 0;
  }

  /** Lets all buildings of a set count from now on. @returns whether it was still there to be finished */
  async finish(id: string, { lowestM, highestM, bbox, ...counts }: BuildingSum): Promise<boolean> {
    if (!(await this.goOn(id, 1, counts))) return false;
    const rows = await run(
      this.db,
      sql`
        update building_set
        set status = 'ready', finished_at = now(), lowest_m = ${lowestM}::real, highest_m = ${highestM}::real,
            extent = ${rectangleOf(bbox)}
        where id = ${id}::uuid and status = 'importing'
        returning id`,
    );
    this.lookAgain();
    return rows.length > 0;
  }

  /** Ends an import that came to nothing. */
  async fail(id: string, problem: string): Promise<void> {
    await run(
      this.db,
      sql`
        update building_set set status = 'failed', problem = ${problem}, finished_at = now()
        where id = ${id}::uuid and status = 'importing'`,
    );
  }

  /**
   * Removes a set; none of its buildings counts any more, at once here when the caller then says {@link lookAgain}.
   * @param tx on behalf of whoever wants it so
   * @returns the set as it was, or null
   */
  async remove(id: string, tx: Database): Promise<BuildingSet | null> {
    const rows = await run<{ set: BuildingSet }>(
      tx,
      sql`
        with s as (select * from building_set where id = ${id}::uuid and status <> 'removed' for update),
        gone as (update building_set b set status = 'removed' from s where b.id = s.id),
        audited as (${audited(sql`
          select null, 'buildings.deleted', 'buildings', s.id::text, ${ABOUT}, ${NO_MEMBERS} from s`)})
        select ${ANSWER} as set from s`,
    );
    return rows[0]?.set ?? null;
  }

  /** Which sets count is another than before. */
  lookAgain(): void {
    this.readyUntil = -Infinity;
  }

  /** Sets in the order of their coming. */
  async list({ limit, after }: BuildingSetPage): Promise<BuildingSet[]> {
    return this.sets(after === undefined ? [] : [sql`s.id > ${after}::uuid`], sql`order by s.id limit ${limit}`);
  }

  async find(id: string): Promise<BuildingSet | null> {
    const [set] = await this.sets([sql`s.id = ${id}::uuid`], NOTHING);
    return set ?? null;
  }

  private async sets(conditions: readonly Fragment[], order: Fragment): Promise<BuildingSet[]> {
    const rows = await run<{ set: BuildingSet }>(
      this.db,
      sql`
        select ${ANSWER} as set
        from building_set s
        where ${and([raw(`s.status <> 'removed'`), ...conditions])}
        ${order}`,
    );
    return rows.map(({ set }) => set);
  }

  /**
   * Ends imports whose process died, and deletes up to `limit` buildings that count no more, then sets without any.
   * @returns buildings deleted; as many as the limit mean that there are more
   */
  async sweep(limit: number): Promise<number> {
    await run(
      this.db,
      sql`
        update building_set s set status = 'failed', problem = ${DIED}, finished_at = s.lease_until
        where ${raw(IS_DEAD)}`,
    );
    // Rides building_set_idx.
    const deleted = await run(
      this.db,
      sql`
        delete from building
        where id in (
          select b.id
          from building_set s
          join building b on b.set_id = s.id
          where s.status in ('failed', 'removed')
          limit ${limit})
        returning id`,
    );
    await run(
      this.db,
      sql`
        delete from building_set s
        where s.status = 'removed' and not exists (select from building b where b.set_id = s.id)`,
    );
    return deleted.length;
  }

  /**
   * Buildings whose footprint a line meets, line by line, `limit` of each at most. Where sets overlap, the newest wins: of the sets in whose
   * extent the first corner of a building lies, only the newest one's buildings count. Where there is no set at all nothing is asked: the list of sets
   * is kept for some seconds, so one instance is kept.
   */
  async between(lines: readonly GroundLine[], limit: number): Promise<readonly (readonly StoredBuilding[])[]> {
    const found: StoredBuilding[][] = lines.map(() => []);
    if (lines.length === 0 || (await this.hasNone())) return found;
    const parts = lines.flatMap((line, n) => partsOf(line).map((part) => ({ n, ...part })));
    // Rides building_footprint_idx, once a line; apart, so that no limit lures the planner away from it.
    const rows = await run<StoredBuilding & { n: number }>(
      this.db,
      sql`
        select l.n, b.*
        from (
          select n, st_setsrid(case when from_lon = to_lon and from_lat = to_lat then st_makepoint(to_lon, to_lat)
            else st_makeline(st_makepoint(from_lon, from_lat), st_makepoint(to_lon, to_lat)) end, 4326) as way
          from unnest(
            ${parts.map(({ n }) => n)}::int[],
            ${parts.map(({ from }) => from[0])}::float8[], ${parts.map(({ from }) => from[1])}::float8[],
            ${parts.map(({ to }) => to[0])}::float8[], ${parts.map(({ to }) => to[1])}::float8[])
            as part (n, from_lon, from_lat, to_lon, to_lat)) l
        cross join lateral (
          select met.id, met.base_m as "baseM", met.top_m as "topM", to_char(s.date, 'YYYY-MM-DD') as date,
                 st_asgeojson(met.footprint, 9)::json -> 'coordinates' as rings
          from (
            select id, set_id, footprint, base_m, top_m
            from building
            where st_intersects(footprint, l.way)
            offset 0) met
          join building_set s on s.id = met.set_id and s.status = 'ready'
          where ${IS_NEWEST}
          order by met.id
          limit ${limit}) b`,
    );
    for (const { n, ...building } of rows) found[n]?.push(building);
    return found;
  }

  /**
   * Buildings whose footprint meets a box, of the newest sets as {@link between} has it, with the date of the newest set that reaches into the box; null where none
   * does, or where there are more than `limit`.
   */
  async within(
    box: Bbox,
    limit: number,
  ): Promise<{ readonly date: string; readonly buildings: readonly StoredBuilding[] } | null> {
    const [west, south, east, north] = box;
    const dates = (await this.ready())
      .filter(({ boxes }) => boxes.some(([w, s, e, n]) => w <= east && e >= west && s <= north && n >= south))
      .map(({ date }) => date);
    const date = dates.sort().at(-1);
    if (date === undefined) return null;
    const buildings = await run<StoredBuilding>(
      this.db,
      sql`
        select met.id, met.base_m as "baseM", met.top_m as "topM", to_char(s.date, 'YYYY-MM-DD') as date,
               st_asgeojson(met.footprint, 9)::json -> 'coordinates' as rings
        from building met
        join building_set s on s.id = met.set_id and s.status = 'ready'
        where ${insideBbox(box, raw('met.footprint'))} and ${IS_NEWEST}
        limit ${limit + 1}`,
    );
    return buildings.length > limit ? null : { date, buildings };
  }

  /** For each line the date of the newest set that covers both its ends, or null: there a line that meets no building is clear. */
  async datesAlong(lines: readonly GroundLine[]): Promise<readonly (string | null)[]> {
    if (lines.length === 0) return [];
    const sets = await this.ready();
    return lines.map(({ from, to }) => {
      const covering = sets.filter(({ boxes }) => covers(boxes, from) && covers(boxes, to)).map(({ date }) => date);
      return covering.sort().at(-1) ?? null;
    });
  }

  private async hasNone(): Promise<boolean> {
    return (await this.ready()).length === 0;
  }

  /** The sets that count, as they were some seconds ago at most. */
  private async ready(): Promise<readonly ReadySet[]> {
    if (performance.now() < this.readyUntil) return this.readySets;
    this.readySets = await run<ReadySet>(
      this.db,
      sql`
        select to_char(date, 'YYYY-MM-DD') as date,
               (select json_agg(json_build_array(st_xmin(part.geom), st_ymin(part.geom), st_xmax(part.geom), st_ymax(part.geom)))
                from st_dump(extent) as part) as boxes
        from building_set where status = 'ready'`,
    );
    this.readyUntil = performance.now() + READY_BELIEVED_MS;
    return this.readySets;
  }
}

/** A line as one that stays within ±180, or as two where it crosses the antimeridian. */
function partsOf({ from, to }: GroundLine): readonly GroundLine[] {
  const way = to[0] - from[0];
  if (Math.abs(way) <= 180) return [{ from, to }];
  const edge = from[0] > 0 ? 180 : -180;
  const [before, after] = [edge - from[0], edge + to[0]];
  const part = before === 0 ? 0 : before / (before + after);
  const lat = from[1] + (to[1] - from[1]) * part;
  return [
    { from, to: [edge, lat] },
    { from: [-edge, lat], to },
  ];
}

/** A box as polygons; its corners are parameters, since a box is all that comes from outside. */
function rectangleOf([west, south, east, north]: Bbox): Fragment {
  const between = (from: number, to: number): Fragment =>
    sql`st_makeenvelope(${from}::float8, ${south}::float8, ${to}::float8, ${north}::float8, 4326)`;
  return west <= east
    ? sql`st_multi(${between(west, east)})`
    : sql`st_collect(${between(west, 180)}, ${between(-180, east)})`;
}
