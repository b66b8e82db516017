import { setTimeout as wait } from 'node:timers/promises';
import { once } from 'node:events';
import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { describeOnServer, type Sightline, startSightline } from '#testing';
import { type ApiClient, clientOf, dataOf } from './client.js';
import { addAuthority, addCamera, clientWith, OPERATOR, registration } from './fixtures.js';

let sightline: Sightline;
let admin: ApiClient;
let operator: ApiClient;
let anybody: ApiClient;

beforeAll(async () => {
  sightline = await startSightline();
  admin = clientOf(sightline.url, sightline.key);
  anybody = clientOf(sightline.url);
  await addAuthority(admin, 'tainan-wrb');
  await addAuthority(admin, 'other');
  operator = await clientWith(sightline, ['tainan-wrb'], OPERATOR);
});
afterAll(() => sightline.close());

const path = (id: string) => ({ params: { path: { id } } });
const change = (id: string, etag: string) => ({ params: { path: { id }, header: { 'If-Match': etag } } });

describe('registering', () => {
  test('the least registration is answered with what a view still needs', async () => {
    const answer = await operator.POST('/v1/cameras', { body: registration({ localId: 'least' }) });
    const camera = dataOf(answer);
    expect(answer.response.status).toBe(201);
    expect(answer.response.headers.get('location')).toBe(`${sightline.url}/v1/cameras/${camera.id}`);
    expect(camera).toMatchObject({
      version: 1,
      uid: 'urn:sightline:camera:tainan-wrb:least',
      completeness: 'point',
      missing: ['/view/azimuthDeg', '/view/hfovDeg', '/view/farM', '/view/tiltDeg', '/heightM', '/view/vfovDeg'],
      access: { level: 'public' },
      health: { status: 'disabled' },
    });
    expect(camera.id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7/);
    const read = await anybody.GET('/v1/cameras/{id}', path(camera.id));
    expect(dataOf(read).name).toBe('Camera least');
  });

  test('the same localId twice is a 409 that leads to the first', async () => {
    const first = await addCamera(operator, registration({ localId: 'twice' }));
    const { error, response } = await operator.POST('/v1/cameras', { body: registration({ localId: 'twice' }) });
    expect(response.status).toBe(409);
    expect(error).toMatchObject({
      code: 'already_registered',
      existing: `${sightline.url}/v1/cameras/${first.id}`,
    });
  });

  test('every fault of a document is told at once, with its place', async () => {
    const wrong = {
      ...registration({ localId: 'wrong' }),
      location: { type: 'Point', coordinates: [23.07, 120.29] },
      heightM: 0,
      view: { azimuthDeg: 360, tiltDeg: 'down' },
      unknownMember: 1,
      id: '019ac8f2-6d1b-7a55-9d0e-3f2b8c4d5e6f',
    };
    const made = await operator.POST('/v1/cameras', { body: wrong as never });
    expect(made.error).toMatchObject({ code: 'validation_failed', errors: [{ pointer: '/id', code: 'read_only' }] });
    const { id: _id, ...rest } = wrong;
    const { error } = await operator.POST('/v1/cameras', { body: rest as never });
    const found = (error as { errors: { pointer: string; code: string }[] }).errors.map(({ pointer, code }) => [
      pointer,
      code,
    ]);
    expect(found).toEqual(
      expect.arrayContaining([
        ['/location/coordinates', 'position_out_of_range'],
        ['/heightM', 'range'],
        ['/view/azimuthDeg', 'range'],
        ['/view/tiltDeg', 'type'],
        ['/unknownMember', 'unknown_member'],
      ]),
    );
  });

  test('SSRF-6: a literal address that is never dialled is refused before anything is kept', async () => {
    for (const url of [
      'http://169.254.169.254/latest',
      'http://[::ffff:169.254.1.1]/',
      'http://10.1.2.3/',
      'http://127.0.0.1:22/',
    ]) {
      const body = registration({ localId: `ssrf ${url}`, services: [{ kind: 'snapshot', url }] });
      const { error, response } = await operator.POST('/v1/cameras', { body });
      expect([url, response.status, error?.code]).toEqual([url, 422, 'target_not_allowed']);
    }
  });

  test('one Idempotency-Key makes one camera, however often it is sent', async () => {
    const body = registration({ localId: 'idempotent' });
    const send = () => operator.POST('/v1/cameras', { body, params: { header: { 'Idempotency-Key': 'k-1' } } });
    const answers = await Promise.all(Array.from({ length: 20 }, send));
    const statuses = answers.map(({ response }) => response.status);
    expect(statuses.filter((status) => status !== 201 && status !== 409)).toEqual([]);
    const made = answers.flatMap(({ data }) => (data === undefined ? [] : [data.id]));
    expect(new Set(made).size).toBe(1);
    const replay = await send();
    expect(replay.response.headers.get('idempotent-replayed')).toBe('true');
    expect(replay.data?.id).toBe(made[0]);
    const other = await operator.POST('/v1/cameras', {
      body: registration({ localId: 'another' }),
      params: { header: { 'Idempotency-Key': 'k-1' } },
    });
    expect(other.error).toMatchObject({ code: 'idempotency_key_reused', status: 422 });
  });
});

