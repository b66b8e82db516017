import type { CoveragePoint, CoveragePointsRequest, ScopedQuery } from '#catalog';
import { compareSeen, reaches, type SeenBy } from '#geo';
import { type BriefCamera, CameraFinder, type Database } from '#storage';
import { SEEN_ORDER } from '../cameras/find-seeing.js';
import { sightAnswer } from '../sight/sight-answer.js';
import type { Sights } from '../sight/sights.js';
import { searchOf } from './camera-filter.js';
import type { CoveragePointsAnswer, PointCoverage, SeeingCamera } from './coverage-answers.document.js';

/** Points that are judged before others get their turn. */
const CHUNK_POINTS = 100;

/** Cameras named of each point. */
const NAMED = 100;

/** Sees all of a question's points, in order, a chunk at a time. */
export async function coverPoints(
  scope: ScopedQuery,
  request: CoveragePointsRequest,
  db: Database,
  sights: Sights,
): Promise<CoveragePointsAnswer> {
  const points: PointCoverage[] = [];
  for (let at = 0; at < request.points.length; at += CHUNK_POINTS) {
    const chunk = request.points.slice(at, at + CHUNK_POINTS);
    points.push(...(await coverChunk(scope, chunk, request, db, sights)));
    await new Promise(setImmediate);
  }
  return {
    points,
    planned: points.filter(({ seenBy, planned }) => seenBy === 0 && planned.length > 0).map(({ id }) => id),
    uncovered: points.filter(({ seenBy, planned }) => seenBy === 0 && planned.length === 0).map(({ id }) => id),
    order: [...SEEN_ORDER],
  };
}

async function coverChunk(
  scope: ScopedQuery,
  points: readonly CoveragePoint[],
  { filter, minPxPerM, healthyOnly = false }: CoveragePointsRequest,
  db: Database,
  sights: Sights,
): Promise<PointCoverage[]> {
  const finder = new CameraFinder(db);
  const search = searchOf(filter, ['active', 'maintenance', 'planned']);
  const places = points.map(({ lon, lat, heightM = 0 }) => ({ position: [lon, lat] as const, heightM }));
  const pairs = await finder.candidatesOf(scope, search, places);
  const cameras = new Map(
    (await finder.briefly(scope, [...new Set(pairs.map(({ id }) => id))])).map((camera) => [camera.id, camera]),
  );
  const asked = pairs.flatMap(({ place, id }) => {
    const camera = cameras.get(id);
    const target = places[place];
    // A camera that was retired between the two statements is gone.
    return camera === undefined || target === undefined ? [] : [{ place, camera, target }];
  });
  const answers = await sights.judge(
    asked.map(({ camera, target }) => ({ camera: camera.geo, target })),
    { atMs: Date.now() },
  );
  const seen: Seeing[][] = points.map(() => []);
  asked.forEach(({ place, camera }, i) => {
    const sight = answers[i];
    if (sight?.sees !== true) return;
    if (minPxPerM !== undefined && (sight.pxPerM === null || !reaches(sight.pxPerM, minPxPerM))) return;
    seen[place]?.push({ id: camera.id, showing: camera.showing, sight, camera });
  });
  return points.map(({ id, lon, lat, heightM = 0 }, i) => {
    const here = (seen[i] ?? []).sort(compareSeen);
    const counting = here.filter(({ camera, showing }) => camera.lifecycle !== 'planned' && (showing || !healthyOnly));
    const planned = here.filter(({ camera }) => camera.lifecycle === 'planned');
    return { id, lon, lat, heightM, seenBy: counting.length, cameras: briefOf(counting), planned: briefOf(planned) };
  });
}

interface Seeing extends SeenBy {
  readonly camera: BriefCamera;
}

const briefOf = (seeing: readonly Seeing[]): SeeingCamera[] =>
  seeing.slice(0, NAMED).map(({ camera, showing, sight }) => ({
    id: camera.id,
    authority: camera.authority,
    localId: camera.localId,
    name: camera.name,
    lifecycle: camera.lifecycle,
    status: camera.status,
    sight: { ...sightAnswer(sight), showing },
  }));
