import type { Bbox, LonLat, Polygons } from '#catalog';
import { type Fragment, sql } from './sql.js';

/** A point as a geometry. */
export const pointAt = ([lon, lat]: LonLat): Fragment =>
  sql`st_setsrid(st_makepoint(${lon}::float8, ${lat}::float8), 4326)`;

/** Whether a geometry's box meets a box; one across the antimeridian is two. Rides the geometry's index. */
export function insideBbox([west, south, east, north]: Bbox, geometry: Fragment): Fragment {
  const box = (from: number, to: number): Fragment =>
    sql`${geometry} && st_makeenvelope(${from}::float8, ${south}::float8, ${to}::float8, ${north}::float8, 4326)`;
  return west <= east ? box(west, east) : sql`(${box(west, 180)} or ${box(-180, east)})`;
}

/** Polygons of a query as a geometry. */
export const polygonsOf = (polygons: Polygons): Fragment => geometryOf({ type: 'MultiPolygon', coordinates: polygons });

/** GeoJSON as a geometry. */
export const geometryOf = (geometry: { readonly type: string; readonly coordinates: unknown }): Fragment =>
  sql`st_setsrid(st_geomfromgeojson(${JSON.stringify(geometry)}), 4326)`;
