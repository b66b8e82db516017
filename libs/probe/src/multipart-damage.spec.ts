import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from '@jest/globals';
import type { Frame } from '#catalog';
import { SHARED } from '#testing';
import { jpegOf, scanData, segment } from '../test/jpegs.js';
import { bodyOf, chunksOf, framesOf, splitterFor } from '../test/split.js';

/** TEST_FUZZ=all tries all that probing.md asks for, which takes some minutes; else a part of it, the same each time. */
const MUTATIONS = process.env.TEST_FUZZ === 'all' ? 100_000 : 8_000;
const FIXTURES = path.join(SHARED, 'vectors', 'mjpeg');
const MULTIPART = 'multipart/x-mixed-replace; boundary=frame';
/** Small, so that mutations run into it. */
const MAX_FRAME_BYTES = 64 * 1024;

/** Numbers from 0 to below `limit`, the same for the same seed. */
function numbers(seed: number): (limit: number) => number {
  let state = (seed * 2_654_435_761) % 2_147_483_647 || 1;
  return (limit) => (state = (state * 48_271) % 2_147_483_647) % limit;
}

const PICTURES = Array.from({ length: 8 }, (_, index) =>
  jpegOf(index + 20, {
    scan: scanData(index + 20, 250),
    front: index % 3 === 0 ? [segment(0xe1, Buffer.concat([Buffer.from('Exif\0\0'), jpegOf(9)]))] : [],
  }),
);
const PARTS = PICTURES.map((jpeg, index) => {
  const length = index % 2 === 0 ? `Content-Length: ${jpeg.length}\r\n` : '';
  return Buffer.concat([
    Buffer.from(`--frame\r\nContent-Type: image/jpeg\r\n${length}\r\n`),
    jpeg,
    Buffer.from('\r\n'),
  ]);
});
const STARTS = PARTS.map((_, index) => PARTS.slice(0, index).reduce((sum, { length }) => sum + length, 0));
const STREAM = Buffer.concat([...PARTS, Buffer.from('--frame--\r\n')]);

/** One damage: bytes are changed, lost, put in, or come twice. */
function damage(bytes: Buffer, at: number, next: (limit: number) => number): { body: Buffer; touchedTo: number } {
  const size = 1 + next(12);
  const noise = Buffer.from(Array.from({ length: size }, () => next(256)));
  const [before, touchedTo] = [bytes.subarray(0, at), at + size];
  switch (next(4)) {
    case 0:
      return { body: Buffer.concat([before, noise, bytes.subarray(touchedTo)]), touchedTo };
    case 1:
      return { body: Buffer.concat([before, bytes.subarray(touchedTo)]), touchedTo };
    case 2:
      return { body: Buffer.concat([before, noise, bytes.subarray(at)]), touchedTo: at };
    default:
      return { body: Buffer.concat([bytes.subarray(0, touchedTo), bytes.subarray(at)]), touchedTo };
  }
}

/** What is wrong with a frame whatever was sent; '' where nothing is. */
function wrongWith({ bytes, noEoi, segments, widthPx, heightPx }: Frame): string {
  const last = segments.at(-1);
  if (bytes.readUIntBE(0, 3) !== 0xffd8ff) return 'no picture start';
  if (bytes.length > MAX_FRAME_BYTES) return 'larger than the cap';
  if (widthPx === 0 || heightPx === 0) return 'no size';
  if (last === undefined || last.end > bytes.length) return 'segments beyond the frame';
  if (noEoi) return last.marker === 0xda ? '' : 'unfinished, and not in its scan';
  return bytes.readUInt16BE(last.end - 2) === 0xffd9 ? '' : 'unfinished';
}

interface Run {
  readonly frames: readonly Frame[];
  readonly wrong: readonly string[];
}

/** Splits a body in chunks of random sizes; what must hold of any body is judged here. */
function split(body: Buffer, type: string, declaredBytes: number | null, next: (limit: number) => number): Run {
  const splitter = splitterFor(type, { maxFrameBytes: MAX_FRAME_BYTES, declaredBytes });
  const frames = framesOf(splitter, chunksOf(body, { size: 1 + next(900) }));
  const wrong = frames.map(wrongWith).filter((one) => one !== '');
  if (splitter.capacityBytes > MAX_FRAME_BYTES + 65_536) wrong.push('more memory than the cap and a piece');
  return { frames, wrong };
}

describe(`MP-1: damage (${MUTATIONS} mutations; TEST_FUZZ=all: 100,000)`, () => {
  test('one a stream: whole frames again two parts later, none unfinished, bounded memory, no exception', () => {
    for (let seed = 1; seed <= MUTATIONS / 2; seed += 1) {
      const next = numbers(seed);
      const at = next(STARTS[4] ?? 0);
      const { body, touchedTo } = damage(STREAM, at, next);
      const { frames, wrong } = split(body, MULTIPART, null, next);
      const damaged = STARTS.findLastIndex((start) => start <= touchedTo);
      const missing = PICTURES.slice(damaged + 2).filter((one) => !frames.some(({ bytes }) => bytes.equals(one)));
      if (wrong.length + missing.length > 0) {
        expect({ seed, wrong, missing: missing.map((one) => PICTURES.indexOf(one)) }).toEqual({
          seed,
          wrong: [],
          missing: [],
        });
      }
    }
  });

  const names = existsSync(FIXTURES) ? readdirSync(FIXTURES).filter((name) => name.endsWith('.http')) : [];
  (names.length > 0 ? test : test.skip)(
    'up to five in each fixture of shared/vectors/mjpeg: no unfinished frame, bounded memory (skipped where absent)',
    () => {
      const fixtures = names.map((name) => bodyOf(readFileSync(path.join(FIXTURES, name))));
      for (let seed = 1; seed <= MUTATIONS / 2; seed += 1) {
        const next = numbers(seed + 1_000_000);
        const { contentType, body, length } = fixtures[seed % fixtures.length] as (typeof fixtures)[number];
        let bytes = body;
        for (let count = 1 + next(5); count > 0; count -= 1) bytes = damage(bytes, next(bytes.length), next).body;
        const declaredBytes = contentType.startsWith('image/') ? length : null;
        const { wrong } = split(bytes, contentType, declaredBytes, next);
        if (wrong.length > 0) expect({ seed, wrong }).toEqual({ seed, wrong: [] });
      }
    },
  );
});

describe('MP-1: a stream that is cut', () => {
  test.each(['closed', 'held', 'open'] as const)('anywhere, then %s: whole frames alone', (end) => {
    const ends = STARTS.map((start, index) => start + PARTS[index]!.length - 2);
    for (let at = 0; at <= STREAM.length; at += 1) {
      const frames = framesOf(splitterFor(MULTIPART), [STREAM.subarray(0, at)], end);
      const whole = PICTURES.filter((_, index) => (ends[index] ?? 0) <= at);
      expect(frames.length).toBe(whole.length);
      expect(frames.every(({ bytes }, index) => whole[index]?.equals(bytes))).toBe(true);
    }
  });
});
