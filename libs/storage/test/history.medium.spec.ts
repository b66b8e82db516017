import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import type { DataSource } from 'typeorm';
import { ANONYMOUS, scope } from '#access';
import { COUNTED_AS, type CountedAs, NotFound, type ScopedQuery, type Status } from '#catalog';
import { openTestDatabase, type TestDatabase } from '#testing';
import { Authorities } from '../src/authorities.js';
import { Cameras } from '../src/cameras.js';
import { type ClaimedCamera, DueQueue } from '../src/due-queue.js';
import { type AskedHistory, HealthHistory, type KeptHistory } from '../src/health-history.js';
import { packed, SECOND_SHIFT, unpacked } from '../src/packed-probe.js';
import type { ProbeRecord } from '../src/probe-record.js';
import { ProbeResults } from '../src/probe-results.js';
import { record, result } from './records.js';

let database: TestDatabase;
let db: DataSource;
const said: unknown[] = [];

beforeAll(async () => {
  database = await openTestDatabase();
  ({ db } = database);
  await new Authorities(db).add({ slug: 'wrb', name: 'Water' });
});
afterAll(() => database.close());
beforeEach(async () => {
  said.length = 0;
  for (const table of ['camera_health', 'probe_lease', 'camera_lifecycle', 'health_transition', 'probe_hour'])
    await db.query(`delete from ${table}`);
  await db.query('delete from camera');
});

const OWN = { levels: ['public'], own: 'all', operated: 'all', pictured: 'all' } as never as ScopedQuery;

async function addCamera(...parts: Parameters<typeof record>): Promise<string> {
  const camera = record(...parts);
  await new Cameras(db).add([camera]);
  return camera.id;
}

/** Claims the one camera that there is and keeps a result of it. */
async function probe(parts: Partial<ProbeRecord> = {}): Promise<ReadonlySet<string>> {
  await db.query('update probe_lease set due_at = now(), lease_until = null');
  const [camera] = await new DueQueue(db).claim({ owner: 'one', limit: 1, ttlS: 60 });
  const watch = { failed: (error: unknown) => said.push(error), worked: () => undefined };
  return new ProbeResults(db, watch).record([result(camera as ClaimedCamera, parts)]);
}

/** A result with a status of its own. */
function became(status: Status, countedAs: CountedAs = 'ok', lastOutcome = 'ok', reason = `it is ${status}`) {
  const shown = { since: '', lastOutcome, reason, flapping: false, agreement: 'unknown', conditions: [], flags: [] };
  return { status, countedAs, shown } as Partial<ProbeRecord>;
}

const DAY_MS = 86_400_000;
async function read(id: string, scoped: ScopedQuery = OWN, parts: Partial<AskedHistory> = {}): Promise<KeptHistory> {
  const now = Date.now();
  const asked: AskedHistory = {
    since: now - 30 * DAY_MS,
    from: now - DAY_MS,
    to: now + 1_000,
    resolution: 'minute',
    ...parts,
  };
  return new HealthHistory(db).read(id, scoped, asked);
}

