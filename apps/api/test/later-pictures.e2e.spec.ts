import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type Sightline, startSightline } from '#testing';
import { type Answered, ask, type Asked, keyFor, VIEWER } from './asking.js';
import { EventClient } from './event-client.js';
import { type PictureDevice, startPictureDevice } from './picture-device.js';

/** Seconds by which others see the pictures of the camera later. */
const DELAY_S = 15;

/** PRIV-4: whoever sees pictures later reads nowhere when, or that, a newer one was taken. */
let sightline: Sightline;
let device: PictureDevice;
let id: string;
const keys = new Map<string, string>();

/** Those who see it later, and those who see it as it is. */
const LATER = ['anonymous', 'stranger', 'own without frames:read', 'grantee without frames:read'] as const;
const AT_ONCE = ['own viewer', 'grantee', 'platform administrator'] as const;

const as = (who: string, method: string, path: string, asked: Asked = {}): Promise<Answered> =>
  ask(sightline, method, path, { key: keys.get(who), ...asked });
const root = (path: string, body: object): Promise<Answered> => as('platform administrator', 'POST', path, { body });

beforeAll(async () => {
  device = await startPictureDevice();
  sightline = await startSightline();
  keys.set('platform administrator', sightline.key);
  const network = { cidrs: ['127.0.0.0/8'], ports: [device.port] };
  await root('/v1/authorities', { slug: 'wrb', name: 'Water', network, probing: { intervalS: 5, minIntervalS: 5 } });
  for (const slug of ['eoc', 'park']) await root('/v1/authorities', { slug, name: slug });
  keys.set('stranger', await keyFor(sightline, ['park'], VIEWER));
  keys.set('own without frames:read', await keyFor(sightline, ['wrb'], ['cameras:read']));
  keys.set('grantee without frames:read', await keyFor(sightline, ['eoc'], ['cameras:read']));
  keys.set('own viewer', await keyFor(sightline, ['wrb'], VIEWER));
  keys.set('grantee', await keyFor(sightline, ['eoc'], VIEWER));
  id = await add('later', DELAY_S);
  const until = new Date(Date.now() + 3_600_000).toISOString();
  expect((await root('/v1/grants', { camera: id, grantee: 'eoc', until, reason: 'test' })).status).toBe(201);
  await soon(async () => (await as('anonymous', 'GET', `/v1/cameras/${id}/thumbnail`)).status === 200);
  await soon(async () => (await as('anonymous', 'GET', `/v1/cameras/${id}/thumbnail?preset=1`)).status === 200);
}, 150_000);
afterAll(async () => {
  await sightline.close();
  await device.close();
});

async function add(localId: string, publicDelayS: number): Promise<string> {
  const at = (name: string): string => `http://127.0.0.1:${device.port}/${name}`;
  const made = await root('/v1/cameras', {
    ...{ authority: 'wrb', localId, name: localId, location: { type: 'Point', coordinates: [120.29, 23.08] } },
    services: [
      { kind: 'snapshot', url: at('main') },
      { kind: 'snapshot', url: at('p1'), shows: '1' },
    ],
    presets: [{ id: '1' }],
    access: { level: 'public', publicDelayS },
  });
  if (made.status !== 201) throw new Error(made.text);
  return String(made.body.id);
}

async function soon(isSo: () => Promise<boolean>, withinMs = 60_000): Promise<void> {
  for (const last = Date.now() + withinMs; !(await isSo()); await wait(300)) {
    if (Date.now() > last) throw new Error('still not so');
  }
}

type Found = Record<string, unknown>;

/** Where a camera's health or picture is told of. */
const PLACES: Readonly<Record<string, { readonly path: () => string; readonly of: (body: Found) => Found }>> = {
  'the camera': { path: () => `/v1/cameras/${id}`, of: (body) => body },
  'the camera as GeoJSON': { path: () => `/v1/cameras/${id}?f=geojson`, of: (body) => body.properties as Found },
  'by its local id': { path: () => '/v1/authorities/wrb/cameras/later', of: (body) => body },
  'its health': { path: () => `/v1/cameras/${id}/health`, of: (health) => ({ health }) },
  'a list': {
    path: () => '/v1/cameras?q=later&include=health,thumbnail',
    of: (body) => (body.items as Found[])[0] ?? {},
  },
  'a list by place': {
    path: () => '/v1/cameras?near=120.29,23.08&include=health,thumbnail',
    of: (body) => (body.items as Found[])[0] ?? {},
  },
  'a list as GeoJSON': {
    path: () => '/v1/cameras?q=later&include=health,thumbnail&f=geojson',
    of: (body) => (body.features as { properties: Found }[])[0]?.properties ?? {},
  },
};

const ageS = (moment: unknown, now = Date.now()): number => (now - Date.parse(String(moment))) / 1_000;

