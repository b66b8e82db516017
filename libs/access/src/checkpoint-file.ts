import { createReadStream, existsSync } from 'node:fs';
import { mkdir, open } from 'node:fs/promises';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { type Checkpoint, readCheckpoint } from './checkpoint.js';

/** A line of the file. */
export interface CheckpointLine {
  /** The first is 1. */
  readonly number: number;
  /** null: the line is no checkpoint. */
  readonly checkpoint: Checkpoint | null;
}

/** Keeps checkpoints outside of the database, a line each (AUD-3). They are no secret; whoever can change them is to be another than who can change the database. */
export class CheckpointFile {
  constructor(readonly name: string) {}

  get exists(): boolean {
    return existsSync(this.name);
  }

  /** Adds a line, and lets it reach the disk. */
  async append(checkpoint: Checkpoint): Promise<void> {
    await mkdir(path.dirname(this.name), { recursive: true });
    const file = await open(this.name, 'a+');
    try {
      const { size } = await file.stat();
      const { buffer, bytesRead } = await file.read({ buffer: Buffer.alloc(1), position: Math.max(0, size - 1) });
      // A line that was cut off by a full disk must not spoil the next one too.
      const begin = bytesRead === 0 || buffer.toString() === '\n' ? '' : '\n';
      await file.appendFile(`${begin}${JSON.stringify(checkpoint)}\n`);
      await file.sync();
    } finally {
      await file.close();
    }
  }

  /** Every line that is not empty. */
  async *lines(): AsyncGenerator<CheckpointLine> {
    let number = 0;
    for await (const line of createInterface({ input: createReadStream(this.name), crlfDelay: Infinity })) {
      number += 1;
      if (line.trim() !== '') yield { number, checkpoint: readCheckpoint(line) };
    }
  }

  /** When the last checkpoint of a registry was made, Unix time, milliseconds; null without one. */
  async lastAt(registry: string): Promise<number | null> {
    if (!this.exists) return null;
    let last: number | null = null;
    for await (const { checkpoint } of this.lines()) {
      if (checkpoint?.registry === registry) last = Date.parse(checkpoint.at);
    }
    return last;
  }
}
