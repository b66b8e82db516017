import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { setTimeout as wait } from 'node:timers/promises';
import { type Sightline, startSightline } from '#testing';
import { Browser, OWN_PAGE, type Seen, type Visit } from './browser.js';
import { clientOf } from './client.js';
import { addAuthority, addCamera, registration } from './fixtures.js';
import { EventClient } from './event-client.js';

/** AUTHN-5: sessions of browsers, begun with an API key. */
let sightline: Sightline;
let hidden: string;
/** Longer than anything is believed (keys/believed.ts); what is promised is five seconds. */
const A_WHILE_MS = 4_200;

beforeAll(async () => {
  sightline = await startSightline();
  const admin = clientOf(sightline.url, sightline.key);
  await addAuthority(admin, 'tainan-wrb');
  hidden = (await addCamera(admin, registration({ localId: 'hidden', access: { level: 'restricted' } }))).id;
}, 120_000);
afterAll(() => sightline.close());

const visit = (browser: Browser, path: string, how: Visit = {}): Promise<Seen> =>
  browser.visit(`${sightline.url}${path}`, how);

const signIn = (browser: Browser, key = sightline.key, how: Visit = {}): Promise<Seen> =>
  visit(browser, '/v1/session', { method: 'POST', body: { key }, ...how });

async function signedIn(key?: string): Promise<Browser> {
  const browser = new Browser();
  expect((await signIn(browser, key)).status).toBe(201);
  return browser;
}

async function mint(name: string): Promise<{ readonly id: string; readonly key: string }> {
  const admin = clientOf(sightline.url, sightline.key);
  const body = { name, scopes: ['cameras:read' as const, 'keys:write' as const], authorities: ['tainan-wrb'] };
  const { data } = await admin.POST('/v1/keys', { body });
  return { id: data?.id ?? '', key: data?.key ?? '' };
}

const tokenOf = (browser: Browser): string | undefined => browser.cookiesOf(sightline.url).get('sightline');

