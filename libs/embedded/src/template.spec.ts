import { describe, expect, test } from '@jest/globals';
import { entriesOf } from './template.js';

/** One entry of a POSIX ustar, as far as the reader looks. */
function entry(name: string, content: string | null): Buffer {
  const header = Buffer.alloc(512);
  header.write(name, 0);
  header.write(
    Buffer.byteLength(content ?? '')
      .toString(8)
      .padStart(11, '0'),
    124,
  );
  header.write(content === null ? '5' : '0', 156);
  const body = Buffer.alloc(Math.ceil(Buffer.byteLength(content ?? '') / 512) * 512);
  body.write(content ?? '');
  return Buffer.concat([header, body]);
}
const end = Buffer.alloc(1024);
const read = (tar: Buffer): unknown[] =>
  [...entriesOf(tar)].map(({ name, content }) => [name, content?.toString() ?? null]);

describe('a template', () => {
  test('is folders and files of any length', () => {
    const files = [
      ['/base', null],
      ['/base/empty', ''],
      ['/base/one', 'x'],
      ['/base/block', 'y'.repeat(512)],
      ['/base/more', 'z'.repeat(513)],
    ] as const;
    const tar = Buffer.concat([...files.map(([name, content]) => entry(name, content)), end]);
    expect(read(tar)).toEqual(files.map((file) => [...file]));
  });

  test('that was cut off is refused', () => {
    const tar = entry('/base/block', 'y'.repeat(2000));
    expect(() => read(tar.subarray(0, 1024))).toThrow('the tar ends in the middle of a file');
  });
});
