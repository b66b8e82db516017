import { randomUUID } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import type { DataSource } from 'typeorm';
import { NotFound, NotProbed, ProberUnavailable } from '#catalog';
import { describeOnServer, openTestDatabase, type TestDatabase } from '#testing';
import { Authorities } from '../src/authorities.js';
import { type CameraRecord, Cameras } from '../src/cameras.js';
import { type ClaimedCamera, DueQueue } from '../src/due-queue.js';
import { namedKeys } from '../src/named-keys.js';
import { ProbeResults } from '../src/probe-results.js';
import { probeNow, ProbeWishes } from '../src/probe-wishes.js';
import { record, result } from './records.js';

let database: TestDatabase;
let db: DataSource;
let queue: DueQueue;
let results: ProbeResults;
let wishes: ProbeWishes;

beforeAll(async () => {
  database = await openTestDatabase();
  db = database.db;
  queue = new DueQueue(db);
  results = new ProbeResults(db);
  wishes = new ProbeWishes(db);
  await new Authorities(db).add({
    slug: 'wrb',
    name: 'Water',
    network: { cidrs: ['10.0.0.0/8'] },
    probing: { intervalS: 30, minIntervalS: 5 },
  });
});
afterAll(async () => {
  await database.close();
});
beforeEach(async () => {
  await db.query('delete from camera_secret');
  await db.query('delete from camera_health');
  await db.query('delete from probe_lease');
  await db.query('delete from camera');
});

async function add(...records: CameraRecord[]): Promise<string[]> {
  await new Cameras(db).add(records);
  return records.map(({ id }) => id);
}

const claim = (limit = 10, parts: Partial<Parameters<DueQueue['claim']>[0]> = {}): Promise<ClaimedCamera[]> =>
  queue.claim({ owner: 'one', limit, ttlS: 60, ...parts });

async function leaseOf(id: string): Promise<Record<string, unknown>> {
  const rows = await db.query<Record<string, unknown>[]>(
    `select due_at, extract(epoch from due_at - now())::float8 as in_s, asked_at, lease_owner, lease_until, epoch::float8
     from probe_lease where camera_id = $1`,
    [id],
  );
  return rows[0] as Record<string, unknown>;
}

/** Id of the camera whose lease row somebody holds. */
async function lockedCamera(): Promise<string> {
  const rows = await db.query<{ id: string }[]>(
    `select camera_id as id from probe_lease
     where camera_id not in (select camera_id from probe_lease for update skip locked)`,
  );
  return rows[0]?.id ?? 'none';
}

async function healthOf(id: string): Promise<Record<string, unknown>> {
  const rows = await db.query<Record<string, unknown>[]>('select * from camera_health where camera_id = $1', [id]);
  return rows[0] as Record<string, unknown>;
}

