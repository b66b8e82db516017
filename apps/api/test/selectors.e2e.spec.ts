import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { Geodesic } from 'geographiclib-geodesic';
import { type Sightline, startSightline } from '#testing';
import { clientOf } from './client.js';
import { addAuthority, addCamera, registration } from './fixtures.js';

let sightline: Sightline;
type Item = { localId: string; distanceM: number; bearingDeg: number };

beforeAll(async () => {
  sightline = await startSightline();
  const admin = clientOf(sightline.url, sightline.key);
  await addAuthority(admin, 'tainan-wrb');
  for (const [localId, lon, lat] of CAMERAS) {
    await addCamera(admin, registration({ localId, location: { type: 'Point', coordinates: [lon, lat] } }));
  }
});
afterAll(() => sightline.close());

/** Ids of the first three are those of Jheng et al., ISPRS IJGI 2021, 10, 550; the coordinates are ours (design page "view", T-01 to T-03). */
const CAMERAS: readonly (readonly [localId: string, lon: number, lat: number])[] = [
  ['1639', 120.290608, 23.079451],
  ['497', 120.296464, 23.077916],
  ['44', 120.297928, 23.080806],
  ['fiji', 179.9, -17],
  ['samoa', -171.8, -13.8],
  ['date line', 180, 0],
  ['pole', 45, 89.999],
  ['null island', 0.001, 0.001],
];
const P1 = '120.295000,23.079000';
const P2 = '120.298904,23.079000';

const find = async (query: string): Promise<Item[]> => {
  const response = await fetch(`${sightline.url}/v1/cameras?${query}`);
  const body = (await response.json()) as { items: Item[] };
  if (response.status !== 200) throw new Error(JSON.stringify(body));
  return body.items;
};
const ids = async (query: string): Promise<string[]> => (await find(query)).map(({ localId }) => localId);

describe('near', () => {
  test.each([
    [
      P1,
      [
        ['497', 192.1],
        ['44', 360.6],
        ['1639', 452.8],
      ],
    ],
    [
      P2,
      [
        ['44', 223.6],
        ['497', 277.3],
      ],
    ],
  ] as const)('of %s within 500 m: these, in this order', async (point, expected) => {
    const found = await find(`near=${point}&radiusM=500`);
    expect(found.map(({ localId, distanceM }) => [localId, Math.round(distanceM * 10) / 10])).toEqual(expected);
  });

  test('measures on the ellipsoid: 499.0 m is in, 501.0 m is out, 480.0 m is in though Web Mercator says 524', async () => {
    const admin = clientOf(sightline.url, sightline.key);
    const edges = [
      ['499', 23.083506],
      ['501', 23.074476],
      ['480', 23.083334],
    ] as const;
    for (const [localId, lat] of edges) {
      await addCamera(
        admin,
        registration({ localId, tags: ['edge'], location: { type: 'Point', coordinates: [120.295, lat] } }),
      );
    }
    expect(await ids(`near=${P1}&radiusM=500&tag=edge`)).toEqual(['480', '499']);
  });

  test('agrees with GeographicLib, around the pole and across the date line too', async () => {
    const places = ['120.3,23.08', '-179.95,0.1', '179.99,-16.99', '-135,89.999', '0,0', '-60,-33'];
    for (const place of places) {
      const [lon, lat] = place.split(',').map(Number) as [number, number];
      const found = await find(`near=${place}&radiusM=1000000&limit=1000`);
      const expected = CAMERAS.map(([localId, cameraLon, cameraLat]) => {
        const { s12 = 0, azi1 = 0 } = Geodesic.WGS84.Inverse(lat, lon, cameraLat, cameraLon);
        return { localId, distanceM: s12, bearingDeg: (azi1 + 360) % 360 };
      })
        .filter(({ distanceM }) => distanceM <= 1_000_000)
        .sort((a, b) => a.distanceM - b.distanceM);
      const known = found.filter(({ localId }) => CAMERAS.some(([one]) => one === localId));
      expect(known.map(({ localId }) => localId)).toEqual(expected.map(({ localId }) => localId));
      for (const [i, { distanceM, bearingDeg }] of expected.entries()) {
        expect(Math.abs((known[i]?.distanceM ?? 0) - distanceM)).toBeLessThan(0.01);
        const off = Math.abs((known[i]?.bearingDeg ?? 0) - bearingDeg);
        if (distanceM > 1) expect(Math.min(off, 360 - off)).toBeLessThan(0.01);
      }
    }
  });

  test('pages by distance without losing or repeating one', async () => {
    const all = await ids(`near=${P1}&radiusM=600`);
    const seen: string[] = [];
    for (let url: string | null = `${sightline.url}/v1/cameras?near=${P1}&radiusM=600&limit=2`; url !== null;) {
      const page = (await (await fetch(url)).json()) as { items: Item[]; next: string | null };
      seen.push(...page.items.map(({ localId }) => localId));
      url = page.next;
    }
    expect(seen).toEqual(all);
  });
});

