import { type Finding, judgeNumber, rule } from './rules.js';
import { shown } from './problems.js';

/** Longitude and latitude, degrees, WGS 84. */
export type LonLat = readonly [lon: number, lat: number];

const POSITION_SCHEMA = {
  type: 'array',
  items: { type: 'number' },
  minItems: 2,
  maxItems: 2,
  description: 'Longitude, then latitude, degrees, WGS 84.',
  example: [120.290608, 23.079451],
} as const;

/** Judges one position; says which order is expected, since exchanged ordinates are the usual mistake. */
export function judgePosition(value: unknown): Finding {
  if (!Array.isArray(value) || value.length < 2) {
    return ['type', `expected [lon, lat], got ${shown(value)}`];
  }
  if (value.length > 2) {
    return ['elevation_in_coordinates', 'expected [lon, lat] alone; the height belongs in heightM and elevationM'];
  }
  const [lon, lat] = value as readonly unknown[];
  const finding = judgeNumber(lon, { min: -180, max: 180 }) ?? judgeNumber(lat, { min: -90, max: 90 });
  if (finding === null) return null;
  if (finding[0] === 'type') return ['type', `expected lon,lat as numbers, got ${shown(value)}`];
  return ['position_out_of_range', `expected lon,lat with lon -180..180 and lat -90..90, got ${shown(value)}`];
}

/** A GeoJSON point (RFC 7946). */
export class PointDocument {
  @rule('point', { type: 'string', const: 'Point' }, (value) =>
    value === 'Point' ? null : ['enum', `expected "Point", got ${shown(value)}`],
  )
  type!: 'Point';

  /** Longitude, then latitude, degrees, WGS 84. */
  @rule('position', POSITION_SCHEMA, judgePosition)
  coordinates!: [number, number];
}

/** Positions of one polygon at most (security.md GEO-1). */
const MAX_POSITIONS = 2_000;

/** A GeoJSON polygon or multipolygon (RFC 7946). */
export class AreaDocument {
  @rule('areaType', { type: 'string', enum: ['Polygon', 'MultiPolygon'] }, (value) =>
    value === 'Polygon' || value === 'MultiPolygon'
      ? null
      : ['enum', `expected "Polygon" or "MultiPolygon", got ${shown(value)}`],
  )
  type!: 'Polygon' | 'MultiPolygon';

  /** Closed rings of [lon, lat], the outer one first; for a MultiPolygon a list of such lists. */
  @rule('rings', { type: 'array', items: { type: 'array', items: {} } }, (value, owner) =>
    judgeArea((owner as AreaDocument).type, value),
  )
  coordinates!: number[][][] | number[][][][];
}

function judgeArea(type: string, value: unknown): Finding {
  if (!Array.isArray(value) || value.length === 0) return ['geometry', 'expected a list of rings'];
  const polygons = (type === 'MultiPolygon' ? value : [value]) as readonly unknown[];
  let positions = 0;
  for (const polygon of polygons) {
    if (!Array.isArray(polygon) || polygon.length === 0) return ['geometry', 'expected a list of rings'];
    for (const ring of polygon as readonly unknown[]) {
      const finding = judgeRing(ring);
      if (finding !== null) return finding;
      positions += (ring as readonly unknown[]).length;
      if (positions > MAX_POSITIONS) return ['length', `expected at most ${MAX_POSITIONS} positions`];
    }
  }
  return null;
}

/** Judges one ring: at least four positions, the last equal to the first. */
export function judgeRing(ring: unknown): Finding {
  if (!Array.isArray(ring) || ring.length < 4) return ['geometry', 'a ring has at least four positions'];
  for (const position of ring as readonly unknown[]) {
    const finding = judgePosition(position);
    if (finding !== null) return finding;
  }
  const [first, last] = [ring[0], ring.at(-1)] as readonly LonLat[];
  if (first?.[0] !== last?.[0] || first?.[1] !== last?.[1]) {
    return ['geometry', 'a ring ends with the position it begins with'];
  }
  return null;
}

/** Judges one line: at least two positions. */
export function judgeLine(line: unknown): Finding {
  if (!Array.isArray(line) || line.length < 2) return ['geometry', 'a line has at least two positions'];
  for (const position of line as readonly unknown[]) {
    const finding = judgePosition(position);
    if (finding !== null) return finding;
  }
  return null;
}
