import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { LocalFrame } from '#geo';
import { type Sightline, startSightline } from '#testing';
import { type ApiClient, clientOf, dataOf, type Schemas } from './client.js';
import { addAuthority, addCamera, type Registration, registration } from './fixtures.js';

let sightline: Sightline;
let admin: ApiClient;
let anybody: ApiClient;

beforeAll(async () => {
  sightline = await startSightline();
  admin = clientOf(sightline.url, sightline.key);
  anybody = clientOf(sightline.url);
  await addAuthority(admin, 'tainan-wrb');
});
afterAll(() => sightline.close());

const ORIGIN = [121.5, 24] as const;
const frame = new LocalFrame(ORIGIN);
const at = (e: number, n: number, from = frame): [number, number] => {
  const [lon, lat] = from.toLonLat(e, n);
  return [lon, lat];
};

type View = NonNullable<Registration['view']>;
const NORTH: View = {
  azimuthDeg: 0,
  tiltDeg: -20,
  hfovDeg: 60,
  vfovDeg: 34,
  farM: 100,
  imageWidthPx: 1_920,
  source: 'survey',
};

const camera = (
  localId: string,
  place: [number, number],
  over: Partial<Registration> = {},
): Promise<Schemas['Camera']> =>
  addCamera(
    admin,
    registration({
      localId,
      location: { type: 'Point', coordinates: place },
      positionSource: 'survey',
      heightM: 6,
      view: NORTH,
      lifecycle: 'maintenance',
      ...over,
    }),
  );

const square = (e: number, n: number, sideM: number, from = frame) => ({
  type: 'Polygon' as const,
  coordinates: [
    [at(e, n, from), at(e + sideM, n, from), at(e + sideM, n + sideM, from), at(e, n + sideM, from), at(e, n, from)],
  ],
});

const cover = async (body: Schemas['CoverageRequest']): Promise<Schemas['CoverageAnswer']> =>
  dataOf(await anybody.POST('/v1/coverage', { body }));

