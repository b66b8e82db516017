import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { LocalFrame } from '#geo';
import { type Sightline, startSightline, writeTiff } from '#testing';
import { type ApiClient, clientOf, dataOf, type Schemas } from './client.js';
import { addAuthority, addCamera, type Registration, registration } from './fixtures.js';

/** What stands in the way: buildings and terrain that an administrator has loaded (view.md, section 8; T-09, T-10, V-07). */
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

const camera = (
  localId: string,
  at: readonly [number, number],
  over: Partial<Registration>,
): Promise<Schemas['Camera']> =>
  addCamera(
    admin,
    registration({
      localId,
      location: { type: 'Point', coordinates: [...at] },
      positionSource: 'survey',
      lifecycle: 'maintenance',
      heightM: 6,
      ...over,
    }),
  );

const sightOf = async (id: string, point: string, targetHeightM = 0): Promise<Schemas['CameraSight']> =>
  dataOf(await anybody.GET('/v1/cameras/{id}/sight', { params: { path: { id }, query: { point, targetHeightM } } }));

const seeing = async (query: string): Promise<Schemas['Camera'][]> =>
  ((await (await fetch(`${sightline.url}/v1/cameras?${query}`)).json()) as Schemas['CameraPage']).items;

/** Sends a file and waits until it counts. */
async function load(path: string, body: Buffer | string): Promise<string> {
  const headers = { authorization: `Bearer ${sightline.key}`, 'content-type': 'application/octet-stream' };
  const sent = await fetch(`${sightline.url}${path}`, {
    method: 'POST',
    headers,
    body: new Uint8Array(Buffer.from(body)),
  });
  expect([sent.status, await sent.clone().text()]).toEqual([202, expect.any(String)]);
  const location = sent.headers.get('location') ?? '';
  const address = location.startsWith('http') ? location : `${sightline.url}${location}`;
  for (const until = Date.now() + 30_000; Date.now() < until; await wait(50)) {
    const { status, problem } = (await (await fetch(address)).json()) as { status: string; problem: string | null };
    if (status === 'ready') return address;
    if (status === 'failed') throw new Error(problem ?? 'failed');
  }
  throw new Error('the import did not end');
}

const remove = async (address: string): Promise<void> => {
  const headers = { authorization: `Bearer ${sightline.key}` };
  expect((await fetch(address, { method: 'DELETE', headers })).status).toBe(204);
};

/** Until all stored views are those of the ground as it has been since a time. */
async function viewsSettled(since: string): Promise<void> {
  const headers = { authorization: `Bearer ${sightline.key}` };
  for (const until = Date.now() + 30_000; Date.now() < until; await wait(50)) {
    const state = (await (await fetch(`${sightline.url}/v1/geometry`, { headers })).json()) as Schemas['GeometryState'];
    if (state.waiting === 0 && state.rebuild?.running === false && state.rebuild.startedAt >= since) return;
  }
  throw new Error('views still wait');
}

const house = (
  frame: LocalFrame,
  [e, n]: readonly [number, number],
  [wide, deep]: readonly [number, number],
  properties: object,
) => {
  const corner = (dE: number, dN: number) => [...frame.toLonLat(e + dE, n + dN)];
  const ring = [corner(0, 0), corner(wide, 0), corner(wide, deep), corner(0, deep), corner(0, 0)];
  return { type: 'Feature', properties, geometry: { type: 'Polygon', coordinates: [ring] } };
};
const collection = (...features: readonly object[]): string => JSON.stringify({ type: 'FeatureCollection', features });

