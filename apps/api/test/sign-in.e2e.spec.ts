import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { setTimeout as wait } from 'node:timers/promises';
import { decodeJwt } from 'jose';
import { type Sightline, startSightline } from '#testing';
import { Browser, OWN_PAGE, type Seen } from './browser.js';
import { clientOf } from './client.js';
import { addAuthority, addCamera, registration } from './fixtures.js';
import { AUDIENCE, type IdentityProvider, startIdentityProvider } from './identity-provider.js';

/** AUTHN-3 to AUTHN-5 against a real OpenID provider: access tokens of programs, and people who sign in with a browser. */
const ROLES = ['viewer', 'operator', 'admin', 'auditor', 'administrator'] as const;
const PROGRAMS = [...ROLES, 'nobody', 'changing', 'shrinking'];

let provider: IdentityProvider;
let sightline: Sightline;
let hidden: string;
const tokens = new Map<string, string>();
/** Longer than anything is believed (keys/believed.ts); what is promised is five seconds. */
const A_WHILE_MS = 4_200;

beforeAll(async () => {
  provider = await startIdentityProvider(PROGRAMS);
  sightline = await startSightline({ env: { SIGHTLINE_OIDC: JSON.stringify([provider.settings]) } });
  const admin = clientOf(sightline.url, sightline.key);
  await addAuthority(admin, 'tainan-wrb');
  await addAuthority(admin, 'other');
  const camera = registration({ localId: 'hidden', access: { level: 'restricted' } });
  hidden = (await addCamera(admin, camera)).id;
  for (const program of PROGRAMS) tokens.set(program, await provider.tokenOf(program));
  for (const role of ROLES) {
    const authority = role === 'auditor' || role === 'administrator' ? {} : { authority: 'tainan-wrb' };
    expect(await addMember({ subject: role, role, ...authority })).toMatchObject({ status: 201 });
  }
}, 120_000);
afterAll(async () => {
  await sightline.close();
  await provider.close();
});

