import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from '@jest/globals';
import type { Frame } from '#catalog';
import { jpegOf, scanData, segment, START } from '../test/jpegs.js';
import { bodyOf, chunksOf, type Cut, framesOf, MAX_FRAME_BYTES, splitterFor } from '../test/split.js';
import { FrameBudget } from './byte-buffer.js';
import type { SplitterOptions } from './multipart.js';

const CHUNK_SIZES = [1, 2, 7, 64, 1_400, 65_536];
const FIXTURES = path.join(process.cwd(), '..', 'shared', 'vectors', 'mjpeg');

const sha1 = (bytes: Uint8Array): string => createHash('sha1').update(bytes).digest('hex');
const sameBytes = (frames: readonly Frame[], expected: readonly Buffer[]): boolean =>
  frames.length === expected.length && frames.every(({ bytes }, index) => expected[index]?.equals(bytes) === true);

const A = jpegOf(1, { scan: scanData(1, 120) });
const B = jpegOf(2, { scan: scanData(2, 180) });
const C = jpegOf(3, { scan: scanData(3, 90) });
const cut = (jpeg: Buffer): Buffer => jpeg.subarray(0, -2);
const join = (...parts: readonly (Buffer | string)[]): Buffer =>
  Buffer.concat(parts.map((part) => (typeof part === 'string' ? Buffer.from(part, 'latin1') : part)));
const part = (
  jpeg: Buffer,
  { delimiter = '--frame', length = jpeg.length }: { delimiter?: string; length?: number | null } = {},
): Buffer =>
  join(
    `${delimiter}\r\nContent-Type: image/jpeg\r\n`,
    length === null ? '' : `Content-Length: ${length}\r\n`,
    '\r\n',
    jpeg,
    '\r\n',
  );

const MULTIPART = 'multipart/x-mixed-replace; boundary=frame';

/**
 * Chunk sizes; every place as a border among many; and as the only border: every second place of a small body, of a large one those near
 * its ends and every 29th. TEST_FUZZ=all tries every single place, which takes some minutes.
 */
function cutsOf(body: Buffer): Cut[] {
  const places = Array.from(body, (_, at) => at);
  const isSmall = body.length < 3_000;
  const single = places.filter((at) => {
    if (process.env.TEST_FUZZ === 'all') return true;
    return isSmall ? at % 2 === 0 : at < 400 || at > body.length - 400 || at % 29 === 0;
  });
  const combs = Array.from({ length: 61 }, (_, first) => places.filter((at) => at % 61 === first));
  return [
    ...CHUNK_SIZES.map((size) => ({ size })),
    ...single.map((at) => ({ at: [at] })),
    ...combs.map((at) => ({ at })),
  ];
}

/** The body cut in every way that could matter yields the same frames. */
function expectFrames(
  body: Buffer,
  expected: readonly Buffer[],
  type = MULTIPART,
  options: Partial<SplitterOptions> = {},
): Frame[] {
  let frames: Frame[] = [];
  for (const one of cutsOf(body)) {
    frames = framesOf(splitterFor(type, options), chunksOf(body, one));
    if (!sameBytes(frames, expected)) {
      expect({ one, frames: frames.map(({ bytes }) => bytes.length) }).toEqual({
        one,
        frames: expected.map(({ length }) => length),
      });
      throw new Error(`same lengths, other bytes, cut ${JSON.stringify(one)}`);
    }
  }
  return frames;
}

(existsSync(FIXTURES) ? describe : describe.skip)(
  'MP-1: fixtures of shared/vectors/mjpeg (skipped where they are absent)',
  () => {
    const manifest = (
      existsSync(FIXTURES)
        ? JSON.parse(readFileSync(path.join(FIXTURES, 'manifest.json'), 'utf8'))
        : { none: { expected: [] } }
    ) as Record<string, { readonly expected: readonly string[] }>;

    test.each(Object.entries(manifest))('%s, for every chunking', (name, { expected }) => {
      const { contentType, body, length } = bodyOf(readFileSync(path.join(FIXTURES, `${name}.http`)));
      const declaredBytes = contentType.startsWith('image/') ? length : null;
      const whole = framesOf(splitterFor(contentType, { declaredBytes }), [body]);
      expect(whole.map(({ bytes }) => sha1(bytes))).toEqual(expected);
      expectFrames(
        body,
        whole.map(({ bytes }) => bytes),
        contentType,
        { declaredBytes },
      );
    });
  },
);

