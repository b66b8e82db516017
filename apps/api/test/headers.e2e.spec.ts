import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type Sightline, startSightline } from '#testing';
import { clientOf, dataOf } from './client.js';
import { addAuthority, addCamera, registration } from './fixtures.js';

/** WEB-1 to WEB-4, RATE-1 and the table of api.md, over every operation that there is. */
let sightline: Sightline;
let cameraId: string;

const MAP = 'https://map.example.org';

beforeAll(async () => {
  sightline = await startSightline({
    env: { SIGHTLINE_RATE_LIMITS: 'on', SIGHTLINE_TRUST_PROXY: '127.0.0.1', SIGHTLINE_CORS_ORIGINS: MAP },
  });
  const admin = clientOf(sightline.url, sightline.key);
  await addAuthority(admin, 'tainan-wrb');
  cameraId = (await addCamera(admin, registration({ localId: 'one' }))).id;
}, 60_000);
afterAll(() => sightline.close());

interface Operation {
  readonly operationId: string;
  readonly method: string;
  readonly path: string;
  readonly budget: string;
  readonly permission: string;
}

const OPERATIONS: readonly Operation[] = Object.entries(
  (
    JSON.parse(readFileSync(new URL('../../../openapi.json', import.meta.url), 'utf8')) as {
      paths: Record<string, Record<string, Record<string, string>>>;
    }
  ).paths,
).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, operation]) => ({
    operationId: operation.operationId ?? '',
    method: method.toUpperCase(),
    path,
    budget: operation['x-budget'] ?? '',
    permission: operation['x-permission'] ?? '',
  })),
);

const PLACES: Readonly<Record<string, string>> = { slug: 'tainan-wrb', localId: 'one', code: 'not_found' };

/** Each test asks from an address of its own, through a proxy that is trusted, over https. */
let asked = 0;
async function ask({ method, path }: Operation, headers: Record<string, string> = {}): Promise<Response> {
  asked += 1;
  const filled = path.replace(/\{(\w+)\}/g, (_, name: string) => PLACES[name] ?? cameraId);
  const leaving = new AbortController();
  const response = await fetch(`${sightline.url}${filled}`, {
    method,
    headers: {
      'x-forwarded-for': `198.51.${asked >> 8}.${asked & 255}`,
      'x-forwarded-proto': 'https',
      ...headers,
    },
    redirect: 'manual',
    signal: leaving.signal,
  });
  if (response.headers.get('content-type')?.startsWith('text/event-stream') === true) leaving.abort();
  else await response.arrayBuffer();
  return response;
}

/** What is not `public, max-age=5` where anybody reads it. */
const CACHED: Readonly<Record<string, string>> = {
  explainProblem: 'public, max-age=300',
  isAlive: 'no-store',
  isReady: 'no-store',
  getMetrics: 'no-store',
  streamEvents: 'no-store',
};
/** What tells each caller of himself. */
const isOfSession = ({ path }: Operation): boolean => path.startsWith('/v1/session');

describe('headers of every operation (WEB-3, RATE-1)', () => {
  test.each(OPERATIONS)('$method $path', async (operation) => {
    const response = await ask(operation, { origin: 'https://any.example' });
    const { headers, status } = response;
    const isHtml = headers.get('content-type')?.startsWith('text/html') === true;
    expect({
      nosniff: headers.get('x-content-type-options'),
      referrer: headers.get('referrer-policy'),
      resources: headers.get('cross-origin-resource-policy'),
      opener: headers.get('cross-origin-opener-policy'),
      vary: headers.get('vary'),
      transport: headers.get('strict-transport-security'),
      requestId: headers.get('x-request-id'),
    }).toEqual({
      nosniff: 'nosniff',
      referrer: 'no-referrer',
      resources: 'same-origin',
      opener: isHtml ? 'same-origin' : null,
      vary: 'Accept, Authorization, Cookie, Origin',
      transport: 'max-age=31536000',
      requestId: expect.stringMatching(/^[0-9a-f-]{36}$/),
    });
    const policy = headers.get('content-security-policy') ?? '';
    expect(policy).toMatch(/^default-src 'none'; .*frame-ancestors 'none'/);
    expect(policy).not.toMatch(/unsafe|https?:|\*/);

    const isRead = operation.method === 'GET';
    const isShared = isRead && status < 400 && !isOfSession(operation);
    expect([status, headers.get('cache-control')]).toEqual([
      status,
      isShared ? (CACHED[operation.operationId] ?? 'public, max-age=5') : 'no-store',
    ]);
    expect(headers.get('access-control-allow-origin')).toBe(isRead ? '*' : null);
    expect(headers.get('access-control-allow-credentials')).toBeNull();
    if (operation.budget === 'none') expect(headers.get('ratelimit')).toBeNull();
    else {
      expect(headers.get('ratelimit-policy')).toMatch(new RegExp(`^"${operation.budget}";q=\\d+;(?:w=60|qu=)`));
      expect(headers.get('ratelimit')).toMatch(new RegExp(`^"${operation.budget}";r=\\d+`));
    }
    expect(status).toBeLessThan(500);
    if (operation.permission !== 'public') expect(status).toBe(401);
  });

  test.each(OPERATIONS.filter(({ method }) => method === 'GET'))('$method $path under a key', async (operation) => {
    const authorization = `Bearer ${sightline.key}`;
    const mine = await ask(operation, { authorization, origin: 'https://any.example' });
    const isOfAll = operation.operationId === 'explainProblem';
    expect(mine.headers.get('cache-control')).toBe(isOfAll ? 'public, max-age=300' : 'no-store');
    // No page but those listed reads an answer that was given to a key.
    expect(mine.headers.get('access-control-allow-origin')).toBeNull();
    const listed = await ask(operation, { authorization, origin: MAP });
    expect(listed.headers.get('access-control-allow-origin')).toBe(MAP);
    expect(listed.headers.get('access-control-expose-headers')).toBe(
      'ETag, Link, Location, Retry-After, RateLimit, RateLimit-Policy, Deprecation, Sunset, Content-Crs, Sightline-Status, Sightline-Captured-At, Sightline-Stale, Sightline-Height-Reference, Idempotent-Replayed, X-Request-Id',
    );
  });
});

