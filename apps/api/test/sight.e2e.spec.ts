import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { engine, type Sightline, startSightline } from '#testing';
import { type ApiClient, clientOf, dataOf, type Schemas } from './client.js';
import { addAuthority, addCamera, type Registration, registration } from './fixtures.js';

/** The acceptance cases of view.md, "Done means", as a client meets them. */
const P1 = '120.295,23.079';

const sightlineOnServer = engine.kind === 'server';
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

type View = NonNullable<Registration['view']>;

/** A surveyed camera that nothing is asked of. */
const camera = (
  localId: string,
  at: readonly [number, number],
  heightM: number | undefined,
  view: View,
  over: Partial<Registration> = {},
): Promise<Schemas['Camera']> =>
  addCamera(
    admin,
    registration({
      localId,
      location: { type: 'Point', coordinates: [...at] },
      ...(heightM === undefined ? {} : { heightM }),
      positionSource: 'survey',
      lifecycle: 'maintenance',
      view,
      ...over,
    }),
  );

const retire = (id: string) =>
  admin.DELETE('/v1/cameras/{id}', { params: { path: { id }, header: { 'If-Match': '*' } } });

type SightQuery = { point: string; targetHeightM?: number; basis?: 'current' | 'reach' };
const sightOf = async (id: string, query: SightQuery): Promise<Schemas['CameraSight']> =>
  dataOf(await anybody.GET('/v1/cameras/{id}/sight', { params: { path: { id }, query } }));

const footprintOf = async (id: string, query = ''): Promise<Schemas['FootprintFeature']> =>
  (await (await fetch(`${sightline.url}/v1/cameras/${id}/footprint${query}`)).json()) as Schemas['FootprintFeature'];

const seeing = async (query: string): Promise<Schemas['Camera'][]> =>
  ((await (await fetch(`${sightline.url}/v1/cameras?${query}`)).json()) as Schemas['CameraPage']).items;

/** A place so many metres from another in a direction, good to a millimetre over some hundred metres. */
function beyond([lon, lat]: readonly [number, number], bearingDeg: number, metres: number): string {
  const a = 6378137;
  const e2 = 0.00669437999014;
  const phi = (lat * Math.PI) / 180;
  const w = Math.sqrt(1 - e2 * Math.sin(phi) ** 2);
  const bearing = (bearingDeg * Math.PI) / 180;
  const dLat = (metres * Math.cos(bearing) * w ** 3) / (a * (1 - e2));
  const dLon = (metres * Math.sin(bearing) * w) / (a * Math.cos(phi));
  return `${lon + (dLon * 180) / Math.PI},${lat + (dLat * 180) / Math.PI}`;
}