describe('changing', () => {
  test('AUTHZ-3: two changes for one version: one wins, the other is told so', async () => {
    const camera = await addCamera(operator, registration({ localId: 'race' }));
    const read = await operator.GET('/v1/cameras/{id}', path(camera.id));
    const etag = read.response.headers.get('etag') ?? '';
    const patch = (name: string) =>
      operator.PATCH('/v1/cameras/{id}', {
        ...change(camera.id, etag),
        body: { name } as never,
        headers: { 'content-type': 'application/merge-patch+json' },
      });
    const answers = await Promise.all([patch('A'), patch('B')]);
    const statuses = answers.map(({ response }) => response.status).sort();
    expect(statuses).toEqual([200, 412]);
    const stale = answers.find(({ response }) => response.status === 412);
    expect(stale?.response.headers.get('etag')).toBe('"2"');
  });

  test('without If-Match nothing changes; a weak tag never matches; * does', async () => {
    const camera = await addCamera(operator, registration({ localId: 'match' }));
    const send = (ifMatch?: string) =>
      fetch(`${sightline.url}/v1/cameras/${camera.id}`, {
        method: 'PATCH',
        headers: {
          authorization: `Bearer ${sightline.key}`,
          'content-type': 'application/merge-patch+json',
          ...(ifMatch === undefined ? {} : { 'if-match': ifMatch }),
        },
        body: JSON.stringify({ description: `changed by ${ifMatch}` }),
      });
    expect((await send()).status).toBe(428);
    expect((await send('W/"1.abc"')).status).toBe(412);
    expect((await send('"9.abc"')).status).toBe(412);
    expect((await send('*')).status).toBe(200);
    expect((await send('"7", "2"')).status).toBe(200);
  });

  test('a GET body may be sent back and changes nothing; another version in it is refused', async () => {
    const camera = await addCamera(operator, registration({ localId: 'back', tags: ['a'] }));
    const read = dataOf(await operator.GET('/v1/cameras/{id}', path(camera.id)));
    const put = (body: object) => operator.PUT('/v1/cameras/{id}', { ...change(camera.id, '*'), body: body as never });
    expect(dataOf(await put(read)).version).toBe(1);
    expect((await put({ ...read, version: 7 })).error).toMatchObject({ code: 'validation_failed' });
    const changed = dataOf(await put({ ...read, name: 'Another name' }));
    expect(changed).toMatchObject({ version: 2, name: 'Another name' });
  });

  test('merge patch: null removes, objects merge, lists are replaced', async () => {
    const camera = await addCamera(
      operator,
      registration({ localId: 'merge', tags: ['a', 'b'], view: { azimuthDeg: 10, tiltDeg: -5 }, basin: 'Yanshuei' }),
    );
    const patched = await operator.PATCH('/v1/cameras/{id}', {
      ...change(camera.id, '*'),
      body: { basin: null, tags: ['c'], view: { azimuthDeg: 20, tiltDeg: null } } as never,
      headers: { 'content-type': 'application/merge-patch+json' },
    });
    const after = dataOf(patched);
    expect(after.basin).toBeUndefined();
    expect(after.tags).toEqual(['c']);
    expect(after.view).toEqual({ azimuthDeg: 20 });
    expect(after.completeness).toBe('direction');
  });

  test('CRED-1, CRED-4: credentials are kept, never returned, and gone when host or agency change', async () => {
    const services = [
      {
        kind: 'mjpeg' as const,
        url: 'http://127.0.0.1:8080/a',
        credentials: { username: 'viewer', password: 'pa$$ "canary"' },
      },
    ];
    const camera = await addCamera(operator, registration({ localId: 'secret', services }));
    const text = JSON.stringify(camera);
    expect(text).not.toContain('canary');
    expect(text).not.toContain('viewer');
    expect(camera.services[0]?.credentials).toMatchObject({ set: true });
    const stranger = dataOf(await anybody.GET('/v1/cameras/{id}', path(camera.id)));
    expect(stranger.services).toEqual([{ kind: 'mjpeg' }]);
    const put = async (url: string) =>
      dataOf(
        await operator.PUT('/v1/cameras/{id}', {
          ...change(camera.id, '*'),
          body: registration({ localId: 'secret', services: [{ kind: 'mjpeg', url }] }),
        }),
      );
    expect((await put('http://127.0.0.1:8080/b')).services[0]?.credentials).toMatchObject({ set: true });
    expect((await put('http://127.0.0.2:8080/b')).services[0]?.credentials).toBeUndefined();
  });

  test('lifecycles follow their table; retiring destroys, and only an administrator revives', async () => {
    const camera = await addCamera(operator, registration({ localId: 'life', lifecycle: 'planned' }));
    const patch = (client: ApiClient, body: object) =>
      client.PATCH('/v1/cameras/{id}', {
        ...change(camera.id, '*'),
        body: body as never,
        headers: { 'content-type': 'application/merge-patch+json' },
      });
    expect((await patch(operator, { lifecycle: 'maintenance' })).error).toMatchObject({
      errors: [{ pointer: '/lifecycle', code: 'conflict' }],
    });
    expect((await patch(operator, { lifecycle: 'active' })).response.status).toBe(200);
    const retired = await operator.DELETE('/v1/cameras/{id}', change(camera.id, '*'));
    expect(retired.response.status).toBe(204);
    expect(dataOf(await anybody.GET('/v1/cameras/{id}', path(camera.id))).lifecycle).toBe('retired');
    const again = await operator.POST('/v1/cameras', { body: registration({ localId: 'life' }) });
    expect(again.error).toMatchObject({ code: 'retired_exists', existing: `${sightline.url}/v1/cameras/${camera.id}` });
    expect((await patch(operator, { lifecycle: 'active' })).response.status).toBe(403);
    expect((await patch(admin, { lifecycle: 'active' })).response.status).toBe(200);
  });

  test('AUTHZ-5: another agency’s camera may be read, not written; the words do not tell more', async () => {
    const foreign = await addCamera(admin, registration({ authority: 'other', localId: 'foreign' }));
    expect((await operator.DELETE('/v1/cameras/{id}', change(foreign.id, '*'))).response.status).toBe(403);
    const hidden = await addCamera(
      admin,
      registration({ authority: 'other', localId: 'hidden', access: { level: 'restricted' } }),
    );
    const random = '019ac8f2-6d1b-7a55-9d0e-3f2b8c4d5e6f';
    const [one, other] = await Promise.all(
      [hidden.id, random].map(async (id) => operator.GET('/v1/cameras/{id}', path(id))),
    );
    const without = (problem: object, id: string) => JSON.stringify({ ...problem, instance: '' }).replaceAll(id, 'ID');
    expect(one?.response.status).toBe(404);
    expect(without(one?.error as object, hidden.id)).toBe(without(other?.error as object, random));
    expect((await operator.DELETE('/v1/cameras/{id}', change(hidden.id, '*'))).response.status).toBe(404);
  });

  test('HEAD is where GET is, and a current copy is confirmed by 304', async () => {
    const camera = await addCamera(operator, registration({ localId: 'etag' }));
    const url = `${sightline.url}/v1/cameras/${camera.id}`;
    const first = await fetch(url);
    const etag = first.headers.get('etag') ?? '';
    const [again, head] = await Promise.all([
      fetch(url, { headers: { 'if-none-match': `"x", W/${etag}` } }),
      fetch(url, { method: 'HEAD' }),
    ]);
    expect([again.status, await again.text(), again.headers.get('etag')]).toEqual([304, '', etag]);
    expect([head.status, await head.text(), head.headers.get('etag')]).toEqual([200, '', etag]);
    const local = await fetch(`${sightline.url}/v1/authorities/tainan-wrb/cameras/etag`);
    expect(await local.json()).toEqual(await first.json());
  });
});

