import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import type { DataSource } from 'typeorm';
import { principalOfKey, scope } from '#access';
import { describeOnServer, openTestDatabase, randomFrom, type TestDatabase } from '#testing';
import { Authorities } from '../src/authorities.js';
import { type CameraRecord, Cameras } from '../src/cameras.js';
import { type ClaimedCamera, DueQueue } from '../src/due-queue.js';
import { EventAudience } from '../src/event-audience.js';
import { comparePositions, Outbox, type OutboxEvent, type OutboxPosition } from '../src/outbox.js';
import { hearOutboxBell, OutboxBell } from '../src/outbox-bell.js';
import { OutboxReader } from '../src/outbox-reader.js';
import { ProbeResults } from '../src/probe-results.js';
import { transact } from '../src/transact.js';
import { WriteOrder } from '../src/write-order.js';
import { record, result } from './records.js';

let database: TestDatabase;
let db: DataSource;
let outbox: Outbox;
let start: OutboxPosition;

beforeAll(async () => {
  database = await openTestDatabase();
  db = database.db;
  outbox = new Outbox(db);
  await new Authorities(db).add({ slug: 'wrb', name: 'Water', network: { cidrs: ['10.0.0.0/8'] } });
});
afterAll(() => database.close());
beforeEach(async () => {
  start = await settledHorizon();
});

/** Waits until everything may be read: transactions of other specs, in other databases of the server, hold it back too. */
async function settle(): Promise<void> {
  for (const until = Date.now() + 10_000; (await outbox.lagS()) > 0 && Date.now() < until;) await wait(20);
}

async function settledHorizon(): Promise<OutboxPosition> {
  await settle();
  return outbox.horizon();
}

/** What may be read now. */
async function readable(after = start): Promise<readonly OutboxEvent[]> {
  const reader = new OutboxReader(outbox, after);
  const events: OutboxEvent[] = [];
  for (let isFull = true; isFull;) {
    const page = await outbox.read(reader.position, 1_000);
    reader.pass(page);
    events.push(...page.events);
    ({ isFull } = page);
  }
  return events;
}

async function told(after = start): Promise<readonly OutboxEvent[]> {
  await settle();
  return readable(after);
}

const add = (...records: CameraRecord[]): Promise<void> => new Cameras(db).add(records);

describe('what is announced', () => {
  test('a registration, a change and the end of a camera, with its version and who could see it before', async () => {
    const camera = record();
    await add(camera);
    await new Cameras(db).replace([camera]);
    await new Cameras(db).replace([{ ...camera, accessLevel: 'restricted' }]);
    const retired = { ...camera, document: { ...camera.document, lifecycle: 'retired' as const }, probeHost: null };
    await new Cameras(db).replace([{ ...retired, accessLevel: 'restricted' }]);
    expect(
      (await told()).map(({ kind, cameraId, version, seenBefore }) => [kind, cameraId, version, seenBefore]),
    ).toEqual([
      ['camera.registered', camera.id, 1, null],
      ['camera.changed', camera.id, 2, null],
      ['camera.changed', camera.id, 3, { authority: 'wrb', access_level: 'public', lon: 120.29, lat: 23.08 }],
      ['camera.retired', camera.id, 4, null],
    ]);
  });

  test('nothing where the transaction is taken back, and nothing of addresses that a publisher makes anew', async () => {
    const camera = record();
    await add(camera);
    const after = await settledHorizon();
    await new Cameras(db).refresh([camera]);
    await expect(
      db.transaction(async (tx) => {
        await new Cameras(tx).replace([camera]);
        throw new Error('taken back');
      }),
    ).rejects.toThrow('taken back');
    expect(await told(after)).toEqual([]);
  });

  test('a stricter floor, for each camera that it hides', async () => {
    const [hidden, closed] = [record(), { ...record(), accessLevel: 'restricted' }] as const;
    await add(hidden, { ...closed, document: { ...closed.document, access: { level: 'restricted' } } });
    const after = await settledHorizon();
    const wrb = await new Authorities(db).get('wrb');
    const floor = (accessFloor: 'restricted' | 'public', version: number) =>
      new Authorities(db).replace(
        { slug: 'wrb', name: 'Water', network: { cidrs: ['10.0.0.0/8'] }, accessFloor },
        version,
        { dialsAnew: false },
      );
    await floor('restricted', wrb.version);
    const events = (await told(after)).filter(({ cameraId }) => [hidden.id, closed.id].includes(cameraId));
    expect(events.map(({ kind, cameraId, seenBefore }) => [kind, cameraId, seenBefore?.access_level])).toEqual([
      ['camera.changed', hidden.id, 'public'],
    ]);
    await floor('public', wrb.version + 1);
  });

  test('another status and words to people, but only of a result that counts, and no status under maintenance', async () => {
    await db.query('delete from probe_lease');
    const [quiet, maintained] = [record(), record({}, { lifecycle: 'maintenance' })];
    await add(quiet, maintained);
    const after = await settledHorizon();
    const claimed = await new DueQueue(db).claim({ owner: 'one', limit: 10, ttlS: 60 });
    const moved = {
      transition: { from: 'unknown', to: 'offline', reason: null, at: new Date().toISOString() },
    } as const;
    const down = (camera: ClaimedCamera) => result(camera, { status: 'offline', ...moved, notices: ['down'] });
    await new ProbeResults(db).record(claimed.map(down));
    await new ProbeResults(db).record(claimed.map(down));
    const events = await told(after);
    expect(events.map(({ kind, cameraId, version }) => [kind, cameraId, version]).sort()).toEqual(
      [
        ['health.changed', quiet.id, 1],
        ['health.notice', quiet.id, 1],
        ['health.notice', maintained.id, 1],
      ].sort(),
    );
    expect(events.find(({ kind }) => kind === 'health.changed')?.facts).toEqual({ from: 'unknown', to: 'offline' });
    expect(events.find(({ kind }) => kind === 'health.notice')?.facts.notice?.word).toBe('down');
  });
});

