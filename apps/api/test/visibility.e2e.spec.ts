import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type Sightline, startSightline } from '#testing';
import { type ApiClient, clientOf } from './client.js';
import { addAuthority, addCamera, OPERATOR, registration } from './fixtures.js';

/**
 * VIS-1 (security.md): every operation × caller × access level. What a caller may not know is absent, and no canary of it stands in the bytes or
 * headers of any answer. A new operation without a row fails.
 */
const LEVELS = ['public', 'agency', 'restricted'] as const;
type Level = (typeof LEVELS)[number];
const CALLERS = ['anonymous', 'foreign', 'own viewer', 'own operator', 'administrator'] as const;
type Caller = (typeof CALLERS)[number];

/** Who knows a camera of each level. */
const KNOWS: Readonly<Record<Caller, readonly Level[]>> = {
  anonymous: ['public'],
  foreign: ['public', 'agency'],
  'own viewer': LEVELS,
  'own operator': LEVELS,
  administrator: LEVELS,
};

type Row = (id: string, camera: Canary) => readonly [method: string, path: string, body?: object];

/** How each operation is tried; `none` where it shows no camera. */
const ROWS: Readonly<Record<string, Row | 'none'>> = {
  findCameras: (_id, { localId }) => ['GET', `/v1/cameras?q=${localId}`],
  getCamera: (id) => ['GET', `/v1/cameras/${id}`],
  getCameraByLocalId: (_id, { localId }) => ['GET', `/v1/authorities/tainan-wrb/cameras/${localId}`],
  getCameraSight: (id) => ['GET', `/v1/cameras/${id}/sight?point=120.1234567,23.0791`],
  getCameraFootprint: (id) => ['GET', `/v1/cameras/${id}/footprint`],
  getCameraGeoPose: (id) => ['GET', `/v1/cameras/${id}/view.geopose`],
  getCameraFrustum: (id) => ['GET', `/v1/cameras/${id}/view.frustum`],
  getCameraHealth: (id) => ['GET', `/v1/cameras/${id}/health`],
  getCameraHealthHistory: (id) => ['GET', `/v1/cameras/${id}/health/history`],
  summarizeHealth: (_id, { localId }) => ['GET', `/v1/health/summary?by=city&q=${localId}`],
  getCameraThumbnail: (id) => ['GET', `/v1/cameras/${id}/thumbnail`],
  probeCamera: (id) => ['POST', `/v1/cameras/${id}/probe`],
  acceptReference: (id) => ['POST', `/v1/cameras/${id}/reference`],
  replaceCamera: (id) => ['PUT', `/v1/cameras/${id}`],
  patchCamera: (id) => ['PATCH', `/v1/cameras/${id}`],
  retireCamera: (id) => ['DELETE', `/v1/cameras/${id}`],
  showWall: (_id, { localId }) => ['GET', `/wall?q=${localId}`],
  showFirstPage: (_id, { localId }) => ['GET', `/?q=${localId}`],
  coverPoints: (_id, { sees: [lon, lat] }) => ['POST', '/v1/coverage/points', { points: [{ id: 'p', lon, lat }] }],
  coverArea: 'none',
  registerCamera: 'none',
  importCameras: 'none',
  listAuthorities: 'none',
  registerAuthority: 'none',
  getAuthority: 'none',
  replaceAuthority: 'none',
  patchAuthority: 'none',
  withdrawAuthority: 'none',
  importBuildings: 'none',
  listBuildings: 'none',
  getBuildings: 'none',
  deleteBuildings: 'none',
  importTerrain: 'none',
  listTerrain: 'none',
  getTerrain: 'none',
  deleteTerrain: 'none',
  // A stream that never ends: events.e2e.spec.ts says who is told what.
  streamEvents: 'none',
  makeWebhook: 'none',
  listWebhooks: 'none',
  getWebhook: 'none',
  patchWebhook: 'none',
  deleteWebhook: 'none',
  rotateWebhookSecret: 'none',
  pingWebhook: 'none',
  listWebhookDeliveries: 'none',
  replayWebhookDelivery: 'none',
  mintKey: 'none',
  listKeys: 'none',
  getKey: 'none',
  revokeKey: 'none',
  getGeometry: 'none',
  rebuildGeometry: 'none',
  explainProblem: 'none',
  isAlive: 'none',
  isReady: 'none',
  getMetrics: 'none',
};