describe('results', () => {
  test('are kept as probes, and as changes where the status changed', async () => {
    const id = await addCamera();
    await probe(became('online'));
    await probe(became('online'));
    await probe(became('suspect', 'fail', 'refused'));
    const { recorded, probes } = await read(id);
    expect(recorded).toMatchObject({ current: 'suspect', wishes: [{ lifecycle: 'active', maintenanceUntil: null }] });
    expect(recorded.moves).toMatchObject([
      { from: 'unknown', to: 'online', outcome: 'ok', reason: 'it is online' },
      { from: 'online', to: 'suspect', outcome: 'refused', reason: 'it is suspect' },
    ]);
    expect(recorded.moves[1]?.at).toBeGreaterThan(recorded.moves[0]?.at ?? Infinity);
    expect(probes.map(({ countedAs, firstFrameMs }) => [countedAs, firstFrameMs])).toEqual([
      ['ok', 3],
      ['ok', 3],
      ['fail', 3],
    ]);
    for (const { at } of probes) expect(Math.abs(at - recorded.now)).toBeLessThan(5_000);
    // The promise: 30 s to the next probe, 120 s until the picture is stale.
    expect(recorded.watchedUntil - recorded.now).toBeGreaterThan(145_000);
    expect(recorded.watchedUntil - recorded.now).toBeLessThan(150_000);
  });

  test('that were lost leave nothing', async () => {
    const id = await addCamera();
    const [camera] = await new DueQueue(db).claim({ owner: 'one', limit: 1, ttlS: 60 });
    const lost = result({ ...(camera as ClaimedCamera), epoch: 1 }, became('online'));
    expect(await new ProbeResults(db).record([lost])).toEqual(new Set());
    const { recorded, probes } = await read(id);
    expect([recorded.moves, probes]).toEqual([[], []]);
  });

  test('that come later than was promised say since when nobody watched', async () => {
    const id = await addCamera();
    await probe(became('online'));
    await db.query(`update camera_health set expected_by = now() - interval '2 hours'`);
    await db.query(`update health_transition set at = at - interval '1 day'`);
    await probe(became('online'));
    await db.query(`update camera_health set expected_by = now() - interval '1 hour'`);
    await probe(became('offline', 'fail', 'refused'));
    const { recorded } = await read(id);
    expect(recorded.moves.map(({ from, to }) => [from, to])).toEqual([
      ['unknown', 'online'],
      ['online', 'unknown'],
      ['online', 'unknown'],
      ['unknown', 'online'],
      ['unknown', 'offline'],
    ]);
    const agoS = recorded.moves.map(({ at }) => Math.round((recorded.now - at) / 1000));
    expect(agoS[1]).toBe(7_200);
    expect(agoS[2]).toBe(3_600);
  });

  test('count at the time at which they are kept, or up to a minute before', async () => {
    const id = await addCamera();
    const late = new Date(Date.now() - 3 * 3_600_000).toISOString();
    const { report } = result({ cameraId: id } as ClaimedCamera);
    await probe({ ...became('online'), report: { ...report, checkedAt: late } });
    const { probes, recorded } = await read(id);
    expect(recorded.moves[0]?.at).toBe(Date.parse(late));
    expect(Math.round((recorded.now - (probes[0]?.at ?? 0)) / 1000)).toBeGreaterThanOrEqual(60);
    expect(Math.round((recorded.now - (probes[0]?.at ?? 0)) / 1000)).toBeLessThanOrEqual(62);
  });

  test('of which a flag is at fault name it', async () => {
    const id = await addCamera();
    const flags = [
      { flag: 'frozen', state: 'fault', since: '', evidence: {} },
      { flag: 'no_frame', state: 'fine', since: '', evidence: {} },
    ];
    const { shown } = became('degraded');
    await probe({ status: 'degraded', shown: { ...shown, flags } as never });
    const [{ faults }] = await db.query<[{ faults: string[] }]>(
      'select faults from camera_health where camera_id = $1',
      [id],
    );
    expect(faults).toEqual(['frozen']);
  });
});

describe('a missing partition', () => {
  const today = (): string => new Date().toISOString().slice(0, 10).replaceAll('-', '');

  test('is made by whoever needs it', async () => {
    const id = await addCamera();
    await db.query(`drop table probe_hour_p${today()}`);
    expect(await probe(became('online'))).toEqual(new Set([id]));
    expect((await read(id)).probes).toHaveLength(1);
    expect(said).toEqual([]);
  });

  test.each(['probe_hour', 'outbox'])(
    'of %s that cannot be made fails its own rows alone, and somebody is told',
    async (table) => {
      const id = await addCamera();
      const part = `${table}_p${today()}`;
      await db.query(`alter table ${table} detach partition ${part}`);
      try {
        const transition = { from: 'unknown', to: 'online', reason: null, at: new Date().toISOString() } as const;
        expect(await probe({ ...became('online'), transition })).toEqual(new Set([id]));
        expect(said.map(String)).toEqual([
          expect.stringContaining(`no partition of relation "${table}" found for row`),
        ]);
        const [{ status }] = await db.query<[{ status: string }]>('select status from camera_health');
        expect(status).toBe('online');
      } finally {
        await db.query(`drop table ${part}`);
        await db.query(`select keep_partitions('${table}')`);
      }
    },
  );
});

