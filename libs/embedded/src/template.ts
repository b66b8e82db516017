import { mkdir, open, readFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';

/** An entry of a tar: a folder has no content. */
export interface Entry {
  readonly name: string;
  readonly content: Buffer | null;
}

const BLOCK = 512;
const AT_ONCE = 32;

/** Folders and files of a POSIX ustar, such as PGlite dumps: names below 100 bytes, no links. */
export function* entriesOf(tar: Buffer): Generator<Entry> {
  const text = (at: number, length: number): string => tar.toString('utf8', at, at + length).split('\0')[0]!;
  for (let at = 0; at + BLOCK <= tar.length && tar[at] !== 0;) {
    const size = Number.parseInt(text(at + 124, 12), 8) || 0;
    const isFolder = text(at + 156, 1) === '5';
    const content = at + BLOCK;
    if (content + size > tar.length) throw new Error('the tar ends in the middle of a file');
    yield { name: text(at, 100), content: isFolder ? null : tar.subarray(content, content + size) };
    at = content + Math.ceil(size / BLOCK) * BLOCK;
  }
}

/** Unpacks the template of an empty database into a folder of its own; when it resolves all is on the disk. */
export async function unpack(template: string, directory: string): Promise<void> {
  const entries = [...entriesOf(await promisify(gunzip)(await readFile(template)))];
  for (const { name, content } of entries) {
    if (content === null) await mkdir(path.join(directory, name), { recursive: true, mode: 0o700 });
  }
  const files = entries.filter(({ content }) => content !== null);
  const writers = Array.from({ length: AT_ONCE }, async () => {
    for (let file = files.pop(); file !== undefined; file = files.pop()) await write(directory, file);
  });
  await Promise.all(writers);
}

async function write(directory: string, { name, content }: Entry): Promise<void> {
  const file = await open(path.join(directory, name), 'w', 0o600);
  try {
    await file.writeFile(content ?? '');
    await file.datasync();
  } finally {
    await file.close();
  }
}
