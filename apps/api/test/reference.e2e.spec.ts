import { randomUUID } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import sharp from 'sharp';
import { FLAGS } from '#catalog';
import { type Sightline, startSightline } from '#testing';
import { type ApiClient, clientOf, dataOf, type Schemas } from './client.js';
import { addAuthority, addCamera, clientWith, OPERATOR, registration } from './fixtures.js';

let sightline: Sightline;
let admin: ApiClient;
let operator: ApiClient;
let foreign: ApiClient;
let viewer: ApiClient;
let device: Server;
let port: number;
/** What the device shows: how large the houses in its view are, and black where it is 0. */
let view: number;
let isOn: boolean;

/** A picture of some houses with a sensor's noise, each another one. */
function picture(): Promise<Buffer> {
  const pixels = Buffer.alloc(320 * 180);
  for (let at = 0; at < pixels.length; at += 1) {
    const [x, y] = [at % 320, Math.floor(at / 320)];
    const place = Math.floor(x / (17 + 9 * view)) + 7 * Math.floor(y / (13 + 7 * view));
    const house = Math.imul(place + view * 131, 0x9e3779b1) >>> 24;
    pixels[at] = view === 0 ? 4 : 30 + house * 0.7 + Math.random() * 28;
  }
  return sharp(pixels, { raw: { width: 320, height: 180, channels: 1 } })
    .jpeg({ quality: 80 })
    .toBuffer();
}

beforeAll(async () => {
  device = createServer((_request, response) => {
    if (!isOn) return void response.destroy();
    void picture().then((jpeg) => response.writeHead(200, { 'content-type': 'image/jpeg' }).end(jpeg));
  });
  await new Promise<void>((resolve) => device.listen(0, '127.0.0.1', resolve));
  port = (device.address() as AddressInfo).port;
  sightline = await startSightline();
  admin = clientOf(sightline.url, sightline.key);
  const network = { cidrs: ['127.0.0.0/8'], ports: [port] };
  await addAuthority(admin, 'tainan-wrb', { network, probing: { intervalS: 5, minIntervalS: 5 } });
  await addAuthority(admin, 'other');
  operator = await clientWith(sightline, ['tainan-wrb'], OPERATOR);
  foreign = await clientWith(sightline, ['other'], OPERATOR);
  viewer = await clientWith(sightline, ['tainan-wrb'], ['cameras:read', 'frames:read']);
});
afterAll(async () => {
  await sightline.close();
  device.closeAllConnections();
  await new Promise((resolve) => device.close(resolve));
});
beforeEach(() => {
  view = 1;
  isOn = true;
});

const camera = async (over: Partial<Schemas['CameraRegistration']> = {}): Promise<string> => {
  const services = [{ kind: 'snapshot' as const, url: `http://127.0.0.1:${port}/${randomUUID()}.jpg` }];
  const { id } = await addCamera(
    operator,
    registration({ localId: randomUUID(), services, lifecycle: 'active', ...over }),
  );
  return id;
};

const healthOf = async (id: string): Promise<Schemas['Health']> =>
  dataOf(await operator.GET('/v1/cameras/{id}/health', { params: { path: { id } } }));

async function until(id: string, isSo: (health: Schemas['Health']) => boolean): Promise<Schemas['Health']> {
  for (let tries = 0; tries < 400; tries += 1) {
    const health = await healthOf(id);
    if (isSo(health)) return health;
    await wait(100);
  }
  throw new Error(`still ${JSON.stringify(await healthOf(id))}`);
}

const accept = (client: ApiClient, id: string, key?: string) =>
  client.POST('/v1/cameras/{id}/reference', {
    params: { path: { id }, ...(key === undefined ? {} : { header: { 'Idempotency-Key': key } }) },
  });

const codeOf = ({ error }: { readonly error?: unknown }): unknown => (error as { readonly code?: string }).code;

describe('every flag is shown with its evidence', () => {
  test('from the first probe on, to everybody who sees the camera', async () => {
    const id = await camera();
    expect((await healthOf(id)).flags.length === 0 || (await healthOf(id)).lastOutcome === 'ok').toBe(true);
    await until(id, ({ lastOutcome }) => lastOutcome === 'ok');
    for (const client of [operator, viewer, clientOf(sightline.url)]) {
      const { flags } = dataOf(await client.GET('/v1/cameras/{id}/health', { params: { path: { id } } }));
      expect(flags.map(({ flag }) => flag)).toEqual(FLAGS);
      expect(flags.filter(({ state }) => state === 'fault')).toEqual([]);
      for (const { state, since, evidence } of flags) {
        expect(['fine', 'not_checkable']).toContain(state);
        expect(Date.parse(since ?? '')).toBeGreaterThan(Date.now() - 60_000);
        expect(evidence.says.length).toBeGreaterThan(10);
      }
      const black = flags.find(({ flag }) => flag === 'black');
      expect(black).toMatchObject({ state: 'fine', evidence: { threshold: { mean: 16, darkShare: 0.98 } } });
      expect(black?.evidence.measured?.mean).toBeGreaterThan(60);
    }
  });
});

