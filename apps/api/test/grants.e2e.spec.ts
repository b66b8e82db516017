import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type Sightline, startSightline } from '#testing';
import { ADMIN, type Answered, ask as askAt, type Asked, keyFor, VIEWER } from './asking.js';
import { clientOf } from './client.js';
import { addAuthority, addCamera, registration } from './fixtures.js';

let sightline: Sightline;
/** Keys: of the owner of the cameras, of the authority that is let in, and of a third one. */
const keys: Record<string, string> = {};
const cameras: Record<string, string> = {};

beforeAll(async () => {
  sightline = await startSightline();
  const admin = clientOf(sightline.url, sightline.key);
  for (const slug of ['tainan-wrb', 'eoc', 'park']) await addAuthority(admin, slug);
  keys.owner = await keyFor(sightline, ['tainan-wrb'], ADMIN);
  keys.operator = await keyFor(sightline, ['tainan-wrb'], ['cameras:read', 'frames:read', 'cameras:write']);
  keys.guest = await keyFor(sightline, ['eoc'], VIEWER);
  keys.guestAdmin = await keyFor(sightline, ['eoc'], ADMIN);
  keys.stranger = await keyFor(sightline, ['park'], VIEWER);
  keys.strangerAdmin = await keyFor(sightline, ['park'], ADMIN);
  keys.both = await keyFor(sightline, ['eoc', 'park'], VIEWER);
  for (const level of ['public', 'agency', 'restricted'] as const) {
    const thumbnails = level === 'agency' ? { thumbnails: 'withheld' as const } : {};
    const made = await addCamera(admin, registration({ localId: `kv7${level}`, access: { level, ...thumbnails } }));
    cameras[level] = made.id;
  }
});
afterAll(() => sightline.close());

const ask = (who: string | undefined, method: string, path: string, options: Asked = {}): Promise<Answered> =>
  askAt(sightline, method, path, { ...(who === undefined ? {} : { key: keys[who] ?? sightline.key }), ...options });

const inDays = (days: number): string => new Date(Date.now() + days * 86_400_000).toISOString();

const grant = (who: string | undefined, over: object = {}, headers: Record<string, string> = {}): Promise<Answered> =>
  ask(who, 'POST', '/v1/grants', {
    body: { authority: 'tainan-wrb', grantee: 'eoc', until: inDays(2), reason: 'typhoon', ...over },
    headers,
  });

const request = (who: string | undefined, over: object = {}): Promise<Answered> =>
  ask(who, 'POST', '/v1/access-requests', {
    body: { camera: cameras.agency, purpose: 'disaster_response', until: inDays(2), reason: 'evacuation', ...over },
  });

/** A body without what a document of one camera has in common with that of all. */
const ofCamera = (id: string | undefined): object => ({ camera: id, authority: undefined });

const codesOf = ({ body }: Answered): unknown =>
  (body.errors as { pointer: string; code: string }[]).map(({ pointer, code }) => [pointer, code]);

