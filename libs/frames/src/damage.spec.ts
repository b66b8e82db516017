import { describe, expect, test } from '@jest/globals';
import { damageIn } from './damage.js';
import { GREY_HEIGHT_PX, GREY_WIDTH_PX } from './signals.js';

const grey = (value: (x: number, y: number) => number): Buffer =>
  Buffer.from(
    Array.from({ length: GREY_WIDTH_PX * GREY_HEIGHT_PX }, (_, at) =>
      value(at % GREY_WIDTH_PX, Math.floor(at / GREY_WIDTH_PX)),
    ),
  );
/** No two rows alike, each with a standard deviation of about 29. */
const texture = (x: number, y: number): number => (x * 37 + y * 59) % 100;

describe('damageIn', () => {
  const whole = { warned: false, heightPx: 720 };
  const warned = { warned: true, heightPx: 720 };
  const flatFrom = (row: number): Buffer => grey((x, y) => (y < row ? texture(x, y) : 128));
  const smeared = (from: number, to: number): Buffer => grey((x, y) => texture(x, y >= from && y <= to ? from - 1 : y));

  test('nine flat rows at the bottom are damage where the decoder complained', () => {
    expect(damageIn(flatFrom(81), warned)).toBe('the lower 10 % of the picture never came');
    expect(damageIn(flatFrom(82), warned)).toBeNull();
    expect(damageIn(flatFrom(0), warned)).toMatch('100 %');
  });

  test('a flat lower part without a complaint is fog', () => {
    expect(damageIn(flatFrom(45), whole)).toBeNull();
  });

  test('flat rows elsewhere are no damage', () => {
    expect(
      damageIn(
        grey((x, y) => (y < 80 ? 128 : texture(x, y))),
        warned,
      ),
    ).toBeNull();
  });

  test('a row is flat below a deviation of 1', () => {
    const last = (step: number): Buffer => grey((x, y) => (y < 70 ? texture(x, y) : 100 + (x % 2) * step));
    expect(damageIn(last(1), warned)).not.toBeNull();
    expect(damageIn(last(2), warned)).toBeNull();
  });

  test('twenty repeated rows that reach below row 67 are a smear, complaint or not', () => {
    expect(damageIn(smeared(70, 89), whole)).toMatch('smeared');
    expect(damageIn(smeared(49, 68), whole)).toMatch('smeared');
    expect(damageIn(smeared(48, 67), whole)).toBeNull();
    expect(damageIn(smeared(71, 89), whole)).toBeNull();
    expect(damageIn(smeared(20, 60), whole)).toBeNull();
  });

  test('rows that differ by sensor noise, or have no structure, are none', () => {
    const noisy = grey((x, y) => texture(x, 0) + ((x * 7 + y * 13) % 2));
    expect(damageIn(noisy, whole)).toBeNull();
    expect(
      damageIn(
        grey((x) => 100 + (x % 2) * 15),
        whole,
      ),
    ).toBeNull();
    expect(
      damageIn(
        grey((x) => 100 + (x % 2) * 17),
        whole,
      ),
    ).toMatch('smeared');
  });

  test('a picture of fewer than 90 rows has interpolated ones, which repeat', () => {
    expect(damageIn(smeared(40, 89), { warned: false, heightPx: 89 })).toBeNull();
    expect(damageIn(smeared(40, 89), { warned: false, heightPx: 90 })).not.toBeNull();
  });
});