describe('what an agency wants of a camera', () => {
  test('is kept whenever it changes, and only then', async () => {
    const camera = record();
    const cameras = new Cameras(db);
    await cameras.add([camera]);
    const withWish = (lifecycle: string, to?: string) => ({
      ...camera,
      document: { ...camera.document, lifecycle, ...(to === undefined ? {} : { maintenance: { to } }) } as never,
    });
    const until = '2031-01-01T00:00:00.000Z';
    await cameras.replace([camera]);
    await cameras.replace([withWish('maintenance', until)]);
    await cameras.replace([withWish('maintenance', until)]);
    await cameras.replace([withWish('maintenance', '2031-01-02T00:00:00Z')]);
    await cameras.replace([{ ...withWish('retired'), probeHost: null }]);
    const { recorded } = await read(camera.id);
    expect(recorded.wishes.map(({ lifecycle, maintenanceUntil }) => [lifecycle, maintenanceUntil])).toEqual([
      ['active', null],
      ['maintenance', Date.parse(until)],
      ['maintenance', Date.parse('2031-01-02T00:00:00Z')],
      ['retired', null],
    ]);
    // In one transaction the last word counts.
    await db.transaction(async (tx) => {
      await new Cameras(tx).replace([withWish('active')]);
      await new Cameras(tx).replace([{ ...withWish('suspended'), probeHost: null }]);
    });
    expect((await read(camera.id)).recorded.wishes.slice(4).map(({ lifecycle }) => lifecycle)).toEqual(['suspended']);
  });
});

describe('reading', () => {
  test('tells strangers nothing of a network, and of a hidden camera nothing', async () => {
    const id = await addCamera();
    await probe(became('offline', 'fail', 'refused', 'the address refuses'));
    const own = await read(id);
    expect([own.isOwn, own.recorded.moves[0]]).toMatchObject([
      true,
      { outcome: 'refused', reason: 'the address refuses' },
    ]);
    const foreign = await read(id, scope(ANONYMOUS));
    expect(foreign.isOwn).toBe(false);
    expect(foreign.recorded.moves).toMatchObject([
      { outcome: 'unreachable', reason: 'the camera cannot be reached', to: 'offline' },
    ]);
    const hidden = await addCamera({ accessLevel: 'restricted' });
    await expect(read(hidden, scope(ANONYMOUS))).rejects.toThrow(NotFound);
    await expect(read(randomUUID())).rejects.toThrow(NotFound);
  });
});

test('a packed probe is what it was', () => {
  const hour = Date.UTC(2026, 0, 1, 5);
  for (const countedAs of COUNTED_AS) {
    for (const firstFrameMs of [null, 0, 1, 20_000, 65_534]) {
      for (const second of [0, 1, 3_599]) {
        const probed = (second << SECOND_SHIFT) | packed(countedAs, firstFrameMs);
        expect(probed).toBeLessThan(2 ** 31);
        expect(unpacked(hour, probed)).toEqual({ at: hour + second * 1000, countedAs, firstFrameMs });
      }
    }
  }
  expect(unpacked(hour, packed('ok', 1e9)).firstFrameMs).toBe(65_534);
});

test('a database of before begins its history with what it knows now', async () => {
  const old = await openTestDatabase();
  try {
    const { migrations } = old.db;
    const first = migrations.findIndex(({ name }) => name?.startsWith('History'));
    for (let left = migrations.length; left > first; left -= 1) await old.db.undoLastMigration({ transaction: 'each' });
    await old.db.query(
      `insert into authority (slug, version, document, access_floor) values ('wrb', 1, '{"slug": "wrb"}', 'public')`,
    );
    const id = randomUUID();
    await old.db.query(
      `insert into camera (id, authority, local_id, version, document, public_document, position, lifecycle, access_level,
                           completeness, mobility, usage, tags, search_text, service_slots, content_hash, changed_xid)
       values ($1, 'wrb', '1', 1, '{}', '{}', st_setsrid(st_makepoint(121, 23), 4326), 'active', 'public', 'point', 'fixed',
               '{}', '{}', '', '{}', '', 1)`,
      [id],
    );
    await old.db.query(
      `insert into camera_health (camera_id, status, shown, checked_at)
       values ($1, 'degraded', '{"lastOutcome": "ok", "flags": [{"flag": "frozen", "state": "fault"}]}', now())`,
      [id],
    );
    await old.db.runMigrations({ transaction: 'each' });
    const asked = { since: 0, from: Date.now(), to: Date.now(), resolution: 'minute' } as const;
    const { recorded } = await new HealthHistory(old.db).read(id, OWN, asked);
    expect(recorded.moves).toMatchObject([{ from: 'unknown', to: 'degraded', outcome: 'ok', reason: null }]);
    expect(recorded.wishes).toMatchObject([{ lifecycle: 'active' }]);
    expect(await old.db.query('select faults from camera_health')).toEqual([{ faults: ['frozen'] }]);
  } finally {
    await old.close();
  }
});
