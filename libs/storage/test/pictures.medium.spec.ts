import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import type { DataSource } from 'typeorm';
import { ANONYMOUS, principalOfKey, scope } from '#access';
import { type AuthorityDocument, type CameraRegistration, NotFound } from '#catalog';
import {
  Authorities,
  CameraFinder,
  Cameras,
  type ClaimedCamera,
  DueQueue,
  EventAudience,
  FreshFrames,
  KeptFrames,
  MAIN_VIEW,
  namedKeys,
  PictureUpkeep,
  type ProbeRecord,
  ProbeResults,
  StoredPictures,
} from '#storage';
import { openTestDatabase, type TestDatabase } from '#testing';
import { record, result } from './records.js';

let database: TestDatabase;
let db: DataSource;

beforeAll(async () => {
  database = await openTestDatabase();
  db = database.db;
});
afterAll(() => database.close());
beforeEach(async () => {
  for (const table of ['kept_frame', 'preset_picture', 'camera_health', 'probe_lease', 'camera', 'authority']) {
    await db.query(`delete from ${table}`);
  }
});

const stranger = scope(ANONYMOUS);
const viewer = scope(principalOfKey('aaaaaaaaaa', { scopes: ['cameras:read', 'frames:read'], authorities: ['wrb'] }));

const authority = (terms: AuthorityDocument['terms'] = {}): Promise<unknown> =>
  new Authorities(db).add({ slug: 'wrb', name: 'Water', network: { cidrs: ['10.0.0.0/8'] }, terms });

const setTerms = (keepImages: string): Promise<unknown> =>
  db.query(`update authority set document = jsonb_set(document, '{terms}', $1)`, [JSON.stringify({ keepImages })]);

const setAccess = (id: string, access: object): Promise<unknown> =>
  db.query(`update camera set document = jsonb_set(document, '{access}', $2) where id = $1`, [
    id,
    JSON.stringify({ level: 'public', ...access }),
  ]);

async function add(stated: Partial<CameraRegistration> = {}): Promise<string> {
  const one = record({}, stated);
  await new Cameras(db).add([one]);
  return one.id;
}

const claimNext = (): Promise<ClaimedCamera[]> => new DueQueue(db).claim({ owner: 'one', limit: 1, ttlS: 60 });

/** Its next probe, whether another one is under way or not. */
async function claim(id: string): Promise<ClaimedCamera> {
  await db.query(
    `update probe_lease set lease_until = null, due_at = case when camera_id = $1 then now() else now() + interval '1 day' end`,
    [id],
  );
  const [camera] = await claimNext();
  if (camera?.cameraId !== id) throw new Error('another camera is due');
  return camera;
}

const agoS = (s: number): string => new Date(Date.now() - s * 1000).toISOString();

/** A probe that brought a picture so many seconds ago. @returns its name */
async function picture(id: string, ageS: number, parts: Partial<ProbeRecord> = {}): Promise<string> {
  const camera = await claim(id);
  const frameKey = `frame/${randomUUID()}`;
  const [capturedAt, size] = [agoS(ageS), { widthPx: 640, heightPx: 480 }];
  const frames = [{ view: MAIN_VIEW, capturedAt, frameKey, ...size }];
  const isKept = camera.keepsHistory || camera.isDelayed;
  await new ProbeResults(db).record([
    result(camera, { frameKey, capturedAt, ...(isKept ? { frames } : {}), ...parts }),
  ]);
  return frameKey;
}

const all = { from: agoS(100_000), to: agoS(-3_600), limit: 100 };
const listed = async (id: string, by = viewer, view = MAIN_VIEW): Promise<string[]> =>
  (await new KeptFrames(db).list({ cameraId: id, view }, all, by)).map(({ frameKey }) => frameKey);
const shown = async (id: string, by = viewer): Promise<string | null> =>
  (await new StoredPictures(db).main(id, by)).frame?.frameKey ?? null;

