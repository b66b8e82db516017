import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { Webhook } from 'standardwebhooks';
import { randomFrom, type Sightline, startSightline } from '#testing';
import { type ApiClient, clientOf, dataOf } from './client.js';
import { EventClient } from './event-client.js';
import { addAuthority, addCamera, OPERATOR, registration } from './fixtures.js';

let sightline: Sightline;
let admin: ApiClient;
let receiver: Server;
let hanging: Server;
const keys = new Map<string, string>();
const got: { headers: Record<string, string>; body: string }[] = [];
let answer: (response: ServerResponse) => void = (response) => response.writeHead(204).end();

beforeAll(async () => {
  sightline = await startSightline();
  admin = clientOf(sightline.url, sightline.key);
  for (const slug of ['tainan-wrb', 'other']) {
    await addAuthority(admin, slug);
    const body = { name: slug, scopes: [...OPERATOR, 'webhooks:write' as const], authorities: [slug] };
    keys.set(slug, (dataOf(await admin.POST('/v1/keys', { body })) as { key: string }).key);
  }
  receiver = createServer((request, response) => {
    let body = '';
    request.setEncoding('utf8').on('data', (text: string) => (body += text));
    request.on('end', () => {
      got.push({ headers: request.headers as Record<string, string>, body });
      answer(response);
    });
  });
  hanging = createServer(() => undefined);
  for (const server of [receiver, hanging])
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
});
afterAll(async () => {
  await sightline.close();
  for (const server of [receiver, hanging]) {
    server.closeAllConnections();
    server.close();
  }
});

const urlOf = (server: Server): string => `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`;

interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Record<string, unknown> & { readonly items?: readonly Record<string, unknown>[] };
}

