import { describe, expect, test } from '@jest/globals';
import { cellSumsOf, GREY_HEIGHT_PX, GREY_WIDTH_PX, hiddenPixels, signalsOf } from './signals.js';

const grey = (value: (x: number, y: number) => number): Buffer =>
  Buffer.from(
    Array.from({ length: GREY_WIDTH_PX * GREY_HEIGHT_PX }, (_, at) =>
      value(at % GREY_WIDTH_PX, Math.floor(at / GREY_WIDTH_PX)),
    ),
  );
/** No two rows alike, each with a standard deviation of about 29. */
const texture = (x: number, y: number): number => (x * 37 + y * 59) % 100;

describe('signalsOf', () => {
  test('one grey', () => {
    expect(
      signalsOf(
        grey(() => 128),
        0.05,
      ),
    ).toMatchObject({
      mean: 128,
      sd: 0,
      darkShare: 0,
      brightShare: 0,
      plainShare: 1,
      laplacianVariance: 0,
      bitsPerPixel: 0.05,
    });
  });

  test('thresholds of dark and bright are 26 and 245', () => {
    const halves = signalsOf(
      grey((x) => (x < 40 ? 25 : x < 80 ? 26 : x < 120 ? 245 : 246)),
      1,
    );
    expect(halves).toMatchObject({ darkShare: 0.25, brightShare: 0.25 });
  });

  test('a checkerboard: mean, deviation and Laplacian worked by hand', () => {
    const { mean, sd, laplacianVariance, plainShare } = signalsOf(
      grey((x, y) => ((x + y) % 2) * 10),
      1,
    )!;
    expect(mean).toBe(5);
    expect(sd).toBe(5);
    // Each inner pixel answers 4 × 10 or -4 × 10.
    expect(laplacianVariance).toBe(1_600);
    expect(plainShare).toBe(0);
  });

  test('plain pixels are those that hardly differ from all eight around them', () => {
    const { plainShare, litPlainShare } = signalsOf(
      grey((x, y) => (x < 40 ? 90 + (x % 2) : x < 80 ? 10 : texture(x, y))),
      1,
    )!;
    // Of 158 inner columns: 38 lit (the border to the black ones is none), 38 black ones.
    expect(plainShare).toBeCloseTo((38 + 38) / 158, 12);
    expect(litPlainShare).toBeCloseTo(38 / 158, 12);
  });

  test('a picture of another size is a bug', () => {
    expect(() => signalsOf(Buffer.alloc(100), 1)).toThrow('bug:');
  });
});

describe('what masks cover', () => {
  const half = [
    {
      points: [
        [0, 0],
        [0.5, 0],
        [0.5, 1],
        [0, 1],
      ] as [number, number][],
    },
  ];

  test('is not measured: two pictures that differ only there measure alike', () => {
    const hidden = hiddenPixels(half);
    const [one, other] = [0, 255].map((value) =>
      signalsOf(
        grey((x, y) => (x < 80 ? value : texture(x, y))),
        1,
        hidden,
      )!,
    );
    const { grey: _one, ...numbers } = one!;
    const { grey: _other, ...others } = other!;
    expect(others).toEqual(numbers);
    expect(numbers.sd).toBeGreaterThan(25);
    expect(cellSumsOf(other!)).toEqual(cellSumsOf(one!));
    // The cells up to the mask and its rim of two pixels say nothing.
    expect(cellSumsOf(one!).plain.map((sum) => sum >= 0)).toEqual(
      Array.from({ length: 144 }, (_, cell) => cell % 16 > 8),
    );
  });

  test('may be all', () => {
    const all = [
      {
        points: [
          [0, 0],
          [1, 0],
          [1, 1],
          [0, 1],
        ] as [number, number][],
      },
    ];
    expect(signalsOf(grey(texture), 1, hiddenPixels(all))).toBeNull();
    expect(hiddenPixels([])).toBeNull();
  });
});

describe('sums of cells', () => {
  test('plain, and signed so that what moves within a cell shows', () => {
    const spot = (left: number): number[][] => {
      const { plain, signed } = cellSumsOf(
        signalsOf(
          grey((x, y) => (x === left && y === 4 ? 200 : 100)),
          1,
        )!,
      );
      return [plain as number[], signed as number[]];
    };
    const [[plain, signed], [plainLater, signedLater]] = [spot(3), spot(5)] as [number[][], number[][]];
    expect(plain![0]).toBe(10_100);
    expect(plainLater).toEqual(plain);
    const moved = signed!.filter((sum, cell) => sum !== signedLater![cell]);
    // By chance two signs are alike: then the next place tells.
    expect(moved.length + (spot(6)[1]![0] === signed![0] ? 0 : 1)).toBeGreaterThan(0);
    expect(signed!.reduce((sum, value) => sum + Math.abs(value), 0) / 144).toBeLessThan(2_000);
  });

  test('cells that are evenly black or white cannot show noise', () => {
    const { isClipped } = cellSumsOf(
      signalsOf(
        grey((x, y) => (x < 10 ? 3 : x < 20 ? 254 : x < 30 ? 128 : texture(x, y))),
        1,
      )!,
    );
    expect(isClipped.slice(0, 5)).toEqual([true, true, false, false, false]);
  });
});
