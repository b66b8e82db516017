import {
  ACCESS_LEVELS,
  COMPLETENESS,
  LIFECYCLES,
  MOBILITIES,
  SLUG,
  STATUSES,
  type ThumbnailWidthPx,
  THUMBNAIL_WIDTHS_PX,
  USAGES,
} from './codes.js';

import type { JsonSchema } from './member-schema.js';
import { parseBbox, parseGeometry, parsePoint, parsePolygon } from './query-geometry.js';
import { type Finding, isMoment, judgeNumber, type Limits } from './rules.js';
import { shown } from './problems.js';

/** Either a value or what is wrong with its text. */
export type Parsed<T> = { readonly value: T } | { readonly finding: NonNullable<Finding> };

/** One query parameter: what it means, its schema, and how its text is read. */
export interface Selector<T> {
  readonly description: string;
  readonly schema: JsonSchema;
  readonly example?: unknown;
  /** May be given several times; the values are alternatives. */
  readonly repeatable?: boolean;
  parse(text: string): Parsed<T>;
}

const text = (description: string, example: string, max = 200): Selector<string> => ({
  description,
  schema: { type: 'string', minLength: 1, maxLength: max },
  example,
  parse: (given) =>
    given.trim().length > 0 && given.length <= max && !/[\0\p{Surrogate}]/u.test(given)
      ? { value: given.trim().normalize('NFC') }
      : { finding: ['length', `expected 1 to ${max} characters, got ${shown(given)}`] },
});

const code = <const T extends string>(list: readonly T[], description: string): Selector<T> => ({
  description,
  schema: { type: 'string', enum: list },
  parse: (given) =>
    list.includes(given as T)
      ? { value: given as T }
      : { finding: ['enum', `expected one of ${list.join(', ')}; got ${shown(given)}`] },
});

/** Plain decimals alone: no hexadecimal, no empty text that would read as 0. */
const DECIMAL = /^[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d{1,3})?$/;

const number = (description: string, limits: Limits, example: number, whole = false): Selector<number> => ({
  description,
  schema: {
    type: whole ? 'integer' : 'number',
    ...(limits.min === undefined ? {} : { minimum: limits.min }),
    ...(limits.above === undefined ? {} : { exclusiveMinimum: limits.above }),
    ...(limits.max === undefined ? {} : { maximum: limits.max }),
  },
  example,
  parse: (given) => {
    if (!DECIMAL.test(given)) return { finding: ['type', `expected a number, got ${shown(given)}`] };
    const finding = judgeNumber(Number(given), limits, whole);
    return finding === null ? { value: Number(given) } : { finding };
  },
});

const many = <T>(selector: Selector<T>): Selector<T> & { readonly repeatable: true } => ({
  ...selector,
  repeatable: true,
});

const slug: Selector<string> = {
  description: 'Slug of the authority that answers for the camera.',
  schema: { type: 'string', pattern: SLUG.source },
  example: 'tainan-wrb',
  parse: (given) =>
    SLUG.test(given)
      ? { value: given }
      : { finding: ['format', `expected the slug of an authority, got ${shown(given)}`] },
};

const moment: Selector<string> = {
  description:
    'Cameras changed since then, retired ones included, oldest change first: the feed for copies. The answer carries `resume`, the address to poll later.',
  schema: { type: 'string', format: 'date-time' },
  example: '2026-11-24T08:00:00Z',
  parse: (given) =>
    isMoment(given)
      ? { value: given }
      : { finding: ['format', `expected an RFC 3339 time such as 2026-11-24T08:00:00Z, got ${shown(given)}`] },
};

const geometry = <T>(description: string, example: string, parse: (given: string) => Parsed<T>): Selector<T> => ({
  description,
  schema: { type: 'string' },
  example,
  parse,
});

/** What an answer about several cameras may carry beside their documents. */
export const INCLUDES = ['footprint', 'health', 'thumbnail'] as const;
export type Include = (typeof INCLUDES)[number];

const listed = <T extends string>(list: readonly T[], description: string): Selector<readonly T[]> => ({
  description,
  schema: { type: 'array', items: { type: 'string', enum: list } },
  parse: (given) => {
    const items = given.split(',');
    const wrong = items.find((item) => !list.includes(item as T));
    return wrong === undefined
      ? { value: items as T[] }
      : { finding: ['enum', `expected ${list.join(', ')} with commas between; got ${shown(wrong)}`] };
  },
});

const names: Selector<readonly string[]> = {
  description: 'Top-level members that the answer shall carry, with commas between; `id` always comes.',
  schema: { type: 'array', items: { type: 'string' } },
  example: ['name', 'location'],
  parse: (given) =>
    /^[A-Za-z]{1,40}(?:,[A-Za-z]{1,40}){0,63}$/.test(given)
      ? { value: given.split(',') }
      : { finding: ['format', `expected names of members with commas between, got ${shown(given)}`] },
};

const form = <const T extends string>(...forms: readonly T[]): Selector<T> =>
  code(forms, 'Form of the answer; stronger than the header Accept.');

/** Which of a turning camera's views a question is about. */
export const ASKED_BASES = ['current', 'reach'] as const;

/** Where to look and what counts as seeing: shared by every question about one place. */
export const SIGHT_SELECTORS = {
  targetHeightM: number(
    'Height of what is looked for above the ground there, metres. Default 0: water, road; a person 1.7.',
    { min: -500, max: 5_000 },
    1.7,
  ),
  basis: code(
    ASKED_BASES,
    'Of turning cameras only this: `current` where they look now, `reach` what they can be turned to. Absent: where they look now if that is known, else their reach; each answer says which.',
  ),
} as const;

