import { Agent, request } from 'node:http';
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { SCOPES } from '#catalog';
import { type Sightline, startSightline } from '#testing';
import { clientOf, dataOf } from './client.js';
import { addAuthority, addCamera, OPERATOR, registration } from './fixtures.js';

/** Ways past a door: odd spellings of paths and media types, and children whose parent is hidden (AUTHZ-6). */
let sightline: Sightline;
let operations: readonly Operation[];
/** A restricted camera, of which strangers may not know. */
let hidden: string;
/** A key with every right of an operator in another authority. */
let foreignKey: string;
const CANARY = 'canary5d1e';
const agent = new Agent({ keepAlive: true, maxSockets: 8 });

interface Operation {
  readonly method: string;
  /** With `{id}` and the like. */
  readonly path: string;
  readonly permission: string;
  readonly isPublic: boolean;
  readonly bodyType: string | null;
}

interface Answer {
  readonly status: number;
  readonly text: string;
}

/** Sends a request whose path stays as it is written. */
function send(
  method: string,
  path: string,
  { headers = {}, body = '', key }: { headers?: Record<string, string>; body?: string; key?: string } = {},
): Promise<Answer> {
  const { hostname, port } = new URL(sightline.url);
  return new Promise((resolve, reject) => {
    const sent = request({
      agent,
      hostname,
      port,
      method,
      path,
      headers: { ...(key === undefined ? {} : { authorization: `Bearer ${key}` }), ...headers },
    });
    sent.on('error', reject).on('response', (response) => {
      let text = JSON.stringify(response.headers);
      response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
      response.on('end', () => resolve({ status: response.statusCode ?? 0, text }));
    });
    sent.end(body);
  });
}

interface Described {
  readonly 'x-permission'?: string;
  readonly requestBody?: { readonly content: Readonly<Record<string, unknown>> };
}

async function operationsOf(url: string): Promise<readonly Operation[]> {
  const description = (await (await fetch(`${url}/openapi.json`)).json()) as {
    readonly paths: Readonly<Record<string, Readonly<Record<string, Described>>>>;
  };
  return Object.entries(description.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, { requestBody, ...operation }]) => ({
      method: method.toUpperCase(),
      path,
      permission: operation['x-permission'] ?? 'none',
      isPublic: operation['x-permission'] === 'public',
      bodyType: requestBody === undefined ? null : (Object.keys(requestBody.content)[0] ?? null),
    })),
  );
}

/** A path with this id in it, and the same other one wherever it wants more. */
const filled = (path: string, id: string): string => path.replace('{id}', id).replace(/\{\w+\}/g, OTHER_ID);
const OTHER_ID = '0190a5d0-0000-7000-8000-000000000000';

beforeAll(async () => {
  sightline = await startSightline();
  operations = await operationsOf(sightline.url);
  const admin = clientOf(sightline.url, sightline.key);
  await addAuthority(admin, 'tainan-wrb');
  await addAuthority(admin, 'other');
  const body = registration({ localId: CANARY, name: CANARY, access: { level: 'restricted' } });
  hidden = (await addCamera(admin, body)).id;
  const rights = { name: 'foreign', scopes: OPERATOR, authorities: ['other'] };
  foreignKey = dataOf(await admin.POST('/v1/keys', { body: rights })).key;
}, 60_000);
afterAll(async () => {
  agent.destroy();
  await sightline.close();
});

/** Other spellings of a path, some of which mean the same to one reader and not to another. */
const SPELLINGS: Readonly<Record<string, (path: string) => string>> = {
  'as it is': (path) => path,
  'a slash behind it': (path) => `${path}/`,
  'two slashes behind it': (path) => `${path}//`,
  'two slashes before it': (path) => `/${path}`,
  'two slashes within': (path) => path.replace('/v1/', '/v1//'),
  'capital letters': (path) => path.toUpperCase(),
  'a letter in percent': (path) => path.replace('v', '%76'),
  'every letter in percent': (path) =>
    path.replace(/[a-z]/g, (letter) => `%${letter.charCodeAt(0).toString(16).padStart(2, '0')}`),
  'percent twice': (path) => path.replace('v', '%2576'),
  'a slash in percent': (path) => path.replace('/v1/', '/v1%2F'),
  'a slash in percent behind it': (path) => `${path}%2f`,
  'a dot within': (path) => path.replace('/v1/', '/v1/./'),
  'two dots within': (path) => path.replace('/v1/', '/livez/../v1/'),
  'two dots in percent': (path) => path.replace('/v1/', '/livez/%2e%2e/v1/'),
  'a dot behind it': (path) => `${path}.`,
  'a dot as its last part': (path) => `${path}/.`,
  'an ending': (path) => `${path}.json`,
  'a matrix parameter': (path) => `${path};a=b`,
  'an empty query': (path) => `${path}?`,
  'a question mark in percent': (path) => `${path}%3f`,
  'a number sign': (path) => `${path}#a`,
  'a number sign in percent': (path) => `${path}%23`,
  'a zero byte in percent': (path) => `${path}%00`,
  'a blank in percent': (path) => `${path}%20`,
  'a line end in percent': (path) => `${path}%0d%0a`,
  backslashes: (path) => path.replaceAll('/', '\\'),
  'bytes that are no UTF-8': (path) => path.replace('/v1/', '%c0%afv1%c0%af'),
  'the whole address': (path) => `http://elsewhere.example${path}`,
};

