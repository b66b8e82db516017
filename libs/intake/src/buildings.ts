import { type FaultCode, isPlainObject, type LonLat, shown } from '#catalog';
import { isWgs84, OTHER_CRS } from './crs.js';
import { refusal } from './decode.js';
import { type FeatureText, featureTexts, MAX_FEATURE_BYTES, parsedJson } from './feature-texts.js';
import { readNumber } from './fields.js';
import type { RowProblem } from './row.js';

/** Where a file keeps heights, where it is not one of the usual properties. */
export interface BuildingFields {
  /** Property with the height of the top above the ground. */
  readonly heightFrom?: string;
  /** Property with the height of the underside above the ground. */
  readonly baseFrom?: string;
}

/** A building as a prism. A feature of several polygons is several of them. */
export interface ReadBuilding {
  /** Number of the feature in the file, from 1. */
  readonly feature: number;
  /** Outer ring and holes, closed, WGS 84. */
  readonly rings: readonly (readonly LonLat[])[];
  /** Above the ground at the building, metres; a bridge has a base over 0. */
  readonly baseM: number;
  readonly topM: number;
}

/** Why a feature is left out. */
export interface FeatureProblem {
  /** Number of the feature in the file, from 1. */
  readonly feature: number;
  readonly code: FaultCode;
  readonly detail: string;
}

/** What was read next; after a refusal nothing more comes. */
export type BuildingFinding =
  { readonly building: ReadBuilding } | { readonly problem: FeatureProblem } | { readonly refused: RowProblem };

/** Properties in which heights and bases stand, in order of preference: our own, OSM's, CityGML's, OpenMapTiles'. */
const HEIGHTS = ['heightM', 'height', 'measuredHeight', 'render_height'] as const;
const BASES = ['baseM', 'min_height', 'render_min_height'] as const;

/** Heights above the ground that are believed, metres: twice the tallest tower, and a deep pit. */
const HIGHEST_M = 2_000;
const LOWEST_M = -500;

/**
 * Reads the buildings of a GeoJSON file of any size, one by one, in bounded memory. A feature that cannot be taken is a problem of its own; without
 * a height it is left out, for nothing is invented. Pure; never throws on what a file holds.
 */
export async function* readBuildings(
  file: AsyncIterable<Uint8Array>,
  fields: BuildingFields = {},
): AsyncGenerator<BuildingFinding, void> {
  let feature = 0;
  for await (const text of featureTexts(file)) {
    if ('refused' in text) {
      yield text;
      return;
    }
    feature += 1;
    const value = 'bytes' in text ? parsedJson(text.bytes) : undefined;
    if (isPlainObject(value) && !isWgs84(value['crs'])) {
      yield refusal('unsupported', OTHER_CRS);
      return;
    }
    const read = 'broken' in text ? BROKEN[text.broken] : prismsOf(value, fields);
    if ('fault' in read) yield { problem: { feature, code: read.fault, detail: read.detail } };
    else for (const rings of read.polygons) yield { building: { feature, rings, baseM: read.baseM, topM: read.topM } };
  }
}

interface Fault {
  readonly fault: FaultCode;
  readonly detail: string;
}

/** A value that is quoted may be cut within a character, and no database keeps half of one. */
const wrong = (fault: FaultCode, detail: string): Fault => ({
  fault,
  detail: detail.replace(/\p{Surrogate}/gu, '\uFFFD'),
});

const BROKEN: Readonly<Record<Extract<FeatureText, { broken: unknown }>['broken'], Fault>> = {
  too_large: wrong('feature_too_large', `a feature has at most ${MAX_FEATURE_BYTES} bytes`),
  cut_off: wrong('not_data', 'the feature ends in the middle'),
};

type Rings = readonly (readonly LonLat[])[];

