import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import type { DataSource } from 'typeorm';
import { OPERATIONS, scope } from '#access';
import { HISTORY_SELECTORS, type HealthHistoryDocument, readQuery } from '#catalog';
import { HealthHistory } from '#storage';
import { describeOnServer, openTestDatabase, type TestDatabase } from '#testing';
import { askedTime, LENGTH_MS } from '../src/health/asked-history.js';
import { historyAnswer } from '../src/health/history-answer.js';
import { rollUp } from '../src/health/roll-up.js';

let database: TestDatabase;
let db: DataSource;
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const never = new AbortController().signal;

beforeAll(async () => {
  database = await openTestDatabase();
  ({ db } = database);
  await db.query(
    `insert into authority (slug, version, document, access_floor) values ('wrb', 1, '{"slug": "wrb", "name": "W"}', 'public')`,
  );
});
afterAll(() => database.close());
beforeEach(async () => {
  for (const table of ['camera_lifecycle', 'camera_health', 'probe_hour', 'health_hour', 'health_day', 'camera'])
    await db.query(`delete from ${table}`);
  await db.query(`update health_rollup set until = now() - interval '10 days'`);
});

async function addCamera(): Promise<string> {
  const id = randomUUID();
  await db.query(
    `insert into camera (id, authority, local_id, version, document, public_document, position, lifecycle, access_level,
                         completeness, mobility, usage, tags, search_text, service_slots, content_hash, changed_xid)
     values ($1, 'wrb', $2, 1, '{}', '{}', st_setsrid(st_makepoint(121, 23), 4326), 'active', 'public', 'point', 'fixed',
             '{}', '{}', '', '{}', '', 1)`,
    [id, id],
  );
  await db.query(`insert into camera_health (camera_id, status) values ($1, 'online')`, [id]);
  return id;
}

/** Probes at seconds of an hour: `ok`, of so many milliseconds; none for a failure (kind 2). */
async function addProbes(id: string, hour: number, probes: readonly (readonly [second: number, ms: number | null])[]) {
  const numbers = probes.map(([second, ms]) => (second << 19) | (ms === null ? 2 << 16 : ms + 1));
  await db.query(
    `insert into probe_hour (hour, camera_id, probes) values ($1, $2, $3)
     on conflict on constraint probe_hour_pkey do update set probes = probe_hour.probes || excluded.probes`,
    [new Date(hour).toISOString(), id, numbers],
  );
}

/** The answer to a query, as the controller makes it. */
async function ask(id: string, query: Record<string, string> = {}): Promise<HealthHistoryDocument> {
  const now = Date.now();
  const asked = askedTime(readQuery(HISTORY_SELECTORS, query), now);
  const lengthMs = LENGTH_MS[asked.resolution];
  const kept = await new HealthHistory(db).read(id, scope(OPERATIONS), {
    ...asked,
    from: Math.floor(asked.from / lengthMs) * lengthMs,
    to: Math.ceil(asked.to / lengthMs) * lengthMs,
    since: now - 31 * DAY_MS,
  });
  return historyAnswer(kept, asked, 100);
}

/** So many whole hours ago. */
const hoursAgo = (hours: number): number => Math.floor(Date.now() / HOUR_MS - hours) * HOUR_MS;
const midnight = (): number => Math.floor(Date.now() / DAY_MS) * DAY_MS;
const rfc3339 = (at: number): string => new Date(at).toISOString();

