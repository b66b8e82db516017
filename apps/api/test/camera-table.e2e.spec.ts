import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { CAMERA_COLUMNS } from '#catalog';
import { type Sightline, startSightline } from '#testing';
import { ask, keyFor } from './asking.js';
import { clientOf } from './client.js';
import { addAuthority, addCamera, OPERATOR, registration } from './fixtures.js';

const CSV = 'text/csv; charset=utf-8; header=present';
const PATHS = CAMERA_COLUMNS.map(({ path }) => path);

let sightline: Sightline;
let operator: string;

beforeAll(async () => {
  sightline = await startSightline();
  const admin = clientOf(sightline.url, sightline.key);
  await addAuthority(admin, 'tainan-wrb');
  operator = await keyFor(sightline, ['tainan-wrb'], OPERATOR);
  const view = { azimuthDeg: 0, tiltDeg: -12.5, hfovDeg: 60, vfovDeg: 34, farM: 150, imageWidthPx: 1_920 };
  const looking = { heightM: 6, view, lifecycle: 'suspended' } as const;
  const cameras = [
    registration({ localId: '=cmd()', name: '新市橋, "downstream"', names: { 'zh-Hant': '新市橋下游' }, ...looking }),
    registration({ localId: '-12.5', name: '+1', tags: ['-x', 'b'], description: '@x\n"two", lines' }),
    registration({ localId: "'=1", name: "'plain'", location: { type: 'Point', coordinates: [-120.5, -23.5] } }),
  ];
  for (const camera of cameras) await addCamera(admin, camera);
});
afterAll(() => sightline.close());

interface Table {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  readonly header: readonly string[];
  readonly rows: readonly Readonly<Record<string, string>>[];
}

/** Reads a table as RFC 4180 says, and nothing else: every cell in quotes, CRLF after every line. */
function cellsOf(text: string): string[][] {
  const lines: string[][] = [[]];
  let at = 0;
  for (const [cell, inner = '', after] of text.matchAll(/"((?:[^"]|"")*)"(,|\r\n)/gy)) {
    at += cell.length;
    lines.at(-1)?.push(inner.replaceAll('""', '"'));
    if (after === '\r\n') lines.push([]);
  }
  expect(text.slice(at)).toBe('');
  return lines.slice(0, -1);
}

async function tableAt(
  path: string,
  { accept, key, ...headers }: Readonly<Record<string, string>> = { accept: 'text/csv' },
): Promise<Table> {
  const url = path.startsWith('http') ? path : `${sightline.url}/v1/cameras${path}`;
  const sent = { ...headers, ...(accept === undefined ? {} : { accept }) };
  const answer = await fetch(url, { headers: key === undefined ? sent : { ...sent, authorization: `Bearer ${key}` } });
  // Not text(), which would take a byte order mark away.
  const text = Buffer.from(await answer.arrayBuffer()).toString('utf8');
  const [header = [], ...rows] = answer.headers.get('content-type') === CSV ? cellsOf(text) : [];
  const named = rows.map((row) => {
    expect(row).toHaveLength(header.length);
    return Object.fromEntries(row.map((cell, i) => [header[i] ?? '', cell]));
  });
  return { status: answer.status, headers: answer.headers, text, header, rows: named };
}

const linkOf = ({ headers }: Table, rel: string): string | undefined =>
  new RegExp(`<([^>]*)>; rel="${rel}"`).exec(headers.get('link') ?? '')?.[1];

