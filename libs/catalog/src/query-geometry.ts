import { judgePosition, judgeRing, type LonLat } from './geometry.document.js';
import { type Finding } from './rules.js';
import { shown } from './problems.js';

type Parsed<T> = { readonly value: T } | { readonly finding: NonNullable<Finding> };

/** West, south, east, north, degrees; west above east crosses the antimeridian. */
export type Bbox = readonly [west: number, south: number, east: number, north: number];

/** Coordinates of a GeoJSON MultiPolygon. */
export type Polygons = readonly (readonly (readonly LonLat[])[])[];

/** Positions of a query geometry at most (security.md GEO-1). */
const MAX_QUERY_POSITIONS = 500;

const DECIMAL = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,3})?$/;

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

/** Reads WKT `POLYGON` or `MULTIPOLYGON` of lon lat. */
export function parsePolygon(given: string): Parsed<Polygons> {
  const head = /^\s*(MULTIPOLYGON|POLYGON)\s*(?=\()/i.exec(given);
  if (head === null) {
    const detail = `expected WKT such as POLYGON((120 23,121 23,121 24,120 23)), lon before lat; got ${shown(given)}`;
    return { finding: ['format', detail] };
  }
  const depth = head[1]?.toUpperCase() === 'POLYGON' ? 2 : 3;
  const reader = new ListReader(given, head[0].length);
  const list = reader.list(depth);
  if (list === null || !reader.isAtEnd()) {
    return { finding: ['format', `the WKT breaks off or goes on at character ${reader.at + 1}`] };
  }
  const polygons = (depth === 2 ? [list] : list) as unknown as Polygons;
  const finding = judgePolygons(polygons);
  return finding === null ? { value: polygons } : { finding };
}

function judgePolygons(polygons: Polygons): Finding {
  const rings = polygons.flat();
  if (rings.length === 0) return ['geometry', 'the polygon is empty'];
  const positions = rings.reduce((sum, ring) => sum + ring.length, 0);
  if (positions > MAX_QUERY_POSITIONS) {
    return ['length', `expected at most ${MAX_QUERY_POSITIONS} positions, got ${positions}`];
  }
  for (const ring of rings) {
    const finding = judgeRing(ring);
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
