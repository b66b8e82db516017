import { describe, expect, test } from '@jest/globals';
import { LETTER, letterOf, widthOf, writable, write } from './lettering.js';

const PRINTABLE = Array.from({ length: 95 }, (_, i) => String.fromCodePoint(32 + i));

function drawn(text: string, xPx = 0, yPx = 0, dotPx = 1): string[] {
  const [widthPx, heightPx] = [40, 10];
  const rgb = new Uint8Array(widthPx * heightPx * 3);
  write({ rgb, widthPx, heightPx }, text, { xPx, yPx, dotPx });
  return Array.from({ length: heightPx }, (_, y) =>
    Array.from({ length: widthPx }, (_, x) => (rgb[(y * widthPx + x) * 3] === 255 ? '#' : '.')).join(''),
  );
}

describe('lettering', () => {
  test('has every printable letter once, seven rows of five dots', () => {
    const shapes = PRINTABLE.map((letter) => letterOf(letter));
    for (const rows of shapes) {
      expect(rows).toHaveLength(7);
      expect(rows?.every((bits) => bits >= 0 && bits < 32)).toBe(true);
    }
    expect(new Set(shapes.map(String)).size).toBe(95);
    expect(letterOf('市')).toBeNull();
    expect(letterOf('\u007f')).toBeNull();
  });

  test('draws what it says', () => {
    expect(
      drawn('T1')
        .map((row) => row.slice(0, 11))
        .slice(0, 7),
    ).toEqual([
      '#####...#..',
      '..#....##..',
      '..#.....#..',
      '..#.....#..',
      '..#.....#..',
      '..#.....#..',
      '..#....###.',
    ]);
    expect(drawn('.', 0, 0, 1)[6]?.slice(0, 5)).toBe('.##..');
    expect(drawn('l', 0, 0, 1)[6]?.slice(0, 5)).toBe('.###.');
    expect(drawn('p')[8]?.startsWith('#')).toBe(true); // hangs below the line
  });

  test('is cut at the edges and never wraps round', () => {
    expect(drawn('H', 38).every((row) => /^\.{38}/.test(row))).toBe(true);
    expect(drawn('H', -3).every((row) => /\.{38}$/.test(row))).toBe(true);
    expect(drawn('H', 0, 8, 2)[9]?.slice(0, 2)).toBe('##');
    expect(() => drawn('H', 500, 500)).not.toThrow();
  });

  test('leaves out what it cannot write', () => {
    expect(writable('Dazhou culvert (向西)')).toBe('Dazhou culvert');
    expect(widthOf('abc')).toBe(3 * LETTER.advance - 1);
    expect(widthOf('')).toBe(0);
  });
});
