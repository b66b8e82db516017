import { describe, expect, test } from '@jest/globals';
import type { Frame } from '#catalog';
import { sourceTimeOf } from './source-time.js';

/** A frame of one segment. */
function frameOf(marker: number, content: Buffer): Frame {
  const head = Buffer.from([0xff, marker, 0, 0]);
  head.writeUInt16BE(content.length + 2, 2);
  const bytes = Buffer.concat([Buffer.from([0xff, 0xd8]), head, content]);
  return { bytes, widthPx: 1, heightPx: 1, segments: [{ marker, start: 2, end: bytes.length }], noEoi: false };
}

/** Exif with texts by tag: those above 0x9000 in the second directory, as cameras write it. */
function exif(texts: Readonly<Record<number, string>>, isLittle: boolean): Frame {
  const bytes = Buffer.alloc(1_024);
  const uint16 = (value: number, at: number): number =>
    isLittle ? bytes.writeUInt16LE(value, at) : bytes.writeUInt16BE(value, at);
  const uint32 = (value: number, at: number): number =>
    isLittle ? bytes.writeUInt32LE(value, at) : bytes.writeUInt32BE(value, at);
  bytes.write(isLittle ? 'II' : 'MM', 0, 'latin1');
  uint16(42, 2);
  uint32(8, 4);
  let free = 400;
  const directory = (at: number, entries: readonly (readonly [number, string | number])[]): void => {
    uint16(entries.length, at);
    entries.forEach(([tag, value], i) => {
      const entry = at + 2 + 12 * i;
      uint16(tag, entry);
      uint16(typeof value === 'string' ? 2 : 4, entry + 2);
      uint32(typeof value === 'string' ? value.length + 1 : 1, entry + 4);
      uint32(typeof value === 'string' ? free : value, entry + 8);
      if (typeof value === 'string') {
        bytes.write(`${value}\0`, free, 'latin1');
        free += value.length + 2;
      }
    });
  };
  const all = Object.entries(texts).map(([tag, text]) => [Number(tag), text] as const);
  directory(8, [...all.filter(([tag]) => tag < 0x9000), [0x8769, 200]]);
  directory(
    200,
    all.filter(([tag]) => tag >= 0x9000),
  );
  return frameOf(0xe1, Buffer.concat([Buffer.from('Exif\0\0', 'latin1'), bytes]));
}

const TAKEN = Date.UTC(2026, 10, 27, 3, 4, 5);

describe('the time that a picture states', () => {
  test.each([true, false])('Exif with an offset from UTC, little-endian %s', (isLittle) => {
    expect(sourceTimeOf(exif({ 0x9003: '2026:11:27 11:04:05', 0x9011: '+08:00' }, isLittle))).toBe(TAKEN);
    expect(sourceTimeOf(exif({ 0x0132: '2026:11:26 23:04:05', 0x9010: '-04:00' }, isLittle))).toBe(TAKEN);
  });

  test.each<[string, Record<number, string>]>([
    ['without a zone', { 0x9003: '2026:11:27 11:04:05' }],
    ['with a zone that is none', { 0x9003: '2026:11:27 11:04:05', 0x9011: '   :  ' }],
    ['that never was', { 0x9003: '2026:13:45 11:04:05', 0x9011: '+08:00' }],
    ['that is blank', { 0x9003: '    :  :     :  :  ', 0x9011: '+08:00' }],
    ['that is absent', {}],
  ])('%s is no evidence', (_what, texts) => {
    expect(sourceTimeOf(exif(texts, true))).toBeNull();
  });

  test('a comment with a zone', () => {
    const comment = (text: string): number | null => sourceTimeOf(frameOf(0xfe, Buffer.from(text, 'latin1')));
    expect(comment('cam1 2026-11-27T03:04:05Z idx=4')).toBe(TAKEN);
    expect(comment('time=2026-11-27 11:04:05.000+08:00;')).toBe(TAKEN);
    expect(comment('2026-11-27 11:04:05')).toBeNull();
    expect(comment('')).toBeNull();
  });

  test('directories that point anywhere, or are cut anywhere, say nothing', () => {
    const whole = exif({ 0x9003: '2026:11:27 11:04:05', 0x9011: '+08:00' }, true);
    for (let length = 4; length < whole.bytes.length; length += 7) {
      const cut = frameOf(0xe1, whole.bytes.subarray(6, 6 + length));
      expect([null, TAKEN]).toContain(sourceTimeOf(cut));
    }
    let random = 5;
    for (let i = 0; i < 20_000; i += 1) {
      const bytes = Buffer.from(whole.bytes);
      for (let change = 0; change < 4; change += 1) {
        random = (Math.imul(random, 1_664_525) + 1_013_904_223) >>> 0;
        bytes[6 + (random % (bytes.length - 6))] = random >>> 24;
      }
      const found = sourceTimeOf({ ...whole, bytes });
      if (found !== null && Number.isNaN(found)) throw new Error('not a time');
    }
  });
});
