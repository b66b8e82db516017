import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { inflateSync } from 'node:zlib';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { runProgram, type Sightline, startSightline, type TiffOrder, writeTiff } from '#testing';

let sightline: Sightline;
let folder: string;

beforeAll(async () => {
  sightline = await startSightline();
  folder = mkdtempSync(path.join(tmpdir(), 'sightline-terrain-'));
});
afterAll(async () => {
  rmSync(folder, { recursive: true, force: true });
  await sightline.close();
});

/** What these tests read of a raster. */
interface Shown {
  readonly id: string;
  readonly status: 'importing' | 'ready' | 'failed';
  readonly progress: number;
  readonly problem: string | null;
  readonly tiles: number;
}

/** A slope by Tainan, 400 × 300 cells of 5 m: as high as it is far from its western side, with a hole in the middle. */
const slope: TiffOrder = {
  columns: 400,
  rows: 300,
  valueAt: (column, row) => (column >= 190 && column < 210 && row >= 100 && row < 140 ? -9_999 : (column + 0.5) * 5),
  nodata: '-9999',
  packing: 'deflate',
  tile: 64,
  origin: [170_000, 2_555_000],
  cell: 5,
  epsg: 3_826,
};

/** Several seconds of work. */
const large = writeTiff({
  ...slope,
  columns: 6_000,
  rows: 5_000,
  valueAt: (column, row) => (column ^ row) % 1_000,
  form: 'int16',
  tile: 512,
});

function fileOf(name: string, bytes: Uint8Array): string {
  const file = path.join(folder, name);
  writeFileSync(file, bytes);
  return file;
}

/** Runs a subcommand against the server. */
async function command(...args: string[]): Promise<{ code: number | string; out: string; errors: string }> {
  const program = runProgram({
    args: ['terrain', ...args],
    env: { SIGHTLINE_URL: sightline.url, SIGHTLINE_KEY: sightline.key },
  });
  const code = await program.ended;
  return { code, out: program.stdout(), errors: program.stderr() };
}

interface Asked {
  readonly key?: string | null;
  readonly body?: Uint8Array | string;
  readonly type?: string;
}

async function ask(method: string, address: string, { key = sightline.key, body, type }: Asked = {}) {
  const response = await fetch(`${sightline.url}${address}`, {
    method,
    headers: {
      ...(key === null ? {} : { authorization: `Bearer ${key}` }),
      ...(type === undefined ? {} : { 'content-type': type }),
    },
    ...(body === undefined ? {} : { body }),
  });
  const text = await response.text();
  return {
    status: response.status,
    headers: response.headers,
    body: (text === '' ? null : JSON.parse(text)) as unknown,
  };
}

const send = (body: Uint8Array | string, query = 'date=2023-01-01', more: Asked = {}) =>
  ask('POST', `/v1/terrain?${query}`, { body, ...more });
const shown = async (id: string): Promise<Shown> =>
  (await ask('GET', `/v1/terrain/${id}`, { key: null })).body as Shown;
const listed = async (): Promise<readonly Shown[]> =>
  ((await ask('GET', '/v1/terrain', { key: null })).body as { items: readonly Shown[] }).items;

/** Sends a file that is accepted. */
async function begun(body: Uint8Array): Promise<string> {
  const { status, body: raster } = await send(body);
  expect([status, raster]).toMatchObject([202, { status: 'importing' }]);
  return (raster as Shown).id;
}

async function until(id: string, isSo: (raster: Shown) => boolean, limitMs = 50_000): Promise<Shown> {
  const end = Date.now() + limitMs;
  for (;;) {
    const raster = await shown(id);
    if (isSo(raster)) return raster;
    if (Date.now() > end) throw new Error(`still ${JSON.stringify(raster)}`);
    await wait(20);
  }
}
const ended = (id: string): Promise<Shown> => until(id, ({ status }) => status !== 'importing');

afterEach(async () => {
  for (const { id } of await listed()) await ask('DELETE', `/v1/terrain/${id}`);
});

