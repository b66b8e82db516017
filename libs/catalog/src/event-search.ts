import { CAMERA_SELECTORS, type Selected, type Selector } from './camera-search.js';
import { EVENT_TYPES, type EventType, UUID } from './codes.js';
import { shown } from './problems.js';

const types: Selector<readonly EventType[]> = {
  description: 'Types to be told of, with commas between; all where absent.',
  schema: { type: 'array', items: { type: 'string', enum: EVENT_TYPES } },
  example: ['camera.changed', 'health.changed'],
  parse: (given) => {
    const items = given.split(',').map((item) => item.trim());
    const wrong = items.find((item) => !EVENT_TYPES.includes(item as EventType));
    return wrong === undefined
      ? { value: items as EventType[] }
      : { finding: ['enum', `expected ${EVENT_TYPES.join(', ')} with commas between; got ${shown(wrong)}`] };
  },
};

const camera: Selector<string> & { readonly repeatable: true } = {
  description: 'Id of a camera.',
  schema: { type: 'string', format: 'uuid' },
  example: '019ac8f2-6d1b-7a55-9d0e-3f2b8c4d5e6f',
  repeatable: true,
  parse: (given) =>
    UUID.test(given)
      ? { value: given.toLowerCase() }
      : { finding: ['format', `expected the id of a camera, a UUID; got ${shown(given)}`] },
};

const after: Selector<string> = {
  description: 'Go on behind this event; for clients that cannot send `Last-Event-ID`, which is stronger.',
  schema: { type: 'string', minLength: 1, maxLength: 1_024 },
  example: 'q1Zk…',
  parse: (given) =>
    given.length > 0 && given.length <= 1_024
      ? { value: given }
      : { finding: ['length', `expected the id of an event, got ${shown(given)}`] },
};

/** Every selector of `GET /v1/events`. They combine with AND; several values of one are alternatives. */
export const EVENT_SELECTORS = {
  types,
  authority: CAMERA_SELECTORS.authority,
  camera,
  bbox: CAMERA_SELECTORS.bbox,
  near: { ...CAMERA_SELECTORS.near, description: 'Position within radiusM of lon,lat.' },
  radiusM: CAMERA_SELECTORS.radiusM,
  after,
} as const satisfies Readonly<Record<string, Selector<unknown>>>;

export type EventSearch = Selected<typeof EVENT_SELECTORS>;