/** Most cameras in one answer. A larger `limit` is lowered to it, not refused (OGC API - Features does the same). */
export const MAX_LIMIT = 1_000;
export const DEFAULT_LIMIT = 50;
export const DEFAULT_RADIUS_M = 1_000;

/** Shape of an answer, for every list. */
export const PAGE_SELECTORS = {
  limit: number(`Items in one answer; more than ${MAX_LIMIT} is lowered to it.`, { min: 1 }, DEFAULT_LIMIT, true),
  cursor: text('Where the answer goes on; only ever taken from a `next` link.', 'eyJr…', 1_024),
} as const;

/** Selectors by what a camera is, for lists and for questions about coverage. */
export const ATTRIBUTE_SELECTORS = {
  authority: many(slug),
  usage: many(code(USAGES, 'What the camera is for.')),
  tag: many(text('A word of the agency’s own.', 'bridge', 64)),
  lifecycle: many(
    code(LIFECYCLES, 'How much the agency wants of the camera. Retired cameras are listed only when asked for.'),
  ),
  status: many(code(STATUSES, 'What probes have established.')),
  mobility: many(code(MOBILITIES, 'Whether it turns or moves.')),
  completeness: many(code(COMPLETENESS, 'How much of the view is known.')),
  access: many(code(ACCESS_LEVELS, 'Who may know the camera.')),
  city: many(text('City of the address.', 'Tainan')),
  basin: many(text('River basin.', 'Yanshuei')),
  q: text('Words, all of which stand in name, names, localId or address.', 'bridge downstream'),
} as const satisfies Readonly<Record<string, Selector<unknown>>>;

/** Every selector of `GET /v1/cameras`. They combine with AND; several values of one are alternatives. */
export const CAMERA_SELECTORS = {
  ...ATTRIBUTE_SELECTORS,
  updatedSince: moment,
  bbox: geometry(
    'Position inside minLon,minLat,maxLon,maxLat, degrees; minLon above maxLon crosses the antimeridian.',
    '120.2,23.0,120.4,23.2',
    parseBbox,
  ),
  within: geometry(
    'Position inside a WKT POLYGON or MULTIPOLYGON of lon lat, at most 500 positions.',
    'POLYGON((120.28 23.07,120.31 23.07,120.31 23.09,120.28 23.07))',
    parsePolygon,
  ),
  near: geometry(
    'Position within radiusM of lon,lat, nearest first; each item gets distanceM and bearingDeg.',
    '120.295,23.079',
    parsePoint,
  ),
  radiusM: number(
    `Radius around near, metres on the ellipsoid. Default ${DEFAULT_RADIUS_M}.`,
    { above: 0, max: 1_000_000 },
    500,
  ),
  sees: geometry(
    'Cameras whose view contains lon,lat, best first: certainty, then those that show a picture now, then pixels per metre, then distance. Each item gets sight. Planned and suspended cameras count only where lifecycle names them.',
    '120.295,23.079',
    parsePoint,
  ),
  ...SIGHT_SELECTORS,
  minPxPerM: number('With sees: at least so many pixels per metre at the place.', { above: 0, max: 100_000 }, 20),
  maxAgeS: number('Latest picture that you see at most so many seconds old.', { above: 0, max: 31_536_000 }, 300),
  footprint: geometry(
    'Cameras whose footprint, the ground that they show, meets a WKT POINT, LINESTRING, POLYGON or several (MULTI…) of lon lat, at most 500 positions. Turning cameras as they look now; with basis=reach all that they can be turned to.',
    'LINESTRING(120.29 23.079,120.3 23.08)',
    parseGeometry,
  ),
  include: listed(INCLUDES, 'What each item carries beside its document.'),
  fields: names,
  ...PAGE_SELECTORS,
  f: form('json', 'geojson', 'csv'),
} as const satisfies Readonly<Record<string, Selector<unknown>>>;

/** Selectors of one camera's own address. */
export const ONE_CAMERA_SELECTORS = { f: form('json', 'geojson') } as const;

export const THUMBNAIL_SELECTORS = {
  width: {
    description: 'Width in pixels; never enlarged.',
    schema: { type: 'integer', enum: THUMBNAIL_WIDTHS_PX, default: 320 },
    example: 320,
    parse: (given) => {
      const width = THUMBNAIL_WIDTHS_PX.find((one) => String(one) === given);
      return width === undefined
        ? { finding: ['enum', `expected one of ${THUMBNAIL_WIDTHS_PX.join(', ')}; got ${shown(given)}`] }
        : { value: width };
    },
  } satisfies Selector<ThumbnailWidthPx>,
  preset: text('Id of the preset that is meant; absent: the main view.', '1', 64),
} as const;

type ValueOf<S> = S extends { repeatable: true; parse(text: string): Parsed<infer T> }
  ? readonly T[]
  : S extends { parse(text: string): Parsed<infer T> }
    ? T
    : never;

/** What a table of selectors reads from a query. */
export type Selected<S extends Readonly<Record<string, Selector<unknown>>>> = {
  readonly [Name in keyof S]?: ValueOf<S[Name]>;
};

export type CameraSearch = Selected<typeof CAMERA_SELECTORS>;