/** The 20 s for which others wait to hear of a server that was killed are put behind us, where the test reaches the database. */
async function endLeases(): Promise<void> {
  await sightline.database?.db.query(
    `update terrain set lease_until = now() - interval '1 s' where status = 'importing'`,
  );
}

const uploads = (): string[] => readdirSync(path.join(sightline.dataDir, 'uploads'));

/** Files of tiles in the frame store. */
function tileFiles(): string[] {
  const root = path.join(sightline.dataDir, 'frames', 'terrain');
  return readdirSync(root).flatMap((prefix) =>
    readdirSync(path.join(root, prefix)).map((name) => path.join(root, prefix, name)),
  );
}

describe('sightline terrain', () => {
  test('imports a raster and says what it is, lists and deletes it', async () => {
    const file = fileOf('slope.tif', writeTiff(slope));
    const { code, out, errors } = await command('import', file, '--date', '2023-01-01');
    expect([code, errors]).toEqual([0, '']);
    expect(out).toMatch(
      /^Imported 400 × 300 cells of 5\.00 m \(EPSG:3826\), terrain, dated 2023-01-01, in [\d.]+ s: raster [0-9a-f-]{36}\.$/m,
    );
    expect(out).toMatch(
      /^Extent: 120\.\d{6},23\.\d{6} to 120\.\d{6},23\.\d{6}\. Heights 2\.50 m to 1997\.50 m; 0\.7 % without any\. 4 tiles\.$/m,
    );
    const id = /raster ([0-9a-f-]{36})/.exec(out)?.[1] ?? '';
    expect(await shown(id)).toMatchObject({
      id,
      kind: 'terrain',
      date: '2023-01-01',
      status: 'ready',
      progress: 1,
      problem: null,
      crs: 'EPSG:3826',
      columns: 400,
      rows: 300,
      bytes: statSync(file).size,
      tiles: 4,
      lowestM: 2.5,
      highestM: 1_997.5,
    });
    const list = await command('list');
    expect(list.out).toMatch(new RegExp(`^${id}  terrain  2023-01-01  ready  EPSG:3826  5\\.00 m  [\\d.,]+\\n$`));
    expect(uploads()).toEqual([]);
    expect(await command('delete', id)).toMatchObject({ code: 0, errors: '' });
    expect(await ask('GET', `/v1/terrain/${id}`)).toMatchObject({ status: 404, body: { code: 'not_found' } });
    expect(await command('delete', id)).toMatchObject({ code: 1, errors: expect.stringContaining('not_found') });
    expect((await command('list')).out).toBe('');
  });

  test('says why a file is refused, or failed', async () => {
    const none = fileOf('none.tif', writeTiff({ ...slope, epsg: null }));
    expect(await command('import', none, '--date', '2023-01-01')).toMatchObject({
      code: 1,
      out: '',
      errors: expect.stringMatching(/unusable_raster.*does not state its CRS/),
    });
    const given = await command(
      'import',
      none,
      '--date',
      '2023-01-01',
      '--crs',
      'EPSG:3826',
      '--kind',
      'dsm',
      '--json',
    );
    expect([given.code, JSON.parse(given.out)]).toMatchObject([0, { kind: 'dsm', crs: 'EPSG:3826', status: 'ready' }]);
    const empty = fileOf('empty.tif', writeTiff({ ...slope, valueAt: () => -9_999 }));
    expect(await command('import', empty, '--date', '2023-01-01')).toMatchObject({
      code: 1,
      errors: 'The import failed: no cell of the raster has a height.\n',
    });
    expect(await command('import', path.join(folder, 'missing.tif'), '--date', '2023-01-01')).toMatchObject({
      code: 1,
      errors: expect.stringContaining('missing.tif cannot be read'),
    });
  });
});

