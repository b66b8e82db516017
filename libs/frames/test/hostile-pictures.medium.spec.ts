import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { type ChildProcess, fork, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Overloaded } from '#catalog';
import { PictureError, Pictures } from '#frames';
import { frameOf } from './frame-of.js';
import { draw, jpegOf, open, scene } from './made-pictures.js';

const WORKER = fileURLToPath(new URL('../src/picture-worker.mjs', import.meta.url));
const drawing = scene(320, 180);
const SVG = Buffer.from(
  '<svg xmlns="http://www.w3.org/2000/svg" width="64" height="64"><rect width="64" height="64"/></svg>',
);

const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    // A process that nobody has buried yet is dead too.
    return !existsSync(`/proc/${pid}/stat`) || !/\) Z/.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return false;
  }
};
const gone = async (pid: number): Promise<boolean> => {
  for (let round = 0; round < 100 && isAlive(pid); round += 1) await pause(50);
  return !isAlive(pid);
};

/** A small JPEG whose frame header states another size. */
async function stating(widthPx: number, heightPx: number): Promise<Buffer> {
  const jpeg = Buffer.from(await jpegOf(drawing));
  const at = frameOf(jpeg).segments.find(({ marker }) => marker === 0xc0)!.start;
  jpeg.writeUInt16BE(heightPx, at + 5);
  jpeg.writeUInt16BE(widthPx, at + 7);
  return jpeg;
}

describe('bytes that are no picture of a camera (IMG-1)', () => {
  let pictures: Pictures;
  beforeAll(async () => {
    pictures = await Pictures.start({ workers: 1 });
  });
  afterAll(() => pictures.close());

  test.each<[string, () => Promise<Buffer>]>([
    ['zero bytes', () => Promise.resolve(Buffer.alloc(0))],
    ['SVG', () => Promise.resolve(SVG)],
    ['PNG', () => open(drawing).png().toBuffer()],
    ['WebP', () => open(drawing).webp().toBuffer()],
    ['TIFF', () => open(drawing).tiff().toBuffer()],
    ['SVG behind a JPEG start', () => Promise.resolve(Buffer.concat([Buffer.from([0xff, 0xd8, 0xff]), SVG]))],
    ['SVG before a JPEG', async () => Buffer.concat([SVG, await jpegOf(drawing)])],
    [
      'a JPEG header, then a PNG',
      async () => Buffer.concat([(await jpegOf(drawing)).subarray(0, 20), await open(drawing).png().toBuffer()]),
    ],
    ['a JPEG cut in its tables', async () => (await jpegOf(drawing)).subarray(0, 150)],
  ])('%s: undecodable', async (_, make) => {
    const jpeg = await make();
    await expect(pictures.thumbnail(jpeg, { widthPx: 160 })).rejects.toMatchObject({ fault: 'undecodable' });
    await expect(
      pictures.masked(jpeg, [
        {
          points: [
            [0, 0],
            [1, 0],
            [1, 1],
          ],
        },
      ]),
    ).rejects.toBeInstanceOf(PictureError);
  });

  test('16,000 x 16,000 pixels in a few bytes are refused before any decoder sees them', async () => {
    const jpeg = await stating(16_000, 16_000);
    await expect(pictures.thumbnail(jpeg, { widthPx: 160 })).rejects.toMatchObject({ fault: 'too_large' });
    expect(await pictures.inspect(frameOf(jpeg))).toEqual({
      damage: expect.stringContaining('too many'),
      signals: null,
    });
  });

  test('a scan without tables is damage, not an error', async () => {
    const jpeg = await jpegOf(drawing);
    const frame = frameOf(jpeg);
    const segments = frame.segments.filter(({ marker }) => marker !== 0xdb);
    expect(await pictures.inspect({ ...frame, segments })).toEqual({
      damage: expect.stringMatching(/^[^\n]{5,200}$/),
      signals: null,
    });
  });

  test('1,000 mutants: an answer each, and the same process at the end', async () => {
    const jpeg = await jpegOf(draw(64, 48, (x, y) => [x * 4, y * 5, (x * y) % 256]));
    const { segments } = frameOf(jpeg);
    let state = 42;
    const next = (below: number): number => (state = (state * 48_271) % 2_147_483_647) % below;
    const [pid] = pictures.pids;
    for (let round = 0; round < 250; round += 1) {
      const answers = Array.from({ length: 4 }, () => {
        const bytes = Buffer.from(jpeg);
        for (let count = 1 + next(8); count > 0; count -= 1) bytes[2 + next(bytes.length - 2)] = next(256);
        const isWhole = segments.every(({ marker, start }) => bytes[start] === 0xff && bytes[start + 1] === marker);
        return isWhole
          ? pictures.inspect({ ...frameOf(jpeg), bytes }).then(({ damage, signals }) => damage ?? signals)
          : pictures.thumbnail(bytes, { widthPx: 160 }).catch((error: unknown) => error);
      });
      for (const answer of await Promise.all(answers)) {
        if (answer instanceof Error) expect(answer).toBeInstanceOf(PictureError);
      }
    }
    expect(pictures.pids).toEqual([pid]);
    expect(pictures.restarts).toBe(0);
  });
});

