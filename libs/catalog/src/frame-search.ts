import { CAMERA_SELECTORS, PAGE_SELECTORS, type Selector, THUMBNAIL_SELECTORS } from './camera-search.js';

const moment = { ...CAMERA_SELECTORS.updatedSince, example: '2026-11-24T08:00:00Z' };

/** Selectors of `GET /v1/cameras/{id}/frames`. */
export const FRAME_SELECTORS = {
  from: { ...moment, description: 'Beginning of the time, inclusive; 24 hours before `to` where absent.' },
  to: { ...moment, description: 'Its end, exclusive; now where absent.' },
  preset: THUMBNAIL_SELECTORS.preset,
  ...PAGE_SELECTORS,
} as const satisfies Readonly<Record<string, Selector<unknown>>>;
