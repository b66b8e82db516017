import { randomBytes, randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync, utimesSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import sharp from 'sharp';
import type { KnownService } from '#catalog';
import { DirectoryStore, type FrameStore, Pictures } from '#frames';
import { KeptConnections } from '#probe';
import { openTestDatabase, type TestDatabase } from '#testing';
import { forgetPictures } from '../src/forget-pictures.js';
import { type Registered, WatchedCamera } from './watched-camera.js';

const NOON = Date.UTC(2026, 10, 27, 4);
const MINUTE = 60_000;

type Answer = (request: IncomingMessage, response: ServerResponse) => void | Promise<void>;

let server: Server;
let origin: string;
let directory: string;
let pictures: Pictures;
let store: DirectoryStore;
/** By path; what has none sends a new picture each time. */
const answers = new Map<string, Answer>();
let requests: { readonly path: string; readonly headers: IncomingMessage['headers'] }[] = [];

/** A picture as noisy as a real one; every call another one. */
const noisy = (): Promise<Buffer> =>
  sharp(randomBytes(320 * 180 * 3), { raw: { width: 320, height: 180, channels: 3 } })
    .jpeg({ quality: 60 })
    .toBuffer();

const sending =
  (bytes: Buffer | Promise<Buffer>, headers: Record<string, string> = {}): Answer =>
  async (_request, response) =>
    void response.writeHead(200, { 'content-type': 'image/jpeg', ...headers }).end(await bytes);

const status =
  (code: number): Answer =>
  (_request, response) =>
    void response.writeHead(code).end();

beforeAll(async () => {
  pictures = await Pictures.start({ workers: 1 });
  directory = mkdtempSync(path.join(tmpdir(), 'sightline-presets-'));
  store = await DirectoryStore.open({ directory, budgetBytes: 1e9 });
  server = createServer((request, response) => {
    response.sendDate = false;
    requests.push({ path: request.url ?? '', headers: request.headers });
    const answer = answers.get(request.url ?? '') ?? sending(noisy());
    void Promise.resolve(answer(request, response)).catch((error: unknown) => response.destroy(error as Error));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  await store.close();
  await pictures.close();
  rmSync(directory, { recursive: true, force: true });
});
beforeEach(() => {
  answers.clear();
  requests = [];
});

const service = (name: string): KnownService => ({
  kind: 'snapshot',
  url: `${origin}/${name}`,
  ...(name === 'main' ? {} : { shows: name }),
});

/** A camera of a main view and these presets. */
const camera = (
  presets: readonly string[],
  more: Partial<Registered> = {},
  { frames = store, kept }: { readonly frames?: FrameStore; readonly kept?: KeptConnections } = {},
) =>
  new WatchedCamera(
    {
      pictures,
      store: frames,
      ...(kept === undefined ? {} : { kept }),
      held: { add: () => Promise.resolve(), services: () => Promise.resolve(new Map<string, number>()) },
    },
    { services: ['main', ...presets].map(service), ...more },
  );

const asked = (name: string): number => requests.filter(({ path: at }) => at === `/${name}`).length;
const paths = (): string[] => requests.map(({ path: at }) => at.slice(1));

describe('connections to a device', () => {
  let connections = 0;
  const count = (): void => void (connections += 1);
  beforeEach(() => {
    connections = 0;
    server.on('connection', count);
  });
  afterEach(() => void server.off('connection', count));

  test.each([
    ['one for all rounds of a snapshot that is asked every five seconds', 5, 1],
    ['one a round where that comes later', 6, 3],
  ])('%s', async (_, intervalS, made) => {
    const kept = new KeptConnections();
    const one = camera([], { intervalS }, { kept });
    for (let round = 0; round < 3; round += 1) await one.probe(NOON + round * intervalS * 1000);
    kept.close();
    expect([one.record?.status, asked('main'), connections]).toEqual(['online', 3, made]);
  });

  test('a preset, which is not asked again within seconds, closes the one that waits: never two to a device', async () => {
    const kept = new KeptConnections();
    const one = camera(['1'], { intervalS: 5 }, { kept });
    await one.probe(NOON);
    expect([paths(), connections, kept.size]).toEqual([['main', '1'], 2, 0]);
  });
});

describe('presets in turn', () => {
  test('one a round, after the main view, each with its own picture', async () => {
    const one = camera(['1', '2', '3']);
    for (let round = 0; round < 6; round += 1) await one.probe(NOON + round * MINUTE);
    expect(paths()).toEqual(['1', '2', '3', '1', '2', '3'].flatMap((preset) => ['main', preset]));
    const keys = [...one.presets.values()].map(({ frameKey }) => frameKey);
    expect(new Set([one.record?.frameKey, ...keys]).size).toBe(4);
    for (const key of keys) expect(await store.get(key ?? '')).not.toBeNull();
    expect(one.presets.get('3')).toMatchObject({ outcome: 'ok', checkedAt: NOON + 5 * MINUTE });
    expect(one.record).toMatchObject({ status: 'online', shown: { service: { index: 0 } } });
    // The device's picture in the report and in what flags go by is that of the main view.
    expect(one.record?.state.picture.samples).toBe(1);
  });

  test('not out of turn, not for somebody who waits, and not while the main view shows nothing', async () => {
    const one = camera(['1']);
    await one.probe(NOON);
    expect(paths()).toEqual(['main', '1']);
    await one.probe(NOON + 10_000);
    await one.probe(NOON + MINUTE, { asked: true });
    expect(asked('1')).toBe(1);
    answers.set('/main', status(503));
    await one.probe(NOON + 2 * MINUTE);
    expect([one.record?.status, asked('1')]).toEqual(['busy', 1]);
    answers.clear();
    await one.probe(NOON + 3 * MINUTE);
    expect(asked('1')).toBe(2);
  });

  test('one that fails says nothing of the camera, keeps its last picture and is asked more seldom', async () => {
    const one = camera(['1']);
    await one.probe(NOON);
    const kept = one.presets.get('1');
    answers.set('/1', status(404));
    for (let round = 1; round <= 8; round += 1) await one.probe(NOON + round * MINUTE);
    expect(one.record).toMatchObject({ status: 'online', shown: { lastOutcome: 'ok', conditions: [] } });
    expect(one.presets.get('1')).toMatchObject({
      outcome: 'not_found',
      frameKey: kept?.frameKey,
      capturedAt: kept?.capturedAt,
    });
    // After one, two and four rounds.
    expect(asked('1')).toBe(4);
    answers.clear();
    await one.probe(NOON + 30 * MINUTE);
    expect(one.presets.get('1')?.outcome).toBe('ok');
    expect(one.presets.get('1')?.frameKey).not.toBe(kept?.frameKey);
  });

  test('a damaged picture of a preset is none', async () => {
    const one = camera(['1']);
    const whole = await noisy();
    answers.set('/1', sending(whole.subarray(0, whole.length / 2)));
    await one.probe(NOON);
    expect(one.presets.get('1')).toMatchObject({ outcome: 'bad_picture', frameKey: null, capturedAt: null });
    expect(one.record?.status).toBe('online');
  });

  test('each is asked whether its own picture has changed', async () => {
    const one = camera(['1', '2']);
    const bytes = await noisy();
    for (const preset of ['1', '2']) {
      answers.set(`/${preset}`, (request, response) =>
        request.headers['if-none-match'] === `"${preset}"`
          ? status(304)(request, response)
          : sending(bytes, { etag: `"${preset}"` })(request, response),
      );
    }
    for (let round = 0; round < 4; round += 1) await one.probe(NOON + round * MINUTE);
    const conditions = requests.map(({ path: at, headers }) => `${at} ${headers['if-none-match'] ?? 'none'}`);
    expect(conditions).toEqual([
      '/main none',
      '/1 none',
      '/main none',
      '/2 none',
      '/main none',
      '/1 "1"',
      '/main none',
      '/2 "2"',
    ]);
    // The word that it has not changed leaves its time.
    expect(one.presets.get('1')).toMatchObject({ outcome: 'ok', capturedAt: new Date(NOON).toISOString() });
    expect(one.presets.get('1')?.checkedAt).toBe(NOON + 2 * MINUTE);
  });

  test('PRIV-2: of a masked camera no picture of a preset is kept, as the masks are drawn for the main view', async () => {
    const mask = {
      points: [
        [0, 0],
        [0.5, 0],
        [0.5, 0.5],
      ] as [number, number][],
    };
    const one = camera(['1'], { masks: [mask], keepsHistory: true });
    await one.probe(NOON);
    expect(one.presets.get('1')).toMatchObject({ outcome: 'ok', frameKey: null });
    expect(one.record?.frameKey).toMatch(/^frame\//);
    expect(one.frames.map(({ view }) => view)).toEqual(['main']);
  });

  test('a round that is short of time leaves them out', async () => {
    const one = camera(['1'], { intervalS: 1 });
    await one.probe(NOON);
    expect(paths()).toEqual(['main']);
  });
});

describe('what is kept for its moment', () => {
  const withFullness = (fullness: number): FrameStore => ({
    put: (kind, bytes) => store.put(kind, bytes),
    get: (key) => store.get(key),
    delete: (key) => store.delete(key),
    sweep: (options) => store.sweep(options),
    discard: (keys, options) => store.discard(keys, options),
    fullness,
    close: () => Promise.resolve(),
  });

  test('PRIV-3: nothing, unless the camera says so', async () => {
    const one = camera(['1']);
    await one.probe(NOON);
    expect(one.record).not.toHaveProperty('frames');
  });

  test('every picture of the main view and of presets, under the moment at which it was seen', async () => {
    const one = camera(['1'], { keepsHistory: true });
    await one.probe(NOON);
    const capturedAt = new Date(NOON).toISOString();
    const size = { widthPx: 320, heightPx: 180 };
    expect(one.frames).toEqual([
      { view: 'main', capturedAt, frameKey: one.record?.frameKey, ...size },
      { view: '1', capturedAt, frameKey: one.presets.get('1')?.frameKey, ...size },
    ]);
    answers.set('/main', status(500));
    await one.probe(NOON + MINUTE);
    expect(one.frames).toHaveLength(2);
  });

  test('REL-10: from 90 % of the store on no history, but what others see later', async () => {
    const history = camera([], { keepsHistory: true }, { frames: withFullness(0.9) });
    const delayed = camera([], { isDelayed: true }, { frames: withFullness(0.9) });
    const roomy = camera([], { keepsHistory: true }, { frames: withFullness(0.89) });
    for (const one of [history, delayed, roomy]) await one.probe(NOON);
    expect([history, delayed, roomy].map(({ frames }) => frames.length)).toEqual([0, 1, 1]);
    // The latest picture is kept all the same.
    expect(history.record?.frameKey).toMatch(/^frame\//);
  });
});

describe('forgetting', () => {
  let database: TestDatabase;
  beforeAll(async () => {
    database = await openTestDatabase();
  });
  afterAll(() => database.close());
  beforeEach(async () => {
    for (const table of ['kept_frame', 'camera_health', 'camera', 'authority']) {
      await database.db.query(`delete from ${table}`);
    }
  });

  const BYTES = 10_000;

  /** A camera whose frames were put so many seconds ago, the last of which is its latest. @returns their names */
  async function cameraWith(frames: DirectoryStore, below: string, agesS: readonly number[]): Promise<string[]> {
    const { db } = database;
    const id = randomUUID();
    await db.query(
      `insert into authority (slug, version, document, access_floor) values ('wrb', 1, '{}', 'public') on conflict do nothing`,
    );
    await db.query(
      `insert into camera (id, authority, local_id, version, document, public_document, position, lifecycle, access_level,
                           completeness, mobility, usage, tags, search_text, service_slots, content_hash, changed_xid)
       values ($1, 'wrb', $2, 1, '{"access": {"retentionS": 3600}}', '{}', st_setsrid(st_makepoint(120, 23), 4326), 'active',
               'public', 'point', 'fixed', '{}', '{}', '', '{1}', '', 1)`,
      [id, id],
    );
    const keys: string[] = [];
    for (const ageS of agesS) {
      const key = await frames.put('frame', randomBytes(BYTES));
      keys.push(key);
      const then = Date.now() / 1000 - ageS;
      utimesSync(path.join(below, key), then, then);
      await db.query(`insert into kept_frame values ($1, 'main', now() - make_interval(secs => $2), $3, 640, 480)`, [
        id,
        ageS,
        key,
      ]);
    }
    await db.query(
      `insert into camera_health (camera_id, frame_key, captured_at) values ($1, $2, now() - make_interval(secs => $3))`,
      [id, keys.at(-1), agesS.at(-1)],
    );
    return keys;
  }

  async function withStore(budgetBytes: number, work: (frames: DirectoryStore, below: string) => Promise<void>) {
    const below = mkdtempSync(path.join(tmpdir(), 'sightline-forget-'));
    const frames = await DirectoryStore.open({ directory: below, budgetBytes });
    try {
      await work(frames, below);
    } finally {
      await frames.close();
      rmSync(below, { recursive: true, force: true });
    }
  }
  const there = async (frames: DirectoryStore, keys: readonly string[]): Promise<boolean[]> =>
    Promise.all(keys.map(async (key) => (await frames.get(key)) !== null));

  test('PRIV-3: rows and bytes of what is past its time go, the latest too', async () => {
    await withStore(1e9, async (frames, below) => {
      const keys = await cameraWith(frames, below, [4_000, 3_700, 1_000, 10]);
      const gone = await cameraWith(frames, below, [4_000]);
      // Twice: as history, and as the latest.
      expect(await forgetPictures(database.db, frames)).toEqual({ due: 4, forRoom: 0 });
      expect(await there(frames, [...keys, ...gone])).toEqual([false, false, true, true, false]);
      expect(await forgetPictures(database.db, frames)).toEqual({ due: 0, forRoom: 0 });
    });
  });

  test('REL-10: a store that history has nearly filled has room for new pictures again', async () => {
    await withStore(20 * BYTES, async (frames, below) => {
      const ages = Array.from({ length: 9 }, (_, i) => 1_000 - i * 10);
      const keys = [...(await cameraWith(frames, below, ages)), ...(await cameraWith(frames, below, ages))];
      expect(frames.fullness).toBeCloseTo(0.9, 6);
      const { due, forRoom } = await forgetPictures(database.db, frames);
      expect([due, forRoom > 0, frames.fullness < 0.85]).toEqual([0, true, true]);
      // The latest of each is never history that goes.
      expect(await there(frames, [keys[8] ?? '', keys[17] ?? ''])).toEqual([true, true]);
      await frames.put('frame', randomBytes(2 * BYTES));
    });
  });
});