describe('delimiters', () => {
  const body = (delimiter: string): Buffer =>
    join(part(A, { delimiter, length: null }), part(B, { delimiter, length: null }), delimiter);

  test.each<[string, string, string]>([
    ['as declared', 'boundary=frame', '--frame'],
    ['declared with dashes (Panasonic HE40)', 'boundary=--frame', '--frame'],
    ['with dashes added to declared ones (RFC 2046)', 'boundary=--frame', '----frame'],
    ['without any dashes', 'boundary=frame', 'frame'],
    ['declared without, sent with four dashes', 'boundary=frame', '----frame'],
    ['quoted', 'boundary="frame"', '--frame'],
    ['in single quotes', "boundary='frame'", '--frame'],
    ['with blanks inside', 'boundary="my frame"', '--my frame'],
    ['with blanks around = (Motion#1187)', 'boundary = frame', '--frame'],
    ['with a blank behind it', 'boundary=frame', '--frame '],
    ['followed by another parameter', 'boundary=frame;charset=x', '--frame'],
    ['parameter in capitals', 'BOUNDARY=frame', '--frame'],
    ['in another case', 'boundary=Frame', '--FRAME'],
    ['not declared', '', '--frame'],
    ['not declared, many dashes', '', '------frame'],
    ['declared differently', 'boundary=other', '--frame'],
    ['declared too long to be believed', `boundary=${'x'.repeat(80)}`, '--frame'],
    ['short', 'boundary=b', '--b'],
  ])('%s', (_, parameter, delimiter) => {
    expectFrames(body(delimiter), [A, B], `multipart/x-mixed-replace;${parameter}`);
    // Pictures without end marker need the delimiter itself.
    const [a, b] = [cut(A), cut(B)];
    const frames = expectFrames(
      join(part(a, { delimiter, length: null }), part(b, { delimiter, length: null }), part(C, { delimiter })),
      delimiter === 'frame'
        ? [
            join(a, `\r\nframe\r\nContent-Type: image/jpeg\r\n`),
            join(b, `\r\nframe\r\nContent-Type: image/jpeg\r\nContent-Length: ${C.length}\r\n`),
            C,
          ]
        : [a, b, C],
      `multipart/x-mixed-replace;${parameter}`,
    );
    expect(frames.map(({ noEoi }) => noEoi)).toEqual([true, true, false]);
  });

  test.each<[string, Buffer]>([
    ['none before the first part (Tasmota#12376)', join(part(A).subarray('--frame\r\n'.length), part(B))],
    ['a doubled line (go2rtc#1258)', join('--frame\r\n', part(A), '--frame\r\n', part(B))],
    ['the closing one', join(part(A), part(B), '--frame--\r\n')],
    ['blank lines before the first (VLC)', join('\r\n\r\n', part(A), part(B))],
    ['junk before the first', join('junk\r\n\0\x01\xff\xd8junk\n', part(A), part(B))],
    ['the rest of a picture before the first', join(scanData(9, 4_000), '\xff\xd9\r\n', part(A), part(B))],
    ['a line without end before a bare picture', join('x'.repeat(9_000), A, '\r\n', part(B))],
    [
      "the next part's head early (ustreamer)",
      join(part(A), part(B), '--frame\r\nContent-Type: image/jpeg\r\nContent-Length: 99\r\n\r\n'),
    ],
    ['no line end before it', join(part(A).subarray(0, -2), part(B))],
  ])('%s', (_, body) => {
    expectFrames(body, [A, B]);
    expectFrames(body, [A, B], 'application/octet-stream');
  });
});