describe('T-09: A looks away, B and C see P1', () => {
  let ids: Record<string, string>;
  beforeAll(async () => {
    const view = { azimuthDeg: 270, tiltDeg: -10, hfovDeg: 60, vfovDeg: 35.98, farM: 200, source: 'survey' } as const;
    const a = await camera('T09-A', [120.294414, 23.079], 6, view);
    const c = await camera('T09-C', [120.295878, 23.079], 6, { ...view, imageWidthPx: 1_920 });
    const b = await camera('T09-B', [120.295, 23.080987], 8, {
      azimuthDeg: 180,
      tiltDeg: -5,
      hfovDeg: 30,
      vfovDeg: 17.14,
      farM: 300,
      imageWidthPx: 3_840,
      source: 'survey',
    });
    ids = { a: a.id, b: b.id, c: c.id };
  });
  afterAll(async () => {
    for (const id of Object.values(ids)) await retire(id);
  });

  test('sees= puts B before C, with density, levels and factors of the order', async () => {
    const page = dataOf(await anybody.GET('/v1/cameras', { params: { query: { sees: P1 } } }));
    expect(page.items.map(({ localId }) => localId)).toEqual(['T09-B', 'T09-C']);
    const [b, c] = page.items.map(({ sight }) => sight);
    expect(b).toMatchObject({
      sees: true,
      certainty: 'certain',
      reason: null,
      basis: 'fixed',
      level: { iec2025: 'overview', dori2014: 'detect' },
      ground: 'flat',
      occlusion: { model: 'none_computed', modelDate: null, result: 'unknown' },
      showing: false,
    });
    expect(b?.pxPerM).toBeCloseTo(32.6, 1);
    expect(b?.distanceM).toBeCloseTo(220.1, 1);
    expect(c?.pxPerM).toBeCloseTo(18.5, 1);
    expect(c?.level).toEqual({ iec2025: 'none', dori2014: 'monitor' });
    expect(page.order?.map(({ member }) => member)).toEqual([
      'sight.certainty',
      'sight.showing',
      'sight.pxPerM',
      'sight.distanceM',
      'id',
    ]);
  });

  test('sight says why A does not', async () => {
    const answer = await sightOf(ids.a ?? '', { point: P1 });
    expect(answer).toMatchObject({ cameraId: ids.a, sees: false, certainty: null, reason: 'behind', pixel: null });
    expect(answer.distanceM).toBeCloseTo(60.04, 1);
    expect(answer.bearingDeg).toBeCloseTo(90, 3);
  });

  test('minPxPerM leaves B, other selectors combine, GeoJSON carries the sight', async () => {
    expect((await seeing(`sees=${P1}&minPxPerM=20`)).map(({ localId }) => localId)).toEqual(['T09-B']);
    expect((await seeing(`sees=${P1}&near=120.295878,23.079&radiusM=50`)).map(({ localId }) => localId)).toEqual([
      'T09-C',
    ]);
    const collection = (await (await fetch(`${sightline.url}/v1/cameras?sees=${P1}&f=geojson`)).json()) as {
      features: { properties: Schemas['Camera'] }[];
    };
    expect(collection.features.map(({ properties }) => properties.sight?.sees)).toEqual([true, true]);
  });

  test('footprint= meets points, lines and areas, and rides the same footprints', async () => {
    const locals = async (wkt: string): Promise<string[]> =>
      (await seeing(`footprint=${encodeURIComponent(wkt)}`)).map(({ localId }) => localId).sort();
    expect(await locals('POINT(120.295 23.079)')).toEqual(['T09-B', 'T09-C']);
    expect(await locals('LINESTRING(120.2935 23.0789,120.294 23.0791)')).toEqual(['T09-A', 'T09-C']);
    expect(await locals('POLYGON((120.2949 23.08,120.2951 23.08,120.2951 23.0801,120.2949 23.08))')).toEqual(['T09-B']);
    // A ring that crosses itself is no error.
    expect(await locals('POLYGON((120.29 23.07,120.30 23.09,120.30 23.07,120.29 23.09,120.29 23.07))')).toContain(
      'T09-B',
    );
  });

  test('include=footprint, and the single camera, carry the geometry', async () => {
    const [b] = await seeing(`sees=${P1}&include=footprint&limit=1`);
    expect(b?.footprint).toMatchObject({ type: 'MultiPolygon' });
    const one = dataOf(await anybody.GET('/v1/cameras/{id}', { params: { path: { id: ids.b ?? '' } } }));
    expect(one.footprint).toEqual(b?.footprint);
    expect(one.links.footprint).toContain(`/v1/cameras/${ids.b}/footprint`);
  });

  test('maxAgeS leaves out cameras without a picture; planned ones count only by name', async () => {
    expect(await seeing(`sees=${P1}&maxAgeS=300`)).toEqual([]);
    expect(await seeing(`sees=${P1}&lifecycle=planned`)).toEqual([]);
  });
});

