import { randomBytes } from 'node:crypto';
import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { mintKey } from '#access';
import { type Sightline, startSightline } from '#testing';

/** RATE-1: how much one caller gets. Behind a proxy that is trusted, so that each test is a caller of its own. */
let sightline: Sightline;
/** Nothing is trusted here. */
let bare: Sightline;

const LIMITS = { SIGHTLINE_RATE_LIMITS: 'on' };

beforeAll(async () => {
  sightline = await startSightline({ env: { ...LIMITS, SIGHTLINE_TRUST_PROXY: '127.0.0.1' } });
  bare = await startSightline({ env: LIMITS });
}, 120_000);
afterAll(async () => {
  await sightline.close();
  await bare.close();
});

const from = (address: string, headers: Record<string, string> = {}): Record<string, string> => ({
  'x-forwarded-for': address,
  ...headers,
});
const get = (path: string, headers: Record<string, string>): Promise<Response> =>
  fetch(`${sightline.url}${path}`, { headers });

/** Asks so often, one after the other. */
async function askTimes(times: number, path: string, headers: Record<string, string>): Promise<Response[]> {
  const answers: Response[] = [];
  for (let i = 0; i < times; i += 1) {
    const response = await get(path, headers);
    await response.arrayBuffer();
    answers.push(response);
  }
  return answers;
}

const statusesOf = (answers: readonly Response[]): Record<number, number> => {
  const counts: Record<number, number> = {};
  for (const { status } of answers) counts[status] = (counts[status] ?? 0) + 1;
  return counts;
};
/** Without a typing error, so that it is looked up. */
const WRONG_KEY = { authorization: `Bearer ${mintKey(randomBytes).key}` };

/** `r` of the header RateLimit: what is left. */
const leftOf = (response: Response | undefined): number =>
  Number(/;r=(\d+)/.exec(response?.headers.get('ratelimit') ?? '')?.[1]);

describe('budgets (RATE-1)', () => {
  test('an address without a key reads 60 times a minute, and is told so', async () => {
    const answers = await askTimes(61, '/v1/authorities', from('192.0.2.1'));
    const [first] = answers;
    expect(first?.headers.get('ratelimit-policy')).toBe('"read";q=60;w=60');
    expect(first?.headers.get('ratelimit')).toBe('"read";r=59;t=1');
    // A token or two may have come back while we asked.
    const more = await askTimes(20, '/v1/authorities', from('192.0.2.1'));
    const last = more.at(-1);
    expect(statusesOf([...answers, ...more])[200]).toBeLessThan(75);
    expect(last?.status).toBe(429);
    expect(Number(last?.headers.get('retry-after'))).toBe(1);
    expect(last?.headers.get('ratelimit')).toMatch(/^"read";r=0;t=\d+$/);
    const refused = await get('/v1/authorities', from('192.0.2.1'));
    expect(await refused.json()).toMatchObject({ code: 'rate_limited', retryable: true, status: 429 });
    // Others are not concerned, nor is he with a key, nor what is counted apart.
    expect((await get('/v1/authorities', from('192.0.2.2'))).status).toBe(200);
    const key = { authorization: `Bearer ${sightline.key}` };
    const withKey = await get('/v1/authorities', from('192.0.2.1', key));
    expect([withKey.status, withKey.headers.get('ratelimit-policy')]).toEqual([200, '"read";q=600;w=60']);
    expect((await get('/livez', from('192.0.2.1'))).status).toBe(200);
  });

  test('a household of IPv6 is one caller, and its neighbour another', async () => {
    const [first] = await askTimes(10, '/v1/authorities', from('2001:db8:1:2::1'));
    const [same] = await askTimes(1, '/v1/authorities', from('2001:db8:1:2:ffff::9'));
    const [neighbour] = await askTimes(1, '/v1/authorities', from('2001:db8:1:3::1'));
    expect([leftOf(first), leftOf(neighbour)]).toEqual([59, 59]);
    expect(leftOf(same)).toBeLessThan(55);
  });

  test('GHSA-444r-cwp2-x5xf (WEB-4): who is not trusted does not choose his address', async () => {
    const ask = (address: string): Promise<Response> => fetch(`${bare.url}/v1/authorities`, { headers: from(address) });
    const first = leftOf(await ask('192.0.2.1'));
    await ask('192.0.2.2');
    expect(leftOf(await ask('192.0.2.3'))).toBeLessThan(first);
  });

  test.each([
    ['/v1/cameras?sees=120.29,23.07', 'spatial', 20],
    ['/v1/cameras?footprint=POINT(120.29%2023.07)', 'spatial', 20],
    ['/v1/cameras?q=x', 'read', 60],
    [`/v1/cameras/${'0'.repeat(8)}-0000-0000-0000-${'0'.repeat(12)}/thumbnail`, 'thumbnails', 300],
    ['/wall', 'read', 60],
  ])('%s is counted as %s', async (path, budget, quota) => {
    const response = await get(path, from('192.0.2.3'));
    expect(response.headers.get('ratelimit-policy')).toBe(`"${budget}";q=${quota};w=60`);
  });

  test('what the client has already costs a quarter', async () => {
    const address = from('192.0.2.4');
    const etag = (await get('/v1/health/summary', address)).headers.get('etag') ?? '';
    const answers = await askTimes(80, '/v1/health/summary', { ...address, 'if-none-match': etag });
    expect(statusesOf(answers)).toEqual({ 304: 80 });
    expect(leftOf(answers.at(-1))).toBeGreaterThan(35);
  });

  test('without credentials nobody writes, and after ten times is no longer told', async () => {
    const post = async (): Promise<number> => {
      const response = await fetch(`${sightline.url}/v1/cameras`, { method: 'POST', headers: from('192.0.2.5') });
      return response.status;
    };
    const statuses: number[] = [];
    for (let i = 0; i < 12; i += 1) statuses.push(await post());
    expect(statuses.slice(0, 10)).toEqual(Array(10).fill(401));
    expect(statuses.at(-1)).toBe(429);
  });
});

