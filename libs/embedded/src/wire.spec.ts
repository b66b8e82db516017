import { describe, expect, test } from '@jest/globals';
import {
  ClientReader,
  errorResponse,
  letterOf,
  message,
  openingOf,
  query,
  ready,
  ReplyReader,
  rowsOf,
  sqlOf,
  statementNameOf,
  welcome,
  withStatementName,
} from './wire.js';
import type { Reply } from './wire.js';

const startup = (code: number): Buffer => {
  const bytes = Buffer.alloc(8);
  bytes.writeInt32BE(8, 0);
  bytes.writeInt32BE(code, 4);
  return bytes;
};
const parse = (name: string, sql: string): Buffer => message('P', name, sql, Buffer.from([0, 0]));
const bind = (portal: string, name: string): Buffer => message('B', portal, name, Buffer.alloc(6));
const row = (...columns: readonly (string | null)[]): Buffer => {
  const count = Buffer.alloc(2);
  count.writeInt16BE(columns.length);
  const fields = columns.flatMap((column) => {
    const length = Buffer.alloc(4);
    length.writeInt32BE(column === null ? -1 : Buffer.byteLength(column));
    return column === null ? [length] : [length, Buffer.from(column)];
  });
  return message('D', count, ...fields);
};
const notification = (channel: string): Buffer => message('A', Buffer.from([0, 0, 0, 1]), channel, 'payload');
const inPiecesOf = (bytes: Buffer, size: number): Buffer[] =>
  Array.from({ length: Math.ceil(bytes.length / size) }, (_, i) => bytes.subarray(i * size, (i + 1) * size));

describe('a client’s bytes', () => {
  const sent = [query('select 1'), parse('a', 'select 2'), message('S'), query('x'.repeat(50_000))];

  test.each([1, 3, 7, 4096, 1_000_000])('are cut into messages when they come %i at a time', (size) => {
    const reader = new ClientReader();
    const got: Buffer[] = [];
    for (const piece of inPiecesOf(Buffer.concat([startup(196608), ...sent]), size)) {
      reader.push(piece);
      for (let next = reader.next(); next !== null; next = reader.next()) {
        if (got.push(Buffer.from(next)) === 1) reader.introduced();
      }
    }
    expect(got).toEqual([startup(196608), ...sent]);
  });

  test('a length that cannot be is an error, not a loop', () => {
    const reader = new ClientReader();
    reader.introduced();
    reader.push(Buffer.from([0x51, 0, 0, 0, 0]));
    expect(() => reader.next()).toThrow('a message says it has 0 bytes');
  });

  test.each([
    [196608, 'startup'],
    [196610, 'startup'], // protocol 3.2, as libpq 18 asks for
    [80877103, 'encryption'],
    [80877104, 'encryption'],
    [80877102, 'cancel'],
  ] as const)('code %i opens with %s', (code, opening) => expect(openingOf(startup(code))).toBe(opening));
});

describe('prepared statements', () => {
  test.each([
    ['Parse', parse('q', 'select 1'), 'q'],
    ['Parse, unnamed', parse('', 'select 1'), ''],
    ['Bind', bind('portal', 'q'), 'q'],
    ['Describe', message('D', Buffer.from('S'), 'q'), 'q'],
    ['Describe of a portal', message('D', Buffer.from('P'), 'q'), null],
    ['Close', message('C', Buffer.from('S'), 'q'), 'q'],
    ['Execute', message('E', 'q', Buffer.alloc(4)), null],
    ['Query', query('q'), null],
  ])('%s names its statement', (_, sent, name) => expect(statementNameOf(sent)).toBe(name));

  test('get another name, and nothing else changes', () => {
    expect(withStatementName(parse('q', 'select 1'), 'c1_12')).toEqual(parse('c1_12', 'select 1'));
    expect(withStatementName(bind('portal', 'größer'), 'c1_1')).toEqual(bind('portal', 'c1_1'));
    expect(withStatementName(message('C', Buffer.from('S'), 'q'), 'c2_1')).toEqual(
      message('C', Buffer.from('S'), 'c2_1'),
    );
    expect(withStatementName(message('S'), 'c')).toEqual(message('S'));
  });

  test('carry their SQL', () => {
    expect([query('select 1'), parse('q', 'select 2'), message('S')].map(sqlOf)).toEqual([
      'select 1',
      'select 2',
      null,
    ]);
  });
});