describe('bbox and within', () => {
  test('a box, a box across the antimeridian, the whole world', async () => {
    expect((await ids('bbox=120.29,23.07,120.297,23.08')).sort()).toEqual(['1639', '497', '501']);
    expect((await ids('bbox=170,-20,-170,10')).sort()).toEqual(['date line', 'fiji', 'samoa']);
    expect((await ids('bbox=-180,-90,180,90&limit=1000')).length).toBe(CAMERAS.length + 3);
  });

  test('a polygon with a hole, several polygons', async () => {
    const ring = (w: number, s: number, e: number, n: number): string =>
      `(${w} ${s},${e} ${s},${e} ${n},${w} ${n},${w} ${s})`;
    const outer = ring(120.29, 23.07, 120.3, 23.09);
    const hole = ring(120.296, 23.0775, 120.297, 23.0785);
    expect(await ids(`within=${encodeURIComponent(`POLYGON(${outer},${hole})`)}&q=Camera 497`)).toEqual([]);
    expect(await ids(`within=${encodeURIComponent(`POLYGON(${outer})`)}&q=Camera 497`)).toEqual(['497']);
    const two = `MULTIPOLYGON((${ring(179, -18, 180, -16)}),(${ring(-172, -14, -171, -13)}))`;
    expect((await ids(`within=${encodeURIComponent(two)}`)).sort()).toEqual(['fiji', 'samoa']);
    expect(await ids(`within=${encodeURIComponent(`POLYGON(${outer})`)}&near=${P1}&radiusM=200`)).toEqual(['497']);
  });

  test.each([
    ['near=91,120', 'lat -90..90'],
    ['near=23.079,120.295', 'exchanged it would be 120.295,23.079'],
    ['near=', 'lon,lat'],
    ['near=NaN,NaN', 'lon,lat'],
    ['near=120', 'lon,lat'],
    ['near=120,23,5', 'lon,lat'],
    ['near=1e999,0', 'lon'],
    ['near=0x10,0', 'lon,lat'],
    ['near=120,23&radiusM=0', '0 < value'],
    ['near=120,23&radiusM=-5', '0 < value'],
    ['near=120,23&radiusM=', 'number'],
    ['radiusM=5', 'near'],
    ['bbox=1,2,3', 'minLon,minLat,maxLon,maxLat'],
    ['bbox=1,20,3,10', 'minLat'],
    ['bbox=200,0,3,10', 'lon'],
    ['within=POLYGON((0 0,1 1))', 'four positions'],
    ['within=POLYGON((0 0,1 0,1 1,2 2))', 'begins with'],
    ['within=POLYGON EMPTY', 'WKT'],
    ['within=POLYGON((0 0,1 0,1 1,0 0)', 'character'],
    ['within=CIRCLE(0 0)', 'WKT'],
    ['within=POLYGON((0 0,1 0,1 NaN,0 0))', 'character'],
    ['near=1,1&near=2,2', 'once'],
    ['status=asleep', 'online'],
  ])('%s is a 400 that says what was expected', async (query, words) => {
    const response = await fetch(`${sightline.url}/v1/cameras?${query}`);
    const problem = (await response.json()) as { code: string; detail: string };
    expect([response.status, problem.code]).toEqual([400, 'invalid_parameter']);
    expect(problem.detail).toContain(words);
  });

  test('a polygon that crosses itself is answered, not an error', async () => {
    const bow = 'POLYGON((120.29 23.07,120.30 23.09,120.30 23.07,120.29 23.09,120.29 23.07))';
    const response = await fetch(`${sightline.url}/v1/cameras?within=${encodeURIComponent(bow)}`);
    expect([200, 400]).toContain(response.status);
  });
});

describe('attributes', () => {
  test('selectors combine with AND, values of one with OR, words are all wanted', async () => {
    const admin = clientOf(sightline.url, sightline.key);
    const add = (localId: string, over: object) => addCamera(admin, registration({ localId, ...over }));
    await add('a1', {
      tags: ['x'],
      usage: ['flood'],
      name: 'Bridge downstream',
      address: { city: 'Tainan' },
      mobility: 'ptz',
    });
    await add('a2', { tags: ['x'], usage: ['traffic'], name: '新市橋下游', address: { city: 'Tainan' } });
    await add('a3', { tags: ['y'], usage: ['traffic', 'river'], name: 'Bridge upstream', basin: 'Yanshuei' });
    expect((await ids('tag=x&tag=y')).sort()).toEqual(['a1', 'a2', 'a3']);
    expect(await ids('tag=x&usage=traffic')).toEqual(['a2']);
    expect((await ids('usage=flood&usage=river')).sort()).toEqual(['a1', 'a3']);
    expect(await ids('q=DOWNSTREAM bridge')).toEqual(['a1']);
    expect(await ids(`q=${encodeURIComponent('新市橋')}`)).toEqual(['a2']);
    expect(await ids('city=Tainan&mobility=ptz')).toEqual(['a1']);
    expect(await ids('basin=Yanshuei')).toEqual(['a3']);
    expect(await ids(`q=${encodeURIComponent("' or 1=1 --")}`)).toEqual([]);
    expect(await ids('lifecycle=retired')).toEqual([]);
  });
});