describe('cameras as CSV', () => {
  test('by Accept and by f=csv, as a file, with all columns in their order', async () => {
    for (const table of [await tableAt(''), await tableAt('?f=csv', { accept: 'application/json' })]) {
      expect(table.status).toBe(200);
      expect(table.headers.get('content-type')).toBe(CSV);
      expect(table.headers.get('content-disposition')).toBe('attachment; filename="cameras.csv"');
      expect(table.headers.get('vary')).toContain('Accept');
      expect(table.headers.get('cache-control')).toBe('public, max-age=5');
      expect(table.header).toEqual(PATHS);
      expect(table.rows).toHaveLength(3);
    }
  });

  test.each([
    ['text/*', '', CSV],
    ['application/json;q=0.5, text/csv', '', CSV],
    ['text/csv;q=0.5, application/geo+json', '', 'application/geo+json; charset=utf-8'],
    ['text/html, */*;q=0.8', '', 'application/json; charset=utf-8'],
    ['text/csv', '?f=geojson', 'application/geo+json; charset=utf-8'],
    ['text/csv;q=0, */*', '', 'application/json; charset=utf-8'],
  ])('Accept: %s %s is answered as %s', async (accept, query, type) => {
    const { status, headers } = await tableAt(query, { accept });
    expect([status, headers.get('content-type')]).toEqual([200, type]);
    expect(headers.has('content-disposition')).toBe(type === CSV);
  });

  test('nothing acceptable is a 406, and one camera is no table', async () => {
    expect((await tableAt('', { accept: 'text/csv;q=0, application/xml' })).status).toBe(406);
    const [{ id = '' } = {}] = (await tableAt('')).rows;
    expect((await tableAt(`/${id}`)).status).toBe(406);
    expect((await tableAt(`/${id}?f=csv`)).status).toBe(400);
    expect((await ask(sightline, 'GET', '/v1/authorities?f=csv')).status).toBe(400);
  });

  test('CSV-1: text is no formula, numbers stay, and quotes, commas and line feeds are text', async () => {
    const rows = (await tableAt('')).rows;
    expect(rows.map(({ localId }) => localId)).toEqual(["'=cmd()", "'-12.5", "''=1"]);
    expect(rows[0]).toMatchObject({
      name: '新市橋, "downstream"',
      names: '{"zh-Hant":"新市橋下游"}',
      'view.tiltDeg': '-12.5',
      'location.lon': '120.290608',
      'location.lat': '23.079451',
      heightM: '6',
      'access.level': 'public',
      lifecycle: 'suspended',
      'health.status': 'disabled',
      services: '[{"kind":"mjpeg"}]',
      tags: '',
    });
    expect(rows[1]).toMatchObject({ name: "'+1", tags: "'-x; b", description: '\'@x\n"two", lines', heightM: '' });
    expect(rows[2]).toMatchObject({ name: "'plain'", 'location.lon': '-120.5', 'location.lat': '-23.5' });
  });

  test('no table has the address of a camera, whoever asks', async () => {
    const { text, rows } = await tableAt('', { accept: 'text/csv', key: operator });
    expect(rows).toHaveLength(3);
    expect(text).not.toMatch(/axis-cgi|127\.0\.0\.1:8080/);
    const json = await ask(sightline, 'GET', '/v1/cameras', { key: operator });
    expect(json.text).toContain('127.0.0.1:8080/axis-cgi');
  });

  test('pages have a header line each, and go on by the header Link', async () => {
    const whole = await tableAt('');
    const found: string[] = [];
    let at: string | undefined = '?limit=1';
    while (at !== undefined) {
      const page: Table = await tableAt(at);
      expect(page.header).toEqual(PATHS);
      found.push(...page.rows.map(({ id = '' }) => id));
      at = linkOf(page, 'next');
    }
    expect(found).toEqual(whole.rows.map(({ id }) => id));
    expect(whole.headers.get('link')).toBeNull();
  });

  test('a cursor of a table is none of the JSON answer', async () => {
    const next = linkOf(await tableAt('?limit=1'), 'next') ?? '';
    const { status, text } = await tableAt(next, { accept: 'application/json' });
    expect([status, JSON.parse(text)]).toEqual([400, expect.objectContaining({ code: 'cursor_mismatch' })]);
  });

  test('no camera: the header line alone', async () => {
    const { status, header, rows } = await tableAt('?q=nobody');
    expect([status, header, rows]).toEqual([200, PATHS, []]);
  });

  test('an unchanged table is not sent again', async () => {
    const { headers } = await tableAt('');
    const etag = headers.get('etag') ?? '';
    const again = await tableAt('', { accept: 'text/csv', 'if-none-match': etag });
    expect([again.status, again.text, again.headers.get('etag')]).toEqual([304, '', etag]);
    const json = await tableAt('', { accept: 'application/json', 'if-none-match': etag });
    expect(json.status).toBe(200);
    const head = await ask(sightline, 'HEAD', '/v1/cameras?f=csv');
    expect([head.status, head.headers.get('etag'), head.headers.get('content-type')]).toEqual([200, etag, CSV]);
  });

  test('fields chooses columns and leaves their order; id always comes', async () => {
    const { header, rows } = await tableAt('?fields=health,name,location,nothing');
    expect(header).toEqual(PATHS.filter((path) => /^(?:id$|name$|location\.|health\.)/.test(path)));
    expect(rows[0]).toMatchObject({ 'location.lon': '120.290608', 'health.status': 'disabled' });
    expect((await tableAt('?fields=name')).header).toEqual(['id', 'name']);
  });

  test('what a question adds stands in its columns', async () => {
    const [near, none] = [await tableAt('?near=120.290608,23.08&radiusM=500'), await tableAt('?q=downstream')];
    expect(near.rows).toHaveLength(2);
    expect(Number(near.rows[0]?.distanceM)).toBeCloseTo(60.8, 0);
    expect(near.rows[0]?.bearingDeg).toBe('180');
    expect(none.rows[0]).toMatchObject({ distanceM: '', 'sight.sees': '', footprint: '' });
    const [seen] = (await tableAt('?sees=120.290608,23.0798&lifecycle=suspended&include=footprint')).rows;
    expect(seen).toMatchObject({ 'sight.sees': 'true', 'sight.basis': 'fixed', 'sight.showing': 'false' });
    expect(Number(seen?.['sight.distanceM'])).toBeCloseTo(38.7, 0);
    expect(JSON.parse(seen?.footprint ?? '')).toMatchObject({ type: 'MultiPolygon' });
  });

  test('the feed of changes says where it goes on', async () => {
    const feed = await tableAt('?updatedSince=2020-01-01T00:00:00Z');
    expect(feed.rows).toHaveLength(3);
    const later = await tableAt(linkOf(feed, 'resume') ?? '');
    expect([later.status, later.rows]).toEqual([200, []]);
    const last = await tableAt(linkOf(later, 'resume') ?? '');
    expect([last.status, last.rows]).toEqual([200, []]);
  });
});