describe('accepting the present view', () => {
  test('makes it the reference: the first good picture was one by itself until then', async () => {
    const id = await camera();
    const { capturedAt } = await until(id, ({ capturedAt: at }) => at !== undefined);
    // By itself, as soon as a second picture can be compared with the first.
    await until(id, ({ flags }) => flags.find(({ flag }) => flag === 'moved')?.state === 'fine');
    view = 2;
    // One look at the new view is enough to doubt: not yet to raise the flag.
    const doubted = await until(
      id,
      ({ flags }) => (flags.find(({ flag }) => flag === 'moved')?.evidence.measured?.likeness ?? 1) < 0.16,
    );
    expect(doubted.capturedAt).not.toBe(capturedAt);
    const key = randomUUID();
    const first = await accept(operator, id, key);
    expect(first.response.status).toBe(200);
    const reference = dataOf(first);
    expect(reference).toMatchObject({ source: 'operator', acceptedBy: expect.stringMatching(/^key:/) });
    expect(Math.abs(Date.parse(reference.acceptedAt) - Date.now())).toBeLessThan(10_000);
    expect(Date.parse(reference.capturedAt)).toBeLessThanOrEqual(Date.parse(reference.acceptedAt));
    const again = await accept(operator, id, key);
    expect(again.response.headers.get('idempotent-replayed')).toBe('true');
    expect(dataOf(again)).toEqual(reference);
    // Compared with the accepted view, the camera looks where it should.
    await until(id, ({ flags }) => {
      const moved = flags.find(({ flag }) => flag === 'moved');
      return moved?.state === 'fine' && (moved.evidence.measured?.likeness ?? 0) > 0.3;
    });
  });

  test('is the operator’s: others may not, and may not know', async () => {
    const id = await camera({ access: { level: 'restricted' } });
    await until(id, ({ capturedAt }) => capturedAt !== undefined);
    const open = await camera();
    expect((await accept(clientOf(sightline.url), open)).response.status).toBe(401);
    expect((await accept(viewer, open)).response.status).toBe(403);
    expect((await accept(foreign, open)).response.status).toBe(403);
    expect((await accept(foreign, id)).response.status).toBe(404);
    expect((await accept(operator, randomUUID())).response.status).toBe(404);
    expect((await accept(admin, id)).response.status).toBe(200);
  });

  test('wants a picture of now', async () => {
    isOn = false;
    const id = await camera();
    const none = await accept(operator, id);
    expect([none.response.status, codeOf(none)]).toEqual([409, 'no_fresh_picture']);
    isOn = true;
    await until(id, ({ capturedAt }) => capturedAt !== undefined);
    expect((await accept(operator, id)).response.status).toBe(200);
    // Another view is registered: the picture that is there may show the old one.
    const found = await operator.GET('/v1/cameras/{id}', { params: { path: { id } } });
    isOn = false;
    const patched = await fetch(`${sightline.url}/v1/cameras/${id}`, {
      method: 'PATCH',
      headers: {
        authorization: `Bearer ${sightline.key}`,
        'content-type': 'application/merge-patch+json',
        'if-match': found.response.headers.get('etag') ?? '',
      },
      body: JSON.stringify({ view: { azimuthDeg: 90 } }),
    });
    expect(patched.status).toBe(200);
    const older = await accept(operator, id);
    expect([older.response.status, codeOf(older)]).toEqual([409, 'no_fresh_picture']);
  });

  test('wants a picture that others can be compared with', async () => {
    const turning = await camera({ mobility: 'ptz' });
    const health = await until(turning, ({ capturedAt }) => capturedAt !== undefined);
    expect(health.flags.find(({ flag }) => flag === 'moved')).toMatchObject({
      state: 'not_checkable',
      evidence: { says: 'the camera turns, so its pictures are not compared with a reference' },
    });
    const refused = await accept(operator, turning);
    expect([refused.response.status, codeOf(refused)]).toEqual([409, 'not_comparable']);
    view = 0;
    const black = await camera();
    await until(black, ({ capturedAt }) => capturedAt !== undefined);
    const nothing = await accept(operator, black);
    expect([nothing.response.status, codeOf(nothing)]).toEqual([409, 'not_comparable']);
  });
});
