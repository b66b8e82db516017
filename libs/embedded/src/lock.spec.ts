import { describe, expect, test } from '@jest/globals';
import { hostname } from 'node:os';
import { DataDirectoryInUse, judge } from './lock.js';
import type { Holder } from './lock.js';

const holder: Holder = {
  pid: 4711,
  since: '2026-05-01T08:00:00.000Z',
  host: hostname(),
  place: 'here/boot/pid:[1]',
  birth: '1000',
  nonce: 'n',
};

describe('the holder of a lock', () => {
  test.each([
    ['has the pid and the birth', 'here/boot/pid:[1]', '1000', 'alive'],
    ['is no more', 'here/boot/pid:[1]', undefined, 'dead'],
    ['had a pid that another process has now', 'here/boot/pid:[1]', '2000', 'dead'],
    ['lives where births are not told', 'here/boot/pid:[1]', null, 'alive'],
    ['is in another container', 'here/boot/pid:[2]', '1000', 'unknown'],
    ['ran before the last boot, or on a host of the same name', 'here/other/pid:[1]', undefined, 'unknown'],
  ] as const)('%s', (_, place, birth, verdict) => expect(judge(holder, place, () => birth)).toBe(verdict));

  test('is asked for by its pid', () => {
    const asked: number[] = [];
    judge(holder, holder.place, (pid) => {
      asked.push(pid);
      return null;
    });
    expect(asked).toEqual([4711]);
  });
});

describe('a refusal', () => {
  test.each([
    [holder, 'The embedded database in /d/database is in use by process 4711 since 2026-05-01T08:00:00.000Z.'],
    [
      { ...holder, host: 'elsewhere' },
      'The embedded database in /d/database is in use by process 4711 on elsewhere since 2026-05-01T08:00:00.000Z.',
    ],
    [null, 'The embedded database in /d/database is in use by another process.'],
  ])('is one sentence', (who, sentence) => {
    expect(new DataDirectoryInUse('/d/database', who)).toMatchObject({ message: sentence, name: 'DataDirectoryInUse' });
  });
});