interface Asked {
  readonly method?: string;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

/** A request of a program, which has no cookies. @param bearer a key or a token; none: nobody */
const ask = (path: string, bearer: string | undefined, { method, body, headers = {} }: Asked = {}): Promise<Seen> =>
  new Browser().visit(`${sightline.url}${path}`, {
    ...(method === undefined ? {} : { method }),
    headers: { ...(bearer === undefined ? {} : { authorization: `Bearer ${bearer}` }), ...headers },
    body,
  });

const tokenOf = (program: string): string => tokens.get(program) ?? '';

const addMember = (member: object, bearer = sightline.key): Promise<Seen> =>
  ask('/v1/members', bearer, { method: 'POST', body: { issuer: provider.issuer, ...member } });

let lastSignIn: Promise<unknown> = Promise.resolve();
/** One after the other: the issuer signs in whoever is named at the time. */
function asPerson<T>(person: string | null, work: () => Promise<T>): Promise<T> {
  const mine = lastSignIn.then(() => {
    provider.person = person;
    return work();
  });
  lastSignIn = mine.catch(() => undefined);
  return mine;
}

const signIn = (browser: Browser, person: string | null, query = ''): Promise<Seen & { url: string }> =>
  asPerson(person, () =>
    browser.follow(`${sightline.url}/v1/session/sign-in${query}`, (url) => new URL(url).pathname === '/docs'),
  );

const me = (browser: Browser): Promise<Seen> => browser.visit(`${sightline.url}/v1/session`);

describe('AUTHN-3: an access token', () => {
  test('of the provider is what RFC 9068 says, so that the test is about something', () => {
    expect(decodeJwt(tokenOf('viewer'))).toMatchObject({ iss: provider.issuer, aud: AUDIENCE, sub: 'viewer' });
  });

  test('of somebody without a role is known, and reads what everybody reads', async () => {
    const { status, json } = await ask('/v1/session', tokenOf('nobody'));
    expect([status, json.roles, json.rights, json.subject]).toEqual([200, [], [], 'nobody']);
    expect(json.principal).toMatch(/^person:[\w-]{21}$/);
    expect((await ask('/v1/cameras', tokenOf('nobody'))).status).toBe(200);
    expect((await ask(`/v1/cameras/${hidden}`, tokenOf('nobody'))).status).toBe(404);
    const refused = await ask('/v1/keys', tokenOf('nobody'));
    expect([refused.status, refused.json.code]).toEqual([403, 'forbidden']);
  });

  test('that is wrong is refused on public addresses too', async () => {
    const [header, claims] = tokenOf('viewer').split('.');
    for (const path of ['/v1/cameras', '/v1/session', '/wall', '/problems/not_found']) {
      const { status, json, headers } = await ask(path, `${header}.${claims}.AAAA`);
      expect([path, status, json.code]).toEqual([path, 401, 'unauthenticated']);
      expect(headers.get('www-authenticate')).toMatch(/^Bearer/);
      expect(headers.get('cache-control')).toBe('no-store');
    }
  });
});

const MERGE = 'application/merge-patch+json';

/** What each role may do on a handful of routes (security.md, "Authorisation"): the status that tells. */
const MATRIX: Readonly<
  Record<string, readonly [Asked & { readonly path: () => string }, Readonly<Record<string, number>>]>
> = {
  'read a restricted camera': [
    { path: () => `/v1/cameras/${hidden}` },
    { nobody: 404, viewer: 200, operator: 200, admin: 200, auditor: 404, administrator: 200 },
  ],
  'register a camera': [
    { path: () => '/v1/cameras', method: 'POST', body: { authority: 'tainan-wrb' } },
    { nobody: 403, viewer: 403, operator: 400, admin: 400, auditor: 403, administrator: 400 },
  ],
  'register a camera elsewhere': [
    { path: () => '/v1/cameras', method: 'POST', body: registration({ localId: 'x', authority: 'other' }) },
    { nobody: 403, viewer: 403, operator: 403, admin: 403, auditor: 403, administrator: 201 },
  ],
  'see to keys': [
    { path: () => '/v1/keys' },
    { nobody: 403, viewer: 403, operator: 403, admin: 200, auditor: 403, administrator: 200 },
  ],
  'see to members': [
    { path: () => '/v1/members' },
    { nobody: 403, viewer: 403, operator: 403, admin: 200, auditor: 403, administrator: 200 },
  ],
  'see to webhooks': [
    { path: () => '/v1/webhooks' },
    { nobody: 403, viewer: 403, operator: 403, admin: 200, auditor: 403, administrator: 200 },
  ],
  'change the authority': [
    {
      path: () => '/v1/authorities/tainan-wrb',
      method: 'PATCH',
      body: { name: 'Authority tainan-wrb' },
      headers: { 'if-match': '*', 'content-type': MERGE },
    },
    { nobody: 403, viewer: 403, operator: 403, admin: 200, auditor: 403, administrator: 200 },
  ],
  'change where its cameras may be': [
    {
      path: () => '/v1/authorities/tainan-wrb',
      method: 'PATCH',
      body: { network: { cidrs: ['127.0.0.0/8'], ports: [8080, 8081] } },
      headers: { 'if-match': '*', 'content-type': MERGE },
    },
    { nobody: 403, viewer: 403, operator: 403, admin: 403, auditor: 403, administrator: 200 },
  ],
  'register an authority': [
    { path: () => '/v1/authorities', method: 'POST', body: {} },
    { nobody: 403, viewer: 403, operator: 403, admin: 403, auditor: 403, administrator: 400 },
  ],
};

describe('AUTHN-4: rights come from our tables', () => {
  test.each(Object.entries(MATRIX))('%s', async (_what, [{ path, ...asked }, expected]) => {
    for (const [who, status] of Object.entries(expected)) {
      expect([who, (await ask(path(), tokenOf(who), asked)).status]).toEqual([who, status]);
    }
  });

  test('a person has webhooks, which others of the authority see to', async () => {
    const body = { url: 'https://hooks.example.org/x', types: ['camera.changed'] };
    const made = await ask('/v1/webhooks', tokenOf('admin'), { method: 'POST', body });
    expect([made.status, made.json.owner]).toEqual([201, expect.stringMatching(/^person:/)]);
    const at = `/v1/webhooks/${String(made.json.id)}`;
    const key = async (authority: string): Promise<string> => {
      const wanted = { name: 'x', scopes: ['webhooks:write'], authorities: [authority] };
      return String((await ask('/v1/keys', sightline.key, { method: 'POST', body: wanted })).json.key);
    };
    expect((await ask(at, await key('tainan-wrb'))).json).toMatchObject({ id: made.json.id, enabled: true });
    expect((await ask(at, await key('other'))).status).toBe(404);
    const change = { method: 'PATCH', body: { enabled: false }, headers: { 'if-match': '*', 'content-type': MERGE } };
    expect((await ask(at, tokenOf('viewer'), change)).status).toBe(403);
    expect((await ask(at, await key('tainan-wrb'), change)).json).toMatchObject({
      enabled: false,
      owner: made.json.owner,
    });
    expect((await ask(at, tokenOf('admin'), { ...change, body: { enabled: true } })).json.owner).toBe(made.json.owner);
    const end = { method: 'DELETE', headers: { 'if-match': '*' } };
    expect((await ask(at, tokenOf('admin'), end)).status).toBe(204);
  });

  // Tests that wait for the end of a belief wait at the same time.
  test.concurrent(
    'a role that changes or is taken away counts within five seconds',
    async () => {
      const token = tokenOf('changing');
      const added = await addMember({ subject: 'changing', authority: 'tainan-wrb', role: 'admin' });
      expect((await ask('/v1/keys', token)).status).toBe(200);
      const at = `/v1/members/${String(added.json.id)}`;
      const headers = { 'if-match': '*', 'content-type': MERGE };
      expect((await ask(at, sightline.key, { method: 'PATCH', body: { role: 'viewer' }, headers })).status).toBe(200);
      await wait(A_WHILE_MS);
      expect((await ask('/v1/keys', token)).status).toBe(403);
      expect((await ask(`/v1/cameras/${hidden}`, token)).status).toBe(200);
      expect((await ask(at, sightline.key, { method: 'DELETE', headers: { 'if-match': '*' } })).status).toBe(204);
      await wait(A_WHILE_MS);
      expect((await ask(`/v1/cameras/${hidden}`, token)).status).toBe(404);
    },
    60_000,
  );

  test.concurrent(
    'AUTHN-2: a key that a person made shrinks with the person',
    async () => {
      const added = await addMember({ subject: 'shrinking', authority: 'tainan-wrb', role: 'admin' });
      const mint = (scopes: readonly string[], bearer: string): Promise<Seen> =>
        ask('/v1/keys', bearer, { method: 'POST', body: { name: 'mine', scopes, authorities: ['tainan-wrb'] } });
      const minted = await mint(['cameras:read', 'cameras:write'], tokenOf('shrinking'));
      expect(minted.json.createdBy).toMatch(/^person:/);
      expect((await mint(['keys:write'], tokenOf('shrinking'))).status).toBe(403);
      const key = String(minted.json.key);
      const register = { method: 'POST', body: { authority: 'tainan-wrb' } };
      expect((await ask('/v1/cameras', key, register)).status).toBe(400);
      const at = `/v1/members/${String(added.json.id)}`;
      const headers = { 'if-match': '*', 'content-type': MERGE };
      await ask(at, sightline.key, { method: 'PATCH', body: { role: 'viewer' }, headers });
      await wait(A_WHILE_MS);
      expect((await ask('/v1/cameras', key, register)).status).toBe(403);
      expect((await ask(`/v1/cameras/${hidden}`, key)).status).toBe(200);
      await ask(at, sightline.key, { method: 'DELETE', headers: { 'if-match': '*' } });
      await wait(A_WHILE_MS);
      expect((await ask(`/v1/cameras/${hidden}`, key)).status).toBe(404);
    },
    60_000,
  );
});

describe('AUTHN-5: sign-in by an issuer', () => {
  test('leads back to where it began, as whoever the issuer says', async () => {
    const browser = new Browser();
    const end = await signIn(browser, 'lin', '?returnTo=/docs%3Fa%3D1');
    expect(new URL(end.url).href).toBe(`${sightline.url}/docs?a=1`);
    const { json } = await me(browser);
    expect(json).toMatchObject({ name: 'Name of lin', issuer: provider.issuer, subject: 'lin', roles: [], rights: [] });
    expect(Date.parse(String(json.expiresAt)) - Date.now()).toBeGreaterThan(11.9 * 3_600_000);
    expect([...browser.cookiesOf(sightline.url).keys()]).toEqual(['sightline']);
  });

  test('names the issuer, PKCE and a state, and keeps no secret in the address', async () => {
    const { status, headers } = await new Browser().visit(
      `${sightline.url}/v1/session/sign-in?issuer=${provider.issuer}`,
    );
    const to = new URL(headers.get('location') ?? '');
    expect([status, to.origin]).toEqual([302, provider.issuer]);
    expect(Object.fromEntries(to.searchParams)).toMatchObject({
      client_id: 'console',
      response_type: 'code',
      code_challenge_method: 'S256',
      code_challenge: expect.stringMatching(/^[\w-]{43}$/),
      state: expect.stringMatching(/.{20}/),
      redirect_uri: `${sightline.url}/v1/session/callback`,
    });
    expect(to.searchParams.has('code_verifier')).toBe(false);
  });

  test('takes the name that a member has here', async () => {
    await addMember({ subject: 'wu', name: 'Wu Chun-hao', authority: 'tainan-wrb', role: 'operator' });
    const browser = new Browser();
    await signIn(browser, 'wu', '?returnTo=/docs');
    expect((await me(browser)).json).toMatchObject({
      name: 'Wu Chun-hao',
      roles: [{ authority: 'tainan-wrb', role: 'operator' }],
    });
    const visit = (visit: Asked): Promise<Seen> => browser.visit(`${sightline.url}/v1/cameras`, visit);
    const body = registration({ localId: 'of-wu' });
    expect((await visit({ method: 'POST', body, headers: OWN_PAGE })).status).toBe(201);
    expect((await visit({ method: 'POST', body })).json.code).toBe('csrf_rejected');
  });

  test('by somebody who changes his mind is none', async () => {
    const browser = new Browser();
    const { status, json } = await signIn(browser, null);
    expect([status, json.code, json.detail]).toEqual([
      401,
      'unauthenticated',
      expect.stringContaining('access_denied'),
    ]);
    expect((await me(browser)).json.principal).toBe('anonymous');
  });

  test.each([
    '//evil.example',
    'https://evil.example',
    '/\\evil.example',
    '/.//evil.example',
    'wall',
    '/a%0d%0ab',
    '/%09/x',
    '',
  ])('leads nowhere else: returnTo=%s', async (returnTo) => {
    const { status, json } = await new Browser().visit(`${sightline.url}/v1/session/sign-in?returnTo=${returnTo}`);
    expect([status, json.code]).toEqual([400, 'invalid_parameter']);
  });

  test('in one browser is none in another, nor with another state, nor twice', async () => {
    const [browser, other] = [new Browser(), new Browser()];
    const isBack = (url: string): boolean => url.startsWith(`${sightline.url}/v1/session/callback`);
    const begin = () => browser.follow(`${sightline.url}/v1/session/sign-in`, isBack);
    const { url } = await asPerson('lin', begin);
    const foreign = await other.visit(url);
    expect([foreign.status, foreign.json.code]).toEqual([403, 'csrf_rejected']);
    const cookies = new Map(browser.cookiesOf(sightline.url));
    const forged = await browser.visit(url.replace(/state=[^&]+/, 'state=guessed'));
    expect([forged.status, forged.json.code]).toEqual([403, 'csrf_rejected']);
    browser.jar.set(sightline.url, new Map(cookies));
    expect((await browser.visit(url)).status).toBe(303);
    browser.cookiesOf(sightline.url).set('sightline-sign-in', cookies.get('sightline-sign-in') ?? '');
    const again = await browser.visit(url);
    expect([again.status, again.json.code]).toEqual([401, 'unauthenticated']);
  });

  test.concurrent(
    'ends the session that the browser had, and gives another token',
    async () => {
      const browser = new Browser();
      await signIn(browser, 'lin', '?returnTo=/docs');
      const first = browser.cookiesOf(sightline.url).get('sightline') ?? '';
      await signIn(browser, 'lin', '?returnTo=/docs');
      expect(browser.cookiesOf(sightline.url).get('sightline')).not.toBe(first);
      await wait(A_WHILE_MS);
      const old = new Browser();
      old.cookiesOf(sightline.url).set('sightline', first);
      expect((await old.visit(`${sightline.url}/v1/cameras`)).status).toBe(401);
    },
    30_000,
  );

  test.concurrent(
    'GHSA-g9v2-wqcj-j99g (Uptime Kuma): a change of role ends the sessions of the person',
    async () => {
      const browser = new Browser();
      await signIn(browser, 'chen', '?returnTo=/docs');
      expect((await me(browser)).json.subject).toBe('chen');
      await addMember({ subject: 'chen', authority: 'tainan-wrb', role: 'viewer' });
      await wait(A_WHILE_MS);
      const { status, json } = await browser.visit(`${sightline.url}/v1/cameras`);
      expect([status, json.code]).toEqual([401, 'unauthenticated']);
      await signIn(browser, 'chen', '?returnTo=/docs');
      expect((await me(browser)).json.roles).toEqual([{ authority: 'tainan-wrb', role: 'viewer' }]);
    },
    30_000,
  );

  test('by an issuer that nobody knows is refused, and names those there are', async () => {
    const { status, json } = await new Browser().visit(
      `${sightline.url}/v1/session/sign-in?issuer=https://evil.example`,
    );
    expect([status, json.code, json.detail]).toEqual([
      400,
      'invalid_parameter',
      expect.stringContaining(provider.issuer),
    ]);
  });
});

describe('AUTHN-3: an issuer that is down', () => {
  test('locks nobody out whose key is known; else it is 503, never a wrong 401', async () => {
    expect((await ask('/v1/keys', tokenOf('admin'))).status).toBe(200);
    await provider.shut();
    await wait(A_WHILE_MS);
    expect((await ask('/v1/keys', tokenOf('admin'))).status).toBe(200);
    await sightline.restart();
    const { status, json, headers } = await ask('/v1/keys', tokenOf('admin'));
    expect([status, json.code]).toEqual([503, 'issuer_unavailable']);
    expect(Number(headers.get('retry-after'))).toBeGreaterThan(0);
    const begun = await new Browser().visit(`${sightline.url}/v1/session/sign-in`);
    expect([begun.status, begun.json.code]).toEqual([503, 'issuer_unavailable']);
    // What needs no issuer goes on.
    expect((await ask('/v1/keys', sightline.key)).status).toBe(200);
    await provider.open();
  }, 60_000);

  test('no secret of ours stands in the logs', () => {
    const logs = sightline.program().stdout() + sightline.program().stderr();
    expect(logs).not.toContain(String(provider.settings.clientSecret));
    for (const token of tokens.values()) expect(logs).not.toContain(token);
  });
});