describe('summing up', () => {
  test('changes no answer by hour or by day, and whoever does it again adds nothing', async () => {
    const [id, other] = [await addCamera(), await addCamera()];
    // Of yesterday, all over; of the last hours, the present one included.
    for (const hour of [midnight() - 20 * HOUR_MS, midnight() - 3 * HOUR_MS, hoursAgo(0)]) {
      await addProbes(id, hour, [
        [0, 100],
        [61, 200],
        [62, null],
        [3_599, 400],
      ]);
      await addProbes(other, hour, [[5, 1]]);
    }
    const from = rfc3339(midnight() - DAY_MS);
    const byHour = await ask(id, { from, resolution: 'hour' });
    const byDay = await ask(id, { from, resolution: 'day' });
    expect(byHour.buckets).toHaveLength(3);
    expect(byHour.buckets[0]).toEqual({
      at: rfc3339(midnight() - 20 * HOUR_MS),
      ok: 3,
      degraded: 0,
      fail: 1,
      busy: 0,
      unknown: 0,
      maintenance: 0,
      unreachable: 0,
      firstFrame: { count: 3, minMs: 100, meanMs: 233, maxMs: 400, p95Ms: 400 },
    });
    expect(byDay.buckets.reduce((sum, { ok }) => sum + ok, 0)).toBe(9);
    expect(byDay.buckets[0]).toMatchObject({
      at: from,
      ok: 6,
      fail: 2,
      firstFrame: { count: 6, minMs: 100, maxMs: 400 },
    });

    for (let times = 0; times < 2; times += 1) {
      expect(await rollUp(db, never)).toBe(true);
      await db.query(`update health_rollup set until = now() - interval '10 days'`);
      expect((await ask(id, { from, resolution: 'hour' })).buckets).toEqual(byHour.buckets);
      expect((await ask(id, { from, resolution: 'day' })).buckets).toEqual(byDay.buckets);
    }
    const [{ hours, days }] = await db.query<[{ hours: number; days: number }]>(
      'select (select count(*)::int from health_hour) as hours, (select count(*)::int from health_day) as days',
    );
    expect([hours, days]).toEqual([4, 2]);
  });

  test('goes on with the hours after those that are done, and leaves alone what may still get results', async () => {
    const id = await addCamera();
    await addProbes(id, hoursAgo(5), [[0, 100]]);
    expect(await rollUp(db, never)).toBe(true);
    await addProbes(id, hoursAgo(3), [[0, 100]]);
    await addProbes(id, hoursAgo(0), [[0, 100]]);
    expect(await rollUp(db, never)).toBe(true);
    const rows = await db.query<{ at: Date }[]>('select at from health_hour order by at');
    expect(rows.map(({ at }) => at.getTime())).toEqual([hoursAgo(5), hoursAgo(3)]);
    const [{ until }] = await db.query<[{ until: Date }]>('select until from health_rollup');
    expect(until.getTime()).toBe(hoursAgo(2));
  });

  test('takes any number of cameras, batch by batch', async () => {
    await db.query(
      `insert into probe_hour (hour, camera_id, probes)
       select $1, gen_random_uuid(), array[1] from generate_series(1, 1203)`,
      [rfc3339(hoursAgo(4))],
    );
    expect(await rollUp(db, never)).toBe(true);
    const [{ cameras, probes }] = await db.query<[{ cameras: number; probes: number }]>(
      'select count(*)::int as cameras, sum(ok)::int as probes from health_day',
    );
    expect([cameras, probes]).toEqual([1_203, 1_203]);
  });

  test('stops when the process ends', async () => {
    await addProbes(await addCamera(), hoursAgo(5), [[0, 100]]);
    expect(await rollUp(db, AbortSignal.abort())).toBe(false);
    expect(await db.query('select from health_hour')).toHaveLength(0);
  });
});

describeOnServer('several processes', () => {
  test('that sum up at once count each probe once', async () => {
    const ids = await Promise.all([1, 2, 3].map(() => addCamera()));
    for (let hours = 3; hours < 24; hours += 1) for (const id of ids) await addProbes(id, hoursAgo(hours), [[9, 50]]);
    const pools = await Promise.all([1, 2].map(() => database.another('api')));
    await Promise.all([db, ...pools].map((pool) => rollUp(pool, never)));
    await rollUp(db, never);
    const rows = await db.query<{ probes: number }[]>(
      'select sum(ok)::int as probes from health_day group by camera_id',
    );
    expect(rows).toEqual(ids.map(() => ({ probes: 21 })));
  });
});

