import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { Geodesic } from 'geographiclib-geodesic';
import { endProgram, runProgram, SHARED, type Sightline, startSightline } from '#testing';
import { type ApiClient, clientOf, type Schemas } from './client.js';
import { addAuthority, registration } from './fixtures.js';

let sightline: Sightline;
let admin: ApiClient;

beforeAll(async () => {
  sightline = await startSightline();
  admin = clientOf(sightline.url, sightline.key);
  await addAuthority(admin, 'tainan-wrb');
  // Without a network nothing of it is ever dialled: these are somebody's cameras.
  await addAuthority(admin, 'wra', { network: { cidrs: [] } });
});
afterAll(() => sightline.close());

async function importFile(body: string | Uint8Array, query: string): Promise<Schemas['ImportReport']> {
  const response = await fetch(`${sightline.url}/v1/imports?${query}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${sightline.key}`, 'content-type': 'application/octet-stream' },
    body,
  });
  const report = (await response.json()) as Schemas['ImportReport'];
  if (response.status !== 200) throw new Error(JSON.stringify(report));
  return report;
}

const feature = (id: string, lon: number, lat: number, more: object = {}): object => ({
  type: 'Feature',
  id,
  geometry: { type: 'Point', coordinates: [lon, lat] },
  properties: { name: `Feature ${id}`, url: `http://127.0.0.1:8080/${id}/image.jpg`, ...more },
});
const collection = (...features: object[]): string => JSON.stringify({ type: 'FeatureCollection', features });

describe('imports', () => {
  test('a bad row fails alone, with its reasons; the same file again changes nothing', async () => {
    const file = collection(
      feature('g1', 120.1, 23.1),
      feature('g2', 23.1, 120.1),
      feature('g3', 120.2, 23.2, { url: 'http://user:se%20cret@127.0.0.1:8080/g3/image.jpg' }),
      feature('g4', 120.3, 23.3, { url: 'http://169.254.169.254/x.jpg' }),
    );
    const first = await importFile(file, 'authority=tainan-wrb');
    expect(first.totals).toMatchObject({ rows: 4, created: 2, failed: 2 });
    const failed = first.rows.filter(({ action }) => action === 'failed');
    expect(failed.map(({ row, problems }) => [row, problems[0]?.code])).toEqual([
      [2, 'position_out_of_range'],
      [4, 'target_not_allowed'],
    ]);
    expect(JSON.stringify(first)).not.toContain('cret');
    const again = await importFile(file, 'authority=tainan-wrb');
    expect(again.totals).toMatchObject({ rows: 4, created: 0, updated: 0, unchanged: 2, failed: 2 });
    const { data } = await admin.GET('/v1/authorities/{slug}/cameras/{localId}', {
      params: { path: { slug: 'tainan-wrb', localId: 'g3' } },
    });
    expect(data?.version).toBe(1);
    expect(data?.services[0]).toMatchObject({ url: 'http://127.0.0.1:8080/g3/image.jpg', credentials: { set: true } });
    const moved = await importFile(collection(feature('g1', 120.15, 23.1)), 'authority=tainan-wrb');
    expect(moved.totals).toMatchObject({ updated: 1 });
  });

  test('a dry run reports the same and keeps nothing', async () => {
    const file = collection(feature('dry', 120.1, 23.1));
    const tried = await importFile(file, 'authority=tainan-wrb&dryRun=true');
    expect(tried).toMatchObject({ dryRun: true, totals: { created: 1 } });
    const { response } = await admin.GET('/v1/authorities/{slug}/cameras/{localId}', {
      params: { path: { slug: 'tainan-wrb', localId: 'dry' } },
    });
    expect(response.status).toBe(404);
  });

  test('what is exported as GeoJSON comes back unchanged', async () => {
    await admin.POST('/v1/cameras', {
      body: registration({
        localId: 'export',
        view: { azimuthDeg: 12.5, tiltDeg: -3 },
        tags: ['t'],
        properties: { own: [1, null] },
      }),
    });
    const response = await fetch(`${sightline.url}/v1/cameras?authority=tainan-wrb&f=geojson&limit=1000`, {
      headers: { authorization: `Bearer ${sightline.key}` },
    });
    const report = await importFile(await response.text(), 'authority=tainan-wrb');
    expect(report.totals.unchanged).toBe(report.totals.rows);
    expect(report.totals.rows).toBeGreaterThan(2);
  });

  test('a feed never revives what a person retired', async () => {
    await importFile(collection(feature('gone', 120.1, 23.1)), 'authority=tainan-wrb');
    const { data } = await admin.GET('/v1/authorities/{slug}/cameras/{localId}', {
      params: { path: { slug: 'tainan-wrb', localId: 'gone' } },
    });
    await admin.DELETE('/v1/cameras/{id}', { params: { path: { id: data?.id ?? '' }, header: { 'If-Match': '*' } } });
    const report = await importFile(collection(feature('gone', 120.1, 23.1)), 'authority=tainan-wrb');
    expect(report.rows[0]).toMatchObject({ action: 'skipped', problems: [{ code: 'retired_exists' }] });
  });

  test('a page instead of data, no JSON, nothing: a 400 that says so', async () => {
    for (const [body, word] of [
      ['<!doctype html><html></html>', 'not_data'],
      ['{"type": "FeatureCollection", "features": [', 'line'],
      ['', 'empty'],
    ] as const) {
      await expect(importFile(body, 'authority=tainan-wrb&profile=geojson')).rejects.toThrow(word);
    }
  });
});

