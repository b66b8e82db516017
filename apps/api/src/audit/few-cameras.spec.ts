import { expect, test } from '@jest/globals';
import { FewCameras } from './few-cameras.js';

test('AUD-1: whoever goes through many cameras names a few of them an hour, in each authority', () => {
  let now = 0;
  const few = new FewCameras(() => now);
  const named = (principal: string, authority: string): number =>
    Array.from({ length: 100 }, (_, i) => few.isNamed(principal, authority, `camera ${i}`)).filter(Boolean).length;
  expect([named('a', 'wrb'), named('a', 'wrb'), named('a', 'park'), named('b', 'wrb')]).toEqual([10, 10, 10, 10]);
  expect(few.isNamed('a', 'wrb', 'camera 99')).toBe(false);
  now = 3_600_000;
  expect(few.isNamed('a', 'wrb', 'camera 99')).toBe(true);
});

test('AUD-1: of a flood of principals no more is remembered than of a thousand', () => {
  const few = new FewCameras(() => 0);
  const named = Array.from({ length: 2_000 }, (_, i) => few.isNamed(`key:${i}`, 'wrb', 'camera'));
  expect(named.filter(Boolean)).toHaveLength(1_000);
  expect(few.isNamed('key:0', 'wrb', 'another')).toBe(true);
});
