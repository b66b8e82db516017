import { randomBytes } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import sharp from 'sharp';
import { type Sightline, startSightline } from '#testing';
import { type Answered, ask, type Asked, keyFor, VIEWER } from './asking.js';

/** Seconds by which others see one of the cameras later. */
const DELAY_S = 12;

/** The device sends a new picture at each request, wider for its presets: by its width a picture is told from another. */
const WIDTHS: Readonly<Record<string, number>> = { main: 900, p1: 700, p2: 800 };

const device = createServer((request, response) => {
  const width = WIDTHS[(request.url ?? '').slice(1)] ?? 900;
  const raw = { width, height: 180, channels: 3 } as const;
  void sharp(randomBytes(width * 180 * 3), { raw })
    .jpeg({ quality: 60 })
    .toBuffer()
    .then((jpeg) => response.writeHead(200, { 'content-type': 'image/jpeg' }).end(jpeg));
});

let sightline: Sightline;
let viewer: string;
let port: number;
const ids = new Map<string, string>();

beforeAll(async () => {
  await new Promise<void>((resolve) => device.listen(0, '127.0.0.1', resolve));
  ({ port } = device.address() as AddressInfo);
  sightline = await startSightline();
  const network = { cidrs: ['127.0.0.0/8'], ports: [port] };
  const authority = { slug: 'wrb', name: 'Water', network, probing: { intervalS: 5, minIntervalS: 5 } };
  await as(sightline.key)('POST', '/v1/authorities', { body: authority });
  viewer = await keyFor(sightline, ['wrb'], VIEWER);
  await add('kept', { access: { level: 'public', retentionS: 3_600 } });
  await add('delayed', { access: { level: 'public', publicDelayS: DELAY_S } });
  await add('plain', { access: { level: 'public' } });
  await add('withheld', { access: { level: 'public', thumbnails: 'withheld', retentionS: 3_600 } });
  await add('masked', { access: { level: 'public', privacyMasks: [{ points: [[0, 0], [0.2, 0], [0.2, 0.2]] }] } }); // prettier-ignore
  await until(async () => (await items('kept')).length >= 3);
}, 120_000);
afterAll(async () => {
  await sightline.close();
  device.closeAllConnections();
  await new Promise((resolve) => device.close(resolve));
});

const as =
  (key?: string) =>
  (method: string, path: string, asked: Asked = {}): Promise<Answered> =>
    ask(sightline, method, path, { key, ...asked });

async function add(localId: string, more: object): Promise<void> {
  const at = (name: string): string => `http://127.0.0.1:${port}/${name}`;
  const services = [
    { kind: 'snapshot', url: at('main') },
    { kind: 'snapshot', url: at('p1'), shows: '1' },
    { kind: 'snapshot', url: at('p2'), shows: '2' },
  ];
  const camera = {
    authority: 'wrb',
    localId,
    name: localId,
    location: { type: 'Point', coordinates: [120.29, 23.08] },
    services,
    presets: [{ id: '1' }, { id: '2' }, { id: 'never shown' }],
    ...more,
  };
  const made = await as(sightline.key)('POST', '/v1/cameras', { body: camera });
  if (made.status !== 201) throw new Error(made.text);
  ids.set(localId, String(made.body.id));
}

const at = (localId: string, rest = ''): string => `/v1/cameras/${ids.get(localId)}${rest}`;
const change = (localId: string, body: object): Promise<Answered> =>
  as(sightline.key)('PATCH', at(localId), { body, headers: { 'if-match': '*' } });

interface Item {
  readonly capturedAt: string;
  readonly widthPx: number;
  readonly href: string;
}
const items = async (localId: string, query = '', key: string | undefined = viewer): Promise<readonly Item[]> =>
  ((await as(key)('GET', at(localId, `/frames${query}`))).body.items ?? []) as unknown as Item[];

async function until(isSo: () => Promise<boolean>): Promise<void> {
  const lastMs = Date.now() + 60_000;
  while (!(await isSo())) {
    if (Date.now() > lastMs) throw new Error('still not so');
    await wait(300);
  }
}

async function picture(path: string, key?: string): Promise<{ answer: Answered; width?: number; ageS: number }> {
  const answer = await as(key)('GET', path);
  const ageS = (Date.now() - Date.parse(answer.headers.get('sightline-captured-at') ?? '')) / 1000;
  if (answer.status !== 200) return { answer, ageS };
  return { answer, width: (await sharp(Buffer.from(answer.text, 'latin1')).metadata()).width, ageS };
}

