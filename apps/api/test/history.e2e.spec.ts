import { randomBytes } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import sharp from 'sharp';
import { type Sightline, startSightline } from '#testing';
import { type ApiClient, clientOf, dataOf, type Schemas } from './client.js';
import { addAuthority, addCamera, clientWith, OPERATOR, registration } from './fixtures.js';

/** A camera that shows another picture each time. */
let camera: Server;
let sightline: Sightline;
let operator: ApiClient;
let id: string;

beforeAll(async () => {
  camera = createServer((_request, response) => {
    void sharp(randomBytes(320 * 180 * 3), { raw: { width: 320, height: 180, channels: 3 } })
      .jpeg()
      .toBuffer()
      .then((jpeg) => response.writeHead(200, { 'content-type': 'image/jpeg' }).end(jpeg));
  });
  await new Promise<void>((resolve) => camera.listen(0, '127.0.0.1', resolve));
  const { port } = camera.address() as AddressInfo;
  sightline = await startSightline();
  await addAuthority(clientOf(sightline.url, sightline.key), 'tainan-wrb', {
    network: { cidrs: ['127.0.0.0/8'], ports: [port, 8_080] },
    probing: { intervalS: 10, minIntervalS: 5 },
  });
  operator = await clientWith(sightline, ['tainan-wrb'], OPERATOR);
  const services = [{ kind: 'snapshot' as const, url: `http://127.0.0.1:${port}/picture.jpg` }];
  const address = { city: 'Tainan' };
  ({ id } = await addCamera(operator, registration({ localId: '1', lifecycle: 'active', services, address })));
  await until('online');
}, 120_000);
afterAll(async () => {
  await sightline.close();
  camera.closeAllConnections();
  camera.close();
});

async function until(status: Schemas['Health']['status']): Promise<void> {
  const path = { id };
  for (let tries = 0; tries < 200; tries += 1) {
    const health = dataOf(await operator.GET('/v1/cameras/{id}/health', { params: { path } }));
    if (health.status === status) return;
    await wait(100);
  }
  throw new Error(`the camera is not ${status} within 20 s`);
}

async function history(
  client: ApiClient = operator,
  query: Record<string, string | number> = {},
): Promise<Schemas['HealthHistoryDocument']> {
  return dataOf(await client.GET('/v1/cameras/{id}/health/history', { params: { path: { id }, query } }));
}

const stranger = (): ApiClient => clientOf(sightline.url);

const change = async (body: object): Promise<void> => {
  const answer = await operator.PATCH('/v1/cameras/{id}', {
    params: { path: { id }, header: { 'If-Match': '*' } },
    body: body as never,
    headers: { 'content-type': 'application/merge-patch+json' },
  });
  expect(answer.response.status).toBe(200);
};

test('a camera that shows pictures has a first transition, counted probes, and was available since', async () => {
  const { transitions, buckets, availability, resolution } = await history();
  expect(resolution).toBe('hour');
  expect(transitions).toMatchObject([
    { from: 'unknown', to: 'online', outcome: 'ok', reason: 'the camera sends whole pictures' },
  ]);
  expect(buckets.reduce((sum, { ok }) => sum + ok, 0)).toBeGreaterThan(0);
  expect(buckets[0]?.firstFrame?.count).toBeGreaterThan(0);
  expect(availability.asked).toMatchObject({ upShare: 1, goodShare: 1 });
  expect(availability['30d'].measuredS).toBeLessThan(60);
});

test('strangers read no latencies', async () => {
  const { buckets, transitions } = await history(stranger());
  expect(transitions).toHaveLength(1);
  expect(buckets.map(({ firstFrame }) => firstFrame)).toEqual(buckets.map(() => undefined));
});

test('what the agency wants is part of the history, though no probe ran', async () => {
  await change({ lifecycle: 'maintenance' });
  await change({ lifecycle: 'suspended' });
  const { transitions } = await history();
  expect(transitions.map(({ from, to }) => [from, to])).toEqual([
    ['maintenance', 'disabled'],
    ['online', 'maintenance'],
    ['unknown', 'online'],
  ]);
  await wait(1_200);
  const before = (await history()).availability['24h'];
  await wait(1_200);
  expect((await history()).availability['24h']).toEqual(before);

  const newest = await history(operator, { limit: 1 });
  expect([newest.transitions.length, newest.hasMoreTransitions]).toEqual([1, true]);
  const older = await history(operator, { to: newest.transitions[0]?.at ?? '' });
  expect(older.transitions.map(({ to }) => to)).toEqual(['maintenance', 'online']);
  expect(older.hasMoreTransitions).toBe(false);
});