describe('the answer', () => {
  test('by minute has each probe in its minute', async () => {
    const id = await addCamera();
    const hour = hoursAgo(2);
    await addProbes(id, hour, [
      [0, 100],
      [59, 300],
      [60, null],
      [600, 200],
    ]);
    const { buckets, resolution } = await ask(id, { from: rfc3339(hour), to: rfc3339(hour + 600_000) });
    expect(resolution).toBe('minute');
    expect(
      buckets.map(({ at, ok, fail, firstFrame }) => [Date.parse(at) - hour, ok, fail, firstFrame?.meanMs]),
    ).toEqual([
      [0, 2, 0, 200],
      [60_000, 0, 1, undefined],
    ]);
  });

  test('begins a camera’s past with its registration, and ends it with its retirement', async () => {
    const id = await addCamera();
    const wish = (lifecycle: string, hours: number): Promise<unknown> =>
      db.query('insert into camera_lifecycle (camera_id, at, lifecycle) values ($1, $2, $3)', [
        id,
        new Date(Date.now() - hours * HOUR_MS).toISOString(),
        lifecycle,
      ]);
    await wish('active', 20);
    await wish('retired', 10);
    const { availability, transitions } = await ask(id);
    expect(availability['24h']).toMatchObject({ upShare: 1, goodShare: 1 });
    expect(Math.round(availability['24h'].measuredS / 3_600)).toBe(10);
    expect(availability['30d']).toEqual(availability['24h']);
    expect(transitions).toMatchObject([{ from: 'online', to: 'disabled' }]);
  });
});

describe('a question', () => {
  const now = Date.UTC(2026, 10, 20, 12);
  const at = (query: Record<string, string>) => askedTime(readQuery(HISTORY_SELECTORS, query), now);
  const spans: readonly (readonly [string, Record<string, string>, string])[] = [
    ['24 hours where nothing is said', {}, 'hour'],
    ['an hour', { from: '2026-11-20T11:00:00Z' }, 'minute'],
    ['a month', { from: '2026-10-20T11:00:00Z' }, 'day'],
    ['minutes of a day and an hour', { from: '2026-11-19T11:00:00Z', resolution: 'minute' }, 'minute'],
    ['the end a moment ahead of our clock', { to: '2026-11-20T12:00:30Z' }, 'hour'],
    ['400 days', { from: '2025-10-16T12:00:00Z' }, 'day'],
  ];
  test.each(spans)('about %s', (_what, query, resolution) => {
    const asked = at(query);
    expect(asked.resolution).toBe(resolution);
    expect(asked.to).toBeLessThanOrEqual(now);
    expect((asked.to - asked.from) / LENGTH_MS[asked.resolution]).toBeLessThanOrEqual(1_500);
  });

  test.each([
    ['reversed', { from: '2026-11-20T10:00:00Z', to: '2026-11-20T09:00:00Z' }, 'from'],
    ['of no length', { from: '2026-11-20T10:00:00Z', to: '2026-11-20T10:00:00Z' }, 'from'],
    ['in the future', { to: '2026-11-20T12:02:00Z' }, 'to'],
    ['from the future', { from: '2026-11-21T12:02:00Z' }, 'from'],
    ['older than anything that is kept', { from: '2025-10-16T11:59:59Z' }, 'from'],
    ['of too many minutes', { from: '2026-11-19T10:59:00Z', resolution: 'minute' }, 'resolution'],
    ['of too many hours', { from: '2026-09-01T10:59:00Z', resolution: 'hour' }, 'resolution'],
  ])('that is %s is refused', (_what, query: Record<string, string>, parameter) => {
    expect(() => at(query)).toThrow(
      expect.objectContaining({
        code: 'invalid_parameter',
        faults: [expect.objectContaining({ parameter, code: 'range' })],
      }),
    );
  });
});
