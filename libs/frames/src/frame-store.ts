import { createHash } from 'node:crypto';
import { StorageFull } from '#catalog';

/** What is kept: clean frames, and tiles of heights. */
export const STORED_KINDS = ['frame', 'terrain'] as const;
export type StoredKind = (typeof STORED_KINDS)[number];

/** There is no room for another frame. Nothing else is wrong: what is kept is still served, and room may come back. */
export class StoreFull extends StorageFull {}

/** What a sweep leaves alone. */
export interface SweepOptions {
  /** Seconds since it was put within which nothing goes. */
  readonly graceS: number;
  /** Of these keys, those that are still pointed to; asked in batches of at most 500. */
  readonly isNamed: (keys: readonly string[]) => Promise<ReadonlySet<string>>;
}

/** Keeps pictures under the hash of their bytes. A key never comes to mean other bytes, so whoever holds one may cache for ever. */
export interface FrameStore {
  /**
   * Keeps bytes and answers their key; the same bytes have the same key, and keeping them again only makes them young.
   * Kept means readable by every process now; a power cut may take the newest frames, never leave half of one.
   * @throws StoreFull where there is no room
   * @throws FramesUnavailable where the store does not work
   */
  put(kind: StoredKind, bytes: Buffer): Promise<string>;
  /** The bytes whole and unchanged, or null where they are not kept. @throws FramesUnavailable */
  get(key: string): Promise<Buffer | null>;
  /** Forgets bytes; nothing happens where they are not kept. Cameras may share a key: see {@link sweep}. @throws FramesUnavailable */
  delete(key: string): Promise<void>;
  /**
   * Removes what nobody names and what is older than the grace time, which covers the gap between bytes (first) and
   * their pointer (second): design page "reliability", REL-2, one hour.
   * @returns how many objects stay and went, and the bytes held afterwards
   * @throws FramesUnavailable, or whatever `isNamed` throws; what was not judged stays
   */
  sweep(options: SweepOptions): Promise<{ kept: number; removed: number; bytes: number }>;
  /** Removes of these what a {@link sweep} would remove, at once: their time is over, and nobody waits for the next sweep. @throws as it does */
  discard(keys: readonly string[], options: SweepOptions): Promise<void>;
  /** Share of its room that is taken, from 0 to 1, as far as this process knows; 0 where it has no bound. */
  readonly fullness: number;
  /** Waits for what is being written. */
  close(): Promise<void>;
}

/** Most keys that `isNamed` is asked at once. */
export const SWEEP_BATCH = 500;

const KEY = /^(frame|terrain)\/[0-9a-f]{2}\/[0-9a-f]{62}$/;

/** Whether a text is a key of a frame store. Nothing else ever becomes a path or the name of an object. */
export const isKey = (text: string): boolean => KEY.test(text);

/** The key of bytes: kind and SHA-256, the first two digits apart so that a directory store has 256 small directories. */
export function keyOf(kind: StoredKind, bytes: Buffer): string {
  const hash = createHash('sha256').update(bytes).digest('hex');
  return `${kind}/${hash.slice(0, 2)}/${hash.slice(2)}`;
}