describe('wrong credentials (RATE-1)', () => {
  test('ten a minute from one address, however many come at once', async () => {
    const address = from('192.0.2.10', WRONG_KEY);
    const answers = await Promise.all(Array.from({ length: 60 }, () => get('/v1/authorities', address)));
    const counts = statusesOf(answers);
    expect(counts[401]).toBeGreaterThanOrEqual(10);
    expect(counts[401]).toBeLessThan(16);
    const refused = answers.find(({ status }) => status === 429);
    expect(refused?.headers.get('ratelimit-policy')).toBe('"sign-ins";q=10;w=60');
    expect(Number(refused?.headers.get('retry-after'))).toBeGreaterThan(0);
    // Whoever was let in before goes on; who shows nothing has tried nothing.
    expect((await get('/v1/authorities', from('192.0.2.10'))).status).toBe(200);
    expect((await get('/v1/authorities', from('192.0.2.11', WRONG_KEY))).status).toBe(401);
  });

  test('who was let in before is let in, whatever others behind his address try', async () => {
    const good = from('192.0.2.12', { authorization: `Bearer ${sightline.key}` });
    expect((await get('/v1/authorities', good)).status).toBe(200);
    await askTimes(12, '/v1/authorities', from('192.0.2.12', WRONG_KEY));
    expect((await get('/v1/authorities', from('192.0.2.12', WRONG_KEY))).status).toBe(429);
    expect((await get('/v1/authorities', good)).status).toBe(200);
  });

  test('a key that is typed to sign in is a trial like any other', async () => {
    const signIn = (): Promise<Response> =>
      fetch(`${sightline.url}/v1/session`, {
        method: 'POST',
        headers: from('192.0.2.14', { 'content-type': 'application/json' }),
        body: JSON.stringify({ key: WRONG_KEY.authorization.slice(7) }),
      });
    const statuses: number[] = [];
    for (let i = 0; i < 12; i += 1) statuses.push((await signIn()).status);
    expect(statuses.slice(0, 10)).toEqual(Array(10).fill(401));
    expect(statuses.at(-1)).toBe(429);
  });

  test('many good ones at once are no trial', async () => {
    const good = from('192.0.2.13', { authorization: `Bearer ${sightline.key}` });
    const answers = await Promise.all(Array.from({ length: 60 }, () => get('/v1/authorities', good)));
    expect(statusesOf(answers)).toEqual({ 200: 60 });
  });
});

describe('event streams (RATE-1)', () => {
  test('two without a key, ten with one, however fast they are opened; each makes room when it ends', async () => {
    const open = async (headers: Record<string, string>, times: number): Promise<[AbortController, Response][]> =>
      Promise.all(
        Array.from({ length: times }, async (): Promise<[AbortController, Response]> => {
          const leaving = new AbortController();
          return [leaving, await fetch(`${sightline.url}/v1/events`, { headers, signal: leaving.signal })];
        }),
      );
    const key = { authorization: `Bearer ${sightline.key}` };
    for (const [headers, most] of [
      [from('192.0.2.20'), 2],
      [from('192.0.2.21', key), 10],
    ] as const) {
      const streams = await open(headers, 14);
      const answers = streams.map(([, response]) => response);
      expect(statusesOf(answers)).toEqual({ 200: most, 429: 14 - most });
      expect(answers.find(({ status }) => status === 429)?.headers.get('ratelimit-policy')).toBe(
        `"events";q=${most};qu="concurrent-requests"`,
      );
      for (const [leaving] of streams) leaving.abort();
      await new Promise((resolve) => setTimeout(resolve, 300));
      const [[leaving, again] = []] = await open(headers, 1);
      expect(again?.status).toBe(200);
      leaving?.abort();
    }
  });
});

describe('who is refused is refused before his body is read', () => {
  test.each<[string, Record<string, string>, number]>([
    ['no credentials', {}, 401],
    ['a wrong key', WRONG_KEY, 401],
  ])('%s, and the connection serves on', async (_, headers, status) => {
    const { hostname, port } = new URL(bare.url);
    const socket = connect(Number(port), hostname);
    let text = '';
    socket.on('data', (bytes) => (text += bytes.toString()));
    const said = async (pattern: RegExp): Promise<void> => {
      const until = Date.now() + 3_000;
      while (!pattern.test(text)) {
        if (Date.now() > until) throw new Error(`not said: ${String(pattern)}\n${text}`);
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    };
    const more = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
    socket.write(
      `POST /v1/cameras HTTP/1.1\r\nHost: x\r\n${more.join('')}Content-Type: application/json\r\nContent-Length: 10\r\n\r\n`,
    );
    await said(new RegExp(`^HTTP/1\\.1 ${status} [\\s\\S]*"status":${status}`));
    text = '';
    socket.write('0123456789GET /livez HTTP/1.1\r\nHost: x\r\n\r\n');
    await said(/^HTTP\/1\.1 200 [\s\S]*ok\n/);
    socket.destroy();
  });
});