describe('lists', () => {
  test('pages meet every camera once, whoever writes meanwhile', async () => {
    const ids = new Set<string>();
    for (let i = 0; i < 40; i += 1)
      ids.add((await addCamera(operator, registration({ localId: `page ${i}`, tags: ['paged'] }))).id);
    const seen: string[] = [];
    let url: string | null = `${sightline.url}/v1/cameras?tag=paged&limit=7`;
    let extra = 0;
    while (url !== null) {
      const page = (await (await fetch(url)).json()) as {
        items: { id: string; tags: string[] }[];
        next: string | null;
      };
      seen.push(...page.items.map(({ id }) => id));
      extra += 1;
      await addCamera(operator, registration({ localId: `late ${extra}`, tags: ['late'] }));
      url = page.next;
    }
    expect(seen).toHaveLength(new Set(seen).size);
    expect(new Set(seen)).toEqual(ids);
  });

  test('authorities come in pages too, in the order of their slugs; their network is for their administrators', async () => {
    const slugs: string[] = [];
    for (let url: string | null = `${sightline.url}/v1/authorities?limit=1`; url !== null;) {
      const response = await fetch(url);
      const page = (await response.json()) as { items: { slug: string; network?: object }[]; next: string | null };
      expect(page.items.filter(({ network }) => network !== undefined)).toEqual([]);
      expect(response.headers.get('link')).toBe(page.next === null ? null : `<${page.next}>; rel="next"`);
      slugs.push(...page.items.map(({ slug }) => slug));
      url = page.next;
    }
    expect(slugs).toEqual(['other', 'tainan-wrb']);
    const networks = [operator, admin].map(async (client) => {
      const answer = await client.GET('/v1/authorities/{slug}', { params: { path: { slug: 'tainan-wrb' } } });
      return dataOf(answer).network?.cidrs;
    });
    expect(await Promise.all(networks)).toEqual([undefined, ['127.0.0.0/8']]);
  });

  test('a cursor of another list, a changed and an unknown one are refused', async () => {
    const { next } = (await (await fetch(`${sightline.url}/v1/cameras?limit=1`)).json()) as { next: string };
    const cursor = new URL(next).searchParams.get('cursor') ?? '';
    const status = async (query: string) => (await fetch(`${sightline.url}/v1/cameras?${query}`)).status;
    expect(await status(`limit=5&cursor=${cursor}`)).toBe(200);
    expect(await status(`tag=paged&cursor=${cursor}`)).toBe(400);
    expect(await status(`cursor=${cursor.slice(0, -2)}AA`)).toBe(400);
    expect(await status('cursor=nonsense')).toBe(400);
    expect(await status('limit=5000')).toBe(200);
    expect(await status('limit=0')).toBe(400);
  });

  test('the change feed has every change, retired cameras included, and goes on from resume', async () => {
    const since = new Date(Date.now() - 1_000).toISOString();
    const camera = await addCamera(operator, registration({ localId: 'feed' }));
    const read = async (url: string) =>
      (await (await fetch(url)).json()) as {
        items: { id: string; lifecycle: string }[];
        next: string | null;
        resume: string;
      };
    // A change is told of once every older transaction of the database is over; others' tests may have one open.
    const follow = async (url: string, lifecycle?: string): Promise<Awaited<ReturnType<typeof read>>> => {
      const page = await read(url);
      if (page.items.some(({ id, ...item }) => id === camera.id && (lifecycle ?? item.lifecycle) === item.lifecycle))
        return page;
      await wait(100);
      return follow(page.resume, lifecycle);
    };
    const first = await follow(`${sightline.url}/v1/cameras?updatedSince=${since}&limit=1000`);
    expect(first.resume).toContain('cursor=');
    const quiet = await read(first.resume);
    expect(quiet.items).toEqual([]);
    await operator.DELETE('/v1/cameras/{id}', change(camera.id, '*'));
    const later = await follow(quiet.resume, 'retired');
    expect(later.items).toEqual([expect.objectContaining({ id: camera.id, lifecycle: 'retired' })]);
  });

  test('fields, include and GeoJSON shape the answer', async () => {
    const get = async (query: string) =>
      (await (await fetch(`${sightline.url}/v1/cameras?tag=paged&limit=1&${query}`)).json()) as {
        items: Record<string, unknown>[];
        features: { id: string; geometry: object; properties: Record<string, unknown> }[];
      };
    const [item] = (await get('fields=name,location')).items;
    expect(Object.keys(item ?? {}).sort()).toEqual(['id', 'location', 'name']);
    expect((await get('include=health')).items[0]).toHaveProperty('health.status', 'disabled');
    const [feature] = (await get('f=geojson')).features;
    expect(feature).toMatchObject({ geometry: { type: 'Point', coordinates: [120.290608, 23.079451] } });
    expect(feature?.properties).toHaveProperty('authority', 'tainan-wrb');
    const geojson = await fetch(`${sightline.url}/v1/cameras`, { headers: { accept: 'application/geo+json' } });
    expect(geojson.headers.get('content-type')).toMatch(/^application\/geo\+json/);
    const xml = await fetch(`${sightline.url}/v1/cameras`, { headers: { accept: 'application/xml' } });
    expect(xml.status).toBe(406);
  });
});

