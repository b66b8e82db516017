import { describe, expect, test } from '@jest/globals';
import { TokenBuckets } from './token-buckets.js';

describe('token buckets (RATE-1)', () => {
  let now = 0;
  const buckets = (max?: number): TokenBuckets => new TokenBuckets(() => now, max);

  test('a minute’s worth may come at once; then one at a time, as they fill', () => {
    const made = buckets();
    const taken = Array.from({ length: 61 }, () => made.take('a', 60));
    expect(taken.map(({ isAllowed }) => isAllowed)).toEqual([...Array<boolean>(60).fill(true), false]);
    expect(taken[59]).toMatchObject({ left: 0, fullInS: 60, nextInS: 1 });
    now += 999;
    expect(made.take('a', 60).isAllowed).toBe(false);
    now += 1;
    expect(made.take('a', 60).isAllowed).toBe(true);
    expect(made.take('a', 60)).toMatchObject({ isAllowed: false, nextInS: 1 });
    expect(made.take('b', 60).left).toBe(59);
    now += 3_600_000;
    expect(made.take('a', 60).left).toBe(59);
  });

  test('what is given back never makes more than a full bucket', () => {
    const made = buckets();
    made.take('a', 10);
    expect(made.giveBack('a', 10, 0.75).left).toBe(9.75);
    expect(made.giveBack('a', 10, 5).left).toBe(10);
  });

  test('looking takes nothing and keeps nothing', () => {
    const made = buckets();
    expect(made.look('a', 10).left).toBe(10);
    expect(made.size).toBe(0);
  });

  test('memory is bounded: full buckets go, and beyond the limit the one longest untouched', () => {
    const made = buckets(100);
    for (let i = 0; i < 1_000; i += 1) {
      made.take(`host ${i}`, 10);
      made.take('busy', 10_000);
    }
    expect(made.size).toBe(100);
    expect(made.look('busy', 10_000).left).toBe(9_000);
    now += 60_000;
    made.take('late', 10);
    expect(made.size).toBe(1);
  });
});