describe('T-04: the frustum of the OGC example', () => {
  const at = [103.868811, 1.327909] as const;
  let id = '';
  let nearId = '';
  beforeAll(async () => {
    const view = { azimuthDeg: 123, tiltDeg: -2, hfovDeg: 46, vfovDeg: 35.4002, farM: 50, source: 'survey' } as const;
    ({ id } = await camera('T04', at, 6, view));
    ({ id: nearId } = await camera('T04-near', at, 6, { ...view, nearM: 20 }));
  });

  test.each([
    [123, 40, 0, null],
    [101, 40, 0, null],
    [145, 40, 0, null],
    [123, 18, 0, null],
    [99, 40, 0, 'left_of_view'],
    [147, 40, 0, 'right_of_view'],
    [123, 51, 0, 'out_of_range'],
    [123, 15, 0, 'below_view'],
    [303, 20, 0, 'behind'],
    [123, 30, 20, 'above_view'],
  ] as const)('bearing %d at %d m, %d m up: %s', async (bearing, metres, targetHeightM, reason) => {
    const answer = await sightOf(id, { point: beyond(at, bearing, metres), targetHeightM });
    expect([answer.sees, answer.reason]).toEqual([reason === null, reason]);
  });

  test('nearer than nearM', async () => {
    expect((await sightOf(nearId, { point: beyond(at, 123, 18) })).reason).toBe('too_near');
  });

  test('its footprint', async () => {
    const { geometry, properties } = await footprintOf(id);
    expect(properties.groundNearM).toBeCloseTo(16.757, 2);
    expect(properties).toMatchObject({ clamped: true, farDerived: false, completeness: 'frustum', basis: 'view' });
    const ring = (geometry as { coordinates: number[][][][] }).coordinates[0]?.[0] ?? [];
    for (const [lon, lat] of [
      [103.8692504, 1.3278317],
      [103.8690599, 1.3275365],
    ] as const) {
      const metres = Math.min(...ring.map(([x = 0, y = 0]) => Math.hypot(x - lon, y - lat) * 111_000));
      expect(metres).toBeLessThan(0.05);
    }
  });

  test('GeoPose, and which height it has', async () => {
    const { response, data } = await anybody.GET('/v1/cameras/{id}/view.geopose', { params: { path: { id } } });
    expect(data).toEqual({
      position: { lat: 1.327909, lon: 103.868811, h: 6 },
      angles: { yaw: -33, pitch: 2, roll: 0 },
    });
    expect(response.headers.get('sightline-height-reference')).toBe('ground');
  });

  test('ViewingFrustum', async () => {
    const answer = await fetch(`${sightline.url}/v1/cameras/${id}/view.frustum`);
    expect(answer.headers.get('content-type')).toContain('application/geo+json');
    const asJson = await fetch(`${sightline.url}/v1/cameras/${id}/view.frustum`, {
      headers: { accept: 'application/json' },
    });
    expect([asJson.status, asJson.headers.get('content-type')]).toEqual([200, 'application/json; charset=utf-8']);
    expect(await answer.json()).toMatchObject({
      type: 'Feature',
      id,
      geometry: { type: 'Point', coordinates: [103.868811, 1.327909] },
      properties: {
        featureType: 'http://www.opengis.net/def/samplingFeatureType/OGC-SML/2.0/ViewingFrustum',
        pose: {
          type: 'RelativePose',
          position: { x: 0, y: 0, z: -6 },
          angles: { yaw: 123, pitch: -2, roll: 0 },
        },
        frustumAxis: 'X',
        upAxis: '-Z',
        fov: 46,
        length: 50,
      },
    });
  });
});

test('T-16: a camera of which less is known says so, step by step', async () => {
  const at = [120.2, 23.2] as const;
  const { id, completeness } = await camera('T16', at, undefined, {});
  expect(completeness).toBe('point');
  const place = beyond(at, 90, 50);
  const patch = async (view: View): Promise<Schemas['Camera']> =>
    dataOf(
      await admin.PATCH('/v1/cameras/{id}', {
        params: { path: { id }, header: { 'If-Match': '*' } },
        body: { view } as never,
        headers: { 'content-type': 'application/merge-patch+json' },
      }),
    );
  const statusOf = async (path: string): Promise<number> =>
    (await fetch(`${sightline.url}/v1/cameras/${id}/${path}`)).status;
  expect((await seeing(`near=${at.join(',')}&radiusM=10`)).map((one) => one.id)).toEqual([id]);
  expect(await seeing(`sees=${place}`)).toEqual([]);
  expect((await sightOf(id, { point: place })).reason).toBe('no_view');
  expect((await footprintOf(id)).geometry).toBeNull();
  expect([await statusOf('view.frustum'), await statusOf('view.geopose')]).toEqual([404, 404]);

  expect(await patch({ azimuthDeg: 90 })).toMatchObject({ completeness: 'direction', footprint: null });
  expect((await sightOf(id, { point: place })).reason).toBe('no_view');

  const sector = await patch({ hfovDeg: 40, farM: 100 });
  expect(sector).toMatchObject({ completeness: 'sector', footprint: { type: 'MultiPolygon' } });
  expect((await seeing(`sees=${place}`)).map((one) => [one.id, one.sight?.certainty])).toEqual([[id, 'possible']]);
  await retire(id);
  expect((await sightOf(id, { point: place })).reason).toBe('retired');
  expect(await seeing(`sees=${place}&lifecycle=retired`)).toEqual([]);
});