describe('acknowledged writes', () => {
  test.each(['SIGKILL', 'SIGTERM'] as const)('are there after %s in the middle of writing', async (signal) => {
    const acknowledged: string[] = [];
    let failed = false;
    const writer = async (n: number): Promise<void> => {
      for (let i = 0; !failed; i += 1) {
        const localId = `${signal}-${n}-${i}`;
        try {
          const { data } = await operator.POST('/v1/cameras', { body: registration({ localId, tags: [signal] }) });
          if (data !== undefined) acknowledged.push(localId);
        } catch {
          failed = true;
        }
      }
    };
    const writers = [0, 1, 2, 3].map(writer);
    while (acknowledged.length < 30) await new Promise((resolve) => setTimeout(resolve, 20));
    const { ended } = sightline.program();
    const { hostname, port } = new URL(sightline.url);
    const silent = connect(Number(port), hostname).on('error', () => undefined);
    await once(silent, 'connect');
    const restarted = sightline.restart(signal);
    await Promise.all(writers);
    await restarted;
    // Told to end, it ends in order, whoever goes on asking or has not asked yet.
    expect(await ended).toBe(signal === 'SIGTERM' ? 0 : signal);
    silent.destroy();
    const found = new Set<string>();
    for (
      let url: string | null = `${sightline.url}/v1/cameras?tag=${signal}&limit=1000&fields=localId`;
      url !== null;
    ) {
      const page = (await (await fetch(url)).json()) as { items: { localId: string }[]; next: string | null };
      for (const { localId } of page.items) found.add(localId);
      url = page.next;
    }
    expect(acknowledged.filter((localId) => !found.has(localId))).toEqual([]);
  });
});

describeOnServer('on a server', () => {
  test('a database that goes and comes back is answered by 503, then by 200', async () => {
    const { database } = sightline;
    const client = await database?.another();
    await client?.query(
      `select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()`,
    );
    const statuses = await Promise.all(
      Array.from({ length: 20 }, async () => (await fetch(`${sightline.url}/v1/cameras?limit=1`)).status),
    );
    expect(statuses.filter((status) => status !== 200 && status !== 503)).toEqual([]);
    expect((await fetch(`${sightline.url}/v1/cameras?limit=1`)).status).toBe(200);
  });
});