describe('AUTHN-5: a session', () => {
  test('begins with a key, and is who the key is', async () => {
    const { key } = await mint('of the duty officer');
    const browser = new Browser();
    const { status, headers, json } = await signIn(browser, key);
    expect(status).toBe(201);
    const cookie = headers.get('set-cookie') ?? '';
    expect(cookie).toMatch(/^sightline=[\w-]{43}; Max-Age=43200; Path=\/; HttpOnly; SameSite=Lax$/);
    expect(headers.get('cache-control')).toBe('no-store');
    expect(json).toMatchObject({
      principal: `key:${key.slice(4, 14)}`,
      name: 'of the duty officer',
      rights: [{ authority: 'tainan-wrb', scopes: ['cameras:read', 'keys:write'] }],
    });
    expect((await visit(browser, '/v1/session')).json).toEqual(json);
    expect(JSON.stringify(json)).not.toContain(key);
    expect((await visit(browser, `/v1/cameras/${hidden}`)).status).toBe(200);
    expect((await visit(browser, `/v1/cameras/${hidden}`)).headers.get('cache-control')).toBe('no-store');
  });

  test('is none without one', async () => {
    const { status, json } = await visit(new Browser(), '/v1/session');
    expect([status, json.principal, json.rights, json.expiresAt]).toEqual([200, 'anonymous', [], null]);
  });

  test('is kept as a hash alone', async () => {
    const token = tokenOf(await signedIn()) ?? '';
    const logs = sightline.program().stdout() + sightline.program().stderr();
    expect(logs).not.toContain(token);
    if (sightline.database === null) return;
    const rows = await sightline.database.db.query<unknown[]>('select * from session');
    expect(rows.length).toBeGreaterThan(0);
    expect(JSON.stringify(rows)).not.toContain(token);
    expect(rows.some((row) => JSON.stringify(row).includes(Buffer.from(token).toString('hex')))).toBe(false);
  });

  test.each<[string, unknown, number, string]>([
    ['of a key with a typing error', { key: 'slk_0123456789_x' }, 401, 'unauthenticated'],
    ['of a key that nobody has', { key: `slk_0123456789_${'A'.repeat(43)}2fVGnT` }, 401, 'unauthenticated'],
    ['without a key', {}, 400, 'validation_failed'],
    ['with more than a key', { key: 'slk_', name: 'x' }, 400, 'validation_failed'],
    ['of another kind', { key: 7 }, 400, 'validation_failed'],
  ])('does not begin by a body %s', async (_what, body, status, code) => {
    const browser = new Browser();
    const seen = await visit(browser, '/v1/session', { method: 'POST', body });
    expect([seen.status, seen.json.code, tokenOf(browser)]).toEqual([status, code, undefined]);
  });

  // Tests that wait for the end of a belief wait at the same time.
  test.concurrent('takes the place of the one that the browser had, under another token', async () => {
    const browser = await signedIn();
    const before = tokenOf(browser) ?? '';
    expect((await signIn(browser)).status).toBe(201);
    expect(tokenOf(browser)).not.toBe(before);
    await wait(A_WHILE_MS);
    const old = new Browser();
    old.cookiesOf(sightline.url).set('sightline', before);
    expect((await visit(old, '/v1/cameras')).status).toBe(401);
  });

  test('GHSA-g9v2-wqcj-j99g (Uptime Kuma): ends by sign-out, at once here', async () => {
    const browser = await signedIn();
    const token = tokenOf(browser) ?? '';
    const seen = await visit(browser, '/v1/session', { method: 'DELETE', headers: OWN_PAGE });
    expect([seen.status, tokenOf(browser)]).toEqual([204, undefined]);
    browser.cookiesOf(sightline.url).set('sightline', token);
    expect((await visit(browser, `/v1/cameras/${hidden}`)).status).toBe(401);
    expect((await visit(browser, '/v1/session', { method: 'DELETE', headers: OWN_PAGE })).status).toBe(204);
  });

  test.concurrent('GHSA-g9v2-wqcj-j99g (Uptime Kuma): ends with its key, and its event stream too', async () => {
    const { id, key } = await mint('to be revoked');
    const browser = await signedIn(key);
    const stream = new EventClient(`${sightline.url}/v1/events`, { cookie: `sightline=${tokenOf(browser)}` });
    await stream.opened();
    expect(stream.status).toBe(200);
    const revoked = await visit(new Browser(), `/v1/keys/${id}`, {
      method: 'DELETE',
      headers: { authorization: `Bearer ${sightline.key}` },
    });
    expect(revoked.status).toBe(204);
    await wait(A_WHILE_MS);
    expect((await visit(browser, '/v1/cameras')).status).toBe(401);
    await stream.until(({ isEnded }) => isEnded, 5_000);
  });

  test('outlives a restart of the program', async () => {
    const browser = await signedIn();
    await sightline.restart();
    expect((await visit(browser, `/v1/cameras/${hidden}`)).status).toBe(200);
  }, 60_000);
});

describe('AUTHN-5: the cookie of a session that is over', () => {
  const stale = (): Browser => {
    const browser = new Browser();
    browser.cookiesOf(sightline.url).set('sightline', 'A'.repeat(43));
    return browser;
  };

  test.each([
    '/v1/cameras',
    '/v1/authorities',
    '/v1/cameras/019ac8f2-6d1b-7a55-9d0e-3f2b8c4d5e6f/thumbnail',
    '/v1/events',
  ])('is a 401 at %s and is taken back: never silently anonymous', async (path) => {
    const browser = stale();
    const { status, json } = await visit(browser, path);
    expect([status, json.code, tokenOf(browser)]).toEqual([401, 'unauthenticated', undefined]);
    // So the next request of the same page goes through.
    expect((await visit(browser, '/v1/cameras')).status).toBe(200);
  });

  test.each(['/', '/wall', '/v1/session', '/problems/not_found', '/livez'])(
    'locks nobody out at %s, and no cache keeps that answer for others',
    async (path) => {
      const browser = stale();
      const { status, headers } = await visit(browser, path);
      expect([status, tokenOf(browser)]).toEqual([200, undefined]);
      if (!path.startsWith('/problems')) expect(headers.get('cache-control')).toBe('no-store');
    },
  );

  test.each(['', 'x', '%', 'A'.repeat(5_000), 'a"b', '{}'])('may be anything: %s', async (token) => {
    const browser = new Browser();
    browser.cookiesOf(sightline.url).set('sightline', token);
    expect((await visit(browser, '/v1/cameras')).status).toBeLessThan(500);
    expect((await visit(browser, '/v1/session')).json.principal).toBe('anonymous');
  });
});

