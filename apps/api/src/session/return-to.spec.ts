import { expect, test } from '@jest/globals';
import { ownPath } from './return-to.js';

/** AUTHN-5: whatever a link says, a sign-in ends on a page of ours. */
test.each([
  ['/', '/'],
  ['/wall?city=Tainan&q=a%20b#top', '/wall?city=Tainan&q=a%20b#top'],
  ['/a/../b', '/b'],
  ['/https://evil.example', '/https://evil.example'],
  ['/@evil.example', '/@evil.example'],
])('%s leads to %s', (text, path) => {
  expect(ownPath(text)).toBe(path);
});

test.each([
  '',
  'wall',
  '//evil.example',
  '///evil.example',
  '/\\evil.example',
  '\\\\evil.example',
  '/.//evil.example',
  '/a/..//evil.example',
  '/\t/evil.example',
  '/\n/evil.example',
  '/ /evil.example',
  'https://evil.example/',
  'javascript:alert(1)',
  '/林',
  `/${'x'.repeat(1_024)}`,
])('%j leads nowhere', (text) => {
  expect(ownPath(text)).toBeNull();
});