describe('part heads (MP-1)', () => {
  const heads = (...lines: readonly string[]): Buffer =>
    join(
      ...[A, B].flatMap((jpeg) => [
        lines
          .map((line) => `${line}\r\n`)
          .join('')
          .replaceAll('LENGTH', String(jpeg.length)),
        jpeg,
        '\r\n',
      ]),
    );

  test.each<[string, readonly string[]]>([
    ['none', ['--frame', '']],
    ['no blank line either', ['--frame']],
    ['image/jpg', ['--frame', 'Content-Type: image/jpg', 'Content-Length: LENGTH', '']],
    ['a size in the type', ['--frame', 'Content-Type: image/jpeg;size=LENGTH', '']],
    ['lower case without blank', ['--frame', 'content-type:image/jpeg', 'content-length:LENGTH', '']],
    ['a padded length', ['--frame', 'Content-Length:          LENGTH', '']],
    ['blank before the colon', ['--frame', 'Content-Length : LENGTH', '']],
    ['a line without colon', ['--frame', 'Thu Jan 01 1970', 'Content-Length: LENGTH', '']],
    ['a line that begins with a blank (CVE-2022-24434)', ['--frame', ' ', ' : ', ': ', 'Content-Length: LENGTH', '']],
    ['times and tags', ['--frame', 'X-Timestamp: 1700000000.123456', 'X-Tags:', `Date: ${'x'.repeat(60)}`, '']],
    ['an extra blank line', ['--frame', 'Content-Length: LENGTH', '', '']],
    ['two lengths, the last counts', ['--frame', 'Content-Length: 99999', 'Content-Length: LENGTH', '']],
    ['no number as length', ['--frame', 'Content-Length: many', '']],
    ['a negative length', ['--frame', 'Content-Length: -5', '']],
    ['a huge length', ['--frame', 'Content-Length: 99999999999999999999999', '']],
  ])('%s', (_, lines) => {
    expectFrames(heads(...lines), [A, B]);
  });

  test('CVE-2022-24434: a line that begins with a blank, wherever it stands, neither throws nor costs a picture', () => {
    const blanks = [' ', '\t', ' X: y', '\t: z', ' :'];
    for (const blank of blanks) {
      for (const lines of [
        ['--frame', blank, 'Content-Length: LENGTH', ''],
        ['--frame', 'Content-Length: LENGTH', blank, ''],
        ['--frame', blank, ''],
        ['--frame', blank, blank, blank, ''],
      ]) {
        expectFrames(heads(...lines), [A, B]);
      }
    }
  });

  test('ended by LF alone (wz_mini_hacks#538)', () => {
    const body = heads('--frame', 'Content-Type: image/jpeg', 'Content-Length: LENGTH', '')
      .toString('latin1')
      .replaceAll('\r\n', '\n');
    expectFrames(Buffer.from(body, 'latin1'), [A, B]);
  });

  test("a maker's header instead of a delimiter (webcamXP)", () => {
    const header = (jpeg: Buffer): string => `mjpeg 0000007${String(jpeg.length).padStart(5, '0')}`.padEnd(50, '\0');
    expectFrames(join(header(A), A, header(B), B, header(C), C), [A, B, C], 'application/octet-stream');
  });

  test('text, empty and XML parts between pictures yield nothing', () => {
    const text = '--frame\r\nContent-Type: text/plain\r\nContent-Length: 11\r\n\r\nprogress 1\n\r\n';
    const empty = '--frame\r\nContent-Type: image/jpeg\r\nContent-Length: 0\r\n\r\n\r\n';
    const xml = '--frame\r\nContent-Type: application/xml\r\n\r\n<Event id="1"/>\r\n';
    expectFrames(join(text, part(A), empty, text, part(B, { length: null }), xml, part(C)), [A, B, C]);
  });
});

