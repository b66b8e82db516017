import { randomBytes, randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import pg from 'pg';
import { pino } from 'pino';
import { Registry } from 'prom-client';
import sharp from 'sharp';
import type { DataSource } from 'typeorm';
import { type CameraRegistration, FramesUnavailable, publicDocument, uidOf, withDefaults } from '#catalog';
import { geoCameraOf } from '#geo';
import { ANONYMOUS, scope } from '#access';
import { availability, statusSpans } from '#health';
import { DirectoryStore, type FrameStore, Pictures } from '#frames';
import { Authorities, type CameraRecord, Cameras, DueQueue, HealthHistory, probeNow, ProbeWishes } from '#storage';
import { describeOnServer, openTestDatabase, type TestDatabase } from '#testing';
import { type ProberParts, type ProberSettings, type RunningProber, start } from '../src/start.js';

const WIDTH_PX = 480;
const HEIGHT_PX = 270;

/** A picture as noisy as a real one; every call another one. */
const picture = (): Promise<Buffer> =>
  sharp(randomBytes(WIDTH_PX * HEIGHT_PX * 3), { raw: { width: WIDTH_PX, height: HEIGHT_PX, channels: 3 } })
    .jpeg({ quality: 60 })
    .toBuffer();

/** A device that answers as it is told. */
class Device {
  requests: { readonly at: number; readonly headers: IncomingMessage['headers'] }[] = [];
  open = 0;
  mostOpen = 0;
  answer: (request: IncomingMessage, response: ServerResponse) => void = (_request, response) => {
    void picture().then((jpeg) => response.writeHead(200, { 'content-type': 'image/jpeg' }).end(jpeg));
  };
  private server: Server | null = null;
  port = 0;

  async listen(): Promise<this> {
    const server = createServer((request, response) => {
      this.requests.push({ at: performance.now(), headers: request.headers });
      this.open += 1;
      this.mostOpen = Math.max(this.mostOpen, this.open);
      response.once('close', () => (this.open -= 1));
      this.answer(request, response);
    });
    await new Promise<void>((resolve) => server.listen(this.port, '127.0.0.1', resolve));
    this.port = (server.address() as AddressInfo).port;
    this.server = server;
    return this;
  }

  async close(): Promise<void> {
    const { server } = this;
    this.server = null;
    if (server === null) return;
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}/picture.jpg`;
  }
}

let database: TestDatabase;
let db: DataSource;
let pictures: Pictures;
let directory: string;
let store: DirectoryStore;
let devices: Device[] = [];
let probers: RunningProber[] = [];
let lines: { readonly level: number; readonly msg: string; readonly [member: string]: unknown }[] = [];
let metrics: Registry;

beforeAll(async () => {
  database = await openTestDatabase();
  db = database.db;
  pictures = await Pictures.start({ workers: 1 });
  directory = mkdtempSync(path.join(tmpdir(), 'sightline-prober-'));
  store = await DirectoryStore.open({ directory, budgetBytes: 1e9 });
});
afterAll(async () => {
  await store.close();
  await pictures.close();
  rmSync(directory, { recursive: true, force: true });
  await database.close();
});
beforeEach(() => {
  lines = [];
});
afterEach(async () => {
  await Promise.all(probers.map((prober) => prober.close({ graceMs: 0 })));
  await Promise.all(devices.map((device) => device.close()));
  probers = [];
  devices = [];
  for (const table of ['camera_secret', 'camera_health', 'probe_lease', 'camera', 'authority']) {
    await db.query(`delete from ${table}`);
  }
});

async function device(): Promise<Device> {
  const made = await new Device().listen();
  devices.push(made);
  return made;
}

/** The authority of all devices; call it when they listen. */
async function authority(intervalS: number, terms?: { keepImages: 'none' }): Promise<void> {
  await new Authorities(db).add({
    slug: 'wrb',
    name: 'Water',
    network: { cidrs: ['127.0.0.0/8'], ports: devices.map(({ port }) => port) },
    probing: { intervalS, minIntervalS: Math.min(intervalS, 0.2) },
    allowBasicPlaintext: true,
    ...(terms === undefined ? {} : { terms }),
  });
}

/** Registers a camera of these devices, in order of preference. */
async function camera(
  asked: readonly Device[],
  stated: Partial<CameraRegistration> = {},
  parts: Partial<CameraRecord> = {},
): Promise<string> {
  const whole = withDefaults(
    {
      authority: 'wrb',
      localId: randomUUID(),
      name: 'Sinshih bridge',
      location: { type: 'Point', coordinates: [120.29, 23.08] },
      services: asked.map(({ url }) => ({ kind: 'snapshot', url })),
      ...stated,
    },
    { slug: 'wrb' },
  );
  const id = randomUUID();
  const record: CameraRecord = {
    id,
    document: { ...whole, uid: uidOf(whole), missing: [] },
    publicDocument: publicDocument(whole),
    accessLevel: 'public',
    completeness: 'point',
    geo: geoCameraOf(whole),
    changesViews: false,
    searchText: '',
    slots: whole.services.map((_, i) => i + 1),
    contentHash: Buffer.alloc(32),
    secrets: [],
    keeps: [],
    dialsAnew: true,
    dropsPicture: false,
    dropsPresets: [],
    probeHost: `127.0.0.1:${asked[0]?.port}`,
    ...parts,
  };
  await new Cameras(db).add([record]);
  return id;
}

async function prober(
  settings: Partial<ProberSettings> = {},
  parts: Partial<ProberParts> = {},
): Promise<RunningProber> {
  metrics = new Registry();
  const log = pino({ level: 'debug' }, { write: (line: string) => void lines.push(JSON.parse(line)) });
  const running = await start(
    { probeSockets: 64, loopbackCameras: true, sweeps: false, ...settings },
    {
      db,
      store,
      pictures,
      openSecret: () => null,
      log,
      metrics,
      owner: randomUUID(),
      userAgent: 'Sightline/test',
      ...parts,
    },
  );
  probers.push(running);
  return running;
}

interface Row {
  readonly status: string;
  readonly shown: Record<string, unknown>;
  readonly state: { readonly firstFailAt: number | null };
  readonly revision: number;
  readonly captured_at: Date | null;
  readonly frame_key: string | null;
}

async function health(id: string): Promise<Row> {
  const rows = await db.query<Row[]>('select * from camera_health where camera_id = $1', [id]);
  if (rows[0] === undefined) throw new Error('no such camera');
  return rows[0];
}

/** Waits until the camera's health is so. */
async function until(id: string, isSo: (row: Row) => boolean, patienceMs = 10_000): Promise<Row> {
  const untilMs = performance.now() + patienceMs;
  for (;;) {
    const row = await health(id);
    if (isSo(row)) return row;
    if (performance.now() > untilMs) throw new Error(`still ${JSON.stringify({ ...row, state: undefined })}`);
    await wait(25);
  }
}

const dueNow = (id: string): Promise<unknown> =>
  db.query('update probe_lease set due_at = now() where camera_id = $1', [id]);

/** Probes once more and answers what came of it. */
async function again(id: string): Promise<Row> {
  const { revision } = await health(id);
  await dueNow(id);
  return until(id, (row) => row.revision > revision);
}

test('a registered camera is probed at once; when it dies it is offline later and keeps its picture; when it is back, online', async () => {
  const one = await device();
  await authority(3_600);
  const id = await camera([one]);
  await prober();
  const online = await until(id, ({ status }) => status === 'online', 5_000);
  expect(online).toMatchObject({
    shown: { lastOutcome: 'ok', service: { index: 0, kind: 'snapshot' }, flapping: false },
  });
  expect(Math.abs((online.captured_at?.getTime() ?? 0) - Date.now())).toBeLessThan(5_000);
  const frame = await sharp((await store.get(online.frame_key ?? '')) ?? Buffer.of()).metadata();
  expect(frame).toMatchObject({ format: 'jpeg', width: WIDTH_PX, height: HEIGHT_PX });

  await one.close();
  expect((await again(id)).status).toBe('suspect');
  expect((await again(id)).status).toBe('suspect');
  // The 20 s that a suspicion lasts at least are put behind us.
  await db.query(
    `update camera_health set state = jsonb_set(state, '{firstFailAt}', to_jsonb((state ->> 'firstFailAt')::float8 - 20000))`,
  );
  const offline = await again(id);
  expect(offline).toMatchObject({
    status: 'offline',
    shown: { lastOutcome: 'refused' },
    frame_key: online.frame_key,
    captured_at: online.captured_at,
  });
  expect(lines.filter(({ msg }) => msg === 'down')).toHaveLength(1);

  await one.listen();
  const recovering = await again(id);
  expect(recovering.status).toBe('recovering');
  expect(recovering.frame_key).not.toBe(online.frame_key);
  expect((await again(id)).status).toBe('online');
  expect(lines.filter(({ msg }) => msg === 'up')).toHaveLength(1);
  expect(lines.filter(({ level }) => level >= 50)).toEqual([]);

  const now = Date.now();
  const asked = { since: now - 60_000, from: now - 60_000, to: now + 60_000, resolution: 'minute' } as const;
  const { recorded, probes } = await new HealthHistory(db).read(id, scope(ANONYMOUS), asked);
  const { moves } = recorded;
  expect(moves.map(({ from, to }) => `${from} ${to}`)).toEqual([
    'unknown online',
    'online suspect',
    'suspect offline',
    'offline recovering',
    'recovering online',
  ]);
  expect(probes.map(({ countedAs }) => countedAs)).toEqual(['ok', 'fail', 'fail', 'fail', 'ok', 'ok']);
  // Down from the first failure to the first picture, up before and after.
  const [first = 0, failed = 0, , back = 0] = moves.map(({ at }) => at);
  const { upShare, measuredS } = availability(statusSpans(recorded, asked.since), asked.since, recorded.now);
  expect(measuredS).toBeCloseTo((recorded.now - first) / 1000, 3);
  expect(upShare).toBeCloseTo(1 - (back - failed) / (recorded.now - first), 6);
});

test('the same picture is not stored again: sent once more it is still current, confirmed by 304 it ages', async () => {
  const one = await device();
  await authority(3_600);
  const jpeg = await picture();
  one.answer = (request, response) => {
    const isKnown = request.headers['if-none-match'] === '"a"';
    if (isKnown) response.writeHead(304).end();
    else response.writeHead(200, { 'content-type': 'image/jpeg', etag: '"a"' }).end(jpeg);
  };
  let puts = 0;
  const counting: FrameStore = {
    put: (kind, bytes) => ((puts += 1), store.put(kind, bytes)),
    get: (key) => store.get(key),
    delete: (key) => store.delete(key),
    sweep: (options) => store.sweep(options),
    discard: (keys, options) => store.discard(keys, options),
    fullness: 0,
    close: () => store.close(),
  };
  const id = await camera([one]);
  await prober({}, { store: counting });
  const first = await until(id, ({ status }) => status === 'online');
  const confirmed = await again(id);
  expect(one.requests[1]?.headers['if-none-match']).toBe('"a"');
  expect(confirmed).toMatchObject({ status: 'online', captured_at: first.captured_at, frame_key: first.frame_key });
  one.answer = (_request, response) => response.writeHead(200, { 'content-type': 'image/jpeg' }).end(jpeg);
  const sent = await again(id);
  expect(sent.frame_key).toBe(first.frame_key);
  expect(sent.captured_at?.getTime()).toBeGreaterThan(first.captured_at?.getTime() ?? Infinity);
  expect(puts).toBe(1);
});

test('PRIV-2: of a masked camera only the masked picture is kept; what was stored without the mask is forgotten', async () => {
  const one = await device();
  await authority(3_600);
  const white = await sharp({ create: { width: 320, height: 240, channels: 3, background: 'white' } })
    .jpeg()
    .toBuffer();
  one.answer = (_request, response) => response.writeHead(200, { 'content-type': 'image/jpeg' }).end(white);
  const id = await camera([one]);
  await prober();
  const open = await until(id, ({ frame_key: key }) => key !== null);
  const masks = [
    {
      points: [
        [0, 0],
        [0.5, 0],
        [0.5, 1],
        [0, 1],
      ],
    },
  ];
  await db.query(`update camera set document = jsonb_set(document, '{access,privacyMasks}', $2) where id = $1`, [
    id,
    JSON.stringify(masks),
  ]);
  await one.close();
  expect(await again(id)).toMatchObject({ frame_key: null, captured_at: null });
  await one.listen();
  const masked = await again(id);
  expect(masked.frame_key).not.toBe(open.frame_key);
  const { data, info } = await sharp((await store.get(masked.frame_key ?? '')) ?? Buffer.of())
    .greyscale()
    .raw()
    .toBuffer({ resolveWithObject: true });
  const middle = Math.floor(info.height / 2) * info.width;
  expect(data[middle + Math.floor(info.width / 4)]).toBeLessThan(20);
  expect(data[middle + Math.floor((info.width * 3) / 4)]).toBeGreaterThan(235);
});

test('an agency that lets no picture be kept has none, and its cameras are judged all the same', async () => {
  const one = await device();
  await authority(3_600, { keepImages: 'none' });
  const id = await camera([one]);
  await prober();
  expect(await until(id, ({ status }) => status === 'online')).toMatchObject({ frame_key: null, captured_at: null });
});

test('a store that fails costs the picture, not the probe', async () => {
  const one = await device();
  await authority(3_600);
  let fails = false;
  const faulty: FrameStore = {
    put: (kind, bytes) => (fails ? Promise.reject(new FramesUnavailable('disk gone')) : store.put(kind, bytes)),
    get: (key) => store.get(key),
    delete: (key) => store.delete(key),
    sweep: (options) => store.sweep(options),
    discard: (keys, options) => store.discard(keys, options),
    fullness: 0,
    close: () => store.close(),
  };
  const jpeg = await picture();
  const id = await camera([one]);
  await prober({}, { store: faulty });
  const first = await until(id, ({ status }) => status === 'online');
  fails = true;
  one.answer = (_request, response) => response.writeHead(200, { 'content-type': 'image/jpeg', etag: '"b"' }).end(jpeg);
  for (let i = 0; i < 3; i += 1) {
    expect(await again(id)).toMatchObject({
      status: 'online',
      frame_key: first.frame_key,
      captured_at: first.captured_at,
    });
  }
  expect(lines.filter(({ msg }) => msg.startsWith('the frame store'))).toHaveLength(1);
  // The camera is not asked whether it has changed: we have not got it.
  expect(one.requests.every(({ headers }) => headers['if-none-match'] === undefined)).toBe(true);
  fails = false;
  expect((await again(id)).frame_key).not.toBe(first.frame_key);
});

test('a second service stands in for the first, and says so', async () => {
  const [first, second] = [await device(), await device()];
  await authority(3_600);
  const id = await camera([first, second]);
  await first.close();
  await prober();
  expect(await until(id, ({ revision }) => revision === 1)).toMatchObject({ status: 'suspect' });
  expect(await again(id)).toMatchObject({
    status: 'online',
    shown: { conditions: ['primary_failing'], service: { index: 1, kind: 'snapshot' } },
  });
  expect(await again(id)).toMatchObject({ status: 'online', shown: { conditions: ['primary_failing'] } });
  await first.listen();
  expect(await again(id)).toMatchObject({ status: 'online', shown: { conditions: [], service: { index: 0 } } });
});

test('the sixteen channels of a recorder are asked one after the other, and each in its time', async () => {
  const recorder = await device();
  const jpeg = await picture();
  recorder.answer = (_request, response) => response.writeHead(200, { 'content-type': 'image/jpeg' }).end(jpeg);
  // 1.6 a second; a look a second would not do.
  await authority(10);
  const ids = await Promise.all(Array.from({ length: 16 }, () => camera([recorder])));
  await prober();
  await Promise.all(ids.map((id) => until(id, ({ revision }) => revision > 0, 8_000)));
  expect(recorder.mostOpen).toBe(1);
}, 20_000);

test('CRED-3, CRED-5: a refused password is held back; one that we cannot open is not sent, and the camera not asked', async () => {
  const [guarded, sealed] = [await device(), await device()];
  await authority(3_600);
  guarded.answer = (_request, response) => response.writeHead(401, { 'www-authenticate': 'Basic realm="AXIS"' }).end();
  const secret = { slot: 1, ciphertext: Buffer.of(1), fingerprint: 'f', updatedAt: '2026-01-01T00:00:00Z' };
  const refused = await camera([guarded], {}, { secrets: [{ ...secret, kid: 'ours' }] });
  const closed = await camera([sealed], {}, { secrets: [{ ...secret, kid: 'lost' }] });
  await prober(
    {},
    {
      openSecret: ({ kid }) => {
        if (kid === 'lost') throw new Error('unknown kid');
        return { username: 'viewer', password: 'wrong' };
      },
    },
  );
  await until(refused, ({ status }) => status === 'auth_failed');
  const answered = (): number => guarded.requests.filter(({ headers }) => headers.authorization !== undefined).length;
  expect(answered()).toBe(1);
  for (let i = 0; i < 3; i += 1) expect((await again(refused)).status).toBe('auth_failed');
  expect(answered()).toBe(1);
  expect(guarded.requests.length).toBeGreaterThanOrEqual(4);
  expect(await until(closed, ({ revision }) => revision > 0)).toMatchObject({
    status: 'unknown',
    shown: { conditions: ['credential_unreadable'] },
  });
  expect(sealed.requests).toEqual([]);
  expect(JSON.stringify(lines)).not.toContain('wrong');
});

test('a probe that somebody waits for, the listener for orchestrators, and what it counts', async () => {
  const one = await device();
  await authority(3_600);
  const id = await camera([one]);
  const running = await prober({ ops: { host: '127.0.0.1', port: 0, orNextFree: false } });
  await until(id, ({ status }) => status === 'online');
  await db.query(`update camera_health set checked_at = now() - interval '1 min'`);
  one.answer = (_request, response) => response.writeHead(503).end();
  const report = await probeNow(new ProbeWishes(db), id, { timeoutMs: 5_000 });
  expect(report).toMatchObject({ outcome: 'busy', service: 'snapshot', status: 'busy', frame: null });
  const get = async (place: string): Promise<[number, string]> => {
    const response = await fetch(`http://127.0.0.1:${running.opsPort}${place}`);
    return [response.status, await response.text()];
  };
  expect(await get('/livez')).toEqual([200, 'ok\n']);
  expect(await get('/readyz')).toEqual([200, 'ok\n']);
  expect((await get('/nothing'))[0]).toBe(404);
  const [, text] = await get('/metrics');
  for (const line of [
    'sightline_probe_outcomes_total{outcome="ok"} 1',
    'sightline_probe_outcomes_total{outcome="busy"} 1',
    'sightline_probe_outcomes_total{outcome="dns_error"} 0',
    'sightline_state_transitions_total{to="online"} 1',
    'sightline_probe_lease_lost_total 0',
    'sightline_probe_inflight 0',
  ]) {
    expect(text.split('\n')).toContain(line);
  }
  expect(text).toMatch(/sightline_probe_duration_seconds_count\{phase="connect"\} 2/);
  expect(text).toContain('sightline_probe_schedule_lag_seconds_bucket');
  expect(text).not.toContain(id);
});

