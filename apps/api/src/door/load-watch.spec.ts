import { describe, expect, test } from '@jest/globals';
import { LoadWatch } from './load-watch.js';

describe('overload (DOS-1)', () => {
  test.each([
    ['a busy loop', [240, 260, 260, 200, 160, 140, 240], [false, false, true, true, true, false, false]],
    ['a pause now and then', [900, 10, 900, 10], [false, false, false, false]],
  ])('%s: begins after two spans above 250 ms and ends below 150 ms', (_, delays, expected) => {
    const watch = new LoadWatch();
    const judged = delays.map((delayMs) => {
      watch.judge({ delayMs, heapShare: 0.5 });
      return watch.isTooMuch;
    });
    expect(judged).toEqual(expected);
  });

  test('a full heap begins above 85 % and ends below 80 %', () => {
    const watch = new LoadWatch();
    const changes = [0.84, 0.86, 0.86, 0.82, 0.79].map((heapShare) => watch.judge({ delayMs: 1, heapShare }));
    expect(changes).toEqual([false, false, true, false, true]);
  });
});
