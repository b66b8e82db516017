import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type Sightline, startSightline } from '#testing';
import { Browser, type Seen } from './browser.js';
import { clientOf, dataOf, type Schemas } from './client.js';
import { addAuthority } from './fixtures.js';

/** Roles of people: who gives them, who sees them, and that nobody gets more by them than he has. What they allow: sign-in.e2e.spec.ts. */
const ISSUER = 'https://login.example.org/realms/water';
type Scopes = Schemas['ApiKeyRequest']['scopes'];
const ADMIN = [
  'cameras:read',
  'frames:read',
  'stream:read',
  'cameras:write',
  'credentials:write',
  'probes:run',
  'imports:run',
  'incidents:write',
  'webhooks:write',
  'keys:write',
  'members:write',
  'audit:read',
] as unknown as Scopes;

let sightline: Sightline;
/** A key with what an admin of tainan-wrb may do. */
let admin: string;
/** One that sees to members of tainan-wrb, and to nothing else. */
let clerk: string;

beforeAll(async () => {
  sightline = await startSightline();
  const client = clientOf(sightline.url, sightline.key);
  await addAuthority(client, 'tainan-wrb');
  await addAuthority(client, 'other');
  const mint = async (scopes: Scopes): Promise<string> =>
    dataOf(await client.POST('/v1/keys', { body: { name: 'of the tests', scopes, authorities: ['tainan-wrb'] } })).key;
  admin = await mint(ADMIN);
  clerk = await mint(['members:write'] as unknown as Scopes);
}, 120_000);
afterAll(() => sightline.close());

const ask = (
  method: string,
  path: string,
  key: string,
  body?: unknown,
  headers: Readonly<Record<string, string>> = {},
): Promise<Seen> =>
  new Browser().visit(`${sightline.url}${path}`, {
    method,
    body,
    headers: {
      authorization: `Bearer ${key}`,
      ...(method === 'PATCH' ? { 'content-type': 'application/merge-patch+json' } : {}),
      ...headers,
    },
  });

let people = 0;
const member = (over: object = {}): Record<string, unknown> => ({
  issuer: ISSUER,
  subject: `person-${(people += 1)}`,
  authority: 'tainan-wrb',
  role: 'viewer',
  ...over,
});
const add = (over: object = {}, key = admin): Promise<Seen> => ask('POST', '/v1/members', key, member(over));
const at = ({ json }: Seen): string => `/v1/members/${String(json.id)}`;
const ANY = { 'if-match': '*' };

describe('a member', () => {
  test('is added, read, listed, changed and removed', async () => {
    const added = await add({ name: 'Lin Mei-hua', role: 'operator' });
    expect(added.status).toBe(201);
    expect(added.json).toMatchObject({
      name: 'Lin Mei-hua',
      role: 'operator',
      version: 1,
      issuerIsKnown: false,
      createdBy: `key:${admin.slice(4, 14)}`,
      principal: expect.stringMatching(/^person:[\w-]{21}$/),
    });
    expect(added.headers.get('location')).toBe(`${sightline.url}${at(added)}`);
    const read = await ask('GET', at(added), admin);
    expect([read.json, read.headers.get('etag')]).toEqual([added.json, added.headers.get('etag')]);
    expect(
      (await ask('GET', at(added), admin, undefined, { 'if-none-match': read.headers.get('etag') ?? '' })).status,
    ).toBe(304);
    const listed = (await ask('GET', '/v1/members?limit=1000', admin)).json.items as unknown[];
    expect(listed).toContainEqual(added.json);

    const change = (headers: Readonly<Record<string, string>>): Promise<Seen> =>
      ask('PATCH', at(added), admin, { role: 'admin', name: null }, headers);
    expect((await change({})).status).toBe(428);
    expect((await change({ 'if-match': '"7.x"' })).status).toBe(412);
    const changed = await change({ 'if-match': read.headers.get('etag') ?? '' });
    expect([changed.status, changed.json.role, changed.json.version]).toEqual([200, 'admin', 2]);
    expect(changed.json).not.toHaveProperty('name');
    expect((await change(ANY)).json.version).toBe(2);

    expect((await ask('DELETE', at(added), admin)).status).toBe(428);
    expect((await ask('DELETE', at(added), admin, undefined, ANY)).status).toBe(204);
    expect((await ask('GET', at(added), admin)).status).toBe(404);
  });

  test('is added once, however often the same request comes', async () => {
    const body = member();
    const send = (): Promise<Seen> => ask('POST', '/v1/members', admin, body, { 'idempotency-key': 'once' });
    const first = await send();
    const second = await send();
    expect([second.status, second.json, second.headers.get('idempotent-replayed')]).toEqual([201, first.json, 'true']);
    const again = await ask('POST', '/v1/members', admin, body);
    expect([again.status, again.json.code]).toEqual([409, 'already_registered']);
    expect(again.json.existing).toBe(`${sightline.url}${at(first)}`);
  });

  test('comes in pages', async () => {
    await add();
    await add();
    const first = await ask('GET', '/v1/members?limit=1', admin);
    expect(first.json.items).toHaveLength(1);
    const next = new URL(String(first.json.next));
    const second = await ask('GET', next.pathname + next.search, admin);
    expect(second.json.items).toHaveLength(1);
    expect(second.json.items).not.toEqual(first.json.items);
  });

  test.each<[string, object, string, string]>([
    ['an authority for a role beyond them', { role: 'auditor' }, '/authority', 'conflict'],
    ['no authority for a role in one', { authority: null }, '/authority', 'required'],
    ['an authority that does not exist', { authority: 'nowhere' }, '/authority', 'reference'],
    ['a role that does not exist', { role: 'owner' }, '/role', 'enum'],
    ['an issuer over plain http', { issuer: 'http://login.example.org' }, '/issuer', 'format'],
    ['an issuer that is no address', { issuer: 'login.example.org' }, '/issuer', 'format'],
    ['no subject', { subject: null }, '/subject', 'required'],
    ['a subject beyond ASCII', { subject: '林' }, '/subject', 'format'],
    ['a subject of 256 characters', { subject: 'x'.repeat(256) }, '/subject', 'format'],
    ['members that the server makes', { principal: 'person:x' }, '/principal', 'read_only'],
    ['members that nobody knows', { scopes: ['platform:admin'] }, '/scopes', 'unknown_member'],
  ])('is refused with %s', async (_what, over, pointer, code) => {
    const { status, json } = await add(over, sightline.key);
    expect([status, json.code]).toEqual([400, 'validation_failed']);
    expect(json.errors).toContainEqual(expect.objectContaining({ pointer, code }));
  });

  test('never becomes somebody else, nor goes elsewhere', async () => {
    const added = await add();
    for (const patch of [{ subject: 'other' }, { issuer: 'https://other.example' }, { authority: 'other' }]) {
      const { status, json } = await ask('PATCH', at(added), sightline.key, patch, ANY);
      expect([status, json.errors]).toEqual([400, [expect.objectContaining({ code: 'read_only' })]]);
    }
  });
});