async function ask(
  method: string,
  path: string,
  {
    key = keys.get('tainan-wrb'),
    body,
    headers = {},
  }: { key?: string; body?: object; headers?: Record<string, string> } = {},
): Promise<Answer> {
  const type = method === 'PATCH' ? 'application/merge-patch+json' : 'application/json';
  const response = await fetch(`${sightline.url}${path}`, {
    method,
    headers: { authorization: `Bearer ${key}`, ...(body === undefined ? {} : { 'content-type': type }), ...headers },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  return {
    status: response.status,
    headers: response.headers,
    body: text === '' ? {} : (JSON.parse(text) as Answer['body']),
  };
}

const make = (over: object = {}, options: Parameters<typeof ask>[2] = {}): Promise<Answer> =>
  ask('POST', '/v1/webhooks', {
    body: { url: urlOf(receiver), types: ['camera.registered', 'camera.changed'], ...over },
    ...options,
  });

async function until(holds: () => boolean, withinMs = 20_000): Promise<void> {
  for (const end = Date.now() + withinMs; Date.now() < end; await wait(20)) if (holds()) return;
  throw new Error(`not within ${withinMs} ms`);
}

const remove = (id: unknown): Promise<Answer> =>
  ask('DELETE', `/v1/webhooks/${String(id)}`, { headers: { 'if-match': '*' } });

describe('a webhook', () => {
  test('shows its secret once, and is read, listed, changed and deleted by keys that reach as far', async () => {
    const made = await make({}, { headers: { 'idempotency-key': 'once' } });
    expect(made.status).toBe(201);
    const { secret, id } = made.body;
    expect(secret).toMatch(/^whsec_[A-Za-z0-9+/]{43}=$/);
    const again = await make({}, { headers: { 'idempotency-key': 'once' } });
    expect(again.body).toEqual({ ...made.body, secret: null });
    expect(again.headers.get('idempotent-replayed')).toBe('true');
    const read = await ask('GET', `/v1/webhooks/${String(id)}`);
    expect(read.body).toMatchObject({ id, enabled: true, version: 1, disabledReason: null, failingSince: null });
    expect(JSON.stringify([read.body, (await ask('GET', '/v1/webhooks')).body])).not.toContain(String(secret));
    expect((await ask('GET', '/v1/webhooks')).body.items?.map((one) => one.id)).toContain(id);
    const other = { key: keys.get('other') as string };
    expect((await ask('GET', `/v1/webhooks/${String(id)}`, other)).status).toBe(404);
    expect((await ask('GET', '/v1/webhooks', other)).body.items).toEqual([]);
    expect((await ask('GET', '/v1/webhooks', { key: sightline.key })).body.items).toHaveLength(1);
    expect((await ask('PATCH', `/v1/webhooks/${String(id)}`, { body: { enabled: false } })).status).toBe(428);
    const etag = read.headers.get('etag') ?? '';
    const patched = await ask('PATCH', `/v1/webhooks/${String(id)}`, {
      body: { enabled: false },
      headers: { 'if-match': etag },
    });
    expect(patched.body).toMatchObject({ version: 2, enabled: false, disabledReason: 'paused' });
    expect((await ask('DELETE', `/v1/webhooks/${String(id)}`, { headers: { 'if-match': etag } })).status).toBe(412);
    expect((await remove(id)).status).toBe(204);
    expect((await ask('GET', `/v1/webhooks/${String(id)}`)).status).toBe(404);
    expect(sightline.program().stderr()).not.toContain(String(secret).slice(6));
  });

  test.each([
    ['plain http to elsewhere', { url: 'http://example.org/hook' }, 400, 'validation_failed'],
    ['no URL', { url: 'hook' }, 400, 'validation_failed'],
    ['a user name in the URL', { url: 'https://a:b@example.org/' }, 400, 'validation_failed'],
    ['a private address', { url: 'https://10.1.2.3/hook' }, 422, 'target_not_allowed'],
    ['link-local', { url: 'https://169.254.169.254/latest' }, 422, 'target_not_allowed'],
    ['a port that is never dialled', { url: 'https://example.org:6379/' }, 422, 'target_not_allowed'],
    ['no type', { types: [] }, 400, 'validation_failed'],
    ['the hint', { types: ['frame.updated'] }, 400, 'validation_failed'],
    ['a radius without a place', { radiusM: 5 }, 400, 'validation_failed'],
    ['an unknown authority', { authority: 'nobody' }, 400, 'validation_failed'],
    ['what the server makes', { id: 'x' }, 400, 'validation_failed'],
    ['a network, by another than a platform administrator', { network: { cidrs: ['10.0.0.0/8'] } }, 403, 'forbidden'],
  ])('%s is refused', async (_what, over, status, code) => {
    const answered = await make(over);
    expect([answered.status, answered.body.code]).toEqual([status, code]);
  });

  test('SSRF-12: never leads to our own door; a platform administrator may open a network', async () => {
    expect((await make({ url: `${sightline.url}/v1/cameras` })).status).toBe(422);
    const network = { cidrs: ['10.0.0.0/8'] };
    const made = await make({ url: 'http://10.1.2.3:9000/hook', network }, { key: sightline.key });
    expect(made.status).toBe(201);
    expect(
      (
        await ask('DELETE', `/v1/webhooks/${String(made.body.id)}`, {
          key: sightline.key,
          headers: { 'if-match': '*' },
        })
      ).status,
    ).toBe(204);
  });

  test('mutated bodies and queries are answered, and never by a 5xx', async () => {
    const random = randomFrom(815);
    const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)] as T;
    const nasty = [
      '',
      '\0',
      '%00',
      '%zz',
      '\ud800',
      '😀',
      '1e400',
      '9'.repeat(400),
      '../',
      'public',
      'https://[::1',
      'a@b',
      {},
      [],
      [[]],
    ];
    const mutate = (value: unknown): unknown => {
      if (random() < 0.25) return pick<unknown>([...nasty, null, 0, -1, 1e308, true, [NaN, 1, 2, 3], [181, 0]]);
      if (Array.isArray(value)) return value.map(mutate);
      if (typeof value !== 'object' || value === null) return value;
      return Object.fromEntries(
        Object.entries(value).map(([name, item]) => [random() < 0.05 ? String(pick(nasty)) : name, mutate(item)]),
      );
    };
    const { body } = await make({}, { key: sightline.key });
    const whole = {
      url: 'https://example.org/ü?a=1',
      types: ['camera.changed'],
      authority: 'other',
      bbox: [1, 2, 3, 4],
      near: [120, 23],
      radiusM: 5,
      network: { cidrs: ['10.0.0.0/8', 'public'] },
      enabled: false,
    };
    const key = sightline.key;
    const names = ['types', 'authority', 'camera', 'bbox', 'near', 'radiusM', 'after', 'x'];
    const bad: unknown[] = [];
    for (let i = 0; i < 200; i += 1) {
      const mutated = mutate(whole);
      const sent = typeof mutated === 'object' && mutated !== null ? mutated : { url: mutated };
      const query = `${pick(names)}=${encodeURIComponent(String(pick(nasty)).replace(/\p{Surrogate}/gu, ''))}`;
      const path = `/v1/webhooks/${String(body.id)}`;
      const answers = await Promise.all([
        ask('POST', '/v1/webhooks', { key, body: sent }),
        ask('PATCH', path, { key, body: sent, headers: { 'if-match': '*' } }),
        fetch(`${sightline.url}/v1/events?${query}`, { method: 'HEAD' }),
        ask('GET', `${path}/deliveries?${query}`, { key }),
      ]);
      if (answers.some(({ status }) => status >= 500)) bad.push([answers.map(({ status }) => status), sent, query]);
    }
    expect(bad).toEqual([]);
    const { items = [] } = (await ask('GET', '/v1/webhooks?limit=1000', { key })).body;
    for (const { id } of items)
      await ask('DELETE', `/v1/webhooks/${String(id)}`, { key, headers: { 'if-match': '*' } });
  }, 60_000);

  test('needs a key with the scope', async () => {
    expect((await fetch(`${sightline.url}/v1/webhooks`)).status).toBe(401);
    const body = { name: 'reader', scopes: ['cameras:read' as const], authorities: ['tainan-wrb'] };
    const { key } = dataOf(await admin.POST('/v1/keys', { body })) as { key: string };
    expect((await ask('GET', '/v1/webhooks', { key })).status).toBe(403);
  });
});

