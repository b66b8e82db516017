import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type Sightline, startSightline } from '#testing';
import { type Answered, ask, type Asked, keyFor } from './asking.js';
import { clientOf } from './client.js';
import { addAuthority, type Registration, registration } from './fixtures.js';

/** A key that writes cameras and does not read them, as a nightly import has one: what it wrote does not look as if it had failed. */
let sightline: Sightline;
let writer: string;
let elsewhere: string;

beforeAll(async () => {
  sightline = await startSightline();
  const admin = clientOf(sightline.url, sightline.key);
  for (const slug of ['tainan-wrb', 'other']) await addAuthority(admin, slug);
  const scopes = ['cameras:write', 'imports:run'];
  writer = await keyFor(sightline, ['tainan-wrb'], scopes);
  elsewhere = await keyFor(sightline, ['other'], scopes);
});
afterAll(() => sightline.close());

const send = (method: string, path: string, asked: Asked = {}): Promise<Answered> =>
  ask(sightline, method, path, { key: writer, ...asked });

const document = (localId: string, level: 'public' | 'agency' | 'restricted', over: Partial<Registration> = {}) =>
  registration({ localId, name: 'Canary kv7', access: { level }, ...over });

const kept = async (id: unknown): Promise<Record<string, unknown>> =>
  (await ask(sightline, 'GET', `/v1/cameras/${String(id)}`, { key: sightline.key })).body;

describe('AUTHZ-7: who writes and does not read', () => {
  test.each(['agency', 'restricted'] as const)('registers a camera that is %s: its id and version', async (level) => {
    const asked = {
      body: document(`new ${level}`, level),
      headers: { 'idempotency-key': `once ${level}`.replace(' ', '-') },
    };
    const { status, body, headers, text } = await send('POST', '/v1/cameras', asked);
    const id = String(body.id);
    expect([status, body]).toEqual([201, { id: expect.any(String), version: 1 }]);
    expect(headers.get('location')).toBe(`${sightline.url}/v1/cameras/${id}`);
    expect(headers.get('etag')).toMatch(/^"1\./);
    expect(await kept(id)).toMatchObject({ id, version: 1, name: 'Canary kv7', access: { level } });
    const again = await send('POST', '/v1/cameras', asked);
    expect([again.status, again.text, again.headers.get('idempotent-replayed')]).toEqual([201, text, 'true']);
    expect((await send('GET', `/v1/cameras/${id}`)).status).toBe(404);
  });

  test('of one that everybody may know reads what everybody reads', async () => {
    const { status, body } = await send('POST', '/v1/cameras', { body: document('open', 'public') });
    expect([status, body.name, body.services]).toEqual([201, 'Canary kv7', [{ kind: 'mjpeg' }]]);
  });

  test('changes, closes and retires it', async () => {
    const { body: made } = await send('POST', '/v1/cameras', { body: document('changing', 'public') });
    const at = `/v1/cameras/${String(made.id)}`;
    const any = { 'if-match': '*' };
    const closed = await send('PATCH', at, { body: { access: { level: 'restricted' } }, headers: any });
    expect([closed.status, closed.body]).toEqual([200, { id: made.id, version: 2 }]);
    expect(await kept(made.id)).toMatchObject({ version: 2, access: { level: 'restricted' } });
    const patched = await send('PATCH', at, {
      body: { heightM: 6 },
      headers: { 'if-match': closed.headers.get('etag') ?? '' },
    });
    expect([patched.status, patched.body, patched.headers.get('etag')?.slice(0, 3)]).toEqual([
      200,
      { id: made.id, version: 3 },
      '"3.',
    ]);
    const put = await send('PUT', at, { body: document('changing', 'restricted', { heightM: 7 }), headers: any });
    expect([put.status, put.body]).toEqual([200, { id: made.id, version: 4 }]);
    expect(await kept(made.id)).toMatchObject({ heightM: 7 });
    const minimal = await send('PATCH', at, { body: { heightM: 8 }, headers: { ...any, prefer: 'return=minimal' } });
    expect([minimal.status, minimal.text]).toEqual([204, '']);
    const stale = await send('PATCH', at, { body: { heightM: 9 }, headers: { 'if-match': '"1"' } });
    expect([stale.status, stale.text.includes('kv7')]).toEqual([412, false]);
    expect((await send('PATCH', at, { body: { heightM: 9 } })).status).toBe(428);
    expect((await send('DELETE', at, { headers: any })).status).toBe(204);
    expect(await kept(made.id)).toMatchObject({ lifecycle: 'retired' });
  });

  test('by an import: the same', async () => {
    const response = await fetch(`${sightline.url}/v1/imports?profile=ndjson&authority=tainan-wrb`, {
      method: 'POST',
      headers: { authorization: `Bearer ${writer}`, 'content-type': 'application/x-ndjson' },
      body: JSON.stringify(document('row', 'restricted')),
    });
    const { rows } = (await response.json()) as { rows: { action: string; cameraId: string }[] };
    expect([response.status, rows[0]?.action]).toEqual([200, 'created']);
    const patch = { body: { heightM: 6 }, headers: { 'if-match': '*' } };
    expect((await send('PATCH', `/v1/cameras/${rows[0]?.cameraId}`, patch)).status).toBe(200);
  });

  test('AUTHZ-5: and who writes elsewhere finds none', async () => {
    const { body } = await send('POST', '/v1/cameras', { body: document('hidden', 'restricted') });
    for (const method of ['PATCH', 'PUT', 'DELETE']) {
      const asked = { key: elsewhere, headers: { 'if-match': '*' }, ...(method === 'DELETE' ? {} : { body: {} }) };
      const refused = await send(method, `/v1/cameras/${String(body.id)}`, asked);
      expect([method, refused.status, refused.body.code]).toEqual([method, 404, 'not_found']);
    }
  });
});