describe('claiming', () => {
  test('answers all that a probe wants to know', async () => {
    const secrets = [
      {
        slot: 1,
        kid: 'k1',
        ciphertext: Buffer.from('00ff', 'hex'),
        fingerprint: 'f',
        updatedAt: '2026-01-01T00:00:00Z',
      },
    ];
    const masks = [
      {
        points: [
          [0, 0],
          [0.5, 0],
          [0.5, 0.5],
        ] as [number, number][],
      },
    ];
    const [id] = await add(
      record(
        { secrets, probeHost: 'the recorder' },
        { access: { privacyMasks: masks }, declared: { status: 'ok' }, lifecycle: 'maintenance' },
      ),
    );
    const [camera, ...others] = await claim();
    expect(others).toEqual([]);
    expect(camera).toMatchObject({
      cameraId: id,
      host: 'the recorder',
      asked: false,
      authority: { slug: 'wrb', network: { cidrs: ['10.0.0.0/8'] }, probing: { intervalS: 30, minIntervalS: 5 } },
      lifecycle: 'maintenance',
      isMaintained: true,
      services: [{ kind: 'mjpeg' }],
      slots: [1],
      masks,
      declared: { status: 'ok' },
      state: null,
      memory: null,
      frameKey: null,
      secrets: [{ slot: 1, kid: 'k1', ciphertext: Buffer.from('00ff', 'hex') }],
    });
    expect(Math.abs((camera?.readAt ?? 0) - Date.now())).toBeLessThan(10_000);
    expect(camera?.authority).not.toHaveProperty('allowBasicPlaintext');
    expect(await claim()).toEqual([]);
  });

  test('one row a device, those that are waited for first, and none whose device is under lease or skipped', async () => {
    const [first, second, third] = await add(
      record({ probeHost: 'recorder' }),
      record({ probeHost: 'recorder' }),
      record({ probeHost: 'recorder' }),
    );
    const [other] = await add(record({ probeHost: 'other' }));
    await db.query(`update probe_lease set asked_at = now() where camera_id = $1`, [second]);
    const claimed = await claim();
    expect(claimed.map(({ cameraId }) => cameraId)).toEqual([second, other]);
    expect(claimed[0]?.asked).toBe(true);
    expect(await claim()).toEqual([]);
    await results.record([result(claimed[0] as ClaimedCamera)]);
    expect(await claim(10, { skipHosts: ['recorder'] })).toEqual([]);
    const next = await claim();
    expect(next).toHaveLength(1);
    expect([first, third]).toContain(next[0]?.cameraId);
  });

  test('as many as asked for, the longest overdue first', async () => {
    const ids = await add(...Array.from({ length: 5 }, () => record()));
    for (const [i, id] of ids.entries()) {
      await db.query(`update probe_lease set due_at = now() - make_interval(secs => $2) where camera_id = $1`, [id, i]);
    }
    const claimed = await claim(2);
    expect(claimed.map(({ cameraId }) => cameraId)).toEqual([ids[4], ids[3]]);
    expect(claimed[0]?.lateS).toBeCloseTo(4, 0);
    expect(await claim(0)).toEqual([]);
  });

  test('what lies behind a recorder with hundreds of overdue channels comes at the next look', async () => {
    await add(...Array.from({ length: 300 }, () => record({ probeHost: 'recorder' })));
    await db.query(`update probe_lease set due_at = now() - interval '1 hour'`);
    const [other] = await add(record());
    expect((await claim()).map(({ host }) => host)).toEqual(['recorder']);
    expect((await claim()).map(({ cameraId }) => cameraId)).toEqual([other]);
  });

  test('nobody waits for hundreds of overdue cameras of a network that has as many as it may', async () => {
    await add(...Array.from({ length: 300 }, () => record()));
    await db.query(`update probe_lease set due_at = now() - interval '1 hour', network = '10.1.1.0/24'`);
    const [other] = await add(record());
    // Eight at once, and 24 more since they are late.
    const asked = (cameras: number) => ({ leftIn: new Map([['10.1.1.0/24', 8 - cameras]]) });
    expect((await claim(10, asked(32))).map(({ cameraId }) => cameraId)).toEqual([other]);
    expect(await claim(10, asked(32))).toEqual([]);
    expect(await claim(10, asked(31))).toHaveLength(1);
    expect(await claim(10, asked(25))).toHaveLength(7);
  });

  test('a lease that has run out is taken over, and the late result changes nothing', async () => {
    const [id] = await add(record());
    const [slow] = await claim(1, { ttlS: 0.05 });
    await wait(80);
    const [quick] = await claim(1, { owner: 'two' });
    expect(quick?.cameraId).toBe(id);
    expect(quick?.epoch).toBe((slow?.epoch ?? 0) + 1);
    expect(await results.record([result(slow as ClaimedCamera, { status: 'offline' })])).toEqual(new Set());
    expect(await healthOf(id as string)).toMatchObject({ status: 'unknown', revision: 0, state: null });
    expect(await results.record([result(quick as ClaimedCamera)])).toEqual(new Set([id]));
    // The same lease counts once.
    expect(await results.record([result(quick as ClaimedCamera, { status: 'offline' })])).toEqual(new Set());
    expect(await healthOf(id as string)).toMatchObject({ status: 'online', revision: 1 });
  });

  test('a camera that changes under lease is due at once, and the probe of the old configuration counts no more', async () => {
    const mine = record();
    await add(mine);
    const [old] = await claim();
    await new Cameras(db).replace([mine]);
    expect(await results.record([result(old as ClaimedCamera)])).toEqual(new Set());
    const [fresh] = await claim();
    expect(fresh?.configVersion).toBe((old?.configVersion ?? 0) + 1);
  });

  test('a camera that comes back has numbers it never had', async () => {
    const mine = record();
    await add(mine);
    const [old] = await claim();
    await new Cameras(db).replace([{ ...mine, probeHost: null }]);
    expect(await claim()).toEqual([]);
    await wait(5);
    await new Cameras(db).replace([mine]);
    const [fresh] = await claim();
    expect(fresh?.epoch).toBeGreaterThan(old?.epoch ?? Infinity);
    expect(fresh?.configVersion).toBeGreaterThan(old?.configVersion ?? Infinity);
    expect(await results.record([result(old as ClaimedCamera)])).toEqual(new Set());
    expect(await results.record([result(fresh as ClaimedCamera)])).toEqual(new Set([mine.id]));
  });

  test('released leases are free at once', async () => {
    await add(record(), record());
    expect(await claim()).toHaveLength(2);
    expect(await queue.release('another')).toBe(0);
    expect(await queue.release('one')).toBe(2);
    await wait(5);
    expect(await claim(10, { owner: 'two' })).toHaveLength(2);
  });

  test('after a standstill missed rounds are spread; what is new, changed or waited for is not', async () => {
    const ids = await add(record(), record(), record(), record(), record());
    const claimed = await claim();
    const probed = claimed.filter(({ cameraId }) => cameraId !== ids[0]);
    await results.record(probed.map((camera) => result(camera, { dueInS: -100 })));
    await queue.release('one');
    await db.query('update probe_lease set config_version = config_version + 1 where camera_id = $1', [ids[1]]);
    await db.query('update probe_lease set asked_at = now() where camera_id = $1', [ids[2]]);
    await wait(5);
    expect(await queue.skipMissed(2)).toBe(2);
    const due = (await claim()).map(({ cameraId }) => cameraId);
    expect(due.sort()).toEqual([ids[0], ids[1], ids[2]].sort());
    for (const id of ids.slice(3)) {
      const { in_s: inS } = await leaseOf(id);
      expect(inS).toBeGreaterThan(-1);
      expect(inS).toBeLessThanOrEqual(30);
    }
  });
});

