import { ATTRIBUTE_SELECTORS, CAMERA_SELECTORS, MAX_LIMIT, PAGE_SELECTORS, type Selector } from './camera-search.js';
import { RESOLUTIONS, type Resolution, SUMMARY_GROUPS, type SummaryGroup } from './codes.js';
import { shown } from './problems.js';

const one = <const T extends string>(list: readonly T[], description: string): Selector<T> => ({
  description,
  schema: { type: 'string', enum: list },
  parse: (given) =>
    list.includes(given as T)
      ? { value: given as T }
      : { finding: ['enum', `expected one of ${list.join(', ')}; got ${shown(given)}`] },
});

const moment = { ...CAMERA_SELECTORS.updatedSince, example: '2026-11-24T08:00:00Z' };

/** Changes of status in one answer, where the caller does not say. */
export const DEFAULT_TRANSITIONS = 200;

/** Selectors of `GET /v1/cameras/{id}/health/history`. */
export const HISTORY_SELECTORS = {
  from: { ...moment, description: 'Beginning of the time; 24 hours before `to` where absent, at most 400 days ago.' },
  to: { ...moment, description: 'Its end; now where absent.' },
  resolution: one<Resolution>(
    RESOLUTIONS,
    'Length of the buckets: of at most 1,500. Minutes are kept for two days, hours for 30 days, days for 400. Where absent: minutes for up to 6 hours, hours for up to 15 days, else days.',
  ),
  limit: {
    ...PAGE_SELECTORS.limit,
    description: `Transitions in one answer; ${DEFAULT_TRANSITIONS} where absent, more than ${MAX_LIMIT} is lowered to it.`,
    example: DEFAULT_TRANSITIONS,
  },
} as const satisfies Readonly<Record<string, Selector<unknown>>>;

/** Selectors of `GET /v1/health/summary`: how cameras are grouped, and which are counted. */
export const SUMMARY_SELECTORS = {
  by: one<SummaryGroup>(SUMMARY_GROUPS, 'By what cameras are counted; `authority` where absent.'),
  ...ATTRIBUTE_SELECTORS,
  bbox: CAMERA_SELECTORS.bbox,
  within: CAMERA_SELECTORS.within,
} as const satisfies Readonly<Record<string, Selector<unknown>>>;
