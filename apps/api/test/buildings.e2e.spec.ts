import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { runProgram, type Sightline, startSightline } from '#testing';
import { clientOf, dataOf } from './client.js';

let sightline: Sightline;
let folder: string;

beforeAll(async () => {
  sightline = await startSightline();
  folder = mkdtempSync(path.join(tmpdir(), 'sightline-buildings-'));
});
afterAll(async () => {
  rmSync(folder, { recursive: true, force: true });
  await sightline.close();
});

/** What these tests read of a set. */
interface Shown {
  readonly id: string;
  readonly status: 'importing' | 'ready' | 'failed';
  readonly progress: number;
  readonly problem: string | null;
  readonly buildings: number;
}

/** A house of 0.0001° by its number, on a grid by Tainan. */
const house = (n: number, properties: object = { height: 10 }): string => {
  const [west, south] = [120 + (n % 1_000) / 1_000, 23 + Math.floor(n / 1_000) / 1_000].map((deg) =>
    Number(deg.toFixed(7)),
  );
  const [east, north] = [west, south].map((deg = 0) => Number((deg + 0.0001).toFixed(7)));
  const ring = [
    [west, south],
    [east, south],
    [east, north],
    [west, north],
    [west, south],
  ];
  return JSON.stringify({ type: 'Feature', properties, geometry: { type: 'Polygon', coordinates: [ring] } });
};
const collection = (features: readonly string[]): string =>
  `{"type":"FeatureCollection","features":[\n${features.join(',\n')}\n]}\n`;

function fileOf(name: string, text: string): string {
  const file = path.join(folder, name);
  writeFileSync(file, text);
  return file;
}

/** Runs a subcommand against the server. */
async function command(...args: string[]): Promise<{ code: number | string; out: string; errors: string }> {
  const program = runProgram({
    args: ['buildings', ...args],
    env: { SIGHTLINE_URL: sightline.url, SIGHTLINE_KEY: sightline.key },
  });
  const code = await program.ended;
  return { code, out: program.stdout(), errors: program.stderr() };
}

async function ask(
  method: string,
  address: string,
  { key = sightline.key, body }: { key?: string | null; body?: string } = {},
) {
  const response = await fetch(`${sightline.url}${address}`, {
    method,
    headers: key === null ? {} : { authorization: `Bearer ${key}` },
    ...(body === undefined ? {} : { body }),
  });
  const text = await response.text();
  return {
    status: response.status,
    headers: response.headers,
    body: (text === '' ? null : JSON.parse(text)) as unknown,
  };
}

const shown = async (id: string): Promise<Shown> =>
  (await ask('GET', `/v1/buildings/${id}`, { key: null })).body as Shown;
const listed = async (): Promise<readonly Shown[]> =>
  ((await ask('GET', '/v1/buildings', { key: null })).body as { items: readonly Shown[] }).items;

async function until(id: string, isSo: (set: Shown) => boolean, limitMs = 40_000): Promise<Shown> {
  const end = Date.now() + limitMs;
  for (;;) {
    const set = await shown(id);
    if (isSo(set)) return set;
    if (Date.now() > end) throw new Error(`still ${JSON.stringify(set)}`);
    await wait(20);
  }
}
const ended = (id: string): Promise<Shown> => until(id, ({ status }) => status !== 'importing');

afterEach(async () => {
  for (const { id } of await listed()) await ask('DELETE', `/v1/buildings/${id}`);
});

const uploads = (): string[] => readdirSync(path.join(sightline.dataDir, 'uploads'));

