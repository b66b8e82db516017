import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { maskSpans } from './mask-spans.js';

const SIZE = { widthPx: 40, heightPx: 30 };

/** The covered pixels as a set of "x,y". */
function covered(points: readonly (readonly [number, number])[], size = SIZE): Set<string> {
  const spans = maskSpans([{ points: points as [number, number][] }], size);
  const pixels = new Set<string>();
  for (let at = 0; at < spans.length; at += 2) {
    for (let pixel = spans[at]!; pixel < spans[at + 1]!; pixel += 1) {
      pixels.add(`${pixel % size.widthPx},${Math.floor(pixel / size.widthPx)}`);
    }
  }
  return pixels;
}

describe('maskSpans (PRIV-2)', () => {
  test('a rectangle is covered with a rim of two pixels, joined row by row', () => {
    // Pixels 10 to 20, 10 to 15.
    const points: [number, number][] = [
      [0.25, 1 / 3],
      [0.5, 1 / 3],
      [0.5, 0.5],
      [0.25, 0.5],
    ];
    const spans = [...maskSpans([{ points }], SIZE)];
    const rows = spans.filter((_, index) => index % 2 === 0).map((start) => [start % 40, Math.floor(start / 40)]);
    expect(rows[0]).toEqual([8, 8]);
    expect(rows.length).toBe(10);
    for (let at = 0; at < spans.length; at += 2) expect(spans[at + 1]! - spans[at]!).toBe(15);
  });

  test('the whole picture is one span', () => {
    expect([
      ...maskSpans(
        [
          {
            points: [
              [0, 0],
              [1, 0],
              [1, 1],
              [0, 1],
            ],
          },
        ],
        SIZE,
      ),
    ]).toEqual([0, 1_200]);
  });

  test('a mask of no area still hides what it touches', () => {
    expect(
      covered([
        [0.5, 0.5],
        [0.5, 0.5],
        [0.5, 0.5],
      ]).has('20,15'),
    ).toBe(true);
    expect(
      covered([
        [0, 0.5],
        [1, 0.5],
        [0, 0.5],
      ]).has('33,15'),
    ).toBe(true);
  });

  test('an outline that crosses itself, or winds twice, leaves no hole', () => {
    const bow = covered([
      [0, 0],
      [1, 1],
      [1, 0],
      [0, 1],
    ]);
    expect(bow.has('5,15')).toBe(true);
    expect(bow.has('35,15')).toBe(true);
    const round = [
      [0.1, 0.1],
      [0.9, 0.1],
      [0.9, 0.9],
      [0.1, 0.9],
    ] as const;
    const twice = [...round, ...round.map(([x, y]) => [x, y] as const)];
    expect(covered(twice).has('20,15')).toBe(true);
  });

  test('a notch of a concave mask stays open', () => {
    const notch = covered([
      [0, 0],
      [1, 0],
      [1, 1],
      [0.7, 1],
      [0.7, 0.3],
      [0.3, 0.3],
      [0.3, 1],
      [0, 1],
    ]);
    expect(notch.has('20,20')).toBe(false);
    expect(notch.has('3,20')).toBe(true);
    expect(notch.has('36,20')).toBe(true);
    expect(notch.has('20,3')).toBe(true);
  });

  test('several masks that overlap give sorted spans apart from each other', () => {
    const spans = [
      ...maskSpans(
        [
          {
            points: [
              [0, 0],
              [0.5, 0],
              [0, 0.5],
            ],
          },
          {
            points: [
              [0.2, 0.2],
              [0.9, 0.1],
              [0.4, 0.9],
            ],
          },
        ],
        SIZE,
      ),
    ];
    for (let at = 1; at < spans.length; at += 1) expect(spans[at]!).toBeGreaterThan(spans[at - 1]!);
  });

  test('every point of a triangle lies in a covered pixel (property)', () => {
    const fraction = fc.double({ min: 0, max: 1, noNaN: true });
    const corner = fc.tuple(fraction, fraction);
    fc.assert(
      fc.property(corner, corner, corner, fraction, fraction, (a, b, c, u, v) => {
        const [s, t] = u + v > 1 ? [1 - u, 1 - v] : [u, v];
        const at = (axis: 0 | 1): number => a[axis] + s * (b[axis] - a[axis]) + t * (c[axis] - a[axis]);
        const x = Math.min(39, Math.max(0, Math.floor(at(0) * 40)));
        const y = Math.min(29, Math.max(0, Math.floor(at(1) * 30)));
        expect(covered([a, b, c]).has(`${x},${y}`)).toBe(true);
      }),
      { numRuns: 300, seed: 7 },
    );
  });

  test.each([
    [
      'two corners',
      [
        [0, 0],
        [1, 1],
      ],
    ],
    [
      'a corner outside',
      [
        [0, 0],
        [1, 0],
        [1, 1.2],
      ],
    ],
    [
      'not a number',
      [
        [0, 0],
        [1, 0],
        [1, Number.NaN],
      ],
    ],
    [
      'text',
      [
        [0, 0],
        [1, 0],
        ['1', 1],
      ],
    ],
    [
      'three coordinates',
      [
        [0, 0],
        [1, 0],
        [1, 1, 1],
      ],
    ],
    ['nothing', undefined],
  ])('%s cannot be painted', (_, points) => {
    expect(() => maskSpans([{ points: points as [number, number][] }], SIZE)).toThrow('privacy mask');
  });
});