describe('/v1/terrain', () => {
  test('keeps heights as Float32 tiles that are read back as they were', async () => {
    const id = await begun(writeTiff({ ...slope, valueAt: (column) => (column + 0.5) * 5 }));
    expect(await ended(id)).toMatchObject({ status: 'ready', tiles: 4 });
    const heights = tileFiles().flatMap((file) => {
      const bytes = new Uint8Array(inflateSync(readFileSync(file)));
      expect(bytes.length).toBe(256 * 256 * 4);
      return [...new Float32Array(bytes.buffer)].filter((height) => !Number.isNaN(height));
    });
    expect(heights.length).toBeGreaterThan(110_000);
    for (const height of heights) if (height < 2.5 || height > 1_997.5) throw new Error(`a height of ${height} m`);
  });

  test('takes a file under any type, and under none', async () => {
    for (const type of ['image/tiff', 'application/json', 'application/geo+json', 'no type at all', undefined]) {
      const more = type === undefined ? {} : { type };
      expect((await send(writeTiff({ ...slope, columns: 5, rows: 5, tile: 16 }), undefined, more)).status).toBe(202);
    }
    const { headers } = await send(writeTiff(slope));
    expect(headers.get('location')).toMatch(/^http.*\/v1\/terrain\/[0-9a-f-]{36}$/);
  });

  test('is for platform administrators, but for reading', async () => {
    const body = writeTiff(slope);
    expect(await send(body, undefined, { key: null })).toMatchObject({ status: 401 });
    const minted = await fetch(`${sightline.url}/v1/keys`, {
      method: 'POST',
      headers: { authorization: `Bearer ${sightline.key}`, 'content-type': 'application/json' },
      body: JSON.stringify({ name: 'importer', scopes: ['imports:run', 'cameras:write'], authorities: 'all' }),
    });
    const { key } = (await minted.json()) as { key: string };
    expect(await send(body, undefined, { key })).toMatchObject({ status: 403, body: { code: 'forbidden' } });
    const id = await begun(body);
    expect(await ask('DELETE', `/v1/terrain/${id}`, { key })).toMatchObject({ status: 403 });
    expect(await ask('GET', `/v1/terrain/${id}`, { key: null })).toMatchObject({ status: 200 });
    expect(uploads().length).toBeLessThanOrEqual(1);
  });

  test('refuses at once what no terrain can be made of, each for its own reason, and keeps nothing of it', async () => {
    const reason = async (bytes: Uint8Array | string, query?: string): Promise<unknown> => {
      const { status, body } = await send(bytes, query);
      expect([status, body]).toMatchObject([400, { code: 'unusable_raster' }]);
      return (body as { errors: readonly { code: string }[] }).errors[0]?.code;
    };
    expect(await reason('{"type":"FeatureCollection"}')).toBe('not_geotiff');
    expect(await reason(writeTiff(slope).subarray(0, 2_000))).toBe('corrupt_raster');
    expect(await reason(writeTiff({ ...slope, bands: 3 }))).toBe('several_bands');
    expect(await reason(writeTiff({ ...slope, epsg: null }))).toBe('no_crs');
    expect(await reason(writeTiff({ ...slope, epsg: 29_999 }))).toBe('unknown_crs');
    expect(await reason(writeTiff(slope), 'date=2023-01-01&crs=EPSG:999999')).toBe('unknown_crs');
    expect(await reason(writeTiff({ ...slope, origin: [1e30, 1e30] }))).toBe('outside_crs');
    const degrees = { ...slope, isGeographic: true, epsg: 4_326, cell: 0.01 };
    expect(await reason(writeTiff({ ...degrees, origin: [178, 10] }))).toBe('crosses_antimeridian');
    expect(await reason(writeTiff({ ...slope, tags: [[259, 'short', [50_000]]] }))).toBe('unsupported_raster');
    expect(await listed()).toEqual([]);
    expect(uploads()).toEqual([]);
    expect((await fetch(`${sightline.url}/readyz`)).status).toBe(200);
  });

  test('refuses wrong parameters, an empty body and one that is too large', async () => {
    const bytes = writeTiff(slope);
    expect(await send(bytes, '')).toMatchObject({ status: 400, body: { errors: [{ code: 'required' }] } });
    for (const query of [
      'date=2023-02-30',
      'date=2999-01-01',
      'date=2023-01-01&kind=hill',
      'date=2023-01-01&crs=3826',
    ]) {
      expect(await send(bytes, query)).toMatchObject({ status: 400, body: { code: 'invalid_parameter' } });
    }
    expect(await send(bytes, 'date=2023-01-01&colour=red')).toMatchObject({ body: { code: 'unknown_parameter' } });
    expect(await send(new Uint8Array(0))).toMatchObject({ status: 400, body: { code: 'malformed_body' } });
    expect(await ask('POST', '/v1/terrain?date=2023-01-01')).toMatchObject({ body: { code: 'malformed_body' } });
    const claimed = await raw(`content-length: ${5 * 2 ** 30}\r\n`, Buffer.from('II'));
    expect(claimed).toMatch(/^HTTP\/1\.1 413 [^]*body_too_large/);
    expect(uploads()).toEqual([]);
  });

  test('refuses a file that comes too slowly or breaks off, and leaves nothing of it', async () => {
    const slow = await raw('content-length: 100000\r\n', Buffer.from('II*\0'));
    expect(slow).toMatch(/^HTTP\/1\.1 408 [^]*request_timeout/);
    const socket = opened('content-length: 100000\r\n', Buffer.from('II*\0'));
    while (uploads().length === 0) await wait(20);
    socket.destroy();
    while (uploads().length > 0) await wait(20);
    expect(await listed()).toEqual([]);
  });

  test('says of a raster that is damaged further down why it failed', async () => {
    const bytes = Buffer.from(writeTiff(slope));
    bytes.fill(0xff, 2_000, 4_000);
    const id = await begun(bytes);
    expect(await ended(id)).toMatchObject({
      status: 'failed',
      problem: expect.stringMatching(/^the file is damaged: the block at byte \d+ cannot be unpacked$/),
      tiles: 0,
    });
  });

  test('imports one raster at a time; another waits, and one that is deleted is given up', async () => {
    const first = await begun(large);
    const second = await begun(writeTiff(slope));
    await until(first, ({ progress }) => progress > 0);
    expect(await shown(second)).toMatchObject({ status: 'importing', progress: 0 });
    expect((await ask('DELETE', `/v1/terrain/${first}`)).status).toBe(204);
    expect(await ask('GET', `/v1/terrain/${first}`)).toMatchObject({ status: 404 });
    expect(await ended(second)).toMatchObject({ status: 'ready', tiles: 4 });
    while (uploads().length > 0) await wait(20);
  });

  test('shows an import as failed when its server was killed in the middle, and keeps nothing of it', async () => {
    const id = await begun(large);
    await until(id, ({ progress }) => progress > 0);
    expect(uploads()).toHaveLength(1);
    const { ended: killed } = sightline.program();
    const restarted = sightline.restart('SIGKILL');
    // Before the next server looks for what has no server any more.
    await killed;
    await endLeases();
    await restarted;
    expect(uploads()).toEqual([]);
    expect(await ended(id)).toMatchObject({
      status: 'failed',
      problem: expect.stringContaining('stopped in the middle'),
    });
    await until(id, ({ tiles }) => tiles === 0);
    const again = await begun(writeTiff(slope));
    expect(await ended(again)).toMatchObject({ status: 'ready' });
  });

  test('shows an import as failed when its server ended in order', async () => {
    const id = await begun(large);
    const waiting = await begun(writeTiff(slope));
    await until(id, ({ progress }) => progress > 0);
    await sightline.restart('SIGTERM');
    for (const one of [id, waiting]) {
      expect(await shown(one)).toMatchObject({
        status: 'failed',
        problem: expect.stringContaining('stopped in the middle'),
        tiles: 0,
      });
    }
    expect(uploads()).toEqual([]);
  });
});

/** A request to import, its body begun. */
function opened(headers: string, body: Buffer): ReturnType<typeof connect> {
  const { hostname, port } = new URL(sightline.url);
  const socket = connect(Number(port), hostname);
  socket.write(
    `POST /v1/terrain?date=2023-01-01 HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${sightline.key}\r\n${headers}\r\n`,
  );
  socket.write(body);
  return socket;
}

/** What is answered to a body that never ends. */
async function raw(headers: string, body: Buffer): Promise<string> {
  const socket = opened(headers, body);
  let text = '';
  for await (const chunk of socket) {
    text += String(chunk);
    if (/"code":"/.test(text)) break;
  }
  socket.destroy();
  return text;
}
