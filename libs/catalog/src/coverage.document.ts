import { AreaDocument, judgeLine } from './geometry.document.js';
import { Nested, NestedList, Optional, Real, rule, Switch, Text, Whole } from './rules.js';
import { shown } from './problems.js';

/** Positions of one line or several at most (security.md GEO-1). */
const MAX_POSITIONS = 2_000;

/** A GeoJSON line or several (RFC 7946): a river reach, a road corridor. */
export class LineDocument {
  @rule('lineType', { type: 'string', enum: ['LineString', 'MultiLineString'] }, (value) =>
    value === 'LineString' || value === 'MultiLineString'
      ? null
      : ['enum', `expected "LineString" or "MultiLineString", got ${shown(value)}`],
  )
  type!: 'LineString' | 'MultiLineString';

  /** Positions of [lon, lat]; for a MultiLineString a list of such lists. */
  @rule('lines', { type: 'array', items: { type: 'array', items: {} } }, (value, owner) => {
    if (!Array.isArray(value) || value.length === 0) return ['geometry', 'expected a list of positions'];
    const lines = ((owner as LineDocument).type === 'MultiLineString' ? value : [value]) as readonly unknown[];
    for (const line of lines) {
      const finding = judgeLine(line);
      if (finding !== null) return finding;
    }
    const positions = (lines as readonly (readonly unknown[])[]).reduce((sum, line) => sum + line.length, 0);
    return positions > MAX_POSITIONS ? ['length', `expected at most ${MAX_POSITIONS} positions`] : null;
  })
  coordinates!: number[][] | number[][][];
}

const FILTER_SCHEMA = {
  type: 'object',
  additionalProperties: {
    oneOf: [{ type: 'string' }, { type: 'array', items: { type: 'string' }, maxItems: 64 }],
  },
  example: { usage: ['flood', 'river'], authority: 'tainan-wrb' },
} as const;

/** Cameras that count, by the attribute selectors of `GET /v1/cameras`; a list of values is alternatives. */
const Filter = (): PropertyDecorator =>
  rule('filter', FILTER_SCHEMA, (value) => {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      return ['type', `expected an object of selectors, got ${shown(value)}`];
    }
    const isText = (one: unknown): boolean => typeof one === 'string';
    for (const [name, given] of Object.entries(value as Record<string, unknown>)) {
      if (isText(given) || (Array.isArray(given) && given.length <= 64 && given.every(isText))) continue;
      return ['type', `expected ${name} to be text or a list of at most 64 texts, got ${shown(given)}`];
    }
    return null;
  });

/** A filter as it is sent. */
export type CameraFilter = Readonly<Record<string, string | string[]>>;

/** How much of an area or a line cameras show. */
export class CoverageRequest {
  /** The area; or */
  @Optional() @Nested(() => AreaDocument) area?: AreaDocument;
  /** the line. */
  @Optional() @Nested(() => LineDocument) line?: LineDocument;
  /** Ground counts with so many pixels per metre. Default: any. @example 20 */
  @Optional() @Real({ above: 0, max: 100_000 }) minPxPerM?: number;
  /** Cameras that must show a place for it to count as covered. Default 1. @example 1 */
  @Optional() @Whole({ min: 1, max: 100 }) k?: number;
  /** Cameras that count, by attribute selectors of `GET /v1/cameras`. Default: all that are active. */
  @Optional() @Filter() filter?: CameraFilter;
}

/** One place to look for. */
export class CoveragePoint {
  /** The caller's name for it. @example "gauge-284" */
  @Text(1, 200) id!: string;
  /** Degrees, WGS 84. @example 120.295 */
  @Real({ min: -180, max: 180 }) lon!: number;
  /** Degrees, WGS 84. @example 23.079 */
  @Real({ min: -90, max: 90 }) lat!: number;
  /** Above the ground there, metres. Default 0. @example 0 */
  @Optional() @Real({ min: -500, max: 5_000 }) heightM?: number;
}

/** Points of one question at most. */
export const MAX_POINTS = 2_000;

/** Which cameras see each of many places, and which places none sees. */
export class CoveragePointsRequest {
  @NestedList(() => CoveragePoint, MAX_POINTS) points!: CoveragePoint[];
  /** A camera counts with so many pixels per metre at the place. Default: any. @example 20 */
  @Optional() @Real({ above: 0, max: 100_000 }) minPxPerM?: number;
  /** Only cameras that show a picture now count (status online, recovering, degraded). Default false. */
  @Optional() @Switch() healthyOnly?: boolean;
  /** Cameras that count, by attribute selectors of `GET /v1/cameras`. */
  @Optional() @Filter() filter?: CameraFilter;
}