test('closing gives running probes up, keeps nothing of them and frees their cameras', async () => {
  const one = await device();
  await authority(3_600);
  one.answer = () => undefined;
  const id = await camera([one]);
  const running = await prober();
  while (one.requests.length === 0) await wait(10);
  const began = performance.now();
  await running.close({ graceMs: 200 });
  expect(performance.now() - began).toBeLessThan(2_000);
  expect(await health(id)).toMatchObject({ status: 'unknown', revision: 0 });
  await wait(5);
  expect(await new DueQueue(db).claim({ owner: 'next', limit: 1, ttlS: 60 })).toHaveLength(1);
});

describeOnServer('several probers', () => {
  test('no camera is probed twice in a round, and both work', async () => {
    const many = await Promise.all(Array.from({ length: 40 }, () => device()));
    const jpeg = await picture();
    for (const one of many) {
      one.answer = (_request, response) =>
        void setTimeout(() => response.writeHead(200, { 'content-type': 'image/jpeg' }).end(jpeg), 50);
    }
    await authority(2);
    const ids = await Promise.all(many.map((one) => camera([one])));
    const served: Registry[] = [];
    for (const owner of ['a', 'b']) {
      // So few at once that neither can do it alone in one go.
      await prober({ probeSockets: 15 }, { db: await database.another('prober'), owner });
      served.push(metrics);
    }
    await wait(7_000);
    await Promise.all(probers.map((running) => running.close()));
    const counts = await Promise.all(
      served.map((registry) => registry.getSingleMetricAsString('sightline_probe_outcomes_total')),
    );
    const oks = counts.map((text) => Number(/outcome="ok"\} (\d+)/.exec(text)?.[1]));
    expect(Math.min(...oks)).toBeGreaterThan(10);
    for (const [i, one] of many.entries()) {
      expect(one.mostOpen).toBe(1);
      // The first round is at once, then one in each of the at most four phases that lie in 7 s.
      expect(one.requests.length).toBeGreaterThanOrEqual(2);
      expect(one.requests.length).toBeLessThanOrEqual(5);
      expect((await health(ids[i] as string)).revision).toBe(one.requests.length);
    }
  });

  test('a prober that dies keeps its cameras until its leases run out, and what it says later changes nothing', async () => {
    const one = await device();
    await authority(3_600);
    const held: ServerResponse[] = [];
    one.answer = (_request, response) => void held.push(response);
    const id = await camera([one]);
    const pool = await database.another('prober');
    await prober({ leaseTtlS: 3 }, { db: pool, owner: 'dying' });
    while (one.requests.length === 0) await wait(10);
    const claimedAt = performance.now();
    await pool.destroy();
    one.answer = (_request, response) =>
      void picture().then((jpeg) => response.writeHead(200, { 'content-type': 'image/jpeg' }).end(jpeg));
    await prober({ leaseTtlS: 3 }, { owner: 'heir' });
    const row = await until(id, ({ status }) => status === 'online');
    const tookS = (performance.now() - claimedAt) / 1000;
    expect(tookS).toBeGreaterThan(2.5);
    expect(tookS).toBeLessThan(3 + 2);
    expect(one.requests).toHaveLength(2);
    for (const response of held) response.writeHead(503).end();
    await wait(300);
    expect(await health(id)).toEqual(row);
  });

  test('while the database is away it waits, says so once, and goes on', async () => {
    const one = await device();
    await authority(1);
    const id = await camera([one]);
    const pool = await database.another('prober');
    await prober({}, { db: pool });
    await until(id, ({ status }) => status === 'online');
    const own = new URL(database.url ?? '');
    const name = own.pathname.slice(1);
    own.pathname = '/postgres';
    const admin = new pg.Client({ connectionString: own.href });
    await admin.connect();
    try {
      await admin.query(`alter database ${name} allow_connections false`);
      await admin.query(
        `select pg_terminate_backend(pid) from pg_stat_activity where datname = $1 and application_name = 'sightline-prober'`,
        [name],
      );
      await wait(3_000);
    } finally {
      await admin.query(`alter database ${name} allow_connections true`);
      await admin.end();
    }
    const { revision } = await health(id);
    await until(id, (row) => row.revision > revision + 1);
    expect(lines.filter(({ msg }) => msg.startsWith('the database does not work'))).toHaveLength(1);
    expect(lines.filter(({ msg }) => msg.startsWith('the database works again'))).toHaveLength(1);
  });
});

describe('an address outside the network (SSRF-6, SSRF-9)', () => {
  test('is not dialled: unknown, and the reason says why', async () => {
    const one = await device();
    await new Authorities(db).add({ slug: 'wrb', name: 'Water', probing: { intervalS: 60 } });
    const id = await camera([one]);
    await prober();
    expect(await until(id, ({ revision }) => revision > 0)).toMatchObject({
      status: 'unknown',
      shown: { lastOutcome: 'target_not_allowed' },
    });
    expect(one.requests).toEqual([]);
  });
});