describe('sightline buildings', () => {
  test('imports a file and says what was left out and why, lists and deletes the set', async () => {
    const bow = house(4).replace(/\[120\.0041,23\],\[120\.0041,23\.0001\]/, '[120.0041,23.0001],[120.0041,23]');
    expect(bow).not.toBe(house(4));
    const features = [
      house(0, { height: 7.5 }),
      house(1, { height: '12 m' }),
      house(2, {}),
      '{"type":"Feature"}',
      bow,
      house(5),
    ];
    const file = fileOf('town.geojson', collection(features));
    const { code, out, errors } = await command('import', file, '--date', '2025-06-30');
    expect([code, errors]).toEqual([2, '']);
    expect(out).toMatch(/^Imported 3 buildings from 6 features, dated 2025-06-30, in [\d.]+ s: set [0-9a-f-]{36}\.$/m);
    expect(out).toContain('Extent: 120,23 to 120.0051,23.0001. Tops 7.5 to 12 m above the ground.');
    expect(out).toMatch(/^3 left out: geometry 2, height_missing 1\.$/m);
    expect(out).toMatch(
      /^ {2}feature 3: height_missing: .*heightM, height.*\n {2}feature 4: geometry: .*\n {2}feature 5: geometry: .*crosses/m,
    );
    const id = /set ([0-9a-f-]{36})/.exec(out)?.[1] ?? '';
    expect(await shown(id)).toMatchObject({
      id,
      date: '2025-06-30',
      status: 'ready',
      progress: 1,
      problem: null,
      bytes: collection(features).length,
      features: 6,
      buildings: 3,
      leftOut: 3,
      byCode: { height_missing: 1, geometry: 2 },
      problems: [{ feature: 3, code: 'height_missing' }, { feature: 4 }, { feature: 5 }],
      lowestM: 7.5,
      highestM: 12,
      bbox: [120, 23, 120.0051, 23.0001],
    });
    expect((await command('list')).out).toBe(`${id}  2025-06-30  ready  3  120,23,120.0051,23.0001\n`);
    expect(await command('delete', id)).toMatchObject({ code: 0, errors: '' });
    expect(await ask('GET', `/v1/buildings/${id}`)).toMatchObject({ status: 404, body: { code: 'not_found' } });
    expect(await command('delete', id)).toMatchObject({ code: 1, errors: expect.stringContaining('not_found') });
    expect((await command('list')).out).toBe('');
    expect(uploads()).toEqual([]);
  });

  test('takes heights from the properties that are named, and prints JSON', async () => {
    const lines = [house(0, { top: 9, under: 4, height: 1 }), house(1, { top: 8 })].join('\n');
    const file = fileOf('lines.ndjson', lines);
    const options = ['--date', '2024-02-29', '--height-from', 'top', '--base-from', 'under', '--json'];
    const { code, out } = await command('import', file, ...options);
    expect(code).toBe(0);
    expect(JSON.parse(out)).toMatchObject({
      buildings: 2,
      lowestM: 8,
      highestM: 9,
      heightFrom: 'top',
      baseFrom: 'under',
    });
  });

  test.each<[string, string, RegExp]>([
    [
      'of which nothing can be taken',
      collection([house(0, {}), house(1, { levels: 3 })]),
      /no feature could be taken: height_missing 2/,
    ],
    ['that is empty', '', /empty/],
    ['that is no GeoJSON', '<html></html>', /FeatureCollection/],
    ['that is cut off', collection(Array.from({ length: 3_000 }, (_, n) => house(n))).slice(0, -20), /cut off/],
  ])('a file %s ends with 1 and the reason', async (_what, text, reason) => {
    const { code, out, errors } = await command('import', fileOf('bad.geojson', text), '--date', '2025-06-30');
    expect([code, out]).toEqual([1, '']);
    expect(errors).toMatch(reason);
    expect(uploads()).toEqual([]);
  });

  test('a file that is not there, no key, a server that is not there', async () => {
    expect(await command('import', '/nowhere.geojson', '--date', '2025-06-30')).toMatchObject({
      code: 1,
      errors: expect.stringMatching(/nowhere\.geojson cannot be read \(ENOENT\)/),
    });
    const alone = runProgram({ args: ['buildings', 'delete', 'x'], env: { SIGHTLINE_URL: sightline.url } });
    expect([await alone.ended, alone.stderr()]).toEqual([1, expect.stringContaining('SIGHTLINE_KEY')]);
    const lost = runProgram({ args: ['buildings', 'list'], env: { SIGHTLINE_URL: 'http://127.0.0.1:9' } });
    expect([await lost.ended, lost.stderr()]).toEqual([1, expect.stringContaining('no Sightline answers')]);
  });

  test('a large file that is refused at once: the answer is heard', async () => {
    const file = fileOf('large.geojson', collection(Array.from({ length: 100_000 }, (_, n) => house(n))));
    const { code, errors } = await command('import', file, '--date', 'today');
    expect(code).toBe(1);
    expect(errors).toContain('expected a date such as 2025-06-30');
  });
});

