import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import type { DataSource } from 'typeorm';
import { FIRST_STATE, type Standing } from '#health';
import { openTestDatabase, type TestDatabase } from '#testing';
import { Authorities } from '../src/authorities.js';
import { CameraFinder } from '../src/camera-finder.js';
import { Cameras } from '../src/cameras.js';
import { DueQueue, MOST_OF_A_NETWORK } from '../src/due-queue.js';
import { HealthHistory } from '../src/health-history.js';
import { ProbeResults } from '../src/probe-results.js';
import { Sites } from '../src/sites.js';
import { record, result } from './records.js';

let database: TestDatabase;
let db: DataSource;

beforeAll(async () => {
  database = await openTestDatabase();
  ({ db } = database);
  await new Authorities(db).add({ slug: 'wrb', name: 'Water' });
  await new Authorities(db).add({ slug: 'city', name: 'City' });
});
afterAll(() => database.close());
beforeEach(async () => {
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
  ])
    await db.query(`delete from ${table}`);
  await db.query('delete from camera');
});

const OWN = { levels: ['public'], own: 'all', operated: 'all', pictured: 'all' } as never;

/** Cameras of a site, each somewhere else, known to be online. */
async function addSite(
  cameras: number,
  network: string | null,
  authority = 'wrb',
  position?: [number, number],
): Promise<string[]> {
  const ids: string[] = [];
  for (let i = 0; i < cameras; i += 1) {
    const location = { type: 'Point' as const, coordinates: position ?? [120 + i / 100, 23] };
    const camera = record({}, { authority, location });
    await new Cameras(db).add([camera]);
    ids.push(camera.id);
  }
  await probe(ids, 'online', { network });
  return ids;
}

/** Keeps a result of each of these cameras. */
async function probe(
  ids: readonly string[],
  standing: Standing,
  { network = null as string | null } = {},
): Promise<void> {
  await db.query('update probe_lease set due_at = now(), lease_until = null where camera_id = any($1)', [ids]);
  const results = new ProbeResults(db);
  for (let left = new Set(ids); left.size > 0;) {
    await db.query(`update probe_lease set due_at = now() + interval '1 hour' where not camera_id = any($1)`, [
      [...left],
    ]);
    const claimed = await new DueQueue(db).claim({ owner: 'one', limit: 100, ttlS: 60 });
    if (claimed.length === 0) throw new Error('nothing could be claimed');
    await results.record(
      claimed.map((camera) =>
        result(camera, { network, status: standing, state: { ...FIRST_STATE, standing, siteDown: camera.isSiteDown } }),
      ),
    );
    for (const { cameraId } of claimed) left.delete(cameraId);
  }
}

const statusOf = async (id: string): Promise<{ status: string; reason?: string; since: string }> =>
  JSON.parse((await new CameraFinder(db).health(id, OWN)).json) as never;

interface Told {
  readonly kind: string;
  readonly camera: string;
  readonly facts: {
    readonly from?: string;
    readonly to?: string;
    readonly notice?: { readonly word: string; readonly cameras: number };
  };
}
const told = (kind: string): Promise<Told[]> =>
  db.query('select kind, camera_id as camera, facts from outbox where kind = $1 order by id', [kind]);

