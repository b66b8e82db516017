import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type Sightline, startSightline } from '#testing';
import { clientOf, dataOf } from './client.js';
import { addAuthority, addCamera, type OPERATOR, registration } from './fixtures.js';
import { type PictureDevice, startPictureDevice } from './picture-device.js';

/** WEB-5: addresses that show a picture without a key, for as long as whoever made them may see it. */
let sightline: Sightline;
let cameraId: string;
let viewer: { readonly id: string; readonly key: string };

let device: PictureDevice;

beforeAll(async () => {
  device = await startPictureDevice();
  sightline = await startSightline();
  const admin = clientOf(sightline.url, sightline.key);
  const { port } = device;
  const network = { cidrs: ['127.0.0.0/8'], ports: [port] };
  await addAuthority(admin, 'tainan-wrb', { network, probing: { intervalS: 5, minIntervalS: 5 } });
  const services = [{ kind: 'snapshot' as const, url: `http://127.0.0.1:${port}/one.jpg` }];
  const camera = registration({ localId: 'one', services, lifecycle: 'active', access: { level: 'restricted' } });
  cameraId = (await addCamera(admin, camera)).id;
  viewer = await mint(['cameras:read', 'frames:read']);
  const until = Date.now() + 40_000;
  while ((await fetch(pictureAt(), { headers: as(sightline.key) })).status !== 200 && Date.now() < until)
    await wait(200);
}, 90_000);
afterAll(async () => {
  await sightline.close();
  await device.close();
});

async function mint(scopes: typeof OPERATOR): Promise<{ id: string; key: string }> {
  const body = { name: 'for links', scopes, authorities: ['tainan-wrb'] };
  return dataOf(await clientOf(sightline.url, sightline.key).POST('/v1/keys', { body }));
}

const as = (key: string): Record<string, string> => ({ authorization: `Bearer ${key}` });
const pictureAt = (query = ''): string => `${sightline.url}/v1/cameras/${cameraId}/thumbnail${query}`;

const askForLink = (body: object, key: string | null = viewer.key, id = cameraId): Promise<Response> =>
  fetch(`${sightline.url}/v1/cameras/${id}/thumbnail/link`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...(key === null ? {} : as(key)) },
    body: JSON.stringify(body),
  });

async function link(body: object = {}, key?: string): Promise<URL> {
  const response = await askForLink(body, key);
  const { url } = (await response.json()) as { url: string };
  return new URL(url);
}

async function use(url: URL | string): Promise<[status: number, code: string | null]> {
  const response = await fetch(url);
  const isPicture = response.headers.get('content-type') === 'image/jpeg';
  const body = isPicture ? (await response.arrayBuffer(), null) : ((await response.json()) as { code: string }).code;
  return [response.status, body];
}

