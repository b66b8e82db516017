import { randomBytes, randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { pino } from 'pino';
import { Registry } from 'prom-client';
import sharp from 'sharp';
import type { DataSource } from 'typeorm';
import { publicDocument, uidOf, withDefaults } from '#catalog';
import { DirectoryStore, Pictures } from '#frames';
import { geoCameraOf } from '#geo';
import { Authorities, Cameras } from '#storage';
import { openTestDatabase, type TestDatabase } from '#testing';
import { type RunningProber, start } from '../src/start.js';

const INTERVAL_S = 2;

let database: TestDatabase;
let db: DataSource;
let pictures: Pictures;
let directory: string;
let store: DirectoryStore;
let jpegs: Buffer[] = [];
let port = 0;
let servers = new Map<string, Server>();
let prober: RunningProber | null = null;
let metrics: Registry;

beforeAll(async () => {
  database = await openTestDatabase();
  db = database.db;
  pictures = await Pictures.start({ workers: 1 });
  directory = mkdtempSync(path.join(tmpdir(), 'sightline-line-'));
  store = await DirectoryStore.open({ directory, budgetBytes: 1e9 });
  jpegs = await Promise.all(
    Array.from({ length: 40 }, () =>
      sharp(randomBytes(160 * 120 * 3), { raw: { width: 160, height: 120, channels: 3 } })
        .jpeg()
        .toBuffer(),
    ),
  );
});
afterAll(async () => {
  await store.close();
  await pictures.close();
  rmSync(directory, { recursive: true, force: true });
  await database.close();
});
beforeEach(() => {
  port = 0;
  servers = new Map();
});
afterEach(async () => {
  await prober?.close({ graceMs: 0 });
  await cut([...servers.keys()]);
  await db.query('update camera_health set site_outage = null');
  for (const table of [
    'site_absence',
    'site_outage',
    'outbox',
    'health_transition',
    'probe_hour',
    'camera_lifecycle',
    'camera_health',
    'probe_lease',
    'camera',
    'authority',
  ]) {
    await db.query(`delete from ${table}`);
  }
});

/** Devices that answer with another picture each time, all on one port. */
async function listen(addresses: readonly string[]): Promise<void> {
  let shots = 0;
  for (const address of addresses) {
    const server = createServer((_request, response) => {
      response.writeHead(200, { 'content-type': 'image/jpeg' }).end(jpegs[(shots += 1) % jpegs.length]);
    });
    await new Promise<void>((resolve) => server.listen(port, address, resolve));
    ({ port } = server.address() as AddressInfo);
    servers.set(address, server);
  }
}

/** Nobody listens there any more. */
async function cut(addresses: readonly string[]): Promise<void> {
  for (const address of addresses) {
    const server = servers.get(address);
    server?.closeAllConnections();
    if (server?.listening === true) await new Promise((resolve) => server.close(resolve));
  }
}

/** A camera at each address, each at a place of its own, watched by a prober until all of them are online. */
async function watch(addresses: readonly string[]): Promise<void> {
  await listen(addresses);
  await new Authorities(db).add({
    slug: 'wrb',
    name: 'Water',
    network: { cidrs: ['127.0.0.0/8'], ports: [port] },
    probing: { intervalS: INTERVAL_S, minIntervalS: 0.2 },
  });
  for (const [i, address] of addresses.entries()) {
    const whole = withDefaults(
      {
        authority: 'wrb',
        localId: address,
        name: address,
        location: { type: 'Point', coordinates: [120 + i / 100, 23] },
        services: [{ kind: 'snapshot', url: `http://${address}:${port}/picture.jpg` }],
      },
      { slug: 'wrb' },
    );
    await new Cameras(db).add([
      {
        id: randomUUID(),
        document: { ...whole, uid: uidOf(whole), missing: [] },
        publicDocument: publicDocument(whole),
        accessLevel: 'public',
        completeness: 'point',
        geo: geoCameraOf(whole),
        changesViews: false,
        searchText: '',
        slots: [1],
        contentHash: Buffer.alloc(32),
        secrets: [],
        keeps: [],
        dialsAnew: true,
        dropsPicture: false,
        dropsPresets: [],
        probeHost: address,
      },
    ]);
  }
  metrics = new Registry();
  prober = await start(
    { probeSockets: 64, loopbackCameras: true, sweeps: false },
    {
      db,
      store,
      pictures,
      openSecret: () => null,
      log: pino({ level: 'silent' }),
      metrics,
      owner: randomUUID(),
      userAgent: 'Sightline/test',
    },
  );
  await until(async () => (await statuses()).online === addresses.length, 'all cameras are online');
}

/** How many cameras have which state of their own. */
async function statuses(): Promise<Record<string, number>> {
  const rows = await db.query<{ status: string; cameras: number }[]>(
    'select status, count(*)::int as cameras from camera_health group by status',
  );
  return Object.fromEntries(rows.map(({ status, cameras }) => [status, cameras]));
}

async function until(isSo: () => Promise<boolean>, what: string, patienceMs = 30_000): Promise<void> {
  const untilMs = performance.now() + patienceMs;
  while (!(await isSo())) {
    if (performance.now() > untilMs)
      throw new Error(`not within ${patienceMs / 1000} s: ${what}; ${JSON.stringify(await statuses())}`);
    await wait(100);
  }
}

const words = async (): Promise<string[]> =>
  (
    await db.query<{ word: string }[]>(
      `select facts #>> '{notice,word}' as word from outbox where kind = 'health.notice' order by id`,
    )
  ).map(({ word }) => word);

const away = async (): Promise<number> =>
  (await db.query<{ n: number }[]>('select count(*)::int as n from camera_health where site_outage is not null'))[0]
    ?.n ?? 0;

const isBlind = async (): Promise<boolean> =>
  (await metrics.getSingleMetricAsString('sightline_prober_blind')).endsWith(' 1');

/** Only Linux answers at every address of 127.0.0.0/8. */
const onLinux = process.platform === 'linux' ? describe : describe.skip;

onLinux('cameras at addresses of their own (on Linux)', () => {
  test('a site of twenty that is cut and comes back: one word each way, and none about a single camera', async () => {
    const site = Array.from({ length: 20 }, (_, i) => `127.7.0.${i + 1}`);
    const others = Array.from({ length: 10 }, (_, i) => `127.8.${i}.1`);
    await watch([...site, ...others]);

    await cut(site);
    await until(async () => (await away()) === 20, 'the site is known to be down');
    // The 20 s that a suspicion lasts at least are put behind us; of a camera whose probe ends at this moment they are not.
    await db.query(
      `update camera_health set state = jsonb_set(state, '{firstFailAt}', to_jsonb((state ->> 'firstFailAt')::float8 - 20000))
       where site_outage is not null and state ->> 'firstFailAt' is not null`,
    );
    await until(async () => (await statuses()).offline === 20, 'its cameras are offline beneath', 60_000);
    expect(await words()).toEqual(['site_down']);
    expect(await isBlind()).toBe(false);
    expect((await statuses()).online).toBe(10);

    await listen(site);
    await until(async () => (await away()) === 0, 'the site is back');
    await until(async () => (await statuses()).online === 30, 'all cameras are online again');
    expect(await words()).toEqual(['site_down', 'site_up']);
  }, 150_000);

  test("the prober's own line is cut: nothing is charged to any camera", async () => {
    const addresses = Array.from({ length: 48 }, (_, i) => `127.9.${i % 12}.${i + 1}`);
    await watch(addresses);
    // All went well for a while before.
    await wait(4_000 * INTERVAL_S);
    await cut(addresses);
    await until(isBlind, 'the prober knows that it sees nobody');
    await wait(2_500 * INTERVAL_S);
    const { suspect = 0, ...others } = await statuses();
    // Those that failed before there was any doubt.
    expect(suspect).toBeLessThanOrEqual(4);
    expect(others).toEqual({ online: 48 - suspect });

    await listen(addresses);
    const since = new Date().toISOString();
    await until(async () => !(await isBlind()), 'it sees again');
    await until(
      async () => {
        const rows = await db.query<{ n: number }[]>(
          `select count(*)::int as n from camera_health where status = 'online' and checked_at > $1::timestamptz`,
          [since],
        );
        return rows[0]?.n === 48;
      },
      'all cameras were asked again',
      2_500 * INTERVAL_S,
    );
    expect(await words()).toEqual([]);
    const downs = await db.query<unknown[]>(
      `select from health_transition where to_status in ('offline', 'recovering')`,
    );
    expect(downs).toEqual([]);
  }, 90_000);
});