describe('the worker process, asked past all that guards it (IMG-1, SSRF-2)', () => {
  let worker: ChildProcess;
  beforeAll(async () => {
    worker = fork(WORKER, [], { serialization: 'advanced', execArgv: [] });
    expect(await once(worker, 'message')).toMatchObject([{ ready: true }]);
  });
  afterAll(() => {
    worker.kill('SIGKILL');
  });

  const ask = async (jpeg: Buffer): Promise<unknown> => {
    worker.send({ task: 'grey', jpeg, source: { widthPx: 320, heightPx: 180 }, size: { widthPx: 160, heightPx: 90 } });
    return ((await once(worker, 'message')) as unknown[])[0];
  };

  test('opens JPEG and nothing else', async () => {
    for (const bytes of [
      SVG,
      await open(drawing).png().toBuffer(),
      await open(drawing).webp().toBuffer(),
      await open(drawing).tiff().toBuffer(),
      await open(drawing).gif().toBuffer(),
      Buffer.from('%PDF-1.4\n1 0 obj<<>>endobj'),
      Buffer.from('P5 2 2 255\n\0\0\0\0', 'latin1'),
    ]) {
      expect(await ask(bytes)).toMatchObject({
        fault: 'undecodable',
        message: expect.stringContaining('unsupported image format'),
      });
    }
    expect(await ask(await jpegOf(drawing))).toMatchObject({ made: { pixels: { length: 14_400 } } });
  });

  test('decodes at most 50 megapixels', async () => {
    expect(await ask(await stating(16_000, 16_000))).toMatchObject({ fault: 'too_large' });
  });

  test('dies with its parent', async () => {
    const script = `import { fork } from 'node:child_process';
      const worker = fork(${JSON.stringify(WORKER)}, [], { serialization: 'advanced', execArgv: [] });
      worker.on('message', () => console.log(worker.pid));`;
    const parent = spawn(process.execPath, ['--input-type=module', '-e', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const pid = Number(String(((await once(parent.stdout, 'data')) as unknown[])[0]));
    expect(isAlive(pid)).toBe(true);
    parent.kill('SIGKILL');
    expect(await gone(pid)).toBe(true);
  });
});

describe('workers that die or hang (IMG-1)', () => {
  let pictures: Pictures;
  let said: string[] = [];
  const start = async (options: { workers?: number; jobLimitMs?: number } = {}): Promise<Pictures> => {
    said = [];
    pictures = await Pictures.start({ workers: 1, ...options, log: (message) => said.push(message) });
    return pictures;
  };
  afterEach(() => pictures.close());

  test('SIGKILL in mid-job fails that job, the next ones go to a new process', async () => {
    await start();
    const frame = frameOf(await jpegOf(drawing));
    const [pid] = pictures.pids as [number];
    process.kill(pid, 'SIGSTOP');
    const lost = pictures.inspect(frame);
    const later = pictures.inspect(frame);
    process.kill(pid, 'SIGKILL');
    await expect(lost).rejects.toMatchObject({
      name: 'PictureError',
      fault: 'decoder_died',
      message: expect.stringContaining('SIGKILL'),
    });
    expect((await later).damage).toBeNull();
    expect(pictures.restarts).toBe(1);
    expect(pictures.pids).not.toContain(pid);
    expect(said).toEqual(['a picture worker died: SIGKILL']);
  });

  test('what one was sent besides goes to another', async () => {
    await start({ workers: 2 });
    const frame = frameOf(await jpegOf(drawing));
    const [pid, other] = pictures.pids as [number, number];
    for (const each of [pid, other]) process.kill(each, 'SIGSTOP');
    const answers = Promise.allSettled(Array.from({ length: 12 }, () => pictures.inspect(frame)));
    process.kill(pid, 'SIGKILL');
    process.kill(other, 'SIGCONT');
    const lost = (await answers).filter(({ status }) => status === 'rejected');
    expect(lost).toMatchObject([{ reason: { fault: 'decoder_died' } }]);
    expect(pictures.pids).toContain(other);
  });

  test('one goes on while this process is busy with other things', async () => {
    await start();
    const jpeg = await jpegOf(drawing);
    const [pid] = pictures.pids as [number];
    const asked = Array.from({ length: 5 }, () => pictures.thumbnail(jpeg, { widthPx: 160 }));
    await new Promise(setImmediate);
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1_500);
    process.kill(pid, 'SIGSTOP');
    // All is done, and lies in the channel.
    expect(await Promise.all(asked)).toHaveLength(5);
    process.kill(pid, 'SIGCONT');
  });

  test('each answer belongs to its question, also where one takes longer or fails', async () => {
    await start();
    const wholes = await Promise.all(
      [0, 60, 120, 180, 240].map((grey) => jpegOf(draw(640, 360, () => [grey, grey, grey]))),
    );
    const cut = (await jpegOf(drawing)).subarray(0, -2_000);
    const answers = await Promise.all(
      Array.from({ length: 40 }, async (_, i) => {
        const kind = i % 7;
        if (kind === 5)
          return pictures.thumbnail(Buffer.concat([cut.subarray(0, 30), SVG]), { widthPx: 64 }).catch(String);
        const { signals, warning } = await pictures.inspect(frameOf(kind === 6 ? cut : (wholes[kind] as Buffer)));
        return kind === 6 ? warning : Math.round((signals?.mean ?? -1) / 60) * 60;
      }),
    );
    for (const [i, answer] of answers.entries()) {
      const kind = i % 7;
      if (kind < 5) expect(answer).toBe(kind * 60);
      else expect(answer).toMatch(kind === 5 ? /PictureError/ : /premature|corrupt|end of/i);
    }
  });

  test('an idle one that dies costs nothing', async () => {
    await start({ workers: 2 });
    const [pid] = pictures.pids as [number, number];
    process.kill(pid, 'SIGKILL');
    const frame = frameOf(await jpegOf(drawing));
    for (let round = 0; round < 200 && pictures.pids.includes(pid); round += 1) await pause(10);
    for (const { damage } of await Promise.all(Array.from({ length: 20 }, () => pictures.inspect(frame))))
      expect(damage).toBeNull();
  });

  test('a hung one is killed after its time; the picture counts as damaged', async () => {
    await start({ jobLimitMs: 1_000 });
    const jpeg = await jpegOf(drawing);
    for (const round of [1, 2]) {
      const [pid] = pictures.pids as [number];
      process.kill(pid, 'SIGSTOP');
      const slow =
        round === 1
          ? pictures.inspect(frameOf(jpeg))
          : pictures.thumbnail(jpeg, { widthPx: 160 }).catch((error: unknown) => error);
      const later = pictures.thumbnail(jpeg, { widthPx: 160 });
      expect(await slow).toMatchObject(
        round === 1 ? { damage: 'the picture was not decoded in time', signals: null } : { fault: 'too_slow' },
      );
      expect((await later).length).toBeGreaterThan(500);
      expect(await gone(pid)).toBe(true);
    }
    expect(pictures.restarts).toBe(2);
  });

  test('the queue is bounded; what fits in is still answered', async () => {
    await start();
    const jpeg = await jpegOf(draw(16, 16, (x, y) => [x, y, 0]));
    const [pid] = pictures.pids as [number];
    process.kill(pid, 'SIGSTOP');
    const asked = Array.from({ length: 600 }, () => pictures.thumbnail(jpeg, { widthPx: 160 }));
    const settled = Promise.allSettled(asked);
    process.kill(pid, 'SIGCONT');
    const refused = (await settled).filter((answer) => answer.status === 'rejected');
    // One runs and 512 wait.
    expect(refused).toHaveLength(87);
    for (const { reason } of refused) expect(reason).toBeInstanceOf(Overloaded);
  });

  test('closing lets what runs end, refuses the rest, and leaves no process', async () => {
    await start();
    const jpeg = await jpegOf(scene(1_920, 1_080));
    const [runs, waits] = [pictures.thumbnail(jpeg, { widthPx: 640 }), pictures.thumbnail(jpeg, { widthPx: 640 })];
    const waiting = expect(waits).rejects.toMatchObject({ fault: 'closed' });
    const [pid] = pictures.pids as [number];
    await Promise.all([pictures.close(), pictures.close()]);
    await waiting;
    expect((await runs).length).toBeGreaterThan(1_000);
    expect(await gone(pid)).toBe(true);
    expect(pictures.pids).toEqual([]);
    await expect(pictures.thumbnail(jpeg, { widthPx: 640 })).rejects.toMatchObject({ fault: 'closed' });
  });

  (existsSync('/proc/self/environ') ? test : test.skip)(
    'no setting or secret of ours is within their reach',
    async () => {
      process.env['SIGHTLINE_TEST_SECRET'] = 'open sesame';
      await start();
      delete process.env['SIGHTLINE_TEST_SECRET'];
      const environment = readFileSync(`/proc/${pictures.pids[0]}/environ`, 'utf8');
      expect(environment).toContain('VIPS_BLOCK_UNTRUSTED');
      expect(environment).not.toMatch(/SECRET|PATH=|HOME=/);
    },
  );

  test('closing refuses what lay with one that was killed for its slowness', async () => {
    await start({ jobLimitMs: 300 });
    const jpeg = await jpegOf(drawing);
    process.kill(pictures.pids[0]!, 'SIGSTOP');
    const waits = pictures.thumbnail(jpeg, { widthPx: 160 }).catch(() => pictures.close());
    const lies = pictures.thumbnail(jpeg, { widthPx: 160 });
    await expect(lies).rejects.toMatchObject({ fault: 'closed' });
    await waits;
  });

  test('a signal to the whole group does not end them before their parent does', async () => {
    await start();
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.kill(pictures.pids[0]!, signal);
    await pause(100);
    expect((await pictures.inspect(frameOf(await jpegOf(drawing)))).damage).toBeNull();
    expect(pictures.restarts).toBe(0);
  });
});