test('V-03: accuracy that is declared may add a "possible", one that is not only lowers the word', async () => {
  const at = [103.868811, 1.327909] as const;
  const view = { azimuthDeg: 123, tiltDeg: -2, hfovDeg: 46, vfovDeg: 35.4002, farM: 50 } as const;
  const surveyed = await camera(
    'V03-s',
    at,
    6,
    { ...view, source: 'survey', azimuthAccuracyDeg: 3 },
    { positionAccuracyM: 0.3 },
  );
  const unknown = await camera('V03-u', at, 6, { ...view, source: 'unknown' }, { positionSource: 'unknown' });
  const words = async (id: string, bearings: readonly number[]): Promise<(string | null)[]> => {
    const answers = await Promise.all(bearings.map((bearing) => sightOf(id, { point: beyond(at, bearing, 40) })));
    return answers.map(({ certainty, reason }) => certainty ?? reason);
  };
  expect(await words(surveyed.id, [123, 101, 99, 95, 85])).toEqual([
    'certain',
    'probable',
    'possible',
    'possible',
    'left_of_view',
  ]);
  expect(await words(unknown.id, [123, 101, 99])).toEqual(['probable', 'probable', 'left_of_view']);
});

describe('turning cameras', () => {
  const at = [120.4, 23.4] as const;
  const place = beyond(at, 200, 80);

  test('V-08: without limits the reach is at most possible, and there is no current view', async () => {
    const { id } = await camera('V08', at, 10, { farM: 300 }, { mobility: 'ptz' });
    expect(await sightOf(id, { point: place, basis: 'reach' })).toMatchObject({
      sees: true,
      certainty: 'possible',
      basis: 'reach',
    });
    expect(await sightOf(id, { point: place, basis: 'current' })).toMatchObject({ sees: false, reason: 'no_view' });
    expect((await seeing(`sees=${place}`)).map((one) => one.sight?.basis)).toEqual(['reach']);
    expect(await seeing(`sees=${place}&basis=current`)).toEqual([]);
    await retire(id);
  });

  test('what it sees now and what it can be turned to see are kept apart', async () => {
    const ptz = {
      azimuthMinDeg: 90,
      azimuthMaxDeg: 270,
      tiltMinDeg: -80,
      tiltMaxDeg: 10,
      hfovWideDeg: 60,
      hfovTeleDeg: 5,
    };
    const now = new Date().toISOString();
    const { id } = await camera(
      'PTZ',
      at,
      10,
      {
        azimuthDeg: 100,
        tiltDeg: -10,
        hfovDeg: 60,
        vfovDeg: 34,
        farM: 300,
        imageWidthPx: 1_920,
        imageHeightPx: 1_080,
        at: now,
      },
      { mobility: 'ptz', ptz, presets: [{ id: 'river', azimuthDeg: 200, tiltDeg: -7, hfovDeg: 20, vfovDeg: 12 }] },
    );
    expect(await seeing(`sees=${place}`)).toEqual([]);
    const [turned] = await seeing(`sees=${place}&basis=reach`);
    expect(turned?.sight).toMatchObject({ basis: 'reach', preset: 'river', certainty: 'certain' });
    expect(turned?.sight?.command?.azimuthDeg).toBeCloseTo(200, 3);
    const front = beyond(at, 100, 60);
    expect((await seeing(`sees=${front}`))[0]?.sight).toMatchObject({ basis: 'current', certainty: 'certain' });
    // Out of its limits.
    expect(await seeing(`sees=${beyond(at, 0, 80)}&basis=reach`)).toEqual([]);
    const reach = await footprintOf(id, '?basis=reach');
    expect(reach).toMatchObject({
      geometry: { type: 'MultiPolygon' },
      properties: { basis: 'reach', groundNearM: null },
    });
    const ground = encodeURIComponent(`POINT(${place.replace(',', ' ')})`);
    expect(await seeing(`footprint=${ground}`)).toEqual([]);
    expect((await seeing(`footprint=${ground}&basis=reach`)).map((one) => one.localId)).toEqual(['PTZ']);
  });
});

