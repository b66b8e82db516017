import type { CameraSearch, ScopedQuery } from '#catalog';
import { compareSeen, reaches, type SeenBy, type SeenOrder, type Sight } from '#geo';
import { CameraFinder, type CameraPageOptions } from '#storage';
import { sightAnswer } from '../sight/sight-answer.js';
import type { Sights } from '../sight/sights.js';
import type { ApiParts } from '../parts.js';

/** Where a list of cameras that see a place goes on: all by which the last camera was put in its order. */
export interface SeenCursor {
  readonly id: string;
  readonly certainty: Sight['certainty'];
  readonly showing: boolean;
  readonly pxPerM: number | null;
  readonly distanceM: number;
}

/** One page of the cameras that see a place, JSON texts, best first. */
export interface SeenPage {
  readonly items: readonly string[];
  readonly next: SeenCursor | null;
}

type Options = Omit<CameraPageOptions, 'after'> & {
  readonly place: NonNullable<CameraSearch['sees']>;
  readonly after?: SeenCursor;
};

/**
 * The cameras that see a place: the database finds those that may, geometry judges each exactly, and the best of them are written. Every page
 * judges all candidates again: there are hundreds at most, and a cursor stays true while cameras come and go.
 */
export async function findSeeing(
  scope: ScopedQuery,
  options: Options,
  db: ApiParts['db'],
  sights: Sights,
): Promise<SeenPage> {
  const { search, limit, form, baseUrl, place, after } = options;
  const target = { position: place, heightM: search.targetHeightM ?? 0 };
  const finder = new CameraFinder(db);
  const candidates = await finder.candidates(scope, search, target);
  const answers = await sights.judge(
    candidates.map(({ geo }) => ({ camera: geo, target })),
    { atMs: Date.now(), ...(search.basis === undefined ? {} : { basis: search.basis }) },
  );
  const seeing = candidates
    .map(({ id, showing }, i): SeenBy => ({ id, showing, sight: answers[i] as Sight }))
    .filter(({ sight }) => sight.sees && isDense(sight, search.minPxPerM))
    .filter((one) => after === undefined || compareSeen(one, seenAt(after)) > 0)
    .sort(compareSeen);
  const shown = seeing.slice(0, limit);
  const items = await finder.write(
    scope,
    shown.map(({ id, showing, sight }) => ({ id, members: { sight: { ...sightAnswer(sight), showing } } })),
    { search, form, baseUrl },
  );
  const last = shown.at(-1);
  return { items, next: seeing.length > limit && last !== undefined ? cursorOf(last) : null };
}

const isDense = ({ pxPerM }: Sight, least: number | undefined): boolean =>
  least === undefined || (pxPerM !== null && reaches(pxPerM, least));

const cursorOf = ({ id, showing, sight: { certainty, pxPerM, distanceM } }: SeenBy): SeenCursor => ({
  id,
  showing,
  certainty,
  pxPerM,
  distanceM,
});

const seenAt = ({ id, showing, ...sight }: SeenCursor): SeenOrder => ({ id, showing, sight });

/** By what the list is put in order, for its answer. */
export const SEEN_ORDER = [
  {
    member: 'sight.certainty',
    first: 'certain, then probable, then possible',
    meaning: 'how sure it is by pose, position and their accuracy that the place is in the picture',
  },
  {
    member: 'sight.showing',
    first: 'true',
    meaning: 'the camera shows a picture now: its status is online, recovering or degraded',
  },
  { member: 'sight.pxPerM', first: 'the most', meaning: 'pixels per metre at the place' },
  { member: 'sight.distanceM', first: 'the nearest', meaning: 'metres over the ground' },
  { member: 'id', first: 'the lowest', meaning: 'so that the order is always the same' },
] as const;
