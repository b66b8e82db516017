import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { describeOnServer, runProgram } from '#testing';
import { houses } from './houses.js';
import { type Logins, makeLogins, startTwoLogins, type TwoLogins } from './two-logins.js';

interface Answer {
  readonly status: number;
  readonly body: Record<string, unknown>;
}

type Ask = (method: string, at: string, body?: object, more?: Record<string, string>) => Promise<Answer>;

/** A caller of a running API. */
function caller(url: string, key: string): Ask {
  const ask: Ask = async (method, at, body, more = {}) => {
    const type = method === 'PATCH' ? 'application/merge-patch+json' : 'application/json';
    const headers = {
      authorization: `Bearer ${key}`,
      ...(body === undefined ? {} : { 'content-type': type }),
      ...more,
    };
    const response = await fetch(`${url}${at}`, {
      method,
      headers,
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    const answer = { status: response.status, body: text === '' ? {} : (JSON.parse(text) as Answer['body']) };
    // Beside the other specs it may have too much to do.
    if (answer.body.code !== 'overloaded') return answer;
    await wait(1_000);
    return ask(method, at, body, more);
  };
  return ask;
}

async function until<T>(what: string, look: () => Promise<T | null>, withinMs = 30_000): Promise<T> {
  for (const end = Date.now() + withinMs; Date.now() < end; await wait(100)) {
    const found = await look();
    if (found !== null) return found;
  }
  throw new Error(`${what}: not within ${withinMs / 1000} s`);
}

const camera = (localId: string, url: string, more: object = {}): object => ({
  authority: 'wrb',
  localId,
  name: `Camera ${localId}`,
  location: { type: 'Point', coordinates: [120.29, 23.08] },
  view: { azimuthDeg: 90, tiltDeg: -10, hfovDeg: 60, vfovDeg: 34, farM: 200 },
  heightM: 6,
  services: [{ kind: 'snapshot', url }],
  ...more,
});

describeOnServer('AUTHZ-2: NODE_ENV=production', () => {
  let logins: Logins;
  let running: TwoLogins;
  beforeAll(async () => {
    logins = await makeLogins({ NODE_ENV: 'production' });
    running = await startTwoLogins(logins);
  }, 90_000);
  afterAll(async () => {
    await running.close();
    await logins.close();
  }, 60_000);

  test.each(['api', 'prober'])('sightline %s refuses to serve as the owner of the tables', async (door) => {
    const refused = runProgram({ args: [door], env: logins.settingsOf('owner') });
    expect(await refused.ended).toBe(1);
    expect(refused.stderr()).toContain('may not serve, since it owns the tables. Use a login that is a member of');
  });

  test('under modest logins everything an agency does is done', async () => {
    const admin = caller(running.url, running.key);
    expect((await fetch(`${running.opsUrl}/readyz`)).status).toBe(200);
    // Addresses that lead nowhere (RFC 5737).
    const network = { cidrs: ['192.0.2.0/24'], ports: [80] };
    const probing = { intervalS: 3_600, minIntervalS: 5 };
    expect((await admin('POST', '/v1/authorities', { slug: 'wrb', name: 'W', network, probing })).status).toBe(201);
    expect((await admin('PATCH', '/v1/authorities/wrb', { name: 'Water' }, { 'if-match': '*' })).status).toBe(200);
    const scopes = [
      'cameras:read',
      'cameras:write',
      'credentials:write',
      'imports:run',
      'webhooks:write',
      'probes:run',
    ];
    const minted = await admin('POST', '/v1/keys', { name: 'k', scopes, authorities: ['wrb'] });
    expect(minted.status).toBe(201);
    const own = caller(running.url, String(minted.body.key));
    const body = camera('1', 'http://192.0.2.1/a.jpg', { lifecycle: 'planned' });
    const once = { 'idempotency-key': 'once' };
    const made = await own('POST', '/v1/cameras', body, once);
    expect([made.status, (await own('POST', '/v1/cameras', body, once)).body.id]).toEqual([201, made.body.id]);
    const at = `/v1/cameras/${String(made.body.id)}`;
    const credentials = {
      services: [{ kind: 'snapshot', url: 'http://192.0.2.1/a.jpg', credentials: { username: 'a', password: 'bcd' } }],
    };
    expect((await own('PATCH', at, credentials, { 'if-match': '*' })).status).toBe(200);
    expect((await own('PATCH', at, { lifecycle: 'active' }, { 'if-match': '*' })).status).toBe(200);
    const probed = await own('POST', `${at}/probe`);
    expect([probed.status, probed.body.outcome]).toEqual([
      200,
      expect.stringMatching(/connect_timeout|unreachable|refused/),
    ]);
    const feature = {
      type: 'Feature',
      id: '2',
      geometry: { type: 'Point', coordinates: [120.1, 23.1] },
      properties: { name: 'Two', url: 'http://viewer:secret@192.0.2.2/a.jpg' },
    };
    const file = { type: 'FeatureCollection', features: [feature] };
    expect((await own('POST', '/v1/imports?authority=wrb', file)).body.totals).toMatchObject({ created: 1 });
    expect((await own('POST', '/v1/imports?authority=wrb', file)).body.totals).toMatchObject({ unchanged: 1 });
    const hook = await own('POST', '/v1/webhooks', { url: 'https://192.88.99.1/hook', types: ['camera.changed'] });
    expect([201, 422]).toContain(hook.status);
    expect((await own('GET', `${at}/health/history`)).status).toBe(200);
    expect((await own('DELETE', at, undefined, { 'if-match': '*' })).status).toBe(204);
    expect((await admin('DELETE', `/v1/keys/${String(minted.body.id)}`)).status).toBe(204);
    for (const program of [running.api, running.prober]) expect(program.stderr()).not.toMatch(/"level":[56]0/);
  }, 60_000);
});

describeOnServer('AUTHZ-2: API and prober under a login each', () => {
  let logins: Logins;
  let running: TwoLogins;
  let device: Server;
  let receiver: Server;
  const received: string[] = [];
  const portOf = (server: Server): number => (server.address() as AddressInfo).port;

  beforeAll(async () => {
    device = createServer((_request, response) => {
      void houses().then((jpeg) => response.writeHead(200, { 'content-type': 'image/jpeg' }).end(jpeg));
    });
    receiver = createServer((request, response) => {
      request.setEncoding('utf8').on('data', (text: string) => received.push(text));
      request.on('end', () => response.writeHead(204).end());
    });
    for (const server of [device, receiver]) await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
    logins = await makeLogins({ SIGHTLINE_LOOPBACK_CAMERAS: 'on' });
    running = await startTwoLogins(logins);
  }, 90_000);
  afterAll(async () => {
    await running.close();
    await logins.close();
    for (const server of [device, receiver]) {
      server.closeAllConnections();
      server.close();
    }
  }, 60_000);

  test('a camera is probed and shown, a webhook told, the history kept, a reference accepted', async () => {
    const admin = caller(running.url, running.key);
    const network = { cidrs: ['127.0.0.0/8'], ports: [portOf(device)] };
    const probing = { intervalS: 5, minIntervalS: 5 };
    await admin('POST', '/v1/authorities', { slug: 'wrb', name: 'W', network, probing });
    const scopes = ['cameras:read', 'cameras:write', 'credentials:write', 'webhooks:write', 'frames:read'];
    const minted = await admin('POST', '/v1/keys', { name: 'k', scopes, authorities: ['wrb'] });
    const own = caller(running.url, String(minted.body.key));
    const types = ['camera.registered', 'health.changed'];
    const hook = await own('POST', '/v1/webhooks', { url: `http://127.0.0.1:${portOf(receiver)}/hook`, types });
    expect(hook.status).toBe(201);
    const credentials = { username: 'viewer', password: 'not asked for' };
    const services = [{ kind: 'snapshot', url: `http://127.0.0.1:${portOf(device)}/a.jpg`, credentials }];
    const made = await own('POST', '/v1/cameras', camera('1', '', { services }));
    expect(made.status).toBe(201);
    const at = `/v1/cameras/${String(made.body.id)}`;
    await until('a picture', async () => ((await fetch(`${running.url}${at}/thumbnail`)).status === 200 ? true : null));
    await until('the webhook', async () => (received.join().includes('health.changed') ? true : null));
    expect((await own('POST', `/v1/webhooks/${String(hook.body.id)}/rotate-secret`)).status).toBeLessThan(300);
    const health = await own('GET', `${at}/health`);
    expect(health.body).toMatchObject({ status: 'online', lastOutcome: 'ok' });
    const history = await own('GET', `${at}/health/history?resolution=minute`);
    expect([history.status, JSON.stringify(history.body)]).toEqual([200, expect.stringContaining('online')]);
    expect((await own('POST', `${at}/reference`)).status).toBeLessThan(300);
    for (const program of [running.api, running.prober]) expect(program.stderr()).not.toMatch(/"level":[56]0/);
  }, 90_000);
});
