import { createHash, randomBytes } from 'node:crypto';
import { mkdir, readFile, rename, stat, statfs, unlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { FramesUnavailable } from '#catalog';
import {
  type FrameStore,
  isKey,
  keyOf,
  STORED_KINDS,
  type StoredKind,
  StoreFull,
  SWEEP_BATCH,
  type SweepOptions,
} from './frame-store.js';
import { ifThere, type StoredFile, storedFiles, systemCode, temporaryName, unavailable } from './stored-files.js';

const DEFAULT_SHARE_OF_VOLUME = 0.2;
/** From here on no more frames: the rest is for heights (reliability.md, "disk full"). */
const FRAME_SHARE = 0.95;
/** While full, others may make room (a person, another process): looked at this often, so that room is used within 30 s. */
const RECOUNT_MS = 10_000;

/**
 * Pictures as files `frame/ab/cd…` below one directory, for one machine.
 *
 * A file is written under a temporary name beside its place and renamed, so that its name never stands for half of it,
 * whoever is killed when. It is not flushed to the disk: a power cut may leave a name with other bytes or none, `get`
 * finds that out by the hash that the name is, and the next probe brings a newer picture anyway. Two flushes a probe
 * would cost more than everything else that a probe does on a disk.
 */
export class DirectoryStore implements FrameStore {
  readonly #directory: string;
  readonly #budgetBytes: number;
  readonly #log: (message: string) => void;
  /** One thing at a time is done with a key: what is put while a sweep looks at it stays. */
  readonly #busy = new Map<string, Promise<unknown>>();
  #bytes = 0;
  /** Promised to what is being written. */
  #reserved = 0;
  /** Ever put, for counts that take a while. */
  #added = 0;
  #countedAtMs = 0;
  #counting: Promise<unknown> | null = null;
  #isFull = false;

  private constructor(directory: string, budgetBytes: number, log: (message: string) => void) {
    this.#directory = directory;
    this.#budgetBytes = budgetBytes;
    this.#log = log;
  }

  /**
   * Makes the directory where it is missing, removes old temporary files and counts what is there.
   * @param options.budgetBytes held at most; default 20 % of the volume that the directory lies on
   * @param options.log told of damaged files, and when the store becomes full and has room again
   * @throws FramesUnavailable where the directory cannot be read and written
   */
  static async open(options: {
    directory: string;
    budgetBytes?: number;
    log?: (message: string) => void;
  }): Promise<DirectoryStore> {
    const directory = path.resolve(options.directory);
    try {
      for (const kind of STORED_KINDS) await mkdir(path.join(directory, kind), { recursive: true, mode: 0o700 });
      const budgetBytes = options.budgetBytes ?? (await shareOfVolume(directory));
      const store = new DirectoryStore(directory, budgetBytes, options.log ?? (() => undefined));
      await store.#count();
      return store;
    } catch (cause) {
      throw cause instanceof FramesUnavailable ? cause : unavailable(cause);
    }
  }

  /** Bytes held, as far as this process knows. */
  get bytes(): number {
    return this.#bytes;
  }

  async put(kind: StoredKind, bytes: Buffer): Promise<string> {
    const key = keyOf(kind, bytes);
    await this.#alone(key, async () => {
      const growth = bytes.length - (await this.#sizeOf(key));
      await this.#takeRoom(kind, growth);
      try {
        // Written even where it is there: that makes it young, and heals what a power cut has damaged.
        await writeWhole(this.#pathOf(key), bytes);
      } catch (cause) {
        throw this.#fullOrUnavailable(cause);
      } finally {
        this.#reserved -= growth;
      }
      this.#bytes += growth;
      this.#added += growth;
      if (kind === 'frame') this.#tell(false);
    });
    return key;
  }

  async get(key: string): Promise<Buffer | null> {
    if (!isKey(key)) return null;
    const bytes = await ifThere(readFile(this.#pathOf(key)));
    if (bytes === null || isNamedBy(key, bytes)) return bytes;
    await this.#alone(key, async () => {
      // Somebody may have put it anew meanwhile.
      const again = await ifThere(readFile(this.#pathOf(key)));
      if (again === null || isNamedBy(key, again)) return;
      this.#log(`${key} holds other bytes than its name says (${again.length} of them); removed`);
      await this.#remove(key);
    });
    return null;
  }

  async delete(key: string): Promise<void> {
    if (isKey(key)) await this.#alone(key, () => this.#remove(key));
  }

  get fullness(): number {
    return (this.#bytes + this.#reserved) / this.#budgetBytes;
  }

  async sweep(options: SweepOptions): Promise<{ kept: number; removed: number; bytes: number }> {
    const sinceMs = Date.now() - options.graceS * 1_000;
    const addedBefore = this.#added;
    let kept = 0;
    let removed = 0;
    let bytes = 0;
    const keep = (file: StoredFile): void => {
      kept += 1;
      bytes += file.bytes;
    };
    const judge = async (old: readonly StoredFile[]): Promise<void> => {
      const named = await options.isNamed(old.map(({ key }) => key));
      for (const file of old) {
        if (named.has(file.key) || !(await this.#removeIfUntouched(file.key, sinceMs))) keep(file);
        else removed += 1;
      }
    };
    let old: StoredFile[] = [];
    for await (const file of storedFiles(this.#directory)) {
      if (file.changedMs > sinceMs) keep(file);
      else old.push(file);
      if (old.length < SWEEP_BATCH) continue;
      await judge(old);
      old = [];
    }
    if (old.length > 0) await judge(old);
    this.#set(bytes, addedBefore);
    return { kept, removed, bytes };
  }

  async discard(keys: readonly string[], { graceS, isNamed }: SweepOptions): Promise<void> {
    const sinceMs = Date.now() - graceS * 1_000;
    const ours = [...new Set(keys)].filter(isKey);
    for (let at = 0; at < ours.length; at += SWEEP_BATCH) {
      const some = ours.slice(at, at + SWEEP_BATCH);
      const named = await isNamed(some);
      for (const key of some) if (!named.has(key)) await this.#removeIfUntouched(key, sinceMs);
    }
  }

  async close(): Promise<void> {
    await Promise.allSettled(this.#busy.values());
  }

  #pathOf(key: string): string {
    if (!isKey(key)) throw new Error('bug: only keys become paths');
    return path.join(this.#directory, ...key.split('/'));
  }

  async #sizeOf(key: string): Promise<number> {
    return (await ifThere(stat(this.#pathOf(key))))?.size ?? 0;
  }

  async #remove(key: string): Promise<void> {
    const bytes = await this.#sizeOf(key);
    const isGone = await ifThere(unlink(this.#pathOf(key)).then(() => true));
    if (isGone === true) this.#bytes -= bytes;
  }

  /** @returns false where it was put anew since */
  #removeIfUntouched(key: string, sinceMs: number): Promise<boolean> {
    return this.#alone(key, async () => {
      const file = await ifThere(stat(this.#pathOf(key)));
      if (file !== null && file.mtimeMs > sinceMs) return false;
      await this.#remove(key);
      return true;
    });
  }

  async #alone<T>(key: string, act: () => Promise<T>): Promise<T> {
    const before = this.#busy.get(key) ?? Promise.resolve();
    const running = before.then(act, act);
    this.#busy.set(key, running);
    try {
      return await running;
    } finally {
      if (this.#busy.get(key) === running) this.#busy.delete(key);
    }
  }

  /** Reserves room before anything is written, so that many at once do not share the same last bytes. */
  async #takeRoom(kind: StoredKind, growth: number): Promise<void> {
    const limit = this.#budgetBytes * (kind === 'frame' ? FRAME_SHARE : 1);
    const isRoom = (): boolean => growth <= 0 || this.#bytes + this.#reserved + growth <= limit;
    if (!isRoom() && Date.now() - this.#countedAtMs >= RECOUNT_MS) {
      this.#counting ??= this.#count().finally(() => (this.#counting = null));
      await this.#counting;
    }
    if (!isRoom()) {
      if (kind === 'frame') this.#tell(true);
      const held = `${this.#bytes} of at most ${Math.floor(this.#budgetBytes)} bytes`;
      throw new StoreFull(`the frame store holds ${held}: no room for a ${kind} of ${growth}`);
    }
    this.#reserved += growth;
  }

  #fullOrUnavailable(cause: unknown): Error {
    const code = systemCode(cause);
    if (code !== 'ENOSPC' && code !== 'EDQUOT') return unavailable(cause);
    this.#tell(true);
    return new StoreFull(`the volume of the frame store has no room left (${code})`, { cause });
  }

  /** Once each way, not once a picture. */
  #tell(isFull: boolean): void {
    if (isFull === this.#isFull) return;
    this.#isFull = isFull;
    const held = `${this.#bytes} of at most ${Math.floor(this.#budgetBytes)} bytes held`;
    this.#log(
      isFull ? `the frame store is full, frames are refused: ${held}` : `the frame store has room again: ${held}`,
    );
  }

  async #count(): Promise<void> {
    const addedBefore = this.#added;
    let bytes = 0;
    for await (const file of storedFiles(this.#directory)) bytes += file.bytes;
    this.#set(bytes, addedBefore);
  }

  /** What was put during a count is perhaps in it: counted twice until the next one, which errs on the safe side. */
  #set(counted: number, addedBefore: number): void {
    this.#bytes = counted + (this.#added - addedBefore);
    this.#countedAtMs = Date.now();
  }
}

/** The file appears whole or not at all. */
async function writeWhole(place: string, bytes: Buffer): Promise<void> {
  const temporary = temporaryName(place, randomBytes(8).toString('hex'));
  const write = (): Promise<void> => writeFile(temporary, bytes, { flag: 'wx', mode: 0o600 });
  try {
    await write().catch(async (error: unknown) => {
      if (systemCode(error) !== 'ENOENT') throw error;
      await mkdir(path.dirname(place), { recursive: true, mode: 0o700 });
      return write();
    });
    await rename(temporary, place);
  } catch (error) {
    await unlink(temporary).catch(() => undefined);
    throw error;
  }
}

async function shareOfVolume(directory: string): Promise<number> {
  const { blocks, bsize } = await statfs(directory);
  return blocks * bsize * DEFAULT_SHARE_OF_VOLUME;
}

function isNamedBy(key: string, bytes: Buffer): boolean {
  const hash = createHash('sha256').update(bytes).digest('hex');
  return key.endsWith(`/${hash.slice(0, 2)}/${hash.slice(2)}`);
}
