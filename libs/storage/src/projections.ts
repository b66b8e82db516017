import { UnusableRaster } from '#catalog';
import { codeOf } from './data-source.js';
import { type Database, one, run, sql } from './sql.js';

/** Longitude and latitude, WGS 84. */
export const WGS84_EPSG = 4326;

/** PostGIS says so of everything that PROJ cannot do. */
const INTERNAL_ERROR = 'XX000';

/** Coordinates of one CRS in another, as the database's PROJ has it; easting or longitude first, whatever the CRS itself says. */
export class Projections {
  constructor(private readonly db: Database) {}

  /** Whether there is a CRS of this code. To be asked first: on the embedded database a wrong one costs more than an error. */
  async knows(epsg: number): Promise<boolean> {
    const rows = await run(
      this.db,
      sql`select from spatial_ref_sys where srid = ${epsg}::int and auth_name = 'EPSG' and auth_srid = srid`,
    );
    return rows.length > 0;
  }

  /**
   * Positions, two numbers each, of one known CRS in another, in the same order; NaN for those that are not finite or no place on earth.
   * @throws UnusableRaster where one lies outside the area of the CRS
   */
  async project(fromEpsg: number, toEpsg: number, positions: Float64Array): Promise<Float64Array> {
    const answered = new Float64Array(positions.length).fill(NaN);
    const asked: number[] = [];
    for (let at = 0; at < positions.length; at += 2) {
      if (isSomewhere(fromEpsg, positions[at]!, positions[at + 1]!)) asked.push(at);
    }
    if (asked.length === 0) return answered;
    const { xs, ys } = await this.ask(
      fromEpsg,
      toEpsg,
      asked.map((at) => positions[at]!),
      asked.map((at) => positions[at + 1]!),
    );
    asked.forEach((at, i) => {
      answered[at] = xs[i] ?? NaN;
      answered[at + 1] = ys[i] ?? NaN;
    });
    return answered;
  }

  private async ask(fromEpsg: number, toEpsg: number, xs: number[], ys: number[]): Promise<Answer> {
    try {
      const rows = await run<Answer>(
        this.db,
        sql`
          select array_agg(st_x(place) order by n) as xs, array_agg(st_y(place) order by n) as ys
          from (
            select n, st_transform(st_setsrid(st_makepoint(x, y), ${fromEpsg}::int), ${toEpsg}::int) as place
            from unnest(${xs}::float8[], ${ys}::float8[]) with ordinality as given (x, y, n)) placed`,
      );
      return one(rows);
    } catch (error) {
      const cause = (error as { readonly driverError?: unknown }).driverError ?? error;
      if (codeOf(cause) !== INTERNAL_ERROR) throw error;
      const detail = `the raster lies outside the area of EPSG:${toEpsg === WGS84_EPSG ? fromEpsg : toEpsg}`;
      throw new UnusableRaster('outside_crs', `${detail}; is it the right one?`, { cause: error });
    }
  }
}

interface Answer {
  readonly xs: readonly (number | null)[];
  readonly ys: readonly (number | null)[];
}

/** Beyond these PROJ refuses longitude and latitude: a tile at the rim of the earth reaches out of it. */
const isSomewhere = (epsg: number, x: number, y: number): boolean =>
  Number.isFinite(x) && Number.isFinite(y) && (epsg !== WGS84_EPSG || (Math.abs(x) <= 360 && Math.abs(y) <= 90));