describe('recording', () => {
  test('health, next due time and the end of the lease together, by the database clock', async () => {
    const [id] = await add(record());
    const [camera] = await claim();
    await db.query('update probe_lease set asked_at = now() where camera_id = $1', [id]);
    const frameKey = 'frame/1';
    const capturedAt = '2026-01-02T03:04:05.678Z';
    await results.record([result(camera as ClaimedCamera, { frameKey, capturedAt, dueInS: 42.5 })]);
    expect(await healthOf(id as string)).toMatchObject({
      status: 'online',
      state: { v: 1, standing: 'online' },
      memory: { seen: 1 },
      revision: 1,
      frame_key: 'frame/1',
      captured_at: new Date(capturedAt),
      stale_after_s: 120,
    });
    const lease = await leaseOf(id as string);
    expect(lease).toMatchObject({ asked_at: null, lease_owner: null, lease_until: null });
    expect(lease.in_s).toBeGreaterThan(40);
    expect(lease.in_s).toBeLessThanOrEqual(42.5);
  });

  test('a picture stays until another one comes', async () => {
    const [id] = await add(record());
    const steps = [
      [{ frameKey: 'f1', capturedAt: '2026-01-01T00:00:00Z' }, 'f1', '2026-01-01'],
      [{ status: 'offline' }, 'f1', '2026-01-01'],
      [{ capturedAt: '2026-01-02T00:00:00Z' }, 'f1', '2026-01-02'],
      [{ frameKey: 'f2', capturedAt: '2026-01-03T00:00:00Z' }, 'f2', '2026-01-03'],
      [{ frameKey: null }, null, null],
    ] as const;
    for (const [parts, frameKey, day] of steps) {
      await db.query('update probe_lease set due_at = now()');
      const [camera] = await claim();
      await results.record([result(camera as ClaimedCamera, parts)]);
      const health = await healthOf(id as string);
      expect(health).toMatchObject({ frame_key: frameKey });
      expect((health.captured_at as Date | null)?.toISOString().slice(0, 10) ?? null).toBe(day);
    }
    expect(await results.record([])).toEqual(new Set());
  });

  test('names that are pointed to', async () => {
    await add(record(), record());
    const claimed = await claim();
    await results.record(claimed.map((camera, i) => result(camera, { frameKey: `f${i}` })));
    expect(await namedKeys(db, ['f0', 'f1', 'f2', 'nobody'])).toEqual(new Set(['f0', 'f1']));
    expect(await namedKeys(db, [])).toEqual(new Set());
  });
});

