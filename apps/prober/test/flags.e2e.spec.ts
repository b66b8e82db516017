import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import sharp from 'sharp';
import type { Flag } from '#catalog';
import { DirectoryStore, Pictures } from '#frames';
import type { HeldPicture } from '#storage';
import type { Look } from '../../simulator/src/look.js';
import { Picture } from '../../simulator/src/picture.js';
import { makeTables } from '../../simulator/src/scene.js';
import { STREET } from '../../simulator/src/street.js';
import { buildWorld } from '../../simulator/src/world.js';
import { WatchedCamera, type Workshop } from './watched-camera.js';

/** Noon of a day in November, above Tainan. */
const NOON = Date.UTC(2026, 10, 27, 4);
const MINUTE = 60_000;

type Answer = (request: IncomingMessage, response: ServerResponse) => void | Promise<void>;
let answer: Answer;
let server: Server;
let url: string;
let workshop: Workshop;
let directory: string;
let pictures: Pictures;
let held: HeldPicture[];

beforeAll(async () => {
  pictures = await Pictures.start({ workers: 1 });
  directory = mkdtempSync(path.join(tmpdir(), 'sightline-flags-'));
  held = [];
  workshop = {
    pictures,
    store: await DirectoryStore.open({ directory, budgetBytes: 1e9 }),
    // The statements have a spec of their own, in storage.
    held: {
      add: (rows) => Promise.resolve(void held.push(...rows)),
      services: (hashes) =>
        Promise.resolve(
          new Map(
            hashes.map((hash) => [
              hash,
              new Set(held.filter(({ scanHash }) => scanHash === hash).map(({ serviceHash }) => serviceHash)).size,
            ]),
          ),
        ),
    },
  };
  server = createServer((request, response) => {
    // Its clock is the test's, or it has none.
    response.sendDate = false;
    void Promise.resolve(answer(request, response)).catch((error: unknown) => response.destroy(error as Error));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  await workshop.store.close();
  await pictures.close();
  rmSync(directory, { recursive: true, force: true });
});

const jpeg =
  (bytes: () => Buffer | Promise<Buffer>, headers: Record<string, string> = {}): Answer =>
  async (_request, response) =>
    void response.writeHead(200, { 'content-type': 'image/jpeg', ...headers }).end(await bytes());

const snapshot = (name: string): { readonly kind: 'snapshot'; readonly url: string } => ({
  kind: 'snapshot',
  url: `${url}/${name}.jpg`,
});

/** A picture of a few blocks of houses with the noise of a sensor, each another one. */
function noisy(): Promise<Buffer> {
  const noise = randomBytes(320 * 180);
  const pixels = noise.map((value, at) => {
    const [x, y] = [at % 320, Math.floor(at / 320)];
    const house = (Math.imul(Math.floor(x / 23) + 7 * Math.floor(y / 19) + 1, 0x9e3779b1) >>> 24) * 0.7;
    return 30 + house + value / 9;
  });
  return sharp(pixels, { raw: { width: 320, height: 180, channels: 1 } })
    .jpeg({ quality: 80 })
    .toBuffer();
}

describe('the simulated street', () => {
  const world = buildWorld(
    STREET.map(({ pose }) => pose.position),
    1,
  );
  const tables = makeTables(1);

  /** A camera of the street whose device lives by the test's clock. */
  function onStreet(id: string, intervalS = 60) {
    const found = STREET.find(({ document }) => document.localId === id);
    if (found === undefined) throw new Error(`no ${id} on the street`);
    const { pose, isRising } = found;
    const picture = new Picture({ name: 'Canal Bridge', label: `demo/${id}`, pose, isRising }, world, tables);
    const camera = new WatchedCamera(workshop, { services: [snapshot(id)], position: pose.position, intervalS });
    return async (atMs: number, kind: Look, sinceMs: number): Promise<Flag[]> => {
      answer = async (_request, response) => {
        const { bytes, takenAtMs } = await picture.frame({ widthPx: 640, heightPx: 360, compression: 30 }, atMs, -1, {
          kind,
          sinceMs,
        });
        const headers = kind === 'stale' ? { 'last-modified': new Date(takenAtMs).toUTCString() } : {};
        response.writeHead(200, { 'content-type': 'image/jpeg', ...headers }).end(bytes);
      };
      return camera.probe(atMs);
    };
  }

  // What is smeared is no picture: its outcome is `bad_picture`.
  const EXPECTED: Readonly<
    Record<
      Exclude<Look, 'live' | 'smeared'>,
      { readonly flag: Flag | null; readonly minutes: number; readonly every?: number }
    >
  > = {
    frozen: { flag: 'frozen', minutes: 4 },
    frozen_clock: { flag: 'frozen', minutes: 4 },
    card: { flag: 'placeholder', minutes: 3 },
    card_clock: { flag: 'placeholder', minutes: 3 },
    stale: { flag: 'stale', minutes: 4 },
    black: { flag: 'black', minutes: 6 },
    flat: { flag: 'flat', minutes: 6 },
    covered: { flag: 'covered', minutes: 6 },
    overexposed: { flag: 'overexposed', minutes: 6 },
    dark: { flag: 'dark', minutes: 12 },
    blurred: { flag: 'blurred', minutes: 370, every: 10 },
    fog: { flag: null, minutes: 12 },
    moved: { flag: 'moved', minutes: 6 },
    nudged: { flag: null, minutes: 6 },
  };

  test.each(Object.entries(EXPECTED))(
    '%s',
    async (look, { flag, minutes, every = 1 }) => {
      for (const id of ['A', '1639']) {
        // At nine in the morning there are seven hours of the same light left.
        const begun = NOON - 180 * MINUTE;
        const probe = onStreet(id);
        expect(await probe(begun, 'live', 0)).toEqual([]);
        expect(await probe(begun + MINUTE, 'live', 0)).toEqual([]);
        const since = begun + 2 * MINUTE;
        const seen = new Set<Flag>();
        let after: Flag[] = [];
        for (let minute = 0; minute <= minutes; minute += every) {
          after = await probe(since + minute * MINUTE, look as Look, since);
          for (const found of after) seen.add(found);
        }
        expect([id, after, [...seen]]).toEqual([id, flag === null ? [] : [flag], flag === null ? [] : [flag]]);
        const end = since + (minutes + 1) * MINUTE;
        // Once its source no longer says when pictures are taken, a picture is not stale.
        expect(await probe(end, 'live', 0)).toEqual(look === 'stale' ? [] : after);
        expect(await probe(end + MINUTE, 'live', 0)).toEqual([]);
      }
    },
    120_000,
  );

  test('a living street has no flag, from one noon to the next', async () => {
    for (const id of ['497', 'C']) {
      const probe = onStreet(id);
      for (let minute = 0; minute < 24 * 60; minute += 12) {
        expect([id, minute, await probe(NOON + minute * MINUTE, 'live', 0)]).toEqual([id, minute, []]);
      }
    }
  }, 120_000);
});

describe('files on a web server', () => {
  /** A file with its validators, as nginx serves it. */
  const file =
    (bytes: Buffer, writtenAt: number, now: () => number): Answer =>
    (request, response) => {
      const headers = {
        etag: '"1"',
        'last-modified': new Date(writtenAt).toUTCString(),
        date: new Date(now()).toUTCString(),
      };
      if (request.headers['if-none-match'] === '"1"') response.writeHead(304, headers).end();
      else response.writeHead(200, { 'content-type': 'image/jpeg', ...headers }).end(bytes);
    };

  test.each<[string, number, Flag]>([
    ['hours-old', 180, 'stale'],
    ['fresh-at-first', 0, 'stale'],
  ])('%s, and confirmed by 304', async (name, minutesAgo, flag) => {
    const camera = new WatchedCamera(workshop, { services: [snapshot(name)] });
    const bytes = await noisy();
    let at = NOON;
    answer = file(bytes, NOON - minutesAgo * MINUTE, () => at);
    for (let minute = 0; minute <= 6; minute += 1) await camera.probe((at = NOON + minute * MINUTE));
    expect(camera.faults).toEqual([flag]);
    expect(camera.record?.status).toBe('degraded');
    expect(camera.record?.shown.reason).toMatch(/^the picture was taken .* ago, as its source says itself$/);
  });

  test('without a time of its own it is frozen', async () => {
    const camera = new WatchedCamera(workshop, { services: [snapshot('no-time')] });
    const bytes = await noisy();
    answer = jpeg(() => bytes);
    for (let minute = 0; minute <= 3; minute += 1) await camera.probe(NOON + minute * MINUTE);
    expect(camera.faults).toEqual(['frozen']);
    expect(camera.record?.shown.reason).toBe('the picture has not changed for 3 minutes');
  });

  test('a clock that is ten minutes off informs', async () => {
    const camera = new WatchedCamera(workshop, { services: [snapshot('clock')] });
    for (let minute = 0; minute <= 3; minute += 1) {
      const at = NOON + minute * MINUTE;
      answer = jpeg(noisy, { date: new Date(at - 10 * MINUTE).toUTCString() });
      await camera.probe(at);
    }
    expect(camera.faults).toEqual(['clock_skew']);
    expect(camera.flag('clock_skew').evidence).toMatchObject({ measured: { offS: -600 }, threshold: { offS: 60 } });
    expect(camera.record?.status).toBe('online');
  });
});

describe('cards', () => {
  const hold = async (cameras: readonly WatchedCamera[], bytes: Buffer, minutes: number): Promise<Flag[][]> => {
    answer = jpeg(() => bytes);
    for (let minute = 0; minute <= minutes; minute += 1) {
      for (const camera of cameras) await camera.probe(NOON + minute * MINUTE);
    }
    return cameras.map(({ faults }) => faults);
  };
  // A photograph, which no share of plain cells tells from a view.
  const watched = (...names: readonly string[]) =>
    // Each looks at once again: half a minute of memory is of the test's clock too.
    names.map((name) => {
      let ticks = 0;
      return new WatchedCamera(workshop, { services: [snapshot(name)] }, () => (ticks += 40_000));
    });

  test('the same picture at three services is one; at two, or at one that is registered thrice, it is frozen', async () => {
    expect(await hold(watched('a', 'b', 'c'), await noisy(), 7)).toEqual([
      ['placeholder'],
      ['placeholder'],
      ['placeholder'],
    ]);
    expect(await hold(watched('a', 'b'), await noisy(), 7)).toEqual([['frozen'], ['frozen']]);
    expect(await hold(watched('a', 'a', 'a'), await noisy(), 7)).toEqual([['frozen'], ['frozen'], ['frozen']]);
  });

  test('once known it is found in the third sample at any other camera', async () => {
    const card = await noisy();
    await hold(watched('d', 'e', 'f'), card, 7);
    const [camera] = watched('g');
    answer = jpeg(noisy);
    await camera!.probe(NOON - MINUTE);
    expect(await hold([camera!], card, 2)).toEqual([['placeholder']]);
    expect(camera!.flag('placeholder').evidence.says).toMatch('3 cameras show the very same picture');
  });

  test('ustreamer says that its camera is gone', async () => {
    const camera = new WatchedCamera(workshop, { services: [snapshot('ustreamer')] });
    answer = jpeg(noisy, { 'x-ustreamer-online': 'false' });
    for (let minute = 0; minute <= 2; minute += 1) await camera.probe(NOON + minute * MINUTE);
    expect(camera.faults).toEqual(['placeholder']);
  });
});

test('what a mask covers changes no flag, and leaves nothing behind', async () => {
  const corners = [
    [0, 0],
    [0.5, 0],
    [0.5, 1],
    [0, 1],
  ] as [number, number][];
  const camera = new WatchedCamera(workshop, { services: [snapshot('masked')], masks: [{ points: corners }] });
  const right = await sharp(await noisy())
    .extract({ left: 160, top: 0, width: 160, height: 180 })
    .png()
    .toBuffer();
  // To the left, under the mask, something moves; to the right nothing does.
  answer = jpeg(async () =>
    sharp(randomBytes(320 * 180 * 3), { raw: { width: 320, height: 180, channels: 3 } })
      .composite([{ input: right, left: 160, top: 0 }])
      .jpeg({ quality: 90 })
      .toBuffer(),
  );
  for (let minute = 0; minute <= 4; minute += 1) await camera.probe(NOON + minute * MINUTE);
  expect(camera.faults).toEqual(['frozen']);
  const outlines = Buffer.from(camera.reference?.views.day?.outlines ?? '', 'base64');
  expect(outlines.filter((byte) => byte === 0).length / outlines.length).toBeGreaterThan(0.4);
});

test('a stream is timed in one probe of ten, and in each while it is too slow', async () => {
  const camera = new WatchedCamera(workshop, { services: [{ kind: 'mjpeg', url: `${url}/slow`, vapix: { fps: 20 } }] });
  answer = async (_request, response) => {
    response.writeHead(200, { 'content-type': 'multipart/x-mixed-replace; boundary=b' });
    const send = async (): Promise<void> => {
      const bytes = await noisy();
      response.write(`--b\r\nContent-Type: image/jpeg\r\nContent-Length: ${bytes.length}\r\n\r\n`);
      response.write(bytes);
      response.write('\r\n');
    };
    await send();
    setTimeout(() => void send(), 400);
  };
  const states: string[] = [];
  for (let minute = 1; minute <= 12; minute += 1) {
    await camera.probe(NOON + minute * MINUTE);
    states.push(camera.flag('low_fps').state);
  }
  expect(states.slice(0, 9)).toEqual(Array.from({ length: 9 }, () => 'not_checkable'));
  expect(states.slice(9)).toEqual(['not_checkable', 'not_checkable', 'fault']);
  expect(camera.flag('low_fps').evidence.measured).toMatchObject({ declaredGapS: 0.05 });
  expect(camera.record?.status).toBe('online');
});
