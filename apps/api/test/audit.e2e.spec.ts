import { createHash } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { canonicalJson, type ListedAuditEntry } from '#catalog';
import { type Sightline, startSightline } from '#testing';
import { open, scene } from '../../../libs/frames/test/made-pictures.js';
import { clientOf } from './client.js';
import { addAuthority, addCamera, OPERATOR, registration } from './fixtures.js';

interface Page {
  readonly items: readonly ListedAuditEntry[];
  readonly self: string;
  readonly next: string | null;
}

let sightline: Sightline;

const ask = (path: string, key: string | undefined, init: RequestInit = {}): Promise<Response> =>
  fetch(path.startsWith('http') ? path : `${sightline.url}${path}`, {
    ...init,
    headers: {
      ...(key === undefined ? {} : { authorization: `Bearer ${key}` }),
      ...(init.headers as Record<string, string> | undefined),
    },
  });

async function page(query = '', key = sightline.key): Promise<Page> {
  const response = await ask(query.startsWith('http') ? query : `/v1/audit?${query}`, key);
  expect([query, response.status]).toEqual([query, 200]);
  return (await response.json()) as Page;
}

/** Asks until the answer is as it is to be. */
async function soon<T>(look: () => Promise<T>, isThere: (found: T) => boolean, withinMs = 5_000): Promise<T> {
  for (const until = Date.now() + withinMs; ; await wait(100)) {
    const found = await look();
    if (isThere(found) || Date.now() > until) return found;
  }
}

async function mint(authorities: string[], scopes: readonly string[]): Promise<string> {
  const body = JSON.stringify({ name: 'audit', scopes, authorities });
  const headers = { 'content-type': 'application/json' };
  const response = await ask('/v1/keys', sightline.key, { method: 'POST', body, headers });
  return ((await response.json()) as { key: string }).key;
}

const actionsOf = ({ items }: Page): string[] => items.map(({ action }) => action).reverse();

beforeAll(async () => {
  sightline = await startSightline();
  const admin = clientOf(sightline.url, sightline.key);
  await addAuthority(admin, 'tainan-wrb');
  await addAuthority(admin, 'other');
});
afterAll(() => sightline.close());