const WRA = path.join(SHARED, 'data/tw-wra-water/wra-water-cctv-data.json');
(existsSync(WRA) ? describe : describe.skip)(
  `the Water Resources Agency's file (${existsSync(WRA) ? 'present' : 'skipped: ../shared/data/tw-wra-water is not there'})`,
  () => {
    test('all 171 rows come in, a second import changes nothing, other serials count as unchanged', async () => {
      const bytes = readFileSync(WRA);
      const first = await importFile(bytes, 'authority=wra&profile=wra-flood');
      expect(first.totals).toMatchObject({ rows: 171, created: 171, failed: 0 });
      const second = await importFile(bytes, 'authority=wra');
      expect(second.totals).toMatchObject({ rows: 171, unchanged: 171, created: 0, updated: 0 });
      const serials = bytes
        .toString('utf8')
        .replace(/CCTV_SN=0x[0-9a-fA-F]+/g, (serial) => serial.replace(/[0-9a-f]{4}$/i, 'abcd'));
      expect(serials).not.toBe(bytes.toString('utf8'));
      const third = await importFile(serials, 'authority=wra');
      expect(third.totals).toMatchObject({ unchanged: 171, updated: 0 });
    });

    test('near in Tainan gives the right ones in the right order, by an independent computation', async () => {
      const rows = JSON.parse(readFileSync(WRA, 'utf8').replace(/^\uFEFF/, '')) as Record<string, string>[];
      const [lon, lat] = [120.2, 23.05] as const;
      const expected = rows
        .map((row) => ({
          localId: row.cameraid ?? '',
          distanceM:
            Geodesic.WGS84.Inverse(lat, lon, Number(row.latitude_4326), Number(row.longitude_4326)).s12 ?? Infinity,
        }))
        .filter(({ distanceM }) => distanceM <= 20_000)
        .sort((a, b) => a.distanceM - b.distanceM);
      const { data } = await admin.GET('/v1/cameras', {
        params: { query: { authority: ['wra'], near: `${lon},${lat}`, radiusM: 20_000, limit: 1000 } as never },
      });
      const items = (data as Schemas['CameraPage']).items;
      expect(expected.length).toBeGreaterThan(10);
      expect(items.map(({ distanceM = 0 }) => Math.round(distanceM))).toEqual(
        expected.map(({ distanceM }) => Math.round(distanceM)),
      );
      expect(new Set(items.map(({ localId }) => localId))).toEqual(new Set(expected.map(({ localId }) => localId)));
    });

    test('sightline import says it in words', async () => {
      const program = runProgram({
        args: ['import', WRA, '--authority', 'wra'],
        env: { SIGHTLINE_URL: sightline.url, SIGHTLINE_KEY: sightline.key },
      });
      expect(await program.ended).toBe(0);
      expect(program.stdout()).toContain(
        '171 rows (wra-flood): 0 created, 0 updated, 171 unchanged, 0 skipped, 0 failed',
      );
      expect(program.stdout()).toContain('Nothing changed.');
      await endProgram(program);
    });
  },
);