describe('PRIV-3: the history of pictures', () => {
  test('is listed newest first, in pages, within the time asked for', async () => {
    const all = await items('kept');
    const moments = all.map(({ capturedAt }) => capturedAt);
    expect(moments).toEqual([...moments].sort().reverse());
    expect(all[0]).toMatchObject({ widthPx: 900, heightPx: 180 });
    const first = await as(viewer)('GET', at('kept', `/frames?limit=1&to=${all[0]?.capturedAt}`));
    expect(first.body.items).toEqual([all[1]]);
    const next = String(first.body.next).replace(sightline.url, '');
    expect((await as(viewer)('GET', next)).body.items).toEqual([all[2]]);
    expect(await items('kept', `?from=${all[1]?.capturedAt}&to=${all[0]?.capturedAt}`)).toEqual([all[1]]);
    expect(await items('kept', '?to=2020-01-01T00:00:00Z')).toEqual([]);
    expect(await items('plain')).toEqual([]);
  });

  test('a frame is served re-encoded, and kept by nobody on the way', async () => {
    const [newest] = await items('kept');
    const path = (newest?.href ?? '').replace(sightline.url, '');
    const { answer, width } = await picture(`${path}?width=640`);
    expect([answer.status, width]).toEqual([200, 640]);
    expect(answer.headers.get('cache-control')).toBe('no-store');
    expect(answer.headers.get('sightline-captured-at')).toBe(newest?.capturedAt);
    expect((await picture(`${path}?width=1280`)).width).toBe(640);
    expect((await picture(`${path}?width=1280`, viewer)).width).toBe(900);
    const again = await as()('GET', `${path}?width=640`, {
      headers: { 'if-none-match': answer.headers.get('etag') ?? '' },
    });
    expect(again.status).toBe(304);
  });

  test.each<[string, string, number, string]>([
    ['a moment without a picture', '/frames/2026-11-27T12:00:00.000Z', 404, 'not_found'],
    ['no moment', '/frames/latest', 404, 'not_found'],
    ['a moment long before', '/frames/0000-01-01T00:00:00Z', 404, 'not_found'],
    ['an unknown preset', '/frames?preset=9', 404, 'not_found'],
    [
      'a time that ends before it begins',
      '/frames?from=2026-11-27T12:00:00Z&to=2026-11-27T11:00:00Z',
      400,
      'invalid_parameter',
    ],
    ['a time before time', '/frames?from=0000-01-01T00:00:00Z', 400, 'invalid_parameter'],
    ['no time', '/frames?from=yesterday', 400, 'invalid_parameter'],
    ['an unknown width', '/frames/2026-11-27T12:00:00.000Z?width=321', 400, 'invalid_parameter'],
    ['an unknown parameter', '/frames?since=1', 400, 'unknown_parameter'],
    ['a forged cursor', '/frames?cursor=eyJ4IjoxfQ', 400, 'cursor_mismatch'],
  ])('%s is refused', async (_, rest, status, code) => {
    const { status: got, body } = await as(viewer)('GET', at('kept', rest));
    expect([got, body.code]).toEqual([status, code]);
  });

  test('AUTHZ-6: whoever does not see the picture sees no history', async () => {
    await until(async () => (await items('withheld')).length > 0);
    const [one] = await items('withheld');
    const path = (one?.href ?? '').replace(sightline.url, '');
    for (const asked of [at('withheld', '/frames'), path]) {
      expect((await as()('GET', asked)).body.code).toBe('no_frame');
      expect((await as(viewer)('GET', asked)).status).toBe(200);
    }
  });

  test('a shorter time holds at once; and a camera that is retired keeps none', async () => {
    await add('passing', { access: { level: 'public', retentionS: 3_600 } });
    await until(async () => (await items('passing')).length >= 2);
    const [newest] = await items('passing');
    const path = (newest?.href ?? '').replace(sightline.url, '');
    expect((await change('passing', { access: { level: 'public', retentionS: null } })).status).toBe(200);
    expect([await items('passing'), (await picture(path, viewer)).answer.status]).toEqual([[], 404]);
    expect((await change('passing', { access: { level: 'public', retentionS: 3_600 } })).status).toBe(200);
    const retired = await as(sightline.key)('DELETE', at('passing'), { headers: { 'if-match': '*' } });
    expect(retired.status).toBe(204);
    expect(await items('passing')).toEqual([]);
    expect((await picture(at('passing', '/thumbnail'), viewer)).answer.body.code).toBe('no_frame');
  });
});