describe('what is written (AUD-1)', () => {
  const json = { 'content-type': 'application/json' };

  test('a camera from its registration to its end, and a repeated request not again', async () => {
    const id = '6f1c9b3e-0000-4000-8000-000000000001';
    const register = (): Promise<Response> =>
      ask('/v1/cameras', sightline.key, {
        method: 'POST',
        headers: { ...json, 'idempotency-key': 'once', 'x-request-id': id },
        body: JSON.stringify(
          registration({
            localId: 'a1',
            services: [
              {
                kind: 'mjpeg',
                url: 'http://127.0.0.1:8080/p4th',
                credentials: { username: 'u5er', password: 'pa55' },
              },
            ],
          }),
        ),
      });
    const camera = (await (await register()).json()) as { id: string };
    expect((await register()).headers.get('idempotent-replayed')).toBe('true');
    const at = `/v1/cameras/${camera.id}`;
    const patch = { method: 'PATCH', headers: { 'content-type': 'application/merge-patch+json', 'if-match': '*' } };
    for (const body of [{ heightM: 6 }, { heightM: 6 }, { access: { level: 'restricted' } }]) {
      expect((await ask(at, sightline.key, { ...patch, body: JSON.stringify(body) })).status).toBe(200);
    }
    expect((await ask(at, sightline.key, { method: 'DELETE', headers: { 'if-match': '*' } })).status).toBe(204);
    const found = await page(`subject=${camera.id}`);
    expect(actionsOf(found).sort()).toEqual(
      [
        'camera.registered',
        'credentials.set',
        'camera.changed',
        'camera.access_changed',
        'camera.retired',
        'credentials.cleared',
      ].sort(),
    );
    const registered = found.items.find(({ action }) => action === 'camera.registered');
    expect(registered).toMatchObject({
      ...{ requestId: id, address: '127.0.0.1', authority: 'tainan-wrb', result: 'done' },
      principal: expect.stringMatching(/^key:/),
    });
    expect(found.items.find(({ action }) => action === 'camera.changed')).toMatchObject({
      before: {},
      after: { heightM: 6 },
    });
    expect(JSON.stringify(found)).not.toMatch(/u5er|pa55|p4th/);
  });

  test('an import, and each camera that it changed; the same file again and a dry run write the import alone', async () => {
    const features = ['i1', 'i2', 'i3'].map((id) => ({
      ...{ type: 'Feature', id, geometry: { type: 'Point', coordinates: [120.1, 23.1] } },
      properties: { name: id, url: `http://127.0.0.1:8080/${id}.jpg` },
    }));
    const run = (query: string): Promise<Response> =>
      ask(`/v1/imports?authority=other${query}`, sightline.key, {
        method: 'POST',
        headers: { 'content-type': 'application/geo+json' },
        body: JSON.stringify({ type: 'FeatureCollection', features }),
      });
    const count = async (): Promise<number[]> => {
      const { items } = await page('authority=other&limit=1000');
      return ['camera.registered', 'cameras.imported'].map(
        (one) => items.filter(({ action }) => action === one).length,
      );
    };
    await run('&dryRun=true');
    expect(await count()).toEqual([0, 1]);
    await run('');
    expect(await count()).toEqual([3, 2]);
    await run('');
    expect(await count()).toEqual([3, 3]);
    const { items } = await page('action=cameras.imported');
    expect(items.map(({ after }) => [after?.dryRun, (after?.totals as { created: number }).created])).toEqual([
      [false, 0],
      [false, 3],
      [true, 3],
    ]);
  });

  test('who was refused what he may not do, once a minute, and where wrong credentials came from', async () => {
    const viewer = await mint(['tainan-wrb'], ['cameras:read']);
    const body = { method: 'POST', headers: json, body: '{}' };
    for (let i = 0; i < 5; i += 1) expect((await ask('/v1/cameras', viewer, body)).status).toBe(403);
    const wrong = sightline.key.replace(/_.{3}/, '_aaa');
    expect((await ask('/v1/cameras', wrong)).status).toBe(401);
    // Without any credentials nobody has failed.
    expect((await ask('/v1/keys', undefined)).status).toBe(401);
    const refused = await soon(
      () => page('action=access.refused'),
      ({ items }) => items.length > 0,
    );
    const [entry, ...more] = refused.items;
    expect(more).toEqual([]);
    expect(entry).toMatchObject({
      ...{ authority: 'tainan-wrb', result: 'refused', subject: { kind: 'operation', id: 'POST /v1/cameras' } },
      reason: expect.stringMatching(/^forbidden: .*cameras:write/),
    });
    const signIns = await soon(
      () => page('action=sign_in.refused'),
      ({ items }) => items.length > 0,
    );
    expect(signIns.items).toEqual([
      expect.objectContaining({
        ...{ principal: 'anonymous', address: '127.0.0.1', subject: { kind: 'address', id: '127.0.0.1' } },
        reason: expect.stringMatching(/^unauthenticated/),
      }),
    ]);
    expect(JSON.stringify(signIns)).not.toContain(wrong);
  });

  test('what cannot be written takes the change back', async () => {
    if (sightline.database === null) return;
    const { db } = sightline.database;
    await db.query(`alter table audit_entry add constraint audit_entry_reason_check check (subject_id <> 'unwritten')`);
    const body = JSON.stringify({ slug: 'unwritten', name: 'Unwritten' });
    expect((await ask('/v1/authorities', sightline.key, { method: 'POST', headers: json, body })).status).toBe(500);
    await db.query('alter table audit_entry drop constraint audit_entry_reason_check');
    expect((await ask('/v1/authorities/unwritten', sightline.key)).status).toBe(404);
  });
});

describe('a restricted picture', () => {
  const device = createServer((_request, response) => {
    void open(scene(320, 180))
      .jpeg()
      .toBuffer()
      .then((jpeg) => response.writeHead(200, { 'content-type': 'image/jpeg' }).end(jpeg));
  });
  afterAll(() => {
    device.closeAllConnections();
    device.close();
  });

  test('is seen once an hour and principal, and an open one not at all (AUD-1)', async () => {
    await new Promise<void>((resolve) => device.listen(0, '127.0.0.1', resolve));
    const { port } = device.address() as AddressInfo;
    const admin = clientOf(sightline.url, sightline.key);
    await addAuthority(admin, 'watched', { network: { cidrs: ['127.0.0.0/8'], ports: [port] } });
    const viewer = await mint(['watched'], ['cameras:read', 'frames:read']);
    const add = async (localId: string, level: 'public' | 'restricted'): Promise<string> => {
      const services = [{ kind: 'snapshot' as const, url: `http://127.0.0.1:${port}/${localId}.jpg` }];
      const stated = { localId, authority: 'watched', services, lifecycle: 'active', access: { level } } as const;
      return (await addCamera(admin, registration(stated))).id;
    };
    const seen: Record<string, number> = {};
    for (const level of ['public', 'restricted'] as const) {
      const id = await add(level, level);
      const look = (key: string): Promise<Response> => ask(`/v1/cameras/${id}/thumbnail`, key);
      await soon(
        () => look(viewer),
        ({ status }) => status === 200,
        30_000,
      );
      for (const key of [viewer, viewer, sightline.key]) expect((await look(key)).status).toBe(200);
      const { items } = await page(`subject=${id}&action=picture.viewed`);
      expect(new Set(items.map(({ principal }) => principal)).size).toBe(items.length);
      seen[level] = items.length;
    }
    expect(seen).toEqual({ public: 0, restricted: 2 });
  }, 60_000);
});

