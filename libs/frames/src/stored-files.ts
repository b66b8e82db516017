import type { Dirent } from 'node:fs';
import { readdir, stat, unlink } from 'node:fs/promises';
import path from 'node:path';
import { FramesUnavailable } from '#catalog';
import { isKey, STORED_KINDS, type StoredKind } from './frame-store.js';

/** A picture that lies in a directory store. */
export interface StoredFile {
  readonly key: string;
  readonly bytes: number;
  readonly changedMs: number;
}

/** A temporary file that old is what a killed process left. */
const TEMPORARY_AGE_MS = 10 * 60_000;
const STATS_AT_ONCE = 64;
const PREFIX = /^[0-9a-f]{2}$/;
const TEMPORARY = /^\.[0-9a-f]{62}\.[0-9a-f]{16}$/;

/** Name, beside its place, of a file that is being written. @param random 16 hex digits */
export const temporaryName = (place: string, random: string): string =>
  path.join(path.dirname(place), `.${path.basename(place)}.${random}`);

/**
 * Every picture below a directory. Removes temporary files older than 10 minutes on its way and passes over what is not ours.
 * @throws FramesUnavailable
 */
export async function* storedFiles(directory: string): AsyncGenerator<StoredFile> {
  for (const kind of STORED_KINDS) {
    for (const prefix of await entriesOf(path.join(directory, kind))) {
      if (!prefix.isDirectory() || !PREFIX.test(prefix.name)) continue;
      const names = (await entriesOf(path.join(directory, kind, prefix.name)))
        .filter((entry) => entry.isFile())
        .map(({ name }) => name);
      for (let at = 0; at < names.length; at += STATS_AT_ONCE) {
        const some = names.slice(at, at + STATS_AT_ONCE);
        const found = await Promise.all(some.map((name) => look(directory, kind, prefix.name, name)));
        yield* found.filter((file) => file !== null);
      }
    }
  }
}

async function look(directory: string, kind: StoredKind, prefix: string, name: string): Promise<StoredFile | null> {
  const key = `${kind}/${prefix}/${name}`;
  const isTemporary = TEMPORARY.test(name);
  if (!isTemporary && !isKey(key)) return null;
  const place = path.join(directory, kind, prefix, name);
  const file = await ifThere(stat(place));
  if (file === null) return null;
  if (!isTemporary) return { key, bytes: file.size, changedMs: file.mtimeMs };
  if (file.mtimeMs < Date.now() - TEMPORARY_AGE_MS) await ifThere(unlink(place));
  return null;
}

async function entriesOf(directory: string): Promise<Dirent[]> {
  return (await ifThere(readdir(directory, { withFileTypes: true }))) ?? [];
}

/** The result, or null where the file is not there. @throws FramesUnavailable */
export async function ifThere<T>(result: Promise<T>): Promise<T | null> {
  try {
    return await result;
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return null;
    throw unavailable(error);
  }
}

/** The system's word for an error, such as `ENOSPC`. */
export function systemCode(error: unknown): string | undefined {
  const code = typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined;
  return typeof code === 'string' ? code : undefined;
}

export const unavailable = (cause: unknown): FramesUnavailable =>
  new FramesUnavailable(`the frame store does not work (${systemCode(cause) ?? 'unknown cause'})`, { cause });