describe('presets', () => {
  test('have pictures of their own, in the history too', async () => {
    await until(async () => (await items('kept', '?preset=2')).length > 0);
    expect((await picture(at('kept', '/thumbnail?width=1280&preset=1'), viewer)).width).toBe(700);
    expect((await picture(at('kept', '/thumbnail?width=1280&preset=2'), viewer)).width).toBe(800);
    expect((await picture(at('kept', '/thumbnail?width=1280'), viewer)).width).toBe(900);
    const [one] = await items('kept', '?preset=2');
    expect(one?.href).toMatch(/\?preset=2$/);
    expect((await picture(`${(one?.href ?? '').replace(sightline.url, '')}&width=1280`, viewer)).width).toBe(800);
  });

  test('that are unknown are not found, and one that was never shown has no picture', async () => {
    const code = async (preset: string): Promise<unknown> =>
      (await as()('GET', at('kept', `/thumbnail?preset=${encodeURIComponent(preset)}`))).body.code;
    expect([await code('9'), await code('never shown'), await code('main')]).toEqual([
      'not_found',
      'no_frame',
      'not_found',
    ]);
  });

  test('are told of in the health, beside the main view', async () => {
    const { body } = await as()('GET', at('kept', '/health'));
    expect(body).toMatchObject({
      status: 'online',
      service: { index: 0 },
      presets: [
        { id: '1', lastOutcome: 'ok' },
        { id: '2', lastOutcome: 'ok' },
      ],
    });
  });

  test('WEB-5: a link is to one of them, and to no other', async () => {
    const linked = await as(viewer)('POST', at('kept', '/thumbnail/link'), { body: { width: 1280, preset: '1' } });
    const url = new URL(String(linked.body.url));
    expect((await picture(`${url.pathname}${url.search}`)).width).toBe(700);
    url.searchParams.set('preset', '2');
    expect((await picture(`${url.pathname}${url.search}`)).answer.status).toBe(401);
    url.searchParams.delete('preset');
    expect((await picture(`${url.pathname}${url.search}`)).answer.status).toBe(401);
  });

  test('PRIV-2: of a masked camera are probed, and nothing of them is kept', async () => {
    const presets = async (): Promise<readonly Record<string, unknown>[]> =>
      ((await as()('GET', at('masked', '/health'))).body.presets ?? []) as Record<string, unknown>[];
    await until(async () => (await presets()).length === 2);
    expect((await presets()).map(({ id, lastOutcome, capturedAt }) => [id, lastOutcome, capturedAt])).toEqual([
      ['1', 'ok', undefined],
      ['2', 'ok', undefined],
    ]);
    expect((await picture(at('masked', '/thumbnail?preset=1'), viewer)).answer.body.code).toBe('no_frame');
    expect((await picture(at('masked', '/thumbnail'))).answer.status).toBe(200);
  });

  test('PRIV-2: a mask takes the pictures of before away, of every view', async () => {
    await add('open', { access: { level: 'public', retentionS: 3_600 } });
    await until(async () => (await items('open', '?preset=1')).length > 0);
    const masks = [{ points: [[0, 0], [0.5, 0], [0.5, 1]] }]; // prettier-ignore
    const [before] = await items('open');
    await change('open', { access: { level: 'public', retentionS: 3_600, privacyMasks: masks } });
    expect((await picture((before?.href ?? '').replace(sightline.url, ''), viewer)).answer.status).toBe(404);
    expect((await picture(at('open', '/thumbnail?preset=1'), viewer)).answer.body.code).toBe('no_frame');
    expect(await items('open', '?preset=1')).toEqual([]);
  });
});

describe('PRIV-4: others see pictures later', () => {
  test('the newest one that is old enough, of a camera that shows another one every few seconds', async () => {
    const path = at('delayed', '/thumbnail');
    await until(async () => (await picture(path)).answer.status === 200);
    const others: Answered[] = [];
    for (let i = 0; i < 8; i += 1) {
      const { answer, ageS } = await picture(path);
      expect(ageS).toBeGreaterThanOrEqual(DELAY_S);
      // One interval of 5 s, its jitter, and what a busy machine takes.
      expect(ageS).toBeLessThan(DELAY_S + 15);
      others.push(answer);
      await wait(1_500);
    }
    // It goes on, and its tag with it.
    expect(new Set(others.map(({ headers }) => headers.get('etag'))).size).toBeGreaterThan(1);
    expect((await picture(path, viewer)).ageS).toBeLessThan(DELAY_S);
    expect(await items('delayed')).toEqual([]);
  });
});