describe('declared lengths', () => {
  const padded = join(A, Buffer.alloc(24));

  test.each<[string, number | null, Buffer]>([
    ['exact', A.length, A],
    ['absent', null, A],
    ['ten too short', A.length - 10, A],
    ['ten too long', A.length + 10, A],
    ['longer than the whole stream', 9_999_999, A],
    ['counts the line end in', A.length + 2, join(A, '\r\n')],
  ])('%s', (_, length, expected) => {
    expectFrames(join(part(A, { length }), part(B), part(C)), [expected, B, C]);
  });

  test('padding behind the end marker belongs to the picture where it is counted in', () => {
    const [first] = expectFrames(join(part(padded), part(B)), [padded, B]);
    expect(first?.segments.at(-1)).toMatchObject({ marker: 0xd9, end: A.length });
    expectFrames(join(part(padded, { length: null }), part(B)), [A, B]);
    expectFrames(join(part(padded, { length: padded.length - 5 }), part(B)), [A, B]);
    expectFrames(padded, [padded], 'image/jpeg', { declaredBytes: padded.length });
    expectFrames(join(padded, Buffer.alloc(3)), [A], 'image/jpeg', { declaredBytes: padded.length });
  });

  test('padding is awaited; silence or a delimiter ends the waiting', () => {
    const held = join('--frame\r\nContent-Length: ', String(A.length + 50), '\r\n\r\n', A);
    const splitter = splitterFor(MULTIPART);
    expect(splitter.push(held)).toEqual([]);
    expect(splitter.isUndecided).toBe(true);
    expect(splitter.isInPicture).toBe(true);
    expect(sameBytes(splitter.idle(), [A])).toBe(true);
    expect(splitter.isUndecided).toBe(false);
    // What came late is no picture, and the stream goes on.
    expect(sameBytes([...splitter.push(Buffer.alloc(50)), ...splitter.push(join('\r\n', part(B)))], [B])).toBe(true);

    const next = splitterFor(MULTIPART);
    next.push(held);
    expect(sameBytes(next.push(Buffer.from('\r\n--frame')), [A])).toBe(true);
  });

  test('the exact length needs no waiting', () => {
    const splitter = splitterFor(MULTIPART);
    expect(sameBytes(splitter.push(part(A).subarray(0, -2)), [A])).toBe(true);
    expect(splitter.isUndecided).toBe(false);
  });

  test('a megabyte of padding is not believed', () => {
    expect(sameBytes(splitterFor(MULTIPART).push(part(A, { length: A.length + 1_048_577 })), [A])).toBe(true);
    expect(splitterFor(MULTIPART).push(part(A, { length: A.length + 1_048_576 }))).toEqual([]);
  });

  test('a delimiter in scan data is picture data where the longer length lands', () => {
    const inside = jpegOf(4, {
      scan: join(scanData(1), '\r\n--frame\r\n', scanData(2), '\r\n--frame--\r\n', scanData(3)),
    });
    expectFrames(join(part(inside), part(B)), [inside, B]);
    const twice = jpegOf(5, { scan: join(scanData(1), '\r\n--frame\r\n', START, '\xff\0', scanData(2)), noEoi: true });
    expectFrames(join(part(twice), part(B)), [twice, B]);
  });

  test('no end marker: the length may say where the picture ends', () => {
    const frames = expectFrames(join(part(cut(A)), part(cut(B), { length: B.length + 5 }), part(C)), [
      cut(A),
      cut(B),
      C,
    ]);
    expect(frames.map(({ noEoi }) => noEoi)).toEqual([true, true, false]);
    // At the end of the stream, and in silence, only the exact length does.
    expectFrames(part(cut(A)).subarray(0, -2), [cut(A)]);
    expectFrames(part(cut(A), { length: null }).subarray(0, -2), []);
    expectFrames(part(cut(A), { length: A.length }).subarray(0, -2), []);
    const held = splitterFor(MULTIPART);
    expect(held.push(part(cut(A)).subarray(0, -2))).toEqual([]);
    expect(held.isUndecided).toBe(true);
    expect(sameBytes(held.idle(), [cut(A)])).toBe(true);
  });
});

