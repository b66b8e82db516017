import { describe, expect, test } from '@jest/globals';
import { likeness, outlinesOf } from './outlines.js';
import { GREY_HEIGHT_PX, GREY_WIDTH_PX, hiddenPixels, type Signals, signalsOf } from './signals.js';

// Looked up once: within Jest's contexts a global costs ten times as much.
const { ceil, exp, floor, imul, max, min, round } = Math;

type Light = (value: number, x: number, y: number) => number;

/** Values as good as chance, the same for the same seed. */
function chance(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

/** A view of forty houses, panned by so many pixels, under some light. */
function view(
  seed: number,
  { panPx = 0, light = (value: number) => value }: { panPx?: number; light?: Light } = {},
): Signals {
  const random = chance(seed);
  const houses = Array.from({ length: 40 }, () => ({
    left: random() * 320 - 80,
    top: random() * 80,
    width: 8 + random() * 40,
    height: 8 + random() * 40,
    value: random() * 200 + 20,
  }));
  const noise = chance(seed + panPx + 99);
  const values = new Float64Array(GREY_WIDTH_PX * GREY_HEIGHT_PX).fill(110);
  for (const { left, top, width, height, value } of houses) {
    for (let y = ceil(top); y < min(top + height, GREY_HEIGHT_PX); y += 1) {
      const [from, to] = [max(0, ceil(left) - panPx), min(GREY_WIDTH_PX, ceil(left + width) - panPx)];
      if (from < to) values.fill(value, y * GREY_WIDTH_PX + from, y * GREY_WIDTH_PX + to);
    }
  }
  const grey = Buffer.from(
    Uint8ClampedArray.from(values, (value, at) =>
      round(light(value, at % GREY_WIDTH_PX, floor(at / GREY_WIDTH_PX)) + noise() * 4 - 2),
    ),
  );
  return signalsOf(grey, 1)!;
}

const like = (kept: Signals, seen: Signals): number => likeness(outlinesOf(kept), seen)!;

describe('likeness', () => {
  test.each<[string, Light]>([
    ['in the same light', (value) => value],
    ['in a third of it', (value) => value / 3],
    ['through fog', (value) => 150 + value / 4],
    ['with a lamp in one corner', (value, x, y) => value / 2 + 120 * exp(-((x - 30) ** 2 + (y - 20) ** 2) / 900)],
    ['with dark and bright changed', (value) => 255 - value],
  ])('the same view %s', (_what, light) => {
    for (let seed = 1; seed <= 4; seed += 1) expect(like(view(seed), view(seed, { light }))).toBeGreaterThan(0.5);
  });

  test('of other views is little', () => {
    for (let seed = 1; seed <= 4; seed += 1) expect(like(view(seed), view(seed + 50))).toBeLessThan(0.16);
  });

  test('a twentieth of the picture to the side is the same view, a third is none', () => {
    for (let seed = 1; seed <= 4; seed += 1) {
      expect(like(view(seed), view(seed, { panPx: 8 }))).toBeGreaterThan(0.3);
      expect(like(view(seed), view(seed, { panPx: -7 }))).toBeGreaterThan(0.3);
      expect(like(view(seed), view(seed, { panPx: 53 }))).toBeLessThan(0.16);
    }
  });

  test('letters at the rims do not make two views alike', () => {
    const lettered: Light = (value, x, y) => (y < 8 || y > 81 ? ((x >> 1) % 2) * 255 : value);
    for (let seed = 1; seed <= 4; seed += 1) {
      expect(like(view(seed, { light: lettered }), view(seed + 50, { light: lettered }))).toBeLessThan(0.16);
    }
  });

  test('is compact, and says nothing of what is hidden', () => {
    expect(outlinesOf(view(1)).length).toBeLessThan(1_700);
    const corners = [
      [0, 0],
      [0.5, 0],
      [0.5, 1],
      [0, 1],
    ] as [number, number][];
    const hidden = hiddenPixels([{ points: corners }]);
    const masked = (secret: number): Signals => {
      const { grey } = view(1, { light: (value, x, y) => (x < 78 ? (x * y * secret) % 251 : value) });
      return signalsOf(grey, 1, hidden)!;
    };
    const places = (packed: string): number => Buffer.from(packed, 'base64').filter((byte) => byte !== 0).length;
    expect(places(outlinesOf(masked(7)))).toBeLessThan(places(outlinesOf(view(1))) * 0.55);
    expect(like(masked(7), masked(13))).toBeGreaterThan(0.7);
  });

  test('of nothing with anything is unknown', () => {
    const flat = signalsOf(Buffer.alloc(GREY_WIDTH_PX * GREY_HEIGHT_PX, 128), 1)!;
    expect(likeness(outlinesOf(flat), view(1))).toBeNull();
    expect(likeness(outlinesOf(view(1)), flat)).toBeNull();
    expect(likeness('', view(1))).toBeNull();
    expect(likeness(Buffer.alloc(12).toString('base64'), view(1))).toBeNull();
  });
});
