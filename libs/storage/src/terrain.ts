import type { LonLat, SurroundingsStatus, TerrainKind, TerrainRaster } from '#catalog';
import { TILE_POSTS, type TilePlace } from '#geo';
import { audited, NO_MEMBERS } from './audit-notes.js';
import { utc } from './moments.js';
import { and, type Database, type Fragment, NOTHING, one, raw, run, sql } from './sql.js';

/** A raster whose file has arrived. */
export interface NewTerrain {
  /** UUIDv7. */
  readonly id: string;
  readonly kind: TerrainKind;
  /** YYYY-MM-DD. */
  readonly date: string;
  readonly epsg: number;
  /** Cells of the file. */
  readonly columns: number;
  readonly rows: number;
  readonly bytes: number;
  readonly grid: TerrainGrid;
  /** The principal that sent it. */
  readonly createdBy: string;
}

/** The grid of longitude and latitude of a raster. */
export interface TerrainGrid {
  /** Upper left post. */
  readonly first: LonLat;
  readonly stepLonDeg: number;
  readonly stepLatDeg: number;
  readonly columns: number;
  readonly rows: number;
  readonly cellM: number;
  readonly extent: Extent;
}

type Extent = readonly [west: number, south: number, east: number, north: number];

/** A raster that counts. */
export interface ReadyTerrain extends TerrainGrid {
  readonly id: string;
  readonly kind: TerrainKind;
  /** YYYY-MM-DD. */
  readonly date: string;
}

/** A tile of a raster; its heights lie in the frame store under `key`. */
export interface TerrainTile extends TilePlace {
  readonly key: string;
  readonly bytes: number;
  readonly lowestM: number;
  readonly highestM: number;
}

/** A place and how far around it, metres. */
export interface Surrounding {
  readonly position: LonLat;
  readonly farM: number;
}

export interface HeightRange {
  readonly lowestM: number;
  readonly highestM: number;
}

/** Position in the list of rasters: the last id seen. */
export interface TerrainPage {
  readonly limit: number;
  readonly after?: string;
}

/** How long an import that says nothing is believed to run, seconds. */
const LEASE_S = 20;
const LEASE = raw(`now() + interval '${LEASE_S} seconds'`);

const DIED = 'the server was stopped in the middle of this import; send the file again';
/** An import whose process died shows as failed before anybody has swept it. */
const IS_DEAD = `t.status = 'importing' and t.lease_until < now()`;

/** Metres in a degree of latitude, at least: at the equator. */
const LEAST_DEGREE_M = 110_574;

/** The row as the contract shows it. */
const ANSWER = raw(`jsonb_build_object(
    'id', t.id,
    'kind', t.kind,
    'date', t.date,
    'status', case when ${IS_DEAD} then 'failed' else t.status end,
    'progress', t.progress,
    'problem', case when ${IS_DEAD} then '${DIED}' else t.problem end,
    'crs', 'EPSG:' || t.epsg,
    'columns', t.columns,
    'rows', t.rows,
    'cellM', t.cell_m,
    'bytes', t.bytes,
    'bbox', jsonb_build_array(st_xmin(t.extent), st_ymin(t.extent), st_xmax(t.extent), st_ymax(t.extent)),
    'tiles', t.tiles,
    'tileBytes', t.tile_bytes,
    'lowestM', t.lowest_m,
    'highestM', t.highest_m,
    'knownShare', t.known_share,
    'createdAt', ${utc('t.created_at')},
    'finishedAt', ${utc(`case when ${IS_DEAD} then t.lease_until else t.finished_at end`)})`);

/** What the audit says of a raster. */
const ABOUT = raw(`jsonb_build_object(
    'kind', t.kind, 'date', to_char(t.date, 'YYYY-MM-DD'), 'epsg', t.epsg, 'columns', t.columns, 'rows', t.rows, 'bytes', t.bytes)`);

/** Rasters of heights. One counts when it is ready; its tiles go with it, and their bytes with the next sweep of the frame store. */
export class Terrain {
  constructor(private readonly db: Database) {}

