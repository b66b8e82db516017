import { describe, expect, test } from '@jest/globals';
import { END, frameHeader, jpegOf, pictureOf, SCAN_HEADER, scanData, segment, START } from '../test/jpegs.js';
import { JpegWalk, type WalkStep } from './jpeg-walk.js';

function walked(bytes: Buffer, delimiter: string | null = null): { step: WalkStep; walk: JpegWalk } {
  const walk = new JpegWalk(delimiter === null ? null : Buffer.from(delimiter));
  return { step: walk.walk(bytes), walk };
}

describe('JpegWalk', () => {
  test('walks a whole picture and says size, end and every segment in file order', () => {
    const jpeg = jpegOf(1, { widthPx: 640, heightPx: 480 });
    const { step, walk } = walked(Buffer.concat([jpeg, Buffer.from('more')]));
    expect(step).toBe('end');
    expect(walk.at).toBe(jpeg.length);
    expect(walk.size).toEqual({ widthPx: 640, heightPx: 480 });
    const segments = walk.segmentsTo(jpeg.length);
    expect(segments.map(({ marker }) => marker)).toEqual([0xe0, 0xdb, 0xc0, 0xc4, 0xda, 0xd9]);
    // Contiguous from behind the start marker to the end; every one begins with FF and its marker.
    let at = 2;
    for (const { marker, start, end } of segments) {
      expect(start).toBe(at);
      expect([jpeg[start], jpeg[start + 1]]).toEqual([0xff, marker]);
      at = end;
    }
    expect(at).toBe(jpeg.length);
  });

  test('takes up at any byte where it stopped', () => {
    const jpeg = jpegOf(2, { front: [segment(0xe1, Buffer.concat([START, Buffer.from([0xff]), END]))] });
    for (let cut = 2; cut < jpeg.length; cut += 1) {
      const walk = new JpegWalk(null);
      expect(walk.walk(jpeg.subarray(0, cut))).toBe('more');
      expect(walk.walk(jpeg)).toBe('end');
      expect(walk.at).toBe(jpeg.length);
      expect(walk.segmentsTo(walk.at)).toHaveLength(7);
    }
  });

  test('walks progressive pictures, which have segments between their scans', async () => {
    const jpeg = await pictureOf(64, 48, { progressive: true });
    const { step, walk } = walked(jpeg);
    expect(step).toBe('end');
    expect(walk.at).toBe(jpeg.length);
    expect(walk.segmentsTo(walk.at).filter(({ marker }) => marker === 0xda).length).toBeGreaterThan(3);
    expect(walk.size).toEqual({ widthPx: 64, heightPx: 48 });
  });

  test.each<[string, Buffer]>([
    ['fill bytes before markers', Buffer.from('ffffffdb0003aa', 'hex')],
    [
      'a comment with a delimiter and an end marker',
      segment(0xfe, Buffer.concat([Buffer.from('\r\n--myboundary\r\n'), END])),
    ],
    ['an empty segment', segment(0xfe, '')],
  ])('accepts %s', (_, front) => {
    const jpeg = jpegOf(3, { front: [front] });
    const { step, walk } = walked(jpeg, 'myboundary');
    expect([step, walk.at]).toEqual(['end', jpeg.length]);
  });

  test.each<[string, string]>([
    ['restart markers', 'ffd0aaffd7bb'],
    ['bytes before a restart marker (Motion#65)', '000000ffd3'],
    ['fill bytes', 'aaffffffffffd1'],
    ['fill bytes before the end marker', 'aaffffff'],
    ['stuffed zeros one after another', 'ff00ff00ff00'],
  ])('accepts %s in scan data', (_, hex) => {
    const jpeg = jpegOf(4, { scan: Buffer.from(hex, 'hex') });
    const { step, walk } = walked(jpeg);
    expect([step, walk.at]).toEqual(['end', jpeg.length]);
  });

  const head = Buffer.concat([START, frameHeader(16, 8)]);
  test.each<[string, Buffer]>([
    ['bytes that are no marker', Buffer.concat([START, Buffer.from('ff0010', 'hex')])],
    ['a segment shorter than its own length', Buffer.concat([START, Buffer.from('ffe00001', 'hex')])],
    ['a scan without a frame header', Buffer.concat([START, SCAN_HEADER])],
    ['an end without a scan', Buffer.concat([head, END])],
    ['a size of zero', Buffer.concat([START, frameHeader(0, 8)])],
    ['a height of zero', Buffer.concat([START, frameHeader(8, 0)])],
    ['a frame header without a size', Buffer.concat([START, segment(0xc0, [8, 1])])],
    ['a start marker among the segments', Buffer.concat([head, START])],
    ['a reserved marker in scan data', Buffer.concat([head, SCAN_HEADER, Buffer.from('aaff02', 'hex')])],
    ['half a start marker in scan data', Buffer.concat([head, SCAN_HEADER, Buffer.from('aaffd800', 'hex')])],
    [
      'more segments than any camera makes',
      Buffer.concat([START, ...Array.from({ length: 4_097 }, () => segment(0xfe, ''))]),
    ],
  ])('refuses %s', (_, bytes) => {
    expect(walked(bytes).step).toBe('bad');
  });

  test('says the size as soon as the frame header came', () => {
    const { step, walk } = walked(Buffer.concat([START, frameHeader(10_000, 5_001)]));
    expect([step, walk.pixels]).toEqual(['more', 50_010_000]);
  });

  describe('a picture without its end marker', () => {
    const cut = jpegOf(5, { noEoi: true });

    test('is interrupted by the delimiter, wherever it is cut', () => {
      const bytes = Buffer.concat([cut, Buffer.from('\r\n--myboundary\r\n')]);
      for (let split = cut.length; split < bytes.length; split += 1) {
        const walk = new JpegWalk(Buffer.from('myboundary'));
        const first = walk.walk(bytes.subarray(0, split));
        expect(first === 'more' ? walk.walk(bytes) : first).toBe('interrupted');
        expect(walk.at).toBe(cut.length + 4);
        expect(walk.segmentsTo(cut.length).at(-1)).toMatchObject({ marker: 0xda, end: cut.length });
      }
    });

    test('is interrupted by the next picture', () => {
      const { step, walk } = walked(Buffer.concat([cut, jpegOf(6)]));
      expect([step, walk.at]).toEqual(['interrupted', cut.length]);
    });

    test('goes on where the interruption is picture data, and finds the next one', () => {
      const scan = Buffer.concat([
        scanData(1),
        Buffer.from('--boundary'),
        scanData(2),
        Buffer.from('--boundary'),
        scanData(3),
      ]);
      const jpeg = jpegOf(7, { scan });
      const { step, walk } = walked(jpeg, '--boundary');
      expect(step).toBe('interrupted');
      const first = walk.at;
      walk.trust(first + 10);
      expect(walk.walk(jpeg)).toBe('interrupted');
      expect(walk.at).toBeGreaterThan(first);
      walk.trust(jpeg.length);
      expect(walk.walk(jpeg)).toBe('end');
      expect(walk.at).toBe(jpeg.length);
      expect(walk.segmentsTo(walk.at)).toHaveLength(6);
    });
  });
});