describe('a site that goes down', () => {
  test('is one outage: its cameras unreachable, one word an authority, each way', async () => {
    const ours = await addSite(16, '10.1.2.0/24');
    const theirs = await addSite(4, '10.1.2.0/24', 'city');
    const elsewhere = await addSite(6, '10.9.9.0/24');
    const sites = new Sites(db);
    expect(await sites.look()).toEqual({ began: 0, ended: 0 });

    await probe([...ours, ...theirs], 'suspect');
    expect(await sites.look()).toEqual({ began: 1, ended: 0 });
    expect(await statusOf(ours[0] as string)).toMatchObject({
      status: 'unreachable',
      reason: 'most cameras of its network or place stopped answering at once',
    });
    expect((await statusOf(elsewhere[0] as string)).status).toBe('online');
    const notices = await told('health.notice');
    expect(notices.map(({ facts }) => [facts.notice?.word, facts.notice?.cameras]).sort()).toEqual([
      ['site_down', 16],
      ['site_down', 4],
    ]);
    expect((await told('health.changed')).map(({ facts: { from, to } }) => `${from} ${to}`)).toEqual(
      Array(20).fill('suspect unreachable'),
    );

    await probe(ours, 'offline');
    expect(await sites.look()).toEqual({ began: 0, ended: 0 });
    expect((await statusOf(ours[0] as string)).status).toBe('unreachable');

    await probe(ours, 'online');
    expect(await sites.look()).toEqual({ began: 0, ended: 1 });
    expect((await statusOf(ours[0] as string)).status).toBe('online');
    expect((await statusOf(theirs[0] as string)).status).toBe('suspect');
    expect((await told('health.notice')).slice(2).map(({ facts }) => facts.notice?.word)).toEqual([
      'site_up',
      'site_up',
    ]);
    expect(await sites.look()).toEqual({ began: 0, ended: 0 });

    const { recorded } = await new HealthHistory(db).read(ours[0] as string, OWN, {
      since: 0,
      from: 0,
      to: Date.now(),
      resolution: 'day',
    });
    expect(recorded.absences).toHaveLength(1);
    expect(recorded.absences[0]?.to).toBeGreaterThan(recorded.absences[0]?.from ?? Infinity);
  });

  test.each([
    ['four cameras are too few', 4, 4],
    ['half of them is no site', 10, 5],
  ])('%s', async (_what, cameras, failing) => {
    const ids = await addSite(cameras, '10.1.2.0/24');
    await probe(ids.slice(0, failing), 'suspect');
    expect(await new Sites(db).look()).toEqual({ began: 0, ended: 0 });
  });

  test('cameras that were down before say nothing, and are not of it', async () => {
    const ids = await addSite(12, '10.1.2.0/24');
    const old = ids.slice(0, 6);
    await probe(old, 'offline');
    await db.query(`update camera_health set failing_since = now() - interval '1 day' where failing_since is not null`);
    const sites = new Sites(db);
    expect(await sites.look()).toEqual({ began: 0, ended: 0 });
    await db.query(`update camera_health set checked_at = now() - interval '10 minutes' where camera_id = any($1)`, [
      old,
    ]);
    await probe(ids.slice(6), 'suspect');
    expect(await sites.look()).toEqual({ began: 1, ended: 0 });
    expect((await statusOf(old[0] as string)).status).toBe('offline');
    expect((await statusOf(ids[6] as string)).status).toBe('unreachable');
  });

  test('a place is a site too, whatever the networks', async () => {
    const ids = await addSite(6, null, 'wrb', [121.5, 25.1]);
    await probe(ids, 'suspect');
    expect(await new Sites(db).look()).toEqual({ began: 1, ended: 0 });
    expect((await statusOf(ids[5] as string)).status).toBe('unreachable');
  });

  test('a camera that follows is of it, one under maintenance never', async () => {
    const ids = await addSite(8, '10.1.2.0/24');
    const [late, kept] = ids as [string, string];
    await db.query(`update camera set lifecycle = 'maintenance' where id = $1`, [kept]);
    await probe(ids.slice(2), 'suspect');
    const sites = new Sites(db);
    expect((await sites.look()).began).toBe(1);
    await probe([late, kept], 'suspect');
    await sites.look();
    expect((await statusOf(late)).status).toBe('unreachable');
    expect((await statusOf(kept)).status).toBe('maintenance');
  });
});

describe('asked early', () => {
  const dueIn = async (id: string): Promise<number> =>
    (
      await db.query<{ s: number }[]>(
        'select extract(epoch from due_at - now())::float8 as s from probe_lease where camera_id = $1',
        [id],
      )
    )[0]?.s ?? NaN;

  test('the others of a site where two begin to fail; and those of an outage once one answers', async () => {
    const ids = await addSite(10, '10.1.2.0/24');
    const elsewhere = await addSite(1, '10.9.9.0/24');
    const last = ids[9] as string;
    await db.query(`update camera_health set checked_at = now() - interval '30 s'`);
    const sites = new Sites(db);
    await probe(ids.slice(0, 1), 'suspect');
    await sites.look();
    expect(await dueIn(last)).toBeGreaterThan(20);
    await probe(ids.slice(1, 2), 'suspect');
    await sites.look();
    expect(await dueIn(last)).toBeLessThanOrEqual(0);
    expect(await dueIn(elsewhere[0] as string)).toBeGreaterThan(20);

    await probe(ids, 'suspect');
    expect((await sites.look()).began).toBe(1);
    await db.query(`update camera_health set checked_at = now() - interval '30 s'`);
    await db.query(`update probe_lease set due_at = now() + interval '10 minutes'`);
    await sites.look();
    expect(await dueIn(last)).toBeGreaterThan(20);
    await probe(ids.slice(0, 1), 'recovering');
    await sites.look();
    expect(await dueIn(last)).toBeLessThanOrEqual(0);
  });

  test('never sooner than the authority allows', async () => {
    const ids = await addSite(10, '10.1.2.0/24');
    await probe(ids.slice(0, 2), 'suspect');
    await new Sites(db).look();
    expect(await dueIn(ids[9] as string)).toBeGreaterThan(20);
  });
});

test('a few of a network at once, and fewer where some are asked already', async () => {
  const ids = await addSite(20, '10.1.2.0/24');
  await addSite(3, null);
  await db.query('update probe_lease set due_at = now()');
  const claim = (leftIn?: Map<string, number>): Promise<{ cameraId: string }[]> =>
    new DueQueue(db).claim({ owner: 'one', limit: 100, ttlS: 60, ...(leftIn === undefined ? {} : { leftIn }) });
  const first = await claim();
  expect(first).toHaveLength(MOST_OF_A_NETWORK + 3);
  expect(await claim(new Map([['10.1.2.0/24', 0]]))).toEqual([]);
  const more = await claim(new Map([['10.1.2.0/24', 2]]));
  expect(more).toHaveLength(2);
  expect(more.every(({ cameraId }) => ids.includes(cameraId))).toBe(true);
  // The ten that are left are late: waiting for others has its end.
  await db.query(`update probe_lease set due_at = now() - interval '6 s'`);
  expect(await claim(new Map([['10.1.2.0/24', -2]]))).toHaveLength(10);
});