test('a focal length and the sensor’s width stand for the angle, which is filled in and follows them', async () => {
  const made = await camera('F', [120.5, 23.5], 6, {
    azimuthDeg: 0,
    tiltDeg: -10,
    focalMm: 4,
    sensorWidthMm: 5.4,
    farM: 100,
  });
  expect(made.view?.hfovDeg).toBeCloseTo(68.04, 2);
  const patch = async (view: View): Promise<Schemas['Camera']> =>
    dataOf(
      await admin.PATCH('/v1/cameras/{id}', {
        params: { path: { id: made.id }, header: { 'If-Match': '*' } },
        body: { view } as never,
        headers: { 'content-type': 'application/merge-patch+json' },
      }),
    );
  expect((await patch({ focalMm: 8 })).view?.hfovDeg).toBeCloseTo(37.2991, 3);
  expect((await patch({ hfovDeg: 50 })).view?.hfovDeg).toBe(50);
  expect((await patch({ focalMm: 6 })).view?.hfovDeg).toBe(50);
});

// The embedded database is open to its own process alone.
(sightlineOnServer ? test : test.skip)(
  'views of an older program are worked out again at the next start',
  async () => {
    const { id } = await camera('older', [120.7, 23.7], 6, {
      azimuthDeg: 0,
      tiltDeg: -20,
      hfovDeg: 60,
      vfovDeg: 34,
      farM: 100,
    });
    const place = beyond([120.7, 23.7], 0, 30);
    expect((await seeing(`sees=${place}`)).map((one) => one.id)).toEqual([id]);
    await sightline.database?.db.query('update view_fov set geometry_version = 0, reach = null, footprint = null');
    expect(await seeing(`sees=${place}`)).toEqual([]);
    await sightline.restart();
    for (const until = Date.now() + 20_000; Date.now() < until; await wait(50)) {
      if ((await seeing(`sees=${place}`)).length > 0) break;
    }
    expect((await seeing(`sees=${place}`)).map((one) => one.id)).toEqual([id]);
  },
  60_000,
);

describe('questions that cannot be answered', () => {
  test.each([
    ['sees=23.079,120.295', 'sees', 'position_out_of_range'],
    ['sees=120.295', 'sees', 'format'],
    ['targetHeightM=2', 'targetHeightM', 'conflict'],
    ['minPxPerM=2', 'minPxPerM', 'conflict'],
    ['basis=reach', 'basis', 'conflict'],
    [`sees=${P1}&basis=preset`, 'basis', 'enum'],
    [`sees=${P1}&minPxPerM=0`, 'minPxPerM', 'range'],
    [`sees=${P1}&updatedSince=2026-01-01T00:00:00Z`, 'updatedSince', 'conflict'],
    ['footprint=CIRCLE(1 2)', 'footprint', 'format'],
    ['footprint=LINESTRING(1 2)', 'footprint', 'geometry'],
    ['footprint=POINT(1 2,3 4)', 'footprint', 'format'],
    ['footprint=POLYGON((0 0,1 0,1 1))', 'footprint', 'geometry'],
  ])('%s', async (query, parameter, code) => {
    const answer = await fetch(`${sightline.url}/v1/cameras?${query}`);
    const { errors } = (await answer.json()) as Schemas['Problem'];
    expect([answer.status, errors?.map((one) => [one.parameter, one.code])]).toEqual([400, [[parameter, code]]]);
  });

  test('sight without a point; a camera that is not there', async () => {
    const { id } = await camera('Q', [120.6, 23.6], 6, {});
    const without = await fetch(`${sightline.url}/v1/cameras/${id}/sight`);
    expect([without.status, ((await without.json()) as Schemas['Problem']).errors?.[0]]).toMatchObject([
      400,
      { parameter: 'point', code: 'required' },
    ]);
    const nobody = '019ac8f2-6d1b-7a55-9d0e-3f2b8c4d5e6f';
    for (const path of [`sight?point=${P1}`, 'footprint', 'view.geopose', 'view.frustum']) {
      expect((await fetch(`${sightline.url}/v1/cameras/${nobody}/${path}`)).status).toBe(404);
    }
  });
});