describe('deliveries', () => {
  test('an event is signed, sent, listed and sent once more under the same id; a new secret signs beside the old one', async () => {
    const made = await make();
    const id = String(made.body.id);
    const { id: camera } = await addCamera(admin, registration({ localId: 'hooked' }));
    await until(() => got.some(({ body }) => body.includes(camera)));
    const message = got.find(({ body }) => body.includes(camera));
    const read = new Webhook(String(made.body.secret)).verify(message?.body ?? '', message?.headers ?? {});
    expect(read).toMatchObject({ type: 'camera.registered', camera: { id: camera, localId: 'hooked', version: 1 } });
    const deliveries = `/v1/webhooks/${id}/deliveries`;
    let delivery: Record<string, unknown> | undefined;
    for (let i = 0; i < 50 && delivery?.state !== 'delivered'; i += 1) {
      await wait(100);
      [delivery] = (await ask('GET', deliveries)).body.items ?? [];
    }
    expect(delivery).toMatchObject({
      eventId: message?.headers['webhook-id'],
      type: 'camera.registered',
      state: 'delivered',
      attempts: 1,
      status: 204,
      problem: null,
      nextAttemptAt: null,
    });
    expect((await ask('GET', deliveries, { key: keys.get('other') as string })).status).toBe(404);
    const rotated = await ask('POST', `/v1/webhooks/${id}/rotate-secret`);
    expect(rotated.body.secret).not.toBe(made.body.secret);
    got.length = 0;
    const replayed = await ask('POST', `${deliveries}/${String(delivery?.id)}/replay`);
    expect([replayed.status, replayed.body.state]).toEqual([202, 'waiting']);
    await until(() => got.length === 1);
    expect(got[0]?.headers['webhook-id']).toBe(delivery?.eventId);
    for (const secret of [made.body.secret, rotated.body.secret]) {
      expect(() => new Webhook(String(secret)).verify(got[0]?.body ?? '', got[0]?.headers ?? {})).not.toThrow();
    }
    expect((await ask('POST', `${deliveries}/${id}/replay`)).status).toBe(404);
    expect((await remove(id)).status).toBe(204);
  });

  test('a ping is answered with what came of it, in closed words', async () => {
    const { body } = await make();
    const ping = (): Promise<Answer> => ask('POST', `/v1/webhooks/${String(body.id)}/ping`);
    got.length = 0;
    expect((await ping()).body).toMatchObject({ delivered: true, status: 204, problem: null });
    expect(JSON.parse(got[0]?.body ?? '')).toMatchObject({ type: 'webhook.ping', webhook: { id: body.id } });
    answer = (response) => response.writeHead(302, { location: 'http://127.0.0.1:1/' }).end();
    expect((await ping()).body).toMatchObject({ delivered: false, status: 302, problem: 'redirect' });
    answer = (response) => response.destroy();
    expect((await ping()).body).toMatchObject({ delivered: false, status: null, problem: 'unreachable' });
    answer = (response) => response.writeHead(204).end();
    await remove(body.id);
  });

  test('one that answers 410 is disabled; nothing is replayed until somebody enables it', async () => {
    const { body } = await make();
    const id = String(body.id);
    answer = (response) => response.writeHead(410).end();
    await addCamera(admin, registration({ localId: 'gone' }));
    let shown: Answer['body'] = {};
    for (let i = 0; i < 200 && shown.disabledReason == null; i += 1) {
      await wait(100);
      shown = (await ask('GET', `/v1/webhooks/${id}`)).body;
    }
    expect(shown).toMatchObject({ enabled: false, disabledReason: 'gone' });
    answer = (response) => response.writeHead(204).end();
    const [delivery] = (await ask('GET', `/v1/webhooks/${id}/deliveries`)).body.items ?? [];
    const replay = (): Promise<Answer> => ask('POST', `/v1/webhooks/${id}/deliveries/${String(delivery?.id)}/replay`);
    expect([(await replay()).status, (await replay()).body.code]).toEqual([409, 'webhook_disabled']);
    const enabled = await ask('PATCH', `/v1/webhooks/${id}`, { body: { enabled: true }, headers: { 'if-match': '*' } });
    expect(enabled.body).toMatchObject({ enabled: true, disabledReason: null });
    expect((await replay()).status).toBe(202);
    await remove(id);
  });

  test('a receiver that hangs delays neither probes nor other clients', async () => {
    const { body } = await make({
      url: urlOf(hanging),
      types: ['camera.registered', 'health.changed', 'health.notice'],
    });
    const client = await new EventClient(`${sightline.url}/v1/events?types=health.changed`).opened();
    const ids = await Promise.all(
      Array.from({ length: 12 }, async (_, i) => {
        const services = [{ kind: 'mjpeg' as const, url: `http://127.0.0.${i + 2}:8080/` }];
        return (await addCamera(admin, registration({ localId: `slow ${i}`, lifecycle: 'active', services }))).id;
      }),
    );
    const told = (): Set<unknown> => new Set(client.events.map(({ data }) => (data?.camera as { id: string }).id));
    await client.until(() => ids.every((id) => told().has(id)));
    client.cut();
    await remove(body.id);
  }, 30_000);
});