describe('a server’s reply', () => {
  const done = message('C', 'SELECT 2');
  const rows = Buffer.concat([row('a'), row('x'.repeat(20_000))]);

  /** Bytes joined, as they may come in any pieces. */
  const read = (reply: Buffer, size: number): Reply[] => {
    const reader = new ReplyReader();
    const all = inPiecesOf(reply, size).flatMap((piece) => reader.read(piece));
    return all.reduce<Reply[]>((joined, next) => {
      const before = joined.at(-1);
      if (before?.kind !== 'bytes' || next.kind !== 'bytes') return [...joined, next];
      return [...joined.slice(0, -1), { kind: 'bytes', bytes: Buffer.concat([before.bytes, next.bytes]) }];
    }, []);
  };

  test.each([1, 2, 5, 6, 4096, 1_000_000])('is understood when it comes %i bytes at a time', (size) => {
    const replies = read(Buffer.concat([rows, done, notification('camera'), ready('T'), ready('I')]), size);
    expect(Buffer.concat(replies.flatMap((each) => (each.kind === 'bytes' ? [each.bytes] : [])))).toEqual(
      Buffer.concat([rows, done]),
    );
    expect(replies.filter(({ kind }) => kind !== 'bytes')).toEqual([
      { kind: 'done', tag: 'SELECT 2' },
      { kind: 'notification', channel: 'camera', message: notification('camera') },
      { kind: 'ready', status: 'T' },
      { kind: 'ready', status: 'I' },
    ]);
  });

  test('a large row passes piece by piece', () => {
    const [piece] = inPiecesOf(row('x'.repeat(100_000)), 1000);
    expect(new ReplyReader().read(piece!)).toEqual([{ kind: 'bytes', bytes: piece }]);
  });

  test('says where the words stand that the client gets before a notification', () => {
    const replies = read(Buffer.concat([row('a'), notification('x'), row('b')]), 1_000_000);
    expect(replies.map(({ kind }) => kind)).toEqual(['bytes', 'notification', 'bytes']);
  });

  test('ends the session when FATAL, not when ERROR', () => {
    const fatal = read(errorResponse('FATAL', '57P01', 'the end'), 10);
    expect(fatal).toContainEqual({ kind: 'fatal', text: 'the end' });
    expect(read(errorResponse('ERROR', '22012', 'division by zero'), 10).map(({ kind }) => kind)).toEqual(['bytes']);
  });

  test('tells of COPY, and passes it on', () => {
    const copyIn = message('G', Buffer.from([0, 0, 0]));
    expect(new ReplyReader().read(copyIn)).toEqual([{ kind: 'copy in' }, { kind: 'bytes', bytes: copyIn }]);
  });
});

describe('our own statements', () => {
  test('answer with rows', () => {
    const reply = Buffer.concat([row('a', null), row('', 'ü'), message('C', 'SELECT 2'), ready('I')]);
    expect(rowsOf(reply)).toEqual([
      ['a', null],
      ['', 'ü'],
    ]);
  });

  test('throw what the server says', () => {
    expect(() => rowsOf(Buffer.concat([errorResponse('ERROR', '42P01', 'no such table'), ready('I')]))).toThrow(
      'PostgreSQL refuses: no such table',
    );
  });
});

test('the welcome lets in, names the settings, and is ready', () => {
  const letters: string[] = [];
  const bytes = welcome({ TimeZone: 'UTC', server_version: '18.3' }, 7, 1);
  for (let at = 0; at < bytes.length; at += 1 + bytes.readInt32BE(at + 1)) letters.push(letterOf(bytes.subarray(at)));
  expect(letters.join('')).toBe('RSSKZ');
  expect(bytes.includes('TimeZone\0UTC\0')).toBe(true);
});