  /** Begins an import, which goes on as long as it says so. @param tx on behalf of whoever sent the file */
  async begin(
    { id, kind, date, epsg, columns, rows, bytes, grid, createdBy }: NewTerrain,
    tx: Database,
  ): Promise<TerrainRaster> {
    const [west, south, east, north] = grid.extent;
    const made = await run<{ raster: TerrainRaster }>(
      tx,
      sql`
        with t as (
          insert into terrain (
            id, kind, date, status, epsg, columns, rows, bytes, cell_m, first_lon, first_lat, step_lon, step_lat,
            grid_columns, grid_rows, extent, created_by, lease_until)
          values (
            ${id}::uuid, ${kind}, ${date}::date, 'importing', ${epsg}::int, ${columns}::int, ${rows}::int,
            ${bytes}::bigint, ${grid.cellM}::float8, ${grid.first[0]}::float8, ${grid.first[1]}::float8,
            ${grid.stepLonDeg}::float8, ${grid.stepLatDeg}::float8, ${grid.columns}::int, ${grid.rows}::int,
            st_makeenvelope(${west}::float8, ${south}::float8, ${east}::float8, ${north}::float8, 4326),
            ${createdBy}, ${LEASE})
          returning *),
        audited as (${audited(sql`
          select null, 'terrain.imported', 'terrain', t.id::text, ${NO_MEMBERS}, ${ABOUT} from t`)})
        select ${ANSWER} as raster from t`,
    );
    return one(made).raster;
  }

  /** Names tiles of a raster that is imported. @returns whether it still is; else nothing was kept */
  async keep(id: string, tiles: readonly TerrainTile[], progress: number): Promise<boolean> {
    const rows = await run(
      this.db,
      sql`
        with given as (
          select * from unnest(
            ${tiles.map(({ x }) => x)}::int[], ${tiles.map(({ y }) => y)}::int[],
            ${tiles.map(({ key }) => key)}::text[], ${tiles.map(({ bytes }) => bytes)}::bigint[],
            ${tiles.map(({ lowestM }) => lowestM)}::real[], ${tiles.map(({ highestM }) => highestM)}::real[])
            as tile (x, y, key, bytes, lowest, highest)),
        t as (
          update terrain set
            progress = ${progress}::real, lease_until = ${LEASE},
            tiles = tiles + (select count(*) from given),
            tile_bytes = tile_bytes + (select coalesce(sum(bytes), 0) from given),
            lowest_m = least(lowest_m, (select min(lowest) from given)),
            highest_m = greatest(highest_m, (select max(highest) from given))
          where id = ${id}::uuid and status = 'importing'
          returning id),
        kept as (
          insert into terrain_tile (terrain_id, tile_x, tile_y, key, lowest_m, highest_m)
          select t.id, x, y, key, lowest, highest from t, given)
        select id from t`,
    );
    return rows.length > 0;
  }

  /** Says that imports go on, those that wait included. @returns those that may: nobody removed them or took them for dead */
  async goOn(ids: readonly string[]): Promise<ReadonlySet<string>> {
    const rows = await run<{ id: string }>(
      this.db,
      sql`
        update terrain set lease_until = ${LEASE}
        where id = any(${ids}::uuid[]) and status = 'importing'
        returning id`,
    );
    return new Set(rows.map(({ id }) => id));
  }

  /** Lets a raster count from now on. @returns the raster, or null where it is no longer there to be finished */
  async finish(id: string, knownShare: number): Promise<TerrainRaster | null> {
    return this.changed(sql`
      update terrain set status = 'ready', progress = 1, known_share = ${knownShare}::real, finished_at = now()
      where id = ${id}::uuid and status = 'importing'
      returning *`);
  }

  /** Ends an import that came to nothing; its tiles are forgotten. */
  async fail(id: string, problem: string): Promise<void> {
    await run(
      this.db,
      sql`
        with t as (
          update terrain set status = 'failed', problem = ${problem}, finished_at = now(), tiles = 0, tile_bytes = 0
          where id = ${id}::uuid and status = 'importing'
          returning id)
        delete from terrain_tile where terrain_id in (select id from t)`,
    );
  }

  /** Ends imports whose process died. */
  async endDead(): Promise<void> {
    await run(
      this.db,
      sql`
        with t as (
          update terrain t
          set status = 'failed', problem = ${DIED}, finished_at = t.lease_until, tiles = 0, tile_bytes = 0
          where ${raw(IS_DEAD)}
          returning id)
        delete from terrain_tile where terrain_id in (select id from t)`,
    );
  }

  /** Removes a raster with its tiles. @param tx on behalf of whoever wants it so @returns the raster as it was, or null */
  async remove(id: string, tx: Database): Promise<TerrainRaster | null> {
    const rows = await run<{ raster: TerrainRaster }>(
      tx,
      sql`
        with t as (delete from terrain where id = ${id}::uuid returning *),
        audited as (${audited(sql`
          select null, 'terrain.deleted', 'terrain', t.id::text, ${ABOUT}, ${NO_MEMBERS} from t`)})
        select ${ANSWER} as raster from t`,
    );
    return rows[0]?.raster ?? null;
  }