/** Headers by which proxies tell applications of another path or method. */
const REWRITES: readonly Record<string, string>[] = [
  { 'x-original-url': '/livez' },
  { 'x-rewrite-url': '/livez' },
  { 'x-forwarded-uri': '/livez', 'x-forwarded-prefix': '/livez' },
  { 'x-http-method-override': 'GET', 'x-method-override': 'GET' },
];

test('AUTHZ-6: every operation says who may use it', () => {
  expect(operations.length).toBeGreaterThan(50);
  const known = ['public', ...SCOPES];
  expect(operations.filter(({ permission }) => !known.includes(permission)).map(({ path }) => path)).toEqual([]);
});

describe('CVE-2025-69211, CVE-2026-2293, CVE-2026-22031 (AUTHZ-6): no spelling of a path goes past its permission', () => {
  test.each(Object.entries(SPELLINGS))('%s: without a key nothing is done or shown', async (_, spelt) => {
    const through: string[] = [];
    for (const { method, path, isPublic } of operations) {
      if (isPublic) continue;
      const { status, text } = await send(method, spelt(filled(path, hidden)));
      if (status < 400 || status >= 500 || text.includes(CANARY)) through.push(`${method} ${path} ${status}`);
    }
    expect(through).toEqual([]);
  });

  test.each(Object.entries(SPELLINGS))('%s: a hidden camera stays hidden', async (_, spelt) => {
    const through: string[] = [];
    for (const { method, path, isPublic } of operations) {
      if (!isPublic || method !== 'GET' || !path.startsWith('/v1/cameras/{id}')) continue;
      const { status, text } = await send(method, spelt(filled(path, hidden)));
      if (status < 400 || status >= 500 || text.includes(CANARY)) through.push(`${path} ${status}`);
    }
    expect(through).toEqual([]);
  });

  test('headers that name another path or method count for nothing', async () => {
    for (const headers of REWRITES) {
      for (const { method, path, isPublic } of operations) {
        if (isPublic) continue;
        const { status } = await send(method, filled(path, hidden), { headers });
        expect([path, status]).toEqual([path, 401]);
      }
    }
  });
});

describe('CVE-2025-32442, CVE-2026-25223 (AUTHZ-6): no spelling of a media type goes past the validation', () => {
  const TYPES: readonly (string | null)[] = [
    'application/json',
    'APPLICATION/JSON',
    'application/json ',
    'application/json;',
    'application/json ;charset=utf-8',
    'application/json; charset=utf-16',
    'application/json; charset=utf-7',
    'application/json;charset="utf-8"',
    'application/json;;a=b',
    'application/json\ta',
    'application/json\t; a=b',
    'application/json, text/plain',
    'text/plain, application/json',
    'application/json/x',
    'application/jsonx',
    'xapplication/json',
    'application /json',
    'application/ json',
    'application/vnd.api+json',
    'application/merge-patch+json',
    'application/merge-patch+json\ta',
    'application/*',
    '*/*',
    'text/plain',
    'text/json',
    'multipart/form-data; boundary=x',
    'application/x-www-form-urlencoded',
    '',
    ';',
    null,
  ];
  const UNSOUND = { ...registration({ localId: 'unsound' }), secretMember: 1 };

  test.each(TYPES)('POST and PUT with %j: an unknown member is refused, and nothing is kept', async (type) => {
    const sent = {
      key: sightline.key,
      headers: { ...(type === null ? {} : { 'content-type': type }), 'if-match': '*' },
      body: JSON.stringify(UNSOUND),
    };
    expect([400, 415]).toContain((await send('POST', '/v1/cameras', sent)).status);
    expect([400, 415]).toContain((await send('PUT', `/v1/cameras/${hidden}`, sent)).status);
    expect([400, 415]).toContain(
      (await send('PATCH', `/v1/cameras/${hidden}`, { ...sent, body: '{"secretMember":1}' })).status,
    );
    const kept = await send('GET', '/v1/authorities/tainan-wrb/cameras/unsound', { key: sightline.key });
    expect(kept.status).toBe(404);
  });

  test('AUTHZ-4: members that the server makes are refused by every request that writes', async () => {
    const made: Readonly<Record<string, unknown>> = {
      createdAt: '2020-01-01T00:00:00Z',
      health: { status: 'online' },
      completeness: 'full',
      ground: {},
      owner: 'me',
      isAdmin: true,
    };
    for (const [name, value] of Object.entries(made)) {
      const body = JSON.stringify({ ...registration({ localId: 'unsound' }), [name]: value });
      const headers = { 'content-type': 'application/json' };
      const { status, text } = await send('POST', '/v1/cameras', { key: sightline.key, headers, body });
      expect([name, status]).toEqual([name, 400]);
      expect(text).toContain(`/${name}`);
    }
  });

  test('AUTHZ-4: an unknown member is refused by every operation that takes JSON', async () => {
    const taken: string[] = [];
    for (const { method, path, bodyType } of operations) {
      if (bodyType === null || !/json$/.test(bodyType)) continue;
      const headers = { 'content-type': bodyType, 'if-match': '*' };
      const sent = { key: sightline.key, headers, body: '{"secretMember":1}' };
      const { status } = await send(method, filled(path, hidden), sent);
      // 404: its object does not exist, which may be said first.
      if (![400, 404].includes(status)) taken.push(`${method} ${path} ${status}`);
    }
    expect(taken).toEqual([]);
  });
});

