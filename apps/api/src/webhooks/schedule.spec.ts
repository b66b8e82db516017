import { expect, test } from '@jest/globals';
import { nextAttemptS } from './schedule.js';

test('an attempt is made again nine times, ten percent about the hours that are promised, and then no more', () => {
  const middle = [5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400];
  expect(middle.map((_, i) => nextAttemptS(i + 1, 0.5))).toEqual(middle);
  expect(nextAttemptS(10, 0.5)).toBe(null);
  expect(nextAttemptS(2, 0)).toBeCloseTo(270);
  expect(nextAttemptS(2, 0.999_999)).toBeCloseTo(330, 3);
});
