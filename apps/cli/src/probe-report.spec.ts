import { describe, expect, test } from '@jest/globals';
import { scrubbed } from './probe-report.js';

describe('CRED-7: an address as it is told', () => {
  test.each([
    ['http://cam/', 'http://cam/'],
    ['http://cam/?resolution=640x480&fps=1', 'http://cam/?resolution=640x480&fps=1'],
    ['http://cam/?user=a&pwd=s3cret&fps=1', 'http://cam/?user=a&pwd=***&fps=1'],
    ['http://cam/?PASSWORD=s3cret', 'http://cam/?PASSWORD=***'],
    ['http://cam/?authToken=s3=cr&x=1', 'http://cam/?authToken=***&x=1'],
    ['http://cam/?x=1?pwd=s3?cret', 'http://cam/?x=1?pwd=***'],
    ['http://cam/a&key=s3cret', 'http://cam/a&key=***'],
    ['http://keypass.example/?x=1', 'http://keypass.example/?x=1'],
    ['http://cam/?pwd', 'http://cam/?pwd'],
  ])('%s: %s', (url, told) => expect(scrubbed(url)).toBe(told));
});