/** Other ways by which an operation may tell of a camera. */
const MORE_ROWS: Readonly<Record<string, Row>> = {
  'findCameras by what they see': (_id, { sees }) => ['GET', `/v1/cameras?sees=${sees.join(',')}&include=footprint`],
  'findCameras by footprint': (_id, { sees }) => ['GET', `/v1/cameras?footprint=POINT(${sees.join(' ')})`],
};

interface Canary {
  readonly level: Level;
  readonly localId: string;
  readonly id: string;
  /** A place that it sees. */
  readonly sees: readonly [lon: number, lat: number];
  /** Stand in what everybody who knows the camera reads. */
  readonly shared: readonly string[];
  /** Stand in what only its authority reads. */
  readonly own: readonly string[];
}

let sightline: Sightline;
const keys = new Map<Caller, string | undefined>();
const canaries: Canary[] = [];

beforeAll(async () => {
  sightline = await startSightline();
  const admin = clientOf(sightline.url, sightline.key);
  await addAuthority(admin, 'tainan-wrb');
  await addAuthority(admin, 'other');
  const mint = async (authority: string, scopes: typeof OPERATOR): Promise<string> => {
    const body = { name: 'visibility', scopes, authorities: [authority] };
    return (await admin.POST('/v1/keys', { body })).data?.key ?? '';
  };
  keys.set('anonymous', undefined);
  keys.set('foreign', await mint('other', OPERATOR));
  keys.set('own viewer', await mint('tainan-wrb', ['cameras:read', 'frames:read']));
  keys.set('own operator', await mint('tainan-wrb', OPERATOR));
  keys.set('administrator', sightline.key);
  for (const level of LEVELS) canaries.push(await addCanary(admin, level));
});
afterAll(() => sightline.close());

async function addCanary(admin: ApiClient, level: Level): Promise<Canary> {
  const localId = `zq${level}`;
  const lat = { public: 23.0791111, agency: 23.0792222, restricted: 23.0793333 }[level];
  const { id } = await addCamera(
    admin,
    registration({
      localId,
      name: `Canary ${level} kv7`,
      location: { type: 'Point', coordinates: [120.1234567, lat] },
      access: {
        level,
        privacyMasks: [
          {
            points: [
              [0, 0],
              [0.123123, 0],
              [0.1, 0.1],
            ],
          },
        ],
      },
      device: { serialNumber: `SERIAL${level}` },
      properties: { secretNote: `note-${level}-x9` },
      services: [
        {
          kind: 'mjpeg',
          url: `http://127.0.0.1:8080/path-${level}-w3`,
          credentials: { username: `user-${level}`, password: `pass-${level}-p4` },
        },
      ],
      lifecycle: 'active',
      heightM: 6,
      view: { azimuthDeg: 0, tiltDeg: -20, hfovDeg: 60, vfovDeg: 34, farM: 100, imageWidthPx: 1_920 },
    }),
  );
  return {
    level,
    localId,
    id,
    sees: [120.1234567, lat + 0.0002],
    shared: [`Canary ${level} kv7`, String(lat), id],
    own: [`SERIAL${level}`, `note-${level}-x9`, `path-${level}-w3`, '0.123123'],
  };
}