describe('AUTHZ-1: grants', () => {
  test('let the grantee’s people know a restricted camera, wherever cameras are read, and nothing more', async () => {
    const id = cameras.restricted;
    const places = [
      `/v1/cameras/${id}`,
      '/v1/cameras?q=kv7restricted',
      '/v1/cameras?near=120.290608,23.079451&radiusM=100&f=geojson',
      `/v1/cameras/${id}/health`,
      '/v1/authorities/tainan-wrb/cameras/kv7restricted',
    ];
    const told = async (): Promise<boolean[]> => {
      const answers = await Promise.all(places.map((path) => ask('guest', 'GET', path)));
      return answers.map(({ text }) => /"status": ?"disabled"|"Camera kv7restricted"/.test(text));
    };
    expect(await told()).toEqual(places.map(() => false));
    const made = await grant('owner', ofCamera(id));
    expect([made.status, made.body]).toMatchObject([
      201,
      { camera: id, owner: 'tainan-wrb', grantee: 'eoc', state: 'live', endedAt: null, endedBy: null },
    ]);
    expect(made.headers.get('location')).toBe(`${sightline.url}/v1/grants/${String(made.body.id)}`);
    expect(await told()).toEqual(places.map(() => true));
    expect((await ask('stranger', 'GET', `/v1/cameras/${id}`)).status).toBe(404);
    expect((await ask(undefined, 'GET', `/v1/cameras/${id}`)).status).toBe(404);
    const seen = await ask('guest', 'GET', `/v1/cameras/${id}`);
    expect(seen.text).not.toContain('axis-cgi');
    expect(seen.body.services).toEqual([{ kind: 'mjpeg' }]);
    const patched = await ask('guestAdmin', 'PATCH', `/v1/cameras/${id}`, {
      body: { name: 'mine' },
      headers: { 'if-match': '*' },
    });
    expect(patched.status).toBe(403);
    const ended = await ask('owner', 'DELETE', `/v1/grants/${String(made.body.id)}`);
    expect(ended.status).toBe(204);
    expect((await ask('guest', 'GET', `/v1/cameras/${id}`)).status).toBe(404);
    expect((await ask('guest', 'GET', `/v1/grants/${String(made.body.id)}`)).body).toMatchObject({
      state: 'ended',
      endedBy: expect.stringMatching(/^key:/),
    });
    expect((await ask('owner', 'DELETE', `/v1/grants/${String(made.body.id)}`)).status).toBe(204);
  });

  test.each<[string, string | undefined, object, number]>([
    ['the operator of the owner', 'operator', {}, 403],
    ['the grantee itself', 'guestAdmin', {}, 403],
    ['anybody without a key', undefined, {}, 401],
    ['the platform administrator', 'platform', {}, 201],
  ])('%s: %s', async (_title, who, over, status) => {
    expect((await grant(who, over)).status).toBe(status);
  });

  test('for a camera that the caller may not know it is as if there were none', async () => {
    const hidden = await grant('strangerAdmin', ofCamera(cameras.restricted));
    const none = await grant('strangerAdmin', ofCamera(randomUUID()));
    const same = ({ status, body }: Answered): object => ({ status, ...body, detail: 0, instance: 0 });
    expect(same(hidden)).toEqual(same(none));
    expect(hidden.status).toBe(404);
    expect((await grant('strangerAdmin', ofCamera(cameras.public))).status).toBe(403);
  });

  test.each<[string, object, unknown]>([
    ['nothing named', ofCamera(undefined), [['/camera', 'required']]],
    ['two things named', { camera: randomUUID() }, [['/authority', 'conflict']]],
    ['an end in the past', { until: '2020-01-01T00:00:00Z' }, [['/until', 'range']]],
    ['an end too far away', { until: inDays(401) }, [['/until', 'range']]],
    ['an end without a zone', { until: '2030-01-01T00:00:00' }, [['/until', 'format']]],
    ['itself', { grantee: 'tainan-wrb' }, [['/grantee', 'conflict']]],
    ['nobody of this name', { grantee: 'nobody' }, [['/grantee', 'reference']]],
    ['an id that is none', { ...ofCamera('7'), grantee: 'eoc' }, [['/camera', 'format']]],
    ['what the server makes', { owner: 'eoc' }, [['/owner', 'read_only']]],
    ['no reason', { reason: '' }, [['/reason', 'length']]],
  ])('400: %s', async (_title, over, codes) => {
    const refused = await grant('owner', over);
    expect([refused.status, codesOf(refused)]).toEqual([400, codes]);
  });

  test('both sides list theirs, page by page, and nobody else any', async () => {
    for (let made = 0; made < 3; made += 1) expect((await grant('owner')).status).toBe(201);
    const ids: string[] = [];
    for (let path: string | null = '/v1/grants?limit=2'; path !== null;) {
      const page: Answered = await ask('guest', 'GET', path);
      ids.push(...(page.body.items ?? []).map(({ id }) => String(id)));
      path = page.body.next === null ? null : String(page.body.next).slice(sightline.url.length);
    }
    const owned = await ask('operator', 'GET', '/v1/grants?limit=1000');
    expect(ids).toEqual(owned.body.items?.map(({ id }) => id));
    expect(ids.length).toBeGreaterThan(3);
    expect((await ask('stranger', 'GET', '/v1/grants')).body.items).toEqual([]);
    const [id] = ids;
    expect((await ask('stranger', 'GET', `/v1/grants/${id}`)).status).toBe(404);
    expect((await ask('guestAdmin', 'DELETE', `/v1/grants/${id}`)).status).toBe(403);
    const read = await ask('guest', 'GET', `/v1/grants/${id}`);
    const again = { headers: { 'if-none-match': read.headers.get('etag') ?? '' } };
    expect((await ask('guest', 'GET', `/v1/grants/${id}`, again)).status).toBe(304);
  });

  test('a repeated request gives once', async () => {
    const headers = { 'idempotency-key': 'grant-once' };
    const until = inDays(3);
    const [first, second] = [await grant('owner', { until }, headers), await grant('owner', { until }, headers)];
    expect(second.body.id).toBe(first.body.id);
    expect(second.headers.get('idempotent-replayed')).toBe('true');
    expect((await grant('owner', { until: inDays(4) }, headers)).status).toBe(422);
  });
});

