import { judgeLine, judgePosition, judgeRing, type LonLat } from './geometry.document.js';
import { type Finding } from './rules.js';
import { shown } from './problems.js';

type Parsed<T> = { readonly value: T } | { readonly finding: NonNullable<Finding> };

/** West, south, east, north, degrees; west above east crosses the antimeridian. */
export type Bbox = readonly [west: number, south: number, east: number, north: number];

/** Coordinates of a GeoJSON MultiPolygon. */
export type Polygons = readonly (readonly (readonly LonLat[])[])[];

/** Positions of a query geometry at most (security.md GEO-1). */
const MAX_QUERY_POSITIONS = 500;

const DECIMAL = /^[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d{1,3})?$/;

function numbersOf(parts: readonly string[]): readonly number[] | null {
  const trimmed = parts.map((part) => part.trim());
  return trimmed.every((part) => DECIMAL.test(part)) ? trimmed.map(Number) : null;
}

/** Reads `lon,lat`. */
export function parsePoint(given: string): Parsed<LonLat> {
  const numbers = numbersOf(given.split(','));
  if (numbers === null || numbers.length !== 2) {
    return { finding: ['format', `expected lon,lat such as 120.295,23.079; got ${shown(given)}`] };
  }
  const [lon, lat] = numbers as [number, number];
  const finding = judgePosition([lon, lat]);
  if (finding === null) return { value: [lon, lat] };
  const exchanged = judgePosition([lat, lon]) === null ? `; exchanged it would be ${lat},${lon}` : '';
  return {
    finding: [
      'position_out_of_range',
      `expected lon,lat with lon -180..180 and lat -90..90; got ${shown(given)}${exchanged}`,
    ],
  };
}

/** Reads `minLon,minLat,maxLon,maxLat`. */
export function parseBbox(given: string): Parsed<Bbox> {
  const numbers = numbersOf(given.split(','));
  if (numbers === null || numbers.length !== 4) {
    return { finding: ['format', `expected minLon,minLat,maxLon,maxLat; got ${shown(given)}`] };
  }
  const [west, south, east, north] = numbers as [number, number, number, number];
  if (judgePosition([west, south]) !== null || judgePosition([east, north]) !== null) {
    const detail = `expected minLon,minLat,maxLon,maxLat with lon -180..180 and lat -90..90; got ${shown(given)}`;
    return { finding: ['position_out_of_range', detail] };
  }
  return south > north
    ? { finding: ['range', `minLat ${south} is above maxLat ${north}`] }
    : { value: [west, south, east, north] };
}

/** A geometry in a query, as GeoJSON has it. */
export type QueryGeometry =
  | { readonly type: 'Point'; readonly coordinates: LonLat }
  | { readonly type: 'LineString'; readonly coordinates: readonly LonLat[] }
  | { readonly type: 'MultiLineString' | 'Polygon'; readonly coordinates: readonly (readonly LonLat[])[] }
  | { readonly type: 'MultiPolygon'; readonly coordinates: Polygons };

/** How deep the lists of a kind of WKT are nested, and its name in GeoJSON. */
const WKT = {
  POINT: [1, 'Point'],
  LINESTRING: [1, 'LineString'],
  MULTILINESTRING: [2, 'MultiLineString'],
  POLYGON: [2, 'Polygon'],
  MULTIPOLYGON: [3, 'MultiPolygon'],
} as const;
type WktKind = keyof typeof WKT;

const WKT_EXAMPLES: Readonly<Record<WktKind, string>> = {
  POINT: 'POINT(120.295 23.079)',
  LINESTRING: 'LINESTRING(120.29 23.079,120.3 23.08)',
  MULTILINESTRING: 'MULTILINESTRING((120.29 23.079,120.3 23.08),(120.31 23.08,120.32 23.08))',
  POLYGON: 'POLYGON((120 23,121 23,121 24,120 23))',
  MULTIPOLYGON: 'MULTIPOLYGON(((120 23,121 23,121 24,120 23)))',
};