describe('PRIV-3: a history of pictures', () => {
  test('is kept only where the camera says for how long, and for no longer', async () => {
    await authority();
    const [without, kept] = [await add(), await add({ access: { retentionS: 3_600 } })];
    expect((await claim(without)).keepsHistory).toBe(false);
    await picture(without, 10);
    const keys = [];
    for (const age of [4_000, 3_000, 10]) keys.push(await picture(kept, age));
    expect(await listed(without)).toEqual([]);
    expect(await listed(kept)).toEqual([keys[2], keys[1]]);
    const frames = new KeptFrames(db);
    const [newest, older] = await frames.list({ cameraId: kept, view: MAIN_VIEW }, all, viewer);
    expect(newest).toMatchObject({ widthPx: 640, heightPx: 480, frameKey: keys[2] });
    const wanted = { cameraId: kept, view: MAIN_VIEW };
    expect(await frames.list(wanted, { ...all, before: newest?.capturedAt, limit: 1 }, viewer)).toEqual([older]);
    expect(await frames.list(wanted, { ...all, from: newest?.capturedAt ?? '' }, viewer)).toEqual([newest]);
    expect(await frames.at(wanted, older?.capturedAt ?? '', viewer)).toEqual(older);
    expect(await frames.at({ ...wanted, view: 'other' }, older?.capturedAt ?? '', viewer)).toBeNull();

    expect(await new PictureUpkeep(db).forgetFrames(100)).toEqual([keys[0]]);
    expect(await new PictureUpkeep(db).forgetFrames(100)).toEqual([]);
    expect(await namedKeys(db, keys)).toEqual(new Set(keys.slice(1)));
  });

  test.each([
    ['a shorter time', { retentionS: 60 }, [true, true, false]],
    ['none', {}, [true, true, true]],
  ])('goes as far as the policy says now: %s', async (_, access, gone) => {
    await authority();
    const id = await add({ access: { retentionS: 3_600 } });
    const keys: string[] = [];
    for (const age of [3_000, 100, 10]) keys.push(await picture(id, age));
    await setAccess(id, access);
    expect(await listed(id)).toEqual(keys.filter((_key, i) => !gone[i]).reverse());
    expect([...(await new PictureUpkeep(db).forgetFrames(100))].sort()).toEqual(
      keys.filter((_key, i) => gone[i]).sort(),
    );
    expect(await shown(id)).toBe(keys[2]);
  });

  test('is limited by its authority: the latest alone, or nothing', async () => {
    await authority({ keepImages: 'latest' });
    const id = await add({ access: { retentionS: 3_600 } });
    expect((await claim(id)).keepsHistory).toBe(false);
    await setTerms('history');
    const key = await picture(id, 10);
    expect(await listed(id)).toEqual([key]);
    await setTerms('latest');
    expect([await listed(id), await shown(id)]).toEqual([[], key]);
    await setTerms('none');
    expect(await shown(id)).toBeNull();
    const upkeep = new PictureUpkeep(db);
    expect([await upkeep.forgetFrames(100), await upkeep.forgetLatest(100)]).toEqual([[key], [key]]);
    expect(await upkeep.forgetLatest(100)).toEqual([]);
    expect(await namedKeys(db, [key])).toEqual(new Set());
  });

  test('of many cameras goes in batches, and what is not due stays', async () => {
    await authority();
    const ids = [];
    for (let i = 0; i < 3; i += 1) ids.push(await add({ access: { retentionS: 3_600 } }));
    await db.query(
      `insert into kept_frame
       select id, view, now() - make_interval(secs => age), 'frame/' || id || view || age, 640, 480
       from unnest($1::uuid[]) as c (id), unnest(array['main', 'p1']) as v (view), generate_series(100, 7300, 600) as s (age)`,
      [ids],
    );
    const upkeep = new PictureUpkeep(db);
    const batches = [];
    for (let gone = await upkeep.forgetFrames(10); gone.length > 0; gone = await upkeep.forgetFrames(10)) {
      batches.push(gone.length);
    }
    expect(batches).toEqual([10, 10, 10, 10, 2]);
    const left = await db.query<{ n: number }[]>(
      `select count(*)::int as n from kept_frame where captured_at > now() - interval '1 hour'`,
    );
    expect(left[0]?.n).toBe(3 * 2 * 6);
  });

  test('the latest picture goes with it, and is not shown when its time is over', async () => {
    await authority();
    const [old, young, free] = [
      await add({ access: { retentionS: 60 } }),
      await add({ access: { retentionS: 60 } }),
      await add({ access: { retentionS: 0 } }),
    ];
    const keys = [await picture(old, 100), await picture(young, 10), await picture(free, 100)];
    expect([await shown(old), await shown(young), await shown(free)]).toEqual([null, keys[1], keys[2]]);
    expect(await new PictureUpkeep(db).forgetLatest(100)).toEqual([keys[0]]);
    const kept = (): Promise<unknown> =>
      db.query('select frame_key, captured_at from camera_health where camera_id = $1', [old]);
    expect(await kept()).toEqual([{ frame_key: null, captured_at: null }]);
    // A result that was under way says when the same picture was seen again: there is none any more.
    await new ProbeResults(db).record([result(await claim(old), { capturedAt: agoS(0) })]);
    expect(await kept()).toEqual([{ frame_key: null, captured_at: null }]);
  });
});