/** Whether a request that changes something goes through with the cookie alone. */
const CSRF: readonly (readonly [what: string, headers: Readonly<Record<string, string>>, passes: boolean])[] = [
  ['from our own page', { 'sec-fetch-site': 'same-origin' }, true],
  ['from another site', { 'sec-fetch-site': 'cross-site' }, false],
  ['from a neighbour under the same domain', { 'sec-fetch-site': 'same-site' }, false],
  ['typed into the address bar', { 'sec-fetch-site': 'none' }, false],
  ['from another site that claims our origin', { 'sec-fetch-site': 'cross-site', origin: 'OURS' }, false],
  ['of an older browser from our own page', { origin: 'OURS' }, true],
  ['of an older browser from another site', { origin: 'https://evil.example' }, false],
  ['of an older browser from a file or a frame', { origin: 'null' }, false],
  ['from another port of this host', { origin: 'http://127.0.0.1:1' }, false],
  ['without a word', {}, false],
  ['as a form', { 'sec-fetch-site': 'same-origin', 'content-type': 'application/x-www-form-urlencoded' }, false],
  [
    'as a form with a file',
    { 'sec-fetch-site': 'same-origin', 'content-type': 'multipart/form-data; boundary=x' },
    false,
  ],
  ['as text', { 'sec-fetch-site': 'same-origin', 'content-type': 'text/plain' }, false],
  [
    'as text that says JSON',
    { 'sec-fetch-site': 'same-origin', 'content-type': 'text/plain; x=application/json' },
    false,
  ],
  [
    'as JSON with a charset',
    { 'sec-fetch-site': 'same-origin', 'content-type': 'application/json; charset=utf-8' },
    true,
  ],
];

describe('AUTHN-5: a request with the cookie', () => {
  test.each(CSRF)('%s', async (_what, headers, passes) => {
    const browser = await signedIn();
    const sent = Object.fromEntries(
      Object.entries(headers).map(([name, value]) => [name, value === 'OURS' ? sightline.url : value]),
    );
    // A body that is wrong: nothing is ever changed here.
    const { status, json } = await visit(browser, '/v1/cameras', { method: 'POST', body: {}, headers: sent });
    expect([status, json.code]).toEqual(passes ? [400, 'validation_failed'] : [403, 'csrf_rejected']);
  });

  test('of every method that changes something is judged, and none that reads', async () => {
    const browser = await signedIn();
    const foreign = { 'sec-fetch-site': 'cross-site' };
    for (const [method, path] of [
      ['PUT', `/v1/cameras/${hidden}`],
      ['PATCH', `/v1/cameras/${hidden}`],
      ['DELETE', `/v1/cameras/${hidden}`],
      ['POST', `/v1/cameras/${hidden}/probe`],
      ['POST', '/v1/coverage'],
      ['DELETE', '/v1/session'],
    ] as const) {
      const { status, json } = await visit(browser, path, { method, headers: foreign });
      expect([method, path, status, json.code]).toEqual([method, path, 403, 'csrf_rejected']);
    }
    for (const method of ['GET', 'HEAD']) {
      expect((await visit(browser, `/v1/cameras/${hidden}`, { method, headers: foreign })).status).toBe(200);
    }
  });

  test('takes files where they are asked for, of types that no form sends', async () => {
    const browser = await signedIn();
    const at = '/v1/imports?authority=tainan-wrb&profile=csv&dryRun=true';
    const send = (type: string): Promise<Seen> =>
      visit(browser, at, { method: 'POST', body: 'x', headers: { ...OWN_PAGE, 'content-type': type } });
    expect((await send('text/csv')).json.code).not.toBe('csrf_rejected');
    expect((await send('text/plain')).json.code).toBe('csrf_rejected');
  });

  test('beside an Authorization header counts for nothing', async () => {
    const browser = await signedIn();
    const { key } = await mint('beside a cookie');
    const headers = { authorization: `Bearer ${key}` };
    expect((await visit(browser, '/v1/session', { headers })).json.principal).toBe(`key:${key.slice(4, 14)}`);
    const { json } = await visit(browser, '/v1/cameras', { method: 'POST', body: {}, headers });
    expect(json.code).toBe('forbidden');
    const wrong = await visit(browser, '/v1/cameras', { headers: { authorization: 'Bearer slk_wrong' } });
    expect(wrong.status).toBe(401);
  });
});

