import { describe, expect, test } from '@jest/globals';
import { ByteBuffer, FrameBudget } from './byte-buffer.js';
import { LoopLag } from './loop-lag.js';

describe('ByteBuffer', () => {
  test('keeps what was appended and not dropped, whatever the order', () => {
    const buffer = new ByteBuffer(1_000_000);
    let expected = Buffer.alloc(0);
    for (let round = 1; round < 400; round += 1) {
      const chunk = Buffer.alloc((round * 7_919) % 3_000, round);
      buffer.append(chunk);
      expected = Buffer.concat([expected, chunk]);
      const count = (round * 104_729) % (expected.length + 1);
      if (round % 3 === 0) {
        buffer.drop(count);
        expected = expected.subarray(count);
      }
      expect(buffer.view().equals(expected)).toBe(true);
      expect(buffer.length).toBe(expected.length);
    }
  });

  test('takes no more memory than its limit, and twice what it needs at most', () => {
    const buffer = new ByteBuffer(200_000);
    for (let count = 0; count < 100; count += 1) buffer.append(Buffer.alloc(2_000));
    expect(buffer.capacity).toBe(200_000);
    expect(() => buffer.append(Buffer.alloc(1))).toThrow('bug');
    expect(() => buffer.drop(200_001)).toThrow('bug');
    buffer.drop(199_999);
    buffer.append(Buffer.alloc(150_000));
    expect(buffer.capacity).toBe(200_000);
    buffer.release();
    expect([buffer.length, buffer.capacity]).toEqual([0, 0]);
  });
  test('of a large store what was written counts, half a megabyte at a time', () => {
    const buffer = new ByteBuffer(16 * 1_048_576);
    const capacities = Array.from({ length: 5 }, () => {
      buffer.append(Buffer.alloc(393_216));
      return buffer.capacity / 524_288;
    });
    expect(capacities).toEqual([0.75, 2, 3, 3, 4]);
    buffer.drop(1_900_000);
    buffer.append(Buffer.alloc(100_000));
    expect([buffer.length, buffer.capacity]).toEqual([166_080, 4 * 524_288]);
  });
});

describe('FrameBudget', () => {
  test('drops the largest holder, as often as it takes', () => {
    const dropped: string[] = [];
    const holder = (name: string) => ({ drop: () => void dropped.push(name) });
    const [a, b, c] = [holder('a'), holder('b'), holder('c')];
    const budget = new FrameBudget(100);
    budget.claim(a, 60);
    budget.claim(b, 40);
    expect(dropped).toEqual([]);
    budget.claim(b, 41);
    expect([dropped, budget.totalBytes]).toEqual([['a'], 41]);
    budget.claim(c, 101);
    expect([dropped, budget.totalBytes]).toEqual([['a', 'c'], 41]);
    budget.claim(b, 0);
    budget.claim(a, 0);
    expect(budget.totalBytes).toBe(0);
  });
});

describe('LoopLag', () => {
  test('remembers that the loop stood still, and since when that counts', () => {
    let nowMs = 0;
    const lag = new LoopLag(() => nowMs);
    lag.enter();
    expect(lag.laggedSince(0)).toBe(false);
    nowMs = 600;
    expect(lag.laggedSince(0)).toBe(false);
    nowMs = 1_201;
    expect(lag.laggedSince(700)).toBe(true);
    expect(lag.laggedSince(1_201)).toBe(true);
    expect(lag.laggedSince(1_202)).toBe(false);
    lag.leave();
    // What passed while nothing was probed is no lag.
    nowMs = 9_000;
    lag.enter();
    expect(lag.laggedSince(8_000)).toBe(false);
    lag.leave();
  });
});