test('a time that cannot be answered for is refused, by the parameter', async () => {
  const ask = async (query: string): Promise<{ status: number; faults: unknown }> => {
    const response = await fetch(`${sightline.url}/v1/cameras/${id}/health/history?${query}`);
    const { errors } = (await response.json()) as { errors?: { parameter: string; code: string }[] };
    return { status: response.status, faults: errors?.map(({ parameter, code }) => [parameter, code]) };
  };
  for (const [query, parameter, code] of [
    ['from=2100-01-01T00:00:00Z', 'from', 'range'],
    ['to=2100-01-01T00:00:00Z', 'to', 'range'],
    ['from=2020-01-01T00:00:00Z', 'from', 'range'],
    ['from=yesterday', 'from', 'format'],
    ['resolution=week', 'resolution', 'enum'],
    ['since=2026-01-01T00:00:00Z', 'since', 'unknown_member'],
  ]) {
    expect([query, await ask(query as string)]).toEqual([query, { status: 400, faults: [[parameter, code]] }]);
  }
  const nobody = await fetch(`${sightline.url}/v1/cameras/00000000-0000-7000-8000-000000000000/health/history`);
  expect(nobody.status).toBe(404);
});

test('cameras are counted by authority, status and city, those alone that the caller may know', async () => {
  const hidden = { localId: '2', lifecycle: 'suspended' as const, access: { level: 'restricted' as const } };
  await addCamera(operator, registration(hidden));
  const count = async (
    client: ApiClient,
    query: Record<string, string | string[]>,
  ): Promise<Schemas['HealthSummary']> =>
    dataOf(await client.GET('/v1/health/summary', { params: { query: query as never } }));
  expect(await count(operator, {})).toEqual({
    by: 'authority',
    total: { cameras: 2, byStatus: { disabled: 2 }, byFlag: {} },
    groups: [{ key: 'tainan-wrb', cameras: 2, byStatus: { disabled: 2 }, byFlag: {} }],
  });
  expect(await count(stranger(), { by: 'city' })).toEqual({
    by: 'city',
    total: { cameras: 1, byStatus: { disabled: 1 }, byFlag: {} },
    groups: [{ key: 'Tainan', cameras: 1, byStatus: { disabled: 1 }, byFlag: {} }],
  });
  expect((await count(operator, { by: 'city' })).groups.map(({ key }) => key)).toEqual(['Tainan', null]);
  expect((await count(operator, { by: 'status', city: ['Tainan'] })).groups).toMatchObject([
    { key: 'disabled', cameras: 1 },
  ]);
  expect((await count(operator, { lifecycle: 'active' })).total.cameras).toBe(0);

  await change({ lifecycle: 'active' });
  await until('online');
  expect((await count(stranger(), { by: 'status' })).groups).toMatchObject([{ key: 'online', cameras: 1 }]);

  const response = await fetch(`${sightline.url}/v1/health/summary`);
  expect(response.headers.get('cache-control')).toBe('public, max-age=5');
  const again = await fetch(`${sightline.url}/v1/health/summary`, {
    headers: { 'if-none-match': response.headers.get('etag') ?? '' },
  });
  expect(again.status).toBe(304);
  expect((await fetch(`${sightline.url}/v1/health/summary?by=basin`)).status).toBe(400);
});

test('a retired camera keeps its history, and its clock stands', async () => {
  await operator.DELETE('/v1/cameras/{id}', { params: { path: { id }, header: { 'If-Match': '*' } } });
  const { transitions, availability } = await history();
  expect(transitions[0]).toMatchObject({ to: 'disabled', reason: 'the agency does not have the camera in use' });
  await wait(1_200);
  expect((await history()).availability['7d']).toEqual(availability['7d']);
});

test('the metrics say up to when there is room for what comes', async () => {
  const text = await (await fetch(`${sightline.url}/metrics`)).text();
  const [, until] = /sightline_partitions_held_until_timestamp_seconds\{table="probe_hour"\} (\d+)/.exec(text) ?? [];
  expect(Number(until)).toBeGreaterThan(Date.now() / 1000 + 3 * 86_400);
});

test('the metrics count all cameras, hidden ones too, and none by name', async () => {
  const text = await (await fetch(`${sightline.url}/metrics`)).text();
  const counts = text.split('\n').filter((line) => line.startsWith('sightline_cameras{'));
  expect(counts).toEqual(['sightline_cameras{authority="tainan-wrb",status="disabled"} 1']);
  expect(text).toMatch(/^sightline_camera_flags\{flag="frozen"\} 0$/m);
});