describe('links to a picture (WEB-5)', () => {
  test('show it to whoever has the address, to pages of others too, and to no shared cache', async () => {
    expect(await use(pictureAt())).toEqual([404, 'not_found']);
    const url = await link({ width: 160, expiresInS: 60 });
    const response = await fetch(url);
    await response.arrayBuffer();
    expect([
      response.status,
      response.headers.get('cache-control'),
      response.headers.get('cross-origin-resource-policy'),
    ]).toEqual([200, 'private, max-age=5', 'cross-origin']);
    const again = await fetch(url, { headers: { 'if-none-match': response.headers.get('etag') ?? '' } });
    expect([again.status, again.headers.get('cache-control')]).toEqual([304, 'private, max-age=5']);
  });

  test('say when they end', async () => {
    const at = Date.now();
    const made = (await (await askForLink({ expiresInS: 900 })).json()) as { url: string; expiresAt: string };
    expect(Math.abs(Date.parse(made.expiresAt) - at - 900_000)).toBeLessThan(5_000);
    expect(Number(new URL(made.url).searchParams.get('exp')) * 1_000).toBe(Date.parse(made.expiresAt));
    const [status, code] = await use(await link({ expiresInS: 1 }).then(async (url) => (await wait(1_200), url)));
    expect([status, code]).toEqual([401, 'token_expired']);
  });

  test.each<[string, (url: URL) => void]>([
    ['a later end', (url) => url.searchParams.set('exp', String(Number(url.searchParams.get('exp')) + 60))],
    ['no end', (url) => url.searchParams.set('exp', 'never')],
    ['an end written otherwise', (url) => url.searchParams.set('exp', `0${url.searchParams.get('exp') ?? ''}`)],
    ['another width', (url) => url.searchParams.set('width', '640')],
    ['another view', (url) => url.searchParams.set('preset', '1')],
    ['another maker', (url) => url.searchParams.set('by', 'key:0123456789')],
    ['nobody as its maker', (url) => url.searchParams.set('by', 'anonymous')],
    ['another key', (url) => url.searchParams.set('kid', 'other')],
    ['another signature', (url) => url.searchParams.set('sig', 'A'.repeat(43))],
    ['a signature cut short', (url) => url.searchParams.set('sig', (url.searchParams.get('sig') ?? '').slice(0, 20))],
    ['no signature', (url) => url.searchParams.delete('sig')],
    ['no maker', (url) => url.searchParams.delete('by')],
    [
      'another camera',
      (url) => (url.pathname = url.pathname.replace(cameraId, '019ac8f2-6d1b-7a55-9d0e-3f2b8c4d5e6f')),
    ],
  ])('are none with %s', async (_, change) => {
    const url = await link();
    expect(await use(url)).toEqual([200, null]);
    change(url);
    expect(await use(url)).toEqual([401, 'unauthenticated']);
  });

  test('are made by those alone who may see the camera, for an hour at most', async () => {
    const stranger = await mint(['probes:run']);
    const statuses = [
      await askForLink({}, null),
      await askForLink({}, stranger.key),
      await askForLink({}, viewer.key, '019ac8f2-6d1b-7a55-9d0e-3f2b8c4d5e6f'),
      await askForLink({ expiresInS: 3_601 }),
      await askForLink({ expiresInS: 0 }),
      await askForLink({ width: 500 }),
      await askForLink({ camera: 'x' }),
      await askForLink({ expiresInS: 3_600, width: 1_280 }),
    ].map(({ status }) => status);
    expect(statuses).toEqual([401, 403, 404, 400, 400, 400, 400, 200]);
  });

  test('AUD-1: stand in the audit, each with what it shows and until when, and without what makes it a link', async () => {
    const maker = await mint(['cameras:read', 'frames:read']);
    const made: { readonly url: string; readonly expiresAt: string }[] = [];
    for (const body of [{ width: 160, expiresInS: 600 }, {}]) {
      const response = await askForLink(body, maker.key);
      made.push((await response.json()) as (typeof made)[number]);
    }
    await askForLink({ width: 500 }, maker.key);
    await askForLink({}, maker.key, '019ac8f2-6d1b-7a55-9d0e-3f2b8c4d5e6f');
    const principal = `key:${maker.key.split('_')[1] ?? ''}`;
    const audit = await fetch(`${sightline.url}/v1/audit?action=picture.linked&principal=${principal}`, {
      headers: as(sightline.key),
    });
    const text = await audit.text();
    const { items } = JSON.parse(text) as { items: Record<string, unknown>[] };
    const entry = { authority: 'tainan-wrb', subject: { kind: 'camera', id: cameraId }, principal };
    expect(items).toMatchObject([
      { ...entry, after: { widthPx: 320, expiresAt: made[1]?.expiresAt }, address: '127.0.0.1' },
      { ...entry, after: { widthPx: 160, expiresAt: made[0]?.expiresAt }, address: '127.0.0.1' },
    ]);
    for (const { url } of made) expect(text).not.toContain(new URL(url).searchParams.get('sig') ?? 'sig');
  });

  test('end with the key of their maker, within five seconds', async () => {
    const leaving = await mint(['cameras:read', 'frames:read']);
    const url = await link({ expiresInS: 600 }, leaving.key);
    expect(await use(url)).toEqual([200, null]);
    const path = { id: leaving.id };
    await clientOf(sightline.url, sightline.key).DELETE('/v1/keys/{id}', { params: { path } });
    const until = Date.now() + 5_000;
    let now = await use(url);
    while (now[0] === 200 && Date.now() < until) now = await use(url);
    expect(now).toEqual([401, 'unauthenticated']);
  });

  test('show what their maker may see now, not what he could see then', async () => {
    const narrow = await mint(['cameras:read']);
    const url = await link({}, narrow.key);
    // Without frames:read he sees pictures as others do, and those of a restricted camera are withheld.
    expect(await use(url)).toEqual([404, 'no_frame']);
  });
});
