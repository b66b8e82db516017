import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { Keyring } from '#access';
import { describeOnServer, randomFrom, type Sightline, startSightline } from '#testing';
import { type ApiClient, clientOf, dataOf } from './client.js';
import { EventClient } from './event-client.js';
import { addAuthority, addCamera, OPERATOR, type Registration, registration } from './fixtures.js';

let sightline: Sightline;
let admin: ApiClient;

beforeAll(async () => {
  sightline = await startSightline();
  admin = clientOf(sightline.url, sightline.key);
  await addAuthority(admin, 'tainan-wrb');
  await addAuthority(admin, 'other');
});
afterAll(() => sightline.close());

const listen = (query = '', options: ConstructorParameters<typeof EventClient>[1] = {}): Promise<EventClient> =>
  new EventClient(`${sightline.url}/v1/events${query}`, options).opened();

let count = 0;
const camera = (over: Partial<Registration> = {}) => {
  count += 1;
  return addCamera(admin, registration({ localId: `event ${count}`, ...over }));
};

const patch = async (id: string, body: object): Promise<number> =>
  (
    await fetch(`${sightline.url}/v1/cameras/${id}`, {
      method: 'PATCH',
      headers: {
        authorization: `Bearer ${sightline.key}`,
        'content-type': 'application/merge-patch+json',
        'if-match': '*',
      },
      body: JSON.stringify(body),
    })
  ).status;

const mint = async (authority: string): Promise<{ id: string; key: string }> =>
  dataOf(await admin.POST('/v1/keys', { body: { name: 'events', scopes: OPERATOR, authorities: [authority] } }));

const about = ({ events }: EventClient, id: string): string[] =>
  events
    .filter(({ data }) => (data?.camera as { id?: string } | undefined)?.id === id)
    .map(({ event, data }) => `${event} ${(data?.camera as { version?: number }).version ?? String(data?.reason)}`);