describe('probe now', () => {
  test('is due at once, and answered by the next result', async () => {
    const [id] = await add(record());
    const [first] = await claim();
    await results.record([result(first as ClaimedCamera)]);
    await db.query(`update camera_health set checked_at = now() - interval '6 s'`);
    const answered = probeNow(wishes, id as string, { timeoutMs: 5_000 });
    await wait(50);
    const [camera] = await claim();
    expect(camera).toMatchObject({ cameraId: id, asked: true });
    const { report } = result(camera as ClaimedCamera);
    await results.record([result(camera as ClaimedCamera, { report: { ...report, outcome: 'busy' } })]);
    expect(await answered).toEqual({ ...report, outcome: 'busy' });
    expect((await leaseOf(id as string)).asked_at).toBeNull();
  });

  test('is answered by a probe under way', async () => {
    const [id] = await add(record());
    const [camera] = await claim();
    const answered = probeNow(wishes, id as string, { timeoutMs: 5_000 });
    await wait(150);
    await results.record([result(camera as ClaimedCamera)]);
    expect((await answered).outcome).toBe('ok');
    expect((await leaseOf(id as string)).in_s).toBeGreaterThan(20);
  });

  test('within minIntervalS of a result it is that one, unless the configuration changed since', async () => {
    const mine = record();
    await add(mine);
    const [camera] = await claim();
    await results.record([result(camera as ClaimedCamera)]);
    expect((await wishes.ask(mine.id)).report?.outcome).toBe('ok');
    expect((await leaseOf(mine.id)).asked_at).toBeNull();
    await new Cameras(db).replace([mine]);
    expect((await wishes.ask(mine.id)).report).toBeNull();
  });

  test('refuses cameras that are not there or not probed, and gives up in time', async () => {
    await expect(wishes.ask(randomUUID())).rejects.toThrow(NotFound);
    const planned = record({ probeHost: null }, { lifecycle: 'planned' });
    const mine = record();
    await add(planned, mine);
    await expect(wishes.ask(planned.id)).rejects.toThrow(NotProbed);
    await expect(probeNow(wishes, mine.id, { timeoutMs: 250 })).rejects.toThrow(ProberUnavailable);
    await expect(probeNow(wishes, mine.id, { signal: AbortSignal.abort() })).rejects.toThrow(ProberUnavailable);
    const gone = probeNow(wishes, mine.id, { timeoutMs: 2_000 });
    await wait(20);
    await new Cameras(db).replace([{ ...mine, probeHost: null }]);
    await expect(gone).rejects.toThrow(NotProbed);
  });
});