describe('PRIV-4: others see pictures later', () => {
  test('the newest that is old enough, with its own time; the authority sees the latest', async () => {
    await authority();
    const id = await add({ access: { publicDelayS: 600 } });
    expect(await claim(id)).toMatchObject({ keepsHistory: false, isDelayed: true });
    const first = await picture(id, 400);
    expect(await new StoredPictures(db).main(id, stranger)).toMatchObject({ frame: null, isHeldBack: true });
    const keys = [first];
    await db.query(`update kept_frame set captured_at = captured_at - interval '1 hour'`);
    const ages = [900, 700, 500, 5];
    for (const age of ages) keys.push(await picture(id, age));
    expect(await shown(id)).toBe(keys[4]);
    const { frame } = await new StoredPictures(db).main(id, stranger);
    expect(frame?.frameKey).toBe(keys[2]);
    expect(Math.round((Date.now() - Date.parse(frame?.capturedAt ?? '')) / 1000)).toBe(700);
    expect(frame?.stale).toBe(true);
    // What the delay needs stays, and is no history.
    expect([...(await new PictureUpkeep(db).forgetFrames(100))].sort()).toEqual([keys[0], keys[1]].sort());
    expect(await shown(id, stranger)).toBe(keys[2]);
    expect([await listed(id), await listed(id, stranger)]).toEqual([[], []]);
    // Nor goes it where room is short.
    expect(await new PictureUpkeep(db).forgetOldest(100)).toEqual([]);
  });

  test('times and ages are those of the picture that is seen, and nothing tells of a newer one', async () => {
    await authority();
    const id = await add({ access: { publicDelayS: 600 } });
    const finder = new CameraFinder(db);
    const seen = async (by: typeof viewer): Promise<Record<string, unknown>> => {
      const { items } = await finder.search(by, {
        search: { include: ['health', 'thumbnail'] },
        ...{ limit: 10, form: 'json', baseUrl: '' },
      });
      const { health, thumbnail } = JSON.parse(items[0] ?? '{}') as Record<string, Record<string, unknown>>;
      expect(JSON.parse((await finder.health(id, by)).json)).toEqual(health);
      return { ...health, ...thumbnail };
    };
    const ageS = (moment: unknown): number => Math.round((Date.now() - Date.parse(String(moment))) / 1000);
    const mean = { since: agoS(5), state: 'fault' as const, evidence: { says: 'mean 3', measured: { mean: 3 } } };
    const shown: Partial<ProbeRecord> = {
      status: 'degraded',
      shown: {
        ...{ since: agoS(4_000), reason: 'mean 3', lastOkAt: agoS(5), flapping: false, agreement: 'unknown' },
        ...{ conditions: [], flags: [{ flag: 'black', ...mean }] },
      },
    };
    await picture(id, 5, shown);
    expect((await seen(stranger)).capturedAt).toBeUndefined();
    expect((await seen(stranger)).stale).toBeUndefined();
    await db.query(`update kept_frame set captured_at = captured_at - interval '1 hour'`);
    await picture(id, 700);
    await picture(id, 5, shown);
    const own = await seen(viewer);
    expect([ageS(own.capturedAt), own.stale, own.staleSince]).toEqual([5, false, undefined]);
    expect(own).toMatchObject({ reason: 'mean 3', flags: [mean], lastOkAt: expect.any(String) });
    const others = await seen(stranger);
    expect([ageS(others.capturedAt), others.stale, ageS(others.staleSince)]).toEqual([700, true, 580]);
    const told = { state: 'fault', flag: 'black', evidence: { says: expect.stringContaining('who see the picture') } };
    expect(others).toMatchObject({ status: 'degraded', reason: expect.stringContaining('wrong'), flags: [told] });
    expect(Object.keys((others.flags as object[])[0] ?? {}).sort()).toEqual(['evidence', 'flag', 'state']);
    for (const member of ['checkedAt', 'lastOkAt', 'nextDueAt']) {
      expect([member, own[member] === undefined, others[member]]).toEqual([member, false, undefined]);
    }
    // How old pictures may be is asked of the one that is seen, too.
    const found = async (by: typeof viewer, maxAgeS: number): Promise<number> =>
      (await finder.search(by, { search: { maxAgeS }, limit: 10, form: 'json', baseUrl: '' })).items.length;
    expect([await found(viewer, 60), await found(stranger, 60), await found(stranger, 750)]).toEqual([1, 0, 1]);
    // What may be shown no more is told of no more.
    await setTerms('none');
    expect((await seen(stranger)).capturedAt).toBeUndefined();
  });

  test('hints of pictures are apart for those who see them later', async () => {
    await authority();
    const [delayed, plain] = [await add({ access: { publicDelayS: 600 } }), await add()];
    const fresh = new FreshFrames(db);
    const watched = await fresh.watched(stranger, { radiusM: 1 }, 10);
    expect(new Map(watched.map(({ id, isDelayed }) => [id, isDelayed]))).toEqual(
      new Map([
        [delayed, true],
        [plain, false],
      ]),
    );
    const frames = async (): Promise<readonly unknown[]> =>
      (await fresh.capturedAt(watched))
        .map(({ cameraId, viewers, capturedAt }) => {
          const age = Math.round((Date.now() - capturedAt) / 1000);
          return `${cameraId === plain ? 'plain' : 'delayed'} ${viewers} ${age}`;
        })
        .sort();
    await picture(plain, 5);
    await picture(delayed, 5);
    expect(await frames()).toEqual(['delayed at once 5', 'plain at once 5']);
    await db.query(`update kept_frame set captured_at = captured_at - interval '1 hour'`);
    await picture(delayed, 700);
    await picture(delayed, 5);
    expect(await frames()).toEqual(['delayed at once 5', 'delayed later 700', 'plain at once 5']);
    const heldBack = async (by: typeof viewer): Promise<unknown> =>
      (await new EventAudience(db).judge(by, [{ cameraId: delayed, seenBefore: null }]))[0]?.now?.heldBack;
    expect([await heldBack(viewer), await heldBack(stranger)]).toEqual([false, true]);
  });

  test('holds for the history, and a latest picture that is old enough is theirs too', async () => {
    await authority();
    const id = await add({ access: { publicDelayS: 600, retentionS: 3_600 } });
    const keys: string[] = [];
    for (const age of [900, 500]) keys.push(await picture(id, age));
    expect([await listed(id), await listed(id, stranger)]).toEqual([[keys[1], keys[0]], [keys[0]]]);
    const hidden = (await new KeptFrames(db).list({ cameraId: id, view: MAIN_VIEW }, all, viewer))[0]?.capturedAt ?? '';
    expect(await new KeptFrames(db).at({ cameraId: id, view: MAIN_VIEW }, hidden, stranger)).toBeNull();
    await setAccess(id, { publicDelayS: 100 });
    expect(await shown(id, stranger)).toBe(keys[1]);
    // A delay longer than pictures are kept: they never see one.
    await setAccess(id, { publicDelayS: 600, retentionS: 550 });
    expect([await shown(id), await shown(id, stranger)]).toEqual([keys[1], null]);
    expect(await new PictureUpkeep(db).forgetFrames(100)).toEqual([keys[0]]);
  });
});