describe('GET /v1/events', () => {
  test('tells of a registration, a change and a retirement, with the headers of a stream', async () => {
    const client = await listen();
    expect(client.status).toBe(200);
    expect(client.headers).toMatchObject({
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-store',
      'x-accel-buffering': 'no',
      'x-content-type-options': 'nosniff',
    });
    expect(client.headers['content-encoding']).toBeUndefined();
    expect(client.text).toMatch(/^retry: 3000\n/);
    const { id } = await camera();
    expect(await patch(id, { name: 'Renamed' })).toBe(200);
    expect(await patch(id, { name: 'Renamed' })).toBe(200);
    expect(await patch(id, { lifecycle: 'retired' })).toBe(200);
    await client.until(() => about(client, id).length === 3);
    expect(about(client, id)).toEqual(['camera.registered 1', 'camera.changed 2', 'camera.retired 3']);
    const [first] = client.events.filter(({ data }) => (data?.camera as { id: string }).id === id);
    expect(first?.data).toEqual({
      id: first?.id,
      type: 'camera.registered',
      at: expect.stringMatching(/^\d{4}-.*Z$/),
      camera: { id, authority: 'tainan-wrb', localId: expect.stringContaining('event '), version: 1 },
    });
    client.cut();
  });

  test('a client that is cut off a hundred times misses nothing and hears versions in order', async () => {
    const random = randomFrom(4_711);
    const { id } = await camera();
    const heard: string[] = [];
    let writing = true;
    const writer = (async (): Promise<void> => {
      for (let i = 0; i < 120; i += 1) expect(await patch(id, { description: `change ${i}` })).toBe(200);
      writing = false;
    })();
    let lastEventId: string | null = (await listen(`?camera=${id}`)).lastId;
    const from = lastEventId;
    for (let cuts = 0; cuts < 100; cuts += 1) {
      const client = new EventClient(`${sightline.url}/v1/events?camera=${id}`, { lastEventId });
      const longest = Date.now() + 40 + random() * 80;
      while (Date.now() < longest && client.blocks.length < 3) await wait(5);
      client.cut();
      heard.push(...client.events.flatMap(({ id: event }) => (event === null ? [] : [event])));
      lastEventId = client.lastId ?? lastEventId;
    }
    await writer;
    expect(writing).toBe(false);
    const last = await listen(`?camera=${id}`, { lastEventId });
    const whole = await listen(`?camera=${id}`, { lastEventId: from });
    await whole.until(() => about(whole, id).length >= 100 && about(whole, id).at(-1) === 'camera.changed 121');
    const end = whole.events.at(-1)?.id;
    await last.until(() => heard.includes(String(end)) || last.events.some(({ id: event }) => event === end));
    heard.push(...last.events.flatMap(({ id: event }) => (event === null ? [] : [event])));
    expect([...new Set(heard)]).toEqual(whole.events.map(({ id: event }) => event));
    last.cut();
    whole.cut();
  }, 60_000);

  test('by place, authority, camera and type; a camera that moves away is told of once more', async () => {
    const box = await listen('?bbox=120.2,23.0,120.4,23.2');
    const near = await listen('?near=120.290608,23.079451&radiusM=100&types=camera.changed,camera.retired');
    const other = await listen('?authority=other');
    const { id } = await camera();
    // A stream that begins before its registration is told to others would hear of it too.
    await box.until(() => about(box, id).length === 1);
    const only = await listen(`?camera=${id}`);
    const far = await camera({ authority: 'other', location: { type: 'Point', coordinates: [121.5, 25] } });
    await patch(id, { location: { type: 'Point', coordinates: [121.6, 25] } });
    await patch(id, { name: 'Far away' });
    await other.until(() => about(other, far.id).length === 1);
    await only.until(() => about(only, id).length === 2);
    await wait(300);
    expect(about(box, id)).toEqual(['camera.registered 1', 'camera.changed 2']);
    expect(about(near, id)).toEqual(['camera.changed 2']);
    expect(about(other, id)).toEqual([]);
    expect([box, near, only].flatMap((client) => about(client, far.id))).toEqual([]);
    for (const client of [box, near, other, only]) client.cut();
  });

  test('who may not know a camera hears nothing of it; one that leaves his sight is told of once, by its id', async () => {
    const [own, foreign] = [await mint('tainan-wrb'), await mint('other')];
    const everybody = await listen();
    const stranger = await listen('', { key: foreign.key });
    const owner = await listen('', { key: own.key });
    const hidden = await camera({ localId: 'zq hidden', name: 'Canary kv7', access: { level: 'restricted' } });
    const { id } = await camera({ localId: 'zq leaving' });
    await patch(id, { access: { level: 'restricted' } });
    await patch(id, { name: 'Canary kv8' });
    await owner.until(() => about(owner, id).length === 3);
    expect(about(owner, id)).toEqual(['camera.registered 1', 'camera.changed 2', 'camera.changed 3']);
    expect(about(owner, hidden.id)).toEqual(['camera.registered 1']);
    for (const client of [everybody, stranger]) {
      await client.until(() => about(client, id).length === 2 || about(client, id)[0]?.endsWith('withdrawn') === true);
      await wait(300);
      expect(about(client, id).at(-1)).toBe('camera.retired withdrawn');
      expect(client.text).not.toContain(hidden.id);
      expect(client.text).not.toMatch(/Canary|zq hidden/);
      const last = client.events.at(-1)?.data;
      expect(last?.camera).toEqual({ id });
      client.cut();
    }
    owner.cut();
  });

  test('an import tells of what it adds and changes, of unchanged rows and dry runs nothing', async () => {
    const client = await listen('?types=camera.registered,camera.changed');
    const rows = (name: string): string =>
      ['a', 'b']
        .map((id) => JSON.stringify(registration({ localId: `row ${id}`, name: id === 'b' ? name : 'A' })))
        .join('\n');
    const send = async (body: string, query = ''): Promise<void> => {
      const response = await fetch(`${sightline.url}/v1/imports?authority=tainan-wrb&profile=ndjson${query}`, {
        method: 'POST',
        headers: { authorization: `Bearer ${sightline.key}`, 'content-type': 'application/x-ndjson' },
        body,
      });
      expect(response.status).toBe(200);
    };
    await send(rows('B'), '&dryRun=true');
    await send(rows('B'));
    await send(rows('B'));
    await send(rows('C'));
    const last = await camera();
    await client.until(() => about(client, last.id).length === 1);
    const told = client.events.map(({ event, data }) => `${event} ${(data?.camera as { localId: string }).localId}`);
    expect(told.slice(0, -1).sort()).toEqual(
      ['camera.changed row b', 'camera.registered row a', 'camera.registered row b'].sort(),
    );
    client.cut();
  });

  test('a floor that rises withdraws the cameras of an authority from strangers', async () => {
    await addAuthority(admin, 'closing');
    const { id } = await camera({ authority: 'closing' });
    const client = await listen('?authority=closing');
    await admin.PATCH('/v1/authorities/{slug}', {
      params: { path: { slug: 'closing' }, header: { 'If-Match': '*' } },
      body: { accessFloor: 'restricted' } as never,
      headers: { 'content-type': 'application/merge-patch+json' },
    });
    await client.until(() => about(client, id).includes('camera.retired withdrawn'));
    client.cut();
  });

  test('a revoked key ends its streams within five seconds, and opens none any more', async () => {
    const { id, key } = await mint('tainan-wrb');
    const client = await listen('', { key });
    expect((await admin.DELETE('/v1/keys/{id}', { params: { path: { id } } })).response.status).toBe(204);
    await client.until(({ isEnded }) => isEnded, 5_000);
    expect((await listen('', { key })).status).toBe(401);
  });

  test('a place that is too old, or of a time to come, is reset; then it goes on', async () => {
    const keyring = Keyring.parse(readFileSync(path.join(sightline.dataDir, 'secret-key'), 'utf8').trim(), {
      random: randomBytes,
      now: () => Date.now() - 8 * 86_400_000,
    });
    for (const lastEventId of [
      keyring.signCursor({ event: '1.5.1' }),
      keyring.signCursor({ event: '99.5.1' }, Date.now()),
    ]) {
      const client = await listen('', { lastEventId });
      await client.until(({ events }) => events.length > 0);
      expect(client.events[0]).toMatchObject({ event: 'reset', data: { type: 'reset' } });
      expect(client.events[0]?.id).not.toBe(lastEventId);
      const { id } = await camera();
      await client.until(() => about(client, id).length === 1);
      client.cut();
    }
  });

  test.each([
    ['?types=camera.moved', 400, 'invalid_parameter'],
    ['?bbox=1,2,3', 400, 'invalid_parameter'],
    ['?radiusM=5', 400, 'invalid_parameter'],
    ['?camera=1', 400, 'invalid_parameter'],
    ['?status=online', 400, 'unknown_parameter'],
    ['?after=q1Zk', 400, 'cursor_mismatch'],
  ])('%s is refused with %d %s', async (query, status, code) => {
    const response = await fetch(`${sightline.url}/v1/events${query}`);
    expect(response.status).toBe(status);
    expect(await response.json()).toMatchObject({ code });
  });

  test('HEAD ends at once; another form is not acceptable', async () => {
    expect((await fetch(`${sightline.url}/v1/events`, { method: 'HEAD' })).status).toBe(200);
    const response = await fetch(`${sightline.url}/v1/events`, { headers: { accept: 'application/json' } });
    expect(response.status).toBe(406);
  });

  test('another status is told to whoever may know the camera', async () => {
    const client = await listen('?types=health.changed');
    const { id } = await camera({ lifecycle: 'active' });
    await client.until(() => about(client, id).length > 0, 15_000);
    const [first] = client.events;
    expect(first?.data).toMatchObject({ type: 'health.changed', from: 'unknown', to: 'suspect', camera: { id } });
    client.cut();
  }, 20_000);

  test('the streams that are open are counted in the metrics', async () => {
    const clients = await Promise.all(Array.from({ length: 20 }, () => listen()));
    const metrics = await (await fetch(`${sightline.url}/metrics`)).text();
    expect(metrics).toMatch(/^sightline_sse_connections 2\d$/m);
    for (const client of clients) client.cut();
  });

  test('a process that ends sends its clients away in order; they miss nothing at the next', async () => {
    const client = await listen();
    const { id } = await camera();
    await client.until(() => about(client, id).length === 1);
    await sightline.restart();
    await client.until(({ isEnded }) => isEnded);
    expect(client.text).toMatch(/retry: 3000\n\n$/);
    await patch(id, { name: 'While nobody listened' });
    const next = await listen('', { lastEventId: client.lastId });
    await next.until(() => about(next, id).length === 1);
    expect(about(next, id)).toEqual(['camera.changed 2']);
    next.cut();
  }, 60_000);
});