  private async changed(change: Fragment): Promise<TerrainRaster | null> {
    const rows = await run<{ raster: TerrainRaster }>(
      this.db,
      sql`with t as (${change}) select ${ANSWER} as raster from t`,
    );
    return rows[0]?.raster ?? null;
  }

  /** Rasters in the order of their coming. */
  async list({ limit, after }: TerrainPage): Promise<TerrainRaster[]> {
    return this.rasters(after === undefined ? [] : [sql`t.id > ${after}::uuid`], sql`order by t.id limit ${limit}`);
  }

  async find(id: string): Promise<TerrainRaster | null> {
    const [raster] = await this.rasters([sql`t.id = ${id}::uuid`], NOTHING);
    return raster ?? null;
  }

  private async rasters(conditions: readonly Fragment[], order: Fragment): Promise<TerrainRaster[]> {
    const rows = await run<{ raster: TerrainRaster }>(
      this.db,
      sql`
        select ${ANSWER} as raster
        from terrain t
        where ${and(conditions)}
        ${order}`,
    );
    return rows.map(({ raster }) => raster);
  }

  /** Rasters that count. */
  async ready(): Promise<readonly ReadyTerrain[]> {
    return run<ReadyTerrain>(
      this.db,
      sql`
        select id, kind, to_char(date, 'YYYY-MM-DD') as date, array[first_lon, first_lat] as first,
               step_lon as "stepLonDeg", step_lat as "stepLatDeg", grid_columns as columns, grid_rows as rows,
               cell_m as "cellM", array[st_xmin(extent), st_ymin(extent), st_xmax(extent), st_ymax(extent)] as extent
        from terrain
        where status = ${'ready' satisfies SurroundingsStatus}
        order by id`,
    );
  }

  /** Keys of tiles, in the order of the question; null where a raster has none there. Rides terrain_tile_pkey. */
  async keys(tiles: readonly (TilePlace & { readonly terrainId: string })[]): Promise<readonly (string | null)[]> {
    if (tiles.length === 0) return [];
    const rows = await run<{ key: string | null }>(
      this.db,
      sql`
        select t.key
        from unnest(
          ${tiles.map(({ terrainId }) => terrainId)}::uuid[], ${tiles.map(({ x }) => x)}::int[],
          ${tiles.map(({ y }) => y)}::int[]) with ordinality as asked (id, x, y, n)
        left join terrain_tile t on t.terrain_id = asked.id and t.tile_x = asked.x and t.tile_y = asked.y
        order by asked.n`,
    );
    return rows.map(({ key }) => key);
  }

  /**
   * Lowest and highest ground about places, of whole tiles of any kind, in the order of the question; null where no raster is. It is told by rows
   * alone: no height is read. Rides terrain_tile_pkey, once a raster that reaches there.
   */
  async rangesAround(places: readonly Surrounding[]): Promise<readonly (HeightRange | null)[]> {
    if (places.length === 0) return [];
    const boxes = places.map(boxAbout);
    const rows = await run<{ lowestM: number | null; highestM: number | null }>(
      this.db,
      sql`
        select min(tile.lowest_m) as "lowestM", max(tile.highest_m) as "highestM"
        from unnest(
          ${boxes.map(([west]) => west)}::float8[], ${boxes.map(([, south]) => south)}::float8[],
          ${boxes.map(([, , east]) => east)}::float8[], ${boxes.map(([, , , north]) => north)}::float8[])
          with ordinality as box (west, south, east, north, n)
        left join terrain t
          on t.status = 'ready'
          and t.extent && st_makeenvelope(box.west, box.south, box.east, box.north, 4326)
        left join terrain_tile tile
          on tile.terrain_id = t.id
          and tile.tile_x between floor((box.west - t.first_lon) / t.step_lon / ${TILE_POSTS}::int)
            and floor((box.east - t.first_lon) / t.step_lon / ${TILE_POSTS}::int)
          and tile.tile_y between floor((t.first_lat - box.north) / t.step_lat / ${TILE_POSTS}::int)
            and floor((t.first_lat - box.south) / t.step_lat / ${TILE_POSTS}::int)
        group by box.n
        order by box.n`,
    );
    return rows.map(({ lowestM, highestM }) => (lowestM === null || highestM === null ? null : { lowestM, highestM }));
  }
}

/** A box that holds a circle, and some more; what lies beyond the antimeridian is left out. */
function boxAbout({ position: [lon, lat], farM }: Surrounding): Extent {
  const latDeg = farM / LEAST_DEGREE_M;
  const furthest = Math.min(89, Math.abs(lat) + latDeg);
  const lonDeg = latDeg / Math.cos((furthest * Math.PI) / 180);
  return [lon - lonDeg, lat - latDeg, lon + lonDeg, lat + latDeg];
}