describe('bodies', () => {
  test('bare pictures one after another, with and without end markers', () => {
    expectFrames(join(A, B, C), [A, B, C], 'video/x-motion-jpeg');
    const frames = expectFrames(join(cut(A), cut(B), '\r\n', C), [cut(A), cut(B), C], '');
    expect(frames[0]).toMatchObject({ noEoi: true, widthPx: 16, heightPx: 8 });
    expect(frames[0]?.segments.at(-1)).toMatchObject({ marker: 0xda, end: cut(A).length });
  });

  test('one picture, and multipart declared as one', () => {
    expectFrames(A, [A], 'image/jpeg', { declaredBytes: A.length });
    expectFrames(A, [A], 'image/jpeg', { declaredBytes: 9_999_999 });
    expectFrames(join(part(A), part(B)), [A, B], 'image/jpeg', { declaredBytes: 9_999_999 });
  });

  test('pictures inside Exif are jumped over', () => {
    const thumbnail = jpegOf(7, { scan: scanData(7, 60) });
    const exif = jpegOf(6, { front: [segment(0xe1, join('Exif\0\0', thumbnail, Buffer.alloc(100)))] });
    expectFrames(join(part(exif, { length: null }), part(B)), [exif, B]);
    // Cut inside that segment, behind the thumbnail: the thumbnail is no frame of ours.
    const inside = exif.subarray(0, 20 + 10 + thumbnail.length + 50);
    expectFrames(inside, []);
    expectFrames(join('--frame\r\n\r\n', inside), []);
  });

  test('a broken picture costs itself and at most its neighbour', () => {
    const bad = Buffer.from(A);
    bad[4] = 0xfe; // The first segment claims 65,040 bytes and jumps over everything.
    expectFrames(join(part(bad), part(B), part(C)), [B, C]);
    const zero = jpegOf(8, { widthPx: 0 });
    expectFrames(join(part(zero), part(B)), [B]);
  });

  test.each<[string, Buffer]>([
    ['PNG', Buffer.from('\x89PNG\r\n\x1a\n\0\0\0\rIHDR', 'latin1')],
    ['WebP', Buffer.from('RIFF\x10\0\0\0WEBPVP8 ', 'latin1')],
    ['H.264', Buffer.from('0000000167420020ff00d8ffd9', 'hex')],
  ])('%s parts are foreign', (_, content) => {
    const body = join(part(content), part(content), '--frame');
    const splitter = splitterFor(MULTIPART);
    expect(framesOf(splitter, [body])).toEqual([]);
    expect([splitter.sawPicture, splitter.sawForeignParts]).toEqual([false, true]);
  });
});