describe('AUTHZ-1: requests for access', () => {
  const decide = (who: string, id: unknown, body: object): Promise<Answered> =>
    ask(who, 'POST', `/v1/access-requests/${String(id)}/decision`, { body });

  test('are made by who may know the camera, decided by its owner, and make a grant', async () => {
    const made = await request('guest');
    expect([made.status, made.body]).toMatchObject([
      201,
      { camera: cameras.agency, owner: 'tainan-wrb', grantee: 'eoc', state: 'pending', grant: null, decidedAt: null },
    ]);
    const twice = await request('guestAdmin');
    expect([twice.status, twice.body.code]).toEqual([409, 'already_registered']);
    expect(twice.body.existing).toBe(`${sightline.url}/v1/access-requests/${String(made.body.id)}`);
    for (const who of ['guest', 'owner', 'platform']) {
      const { body } = await ask(who, 'GET', '/v1/access-requests?limit=1000');
      expect([who, body.items?.map(({ id }) => id)]).toEqual([who, [made.body.id]]);
    }
    for (const who of ['stranger', 'operator']) {
      expect([who, (await ask(who, 'GET', '/v1/access-requests')).body.items]).toEqual([who, []]);
      expect((await ask(who, 'GET', `/v1/access-requests/${String(made.body.id)}`)).status).toBe(404);
    }
    expect((await decide('guestAdmin', made.body.id, { decision: 'granted' })).status).toBe(403);
    expect((await decide('guest', made.body.id, { decision: 'granted' })).status).toBe(403);
    const late = await decide('owner', made.body.id, { decision: 'granted', until: inDays(500) });
    expect([late.status, codesOf(late)]).toEqual([400, [['/until', 'range']]]);
    const until = inDays(1);
    const decided = await decide('owner', made.body.id, { decision: 'granted', until, reason: 'agreed' });
    expect([decided.status, decided.body]).toMatchObject([200, { state: 'granted', answer: 'agreed' }]);
    const { body } = await ask('guest', 'GET', `/v1/grants/${String(decided.body.grant)}`);
    expect(body).toMatchObject({ camera: cameras.agency, grantee: 'eoc', state: 'live', until });
    const again = await decide('owner', made.body.id, { decision: 'refused' });
    expect([again.status, again.body.code]).toEqual([409, 'already_decided']);
    expect((await ask('guest', 'DELETE', `/v1/access-requests/${String(made.body.id)}`)).body.code).toBe(
      'already_decided',
    );
  });

  test('are refused with a reason, and withdrawn by who made them', async () => {
    const refused = await request('guest', { camera: undefined, authority: 'tainan-wrb' });
    const answer = await decide('owner', refused.body.id, { decision: 'refused', reason: 'not now' });
    expect(answer.body).toMatchObject({ state: 'refused', answer: 'not now', grant: null });
    const withEnd = await request('guest', { camera: undefined, authority: 'tainan-wrb' });
    expect(codesOf(await decide('owner', withEnd.body.id, { decision: 'refused', until: inDays(1) }))).toEqual([
      ['/until', 'conflict'],
    ]);
    const at = `/v1/access-requests/${String(withEnd.body.id)}`;
    expect((await ask('both', 'DELETE', at)).status).toBe(403);
    expect((await ask('stranger', 'DELETE', at)).status).toBe(404);
    expect([(await ask('guest', 'DELETE', at)).status, (await ask('guest', 'DELETE', at)).status]).toEqual([204, 204]);
    expect((await ask('guest', 'GET', at)).body).toMatchObject({ state: 'withdrawn', grant: null });
    expect((await decide('owner', withEnd.body.id, { decision: 'granted' })).body.code).toBe('already_decided');
  });

  test('for a camera that the caller may not know it is as if there were none', async () => {
    const [hidden, none] = [
      await request('stranger', { camera: cameras.restricted }),
      await request('stranger', { camera: randomUUID() }),
    ];
    const same = ({ status, body }: Answered): object => ({ status, ...body, detail: 0, instance: 0 });
    expect(same(hidden)).toEqual(same(none));
    expect(hidden.status).toBe(404);
  });

  test('name the authority for which they are made, where it is not plain', async () => {
    expect(codesOf(await request('both'))).toEqual([['/grantee', 'required']]);
    expect((await request('both', { grantee: 'park' })).status).toBe(201);
    expect((await request('guest', { grantee: 'park' })).status).toBe(403);
    expect((await request(undefined)).status).toBe(401);
    expect(codesOf(await request('operator'))).toEqual([['/grantee', 'conflict']]);
  });

  test('of several who decide at once one does', async () => {
    const { body } = await request('guestAdmin', { camera: cameras.public });
    const answers = await Promise.all(
      Array.from({ length: 5 }, (_, i) => decide('owner', body.id, { decision: i % 2 === 0 ? 'granted' : 'refused' })),
    );
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 409, 409, 409, 409]);
  });
});
