import { describe, expect, test } from '@jest/globals';
import { chores } from './upkeep.js';

const MB = 2 ** 20;
const MINUTE = 60_000;
const done = { checkpoint: { atMs: 0, logBytes: 100 * MB }, vacuum: { atMs: 0, logBytes: 100 * MB } };

describe('upkeep', () => {
  test.each([
    ['nothing was written, for ever', 1e9, 100 * MB, []],
    ['little was written just now', 1_000, 101 * MB, []],
    ['a little, a minute ago', MINUTE, 100 * MB + 1, ['vacuum']],
    ['a little, five minutes ago', 5 * MINUTE, 100 * MB + 1, ['vacuum', 'checkpoint']],
    ['much at once', 1_000, 132 * MB, ['checkpoint']],
    ['very much at once', 1_000, 164 * MB, ['vacuum', 'checkpoint']],
  ])('when %s', (_, nowMs, logBytes, due) => expect(chores(done, nowMs, logBytes)).toEqual(due));

  test('each chore counts from its own last time', () => {
    const later = { ...done, vacuum: { atMs: 4 * MINUTE, logBytes: 110 * MB } };
    expect(chores(later, 5 * MINUTE - 1, 110 * MB)).toEqual([]);
    expect(chores(later, 5 * MINUTE, 110 * MB)).toEqual(['checkpoint']);
  });
});