/** The prisms of a feature. */
function prismsOf(
  feature: unknown,
  { heightFrom, baseFrom }: BuildingFields,
): { readonly polygons: readonly Rings[]; readonly baseM: number; readonly topM: number } | Fault {
  if (feature === undefined) return wrong('not_data', 'this is no JSON in UTF-8');
  if (!isPlainObject(feature) || feature['type'] !== 'Feature') return wrong('type', 'expected a GeoJSON feature');
  const polygons = polygonsIn(feature['geometry']);
  if ('fault' in polygons) return polygons;
  const properties = isPlainObject(feature['properties']) ? feature['properties'] : {};
  const heights = heightFrom === undefined ? HEIGHTS : [heightFrom];
  const topM = metresIn(properties, heights);
  if (topM === null) return wrong('height_missing', `none of the properties ${heights.join(', ')} states a height`);
  if (typeof topM === 'object') return topM;
  const baseM = metresIn(properties, baseFrom === undefined ? BASES : [baseFrom]) ?? 0;
  if (typeof baseM === 'object') return baseM;
  if (topM > baseM) return { polygons, baseM, topM };
  return wrong('range', `the top, ${topM} m, is not above the base, ${baseM} m`);
}

/** Metres in the first of these properties that states something; null where none does. */
function metresIn(properties: Readonly<Record<string, unknown>>, names: readonly string[]): number | null | Fault {
  for (const name of names) {
    const stated = Object.hasOwn(properties, name) ? properties[name] : undefined;
    const read = readNumber(typeof stated === 'string' ? stated.trimEnd().replace(UNIT, '') : stated);
    if (read === 'absent') continue;
    if (read === 'bad')
      return wrong('bad_number', `${name}: expected metres, such as 12.5 or "12.5 m"; got ${shown(stated)}`);
    if (read.value >= LOWEST_M && read.value <= HIGHEST_M) return read.value;
    return wrong('range', `${name}: expected ${LOWEST_M} to ${HIGHEST_M} m; got ${shown(stated)}`);
  }
  return null;
}

const UNIT = /(?:m|metres|meters)$/i;

/** Rings of each polygon of a geometry; third ordinates are left out. */
function polygonsIn(geometry: unknown): readonly Rings[] | Fault {
  const { type, coordinates } = isPlainObject(geometry) ? geometry : {};
  if (type !== 'Polygon' && type !== 'MultiPolygon') {
    return wrong('geometry', `expected a Polygon or MultiPolygon; got ${shown(type ?? null)}`);
  }
  const polygons: unknown = type === 'Polygon' ? [coordinates] : coordinates;
  if (!isFilledList(polygons) || !polygons.every(isFilledList))
    return wrong('geometry', 'expected polygons of at least one ring');
  const read: Rings[] = [];
  for (const polygon of polygons) {
    const rings: (readonly LonLat[])[] = [];
    for (const ring of polygon) {
      const positions = ringOf(ring);
      if ('fault' in positions) return positions;
      rings.push(positions);
    }
    read.push(rings);
  }
  return read;
}

const isFilledList = (value: unknown): value is readonly unknown[] => Array.isArray(value) && value.length > 0;

function ringOf(ring: unknown): readonly LonLat[] | Fault {
  if (!Array.isArray(ring) || ring.length < 4) return wrong('geometry', 'a ring has at least four positions');
  const positions: LonLat[] = [];
  let [west, east] = [Infinity, -Infinity];
  for (const position of ring as readonly unknown[]) {
    const [lon, lat] = (Array.isArray(position) ? position : []) as readonly unknown[];
    if (!Number.isFinite(lon) || !Number.isFinite(lat)) {
      return wrong('geometry', `expected positions of longitude and latitude; got ${shown(position)}`);
    }
    const place: LonLat = [lon as number, lat as number];
    if (Math.abs(place[0]) > 180 || Math.abs(place[1]) > 90) {
      return wrong('position_out_of_range', `expected lon -180..180 and lat -90..90; got ${shown(place)}`);
    }
    west = Math.min(west, place[0]);
    east = Math.max(east, place[0]);
    positions.push(place);
  }
  const [first, last] = [positions[0], positions.at(-1)];
  if (first?.[0] !== last?.[0] || first?.[1] !== last?.[1]) return wrong('geometry', 'a ring ends where it begins');
  if (east - west > 180)
    return wrong('geometry', 'a ring that crosses the antimeridian is cut there (RFC 7946, 3.1.9)');
  return positions;
}