describe.each(Object.entries(PLACES))('PRIV-4: %s', (_where, { path, of }) => {
  test.each(LATER)('tells %s of the picture that he sees', async (who) => {
    const thumbnail = async (): Promise<Headers> => (await as(who, 'GET', `/v1/cameras/${id}/thumbnail`)).headers;
    // Between two looks at the picture, since it goes on.
    const before = await thumbnail();
    const askedAt = Date.now();
    const { body, text } = await as(who, 'GET', path());
    const after = await thumbnail();
    const seen = [before, after].map((headers) => headers.get('sightline-captured-at'));
    const { health = {}, thumbnail: listed } = of(body) as { health?: Found; thumbnail?: Found };
    expect(seen).toContain(health.capturedAt);
    expect(health).toMatchObject({ status: 'online', presets: [{ id: '1', lastOutcome: 'ok' }] });
    if (listed !== undefined) {
      expect(seen).toContain(listed.capturedAt);
      expect(listed.stale).toBe(before.get('sightline-stale') === 'true');
    }
    // Nothing in it is younger than what he may see.
    const moments = text.match(/\d{4}-\d\d-\d\dT\d\d:\d\d:[\d.]+Z/g) ?? [];
    expect(moments.length).toBeGreaterThan(2);
    expect(moments.filter((moment) => ageS(moment, askedAt) < DELAY_S)).toEqual([]);
  });

  test.each(AT_ONCE)('tells %s of the latest', async (who) => {
    const { health = {} } = of((await as(who, 'GET', path())).body) as { health?: Found };
    for (const member of ['capturedAt', 'lastOkAt', 'checkedAt']) {
      expect([member, ageS(health[member]) < DELAY_S]).toEqual([member, true]);
    }
    expect(ageS(health.nextDueAt)).toBeLessThan(2);
  });
});

describe('PRIV-4: in other words', () => {
  test.each([...LATER, ...AT_ONCE])('the age that is asked for is that of the picture that %s sees', async (who) => {
    const isLater = (LATER as readonly string[]).includes(who);
    const found = async (maxAgeS: number): Promise<number | undefined> =>
      (await as(who, 'GET', `/v1/cameras?q=later&maxAgeS=${maxAgeS}`)).body.items?.length;
    expect([await found(DELAY_S), await found(DELAY_S + 30)]).toEqual([isLater ? 0 : 1, 1]);
  });

  test('the wall tells of its age, and not that it is old for no reason', async () => {
    const age = async (who: string): Promise<number> =>
      Number(/picture (\d+) s old/.exec((await as(who, 'GET', '/wall?q=later')).text)?.[1]);
    expect(await age('anonymous')).toBeGreaterThanOrEqual(DELAY_S);
    expect(await age('own viewer')).toBeLessThan(DELAY_S);
  });

  test('probes are counted for others once they are so long ago', async () => {
    const newest = async (who: string): Promise<number> => {
      const { body } = await as(who, 'GET', `/v1/cameras/${id}/health/history?resolution=minute`);
      const ends = (body.buckets as Found[]).map(({ at }) => ageS(at) - 60);
      return Math.min(...ends);
    };
    expect(await newest('own viewer')).toBeLessThan(DELAY_S);
    for (const who of LATER) expect(await newest(who)).toBeGreaterThanOrEqual(DELAY_S);
  });

  test('where none is old enough yet, nothing tells whether there is one', async () => {
    const slow = await add('slow', 3_600);
    const told = async (): Promise<unknown> => {
      const { status, body } = await as('anonymous', 'GET', `/v1/cameras/${slow}/thumbnail`);
      const { body: page } = await as('anonymous', 'GET', '/v1/cameras?q=slow&include=thumbnail');
      return [status, body.detail, page.items?.[0]?.thumbnail];
    };
    const before = await told();
    await soon(async () => (await as('own viewer', 'GET', `/v1/cameras/${slow}/thumbnail`)).status === 200);
    expect(await told()).toEqual(before);
    const { body } = await as('anonymous', 'GET', `/v1/cameras/${slow}/health`);
    expect([body.status, body.capturedAt, body.lastOkAt, body.checkedAt]).toEqual([
      'online',
      undefined,
      undefined,
      undefined,
    ]);
  });

  test('a hint of a new picture comes when it is seen', async () => {
    const listen = (who: string): Promise<EventClient> => {
      const key = keys.get(who);
      const url = `${sightline.url}/v1/events?camera=${id}&types=frame.updated`;
      return new EventClient(url, key === undefined ? {} : { key }).opened();
    };
    const clients = await Promise.all([...LATER, ...AT_ONCE].map(async (who) => [who, await listen(who)] as const));
    const ages = new Map<string, number[]>(clients.map(([who]) => [who, []]));
    await soon(async () => {
      for (const [who, { events }] of clients) {
        const known = ages.get(who) ?? [];
        for (const { data } of events.slice(known.length)) known.push(ageS(data?.at));
      }
      await wait(50);
      return [...ages.values()].every(({ length }) => length >= 2);
    });
    for (const [who, client] of clients) {
      const isLater = (LATER as readonly string[]).includes(who);
      expect([who, (ages.get(who) ?? []).filter((age) => age >= DELAY_S !== isLater)]).toEqual([who, []]);
      client.cut();
    }
  }, 90_000);
});
