import { describe, expect, test } from '@jest/globals';
import type { Frame, JpegSegment } from '#catalog';
import { scanBytes, scanHash, statedSize, withoutMetadata } from './jpeg-bytes.js';

interface Part {
  readonly marker: number;
  readonly bytes: Buffer;
}

const part = (marker: number, body: string | readonly number[], scan: readonly number[] = []): Part => {
  const content = Buffer.from(typeof body === 'string' ? Buffer.from(body, 'latin1') : body);
  const length = content.length + 2;
  return { marker, bytes: Buffer.from([0xff, marker, length >> 8, length & 255, ...content, ...scan]) };
};

/** A frame of these segments; `padding` lies behind it, `eoi` false leaves the end marker out. */
function frame(parts: readonly Part[], { eoi = true, padding = '' } = {}): Frame {
  const segments: JpegSegment[] = [];
  let at = 2;
  for (const { marker, bytes } of parts) {
    segments.push({ marker, start: at, end: at + bytes.length });
    at += bytes.length;
  }
  if (eoi) segments.push({ marker: 0xd9, start: at, end: at + 2 });
  const bytes = Buffer.concat([
    Buffer.from([0xff, 0xd8]),
    ...parts.map((each) => each.bytes),
    Buffer.from(eoi ? [0xff, 0xd9] : []),
    Buffer.from(padding),
  ]);
  return { bytes, widthPx: 32, heightPx: 16, segments, noEoi: !eoi };
}

const jfif = part(0xe0, 'JFIF\0\x01\x02\x00\x00\x01\x00\x01\x00\x00');
const dqt = part(0xdb, [0, 1, 2, 3]);
const sof = part(0xc0, [8, 0, 16, 0, 32, 1, 1, 0x11, 0]);
const dht = part(0xc4, [0, 9, 9]);
const dri = part(0xdd, [0, 4]);
const sos = part(0xda, [1, 1, 0, 0, 63, 0], [0x12, 0xff, 0x00, 0x34, 0xff, 0xd0, 0x56]);
const bare = [jfif, dqt, sof, dht, dri, sos];
const file = (parts: readonly Part[]): string => frame(parts).bytes.toString('hex');

describe('withoutMetadata (IMG-2)', () => {
  test('a frame that holds nothing else comes back byte for byte', () => {
    expect(withoutMetadata(frame(bare)).toString('hex')).toBe(file(bare));
  });

  test.each([
    ['Exif with a GPS position', part(0xe1, 'Exif\0\0GPS 23.0,120.2')],
    ['XMP', part(0xe1, 'http://ns.adobe.com/xap/1.0/\0<x/>')],
    ['ICC', part(0xe2, 'ICC_PROFILE\0\x01\x01....')],
    ['a comment', part(0xfe, 'serial ACCC8E000000')],
    ['a maker segment', part(0xef, 'AXIS')],
    ['an APP0 that is not JFIF', part(0xe0, 'AVI1 and whatever a maker likes')],
    ['a JFIF extension with a thumbnail', part(0xe0, 'JFXX\0\x10a whole picture')],
    ['an APP14 that is not of Adobe', part(0xee, 'somebody else entirely')],
    ['DNL', part(0xdc, [0, 16])],
  ])('%s goes, before and after the scan', (_, unwanted) => {
    expect(withoutMetadata(frame([unwanted, ...bare])).toString('hex')).toBe(file(bare));
    expect(withoutMetadata(frame([...bare, unwanted])).toString('hex')).toBe(file(bare));
  });

  test('a JFIF header loses its thumbnail and what follows, and says so', () => {
    const loaded = part(0xe0, 'JFIF\0\x01\x02\x00\x00\x01\x00\x01\x01\x02RGBRGB');
    expect(withoutMetadata(frame([loaded, ...bare.slice(1)])).toString('hex')).toBe(file(bare));
  });

  test('the Adobe segment stays, without what was appended: it says which colours the numbers are', () => {
    const adobe = 'Adobe\0\x64\x80\0\0\0\x02';
    const kept = file([part(0xee, adobe), ...bare]);
    expect(withoutMetadata(frame([part(0xee, `${adobe}and a name`), ...bare])).toString('hex')).toBe(kept);
  });

  test('every kind of frame header and arithmetic tables stay', () => {
    for (const marker of [0xc1, 0xc2, 0xc9, 0xca, 0xcc]) {
      const parts = [jfif, part(marker, [8, 0, 16, 0, 32, 1, 1, 0x11, 0]), sos];
      expect(withoutMetadata(frame(parts)).toString('hex')).toBe(file(parts));
    }
  });

  test('the end marker is added where the camera left it out, and padding behind it goes', () => {
    expect(withoutMetadata(frame(bare, { eoi: false })).toString('hex')).toBe(file(bare));
    expect(withoutMetadata(frame(bare, { padding: '\r\n\r\n--boundary' })).toString('hex')).toBe(file(bare));
  });

  test('fill bytes before a marker go, and a scan that was walked to its end marker ends once', () => {
    const filled = { marker: 0xdb, bytes: Buffer.concat([Buffer.from([0xff, 0xff]), dqt.bytes]) };
    expect(withoutMetadata(frame([jfif, filled, ...bare.slice(2)])).toString('hex')).toBe(file(bare));
    const greedy = { marker: 0xda, bytes: Buffer.concat([sos.bytes, Buffer.from([0xff, 0xd9])]) };
    expect(withoutMetadata(frame([...bare.slice(0, -1), greedy], { eoi: false })).toString('hex')).toBe(file(bare));
  });

  test('segments that are not those of the bytes are a bug', () => {
    const { bytes, ...rest } = frame(bare);
    expect(() => withoutMetadata({ ...rest, bytes: bytes.subarray(1) })).toThrow('bug:');
  });
});