describe('presets', () => {
  const services: CameraRegistration['services'] = [
    { kind: 'mjpeg', url: 'http://10.0.0.1/main' },
    { kind: 'snapshot', url: 'http://10.0.0.1/1', shows: '1' },
    { kind: 'snapshot', url: 'http://10.0.0.1/2', shows: '2' },
  ];
  const stated = { services, presets: [{ id: '1' }, { id: '2' }] };
  const turned = (preset: string, more: object = {}): Pick<ProbeRecord, 'preset'> => ({
    preset: { preset, outcome: 'ok', checkedAt: agoS(1), staleAfterS: 120, memory: { v: 1 }, ...more },
  });

  test('have their own picture, outcome and memory', async () => {
    await authority();
    const id = await add(stated);
    expect((await claim(id)).presets).toEqual([]);
    const main = await picture(id, 5, turned('1', { frameKey: 'frame/p1', capturedAt: agoS(300) }));
    const [known] = (await claim(id)).presets;
    expect(known).toMatchObject({ preset: '1', outcome: 'ok', frameKey: 'frame/p1', memory: { v: 1 } });
    expect(Math.abs((known?.checkedAt ?? 0) - Date.now())).toBeLessThan(10_000);

    const pictures = new StoredPictures(db);
    expect((await pictures.ofPreset(id, '1', stranger)).frame).toMatchObject({ frameKey: 'frame/p1', stale: true });
    expect((await pictures.ofPreset(id, '2', stranger)).frame).toBeNull();
    await expect(pictures.ofPreset(id, '3', stranger)).rejects.toThrow(NotFound);
    expect(await shown(id)).toBe(main);
    expect(await namedKeys(db, ['frame/p1', 'frame/p2'])).toEqual(new Set(['frame/p1']));

    // Without a picture the one of before stays; null forgets it.
    await picture(id, 5, turned('1', { outcome: 'refused' }));
    expect((await pictures.ofPreset(id, '1', stranger)).frame?.frameKey).toBe('frame/p1');
    const health = async (by: typeof viewer): Promise<Record<string, unknown>[]> =>
      (JSON.parse((await new CameraFinder(db).health(id, by)).json) as { presets: Record<string, unknown>[] }).presets;
    expect(await health(stranger)).toMatchObject([{ id: '1', lastOutcome: 'unreachable' }]);
    const operator = principalOfKey('b', { scopes: ['cameras:read', 'cameras:write'], authorities: ['wrb'] });
    expect(await health(scope(operator))).toMatchObject([{ id: '1', lastOutcome: 'refused' }]);
    await picture(id, 5, turned('1', { frameKey: null }));
    expect(Object.keys((await health(stranger))[0] ?? {}).sort()).toEqual(['checkedAt', 'id', 'lastOutcome']);
  });

  test('a result whose lease was lost changes nothing of them', async () => {
    await authority();
    const id = await add(stated);
    const camera = await claim(id);
    await db.query('update probe_lease set epoch = epoch + 1');
    const capturedAt = agoS(1);
    const late = result(camera, {
      ...turned('1', { frameKey: 'frame/p1', capturedAt }),
      frames: [{ view: '1', capturedAt, frameKey: 'frame/p1', widthPx: 1, heightPx: 1 }],
    });
    expect(await new ProbeResults(db).record([late])).toEqual(new Set());
    expect((await claim(id)).presets).toEqual([]);
    expect(await namedKeys(db, ['frame/p1'])).toEqual(new Set());
  });

  test('of a camera of presets alone the first is the main view', async () => {
    await authority();
    const id = await add({ ...stated, services: services.slice(1) });
    const shows = (index: number): Partial<ProbeRecord> => ({
      shown: {
        since: agoS(0),
        flapping: false,
        agreement: 'unknown',
        conditions: [],
        flags: [],
        service: { index, kind: 'snapshot' },
      },
    });
    const key = await picture(id, 5, shows(0));
    const pictures = new StoredPictures(db);
    expect(await pictures.ofPreset(id, '1', stranger)).toMatchObject({ view: MAIN_VIEW, frame: { frameKey: key } });
    expect(await pictures.ofPreset(id, '2', stranger)).toMatchObject({ view: '2', frame: null });
  });
});