describe('caps (MP-1)', () => {
  const flood = (content: Buffer | string, total: number, type = MULTIPART) => {
    const splitter = splitterFor(type);
    const chunk = Buffer.from(content);
    let sent = 0;
    let highest = 0;
    while (splitter.fault === null && sent < total) {
      splitter.push(chunk);
      sent += chunk.length;
      highest = Math.max(highest, splitter.capacityBytes);
    }
    return { fault: splitter.fault?.outcome, sent, highest };
  };

  test.each<[string, string, number]>([
    ['zeros', '\0'.repeat(1_000), 1_060_000],
    ['text lines', `${'text '.repeat(20)}\n`, 1_060_000],
    ['delimiters', '--frame\r\n', 1_001 * 9],
    ['delimiters of empty parts', '--frame\r\nContent-Length: 0\r\n\r\n\r\n', 1_001 * 32],
    ['head lines', '--frame\r\n' + 'X-A: b\r\n'.repeat(40), 9 + 33 * 8 + 320],
  ])('endless %s are no picture', (_, content, most) => {
    const { fault, sent, highest } = flood(content, 4e6);
    expect(fault).toBe('not_a_picture');
    expect(sent).toBeLessThanOrEqual(most);
    expect(highest).toBeLessThanOrEqual(64 * 1024);
  });

  test('an endless text part ends at 64 KiB, an endless head line at 8 KiB', () => {
    const splitter = splitterFor(MULTIPART);
    splitter.push(join('--frame\r\nContent-Type: text/plain\r\n\r\n', 'word\n'.repeat(13_107)));
    expect(splitter.fault).toBeNull();
    splitter.push(join('word\n'));
    expect(splitter.fault?.outcome).toBe('not_a_picture');
    const head = splitterFor(MULTIPART);
    head.push(join('--frame\r\nX: ', 'y'.repeat(9_000)));
    expect(head.fault?.outcome).toBe('not_a_picture');
  });

  test('counts begin anew with each frame', () => {
    const splitter = splitterFor(MULTIPART);
    const text = `--frame\r\nContent-Type: text/plain\r\n\r\n${'x'.repeat(50_000)}\r\n`;
    for (let round = 0; round < 5; round += 1)
      expect(splitter.push(join(text, '--frame\r\n'.repeat(900), part(A)))).toHaveLength(1);
    expect(splitter.fault).toBeNull();
  });

  test('an endless scan and endless fill bytes are too large, within the memory that is allowed', () => {
    for (const content of [scanData(1, 50_000), Buffer.alloc(50_000, 0xff)]) {
      const splitter = splitterFor(MULTIPART);
      splitter.push(jpegOf(1, { noEoi: true }));
      let sent = 0;
      while (splitter.fault === null && sent < 20e6) {
        splitter.push(content);
        sent += content.length;
      }
      expect(splitter.fault?.outcome).toBe('too_large');
      expect(sent).toBeGreaterThanOrEqual(MAX_FRAME_BYTES - 1_000);
      expect(splitter.capacityBytes).toBeLessThanOrEqual(MAX_FRAME_BYTES + 65_536);
    }
  });

  test('a picture at the frame cap is taken, one above is not', () => {
    const maxFrameBytes = A.length;
    expect(splitterFor(MULTIPART, { maxFrameBytes }).push(part(A))).toHaveLength(1);
    const splitter = splitterFor(MULTIPART, { maxFrameBytes: maxFrameBytes - 1 });
    expect(splitter.push(part(A))).toHaveLength(0);
    expect(splitter.fault?.outcome).toBe('too_large');
  });

  test('too many pixels: one picture at its frame header, a stream at the second', () => {
    const oversize = jpegOf(1, { widthPx: 16_000, heightPx: 16_000, front: [segment(0xe1, A)] });
    const one = splitterFor('image/jpeg', { declaredBytes: oversize.length });
    one.push(oversize.subarray(0, -200));
    expect(one.fault?.outcome).toBe('too_large');
    const stream = splitterFor(MULTIPART);
    expect(stream.push(part(oversize))).toEqual([]);
    expect([stream.sawOversize, stream.fault]).toEqual([true, null]);
    expect(stream.push(part(A))).toHaveLength(1);
    stream.push(part(oversize));
    stream.push(part(oversize));
    expect(stream.fault?.outcome).toBe('too_large');
  });

  test('pictures that begin and are broken, without end, are bad ones', () => {
    for (const content of [join(START, '\xff\xe0\0\x10'), join(START, '\xff\0')]) {
      const { fault, sent } = flood(Buffer.concat(Array.from({ length: 500 }, () => content)), 40e6);
      expect(fault).toBe('bad_picture');
      expect(sent).toBeLessThan(3e6);
    }
  });

  test('SSRF-8: a caller that reads too many pictures at once loses the largest', () => {
    const budget = new FrameBudget(263_000);
    const large = splitterFor(MULTIPART, { budget });
    const small = splitterFor(MULTIPART, { budget });
    large.push(join(cut(A), scanData(1, 200_000)));
    small.push(part(A).subarray(0, 60));
    expect(large.fault?.outcome).toBe('prober_internal');
    expect(small.push(part(A).subarray(60))).toHaveLength(1);
    small.release();
    expect(budget.totalBytes).toBe(0);
  });
});