describe('scanHash', () => {
  const hash = scanHash(frame(bare));

  test('is the SHA-256 of SOS to EOI', () => {
    // printf '\xff\xda\x00\x08\x01\x01\x00\x00\x3f\x00\x12\xff\x00\x34\xff\xd0\x56\xff\xd9' | sha256sum
    expect(hash).toBe('2f52251762449feced2b4f0630593337eff245d910c013f865c1811aba6088c7');
  });

  test.each([
    ['new Exif', frame([part(0xe1, 'Exif 12:00:01'), ...bare])],
    ['a comment behind the scan', frame([...bare, part(0xfe, '12:00:02')])],
    ['padding', frame(bare, { padding: '\0\0\0' })],
    ['no end marker', frame(bare, { eoi: false })],
  ])('%s changes nothing', (_, same) => {
    expect(scanHash(same)).toBe(hash);
  });

  test('another bit of the scan, or of a later scan, changes it', () => {
    const other = part(0xda, [1, 1, 0, 0, 63, 0], [0x13, 0xff, 0x00, 0x34, 0xff, 0xd0, 0x56]);
    expect(scanHash(frame([...bare.slice(0, -1), other]))).not.toBe(hash);
    expect(scanHash(frame([...bare, dht, other]))).not.toBe(scanHash(frame([...bare, dht, sos])));
  });

  test('a frame without a scan is a bug', () => {
    expect(() => scanHash(frame([jfif, sof]))).toThrow('bug:');
  });
});

test('scanBytes counts the scans, not what lies around them', () => {
  expect(scanBytes(frame([part(0xe1, 'x'.repeat(5_000)), ...bare, dht, sos], { padding: 'y'.repeat(99) }))).toBe(
    2 * sos.bytes.length,
  );
});

describe('statedSize (IMG-1)', () => {
  test.each([
    ['baseline', frame(bare).bytes],
    [
      'behind Exif and fill bytes',
      Buffer.concat([Buffer.from([0xff, 0xd8, 0xff]), frame([part(0xe1, 'Exif'), sof, sos]).bytes.subarray(2)]),
    ],
    ['progressive', frame([jfif, part(0xc2, [8, 0, 16, 0, 32, 1, 1, 0x11, 0])]).bytes],
  ])('%s', (_, bytes) => {
    expect(statedSize(bytes)).toEqual({ widthPx: 32, heightPx: 16 });
  });

  test.each([
    ['nothing', Buffer.alloc(0)],
    ['SVG', Buffer.from('<svg xmlns="http://www.w3.org/2000/svg"/>')],
    ['PNG', Buffer.from('89504e470d0a1a0a', 'hex')],
    ['a start marker alone', Buffer.from([0xff, 0xd8])],
    ['a JPEG start before SVG', Buffer.from('\xff\xd8\xff<svg width="9" height="9"/>', 'latin1')],
    ['a scan before the header', frame([jfif, sos, sof]).bytes],
    ['a size of zero', frame([jfif, part(0xc0, [8, 0, 0, 0, 32, 1, 1, 0x11, 0])]).bytes],
    ['a header that is cut off', frame([jfif, sof]).bytes.subarray(0, 26)],
    ['a segment that leads beyond the end', Buffer.from([0xff, 0xd8, 0xff, 0xe1, 0xff, 0xff, 0, 0, 0, 0, 0, 0])],
    ['a segment length of zero, for ever', Buffer.from(`ffd8${'ffe00000'.repeat(9)}`, 'hex')],
  ])('%s has none', (_, bytes) => {
    expect(statedSize(bytes)).toBeNull();
  });
});