/** Reads WKT `POLYGON` or `MULTIPOLYGON` of lon lat. */
export function parsePolygon(given: string): Parsed<Polygons> {
  const parsed = parseWkt(given, ['POLYGON', 'MULTIPOLYGON']);
  if ('finding' in parsed) return parsed;
  const { type, coordinates } = parsed.value;
  return { value: type === 'Polygon' ? [coordinates] : (coordinates as Polygons) };
}

/** Reads WKT of lon lat: a point, a line, several, a polygon, several. */
export const parseGeometry = (given: string): Parsed<QueryGeometry> => parseWkt(given, Object.keys(WKT) as WktKind[]);

function parseWkt(given: string, kinds: readonly WktKind[]): Parsed<QueryGeometry> {
  const head = /^\s*([A-Za-z]+)\s*(?=\()/.exec(given);
  const kind = kinds.find((one) => one === head?.[1]?.toUpperCase());
  if (head === null || kind === undefined) {
    const examples = kinds.length > 2 ? kinds.join(', ') : WKT_EXAMPLES[kinds[0] ?? 'POLYGON'];
    return { finding: ['format', `expected WKT such as ${examples}, lon before lat; got ${shown(given)}`] };
  }
  const [depth, type] = WKT[kind];
  const reader = new ListReader(given, head[0].length);
  const list = reader.list(depth);
  if (list === null || !reader.isAtEnd()) {
    return { finding: ['format', `the WKT breaks off or goes on at character ${reader.at + 1}`] };
  }
  if (type === 'Point' && list.length > 1) return { finding: ['format', 'a POINT has one position'] };
  const geometry = { type, coordinates: type === 'Point' ? list[0] : list } as QueryGeometry;
  const finding = judgeGeometry(geometry);
  return finding === null ? { value: geometry } : { finding };
}

function judgeGeometry(geometry: QueryGeometry): Finding {
  switch (geometry.type) {
    case 'Point':
      return judgePosition(geometry.coordinates);
    case 'LineString':
      return judgeLists([geometry.coordinates], judgeLine);
    case 'MultiLineString':
      return judgeLists(geometry.coordinates, judgeLine);
    case 'Polygon':
      return judgeLists(geometry.coordinates, judgeRing);
    case 'MultiPolygon':
      return judgeLists(geometry.coordinates.flat(), judgeRing);
    default:
      throw new Error(`bug: a geometry of ${String(geometry satisfies never)}`);
  }
}

function judgeLists(lists: readonly (readonly LonLat[])[], judge: (list: unknown) => Finding): Finding {
  if (lists.length === 0) return ['geometry', 'the geometry is empty'];
  const positions = lists.reduce((sum, list) => sum + list.length, 0);
  if (positions > MAX_QUERY_POSITIONS) {
    return ['length', `expected at most ${MAX_QUERY_POSITIONS} positions, got ${positions}`];
  }
  for (const list of lists) {
    const finding = judge(list);
    if (finding !== null) return finding;
  }
  return null;
}

/** Reads the nested lists of WKT: `((x y, x y), ...)`. */
class ListReader {
  constructor(
    private readonly text: string,
    public at: number,
  ) {}

  /** A list `depth` levels deep, or null where the text is none. */
  list(depth: number): readonly unknown[] | null {
    if (!this.take('(')) return null;
    const items: unknown[] = [];
    do {
      const item = depth > 1 ? this.list(depth - 1) : this.position();
      if (item === null) return null;
      items.push(item);
    } while (this.take(','));
    return this.take(')') ? items : null;
  }

  isAtEnd(): boolean {
    return this.text.slice(this.at).trim() === '';
  }

  private position(): readonly number[] | null {
    const found = /[^,()]*/y;
    found.lastIndex = this.at;
    const words = found.exec(this.text)?.[0] ?? '';
    this.at += words.length;
    return numbersOf(words.trim().split(/\s+/));
  }

  private take(char: string): boolean {
    while (/\s/.test(this.text[this.at] ?? '')) this.at += 1;
    if (this.text[this.at] !== char) return false;
    this.at += 1;
    return true;
  }
}
