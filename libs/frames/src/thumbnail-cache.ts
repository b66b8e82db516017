/**
 * Pictures made on demand, the least recently used forgotten first. A key must name everything that the bytes depend
 * on (frame, width, blur, mask revision): an entry is never renewed, it falls out.
 */
export class ThumbnailCache {
  readonly #kept = new Map<string, Buffer>();
  readonly #making = new Map<string, Promise<Buffer>>();
  readonly #maxBytes: number;
  #bytes = 0;

  /** @param options.maxBytes held at most; default 64 MiB, about 2,000 pictures of 640 pixels */
  constructor(options: { maxBytes?: number } = {}) {
    this.#maxBytes = options.maxBytes ?? 64 * 1024 * 1024;
  }

  /** Bytes held now. */
  get bytes(): number {
    return this.#bytes;
  }

  /**
   * The picture of a key. Callers who ask while it is being made get that one; a failure is everybody's who waited and
   * is not remembered.
   */
  async get(key: string, make: () => Promise<Buffer>): Promise<Buffer> {
    const kept = this.#kept.get(key);
    if (kept !== undefined) {
      // A Map keeps the order of insertion: what was used last goes to the end.
      this.#kept.delete(key);
      this.#kept.set(key, kept);
      return kept;
    }
    const running = this.#making.get(key);
    if (running !== undefined) return running;
    const making = this.#make(key, make).finally(() => this.#making.delete(key));
    this.#making.set(key, making);
    return making;
  }

  async #make(key: string, make: () => Promise<Buffer>): Promise<Buffer> {
    const picture = await make();
    if (picture.length <= this.#maxBytes) {
      this.#kept.set(key, picture);
      this.#bytes += picture.length;
    }
    for (const [oldest, { length }] of this.#kept) {
      if (this.#bytes <= this.#maxBytes) break;
      this.#kept.delete(oldest);
      this.#bytes -= length;
    }
    return picture;
  }
}