describe('CVE-2026-33470 (AUTHZ-5, AUTHZ-6): a child is authorised by its parent', () => {
  /** What has to be asked along with the address. */
  const QUERIES: Readonly<Record<string, string>> = { '/v1/cameras/{id}/sight': '?point=120.29,23.08' };
  const withoutIds = (text: string, id: string): string =>
    text
      .replaceAll(id, 'ID')
      .replace(/"(?:x-request-id|date|ratelimit|content-length|instance)":"(?:[^"\\]|\\.)*"/g, '');

  test.each(['nobody', 'a key of another authority'])(
    'whatever hangs on a hidden camera is as absent to %s as that of a random id',
    async (who) => {
      const key = who === 'nobody' ? {} : { key: foreignKey };
      let children = 0;
      for (const { method, path, bodyType } of operations) {
        if (!path.startsWith('/v1/cameras/{id}')) continue;
        children += 1;
        const headers = { 'if-match': '*', ...(bodyType === null ? {} : { 'content-type': bodyType }) };
        const ask = async (id: string): Promise<Answer> => {
          const answer = await send(method, filled(path, id) + (QUERIES[path] ?? ''), {
            ...key,
            headers,
            body: bodyType === null ? '' : '{}',
          });
          return { status: answer.status, text: withoutIds(answer.text, id) };
        };
        const [ofHidden, ofNobody] = [await ask(hidden), await ask(randomUUID())];
        expect([method, path, ofHidden]).toEqual([method, path, ofNobody]);
        expect(ofHidden.text).not.toContain(CANARY);
        if (method === 'GET') expect([path, ofHidden.status]).toEqual([path, 404]);
        else expect([400, 401, 403, 404]).toContain(ofHidden.status);
      }
      expect(children).toBeGreaterThan(10);
    },
  );
});

describe('CVE-2026-32230, go2rtc#2298 (VIS-1): what lists and sums up tells strangers of no hidden camera', () => {
  const QUESTIONS = [
    '',
    `?q=${CANARY}`,
    '?authority=tainan-wrb',
    '?include=health',
    '?f=geojson',
    '?near=120.29,23.08',
  ];

  test.each(['nobody', 'a key of another authority'])('to %s', async (who) => {
    const key = who === 'nobody' ? {} : { key: foreignKey };
    const told: string[] = [];
    for (const { method, path, isPublic } of operations) {
      // A stream of events never ends: events.e2e.spec.ts says who is told what.
      if (!isPublic || method !== 'GET' || path.includes('{') || path === '/v1/events') continue;
      for (const question of QUESTIONS) {
        const { status, text } = await send('GET', path + question, key);
        // What was asked may be said again, in links.
        const shown = question.includes(CANARY) ? [hidden] : [hidden, CANARY];
        if (status >= 500 || shown.some((canary) => text.includes(canary))) told.push(path + question);
      }
    }
    expect(told).toEqual([]);
    expect((await send('GET', '/v1/cameras', { key: sightline.key })).text).toContain(hidden);
  });
});