describe('GET /v1/audit', () => {
  test('each reads the audit in which he may, and what is beyond authorities only who may in all (AUTHZ-5)', async () => {
    const [own, foreign, without] = await Promise.all([
      mint(['tainan-wrb'], ['audit:read']),
      mint(['other'], ['audit:read']),
      mint(['tainan-wrb'], OPERATOR),
    ]);
    expect((await ask('/v1/audit', undefined)).status).toBe(401);
    expect((await ask('/v1/audit', without)).status).toBe(403);
    expect((await ask('/v1/audit?authority=other', own)).status).toBe(403);
    for (const [key, slug] of [
      [own, 'tainan-wrb'],
      [foreign, 'other'],
    ] as const) {
      const { items } = await page('limit=1000', key);
      expect(items.length).toBeGreaterThan(0);
      expect(new Set(items.map(({ authority }) => authority))).toEqual(new Set([slug]));
    }
    const all = await page('limit=1000');
    expect(new Set(all.items.map(({ authority }) => authority)).has(null)).toBe(true);
  });

  test('reading it is an entry, once an hour', async () => {
    const key = await mint(['tainan-wrb'], ['audit:read']);
    const [, keyId] = key.split('_');
    for (let i = 0; i < 3; i += 1) await page('', key);
    const { items } = await page(`principal=key:${keyId}`);
    expect(items.map(({ action, authority, subject }) => [action, authority, subject])).toEqual([
      ['audit.read', 'tainan-wrb', { kind: 'audit', id: 'tainan-wrb' }],
    ]);
  });

  test('page by page, newest first, nothing twice and nothing left out', async () => {
    const whole = await page('limit=1000&authority=tainan-wrb');
    const ids: string[] = [];
    for (let next: string | null = 'limit=3&authority=tainan-wrb'; next !== null;) {
      const one: Page = await page(next);
      ids.push(...one.items.map(({ id }) => id));
      next = one.next;
    }
    expect(ids).toEqual(whole.items.map(({ id }) => id));
    const times = whole.items.map(({ at }) => at);
    expect(times).toEqual([...times].sort().reverse());
  });

  test('what selects, and what does not', async () => {
    const { items } = await page('action=camera.registered&action=camera.retired&limit=1000');
    expect(new Set(items.map(({ action }) => action))).toEqual(new Set(['camera.registered', 'camera.retired']));
    const middle = items[Math.floor(items.length / 2)]?.at ?? '';
    const before = await page(`to=${middle}&limit=1000`);
    expect(before.items.every(({ at }) => at < middle)).toBe(true);
    expect(
      (await page(`from=${middle}&action=camera.registered&limit=1000`)).items.every(({ at }) => at >= middle),
    ).toBe(true);
    for (const query of [
      'action=camera.eaten',
      'from=yesterday',
      'authority=NO',
      'colour=red',
      'limit=0',
      'subject=',
    ]) {
      const response = await ask(`/v1/audit?${query}`, sightline.key);
      expect([query, response.status]).toEqual([query, 400]);
    }
    const cursor = new URL((await page('limit=1')).next ?? '').searchParams.get('cursor') ?? '';
    const elsewhere = await ask(`/v1/audit?cursor=${cursor}&action=key.minted`, sightline.key);
    expect([elsewhere.status, ((await elsewhere.json()) as { code: string }).code]).toEqual([400, 'cursor_mismatch']);
  });

  test('within five seconds everything is sealed, and anybody can tell that it is whole (AUD-3)', async () => {
    const { items } = await soon(
      () => page('authority=tainan-wrb&limit=1000'),
      (found) => found.items.every(({ seal }) => seal !== null),
    );
    let prev = '0'.repeat(64);
    const chain = [...items].sort((a, b) => (a.seal?.seq ?? 0) - (b.seal?.seq ?? 0));
    for (const [i, { seal, ...entry }] of chain.entries()) {
      expect([seal?.chain, seal?.seq, seal?.prev]).toEqual(['tainan-wrb', i + 1, prev]);
      const sealed = { chain: seal?.chain, seq: seal?.seq, prev: seal?.prev, entry };
      expect(seal?.hash).toBe(createHash('sha256').update(canonicalJson(sealed)).digest('hex'));
      prev = seal?.hash ?? '';
    }
    const metrics = await (await ask('/metrics', undefined)).text();
    expect(metrics).toMatch(/^sightline_audit_unsealed_seconds [\d.]+$/m);
    expect(Number(/^sightline_audit_checkpoint_timestamp_seconds ([\d.]+)/m.exec(metrics)?.[1])).toBeGreaterThan(1e9);
  });
});