describeOnServer('several probers at once', () => {
  let pools: DataSource[];
  beforeAll(async () => {
    pools = await Promise.all([1, 2, 3, 4].map(() => database.another('prober')));
  });

  test('200 cameras, 4 workers: each camera once, and never two of a device', async () => {
    // 40 recorders with five channels each.
    await add(...Array.from({ length: 200 }, (_, i) => record({ probeHost: `recorder-${i % 40}` })));
    const leases: string[] = [];
    const dialling = new Map<string, number>();
    let most = 0;
    const work = async (pool: DataSource, owner: string): Promise<void> => {
      const mine = new DueQueue(pool);
      const kept = new ProbeResults(pool);
      for (let idle = 0; idle < 20;) {
        const claimed = await mine.claim({ owner, limit: 7, ttlS: 60 });
        idle = claimed.length === 0 ? idle + 1 : 0;
        for (const { host } of claimed) {
          dialling.set(host, (dialling.get(host) ?? 0) + 1);
          most = Math.max(most, dialling.get(host) ?? 0);
        }
        await wait(3);
        for (const { host } of claimed) dialling.set(host, (dialling.get(host) ?? 0) - 1);
        const counted = await kept.record(claimed.map((camera) => result(camera)));
        expect(counted.size).toBe(claimed.length);
        leases.push(...claimed.map(({ cameraId }) => cameraId));
      }
    };
    await Promise.all(pools.map((pool, i) => work(pool, `worker ${i}`)));
    expect(leases).toHaveLength(200);
    expect(new Set(leases).size).toBe(200);
    expect(most).toBe(1);
  });

  test('two claims that do not see each other keep one camera of a device', async () => {
    const [first, second] = await add(record({ probeHost: 'recorder' }), record({ probeHost: 'recorder' }));
    // The slow one has leased and not committed while the other looks for what is due.
    await db.query(
      `create function dawdle() returns trigger language plpgsql as 'begin perform pg_sleep(0.4); return new; end'`,
    );
    await db.query(
      `create trigger dawdle after update on probe_lease for each row when (new.lease_owner = 'slow') execute function dawdle()`,
    );
    const [one, two] = pools.map((pool) => new DueQueue(pool)) as [DueQueue, DueQueue];
    const slow = one.claim({ owner: 'slow', limit: 1, ttlS: 60 });
    await wait(150);
    const other = first === (await lockedCamera()) ? second : first;
    await db.query('update probe_lease set asked_at = now() where camera_id = $1', [other]);
    const quick = await two.claim({ owner: 'quick', limit: 1, ttlS: 60 });
    expect(quick.map(({ cameraId }) => cameraId)).toEqual([other]);
    expect(await slow).toEqual([]);
    await db.query('drop function dawdle cascade');
    await results.record(quick.map((camera) => result(camera)));
    expect(await claim()).toHaveLength(1);
  });

  test('results and changes of the same cameras at once: whatever counts is of the newest configuration', async () => {
    const records = Array.from({ length: 20 }, () => record());
    await add(...records);
    for (let round = 0; round < 10; round += 1) {
      const claimed = await claim(20);
      const [counted] = await Promise.all([
        new ProbeResults(pools[0] as DataSource).record(claimed.map((camera) => result(camera))),
        database.db.transaction((tx) => new Cameras(tx).replace(records.slice(0, 10))),
      ]);
      expect(records.slice(10).every(({ id }) => counted.has(id))).toBe(true);
      const [{ behind }] = await db.query<[{ behind: number }]>(
        `select count(*)::int as behind from probe_lease l join camera_health h using (camera_id)
         where l.due_at > now() and (h.report ->> 'configVersion')::bigint <> l.config_version`,
      );
      expect(behind).toBe(0);
      await db.query('update probe_lease set due_at = now(), lease_until = null');
    }
  });
});