describe('AUTHN-5: a sign-in', () => {
  test.each([
    ['from another site', { 'sec-fetch-site': 'cross-site' }],
    ['of an older browser from another site', { origin: 'https://evil.example' }],
  ])('%s signs nobody in', async (_what, headers) => {
    const browser = new Browser();
    const { status, json } = await signIn(browser, undefined, { headers });
    expect([status, json.code, tokenOf(browser)]).toEqual([403, 'csrf_rejected', undefined]);
  });

  test('as a form signs nobody in', async () => {
    const { status } = await signIn(new Browser(), undefined, { headers: { 'content-type': 'text/plain' } });
    expect(status).toBe(415);
  });

  test('where nobody signs in by an issuer is refused', async () => {
    const { status, json } = await visit(new Browser(), '/v1/session/sign-in');
    expect([status, json.code]).toEqual([400, 'invalid_parameter']);
    expect((await visit(new Browser(), '/v1/session/callback?code=x&state=y')).json.code).toBe('csrf_rejected');
  });
});

describe('AUTHN-5: how browsers reach us', () => {
  let behindProxy: Sightline;
  beforeAll(async () => {
    behindProxy = await startSightline({
      env: { SIGHTLINE_PUBLIC_URL: 'https://cameras.example.org', SIGHTLINE_RATE_LIMITS: 'on' },
    });
  }, 120_000);
  afterAll(() => behindProxy.close());

  const begin = (body: unknown, headers: Readonly<Record<string, string>> = {}): Promise<Seen> =>
    new Browser().visit(`${behindProxy.url}/v1/session`, { method: 'POST', body, headers });

  test('over https the cookie is Secure and of this host alone', async () => {
    const { status, headers } = await begin({ key: behindProxy.key });
    const cookie = headers.get('set-cookie') ?? '';
    expect(status).toBe(201);
    expect(cookie).toMatch(/^__Host-sightline=[\w-]{43}; Max-Age=43200; Path=\/; HttpOnly; Secure; SameSite=Lax$/);
    const token = /=([\w-]{43})/.exec(cookie)?.[1] ?? '';
    const who = async (name: string): Promise<unknown> =>
      (await new Browser().visit(`${behindProxy.url}/v1/session`, { headers: { cookie: `${name}=${token}` } })).json
        .principal;
    expect(await who('__Host-sightline')).toMatch(/^key:/);
    // A neighbour under the same domain could have planted this one.
    expect(await who('sightline')).toBe('anonymous');
  });

  test('the origin is that of the public address', async () => {
    expect((await begin({ key: behindProxy.key }, { origin: 'https://cameras.example.org' })).status).toBe(201);
    expect((await begin({ key: behindProxy.key }, { origin: behindProxy.url })).json.code).toBe('csrf_rejected');
  });

  test('cookies that are guessed are too many at some time, and lock nobody out who is in', async () => {
    const { headers } = await begin({ key: behindProxy.key });
    const good = /=([\w-]{43})/.exec(headers.get('set-cookie') ?? '')?.[1] ?? '';
    const show = async (token: string): Promise<number> =>
      (await new Browser().visit(`${behindProxy.url}/v1/keys`, { headers: { cookie: `__Host-sightline=${token}` } }))
        .status;
    expect(await show(good)).toBe(200);
    const guess = (i: number): string => String(i).padStart(43, 'x');
    for (let i = 0; i < 80; i += 1) expect([401, 429]).toContain(await show(guess(i)));
    expect(await show(guess(81))).toBe(429);
    expect(await show(guess(79))).not.toBe(200);
    expect(await show(good)).toBe(200);
  }, 30_000);

  test('over plain http from elsewhere there is no session, and it is said why', async () => {
    const response = await fetch(`${sightline.url}/v1/session`, { method: 'POST' });
    expect(response.status).toBe(415);
    const { status, json } = await askAs('cameras.example.org', sightline.url, sightline.key);
    expect([status, json.code, json.detail]).toEqual([
      403,
      'forbidden',
      expect.stringContaining('SIGHTLINE_PUBLIC_URL'),
    ]);
  });
});

/** A sign-in by a browser that knows us by another name; `fetch` sets no Host. */
async function askAs(
  host: string,
  url: string,
  key: string,
): Promise<{ status: number; json: Record<string, unknown> }> {
  const { request } = await import('node:http');
  const body = JSON.stringify({ key });
  return new Promise((resolve, reject) => {
    const headers = { host, 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) };
    request(`${url}/v1/session`, { method: 'POST', headers }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
      response.on('end', () =>
        resolve({ status: response.statusCode ?? 0, json: JSON.parse(text) as Record<string, unknown> }),
      );
    })
      .on('error', reject)
      .end(body);
  });
}
