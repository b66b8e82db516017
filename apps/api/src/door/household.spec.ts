import { expect, test } from '@jest/globals';
import { householdOf } from './household.js';

test.each([
  ['192.0.2.7', '192.0.2.7'],
  ['::ffff:192.0.2.7', '192.0.2.7'],
  ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
  ['2001:db8:1:2:ffff::1', '2001:db8:1:2::/64'],
  ['2001:db8:1:3::1', '2001:db8:1:3::/64'],
  ['nonsense', 'nonsense'],
])('%s is counted as %s (RATE-1)', (address, expected) => {
  expect(householdOf(address)).toBe(expected);
});
