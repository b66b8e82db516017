import { type FileHandle, open } from 'node:fs/promises';
import type { RandomAccess } from '#intake';

/** A file to be read here and there; who opens it closes it. */
export class OpenFile implements RandomAccess {
  private constructor(
    private readonly handle: FileHandle,
    readonly size: number,
  ) {}

  static async open(path: string): Promise<OpenFile> {
    const handle = await open(path);
    return new OpenFile(handle, (await handle.stat()).size);
  }

  async read(offset: number, length: number): Promise<Uint8Array> {
    const bytes = Buffer.alloc(length);
    let read = 0;
    // A large read may come in parts.
    while (read < length) {
      const { bytesRead } = await this.handle.read(bytes, read, length - read, offset + read);
      if (bytesRead === 0) break;
      read += bytesRead;
    }
    return bytes.subarray(0, read);
  }

  close(): Promise<void> {
    return this.handle.close();
  }
}
