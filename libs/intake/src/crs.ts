import { isPlainObject } from '#catalog';

/** What is said of a file in another CRS. */
export const OTHER_CRS = 'expected longitude and latitude (CRS84); this file names another crs';

/** RFC 7946 has no `crs`; older files name the one that it means, and some another. */
export function isWgs84(crs: unknown): boolean {
  if (crs === undefined || crs === null) return true;
  const name = isPlainObject(crs) && isPlainObject(crs['properties']) ? crs['properties']['name'] : undefined;
  return typeof name === 'string' && /(?:CRS:?84|EPSG:+4326)$/i.test(name);
}
