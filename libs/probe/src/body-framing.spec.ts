import { describe, expect, test } from '@jest/globals';
import { ChunkedBody, planBody } from './body-framing.js';

const plan = (headers: Readonly<Record<string, readonly string[]>>) =>
  planBody({ status: 200, isPersistent: true, headers: new Map(Object.entries(headers)) });

describe('planBody', () => {
  test.each<[string, readonly string[], number | null]>([
    ['a number', ['123'], 123],
    ['doubled, the same', ['5', '5'], 5],
    ['doubled in one line', ['5, 5'], 5],
    ['conflicting', ['5', '6'], null],
    ['negative', ['-1'], null],
    ['no number', ['many'], null],
    ['longer than numbers are', ['9'.repeat(30)], null],
    ['absent', [], null],
  ])('a length that is %s', (_, values, expected) => {
    expect(plan({ 'content-length': values }).lengthBytes).toBe(expected);
  });

  test('codings', () => {
    expect(plan({ 'transfer-encoding': ['Chunked'] })).toMatchObject({ isChunked: true, foreignCoding: null });
    expect(plan({ 'transfer-encoding': ['gzip, chunked'] })).toMatchObject({ isChunked: true, foreignCoding: 'gzip' });
    expect(plan({ 'content-encoding': ['identity'] }).foreignCoding).toBeNull();
    expect(plan({ 'content-encoding': [''] }).foreignCoding).toBeNull();
    expect(plan({ 'content-encoding': ['br'] }).foreignCoding).toBe('br');
  });
});

describe('ChunkedBody', () => {
  /** The body for every way to cut what comes, which must not matter. */
  function bodyOf(text: string): { body: string; isOver: boolean; isBroken: boolean } {
    const bytes = Buffer.from(text, 'latin1');
    const results = Array.from({ length: bytes.length }, (_, cut) => [bytes.subarray(0, cut), bytes.subarray(cut)])
      .concat([Array.from(bytes, (byte) => Buffer.from([byte]))])
      .map((chunks) => {
        const chunked = new ChunkedBody();
        const body = Buffer.concat(chunks.flatMap((chunk) => chunked.push(chunk))).toString('latin1');
        return { body, isOver: chunked.isOver, isBroken: chunked.isBroken };
      });
    const [first] = results;
    if (first === undefined) throw new Error('bug: no result');
    for (const result of results) expect(result).toEqual(first);
    return first;
  }

  test.each<[string, string, string]>([
    ['as the standard has it', '3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n', 'abcde'],
    ['line ends of LF', '3\nabc\n2\nde\n0\n\n', 'abcde'],
    [
      'leading zeros, capitals, extensions, blanks',
      '0003;a=b\r\nabc\r\n A ;x\r\n0123456789\r\n000\r\n',
      'abc0123456789',
    ],
    ['no line end behind the data', '3\r\nabc2\r\nde0\r\n', 'abcde'],
    ['what follows the last chunk is ignored', '1\r\na\r\n0\r\nTrailer: x\r\n\r\n\xff\xd8\xff', 'a'],
  ])('%s', (_, text, body) => {
    expect(bodyOf(text)).toEqual({ body, isOver: true, isBroken: false });
  });

  test.each<[string, string, boolean]>([
    ['ends with an empty line', '1\r\na\r\n0\r\n\r\n', true],
    ['ends with trailers', '1\r\na\r\n0\r\nTrailer: x\r\n\r\n', true],
    ['is to be followed by an empty line yet', '1\r\na\r\n0\r\n', false],
    ['is to be followed by trailers yet', '1\r\na\r\n0\r\nTrailer: x\r\n', false],
    ['goes on', '1\r\na\r\n0\r\n\r\nx', false],
    ['has trailers without end', `1\r\na\r\n0\r\n${'x'.repeat(1_100)}`, false],
  ])('whether another answer may follow: one that %s', (_, text, isAtEnd) => {
    for (let cut = 0; cut <= text.length; cut += 1) {
      const chunked = new ChunkedBody();
      for (const part of [text.slice(0, cut), text.slice(cut)]) chunked.push(Buffer.from(part, 'latin1'));
      expect([chunked.isOver, chunked.isAtEnd]).toEqual([true, isAtEnd]);
    }
  });

  test('without a last chunk everything that came is body', () => {
    expect(bodyOf('3\r\nabc\r\nff\r\nde')).toEqual({ body: 'abcde', isOver: false, isBroken: false });
  });

  test.each(['\xff\xd8\xff picture', '--myboundary\r\n'])('declared chunked, and is not: %j', (text) => {
    expect(bodyOf(text)).toEqual({ body: text, isOver: false, isBroken: false });
    expect(bodyOf(`\r\n${text}`).body).toBe(text);
  });

  test.each<[string, string]>([
    ['no size', '3\r\nabc\r\nworld\r\n'],
    ['a size beyond all sizes', '1234567890abc\r\nx'],
    ['a size line without end', `1;${'x'.repeat(1_100)}`],
    ['an extension without a size', '3\r\nabc\r\n;x\r\n'],
  ])('broken: %s', (_, text) => {
    expect(bodyOf(text).isBroken).toBe(true);
  });
});