describe('/v1/buildings', () => {
  const good = collection([house(0)]);

  test('accepts a file, says where the set is, and counts it when it is ready', async () => {
    const answer = await ask('POST', '/v1/buildings?date=2025-06-30', { body: good });
    const set = answer.body as Shown;
    expect(answer.status).toBe(202);
    expect(answer.headers.get('location')).toBe(`${sightline.url}/v1/buildings/${set.id}`);
    expect(set).toMatchObject({ status: 'importing', progress: 0, bbox: null, finishedAt: null });
    expect(set).not.toHaveProperty('createdBy');
    expect(await ended(set.id)).toMatchObject({ status: 'ready', buildings: 1 });
    expect((await listed()).map(({ id }) => id)).toEqual([set.id]);
  });

  test.each<[string, string, string, string, RegExp]>([
    ['no date', '', good, 'invalid_parameter', /date: is required/],
    ['no such day', 'date=2025-06-31', good, 'invalid_parameter', /date/],
    ['a date ahead', 'date=2999-01-01', good, 'invalid_parameter', /lies ahead/],
    ['no property', 'date=2025-06-30&heightFrom=', good, 'invalid_parameter', /name of a property/],
    ['a NUL in it', 'date=2025-06-30&baseFrom=%00', good, 'invalid_parameter', /name of a property/],
    ['another parameter', 'date=2025-06-30&crs=EPSG:3826', good, 'unknown_parameter', /crs/],
    ['nothing', 'date=2025-06-30', '', 'malformed_body', /empty/],
    ['no GeoJSON', 'date=2025-06-30', '{"type":"Topology"}', 'malformed_body', /FeatureCollection/],
    [
      'another CRS',
      'date=2025-06-30',
      good.replace('"features"', '"crs":{"type":"name","properties":{"name":"EPSG:3826"}},"features"'),
      'malformed_body',
      /another crs/,
    ],
  ])('refuses %s', async (_what, query, body, code, detail) => {
    const answer = await ask('POST', `/v1/buildings?${query}`, { body });
    expect(answer).toMatchObject({ status: 400, body: { code, detail: expect.stringMatching(detail) } });
    expect(await listed()).toEqual([]);
    expect(uploads()).toEqual([]);
  });

  test('only a platform administrator imports and deletes; everybody reads', async () => {
    const minted = await clientOf(sightline.url, sightline.key).POST('/v1/keys', {
      body: { name: 'for a test', scopes: ['cameras:write', 'imports:run', 'keys:write'], authorities: 'all' },
    });
    const { key } = dataOf(minted);
    const { id } = (await ask('POST', '/v1/buildings?date=2025-06-30', { body: good })).body as Shown;
    await ended(id);
    for (const [other, status] of [
      [null, 401],
      [key, 403],
    ] as const) {
      expect(await ask('POST', '/v1/buildings?date=2025-06-30', { key: other, body: good })).toMatchObject({ status });
      expect(await ask('DELETE', `/v1/buildings/${id}`, { key: other })).toMatchObject({ status });
      expect(await ask('GET', `/v1/buildings/${id}`, { key: other })).toMatchObject({ status: 200, body: { id } });
    }
    expect(await ask('GET', '/v1/buildings/x')).toMatchObject({ status: 404 });
    expect(await ask('DELETE', '/v1/buildings/019ac8f2-6d1b-7a55-9d0e-3f2b8c4d5e6f')).toMatchObject({ status: 404 });
  });

  test('a second file waits for the first', async () => {
    const long = collection(Array.from({ length: 20_000 }, (_, n) => house(n)));
    const first = (await ask('POST', '/v1/buildings?date=2025-06-30', { body: long })).body as Shown;
    const second = (await ask('POST', '/v1/buildings?date=2025-06-30', { body: good })).body as Shown;
    await ended(second.id);
    expect(await shown(first.id)).toMatchObject({ status: 'ready', buildings: 20_000 });
    expect(await shown(second.id)).toMatchObject({ status: 'ready', buildings: 1 });
  }, 120_000);
});

describe('an import that does not come to its end', () => {
  const long = collection(Array.from({ length: 150_000 }, (_, n) => house(n)));

  /** The id of an import that has begun to write. */
  async function midway(): Promise<string> {
    const { id } = (await ask('POST', '/v1/buildings?date=2025-06-30', { body: long })).body as Shown;
    const set = await until(id, ({ status, buildings }) => status !== 'importing' || buildings > 0);
    expect(set.status).toBe('importing');
    return id;
  }
  const rows = async (): Promise<number> =>
    sightline.database === null ? 0 : (await sightline.database.db.query<unknown[]>('select from building')).length;
  async function untilSwept(): Promise<void> {
    for (let left = 300; (await rows()) > 0; left -= 1) {
      if (left === 0) throw new Error('its buildings are still there');
      await wait(100);
    }
  }

  /** The 20 s for which others wait to hear of a server that was killed are put behind us, where the test reaches the database. */
  async function endLeases(): Promise<void> {
    const { database } = sightline;
    await database?.db.query(`update building_set set lease_until = now() - interval '1 s' where status = 'importing'`);
  }

  test.each(['SIGTERM', 'SIGKILL'] as const)(
    'for %s in the middle fails, and keeps nothing',
    async (signal) => {
      const id = await midway();
      const { ended: gone } = sightline.program();
      const restarted = sightline.restart(signal);
      // Before the next server looks for what has no server any more.
      await gone;
      await endLeases();
      await restarted;
      const set = await ended(id);
      expect(set).toMatchObject({
        status: 'failed',
        problem: expect.stringMatching(/stopped in the middle.*send the file again/),
      });
      await untilSwept();
      expect(uploads()).toEqual([]);
      expect((await listed()).map(({ status }) => status)).toEqual(['failed']);
    },
    120_000,
  );

  test('for its set was deleted ends, and the next one goes on', async () => {
    const id = await midway();
    const next = (await ask('POST', '/v1/buildings?date=2025-06-30', { body: collection([house(0)]) })).body as Shown;
    expect(await ask('DELETE', `/v1/buildings/${id}`)).toMatchObject({ status: 204 });
    expect(await ended(next.id)).toMatchObject({ status: 'ready' });
    expect(await listed()).toHaveLength(1);
    await ask('DELETE', `/v1/buildings/${next.id}`);
    await untilSwept();
    expect(uploads()).toEqual([]);
  }, 120_000);
});
