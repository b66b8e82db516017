import { describe, expect, test } from '@jest/globals';
import { headerOf, HeadReader, type HeadStep } from './http-head.js';

/** Reads an answer in chunks of a size; the body is what is left over. */
function read(text: string, size = text.length): { step: HeadStep; body: string } {
  const reader = new HeadReader();
  const bytes = Buffer.from(text, 'latin1');
  for (let at = 0; at < bytes.length; at += size) {
    const step = reader.push(bytes.subarray(at, at + size));
    if (step.kind === 'more') continue;
    const rest = step.kind === 'head' ? Buffer.concat([...step.body, bytes.subarray(at + size)]) : Buffer.alloc(0);
    return { step, body: rest.toString('latin1') };
  }
  return { step: { kind: 'more' }, body: '' };
}

const EVERY_CUT = [1, 2, 3, 7, 64, 5_000, 100_000];

function headOf(text: string) {
  const read1 = EVERY_CUT.map((size) => read(text, size));
  const [first] = read1;
  for (const one of read1) expect([one.step.kind, one.body]).toEqual([first?.step.kind, first?.body]);
  if (first?.step.kind !== 'head') throw new Error(`no head: ${JSON.stringify(first?.step)}`);
  return { ...first.step.head, body: first.body };
}

describe('HeadReader (SSRF-8)', () => {
  test('reads status and headers, for every chunking', () => {
    const head = headOf('HTTP/1.1 200 OK\r\nContent-Type: image/jpeg\r\nA: 1\r\na: 2\r\n\r\nbody\r\n\r\n');
    expect(head.status).toBe(200);
    expect(head.headers.get('a')).toEqual(['1', '2']);
    expect(headerOf(head, 'content-type')).toBe('image/jpeg');
    expect(head.body).toBe('body\r\n\r\n');
  });

  test.each<[string, string, number]>([
    ['ICY', 'ICY 200 OK\r\n\r\n', 200],
    ['lower case', 'http/1.0 404 Nope\r\n\r\n', 404],
    ['no reason', 'HTTP/1.1 200\r\n\r\n', 200],
    ['several blanks', 'HTTP/1.1   503   Busy\r\n\r\n', 503],
    ['LF alone', 'HTTP/1.1 401 X\nA: b\n\n', 401],
    ['mixed line ends', 'HTTP/1.1 401 X\nA: b\r\n\n', 401],
    ['blank lines before it', '\r\n\r\nHTTP/1.1 200 OK\r\n\r\n', 200],
    [
      'interim answers',
      'HTTP/1.1 100 Continue\r\n\r\n\r\nHTTP/1.1 103 Hints\r\nA: b\r\n\r\nHTTP/1.1 206 OK\r\n\r\n',
      206,
    ],
  ])('%s', (_, text, status) => {
    expect(headOf(`${text}body`)).toMatchObject({ status, body: 'body' });
  });

  test('headers as cameras write them', () => {
    const head = headOf(
      'HTTP/1.1 200 OK\r\nThu Jan 01 1970\r\n: nameless\r\nServer : c\xe4m\x01\r\n\t folded\r\nX-Tags:\r\nY:a:b\r\n orphan\r\n\r\n',
    );
    expect([...head.headers]).toEqual([
      ['server', ['c\xe4m\x01 folded']],
      ['x-tags', ['']],
      ['y', ['a:b orphan']],
    ]);
  });

  test.each<[string, string]>([
    ['a picture', '\xff\xd8\xff\xe0 picture'],
    ['a delimiter', '--myboundary\r\n'],
  ])('no head at all: %s at once', (_, text) => {
    expect(headOf(text)).toMatchObject({ status: 200, body: text });
    expect(headOf(`\r\n${text}`)).toMatchObject({ status: 200, body: text });
  });

  test.each<[string, string]>([
    ['SSH', 'SSH-2.0-x\r\n'],
    ['RTSP', 'RTSP/1.0 200 OK\r\n\r\n'],
    ['TLS', '\x15\x03\x01\0\x02'],
    ['no status', 'HTTP/1.1 OK\r\n\r\n'],
    ['a status of four digits', 'HTTP/1.1 2000 OK\r\n\r\n'],
    ['a status below 100', 'HTTP/1.1 099 OK\r\n\r\n'],
    ['five line ends first', '\n\n\n\n\nHTTP/1.1 200 OK\r\n\r\n'],
    ['six interim answers', 'HTTP/1.1 100 C\r\n\r\n'.repeat(6)],
    ['101 lines', `HTTP/1.1 200 OK\r\n${'A: b\r\n'.repeat(100)}\r\n`],
    ['a line without end', `HTTP/1.1 200 OK\r\nA: ${'b'.repeat(66_000)}`],
    ['66 KB of lines', `HTTP/1.1 200 OK\r\n${`A: ${'b'.repeat(1_000)}\r\n`.repeat(66)}\r\n`],
  ])('refuses %s', (_, text) => {
    for (const size of EVERY_CUT) expect(read(text, size).step.kind).toBe('fault');
  });

  test('waits for what may still come', () => {
    for (const text of ['H', 'http', 'IC', '-', '\xff\xd8', '\r\n', 'HTTP/1.1 200 OK\r\nA: b\r\n']) {
      expect(read(text, 1).step.kind).toBe('more');
    }
    expect(headOf(`HTTP/1.1 200 OK\r\n${'A: b\r\n'.repeat(99)}\r\n`).headers.get('a')).toHaveLength(99);
  });
});
