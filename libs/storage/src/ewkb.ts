import type { LonLat, MultiPolygon } from '#geo';

const LITTLE_ENDIAN = 1;
const POLYGON = 3;
const MULTI_POLYGON = 6;
const HAS_SRID = 0x2000_0000;
const WGS_84 = 4326;

/**
 * A MultiPolygon of longitude and latitude as PostGIS takes it fastest: extended well-known binary, in hexadecimal. Twenty times quicker to
 * read for the server than GeoJSON.
 */
export function ewkbOf({ coordinates }: MultiPolygon): string {
  const positions = coordinates.flat(2).length;
  const rings = coordinates.flat().length;
  const bytes = Buffer.allocUnsafe(13 + coordinates.length * 9 + rings * 4 + positions * 16);
  let at = bytes.writeUInt8(LITTLE_ENDIAN, 0);
  at = bytes.writeUInt32LE((MULTI_POLYGON | HAS_SRID) >>> 0, at);
  at = bytes.writeUInt32LE(WGS_84, at);
  at = bytes.writeUInt32LE(coordinates.length, at);
  for (const polygon of coordinates) {
    at = bytes.writeUInt8(LITTLE_ENDIAN, at);
    at = bytes.writeUInt32LE(POLYGON, at);
    at = writeRings(bytes, at, polygon);
  }
  return bytes.toString('hex');
}

/** One polygon of longitude and latitude, its outer ring first, likewise. */
export function polygonEwkbOf(rings: readonly (readonly LonLat[])[]): string {
  const positions = rings.reduce((sum, ring) => sum + ring.length, 0);
  const bytes = Buffer.allocUnsafe(13 + rings.length * 4 + positions * 16);
  let at = bytes.writeUInt8(LITTLE_ENDIAN, 0);
  at = bytes.writeUInt32LE((POLYGON | HAS_SRID) >>> 0, at);
  at = bytes.writeUInt32LE(WGS_84, at);
  writeRings(bytes, at, rings);
  return bytes.toString('hex');
}

function writeRings(bytes: Buffer, start: number, rings: readonly (readonly LonLat[])[]): number {
  let at = bytes.writeUInt32LE(rings.length, start);
  for (const ring of rings) {
    at = bytes.writeUInt32LE(ring.length, at);
    for (const [lon, lat] of ring) {
      at = bytes.writeDoubleLE(lon, at);
      at = bytes.writeDoubleLE(lat, at);
    }
  }
  return at;
}