describe('AUTHN-4: who sees to members', () => {
  test('of another authority finds nothing', async () => {
    const foreign = await add({ authority: 'other' }, sightline.key);
    expect(foreign.status).toBe(201);
    for (const [method, body] of [['GET'], ['PATCH', { role: 'admin' }], ['DELETE']] as const) {
      expect([method, (await ask(method, at(foreign), admin, body, ANY)).status]).toEqual([method, 404]);
    }
    expect((await ask('GET', '/v1/members?limit=1000', admin)).text).not.toContain(String(foreign.json.id));
    expect((await add({ authority: 'other' })).json.code).toBe('forbidden');
  });

  test('beyond authorities is their administrator alone', async () => {
    for (const role of ['auditor', 'administrator']) {
      const refused = await add({ role, authority: null });
      expect([role, refused.status, refused.json.code]).toEqual([role, 403, 'forbidden']);
      const added = await add({ role, authority: null }, sightline.key);
      expect([role, added.status]).toEqual([role, 201]);
      expect((await ask('GET', at(added), admin)).status).toBe(404);
      expect((await ask('DELETE', at(added), sightline.key, undefined, ANY)).status).toBe(204);
    }
  });

  test('AUTHN-2: gives no role, and takes none, that may do more than he himself', async () => {
    for (const role of ['viewer', 'operator', 'admin']) expect((await add({ role }, clerk)).status).toBe(403);
    const above = await add({ role: 'admin' });
    expect((await ask('PATCH', at(above), clerk, { role: 'viewer' }, ANY)).status).toBe(403);
    expect((await ask('DELETE', at(above), clerk, undefined, ANY)).status).toBe(403);
    expect((await ask('GET', at(above), clerk)).status).toBe(200);
  });

  test('AUTHN-2: makes no key that sees to members', async () => {
    const body = { name: 'x', scopes: ['members:write'], authorities: ['tainan-wrb'] };
    const { status, json } = await ask('POST', '/v1/keys', admin, body);
    expect([status, json.code]).toEqual([403, 'forbidden']);
  });

  test('is nobody without the scope', async () => {
    const { status, json } = await new Browser().visit(`${sightline.url}/v1/members`);
    expect([status, json.code]).toEqual([401, 'unauthenticated']);
  });

  test.each(['x', '019ac8f2-6d1b-7a55-9d0e-3f2b8c4d5e6f'])('finds no member called %s', async (id) => {
    expect((await ask('GET', `/v1/members/${id}`, admin)).status).toBe(404);
  });
});