describe('who is told', () => {
  test('is judged by what a camera is now, and by what it was where an event took it out of sight', async () => {
    const [shown, hidden] = [record(), { ...record(), accessLevel: 'restricted' }];
    await add(shown, hidden);
    const seenBefore = { authority: 'wrb', access_level: 'public', lon: 1, lat: 2 };
    const events = [
      { cameraId: shown.id, seenBefore: null },
      { cameraId: hidden.id, seenBefore: null },
      { cameraId: hidden.id, seenBefore },
      { cameraId: hidden.id, seenBefore: { ...seenBefore, access_level: 'restricted' } },
    ];
    const judge = async (authorities: readonly string[]) => {
      const caller = principalOfKey('x', { scopes: ['cameras:read'], authorities });
      return new EventAudience(db).judge(scope(caller), events);
    };
    const stranger = await judge(['other']);
    expect(stranger.map(({ now, before }) => [now?.own, before])).toEqual([
      [false, null],
      [undefined, null],
      [undefined, seenBefore],
      [undefined, null],
    ]);
    expect((await judge(['wrb'])).map(({ now }) => now?.own)).toEqual([true, true, true, true]);
  });
});

describeOnServer('the order of events (on a server: several sessions)', () => {
  test('a slow transaction holds back what came after it, so that nothing is put in behind the reader', async () => {
    const [slow, fast] = [record(), record()];
    const began = db.createQueryRunner();
    await began.startTransaction();
    await new Cameras(began.manager).add([slow]);
    await new Cameras(db).add([fast]);
    expect(await readable()).toEqual([]);
    expect(await outbox.lagS()).toBeGreaterThan(0);
    await began.commitTransaction();
    await began.release();
    expect((await told()).map(({ cameraId }) => cameraId)).toEqual([slow.id, fast.id]);
    expect(await outbox.lagS()).toBe(0);
  });

  test('FT-10, short: 32 writers and imports on the same cameras; readers that drop lose nothing, versions never fall', async () => {
    const cameras = Array.from({ length: 8 }, () => record());
    await add(...cameras);
    start = await settledHorizon();
    const pools = await Promise.all(Array.from({ length: 5 }, () => database.another()));
    const random = randomFrom(20_261_127);
    const until = Date.now() + 6_000;
    const committed: { id: string; version: number }[] = [];
    const nap = (): Promise<void> => wait(random() * 40);
    const writeOne = async (pool: DataSource): Promise<void> => {
      const camera = cameras[Math.floor(random() * cameras.length)] as CameraRecord;
      const version = await transact(pool, async (tx) => {
        await new WriteOrder(tx).besideOthers(['wrb'], camera.id);
        const [kept] = await new Cameras(tx).lock([camera.id]);
        await nap();
        await new Cameras(tx).replace([camera]);
        await nap();
        return (kept?.version ?? 0) + 1;
      });
      committed.push({ id: camera.id, version });
    };
    const importAll = async (pool: DataSource): Promise<void> => {
      const kept = await transact(pool, async (tx) => {
        await new WriteOrder(tx).alone('wrb');
        const locked = await new Cameras(tx).lock(cameras.map(({ id }) => id));
        await new Cameras(tx).replace(cameras);
        await nap();
        return locked;
      });
      committed.push(...kept.map(({ id, version }) => ({ id, version: version + 1 })));
      await wait(300);
    };
    const again = async (work: () => Promise<void>): Promise<void> => {
      while (Date.now() < until)
        await work().catch((error: unknown) => {
          if (!String(error).includes('RequestInFlight')) throw error;
        });
    };
    let isOver = false;
    const heard: OutboxEvent[][] = [[], [], []];
    const reading = heard.map(async (list, i) => {
      const reader = new Outbox(pools[4] as DataSource);
      let at = start;
      for (let last = false; ;) {
        const page = await reader.read(at, 1 + Math.floor(random() * 40));
        // Dropped before it had dealt with all: it reads some of it once more.
        const kept = random() < 0.3 ? page.events.slice(0, Math.floor(random() * page.events.length)) : page.events;
        list.push(...kept);
        const lastKept = kept.at(-1);
        if (kept.length === page.events.length) at = page.upTo;
        else if (lastKept !== undefined) at = lastKept;
        if (last && page.events.length === 0) return;
        last = isOver && (await reader.lagS()) === 0;
        await wait(random() * 30 + i);
      }
    });
    await Promise.all([
      ...Array.from({ length: 32 }, (_, i) => again(() => writeOne(pools[i % 4] as DataSource))),
      again(() => importAll(pools[4] as DataSource)),
    ]);
    isOver = true;
    await Promise.all(reading);
    expect(committed.length).toBeGreaterThan(100);
    const names = (list: readonly { id: string; version: number }[]): string[] =>
      list.map(({ id, version }) => `${id} ${version}`).sort();
    for (const list of heard) {
      expect(names(list.map(({ cameraId, version }) => ({ id: cameraId, version })))).toEqual(names(committed));
      for (const { id } of cameras) {
        const versions = list.filter(({ cameraId }) => cameraId === id).map(({ version }) => version);
        expect(versions).toEqual([...versions].sort((a, b) => a - b));
      }
      for (const [i, event] of list.entries()) {
        if (i > 0) expect(comparePositions(list[i - 1] as OutboxEvent, event)).toBeLessThan(0);
      }
    }
  }, 60_000);

  test('a change of status that saw the version before a change is raised to it, where that comes first', async () => {
    const camera = record();
    await add(camera);
    start = await settledHorizon();
    const writer = db.createQueryRunner();
    await writer.startTransaction();
    await new Cameras(writer.manager).replace([camera]);
    await db.query(
      `insert into outbox (generation, kind, camera_id, version) select generation, 'health.changed', $1, 1 from outbox_state`,
      [camera.id],
    );
    await writer.commitTransaction();
    await writer.release();
    expect((await told()).map(({ version }) => version)).toEqual([2, 1]);
    const page = await new OutboxReader(outbox, start).read(10);
    expect(page.events.map(({ version }) => version)).toEqual([2, 2]);
  });

  test('after a restore into a new cluster events of before come first, and those of after are told', async () => {
    const camera = record();
    await add(camera);
    await settle();
    // As they would be read from a dump of a server that had counted further.
    await db.query(`update outbox set xid = (xid::text::bigint + 1000000000)::text::xid8`);
    expect((await readable()).length).toBe(0);
    expect(await outbox.renewGeneration()).toBe(true);
    expect(await outbox.renewGeneration()).toBe(false);
    await new Cameras(db).replace([camera]);
    const kinds = (await told()).filter(({ cameraId }) => cameraId === camera.id).map(({ kind }) => kind);
    expect(kinds).toEqual(['camera.registered', 'camera.changed']);
  });
});

describeOnServer('the bell (on a server: LISTEN wants a session of its own)', () => {
  test('wakes those who listen, once a second at most, and again after their connection was lost', async () => {
    let rung = 0;
    const hearing = hearOutboxBell({ url: database.url ?? '', onRing: () => (rung += 1), log: () => undefined });
    const rings = async (count: number): Promise<void> => {
      for (const until = Date.now() + 5_000; rung < count && Date.now() < until;) await wait(20);
      expect(rung).toBe(count);
    };
    // Whoever has just connected looks at once.
    await rings(1);
    const bell = new OutboxBell(db, (error) => expect(error).toBeUndefined());
    for (let i = 0; i < 50; i += 1) bell.ring();
    await rings(2);
    for (let i = 0; i < 50; i += 1) bell.ring();
    await wait(400);
    expect(rung).toBe(2);
    await rings(3);
    await db.query(`select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'sightline-listen'
      and datname = current_database()`);
    await rings(4);
    await hearing.close();
  }, 20_000);
});