describe('buildings', () => {
  test('T-09: a building hides P1 from C, and B still sees it; without it both do', async () => {
    const P1 = '120.295,23.079';
    const view = {
      azimuthDeg: 270,
      tiltDeg: -10,
      hfovDeg: 60,
      vfovDeg: 35.98,
      farM: 200,
      imageWidthPx: 1_920,
      imageHeightPx: 1_080,
      source: 'survey',
    } as const;
    const c = await camera('C', [120.295878, 23.079], { view });
    await camera('B', [120.295, 23.080987], {
      heightM: 8,
      view: {
        ...view,
        azimuthDeg: 180,
        tiltDeg: -5,
        hfovDeg: 30,
        vfovDeg: 17.14,
        farM: 300,
        imageWidthPx: 3_840,
        imageHeightPx: 2_160,
      },
    });
    expect((await seeing(`sees=${P1}`)).map((one) => one.localId)).toEqual(['B', 'C']);
    // V-07: nothing was computed, and that is said.
    expect((await sightOf(c.id, P1)).occlusion).toEqual({ model: 'none_computed', modelDate: null, result: 'unknown' });
    const ring = [
      [120.29539, 23.07891],
      [120.295488, 23.07891],
      [120.295488, 23.07909],
      [120.29539, 23.07909],
      [120.29539, 23.07891],
    ];
    const feature = { type: 'Feature', properties: { height: 10 }, geometry: { type: 'Polygon', coordinates: [ring] } };
    const address = await load('/v1/buildings?date=2026-05-01', collection(feature));
    const [only, ...others] = await seeing(`sees=${P1}`);
    expect([only?.localId, others]).toEqual(['B', []]);
    const hidden = await sightOf(c.id, P1);
    expect(hidden).toMatchObject({
      sees: false,
      certainty: null,
      reason: 'occluded_by_building',
      pixel: { u: expect.any(Number) },
    });
    expect(hidden.occlusion).toEqual({ model: 'buildings', modelDate: '2026-05-01', result: 'blocked' });
    // The line to the ground is 3.33 m high at the wall; to 16 m above the ground it passes over the roof.
    expect(await sightOf(c.id, P1, 16)).toMatchObject({
      sees: true,
      occlusion: { model: 'buildings', result: 'clear' },
    });
    await remove(address);
    expect((await seeing(`sees=${P1}`)).map((one) => one.localId)).toEqual(['B', 'C']);
  });

  test('T-10: an obstacle of 2.5 m is looked over, one of 5 m is not; a bridge is looked through', async () => {
    const frame = new LocalFrame([120.31, 23.1]);
    const { id } = await camera('T10', frame.origin, {
      view: { azimuthDeg: 0, tiltDeg: -8, hfovDeg: 60, vfovDeg: 40, farM: 100, source: 'survey' },
    });
    const target = frame.toLonLat(0, 60).join(',');
    const tried = async (properties: object): Promise<Schemas['CameraSight']> => {
      const address = await load(
        '/v1/buildings?date=2026-05-02',
        collection(house(frame, [-10, 20], [20, 10], properties)),
      );
      const answer = await sightOf(id, target);
      await remove(address);
      return answer;
    };
    // The line from 6 m to the ground 60 m away is 4 to 3 m high there.
    expect(await tried({ heightM: 2.5 })).toMatchObject({
      sees: true,
      occlusion: { model: 'buildings', result: 'clear' },
    });
    expect(await tried({ heightM: 5 })).toMatchObject({ sees: false, reason: 'occluded_by_building' });
    expect(await tried({ heightM: 12, baseM: 4.5 })).toMatchObject({ sees: true, occlusion: { result: 'clear' } });
    expect((await sightOf(id, target)).occlusion.model).toBe('none_computed');
  });

  test('coverage leaves out what lies behind a house, and the house', async () => {
    const frame = new LocalFrame([120.33, 23.1]);
    await camera('cover', frame.origin, {
      view: { azimuthDeg: 0, tiltDeg: -15, hfovDeg: 90, vfovDeg: 60, farM: 120, source: 'survey' },
    });
    const corner = (e: number, n: number) => [...frame.toLonLat(e, n)];
    const area = {
      type: 'Polygon' as const,
      coordinates: [[corner(-20, 15), corner(20, 15), corner(20, 95), corner(-20, 95), corner(-20, 15)]],
    };
    const cover = async () => dataOf(await anybody.POST('/v1/coverage', { body: { area } }));
    const line = async () =>
      dataOf(
        await anybody.POST('/v1/coverage', {
          body: { line: { type: 'LineString', coordinates: [corner(0, 20), corner(0, 90)] } },
        }),
      );
    const open = await cover();
    expect(open.occlusion.model).toBe('none_computed');
    expect(open.coveredFraction).toBeGreaterThan(0.98);
    // A wall 10 m high from 30 to 40 m, over the whole width that the camera shows of it.
    const address = await load(
      '/v1/buildings?date=2026-05-03',
      collection(house(frame, [-60, 30], [120, 10], { height: 10 })),
    );
    const walled = await cover();
    expect(walled.occlusion.model).toBe('buildings');
    // In view is what lies before the wall: 15 of 80 m.
    expect(walled.coveredFraction).toBeCloseTo(15 / 80, 1.5);
    expect((await line()).coveredM).toBeCloseTo(10, -0.4);
    await remove(address);
  });
});