const problemOf = async (where: string, body: unknown): Promise<{ status: number } & Schemas['Problem']> => {
  const answer = await fetch(`${sightline.url}/v1/coverage${where}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  return { ...((await answer.json()) as Schemas['Problem']), status: answer.status };
};

const area = (polygons: unknown): number =>
  (polygons as { coordinates: [number, number][][][] }).coordinates
    .flatMap((rings) => rings.map((ring, i) => (i === 0 ? 1 : -1) * Math.abs(ringArea(ring))))
    .reduce((sum, one) => sum + one, 0);

function ringArea(ring: readonly [number, number][]): number {
  const flat = ring.map((position) => frame.toEnu(position, 0));
  return flat.reduce((sum, { e, n }, i) => {
    const next = flat[(i + 1) % flat.length] ?? { e: 0, n: 0 };
    return sum + (e * next.n - next.e * n) / 2;
  }, 0);
}

describe('an area', () => {
  beforeAll(async () => {
    await camera('one', at(0, 0));
    await camera('two', at(0, -10));
    await camera('planned', at(0, 300), { lifecycle: 'planned', view: { ...NORTH, azimuthDeg: 180 } });
    await camera('sector', at(60, 50), {
      heightM: undefined as never,
      view: { azimuthDeg: 270, hfovDeg: 90, farM: 100 },
    });
  });

  test('covered and uncovered share it out, in square metres and as polygons', async () => {
    const answer = await cover({ area: square(-100, -20, 200) });
    expect(answer).toMatchObject({ cellM: 1, k: 1, occlusion: { model: 'none_computed' } });
    const { coveredM2 = 0, uncoveredM2 = 0 } = answer;
    expect(coveredM2 + uncoveredM2).toBeCloseTo(40_000, -2);
    // T-06: a camera like these shows 5,106.8 m² of ground; the second stands ten metres behind.
    expect(coveredM2).toBeGreaterThan(5_000);
    expect(coveredM2).toBeLessThan(7_000);
    expect(answer.coveredFraction).toBeCloseTo(coveredM2 / 40_000, 3);
    expect(area(answer.covered)).toBeCloseTo(coveredM2, -1);
    expect(area(answer.uncovered)).toBeCloseTo(uncoveredM2, -1);
  });

  test('k, density and filter change what counts; planned cameras count by name alone', async () => {
    const whole = square(-100, -20, 200);
    const [once, twice, dense, none, planned] = await Promise.all([
      cover({ area: whole }),
      cover({ area: whole, k: 2 }),
      cover({ area: whole, minPxPerM: 40 }),
      cover({ area: whole, filter: { usage: 'anpr' } }),
      cover({ area: square(-50, 200, 90), filter: { lifecycle: ['planned'] } }),
    ]);
    expect(twice.coveredM2 ?? 0).toBeLessThan(once.coveredM2 ?? 0);
    expect(twice.coveredM2 ?? 0).toBeGreaterThan(3_000);
    expect(dense.coveredM2 ?? 0).toBeLessThan((once.coveredM2 ?? 0) / 2);
    expect(none).toMatchObject({ covered: null, coveredM2: 0, coveredFraction: 0, cameras: 0 });
    expect(planned.coveredFraction).toBeGreaterThan(0.3);
  });

  test('a river reach says which pieces are in view', async () => {
    const answer = await cover({ line: { type: 'LineString', coordinates: [at(-200, 50), at(200, 50)] } });
    expect((answer.coveredM ?? 0) + (answer.uncoveredM ?? 0)).toBeCloseTo(400, 1);
    // At 50 m north and 60 degrees wide: 2 × 50 × tan 30 of one camera, 2 × 60 × tan 30 of the one behind.
    expect(answer.coveredM ?? 0).toBeCloseTo(2 * 60 * Math.tan(Math.PI / 6), -0.5);
    expect(answer.covered).toMatchObject({ type: 'MultiLineString' });
    expect((answer.uncovered as { coordinates: unknown[] }).coordinates).toHaveLength(2);
  });

  test('requests that cannot be answered', async () => {
    expect(await problemOf('', {})).toMatchObject({ status: 400, code: 'validation_failed' });
    const both = { area: square(0, 0, 10), line: { type: 'LineString', coordinates: [at(0, 0), at(1, 1)] } };
    expect(await problemOf('', both)).toMatchObject({ status: 400, code: 'validation_failed' });
    expect(await problemOf('', { area: square(0, 0, 25_000) })).toMatchObject({ status: 400, code: 'area_too_large' });
    const flat = { type: 'Polygon', coordinates: [[at(0, 0), at(10, 0), at(5, 0), at(0, 0)]] };
    expect(await problemOf('', { area: flat })).toMatchObject({ status: 400, errors: [{ pointer: '/area' }] });
    const still = { line: { type: 'LineString', coordinates: [at(0, 0), at(0, 0)] } };
    expect(await problemOf('', still)).toMatchObject({ status: 400, errors: [{ pointer: '/line' }] });
    const colour = { area: square(0, 0, 10), filter: { colour: 'red' } };
    expect(await problemOf('', colour)).toMatchObject({
      errors: [{ pointer: '/filter/colour', code: 'unknown_member' }],
    });
    const usage = { area: square(0, 0, 10), filter: { usage: ['rivers'] } };
    expect(await problemOf('', usage)).toMatchObject({ errors: [{ pointer: '/filter/usage', code: 'enum' }] });
  });

  test('a camera with two views counts once; a turning one only while its pose is fresh', async () => {
    const here = new LocalFrame([121.7, 24]);
    const turning = { mobility: 'ptz', ptz: { azimuthMinDeg: 0, azimuthMaxDeg: 360, hfovWideDeg: 60 } } as const;
    const fresh = await camera('ptz', at(0, 0, here), { ...turning, view: { ...NORTH, at: new Date().toISOString() } });
    const spot = square(-5, 30, 10, here);
    expect((await cover({ area: spot })).coveredFraction).toBe(1);
    expect((await cover({ area: spot, k: 2 })).coveredFraction).toBe(0);
    dataOf(
      await admin.PATCH('/v1/cameras/{id}', {
        params: { path: { id: fresh.id }, header: { 'If-Match': '*' } },
        body: { view: { at: '2026-01-01T00:00:00Z' } } as never,
        headers: { 'content-type': 'application/merge-patch+json' },
      }),
    );
    expect((await cover({ area: spot })).coveredFraction).toBe(0);
  });
});

describe('points', () => {
  const here = new LocalFrame([121.9, 24]);
  const points = async (body: Schemas['CoveragePointsRequest']): Promise<Schemas['CoveragePointsAnswer']> =>
    dataOf(await anybody.POST('/v1/coverage/points', { body }));

  test('T-17: 877 points, 833 seen, 4 seen by planned cameras only, 40 by none', async () => {
    await camera('T17', at(0, 0, here), { view: { ...NORTH, farM: 900, tiltDeg: -15, vfovDeg: 40 }, heightM: 30 });
    await camera('T17-planned', at(5_000, 0, here), { lifecycle: 'planned' });
    const row = (count: number, e: number, n: number, name: string) =>
      Array.from({ length: count }, (_, i) => {
        const [lon, lat] = at(e + (i % 30), n + Math.floor(i / 30), here);
        return { id: `${name}${i}`, lon, lat };
      });
    const asked = [...row(833, -15, 300, 'seen'), ...row(4, 5_000, 40, 'planned'), ...row(40, -15, -300, 'blind')];
    const answer = await points({ points: asked });
    expect(answer.points).toHaveLength(877);
    expect(answer.points.filter(({ seenBy }) => seenBy > 0)).toHaveLength(833);
    expect(answer.planned).toEqual(asked.slice(833, 837).map(({ id }) => id));
    expect(answer.uncovered).toEqual(asked.slice(837).map(({ id }) => id));
    expect(answer.points[0]?.cameras[0]).toMatchObject({
      localId: 'T17',
      lifecycle: 'maintenance',
      sight: { sees: true },
    });
    const healthy = await points({ points: asked, healthyOnly: true });
    expect([healthy.planned.length, healthy.uncovered.length]).toEqual([4, 873]);
    expect((await points({ points: asked, minPxPerM: 20 })).uncovered.length).toBe(873);
    expect((await points({ points: asked, filter: { lifecycle: 'active' } })).uncovered.length).toBe(877);
  });

  test('of several cameras the best comes first; a high target has a height', async () => {
    const there = new LocalFrame([121.95, 24]);
    await camera('far', at(0, -60, there));
    await camera('near', at(0, -20, there));
    const [lon, lat] = at(0, 10, there);
    const answer = await points({
      points: [
        { id: 'ground', lon, lat },
        { id: 'sky', lon, lat, heightM: 60 },
      ],
    });
    expect(answer.points.map(({ id, cameras }) => [id, cameras.map(({ localId }) => localId)])).toEqual([
      ['ground', ['near', 'far']],
      ['sky', []],
    ]);
    expect(answer.order[0]?.member).toBe('sight.certainty');
  });

  test('bad points are named', async () => {
    const bad = { points: [{ id: 'a', lon: 200, lat: 0 }] };
    expect(await problemOf('/points', bad)).toMatchObject({
      status: 400,
      errors: [{ pointer: '/points/0/lon', code: 'range' }],
    });
    const many = { points: Array.from({ length: 2_001 }, (_, i) => ({ id: String(i), lon: 0, lat: 0 })) };
    expect(await problemOf('/points', many)).toMatchObject({ status: 400 });
  });
});
