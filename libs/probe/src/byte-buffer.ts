/** Up to 4 KiB are taken from a pool of Node's. */
const FIRST_CAPACITY = 2 * 1024;
/** A larger store has the limit's size at once: pages that are never touched take no memory, stores left behind do. */
const LARGE_BYTES = 512 * 1024;
const NOTHING = Buffer.alloc(0);

/** Something that holds frame memory and can be told to let go of it. */
export interface FrameHolder {
  /** Told when the budget is used up and this holder has the most: it must end and release. */
  drop(): void;
}

/**
 * The memory that all frames being read may take together (security.md SSRF-8). When a claim goes beyond it, the largest
 * holder is dropped, so that one endless picture never costs the small ones their place.
 */
export class FrameBudget {
  readonly #held = new Map<FrameHolder, number>();
  #totalBytes = 0;

  constructor(private readonly limitBytes: number) {}

  get totalBytes(): number {
    return this.#totalBytes;
  }

  /** Says how much a holder has now, in bytes; 0 releases it. */
  claim(holder: FrameHolder, bytes: number): void {
    this.#totalBytes += bytes - (this.#held.get(holder) ?? 0);
    if (bytes === 0) this.#held.delete(holder);
    else this.#held.set(holder, bytes);
    while (this.#totalBytes > this.limitBytes) {
      const [largest, held] = [...this.#held].reduce((most, one) => (one[1] > most[1] ? one : most));
      this.#held.delete(largest);
      this.#totalBytes -= held;
      largest.drop();
    }
  }
}

/**
 * Bytes that come at the end and go at the front. It grows by factors and moves its content only when full, so that a
 * picture that comes in a thousand pieces is copied a few times, not a thousand.
 */
export class ByteBuffer {
  #store = NOTHING;
  #from = 0;
  #to = 0;
  /** How far the store was ever written. */
  #touchedTo = 0;

  /** @param limitBytes never holds more; asking for more is a bug of the caller, who knows the caps. */
  constructor(private readonly limitBytes: number) {}

  get length(): number {
    return this.#to - this.#from;
  }

  /** Memory taken, bytes; of a large store in steps of `LARGE_BYTES`. */
  get capacity(): number {
    return Math.min(this.#store.length, Math.max(1, Math.ceil(this.#touchedTo / LARGE_BYTES)) * LARGE_BYTES);
  }

  /** The content; valid until the next `append` or `drop`. */
  view(): Buffer {
    return this.#store.subarray(this.#from, this.#to);
  }

  append(chunk: Uint8Array): void {
    if (this.#to + chunk.length > this.#store.length) this.#makeRoom(chunk.length);
    this.#store.set(chunk, this.#to);
    this.#to += chunk.length;
    if (this.#to > this.#touchedTo) this.#touchedTo = this.#to;
  }

  /** Forgets the first `count` bytes. */
  drop(count: number): void {
    if (count > this.length) throw new Error('bug: more dropped than held');
    this.#from += count;
    if (this.#from === this.#to) this.#from = this.#to = 0;
  }

  /** Forgets everything and gives the memory back. */
  release(): void {
    this.#store = NOTHING;
    this.#from = this.#to = this.#touchedTo = 0;
  }

  #makeRoom(count: number): void {
    const { length } = this;
    const needed = length + count;
    if (needed > this.limitBytes) throw new Error(`bug: ${needed} bytes in a buffer of at most ${this.limitBytes}`);
    // Moving within the store pays only where it frees a good part of it.
    const isRoomy = needed <= this.#store.length / 2;
    const grown = Math.min(this.limitBytes, Math.max(FIRST_CAPACITY, needed, 2 * this.#store.length));
    const store = isRoomy ? this.#store : Buffer.allocUnsafe(grown > LARGE_BYTES ? this.limitBytes : grown);
    if (!isRoomy) this.#touchedTo = length;
    this.#store.copy(store, 0, this.#from, this.#to);
    this.#store = store;
    this.#from = 0;
    this.#to = length;
  }
}