describe('headers beside operations', () => {
  test.each<[string, string, number, string | null]>([
    ['GET', '/openapi.json', 200, 'public, max-age=300'],
    ['GET', '/v1/nothing', 404, 'no-store'],
    ['PUT', '/v1/cameras', 405, 'no-store'],
  ])('%s %s', async (method, path, status, cacheControl) => {
    const response = await fetch(`${sightline.url}${path}`, { method });
    expect([response.status, response.headers.get('cache-control')]).toEqual([status, cacheControl]);
    expect(response.headers.get('x-content-type-options')).toBe('nosniff');
    expect(response.headers.get('content-security-policy')).toBe("default-src 'none'; frame-ancestors 'none'");
    expect(response.headers.get('strict-transport-security')).toBeNull();
  });

  test('WEB-2: the style of our pages is a file under its own hash, for good, and no page holds code or style', async () => {
    const page = await (await fetch(`${sightline.url}/wall`)).text();
    const [, style = ''] = /<link rel="stylesheet" href="(\/assets\/page-[0-9a-f]{16}\.css)">/.exec(page) ?? [];
    const response = await fetch(sightline.url + style);
    expect([response.status, response.headers.get('content-type'), response.headers.get('cache-control')]).toEqual([
      200,
      'text/css; charset=utf-8',
      'public, max-age=31536000, immutable',
    ]);
    expect(response.headers.get('vary')).toBeNull();
    expect(page).not.toMatch(/<style|<script|\sstyle=|\son\w+=|javascript:/i);
  });
});

describe('questions of browsers before they send (WEB-1)', () => {
  const preflight = (origin: string, method: string): Promise<Response> =>
    fetch(`${sightline.url}/v1/cameras`, {
      method: 'OPTIONS',
      headers: { origin, 'access-control-request-method': method, 'access-control-request-headers': 'authorization' },
    });

  test('any page may read what is public, and send no key', async () => {
    const { status, headers } = await preflight('https://any.example', 'GET');
    expect([status, headers.get('access-control-allow-origin')]).toEqual([204, '*']);
    expect(headers.get('access-control-allow-methods')).toBe('GET, HEAD');
    expect(headers.get('access-control-allow-headers')).not.toMatch(/authorization|content-type/i);
  });

  test('a listed page may do all that its key may', async () => {
    const { status, headers } = await preflight(MAP, 'DELETE');
    expect([status, headers.get('access-control-allow-origin')]).toEqual([204, MAP]);
    expect(headers.get('access-control-allow-methods')).toContain('DELETE');
    expect(headers.get('access-control-allow-headers')).toContain('Authorization');
    expect(headers.get('access-control-allow-credentials')).toBeNull();
  });
});

describe('absolute addresses (WEB-4, GHSA-444r-cwp2-x5xf)', () => {
  test.each<[string, Record<string, string>, string]>([
    [
      'a trusted proxy names itself',
      { 'x-forwarded-host': 'cameras.example.org', 'x-forwarded-proto': 'https' },
      'https://cameras.example.org',
    ],
    ['nobody else does', {}, ''],
  ])('%s', async (_, headers, expected) => {
    const response = await fetch(`${sightline.url}/v1/cameras/${cameraId}`, { headers });
    const { links } = (await response.json()) as { links: { self: string } };
    expect(links.self.startsWith(expected === '' ? sightline.url : expected)).toBe(true);
  });

  test('a name in Host that is none of this machine’s is repeated nowhere', async () => {
    const { request } = await import('node:http');
    const url = new URL(`${sightline.url}/v1/cameras?limit=1`);
    const [head, body] = await new Promise<[object, string]>((resolve, reject) => {
      request(url, { headers: { host: 'evil.example', 'x-forwarded-for': '' } }, (response) => {
        let text = '';
        response.on('data', (bytes: Buffer) => (text += bytes.toString()));
        response.on('end', () => resolve([response.headers, text]));
      })
        .on('error', reject)
        .end();
    });
    expect(JSON.stringify(head) + body).not.toContain('evil.example');
    expect(body).toContain(sightline.url);
    expect(dataOf(await clientOf(sightline.url, sightline.key).GET('/v1/cameras')).items).toHaveLength(1);
  });
});