async function ask(
  method: string,
  path: string,
  key: string | undefined,
  body?: object,
): Promise<{ status: number; text: string }> {
  const response = await fetch(`${sightline.url}${path}`, {
    method,
    headers: {
      ...(key === undefined ? {} : { authorization: `Bearer ${key}` }),
      ...(method === 'PUT' || body !== undefined ? { 'content-type': 'application/json' } : {}),
      ...(method === 'PATCH' ? { 'content-type': 'application/merge-patch+json' } : {}),
    },
    // A body that is wrong, and no If-Match: nothing is ever changed here.
    ...(method === 'PUT' || method === 'PATCH' ? { body: '{}' } : {}),
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const headers = [...response.headers].map(([name, value]) => `${name}: ${value}`).join('\n');
  return { status: response.status, text: `${headers}\n\n${await response.text()}` };
}

const operations = (): string[] => {
  const document = JSON.parse(readFileSync(new URL('../../../openapi.json', import.meta.url), 'utf8')) as {
    paths: Record<string, Record<string, { operationId: string; 'x-permission': string }>>;
  };
  return Object.values(document.paths).flatMap((path) => Object.values(path).map(({ operationId }) => operationId));
};

describe('visibility', () => {
  test('every operation has a row, and every row an operation', () => {
    expect(Object.keys(ROWS).sort()).toEqual(operations().sort());
  });

  const tried = [...Object.entries(ROWS), ...Object.entries(MORE_ROWS)].flatMap(([operation, row]) =>
    row === 'none' ? [] : [{ operation, row }],
  );
  test.each(tried)(
    '$operation',
    async ({ row }) => {
      for (const caller of CALLERS) {
        for (const canary of canaries) {
          const [method, path, body] = row(canary.id, canary);
          const { status, text } = await ask(method, path, keys.get(caller), body);
          const where = `${caller}, ${canary.level}, ${method} ${path}: ${status}`;
          // What the caller wrote himself comes back in `self`, `detail` and links; the canaries are what he did not write.
          const told = (word: string): boolean => !path.includes(word) && text.includes(word);
          const isKnown = KNOWS[caller].includes(canary.level);
          const isOwn = caller.startsWith('own') || caller === 'administrator';
          if (!isKnown) {
            expect([where, canary.shared.filter(told)]).toEqual([where, []]);
            if (path.includes(canary.id) && method === 'GET') expect(where).toContain(': 404');
          }
          if (!isOwn) expect([where, canary.own.filter(told)]).toEqual([where, []]);
          expect([where, text.includes(`pass-${canary.level}-p4`) || text.includes(`user-${canary.level}`)]).toEqual([
            where,
            false,
          ]);
          expect(status).toBeLessThan(500);
          if (isKnown && method === 'GET' && !path.includes('thumbnail')) expect(where).toContain(': 200');
        }
      }
    },
    120_000,
  );

  test('no share of an area tells of a camera that the caller may not know', async () => {
    for (const caller of CALLERS) {
      for (const {
        level,
        sees: [lon, lat],
      } of canaries) {
        // Ten metres, which the other cameras do not show.
        const ring = [-0.00005, 0.00005].flatMap((dLat) => [-1, 1].map((side) => [lon - side * dLat, lat + dLat]));
        const area = { type: 'Polygon', coordinates: [[...ring, ring[0]]] };
        const { text } = await ask('POST', '/v1/coverage', keys.get(caller), { area, filter: { q: `zq${level}` } });
        const body = JSON.parse(text.slice(text.indexOf('{"'))) as { cameras: number; coveredFraction: number };
        const known = KNOWS[caller].includes(level);
        expect([caller, level, body.cameras, body.coveredFraction]).toEqual([
          caller,
          level,
          known ? 1 : 0,
          known ? 1 : 0,
        ]);
      }
    }
  });

  test('no count tells of a camera that the caller may not know', async () => {
    for (const caller of CALLERS) {
      for (const { level, localId } of canaries) {
        const { text } = await ask('GET', `/v1/health/summary?q=${localId}`, keys.get(caller));
        const body = JSON.parse(text.slice(text.indexOf('{"'))) as { total: { cameras: number } };
        expect([caller, level, body.total.cameras]).toEqual([caller, level, KNOWS[caller].includes(level) ? 1 : 0]);
      }
    }
  });

  test('only its own authority reads addresses, serial numbers, masks and the agency’s own members', async () => {
    for (const [caller, key] of keys) {
      const { text } = await ask('GET', `/v1/cameras/${canaries[0]?.id}`, key);
      const isOwn = caller.startsWith('own') || caller === 'administrator';
      expect([caller, canaries[0]?.own.map((word) => text.includes(word))]).toEqual([
        caller,
        [isOwn, isOwn, isOwn, isOwn],
      ]);
    }
  });

  test('a stricter floor hides an authority’s cameras at once', async () => {
    const admin = clientOf(sightline.url, sightline.key);
    const patch = (accessFloor: string) =>
      admin.PATCH('/v1/authorities/{slug}', {
        params: { path: { slug: 'tainan-wrb' }, header: { 'If-Match': '*' } },
        body: { accessFloor } as never,
        headers: { 'content-type': 'application/merge-patch+json' },
      });
    const id = canaries[0]?.id;
    expect((await ask('GET', `/v1/cameras/${id}`, undefined)).status).toBe(200);
    expect((await patch('restricted')).response.status).toBe(200);
    expect((await ask('GET', `/v1/cameras/${id}`, undefined)).status).toBe(404);
    expect((await ask('GET', `/v1/cameras/${id}`, keys.get('own viewer'))).status).toBe(200);
    expect((await patch('public')).response.status).toBe(200);
    expect((await ask('GET', `/v1/cameras/${id}`, undefined)).status).toBe(200);
  });

  test('nothing of a secret stands in the logs', () => {
    const logs = sightline.program().stdout() + sightline.program().stderr();
    for (const { level } of canaries) expect(logs).not.toContain(`pass-${level}-p4`);
    expect(logs).not.toContain(sightline.key);
  });
});