describe('PRIV-2: after a change of the camera', () => {
  test('no picture of before is kept, of any view, and a probe under way brings none', async () => {
    await authority();
    const one = record({}, { access: { retentionS: 3_600 }, presets: [{ id: '1' }] });
    await new Cameras(db).add([one]);
    const { id } = one;
    await picture(id, 10, {
      preset: {
        preset: '1',
        outcome: 'ok',
        checkedAt: agoS(1),
        staleAfterS: 120,
        memory: {},
        frameKey: 'p',
        capturedAt: agoS(1),
      },
    });
    const underWay = await claim(id);
    await new Cameras(db).replace([{ ...one, dialsAnew: false, dropsPicture: true }]);
    const late = result(underWay, { frameKey: 'frame/without the mask', capturedAt: agoS(0) });
    expect(await new ProbeResults(db).record([late])).toEqual(new Set());
    expect([await shown(id), await listed(id)]).toEqual([null, []]);
    expect((await new StoredPictures(db).ofPreset(id, '1', viewer)).frame).toBeNull();
    // It is asked again at once.
    expect(await claimNext()).toMatchObject([{ cameraId: id, frameKey: null, presets: [] }]);
  });

  test('presets that other services show now lose theirs, and those alone', async () => {
    await authority();
    const one = record({}, { access: { retentionS: 3_600 }, presets: [{ id: '1' }, { id: '2' }] });
    await new Cameras(db).add([one]);
    const { id } = one;
    for (const preset of ['1', '2']) {
      const [capturedAt, frameKey] = [agoS(5), `frame/${preset}`];
      const probed = { preset, outcome: 'ok' as const, checkedAt: agoS(5), staleAfterS: 120, memory: {} };
      await picture(id, 10, {
        preset: { ...probed, frameKey, capturedAt },
        frames: [{ view: preset, capturedAt, frameKey, widthPx: 1, heightPx: 1 }],
      });
    }
    await new Cameras(db).replace([{ ...one, dropsPresets: ['1'] }]);
    expect([await listed(id, viewer, '1'), await listed(id, viewer, '2')]).toEqual([[], ['frame/2']]);
    expect((await claim(id)).presets.map(({ preset }) => preset)).toEqual(['2']);
    expect(await shown(id)).not.toBeNull();
  });
});

test('REL-10: where room is short the oldest frames of all cameras go first', async () => {
  await authority();
  const [one, other] = [await add({ access: { retentionS: 3_600 } }), await add({ access: { retentionS: 3_600 } })];
  const keys = [await picture(one, 900), await picture(other, 800), await picture(one, 700)];
  const upkeep = new PictureUpkeep(db);
  expect([...(await upkeep.forgetOldest(2))].sort()).toEqual(keys.slice(0, 2).sort());
  expect(await namedKeys(db, keys)).toEqual(new Set(keys.slice(1)));
  expect(await upkeep.forgetOldest(2)).toEqual([keys[2]]);
  expect(await upkeep.forgetOldest(2)).toEqual([]);
  // The latest picture of each stays.
  expect([await shown(one), await shown(other)]).toEqual([keys[2], keys[1]]);
});