describe('terrain', () => {
  /** Level at 100 m, a valley at 40 m from 30 m north of the origin on, and a ridge of 130 m from 150 to 170 m east. */
  const origin = [121, 24] as const;
  const frame = new LocalFrame(origin);
  const cell = 1e-4;
  const size = 90;
  const relief = (date: string) =>
    [
      `/v1/terrain?kind=terrain&date=${date}`,
      writeTiff({
        columns: size,
        rows: size,
        origin: [origin[0] - (size / 2) * cell, origin[1] + (size / 2) * cell],
        cell,
        epsg: 4326,
        isGeographic: true,
        valueAt: (column, row) => {
          const { e, n } = frame.toEnu(
            [origin[0] + (column + 0.5 - size / 2) * cell, origin[1] + (size / 2 - row - 0.5) * cell],
            0,
          );
          return n > 30 ? 40 : e > 150 && e < 170 ? 130 : 100;
        },
      }),
    ] as const;

  test('a ridge hides what lies behind it; a valley is found though it lies far below the mast', async () => {
    const east = await camera('east', origin, {
      view: { azimuthDeg: 90, tiltDeg: -3, hfovDeg: 60, vfovDeg: 40, farM: 400, source: 'survey' },
    });
    const down = await camera('down', origin, {
      heightM: 40,
      view: { azimuthDeg: 0, tiltDeg: -40, hfovDeg: 60, vfovDeg: 20, farM: 300, source: 'survey' },
    });
    const behind = frame.toLonLat(300, 0).join(',');
    const before = frame.toLonLat(100, 0).join(',');
    // 100 m under the lens at 40 degrees.
    const valley = frame.toLonLat(0, 100 / Math.tan((40 * Math.PI) / 180)).join(',');
    expect((await seeing(`sees=${behind}`)).map((one) => one.id)).toEqual([east.id]);
    expect(await seeing(`sees=${valley}`)).toEqual([]);
    expect((await sightOf(down.id, valley)).ground).toBe('flat');

    const loadedAt = new Date().toISOString();
    const address = await load(...relief('2024-06-01'));
    await viewsSettled(loadedAt);
    expect(await sightOf(east.id, behind)).toMatchObject({
      sees: false,
      reason: 'occluded_by_terrain',
      ground: 'dem',
      occlusion: { model: 'terrain', modelDate: '2024-06-01', result: 'blocked' },
    });
    expect(await seeing(`sees=${behind}`)).toEqual([]);
    expect((await seeing(`sees=${before}`)).map((one) => [one.id, one.sight?.occlusion.result])).toEqual([
      [east.id, 'clear'],
    ]);
    const [found] = await seeing(`sees=${valley}`);
    expect([found?.id, found?.sight?.certainty, found?.sight?.ground]).toEqual([down.id, 'certain', 'dem']);
    expect(found?.sight?.elevationDeg).toBeCloseTo(-40, 0);
    // A camera that is registered on known ground is on it at once.
    const later = await camera('later', origin, {
      heightM: 40,
      view: { azimuthDeg: 0, tiltDeg: -40, hfovDeg: 60, vfovDeg: 20, farM: 300, source: 'survey' },
    });
    expect((await seeing(`sees=${valley}`)).map((one) => one.id)).toContain(later.id);
    const pose = await fetch(`${sightline.url}/v1/cameras/${later.id}/view.geopose`);
    expect(pose.headers.get('sightline-height-reference')).toBe('geoid');
    expect(((await pose.json()) as Schemas['GeoPoseDocument']).position.h).toBeCloseTo(140, 1);

    // V-07: a target outside the raster is still judged, on level ground.
    const far = await camera('far', origin, {
      view: { azimuthDeg: 90, tiltDeg: -3, hfovDeg: 60, vfovDeg: 40, farM: 2_000, source: 'survey' },
    });
    const outside = frame.toLonLat(1_000, 0).join(',');
    expect((await seeing(`sees=${outside}`)).map((one) => [one.id, one.sight?.ground, one.sight?.occlusion])).toEqual([
      [far.id, 'flat', { model: 'none_computed', modelDate: null, result: 'unknown' }],
    ]);

    // Buildings stand on the ground that is known: 4 m in the valley do not reach up to the plateau.
    const houses = await load(
      '/v1/buildings?date=2026-05-04',
      collection(house(frame, [-20, 70], [40, 6], { height: 4 }), house(frame, [90, -20], [4, 40], { height: 9 })),
    );
    expect((await sightOf(down.id, valley)).occlusion).toMatchObject({ model: 'buildings', result: 'clear' });
    expect((await sightOf(east.id, before)).reason).toBe('occluded_by_building');
    await remove(houses);

    const corner = (e: number, n: number) => [...frame.toLonLat(e, n)];
    const area = {
      type: 'Polygon' as const,
      coordinates: [[corner(80, -20), corner(300, -20), corner(300, 20), corner(80, 20), corner(80, -20)]],
    };
    const covered = dataOf(await anybody.POST('/v1/coverage', { body: { area, filter: { q: 'east' } } }));
    expect(covered.occlusion.model).toBe('terrain');
    // From 80 m to the foot of the ridge at 150, and its slope.
    expect(covered.coveredFraction).toBeGreaterThan(65 / 220);
    expect(covered.coveredFraction).toBeLessThan(95 / 220);

    const removedAt = new Date().toISOString();
    await remove(address);
    await viewsSettled(removedAt);
    expect((await seeing(`sees=${behind}`)).map((one) => one.id)).toContain(east.id);
    expect(await seeing(`sees=${valley}`)).toEqual([]);
  });

  test('the newest raster counts where rasters overlap', async () => {
    const flat = writeTiff({
      columns: 20,
      rows: 20,
      origin: [121.2 - 10 * cell, 24 + 10 * cell],
      cell,
      epsg: 4326,
      isGeographic: true,
      valueAt: () => 200,
    });
    const older = await load('/v1/terrain?kind=terrain&date=2001-01-01', flat);
    const { id } = await camera('newest', [121.2, 24], {
      view: { azimuthDeg: 0, tiltDeg: -20, hfovDeg: 60, vfovDeg: 34, farM: 100 },
    });
    const heightOf = async (): Promise<number> =>
      ((await (await fetch(`${sightline.url}/v1/cameras/${id}/view.geopose`)).json()) as Schemas['GeoPoseDocument'])
        .position.h;
    expect(await heightOf()).toBeCloseTo(206, 3);
    const raised = writeTiff({
      columns: 20,
      rows: 20,
      origin: [121.2 - 10 * cell, 24 + 10 * cell],
      cell,
      epsg: 4326,
      isGeographic: true,
      valueAt: () => 210,
    });
    const newer = await load('/v1/terrain?kind=terrain&date=2020-01-01', raised);
    expect(await heightOf()).toBeCloseTo(216, 3);
    await remove(newer);
    await remove(older);
    expect(await heightOf()).toBe(6);
  });
});
