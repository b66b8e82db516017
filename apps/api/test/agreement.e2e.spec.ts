import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { compareSeen, type GeoCamera, geoCameraOf, type LonLat, type SeenBy, sight } from '#geo';
import { engine, randomFrom, type Sightline, startSightline } from '#testing';
import { clientOf, dataOf, type Schemas } from './client.js';
import type { Registration } from './fixtures.js';
import { placeNear, randomCamera, SPOTS } from './random-cameras.js';

/** V-05 (view.md): what the API finds through its index is what geometry says of every camera one by one. */
const CAMERAS = 1_000;
const QUESTIONS = 400;

interface Question {
  readonly place: LonLat;
  readonly targetHeightM: number;
  readonly basis: 'current' | 'reach' | undefined;
}

function questions(): readonly Question[] {
  const random = randomFrom(77);
  return Array.from({ length: QUESTIONS }, (_, i) => ({
    place: placeNear(SPOTS[i % SPOTS.length] as LonLat, 1_000, random),
    targetHeightM: [0, 0, 1.7, 9.9, -9.9, 25, -30][i % 7] as number,
    basis: ([undefined, 'current', 'reach'] as const)[Math.floor(i / 7) % 3],
  }));
}

const engines = [
  ['the database of the tests', false],
  ...(engine.kind === 'server' ? [['the embedded database', true] as const] : []),
] as const;

describe.each(engines)('the index and geometry agree on %s', (_name, embedded) => {
  let sightline: Sightline;
  let cameras: readonly { readonly id: string; readonly geo: GeoCamera }[] = [];

  beforeAll(async () => {
    sightline = await startSightline({ embedded });
    const admin = clientOf(sightline.url, sightline.key);
    // Without a network nothing is dialled.
    dataOf(await admin.POST('/v1/authorities', { body: { slug: 'wide', name: 'Wide' } }));
    const random = randomFrom(4_711);
    const stated = Array.from({ length: CAMERAS }, (_, i) => randomCamera(`c${i}`, random, Date.now()));
    cameras = await importAll(sightline, stated);
  }, 180_000);
  afterAll(() => sightline.close());

  test(`${QUESTIONS} places, ${CAMERAS} cameras: the same cameras in the same order`, async () => {
    let found = 0;
    for (const { place, targetHeightM, basis } of questions()) {
      const query = new URLSearchParams({ sees: place.join(','), targetHeightM: String(targetHeightM) });
      if (basis !== undefined) query.set('basis', basis);
      const answered = await ask(sightline, `/v1/cameras?${query.toString()}&fields=localId,sight&limit=1000`);
      const expected = seenBy(cameras, place, targetHeightM, basis);
      const said = answered.items.map(({ id, sight: one }) => [id, one?.certainty, one?.basis]);
      expect({ place, said }).toEqual({
        place,
        said: expected.map(({ id, sight: one }) => [id, one.certainty, one.basis]),
      });
      found += expected.length;
    }
    // A test that finds nothing proves nothing.
    expect(found).toBeGreaterThan(QUESTIONS * 3);
  }, 240_000);

  test('a list in pages is the list', async () => {
    const place = SPOTS[0]!.join(',');
    const whole = await ask(sightline, `/v1/cameras?sees=${place}&fields=sight&limit=1000`);
    expect(whole.items.length).toBeGreaterThan(9);
    const ids: string[] = [];
    let next: string | null = `/v1/cameras?sees=${place}&fields=sight&limit=3`;
    while (next !== null) {
      const page: Schemas['CameraPage'] = await ask(sightline, next.replace(sightline.url, ''));
      ids.push(...page.items.map(({ id }) => id));
      next = page.next;
    }
    expect(ids).toEqual(whole.items.map(({ id }) => id));
  });
});

async function ask({ url }: Sightline, path: string): Promise<Schemas['CameraPage']> {
  const response = await fetch(`${url}${path}`);
  return dataOf({ response, data: (await response.json()) as Schemas['CameraPage'] });
}

function seenBy(
  cameras: readonly { readonly id: string; readonly geo: GeoCamera }[],
  position: LonLat,
  heightM: number,
  basis: Question['basis'],
): readonly SeenBy[] {
  const options = { atMs: Date.now(), ...(basis === undefined ? {} : { basis }) };
  return cameras
    .map(({ id, geo }) => ({ id, showing: false, sight: sight(geo, { position, heightM }, options) }))
    .filter((one) => one.sight.sees)
    .sort(compareSeen);
}

async function importAll(
  { url, key }: Sightline,
  stated: readonly Registration[],
): Promise<readonly { readonly id: string; readonly geo: GeoCamera }[]> {
  const response = await fetch(`${url}/v1/imports?authority=wide&profile=json`, {
    method: 'POST',
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
    body: JSON.stringify(stated),
  });
  const report = (await response.json()) as {
    totals: object;
    rows: { localId: string; cameraId: string; action: string; problems: object[] }[];
  };
  expect({ totals: report.totals, failed: report.rows.filter(({ action }) => action === 'failed') }).toMatchObject({
    totals: { created: stated.length },
    failed: [],
  });
  const ids = new Map(report.rows.map(({ localId, cameraId }) => [localId, cameraId]));
  return stated.map((camera) => ({
    id: ids.get(camera.localId) ?? '',
    geo: geoCameraOf(camera as unknown as GeoCamera),
  }));
}