describeOnServer('hints of new pictures (on a server: the test writes what a prober would)', () => {
  test('come without an id, at most every five seconds, to who chose the camera or its place', async () => {
    const { id } = await camera({ lifecycle: 'planned' });
    await patch(id, { lifecycle: 'active' });
    const taken = () =>
      sightline.database?.db.query('update camera_health set captured_at = clock_timestamp() where camera_id = $1', [
        id,
      ]);
    await taken();
    const [chosen, placed, all] = [
      await listen(`?camera=${id}`),
      await listen('?bbox=120.2,23.0,120.4,23.2&types=frame.updated'),
      await listen('?types=frame.updated'),
    ];
    await wait(2_500);
    const hints = (client: EventClient) =>
      client.events.filter(
        ({ event, data }) => event === 'frame.updated' && (data?.camera as { id: string }).id === id,
      );
    for (let i = 0; i < 4; i += 1) {
      await taken();
      await wait(1_000);
    }
    await chosen.until(() => hints(chosen).length === 1);
    expect(hints(chosen)[0]).toMatchObject({ id: null, data: { type: 'frame.updated', camera: { id } } });
    expect(hints(placed)).toHaveLength(1);
    await placed.until(() => hints(placed).length === 2);
    expect(hints(all)).toEqual([]);
    for (const client of [chosen, placed, all]) client.cut();
  }, 30_000);
});
